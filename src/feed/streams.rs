//! Answers that go on: lines of a long read, and Server-Sent Events. What a client does not take is not read ahead of it, nothing is held open
//! in the database in between, and a key that is revoked ends its streams.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, join, select};
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::cloud::CloudEvents;
use super::follow::{Follower, Next};
use crate::kernel::problem_codes::{INTERNAL, RATE_LIMITED};
use crate::kernel::{Refusal, Timestamp};
use crate::storage::{FeedRow, Sieve, Stretch, read_stretch};
use crate::web::{Caller, Problem};

/// Streams and long polls at once: of one organisation, and in all.
const STREAMS_OF_ONE_MAX: usize = 64;
const STREAMS_MAX: usize = 4096;
/// Events read at most, and positions looked at, for one piece of a stream.
const PIECE_EVENTS: i64 = 2000;
const PIECE_POSITIONS: i64 = 20_000;
/// Events read at a time for those who listen.
const LIVE_EVENTS: i64 = 500;
/// When a piece was longer than this, in bytes, the next has fewer events: what a stream holds in memory stays the same, whatever they hold.
const PIECE_BYTES: usize = 2 << 20;
const PIECE_EVENTS_MIN: i64 = 32;
/// Pieces that wait for a client to take them, while the next is made.
pub const PIECES_WAITING: usize = 1;
/// How long a client may leave a piece lying.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How often a stream with nothing to tell gives a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a client waits before it connects again, in milliseconds.
const RETRY_MILLISECONDS: u32 = 2000;

/// A piece of an answer.
pub type Piece = Vec<u8>;

/// The streams there are.
pub struct Streams {
    open: Mutex<HashMap<Uuid, usize>>,
    closing: watch::Sender<bool>,
}

impl Default for Streams {
    fn default() -> Self {
        Self { open: Mutex::default(), closing: watch::Sender::new(false) }
    }
}

/// A place among the streams, given back when it is dropped.
pub struct Place {
    streams: Arc<Streams>,
    organisation: Uuid,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.organisation) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.organisation);
            }
        }
    }
}

impl Streams {
    /// Takes a place.
    ///
    /// # Errors
    /// `too_many_requests`.
    pub fn place(self: &Arc<Self>, organisation: Uuid) -> Result<Place, Problem> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let own = open.entry(organisation).or_default();
        if *own >= STREAMS_OF_ONE_MAX || all >= STREAMS_MAX {
            if *own == 0 {
                open.remove(&organisation);
            }
            let most = STREAMS_OF_ONE_MAX;
            let why = text!(
                "Terlalu banyak aliran terbuka; satu organisasi paling banyak {most}. Tutup satu, lalu coba lagi setelah `Retry-After` detik.",
                "Too many streams are open; an organisation may have {most}. Close one, then try again after `Retry-After` seconds."
            );
            return Err(Refusal::new(&RATE_LIMITED, why).into());
        }
        *own += 1;
        Ok(Place { streams: self.clone(), organisation })
    }

    /// Tells when the service is stopping.
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Ends all streams: the service is stopping.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }
}

impl Place {
    fn is_closing(&self) -> bool {
        *self.streams.closing.borrow()
    }
}

/// A long read as lines.
pub struct LongRead {
    /// Who reads.
    pub caller: Caller,
    /// Which events.
    pub sieve: Sieve,
    /// After this position …
    pub after: i64,
    /// … up to this one.
    pub up_to: i64,
    /// At most so many events.
    pub limit: Option<i64>,
    /// Writes them.
    pub events: CloudEvents,
    /// Its place among the streams.
    pub place: Option<Place>,
}

impl LongRead {
    /// Sends the lines, and a last one that says what was looked at: without it the answer is not complete.
    pub async fn send(mut self, sender: Sender<Piece>) {
        if let Err(why) = self.send_all(&sender).await {
            log_end(&self.caller, &why);
        }
    }

    async fn send_all(&mut self, sender: &Sender<Piece>) -> Result<(), Problem> {
        let began_after = self.after;
        let mut most = PIECE_EVENTS;
        let mut read = self.read(self.after, most.min(self.limit.unwrap_or(most))).await?;
        let mut sent = count(&read.rows);
        loop {
            self.after = read.through;
            let left = self.limit.map_or(most, |limit| most.min(limit - sent));
            let more = self.after < self.up_to && left > 0;
            // While events are written, the next are read.
            let writing = write_lines(std::mem::take(&mut self.events), read.rows);
            let reading = async { if more { self.read(self.after, left).await.map(Some) } else { Ok(None) } };
            let (written, next) = join(writing, reading).await;
            let (events, piece) = written?;
            self.events = events;
            let fewer = piece.len() > PIECE_BYTES;
            most = if fewer { most / 2 } else { most * 2 }.clamp(PIECE_EVENTS_MIN, PIECE_EVENTS);
            if self.place.as_ref().is_some_and(Place::is_closing) || !send(sender, piece).await {
                return Ok(());
            }
            let Some(next) = next? else { break };
            sent += count(&next.rows);
            read = next;
        }
        let mut last = Vec::new();
        let now: Timestamp = self.caller.service.clock.now();
        self.events.write_end(&mut last, (began_after, self.after), sent.unsigned_abs(), now);
        last.push(b'\n');
        send(sender, last).await;
        Ok(())
    }

    /// The next events after a position. They are read off the workers.
    async fn read(&self, after: i64, limit: i64) -> Result<Stretch, Problem> {
        self.caller.require_still_valid().await?;
        let (sieve, up_to) = (self.sieve.clone(), self.up_to);
        let positions_max = if sieve.is_open() { limit } else { PIECE_POSITIONS };
        let read = self.caller.service.read(move |connection| {
            let mut stretch = read_stretch(connection, &sieve, after, limit, positions_max.min(up_to - after))?;
            stretch.rows.retain(|row| row.position <= up_to);
            Ok(Stretch { through: stretch.through.min(up_to), ..stretch })
        });
        read.await
    }
}

fn count(rows: &[FeedRow]) -> i64 {
    i64::try_from(rows.len()).unwrap_or(i64::MAX)
}

/// Writes events as lines, off the workers.
async fn write_lines(mut events: CloudEvents, rows: Vec<FeedRow>) -> Result<(CloudEvents, Piece), Problem> {
    let written = tokio::task::spawn_blocking(move || {
        let mut text = Vec::with_capacity(rows.iter().map(|row| row.data.len() + 900).sum());
        for row in &rows {
            events.write(&mut text, row);
            text.push(b'\n');
        }
        (events, text)
    });
    written.await.map_err(|_| Problem::of(&INTERNAL))
}

/// Events as they come, for as long as the client listens.
pub struct Live {
    /// Who listens.
    pub caller: Caller,
    /// Where it has come to.
    pub follower: Follower,
    /// Writes the events.
    pub events: CloudEvents,
    /// Its place among the streams.
    pub place: Place,
}

impl Live {
    /// Sends what there is, then what comes.
    pub async fn send(mut self, sender: Sender<Piece>) {
        let mut text = format!("retry: {RETRY_MILLISECONDS}\n\n").into_bytes();
        let mut told = self.follower.position();
        loop {
            let next = match self.follower.read(LIVE_EVENTS).await {
                Ok(next) => next,
                Err(why) => return log_end(&self.caller, &why),
            };
            told = write_live(&mut text, &mut self.events, &next).unwrap_or(told);
            if !text.is_empty() && !send(&sender, std::mem::take(&mut text)).await {
                return;
            }
            if next.through < next.head {
                continue;
            }
            let deadline = Instant::now() + HEARTBEAT;
            let gone = Box::pin(sender.closed());
            let woken = match select(Box::pin(self.follower.wait_until(deadline)), gone).await {
                Either::Left((woken, _)) if !self.place.is_closing() => woken,
                _ => return,
            };
            if !woken {
                told = write_sign_of_life(&mut text, told, self.follower.position());
            }
        }
    }
}

/// A sign of life; positions that were looked at and hold nothing for this reader are told as well.
fn write_sign_of_life(text: &mut Vec<u8>, told: i64, position: i64) -> i64 {
    text.extend_from_slice(b":\n");
    if told < position {
        text.extend_from_slice(format!("id: {position}\n").as_bytes());
    }
    text.push(b'\n');
    told.max(position)
}

/// Writes events as a browser reads them; tells the last position that was written.
fn write_live(text: &mut Vec<u8>, events: &mut CloudEvents, next: &Next) -> Option<i64> {
    let mut id = String::new();
    for row in &next.rows {
        let row: &FeedRow = row;
        id.clear();
        // Writing to memory does not fail.
        let _ = write!(id, "id: {}\ndata: ", row.position);
        text.extend_from_slice(id.as_bytes());
        events.write(text, row);
        text.extend_from_slice(b"\n\n");
    }
    next.rows.last().map(|row| row.position)
}

fn log_end(caller: &Caller, why: &Problem) {
    log::info!("a stream of events ended early reason={} request_id={}", why.0.code.name, caller.request_id.id);
}

/// Whether somebody still reads.
async fn send(sender: &Sender<Piece>, piece: Piece) -> bool {
    // An empty piece would end the answer.
    if piece.is_empty() {
        return !sender.is_closed();
    }
    matches!(timeout(PAUSE_MAX, sender.send(piece)).await, Ok(Ok(())))
}
