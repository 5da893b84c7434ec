//! Follows what other instances write: a thread with a connection of its own that is told by the database, or else looks at intervals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;

use super::kept::Kept;
use super::postgres::CHANNEL;
use super::{AnyConnection, Database, OpenError, ReadError};

/// How often the connection is asked whether it was told something; asking costs one system call.
const LISTEN_EVERY: Duration = Duration::from_millis(10);

/// The thread; it ends when this is dropped.
pub struct Watcher {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Calls `look` every `interval`, and at once when another instance has written.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(
        database: Database,
        interval: Duration,
        mut look: impl FnMut(&mut AnyConnection) -> Result<(), ReadError> + Send + 'static,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name("watcher".to_owned()).spawn(move || {
            let mut kept = Kept::new(move || listen(&database));
            while !stopped.load(Ordering::Acquire) {
                let looked = kept.get().map_err(ReadError::from).and_then(|open| look(open).map(|()| open));
                match looked {
                    Ok(open) => wait(open, interval, &stopped),
                    Err(why) => {
                        log::warn!("the database cannot be followed; trying again error={why}");
                        kept.broke();
                        std::thread::park_timeout(interval);
                    }
                }
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic in there is logged by the panic hook; nothing is left to do about it.
            let _ = thread.join();
        }
    }
}

fn listen(database: &Database) -> Result<AnyConnection, OpenError> {
    let mut connection = database.open_reader()?;
    if let AnyConnection::Postgres(postgres) = &mut connection {
        postgres.batch_execute(&format!("LISTEN {CHANNEL}")).map_err(OpenError::of)?;
    }
    Ok(connection)
}

/// Waits for the interval, or until something was told.
fn wait(connection: &mut AnyConnection, interval: Duration, stopped: &AtomicBool) {
    let until = Instant::now() + interval;
    let AnyConnection::Postgres(postgres) = connection else {
        std::thread::park_timeout(interval);
        return;
    };
    while Instant::now() < until && !stopped.load(Ordering::Acquire) {
        // All that was told is one reason to look; a broken connection shows itself when looking.
        if postgres.notifications_iter().map_while(Result::ok).count() > 0 {
            return;
        }
        std::thread::park_timeout(LISTEN_EVERY);
    }
}
