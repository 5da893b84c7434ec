//! When each key was last used: remembered here at the price of one store to memory a request, written about once a minute.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use uuid::Uuid;

use crate::kernel::Timestamp;
use crate::storage::{AnyConnection, Database, Kept, ReadError, note_key_uses};

/// How often what is new is written.
const WRITE_EVERY: Duration = Duration::from_mins(1);

/// The last uses of the keys that were seen working. There are never more of them than keys.
#[derive(Default)]
pub struct KeyUses(Mutex<HashMap<Uuid, Slot>>);

/// One key's.
struct Slot {
    last: Arc<AtomicI64>,
    written: i64,
}

impl KeyUses {
    fn slots(&self) -> MutexGuard<'_, HashMap<Uuid, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where to note that a key is used, in microseconds since 1970 UTC.
    pub(super) fn of(&self, key: Uuid) -> Arc<AtomicI64> {
        self.slots().entry(key).or_insert_with(|| Slot { last: Arc::default(), written: 0 }).last.clone()
    }

    /// Writes what is new.
    fn write(&self, connection: &mut AnyConnection) -> Result<(), ReadError> {
        let new: Vec<(Uuid, i64)> = self
            .slots()
            .iter()
            .map(|(key, slot)| (*key, slot.last.load(Ordering::Relaxed), slot.written))
            .filter(|(_, last, written)| last > written)
            .map(|(key, last, _)| (key, last))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let uses: Vec<(Uuid, Timestamp)> =
            new.iter().map(|(key, last)| (*key, Timestamp::from_micros(*last))).collect();
        note_key_uses(connection, &uses)?;
        let mut slots = self.slots();
        for (key, last) in new {
            if let Some(slot) = slots.get_mut(&key) {
                slot.written = last;
            }
        }
        Ok(())
    }
}

/// The thread that writes; it writes once more and ends when this is dropped.
pub struct UseWriter {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl UseWriter {
    /// Starts it.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(database: Database, uses: Arc<KeyUses>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name("key-uses".to_owned()).spawn(move || {
            let mut kept = Kept::new(move || database.open_writer());
            loop {
                let last = stopped.load(Ordering::Acquire);
                if !uses.slots().is_empty()
                    && let Err(why) = kept.get().map_err(ReadError::from).and_then(|open| uses.write(open))
                {
                    log::warn!("when keys were last used could not be written; trying again error={why}");
                    kept.broke();
                }
                if last {
                    return;
                }
                std::thread::park_timeout(WRITE_EVERY);
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for UseWriter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic in there is logged by the panic hook; nothing is left to do about it.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{key_uses, migrate};

    #[test]
    fn the_latest_use_of_a_key_is_written_whichever_instance_writes_last() {
        let folder = tempfile::TempDir::new().unwrap();
        let database = Database::Sqlite(folder.path().join("lumbung.db"));
        let mut connection = database.open_writer().unwrap();
        migrate(&mut connection).unwrap();
        let (key, unused) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (one, other) = (KeyUses::default(), KeyUses::default());
        one.of(key).store(50, Ordering::Relaxed);
        one.of(unused);
        other.of(key).store(40, Ordering::Relaxed);
        for uses in [&one, &other, &one] {
            uses.write(&mut connection).unwrap();
        }
        let noted = key_uses(&mut connection, &[key.to_string(), unused.to_string()]).unwrap();
        assert_eq!(noted, HashMap::from([(key.to_string(), Timestamp::from_micros(50))]));
        let uses = Arc::new(one);
        let writer = UseWriter::start(database, uses.clone()).unwrap();
        uses.of(key).store(60, Ordering::Relaxed);
        drop(writer);
        let noted = key_uses(&mut connection, &[key.to_string()]).unwrap();
        assert_eq!(noted[&key.to_string()], Timestamp::from_micros(60));
    }
}
