//! The files that were made, kept for whoever asks for the same: within a limit of bytes, the one longest unused going first.
//!
//! A file is made once: whoever asks for it meanwhile waits for the one maker. The maker goes on when a client goes away, so that the client finds
//! the file when it comes back. Files have no names; what leaves the shelf is gone when its last reader is.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::making::{Failure, Order, make};
use super::spool::Spooled;
use crate::storage::Readers;

/// Files on the shelf, however small: each holds a file descriptor.
const FILES_MAX: usize = 128;

/// What the shelf may cost.
#[derive(Clone, Debug)]
pub struct ShelfLimits {
    /// Where files are made.
    pub folder: PathBuf,
    /// Bytes of all files together, and so of one.
    pub bytes_max: u64,
    /// Files made at once.
    pub makers_max: usize,
    /// Files that may wait to be made.
    pub waiting_max: usize,
}

/// The shelf. Clones share it.
#[derive(Clone)]
pub struct Shelf {
    limits: Arc<ShelfLimits>,
    readers: Readers,
    state: Arc<Mutex<State>>,
}

type Made = Result<Arc<Spooled>, Failure>;

enum Entry {
    /// Made, and when it was used last, in uses.
    Ready(Arc<Spooled>, u64),
    /// Being made, or waiting to be; those who wait for it.
    Making(Vec<oneshot::Sender<Made>>),
}

#[derive(Default)]
struct State {
    entries: HashMap<String, Entry>,
    waiting: VecDeque<Order>,
    makers: usize,
    uses: u64,
}

/// Too many files wait to be made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

fn key(order: &Order) -> String {
    format!("{order:?}")
}

impl Shelf {
    /// An empty shelf.
    pub fn new(limits: ShelfLimits, readers: Readers) -> Self {
        Self { limits: Arc::new(limits), readers, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a panic may leave is a file nobody finds, never a wrong one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file, or where to wait for it.
    ///
    /// # Errors
    /// When too many wait.
    pub(super) fn ask(&self, order: &Order) -> Result<oneshot::Receiver<Made>, Full> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        state.uses += 1;
        let uses = state.uses;
        match state.entries.get_mut(&key(order)) {
            Some(Entry::Ready(file, used)) => {
                *used = uses;
                let _ = sender.send(Ok(file.clone()));
                return Ok(receiver);
            }
            Some(Entry::Making(waiters)) => {
                waiters.push(sender);
                return Ok(receiver);
            }
            None => {}
        }
        if state.waiting.len() >= self.limits.waiting_max {
            return Err(Full);
        }
        state.entries.insert(key(order), Entry::Making(vec![sender]));
        state.waiting.push_back(*order);
        if state.makers < self.limits.makers_max {
            state.makers += 1;
            let shelf = self.clone();
            let spawned = std::thread::Builder::new().name("dataset".to_owned()).spawn(move || shelf.make_waiting());
            if let Err(why) = spawned {
                log::error!("a maker of datasets cannot be started error={why}");
                state.makers -= 1;
                // Its sender is dropped with the entry, and whoever waits is told.
                state.waiting.pop_back();
                state.entries.remove(&key(order));
            }
        }
        Ok(receiver)
    }

    /// Makes what waits until nothing does.
    fn make_waiting(&self) {
        loop {
            let order = {
                let mut state = self.state();
                let Some(order) = state.waiting.pop_front() else {
                    state.makers -= 1;
                    return;
                };
                order
            };
            let make = || make(&order, &self.readers, &self.limits.folder, self.limits.bytes_max);
            let made = catch_unwind(AssertUnwindSafe(make));
            let made = made.unwrap_or_else(|_| Err(Failure::Other("the maker panicked".to_owned()))).map(Arc::new);
            self.put(&order, &made);
        }
    }

    /// Puts a file on the shelf and tells those who wait.
    fn put(&self, order: &Order, made: &Made) {
        let mut state = self.state();
        let waiters = state.entries.remove(&key(order));
        match made {
            Ok(file) => {
                state.uses += 1;
                let uses = state.uses;
                state.entries.insert(key(order), Entry::Ready(file.clone(), uses));
                state.make_room(self.limits.bytes_max);
            }
            Err(Failure::Database(why) | Failure::Other(why)) => log::error!(
                "a dataset's file cannot be made dataset={} format={} {} error={why}",
                order.name,
                order.format,
                order.points.logged()
            ),
        }
        drop(state);
        if let Some(Entry::Making(waiters)) = waiters {
            for waiter in waiters {
                // Who has gone away needs no answer.
                let _ = waiter.send(made.clone());
            }
        }
    }
}

impl State {
    fn make_room(&mut self, bytes_max: u64) {
        loop {
            let ready = self.entries.iter().filter_map(|(key, entry)| match entry {
                Entry::Ready(file, used) => Some((*used, key, file.bytes)),
                Entry::Making(_) => None,
            });
            let (mut bytes, mut files, mut oldest) = (0, 0, None);
            for (used, key, size) in ready {
                bytes += size;
                files += 1;
                if oldest.is_none_or(|(least, _)| used < least) {
                    oldest = Some((used, key));
                }
            }
            // The one that was just made is used last, and alone it is within the limit.
            let Some((_, key)) = oldest.filter(|_| bytes > bytes_max || files > FILES_MAX) else { return };
            let key = key.clone();
            self.entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::spool::Spool;
    use super::*;
    use std::io::Write;

    fn file(folder: &std::path::Path, bytes: usize) -> Arc<Spooled> {
        let mut spool = Spool::new(folder, 1000).unwrap();
        spool.write_all(&vec![b'x'; bytes]).unwrap();
        Arc::new(spool.finish(0).unwrap())
    }

    #[test]
    fn the_longest_unused_go_first_and_what_is_being_made_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::default();
        for (key, bytes, used) in [("a", 40, 3), ("b", 40, 1), ("c", 40, 2)] {
            state.entries.insert(key.to_owned(), Entry::Ready(file(folder.path(), bytes), used));
        }
        state.entries.insert("d".to_owned(), Entry::Making(Vec::new()));
        state.make_room(100);
        assert!(!state.entries.contains_key("b") && state.entries.len() == 3);
        state.make_room(40);
        assert!(state.entries.contains_key("a") && state.entries.contains_key("d") && state.entries.len() == 2);
    }
}
