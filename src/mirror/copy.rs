//! The copying itself.

use std::time::Duration;

use super::source::{Silent, Source};
use crate::app::{Place, kinds};
use crate::config::MirrorOptions;
use crate::ledger::{Checkpoint, Event, Frontier, Kind, LogVerifier, Store, TILE_WIDTH, is_consistent, take_over};
use crate::storage::{
    NotSigned, OpenError, Readers, Signed, SignedFile, Vault, become_mirror, goes_on, head_position, lacks_nodes,
    log_tree, migrate, mirror_of, open_store, present_frontier, renew_nodes,
};

/// Tiles of entries that are verified and written together.
const TILES_TOGETHER: u64 = 16;

/// Why copying ends or pauses.
enum Stopped {
    /// The source cannot be reached or cannot serve: worth another try.
    ForNow(String),
    /// What it says cannot be true, or the copy cannot be written.
    ForGood(String),
}

impl From<Silent> for Stopped {
    fn from(why: Silent) -> Self {
        match why {
            Silent::ForNow(why) => Self::ForNow(why),
            Silent::ForGood(why) => Self::ForGood(why),
        }
    }
}

impl From<NotSigned> for Stopped {
    fn from(why: NotSigned) -> Self {
        match why {
            NotSigned::Unread(why) => Self::ForGood(why.to_string()),
            NotSigned::Refused(why) => Self::ForGood(why),
        }
    }
}

fn unreadable(why: impl std::fmt::Display) -> Stopped {
    Stopped::ForGood(format!("the copy cannot be read or written: {why}"))
}

/// Copies the log of another service, until it is stopped or, with `once`, until there is no more; tells how much was copied.
///
/// # Errors
/// When the source tells another story than before, gives what its checkpoint is not of, or refuses; when the copy cannot be written.
pub fn mirror(place: &Place, options: &MirrorOptions) -> Result<String, OpenError> {
    let key_file = options.api_key_file.display();
    let key = std::fs::read_to_string(&options.api_key_file)
        .map_err(|why| OpenError(format!("the API key file {key_file}: {why}")))?;
    let source = Source::new(&options.source, key.trim())?;
    let mut copy = Copy::open(place, source, options.log_verifier_key.clone())?;
    loop {
        match copy.catch_up() {
            Ok(size) if options.once => {
                return Ok(format!("copied and verified: {size} events of {}", copy.verifier.origin()));
            }
            Ok(_) => {}
            Err(Stopped::ForNow(why)) if !options.once => {
                log::warn!("the source cannot be copied now; trying again error={why}");
            }
            Err(Stopped::ForNow(why) | Stopped::ForGood(why)) => return Err(OpenError(why)),
        }
        std::thread::sleep(Duration::from_secs(options.poll_seconds));
    }
}

struct Copy {
    source: Source,
    verifier: LogVerifier,
    file: SignedFile,
    readers: Readers,
    store: Box<dyn Store>,
    kinds: Vec<Kind>,
    /// Whether the key has been seen to open entries.
    key_opens: bool,
}

impl Copy {
    fn open(place: &Place, source: Source, verifier: LogVerifier) -> Result<Self, OpenError> {
        let mut connection = place.database.open_writer()?;
        migrate(&mut connection)?;
        let set_up = Vault::is_set_up(&mut connection).map_err(OpenError::of)?;
        let vault = Vault::open(&mut connection, &place.key_source().read(!set_up)?)?;
        let position = head_position(&mut connection).map_err(OpenError::of)?;
        if position > 0 && mirror_of(&mut connection, &vault)?.is_none() {
            return Err(OpenError("the database holds a log of its own; name an empty one for the copy".to_owned()));
        }
        become_mirror(&mut connection, &vault, &verifier)?;
        if lacks_nodes(&mut connection).map_err(OpenError::of)? {
            renew_nodes(&place.database).map_err(OpenError::of)?;
        }
        Ok(Self {
            source,
            verifier,
            file: SignedFile::beside(&place.witness_file),
            readers: Readers::open(&place.database, 1)?,
            store: open_store(&place.database, None)?,
            kinds: kinds().to_vec(),
            key_opens: false,
        })
    }

    /// Copies what the source has signed since; tells how many events there are then.
    fn catch_up(&mut self) -> Result<u64, Stopped> {
        let note = self.source.checkpoint()?;
        let target = self.verifier.open(&note).map_err(|why| {
            Stopped::ForGood(format!("the checkpoint of {} cannot be believed: {why}", self.source.url()))
        })?;
        // An unsuitable key is noticed now, not when there is something to copy one day.
        if !self.key_opens && target.size > 0 {
            self.source.entries(0, 1)?;
            self.key_opens = true;
        }
        let mut frontier = present_frontier(&mut *self.readers.get().map_err(unreadable)?).map_err(unreadable)?;
        let last = self.file.last(&self.verifier).map_err(unreadable)?;
        if last
            .as_ref()
            .is_some_and(|Signed { checkpoint, .. }| checkpoint.size == target.size && *checkpoint != target)
        {
            return Err(self.fork("it signed another log of the same size", &target));
        }
        if target.size < frontier.size() {
            self.require_beginning(&target)?;
            let url = self.source.url();
            return Err(Stopped::ForNow(format!(
                "{url} has {} events, fewer than the {} that were copied from it. One of its instances may be a moment behind; else an older \
                 database was put in place there",
                target.size,
                frontier.size()
            )));
        }
        self.require_consistent(&frontier, &target)?;
        while frontier.size() < target.size {
            frontier = self.copy_some(&frontier, &target)?;
            log::info!("copied events={} of={}", frontier.size(), target.size);
        }
        // One of several instances of the source may be a moment behind the others.
        if last.as_ref().is_none_or(|last| last.checkpoint.size < target.size) {
            if let Some(last) = last {
                let mut reader = self.readers.get().map_err(unreadable)?;
                goes_on(&mut reader, &last.checkpoint, frontier.size(), &frontier.root())?;
            }
            let _lock = self.file.lock().map_err(unreadable)?;
            self.file.write(&self.verifier, &Signed { checkpoint: target, note }).map_err(unreadable)?;
        }
        Ok(frontier.size())
    }

    /// A fork, in a sentence.
    fn fork(&self, what: &str, target: &Checkpoint) -> Stopped {
        Stopped::ForGood(format!(
            "{} tells another story than before: {what} (its checkpoint of {} events). Keep this copy as evidence",
            self.source.url(),
            target.size
        ))
    }

    /// What is offered must be the beginning of what was copied.
    fn require_beginning(&self, target: &Checkpoint) -> Result<(), Stopped> {
        let mut reader = self.readers.get().map_err(unreadable)?;
        let root = log_tree(&mut reader).root(target.size).map_err(unreadable)?;
        if root == target.root {
            Ok(())
        } else {
            Err(self.fork("it is not the beginning of what was copied from it", target))
        }
    }

    /// The log up to here must be the beginning of what is offered.
    fn require_consistent(&self, frontier: &Frontier, target: &Checkpoint) -> Result<(), Stopped> {
        let path = match frontier.size() {
            size if size == 0 || size == target.size => Vec::new(),
            size => self.source.consistency(size, target.size)?,
        };
        if is_consistent((frontier.size(), &frontier.root()), (target.size, &target.root), &path) {
            return Ok(());
        }
        let size = frontier.size();
        Err(self.fork(&format!("its log does not go on from these {size} events"), target))
    }

    /// Copies the next tiles: reads them, verifies them, and only then writes.
    fn copy_some(&mut self, before: &Frontier, target: &Checkpoint) -> Result<Frontier, Stopped> {
        let (mut frontier, mut events) = (before.clone(), Vec::new());
        let first_tile = before.size() / TILE_WIDTH;
        for tile in first_tile..first_tile + TILES_TOGETHER {
            let start = tile * TILE_WIDTH;
            if start >= target.size {
                break;
            }
            let width = TILE_WIDTH.min(target.size - start);
            let entries = self.source.entries(tile, width)?;
            if entries.len() as u64 != width {
                return Err(self.fork(&format!("tile {tile} has {} entries, not {width}", entries.len()), target));
            }
            let known = usize::try_from(frontier.size() - start).unwrap_or_default();
            for entry in &entries[known..] {
                let event = Event::from_canonical(entry).map_err(|why| {
                    let position = frontier.size() + 1;
                    self.fork(&format!("what it gives for position {position} is no event ({why})"), target)
                })?;
                frontier.push(event.leaf_hash);
                events.push(event);
            }
        }
        let (first, last) = (before.size() + 1, frontier.size());
        self.require_consistent(&frontier, target).map_err(|why| match why {
            Stopped::ForGood(_) => {
                self.fork(&format!("what it gives for positions {first} to {last} is not what it signed"), target)
            }
            Stopped::ForNow(why) => Stopped::ForNow(why),
        })?;
        let head = take_over(&mut *self.store, &self.kinds, events).map_err(unreadable)?;
        if head.frontier == frontier { Ok(frontier) } else { Err(unreadable("somebody else writes this database")) }
    }
}
