//! Ids that nobody has given before.

use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

thread_local! {
    /// What this thread's next id ends in: random at first, then counted up.
    static NEXT_TAIL: Cell<Option<u64>> = const { Cell::new(None) };
}

/// A `UUIDv7` for an event or a request. It has to be unique but not hard to guess, so the system is asked for randomness once a thread
/// only, and threads share nothing.
pub fn unique_id() -> Uuid {
    let tail = NEXT_TAIL.get().unwrap_or_else(|| Uuid::now_v7().as_u64_pair().1);
    NEXT_TAIL.set(Some(tail.wrapping_add(1)));
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut random = [0; 10];
    random[2..].copy_from_slice(&tail.to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(since.as_millis()).unwrap_or_default(), &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_within_a_thread_and_across_threads() {
        let some = || std::thread::spawn(|| (0..1000).map(|_| unique_id()).collect::<Vec<_>>());
        let threads = [some(), some(), some()];
        let ids: std::collections::HashSet<Uuid> =
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ids.len(), 3000);
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
    }
}
