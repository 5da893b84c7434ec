//! Personal data at rest: one random key per person, wrapped by the master key; destroying the key erases the person.

use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use diesel::prelude::*;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::schema::{secrets, subject_keys};
use super::{AnyConnection, OpenError, ReadError};
use crate::ledger::{Hash, SubjectKey};

const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;
/// Leads every sealed text, so that another cipher can follow one day.
const SEALED_PREFIX: &str = "x1.";

/// Sealed personal data as it stands in events and documents.
pub type Sealed = String;

/// Why sealing or opening failed; never says anything about the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultError(pub String);

impl std::fmt::Display for VaultError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for VaultError {}

/// The keys that seal. Neither shows itself in logs: there is no `Debug`.
pub struct Vault {
    master: XChaCha20Poly1305,
    lookup: [u8; KEY_BYTES],
    of_copy: bool,
}

impl Vault {
    /// The same for the copy of another log, whose persons' keys are not here.
    #[must_use]
    pub fn of_copy(self) -> Self {
        Self { of_copy: true, ..self }
    }

    /// Whether persons' keys are elsewhere, so that a missing one tells nothing.
    pub const fn is_of_copy(&self) -> bool {
        self.of_copy
    }

    /// Reads the master key (64 hexadecimal digits) from `path`, or makes one there when `create` allows it.
    ///
    /// # Errors
    /// When the file cannot be read or made, or holds something else.
    pub fn master_key(path: &Path, create: bool) -> Result<[u8; KEY_BYTES], OpenError> {
        let named = |why: &str| OpenError(format!("the master key file {}: {why}", path.display()));
        match std::fs::read_to_string(path) {
            Ok(text) => HEXLOWER
                .decode(text.trim().to_ascii_lowercase().as_bytes())
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or_else(|| named("it must hold 64 hexadecimal digits and nothing else")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && create => {
                let key: [u8; KEY_BYTES] = random()?;
                write_private(path, &HEXLOWER.encode(&key)).map_err(|why| named(&why.to_string()))?;
                log::warn!("a new master key was made; keep a copy apart from the database path={}", path.display());
                Ok(key)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(named(
                "it is missing, and this database holds data sealed with it; put it back or name it with --master-key-file",
            )),
            Err(error) => Err(named(&error.to_string())),
        }
    }

    /// Whether the database already holds secrets that only its master key opens.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_set_up(connection: &mut AnyConnection) -> Result<bool, ReadError> {
        Ok(secrets::table.count().get_result::<i64>(connection)? > 0)
    }

    /// Opens the vault; the first time, makes the look-up key.
    ///
    /// # Errors
    /// When the database cannot be used, or the master key is not the one it was sealed with.
    pub fn open(connection: &mut AnyConnection, master: &[u8; KEY_BYTES]) -> Result<Self, OpenError> {
        let cipher = XChaCha20Poly1305::new(master.into());
        let failed = |why: diesel::result::Error| OpenError(format!("the vault cannot be opened: {why}"));
        let mut wrapped = lookup_key(connection).map_err(failed)?;
        if wrapped.is_none() {
            let key: [u8; KEY_BYTES] = random()?;
            let sealed = seal(&cipher, b"lookup", &key).map_err(|why| OpenError(why.0))?;
            let made = diesel::insert_into(secrets::table)
                .values((secrets::name.eq("lookup"), secrets::wrapped.eq(sealed)))
                .execute(connection);
            // Another instance that starts at the same moment may have made it first: then that one counts.
            wrapped = lookup_key(connection).map_err(failed)?;
            if wrapped.is_none() {
                made.map_err(failed)?;
            }
        }
        let lookup = wrapped
            .and_then(|wrapped| unseal(&cipher, b"lookup", &wrapped).ok())
            .and_then(|key| key.try_into().ok())
            .ok_or_else(|| OpenError("the master key is not the one this database was sealed with".to_owned()))?;
        Ok(Self { master: cipher, lookup, of_copy: false })
    }

    /// What is kept sealed in the database under a name.
    ///
    /// # Errors
    /// When the database cannot be read, or what is kept was altered.
    pub fn kept(&self, connection: &mut AnyConnection, name: &str) -> Result<Option<Vec<u8>>, OpenError> {
        let found = secrets::table.find(name).select(secrets::wrapped).first::<Vec<u8>>(connection).optional();
        let found = found.map_err(|why| OpenError(format!("the vault cannot be read: {why}")))?;
        found.map(|wrapped| unseal(&self.master, name.as_bytes(), &wrapped).map_err(OpenError::of)).transpose()
    }

    /// Keeps something under a name, unless something is kept there that must not be replaced; tells what is kept now.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep(
        &self,
        connection: &mut AnyConnection,
        name: &str,
        value: &[u8],
        replace: bool,
    ) -> Result<Vec<u8>, OpenError> {
        let failed = |why: diesel::result::Error| OpenError(format!("the vault cannot be written: {why}"));
        let sealed = seal(&self.master, name.as_bytes(), value).map_err(OpenError::of)?;
        if replace {
            diesel::delete(secrets::table.find(name)).execute(connection).map_err(failed)?;
        }
        let row = (secrets::name.eq(name), secrets::wrapped.eq(sealed));
        let made = diesel::insert_into(secrets::table).values(row).execute(connection);
        // It may have been there, or another instance may have been faster: what is kept counts.
        match self.kept(connection, name)? {
            Some(kept) => Ok(kept),
            None => Err(made.err().map_or_else(|| OpenError("the vault keeps nothing".to_owned()), failed)),
        }
    }

    /// A keyed hash for `purpose`: identity numbers are few enough to be guessed, so a bare hash would reveal them.
    pub fn keyed_hash(&self, purpose: &str, parts: &[&[u8]]) -> Hash {
        // HMAC takes a key of any length, so this cannot fail; an all-zero hash would only ever miss.
        let Ok(mut mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&self.lookup) else {
            return [0; 32];
        };
        mac.update(purpose.as_bytes());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The text a person is looked up by.
    pub fn lookup(&self, identity_number: &str) -> String {
        HEXLOWER.encode(&self.keyed_hash("person", &[identity_number.as_bytes()]))
    }

    /// Makes a key for a new person and seals `clear` with it.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn seal_new(
        &self,
        holder: Uuid,
        clear: &[u8],
        identity_number: Option<&str>,
    ) -> Result<(SubjectKey, Sealed), VaultError> {
        let key: [u8; KEY_BYTES] = random().map_err(|why| VaultError(why.0))?;
        let subject = Uuid::now_v7();
        let wrapped = seal(&self.master, subject.as_bytes(), &key)?;
        let sealed = seal_text(&key, subject, clear)?;
        Ok((
            SubjectKey {
                subject,
                holder,
                lookup: identity_number.map(|number| self.lookup(number)),
                wrapped,
                is_new: true,
            },
            sealed,
        ))
    }

    /// Seals changed data of a known person; the key row comes back with the look-up of the new identity number.
    ///
    /// # Errors
    /// When the key does not open.
    pub fn seal_again(
        &self,
        key: SubjectKey,
        clear: &[u8],
        identity_number: Option<&str>,
    ) -> Result<(SubjectKey, Sealed), VaultError> {
        let data_key = self.unwrap(&key)?;
        let sealed = seal_text(&data_key, key.subject, clear)?;
        Ok((SubjectKey { lookup: identity_number.map(|number| self.lookup(number)), ..key }, sealed))
    }

    /// Opens sealed data with the person's key.
    ///
    /// # Errors
    /// When the key or the data was altered.
    pub fn open_sealed(&self, key: &SubjectKey, sealed: &str) -> Result<Vec<u8>, VaultError> {
        let damaged = || VaultError("sealed data is damaged".to_owned());
        let encoded = sealed.strip_prefix(SEALED_PREFIX).ok_or_else(damaged)?;
        let bytes = BASE64URL_NOPAD.decode(encoded.as_bytes()).map_err(|_| damaged())?;
        unseal(&XChaCha20Poly1305::new(&self.unwrap(key)?.into()), key.subject.as_bytes(), &bytes)
    }

    fn unwrap(&self, key: &SubjectKey) -> Result<[u8; KEY_BYTES], VaultError> {
        let data_key = unseal(&self.master, key.subject.as_bytes(), &key.wrapped)?;
        data_key.try_into().map_err(|_| VaultError("a person's key is damaged".to_owned()))
    }

    /// The key rows of these persons; an erased person has none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn keys(connection: &mut AnyConnection, subjects: &[String]) -> Result<Vec<SubjectKey>, ReadError> {
        let rows = subject_keys::table.filter(subject_keys::subject.eq_any(subjects)).load::<(
            String,
            String,
            Option<String>,
            Vec<u8>,
        )>(connection)?;
        rows.into_iter()
            .map(|(subject, holder, lookup, wrapped)| {
                Ok(SubjectKey {
                    subject: Uuid::parse_str(&subject)?,
                    holder: Uuid::parse_str(&holder)?,
                    lookup,
                    wrapped,
                    is_new: false,
                })
            })
            .collect()
    }
}

fn lookup_key(connection: &mut AnyConnection) -> QueryResult<Option<Vec<u8>>> {
    secrets::table.find("lookup").select(secrets::wrapped).first(connection).optional()
}

fn random<const N: usize>() -> Result<[u8; N], OpenError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|why| OpenError(format!("the system gives no randomness: {why}")))?;
    Ok(bytes)
}

fn seal(cipher: &XChaCha20Poly1305, context: &[u8], clear: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce: [u8; NONCE_BYTES] = random().map_err(|why| VaultError(why.0))?;
    let payload = Payload { msg: clear, aad: context };
    let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError("sealing failed".to_owned()))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn unseal(cipher: &XChaCha20Poly1305, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    let damaged = || VaultError("sealed data does not open with this key".to_owned());
    let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or_else(damaged)?;
    cipher.decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: context }).map_err(|_| damaged())
}

fn seal_text(key: &[u8; KEY_BYTES], subject: Uuid, clear: &[u8]) -> Result<Sealed, VaultError> {
    let sealed = seal(&XChaCha20Poly1305::new(key.into()), subject.as_bytes(), clear)?;
    Ok(format!("{SEALED_PREFIX}{}", BASE64URL_NOPAD.encode(&sealed)))
}

/// Reads a private key (64 hexadecimal digits) that nobody but its owner may read, or makes one there when `create` allows it.
///
/// # Errors
/// When the file cannot be read or made, is open to others, or holds something else.
pub fn private_key(path: &Path, create: bool) -> Result<[u8; KEY_BYTES], OpenError> {
    let named = |why: &str| OpenError(format!("the log key file {}: {why}", path.display()));
    match std::fs::metadata(path) {
        Ok(metadata) if is_open_to_others(&metadata) => {
            return Err(named("others than its owner may read it; close it with `chmod 600`"));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && create => {
            let key: [u8; KEY_BYTES] = random()?;
            write_private(path, &HEXLOWER.encode(&key)).map_err(|why| named(&why.to_string()))?;
            log::info!("a new key was made to sign the log with; keep a copy of it path={}", path.display());
            return Ok(key);
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(named(
                "it is missing, and this log has been signed with it; put it back or name it with --log-key-file. If it is lost, start \
                 once with --accept-new-log-key; for everybody who verifies it is another log then",
            ));
        }
        Ok(_) | Err(_) => {}
    }
    let text = std::fs::read_to_string(path).map_err(|why| named(&why.to_string()))?;
    let key = HEXLOWER.decode(text.trim().to_ascii_lowercase().as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    key.ok_or_else(|| named("it must hold 64 hexadecimal digits and nothing else"))
}

#[cfg(unix)]
fn is_open_to_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(unix)]
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // The name must be as durable as the content: the database is worth nothing without this file.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
