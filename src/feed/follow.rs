//! Following the log: what is new is taken from memory when it is there, from the database when it is not, and waited for when there is nothing.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::params::{After, not_reached, require_reached};
use super::streams::Streams;
use crate::kernel::Refusal;
use crate::kernel::problem_codes::INVALID_HEADER;
use crate::storage::{FeedRow, Sieve, head_position, read_stretch};
use crate::web::{Caller, Problem};

/// Positions looked at in one read when few of them are let through.
const POSITIONS_MAX: i64 = 20_000;

/// What came of one read.
pub struct Next {
    /// What the sieve lets through.
    pub rows: Vec<Arc<FeedRow>>,
    /// The last position that was looked at.
    pub through: i64,
    /// The last position that was known to be there.
    pub head: i64,
}

/// Somebody who reads on from a position.
pub struct Follower {
    caller: Caller,
    sieve: Sieve,
    position: i64,
    /// Until the end was reached once, nothing but the database is asked: it knows what this very client has just recorded.
    caught_up: bool,
    heads: watch::Receiver<i64>,
    closing: watch::Receiver<bool>,
}

impl Follower {
    /// Begins where it was asked to.
    ///
    /// # Errors
    /// `invalid_parameter` for a position that is not there yet.
    pub async fn begin(caller: Caller, sieve: Sieve, after: After, streams: &Streams) -> Result<Self, Problem> {
        // From here on nothing is missed: what is committed before is read, what is committed after wakes.
        let heads = caller.service.tail.subscribe();
        let head = caller.service.look_up(|connection| Ok(head_position(connection)?)).await?;
        let position = match after {
            After::Head => head,
            After::Position(position) => {
                require_reached(position, head)?;
                position
            }
            After::LastEventId(position) => {
                if position > head {
                    return Err(Refusal::new(&INVALID_HEADER, not_reached("`Last-Event-ID`: ", position, head)).into());
                }
                position
            }
        };
        Ok(Self { caller, sieve, position, caught_up: false, heads, closing: streams.closing() })
    }

    /// The position up to which everything was read.
    pub const fn position(&self) -> i64 {
        self.position
    }

    /// Reads on.
    ///
    /// # Errors
    /// When the key was revoked, or the database cannot be read.
    pub async fn read(&mut self, limit: i64) -> Result<Next, Problem> {
        self.caller.require_still_valid().await?;
        let kept = if self.caught_up { self.caller.service.tail.after(self.position) } else { None };
        let next = match kept {
            Some(rows) => self.sift(rows, usize::try_from(limit).unwrap_or(usize::MAX)),
            None => self.read_stored(limit).await?,
        };
        self.position = next.through;
        self.caught_up = self.caught_up || next.through == next.head;
        Ok(next)
    }

    fn sift(&self, rows: Vec<Arc<FeedRow>>, limit: usize) -> Next {
        let head = rows.last().map_or(self.position, |row| row.position);
        let mut next = Next { rows: Vec::new(), through: head, head };
        for row in rows.into_iter().filter(|row| self.sieve.admits(row)) {
            let position = row.position;
            next.rows.push(row);
            if next.rows.len() == limit {
                next.through = position;
                break;
            }
        }
        next
    }

    async fn read_stored(&self, limit: i64) -> Result<Next, Problem> {
        let (sieve, after) = (self.sieve.clone(), self.position);
        let positions_max = if sieve.is_open() { limit } else { POSITIONS_MAX };
        let read = move |connection: &mut _| Ok(read_stretch(connection, &sieve, after, limit, positions_max)?);
        let stretch = self.caller.service.read(read).await?;
        let rows = stretch.rows.into_iter().map(Arc::new).collect();
        Ok(Next { rows, through: stretch.through, head: stretch.head })
    }

    /// Waits until there may be more, or the time is over, or the service stops; tells whether there may be more.
    pub async fn wait_until(&mut self, deadline: Instant) -> bool {
        let changed = Box::pin(self.heads.changed());
        let closing = Box::pin(self.closing.wait_for(|closing| *closing));
        let left = deadline.saturating_duration_since(Instant::now());
        matches!(timeout(left, select(changed, closing)).await, Ok(Either::Left((Ok(()), _))))
    }

    /// Reads until there is an event, the end was reached and the time is over. Looks at one stretch at least; a long stretch without an
    /// event is an answer too, when nothing is to be waited for.
    ///
    /// # Errors
    /// As [`Follower::read`].
    pub async fn read_or_wait(&mut self, limit: i64, wait: Duration) -> Result<Next, Problem> {
        let deadline = Instant::now() + wait;
        loop {
            let next = self.read(limit).await?;
            let over = !next.rows.is_empty() || Instant::now() >= deadline;
            if over || (next.through == next.head && !self.wait_until(deadline).await) {
                return Ok(next);
            }
        }
    }
}
