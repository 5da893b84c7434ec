//! The master key: where it comes from, and how another takes its place.
//!
//! It is 64 hexadecimal digits in a file that only its owner may read, or in the environment. While it is rotated, the new key waits beside
//! the file under a name of its own, written before the database changes: whatever is interrupted, the key that opens the database is on disk.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use super::OpenError;
use super::vault::random;
use crate::kernel::Clock;

/// The variable that may hold the key.
const VARIABLE: &str = "LUMBUNG_MASTER_KEY";
/// Ends the name of the file in which a new key waits.
const PENDING: &str = ".new";

/// A master key. It does not show itself.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey(pub(super) [u8; 32]);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl MasterKey {
    /// A key nobody has.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new() -> Result<Self, OpenError> {
        random().map(Self)
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = HEXLOWER.decode(text.trim().to_ascii_lowercase().as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The key in the environment, if there is one.
    ///
    /// # Errors
    /// When it is no key.
    pub fn of_environment() -> Result<Option<Self>, OpenError> {
        let wrong = || OpenError(format!("{VARIABLE} must hold 64 hexadecimal digits and nothing else"));
        match std::env::var(VARIABLE) {
            Ok(text) => Self::parse(&text).map(Some).ok_or_else(wrong),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(wrong()),
        }
    }
}

/// Where the master key is.
#[derive(Clone, Debug)]
pub struct KeySource {
    /// The file it stands in.
    pub file: PathBuf,
    /// The key, when the environment gives it; then there needs to be no file.
    pub given: Option<MasterKey>,
}

impl KeySource {
    /// The key, or with `create` a new one where there is none.
    ///
    /// # Errors
    /// When it cannot be read or made, is no key, may be read by others, or is given twice and differently.
    pub fn read(&self, create: bool) -> Result<MasterKey, OpenError> {
        match (&self.given, read_key(&self.file)?) {
            (Some(given), Some(filed)) if *given != filed => Err(OpenError(format!(
                "{VARIABLE} and the file {} hold different master keys; leave one of them out",
                self.file.display()
            ))),
            (Some(given), _) => Ok(given.clone()),
            (None, Some(filed)) => Ok(filed),
            (None, None) if create => {
                let key = MasterKey::new()?;
                write_key(&self.file, &key)?;
                log::warn!(
                    "a new master key was made; keep a copy apart from the database path={}",
                    self.file.display()
                );
                Ok(key)
            }
            (None, None) => Err(named(
                &self.file,
                "it is missing, and this database holds data sealed with it; put it back or name it with --master-key-file",
            )),
        }
    }

    fn pending_file(&self) -> PathBuf {
        beside(&self.file, PENDING)
    }

    /// The key that waits to take the place of the present one, if any.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn pending(&self) -> Result<Option<MasterKey>, OpenError> {
        if self.given.is_some() { Ok(None) } else { read_key(&self.pending_file()) }
    }

    /// Lets a key wait to take the place of the present one; when this returns, it is on disk. One that waited before, and never came to
    /// be used, is forgotten.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_pending(&self, key: &MasterKey) -> Result<(), OpenError> {
        let file = self.pending_file();
        match fs::remove_file(&file) {
            Err(why) if why.kind() != ErrorKind::NotFound => Err(named(&file, &why.to_string())),
            _ => write_key(&file, key),
        }
    }

    /// Puts the waiting key in the file's place; the old key stays beside it under a name that says since when it is replaced.
    ///
    /// # Errors
    /// When the files cannot be renamed.
    pub fn adopt_pending(&self) -> Result<PathBuf, OpenError> {
        let now: String = Clock::System.now().to_string().chars().filter(char::is_ascii_alphanumeric).collect();
        let replaced = beside(&self.file, &format!(".replaced-{now}"));
        let adopt = || -> io::Result<()> {
            fs::hard_link(&self.file, &replaced)?;
            sync_folder(&self.file)?;
            fs::rename(self.pending_file(), &self.file)?;
            sync_folder(&self.file)
        };
        adopt()
            .map(|()| replaced)
            .map_err(|why| named(&self.file, &format!("the new key cannot take its place ({why})")))
    }
}

/// The key in a file; none when there is no file.
///
/// # Errors
/// When it cannot be read, is no key, or may be read by others than its owner.
pub fn read_key(file: &Path) -> Result<Option<MasterKey>, OpenError> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(named(file, &why.to_string())),
    };
    let mode = fs::metadata(file).map_err(|why| named(file, &why.to_string()))?.permissions().mode();
    if mode & 0o077 != 0 {
        let why = format!(
            "others than its owner may read or change it (mode {:03o}); run: chmod 600 {}",
            mode & 0o777,
            file.display()
        );
        return Err(named(file, &why));
    }
    let key = MasterKey::parse(&text);
    key.map(Some).ok_or_else(|| named(file, "it must hold 64 hexadecimal digits and nothing else"))
}

fn named(file: &Path, why: &str) -> OpenError {
    OpenError(format!("the key file {}: {why}", file.display()))
}

/// Reads the private key that the log is signed with, or makes one when `create` allows it; kept as a master key is.
///
/// # Errors
/// When the file cannot be read or made, is open to others, or holds something else.
pub fn private_key(file: &Path, create: bool) -> Result<[u8; 32], OpenError> {
    match read_key(file)? {
        Some(key) => Ok(key.0),
        None if create => {
            let key = MasterKey::new()?;
            write_key(file, &key)?;
            log::info!("a new key was made to sign the log with; keep a copy of it path={}", file.display());
            Ok(key.0)
        }
        None => Err(named(
            file,
            "it is missing, and this log has been signed with it; put it back or name it with --log-key-file. If it is lost, start once with \
             --accept-new-log-key; for everybody who verifies it is another log then",
        )),
    }
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.to_owned().into_os_string();
    name.push(ending);
    name.into()
}

fn write_key(path: &Path, key: &MasterKey) -> Result<(), OpenError> {
    let write = || -> io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(HEXLOWER.encode(&key.0).as_bytes())?;
        file.sync_all()?;
        // The name must be as durable as the content: the database is worth nothing without this file.
        sync_folder(path)
    };
    write().map_err(|why| named(path, &why.to_string()))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(folder: &tempfile::TempDir) -> KeySource {
        KeySource { file: folder.path().join("lumbung.key"), given: None }
    }

    #[test]
    fn a_key_that_others_may_read_is_refused_and_the_one_that_is_made_is_not() {
        let folder = tempfile::TempDir::new().unwrap();
        let source = source(&folder);
        assert!(source.read(false).unwrap_err().0.contains("missing"));
        let key = source.read(true).unwrap();
        assert!(source.read(false).unwrap() == key);
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&source.file, fs::Permissions::from_mode(mode)).unwrap();
            let why = source.read(false).unwrap_err().0;
            assert!(why.contains("chmod 600"), "{why}");
        }
    }

    #[test]
    fn the_environment_may_give_the_key_but_not_another_than_the_file() {
        let folder = tempfile::TempDir::new().unwrap();
        let key = MasterKey([7; 32]);
        let given = KeySource { given: Some(key.clone()), ..source(&folder) };
        assert!(given.read(true).unwrap() == key && !given.file.exists());
        write_key(&given.file, &key).unwrap();
        assert!(given.read(false).unwrap() == key);
        let other = KeySource { given: Some(MasterKey([8; 32])), ..source(&folder) };
        let why = other.read(false).unwrap_err().0;
        assert!(why.contains("different") && !format!("{:?}", other.given).contains('8'), "{why} {other:?}");
    }

    #[test]
    fn a_waiting_key_takes_the_place_of_the_old_one_which_stays_beside_it() {
        let folder = tempfile::TempDir::new().unwrap();
        let source = source(&folder);
        let old = source.read(true).unwrap();
        source.set_pending(&MasterKey([1; 32])).unwrap();
        source.set_pending(&MasterKey([2; 32])).unwrap();
        let replaced = source.adopt_pending().unwrap();
        assert!(read_key(&replaced).unwrap() == Some(old) && source.read(false).unwrap() == MasterKey([2; 32]));
        assert!(source.pending().unwrap().is_none() && source.adopt_pending().is_err());
    }
}
