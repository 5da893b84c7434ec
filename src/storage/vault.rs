//! Personal data at rest: one random key per person, wrapped by the master key; destroying the key erases the person.

use std::sync::{PoisonError, RwLock};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use diesel::prelude::*;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::master::{KeySource, MasterKey};
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
pub enum VaultError {
    /// A person's key does not open with the master key: it was rotated, and the new one has not been read yet.
    MasterKey,
    /// Anything else.
    Other(String),
}

impl std::fmt::Display for VaultError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::MasterKey => "a person's key does not open with this master key",
            Self::Other(why) => why,
        })
    }
}
impl std::error::Error for VaultError {}

/// The keys that seal. Neither shows itself in logs: there is no `Debug`.
pub struct Vault {
    master: RwLock<Master>,
    lookup: [u8; KEY_BYTES],
    of_copy: bool,
}

#[derive(Clone)]
struct Master {
    cipher: XChaCha20Poly1305,
    /// The look-up key as this master wraps it in the database: another one there means that another master took its place.
    mark: Vec<u8>,
    /// Whether it was told that the new one could not be read.
    missed: bool,
}

impl Vault {
    /// Whether the database already holds secrets that only its master key opens.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_set_up(connection: &mut AnyConnection) -> Result<bool, ReadError> {
        Ok(secrets::table.count().get_result::<i64>(connection)? > 0)
    }

    /// Opens the vault with the key at its source; where a rotation was interrupted before the new key took its place, it is put there
    /// now, which the second part of the answer tells. With `create`, a key is made where there is none.
    ///
    /// # Errors
    /// When the database cannot be used, or the master key is not the one it was sealed with.
    pub fn open_from(
        connection: &mut AnyConnection,
        source: &KeySource,
        create: bool,
    ) -> Result<(Self, bool), OpenError> {
        let refused = match Self::open(connection, &source.read(create)?) {
            Ok(vault) => return Ok((vault, false)),
            Err(why) => why,
        };
        let Some(vault) = source.pending()?.and_then(|pending| Self::open(connection, &pending).ok()) else {
            return Err(refused);
        };
        let replaced = source.adopt_pending()?;
        log::warn!("an interrupted rotation of the master key was finished old_key={}", replaced.display());
        Ok((vault, true))
    }

    /// Opens the vault; the first time, makes the look-up key.
    ///
    /// # Errors
    /// As [`Vault::open_from`].
    pub fn open(connection: &mut AnyConnection, master: &MasterKey) -> Result<Self, OpenError> {
        let cipher = XChaCha20Poly1305::new(&master.0.into());
        let failed = |why: diesel::result::Error| OpenError(format!("the vault cannot be opened: {why}"));
        let mut wrapped = lookup_key(connection).map_err(failed)?;
        if wrapped.is_none() {
            let key: [u8; KEY_BYTES] = random()?;
            let sealed = seal(&cipher, b"lookup", &key).map_err(OpenError::of)?;
            let made = diesel::insert_into(secrets::table)
                .values((secrets::name.eq("lookup"), secrets::wrapped.eq(sealed)))
                .execute(connection);
            // Another instance that starts at the same moment may have made it first: then that one counts.
            wrapped = lookup_key(connection).map_err(failed)?;
            if wrapped.is_none() {
                made.map_err(failed)?;
            }
        }
        let mark = wrapped.unwrap_or_default();
        let lookup = unseal(&cipher, b"lookup", &mark).ok().and_then(|key| key.try_into().ok());
        let lookup = lookup
            .ok_or_else(|| OpenError("the master key is not the one this database was sealed with".to_owned()))?;
        Ok(Self { master: RwLock::new(Master { cipher, mark, missed: false }), lookup, of_copy: false })
    }

    /// The same for the copy of another log, whose persons' keys are not here.
    #[must_use]
    pub fn of_copy(self) -> Self {
        Self { of_copy: true, ..self }
    }

    /// Whether persons' keys are elsewhere, so that a missing one tells nothing.
    pub const fn is_of_copy(&self) -> bool {
        self.of_copy
    }

    /// What is kept sealed in the database under a name.
    ///
    /// # Errors
    /// When the database cannot be read, or what is kept was altered.
    pub fn kept(&self, connection: &mut AnyConnection, name: &str) -> Result<Option<Vec<u8>>, OpenError> {
        let found = secrets::table.find(name).select(secrets::wrapped).first::<Vec<u8>>(connection).optional();
        let found = found.map_err(|why| OpenError(format!("the vault cannot be read: {why}")))?;
        found.map(|wrapped| unseal(&self.master().cipher, name.as_bytes(), &wrapped).map_err(OpenError::of)).transpose()
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
        let sealed = seal(&self.master().cipher, name.as_bytes(), value).map_err(OpenError::of)?;
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

    /// What is kept under a name, wrapped by another master.
    ///
    /// # Errors
    /// When it does not open.
    pub(super) fn wrap_kept(&self, name: &str, wrapped: &[u8], new: &MasterKey) -> Result<Vec<u8>, VaultError> {
        let value = unseal(&self.master().cipher, name.as_bytes(), wrapped).map_err(|_| VaultError::MasterKey)?;
        seal(&XChaCha20Poly1305::new(&new.0.into()), name.as_bytes(), &value)
    }

    fn master(&self) -> Master {
        self.master.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the database is still sealed with the key that is open.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_current(&self, connection: &mut AnyConnection) -> Result<bool, ReadError> {
        Ok(lookup_key(connection)?.is_some_and(|wrapped| wrapped == self.master().mark))
    }

    /// Whether this key opens what the vault holds.
    pub fn opens_with(&self, key: &MasterKey) -> bool {
        unseal(&XChaCha20Poly1305::new(&key.0.into()), b"lookup", &self.master().mark).is_ok()
    }

    /// Looks whether the master key was rotated, and reads the new one if so. Until it can be read, personal data is neither shown nor taken.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn follow(&self, connection: &mut AnyConnection, source: &KeySource) -> Result<(), ReadError> {
        let Some(mark) = lookup_key(connection)?.filter(|mark| *mark != self.master().mark) else {
            return Ok(());
        };
        let keys = [source.pending().ok().flatten(), source.read(false).ok()];
        let ciphers = keys.into_iter().flatten().map(|key| XChaCha20Poly1305::new(&key.0.into()));
        let opens = |cipher: &XChaCha20Poly1305| unseal(cipher, b"lookup", &mark).is_ok_and(|key| key == self.lookup);
        let new = ciphers.into_iter().find(opens);
        let mut master = self.master.write().unwrap_or_else(PoisonError::into_inner);
        match new {
            Some(cipher) => {
                *master = Master { cipher, mark, missed: false };
                log::info!("the master key was rotated and is read anew");
            }
            None if !master.missed => {
                master.missed = true;
                log::error!(
                    "the master key was rotated and the new one is not here; no personal data is shown or taken until it is path={}",
                    source.file.display()
                );
            }
            None => {}
        }
        Ok(())
    }

    /// A person's key, wrapped by another master.
    ///
    /// # Errors
    /// When it does not open.
    pub(super) fn wrap_anew(&self, subject: &str, wrapped: &[u8], new: &MasterKey) -> Result<Vec<u8>, VaultError> {
        let subject = Uuid::parse_str(subject).map_err(|why| VaultError::Other(why.to_string()))?;
        let key = unseal(&self.master().cipher, subject.as_bytes(), wrapped).map_err(|_| VaultError::MasterKey)?;
        seal(&XChaCha20Poly1305::new(&new.0.into()), subject.as_bytes(), &key)
    }

    /// The key of the look-up hashes, wrapped by another master.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub(super) fn wrap_lookup(&self, new: &MasterKey) -> Result<Vec<u8>, VaultError> {
        seal(&XChaCha20Poly1305::new(&new.0.into()), b"lookup", &self.lookup)
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
        let key: [u8; KEY_BYTES] = random().map_err(|why| VaultError::Other(why.0))?;
        let subject = Uuid::now_v7();
        let Master { cipher, mark, .. } = self.master();
        let wrapped = seal(&cipher, subject.as_bytes(), &key)?;
        let sealed = seal_text(&key, subject, clear)?;
        Ok((
            SubjectKey {
                subject,
                holder,
                lookup: identity_number.map(|number| self.lookup(number)),
                wrapped,
                wrapped_by: mark,
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
        let damaged = || VaultError::Other("sealed data is damaged".to_owned());
        let encoded = sealed.strip_prefix(SEALED_PREFIX).ok_or_else(damaged)?;
        let bytes = BASE64URL_NOPAD.decode(encoded.as_bytes()).map_err(|_| damaged())?;
        unseal(&XChaCha20Poly1305::new(&self.unwrap(key)?.into()), key.subject.as_bytes(), &bytes)
    }

    fn unwrap(&self, key: &SubjectKey) -> Result<[u8; KEY_BYTES], VaultError> {
        let data_key = unseal(&self.master().cipher, key.subject.as_bytes(), &key.wrapped);
        let data_key = data_key.map_err(|_| VaultError::MasterKey)?;
        data_key.try_into().map_err(|_| VaultError::Other("a person's key is damaged".to_owned()))
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
                    wrapped_by: Vec::new(),
                    is_new: false,
                })
            })
            .collect()
    }
}

fn lookup_key(connection: &mut AnyConnection) -> QueryResult<Option<Vec<u8>>> {
    secrets::table.find("lookup").select(secrets::wrapped).first(connection).optional()
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], OpenError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|why| OpenError(format!("the system gives no randomness: {why}")))?;
    Ok(bytes)
}

fn seal(cipher: &XChaCha20Poly1305, context: &[u8], clear: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce: [u8; NONCE_BYTES] = random().map_err(|why| VaultError::Other(why.0))?;
    let payload = Payload { msg: clear, aad: context };
    let sealed =
        cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Other("sealing failed".to_owned()))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn unseal(cipher: &XChaCha20Poly1305, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    let damaged = || VaultError::Other("sealed data does not open with this key".to_owned());
    let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or_else(damaged)?;
    cipher.decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: context }).map_err(|_| damaged())
}

fn seal_text(key: &[u8; KEY_BYTES], subject: Uuid, clear: &[u8]) -> Result<Sealed, VaultError> {
    let sealed = seal(&XChaCha20Poly1305::new(key.into()), subject.as_bytes(), clear)?;
    Ok(format!("{SEALED_PREFIX}{}", BASE64URL_NOPAD.encode(&sealed)))
}
