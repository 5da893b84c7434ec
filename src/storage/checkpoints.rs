//! Signed checkpoints of the log. Before one is given out it is written down outside the database, and none is signed that does not go on
//! from the one written down: whatever happens to the database, nobody is ever told two stories of the log under one key. What is written
//! down belongs to the key and is beside it: a key that comes without it, as on a machine that signed nothing yet, signs nothing.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::prelude::*;

use super::nodes::log_tree;
use super::private::private_file;
use super::schema::head;
use super::{AnyConnection, OpenError, ReadError, Vault, private_key};
use crate::ledger::{Checkpoint, Frontier, Hash, LogSigner, LogVerifier, is_consistent};

/// How old a checkpoint may be that is given out again although the log has grown.
const SIGN_EVERY: Duration = Duration::from_secs(1);
/// Name under which the vault keeps the public key the log is signed with.
const LOG_KEY: &str = "log_key";
/// Name under which the vault of a mirror keeps the verifier key of the log it is a copy of.
const MIRROR_OF: &str = "mirror_of";

/// A signed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// The signed note as it is given out.
    pub note: String,
}

/// Why there is no signed checkpoint.
#[derive(Debug)]
pub enum NotSigned {
    /// The database cannot be read.
    Unread(ReadError),
    /// To sign would be to tell another story than before, or could not be written down.
    Refused(String),
}

impl From<ReadError> for NotSigned {
    fn from(why: ReadError) -> Self {
        Self::Unread(why)
    }
}
impl From<diesel::result::Error> for NotSigned {
    fn from(why: diesel::result::Error) -> Self {
        Self::Unread(why.into())
    }
}
impl From<OpenError> for NotSigned {
    fn from(why: OpenError) -> Self {
        Self::Refused(why.0)
    }
}

/// What a log is called and signed with.
#[derive(Clone, Debug)]
pub struct LogIdentity {
    /// Its origin, which is also the name of its key.
    pub origin: String,
    /// File of the private key.
    pub key_file: PathBuf,
    /// Whether another key than before may sign it, or this one although it is not known what it signed last: for everybody else it is, or
    /// may be, another log then.
    pub accept_new_key: bool,
}

/// Whose checkpoints are given out.
enum Whose {
    /// Our own.
    Own(LogSigner),
    /// Those of the log that this database is a copy of, as whoever copies it wrote them down.
    Mirrored(LogVerifier),
}

/// See the module.
pub struct Checkpoints {
    whose: Whose,
    file: SignedFile,
    latest: Mutex<Option<(Arc<Signed>, Instant)>>,
    refused: Mutex<Option<String>>,
}

impl Checkpoints {
    /// Those of a log of our own. The first time a key is made, and what it signs begins.
    ///
    /// # Errors
    /// When the key cannot be used, or is not the one this log has been signed with.
    pub fn own(connection: &mut AnyConnection, vault: &Vault, identity: &LogIdentity) -> Result<Self, OpenError> {
        let file = &identity.key_file;
        let kept = vault.kept(connection, LOG_KEY)?;
        let made = !file.exists();
        let seed = private_key(file, kept.is_none() || identity.accept_new_key)?;
        let signer = LogSigner::new(&identity.origin, &seed).map_err(OpenError)?;
        let key = signer.verifier().key();
        if kept.as_deref() != Some(key) {
            let kept = vault.keep(connection, LOG_KEY, key, identity.accept_new_key)?;
            if kept != key {
                return Err(OpenError(format!(
                    "the log key in {} is not the one this log is signed with: copy the key file from where it was made (all instances \
                     share one). If it is lost, start once with --accept-new-log-key; for everybody who verifies it is another log then",
                    file.display()
                )));
            }
        }
        let checkpoints = Self::new(Whose::Own(signer), SignedFile::beside(file));
        if checkpoints.file.last(checkpoints.verifier())?.is_none() {
            checkpoints.begin(connection, made || identity.accept_new_key)?;
        }
        Ok(checkpoints)
    }

    /// Writes the first checkpoint of a key down, so that from then on its absence tells something; or, if that may not be, tells why.
    fn begin(&self, connection: &mut AnyConnection, may_begin: bool) -> Result<(), OpenError> {
        match &self.whose {
            Whose::Own(signer) if may_begin => {
                let _lock = self.file.lock()?;
                if self.file.last(signer.verifier())?.is_none() {
                    let (size, root) = present(connection).map_err(OpenError::of)?;
                    let (note, checkpoint) = signer.sign(size, root);
                    self.file.write(signer.verifier(), &Signed { checkpoint, note })?;
                }
            }
            _ => {
                let why = self.unknown_last();
                log::error!("the log is not signed error={why}");
                *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            }
        }
        Ok(())
    }

    fn unknown_last(&self) -> String {
        format!(
            "it is not known here what was signed last with the log key: {} is missing. Bring it from where the log was signed; instances share \
             one folder with the log key and this file. If it is lost, start once with --accept-new-log-key",
            self.file.path.display()
        )
    }

    /// Those of a log this database is a copy of.
    pub fn mirrored(verifier: LogVerifier, witness_file: &Path) -> Self {
        Self::new(Whose::Mirrored(verifier), SignedFile::beside(witness_file))
    }

    fn new(whose: Whose, file: SignedFile) -> Self {
        Self { whose, file, latest: Mutex::default(), refused: Mutex::default() }
    }

    /// What the checkpoints are verified with.
    pub const fn verifier(&self) -> &LogVerifier {
        match &self.whose {
            Whose::Own(signer) => signer.verifier(),
            Whose::Mirrored(verifier) => verifier,
        }
    }

    /// Why the last checkpoint that was asked for could not be signed, if that is so.
    pub fn refused(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last checkpoint, if it is recent and of so many events at least.
    pub fn recall(&self, at_least: u64) -> Option<Arc<Signed>> {
        recent(self.latest.lock().unwrap_or_else(PoisonError::into_inner).as_ref(), at_least)
    }

    /// A checkpoint of so many events at least: the last one, or one of the log as it is now. The connection must not have read anything
    /// in its transaction yet.
    ///
    /// # Errors
    /// See [`NotSigned`].
    pub fn publish(&self, connection: &mut AnyConnection, at_least: u64) -> Result<Arc<Signed>, NotSigned> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signed) = recent(latest.as_ref(), at_least) {
            return Ok(signed);
        }
        let signed = match &self.whose {
            Whose::Own(signer) => self.sign(signer, connection),
            Whose::Mirrored(verifier) => {
                self.file.last(verifier)?.ok_or_else(|| NotSigned::Refused(NOT_MIRRORED.to_owned()))
            }
        };
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match &signed {
            Err(NotSigned::Refused(why)) => {
                log::error!("the log is not signed error={why}");
                *refused = Some(why.clone());
            }
            _ => *refused = None,
        }
        let signed = Arc::new(signed?);
        *latest = Some((signed.clone(), Instant::now()));
        if signed.checkpoint.size < at_least {
            return Err(NotSigned::Refused(NOT_MIRRORED.to_owned()));
        }
        Ok(signed)
    }

    fn sign(&self, signer: &LogSigner, connection: &mut AnyConnection) -> Result<Signed, NotSigned> {
        // The log is read after the lock is held, so of several who sign, none is behind what is written down.
        let _lock = self.file.lock()?;
        let last = self.file.last(signer.verifier())?.ok_or_else(|| NotSigned::Refused(self.unknown_last()))?;
        let (size, root) = present(connection)?;
        goes_on(connection, &last.checkpoint, size, &root)?;
        if last.checkpoint.size == size {
            return Ok(last);
        }
        let (note, checkpoint) = signer.sign(size, root);
        let signed = Signed { checkpoint, note };
        self.file.write(signer.verifier(), &signed)?;
        Ok(signed)
    }
}

/// What a copy says while it has no checkpoint that covers what it was asked about.
const NOT_MIRRORED: &str = "the copy has no signed checkpoint of this yet";

fn recent(latest: Option<&(Arc<Signed>, Instant)>, at_least: u64) -> Option<Arc<Signed>> {
    let (signed, since) = latest?;
    (since.elapsed() < SIGN_EVERY && signed.checkpoint.size >= at_least).then(|| signed.clone())
}

/// Size and root of the log as it is.
///
/// # Errors
/// When the database cannot be read.
pub fn present(connection: &mut AnyConnection) -> Result<(u64, Hash), ReadError> {
    present_frontier(connection).map(|frontier| (frontier.size(), frontier.root()))
}

/// Frontier of the log as it is.
///
/// # Errors
/// When the database cannot be read.
pub fn present_frontier(connection: &mut AnyConnection) -> Result<Frontier, ReadError> {
    let (position, frontier) =
        head::table.select((head::position, head::frontier)).first::<(i64, Vec<u8>)>(connection)?;
    let size = u64::try_from(position).unwrap_or_default();
    Frontier::from_bytes(size, &frontier)
        .ok_or_else(|| ReadError::Corrupt("the head's Merkle frontier is damaged".to_owned()))
}

/// Proves that the log as it is goes on from an earlier checkpoint.
///
/// # Errors
/// A sentence, when it does not.
pub fn goes_on(connection: &mut AnyConnection, last: &Checkpoint, size: u64, root: &Hash) -> Result<(), NotSigned> {
    let signed = last.size;
    if size < signed {
        return Err(NotSigned::Refused(format!(
            "the log has {size} events, and {signed} of it were signed before: an older database seems to have been put in place"
        )));
    }
    let path = log_tree(connection).consistency(signed, size)?;
    if is_consistent((signed, &last.root), (size, root), &path) {
        return Ok(());
    }
    Err(NotSigned::Refused(format!(
        "the first {signed} events of the log are not those that were signed before: an older database was put in place and written on, or \
         the log was changed"
    )))
}

/// The last signed checkpoint of each log, by its verifier key, in a file.
pub struct SignedFile {
    path: PathBuf,
}

impl SignedFile {
    /// The file that belongs to a log key, or to the witness file of a copy.
    pub fn beside(file: &Path) -> Self {
        let mut path = file.to_owned().into_os_string();
        path.push(".signed");
        Self { path: path.into() }
    }

    /// Keeps other processes from writing until the lock is dropped.
    ///
    /// # Errors
    /// When there can be no lock.
    pub fn lock(&self) -> Result<std::fs::File, OpenError> {
        let mut path = self.path.clone().into_os_string();
        path.push(".lock");
        let lock = || {
            let file = std::fs::File::options().create(true).append(true).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|why| self.named(&why))
    }

    fn named(&self, why: &std::io::Error) -> OpenError {
        OpenError(format!("what was signed is kept in {}: {why}", self.path.display()))
    }

    fn read(&self) -> Result<BTreeMap<String, String>, OpenError> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => serde_json::from_str(&text).map_err(|why| self.named(&why.into())),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(why) => Err(self.named(&why)),
        }
    }

    /// The last checkpoint that was written down of a log.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn last(&self, verifier: &LogVerifier) -> Result<Option<Signed>, OpenError> {
        let Some(note) = self.read()?.remove(&verifier.to_string()) else { return Ok(None) };
        let checkpoint = verifier.open(&note);
        let checkpoint = checkpoint.map_err(|why| self.named(&std::io::Error::other(why)))?;
        Ok(Some(Signed { checkpoint, note }))
    }

    /// Writes down the newest checkpoint of a log; when this returns, it is on disk.
    ///
    /// # Errors
    /// When it is not.
    pub fn write(&self, verifier: &LogVerifier, signed: &Signed) -> Result<(), OpenError> {
        let mut logs = self.read()?;
        logs.insert(verifier.to_string(), signed.note.clone());
        let text = serde_json::to_string_pretty(&logs).map_err(OpenError::of)?;
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let replace = || -> std::io::Result<()> {
            // What a crash left there.
            let _ = std::fs::remove_file(&beside);
            let mut file = private_file(Path::new(&beside))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&beside, &self.path)?;
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        replace().map_err(|why| self.named(&why))
    }
}

/// Which log a database is a copy of, if it is one.
///
/// # Errors
/// When that cannot be read.
pub fn mirror_of(connection: &mut AnyConnection, vault: &Vault) -> Result<Option<LogVerifier>, OpenError> {
    let Some(kept) = vault.kept(connection, MIRROR_OF)? else { return Ok(None) };
    let text = String::from_utf8(kept).map_err(OpenError::of)?;
    text.parse().map(Some).map_err(OpenError)
}

/// Makes a database the copy of a log, which it then is for ever.
///
/// # Errors
/// When it is the copy of another, or that cannot be written.
pub fn become_mirror(connection: &mut AnyConnection, vault: &Vault, verifier: &LogVerifier) -> Result<(), OpenError> {
    let kept = vault.keep(connection, MIRROR_OF, verifier.to_string().as_bytes(), false)?;
    if kept == verifier.to_string().as_bytes() {
        return Ok(());
    }
    Err(OpenError(format!("this database is the copy of another log: {}", String::from_utf8_lossy(&kept))))
}
