//! The end of the log, read once for all who follow it: one thread reads what was committed, keeps the latest events in memory and wakes
//! whoever waits. Appending costs one signal, however many wait.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::feed::{FeedRow, Sieve, read_stretch};
use super::{AnyConnection, Database, Kept, OpenError, ReadError};

/// Events kept in memory while somebody follows.
const KEPT_MAX: usize = 2048;
/// Those who follow are woken at most so often: under load many commits wake them once.
const PAUSE: Duration = Duration::from_millis(10);

struct Shared {
    rows: RwLock<VecDeque<Arc<FeedRow>>>,
    /// The last position that was read; changes whenever those who wait ought to look.
    head: watch::Sender<i64>,
}

/// See the module. The thread ends with the last handle.
#[derive(Clone)]
pub struct Tail {
    shared: Arc<Shared>,
    signal: mpsc::Sender<()>,
}

impl Tail {
    /// Starts the thread.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(database: Database) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { rows: RwLock::default(), head: watch::Sender::new(0) });
        let (signal, mut signals) = mpsc::channel(1);
        let reading = shared.clone();
        std::thread::Builder::new().name("tail".to_owned()).spawn(move || {
            let mut kept = Kept::new(move || database.open_reader());
            while signals.blocking_recv().is_some() {
                reading.read_on(&mut kept);
                std::thread::sleep(PAUSE);
            }
        })?;
        Ok(Self { shared, signal })
    }

    /// To be told when something was, or may have been, committed. Costs next to nothing.
    pub fn moved(&self) {
        // When a signal is on its way already, it tells of this as well.
        let _ = self.signal.try_send(());
    }

    /// Wakes with every change from now on.
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.shared.head.subscribe()
    }

    /// How many follow.
    pub fn followers(&self) -> usize {
        self.shared.head.receiver_count()
    }

    /// The latest events after a position, if all of them are in memory.
    pub fn after(&self, position: i64) -> Option<Vec<Arc<FeedRow>>> {
        let rows = self.shared.rows.read().unwrap_or_else(PoisonError::into_inner);
        let first = rows.front()?.position;
        let skipped = usize::try_from(position + 1 - first).ok().filter(|skipped| *skipped < rows.len())?;
        Some(rows.range(skipped..).cloned().collect())
    }
}

impl Shared {
    fn read_on<F>(&self, kept: &mut Kept<F>)
    where
        F: FnMut() -> Result<AnyConnection, OpenError>,
    {
        if self.head.receiver_count() == 0 {
            self.rows.write().unwrap_or_else(PoisonError::into_inner).clear();
            return;
        }
        match kept.get().map_err(ReadError::from).and_then(|open| self.new_rows(open)) {
            // The watcher asks now and then whether there is anything new.
            Ok((rows, head)) if rows.is_empty() && head == *self.head.borrow() => {}
            Ok((rows, head)) => {
                self.keep(rows);
                self.head.send_replace(head);
            }
            Err(why) => {
                log::warn!("the end of the log could not be read error={why}");
                kept.broke();
                self.rows.write().unwrap_or_else(PoisonError::into_inner).clear();
                // Whoever waits looks for itself.
                self.head.send_modify(|_| {});
            }
        }
    }

    fn new_rows(&self, open: &mut AnyConnection) -> Result<(Vec<FeedRow>, i64), ReadError> {
        let last = self.rows.read().unwrap_or_else(PoisonError::into_inner).back().map(|row| row.position);
        let kept_max = i64::try_from(KEPT_MAX).unwrap_or(i64::MAX);
        let head = super::head_position(open)?;
        let from = last.filter(|last| head - last <= kept_max).unwrap_or(*self.head.borrow()).max(head - kept_max);
        let stretch = read_stretch(open, &Sieve::default(), from, kept_max, kept_max)?;
        Ok((stretch.rows, stretch.through.max(head)))
    }

    fn keep(&self, new: Vec<FeedRow>) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let follows = |rows: &VecDeque<Arc<FeedRow>>| {
            rows.back().zip(new.first()).is_some_and(|(last, first)| last.position + 1 == first.position)
        };
        if !follows(&rows) {
            rows.clear();
        }
        rows.extend(new.into_iter().map(Arc::new));
        let spare = rows.len().saturating_sub(KEPT_MAX);
        rows.drain(..spare);
    }
}
