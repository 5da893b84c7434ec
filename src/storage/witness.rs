//! What this machine has seen of the log, kept outside the database: an older backup put back in place is noticed at start.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::private::private_file;
use super::reader::{head_position, leaf_hash_at};
use super::{AnyConnection, OpenError, ReadError, Vault};

/// How often the file follows the log.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// The last event that was seen of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    position: i64,
    leaf_hash: String,
}

/// The file; it may hold several logs, by their ids.
pub struct Witness {
    file: PathBuf,
    log: String,
    written: Mutex<Option<(Seen, Instant)>>,
}

impl Witness {
    /// The witness of the log whose secrets the vault opens: every log has its own, and a backup has those of its original.
    pub fn new(file: &Path, vault: &Vault) -> Self {
        let log = HEXLOWER.encode(&vault.keyed_hash("log", &[])[..16]);
        Self { file: file.to_owned(), log, written: Mutex::new(None) }
    }

    /// Refuses a database that lacks what was seen of it before, and an empty embedded one in the place of another.
    ///
    /// # Errors
    /// A sentence that says what is missing and how to go on.
    pub fn check(&self, connection: &mut AnyConnection) -> Result<(), OpenError> {
        let (file, how) = (self.file.display(), "If that is meant, start once with --accept-older-database.");
        let head = head_position(connection).map_err(OpenError::of)?;
        let mut logs = self.read()?;
        let Some(seen) = logs.remove(&self.log) else {
            // Beside an embedded database the file belongs to that database alone; databases of a server may share one.
            if head > 0 || logs.is_empty() || matches!(connection, AnyConnection::Postgres(_)) {
                return Ok(());
            }
            return Err(OpenError(format!(
                "the database is empty, but {file} knows of another log: the database seems to be missing from its place. {how}"
            )));
        };
        let leaf = leaf_hash_at(connection, seen.position).map_err(OpenError::of)?;
        let position = seen.position;
        if head < position {
            return Err(OpenError(format!(
                "the database ends at position {head}, but {file} says that position {position} was recorded in it: an older backup seems to \
                 have been put in place, and what was recorded after it is missing. {how}"
            )));
        }
        if leaf.is_some_and(|leaf| HEXLOWER.encode(&leaf) != seen.leaf_hash) {
            return Err(OpenError(format!(
                "the event at position {position} is not the one that {file} says was recorded there: an older backup was put in place and \
                 written on, or the log was changed. {how}"
            )));
        }
        Ok(())
    }

    /// Follows the log, once a second at most.
    ///
    /// # Errors
    /// When the database cannot be read; a file that cannot be written is logged.
    pub fn follow(&self, connection: &mut AnyConnection) -> Result<(), ReadError> {
        let recent =
            |written: &Option<(Seen, Instant)>| written.as_ref().is_some_and(|(_, at)| at.elapsed() < FOLLOW_EVERY);
        if recent(&self.written.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        self.note(connection)
    }

    /// Writes down the present end of the log.
    ///
    /// # Errors
    /// When the database cannot be read; a file that cannot be written is logged.
    pub fn note(&self, connection: &mut AnyConnection) -> Result<(), ReadError> {
        let position = head_position(connection)?;
        let Some(leaf) = leaf_hash_at(connection, position)? else {
            return Ok(());
        };
        let seen = Seen { position, leaf_hash: HEXLOWER.encode(&leaf) };
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.as_ref().is_none_or(|(before, _)| *before != seen)
            && let Err(why) = self.write(&seen)
        {
            log::warn!("what was seen of the log could not be written down path={} error={why}", self.file.display());
        }
        *written = Some((seen, Instant::now()));
        Ok(())
    }

    fn read(&self) -> Result<BTreeMap<String, Seen>, OpenError> {
        let named = |why: String| OpenError(format!("{}: {why}", self.file.display()));
        match std::fs::read_to_string(&self.file) {
            Ok(text) => serde_json::from_str(&text).map_err(|why| named(format!("it cannot be understood ({why})"))),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(why) => Err(named(why.to_string())),
        }
    }

    /// Replaces the file as a whole, so that no crash leaves half of it.
    fn write(&self, seen: &Seen) -> Result<(), OpenError> {
        let mut logs = self.read()?;
        logs.insert(self.log.clone(), seen.clone());
        let text = serde_json::to_string_pretty(&logs).map_err(OpenError::of)?;
        let mut beside = self.file.clone().into_os_string();
        // A name of its own: in containers two processes may well have one number.
        beside.push(format!(".{}", uuid::Uuid::now_v7()));
        let replace = || -> std::io::Result<()> {
            let mut file = private_file(Path::new(&beside))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&beside, &self.file)
        };
        replace().map_err(|why| {
            // What a full disk left of it is of no use; that it may never have been made is as well.
            let _ = std::fs::remove_file(&beside);
            OpenError::of(why)
        })
    }
}
