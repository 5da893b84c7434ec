//! Whose key is whose, remembered: a request with a known key asks no database.
//!
//! What is remembered counts only while it is certain. This process forgets everything when an organisation changes, before whoever
//! changed it is answered. Changes by other instances are seen by a thread that looks every [`LOOK_EVERY`], or sooner when it is told; what it
//! last saw counts for [`LEASE`], so a revocation that waits for [`LEASE`] before it is answered has reached every instance.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use prometheus::IntCounter;

use super::problem::Problem;
use super::uses::KeyUses;
use crate::kernel::{Actor, Name, Timestamp};
use crate::ledger::Hash;
use crate::storage::{AnyConnection, ReadError};

/// How long it counts that the organisations were looked at.
pub const LEASE: Duration = Duration::from_secs(1);
/// How often they are looked at.
pub const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Keys remembered; beyond that all are forgotten and asked for anew.
const KEYS_MAX: usize = 10_000;

/// What a caller shows, as far as it identifies anyone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    /// SHA-256 of an API key.
    Key(Hash),
    /// SHA-256 of the certificate the connection was opened with.
    Certificate(Hash),
    /// Who a token was issued to.
    Client {
        /// Its issuer.
        issuer: String,
        /// The client.
        client_id: String,
    },
}

/// A key or client that works, and until when.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// Who holds it.
    pub actor: Actor,
    /// What it is for.
    pub label: Option<Name>,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
}

/// How keys are found. Supplied by the organisations area, which ranks above this module.
#[derive(Clone, Copy)]
pub struct KeySource {
    /// Who shows this, if it works now.
    pub find: fn(&mut AnyConnection, &Credential, Timestamp) -> Result<Option<KnownKey>, ReadError>,
    /// A number that changes whenever any organisation does.
    pub version: fn(&mut AnyConnection) -> Result<i64, ReadError>,
}

/// See the module.
pub struct Keyring {
    source: KeySource,
    known: RwLock<Known>,
    uses: Arc<KeyUses>,
    asked: IntCounter,
}

#[derive(Default)]
struct Known {
    keys: HashMap<Credential, (Arc<KnownKey>, Arc<AtomicI64>)>,
    /// Raised with every forgetting: what was read before is not remembered after.
    generation: u64,
    version: Option<i64>,
    certain_until: Option<Instant>,
}

impl Keyring {
    /// An empty ring; `asked` counts how often the database is asked.
    pub fn new(source: KeySource, asked: IntCounter) -> Arc<Self> {
        Arc::new(Self { source, known: RwLock::default(), uses: Arc::default(), asked })
    }

    /// When the keys were last used.
    pub fn uses(&self) -> Arc<KeyUses> {
        self.uses.clone()
    }

    /// Forgets all keys.
    pub fn forget(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.keys.clear();
        known.generation += 1;
    }

    /// Looks whether an organisation changed, and forgets all keys if so.
    ///
    /// # Errors
    /// When the database cannot be read; what is remembered then ceases to count by itself.
    pub fn look(&self, connection: &mut AnyConnection) -> Result<(), ReadError> {
        let began = Instant::now();
        let version = (self.source.version)(connection)?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.version.replace(version) != Some(version) {
            known.keys.clear();
            known.generation += 1;
        }
        known.certain_until = Some(began + LEASE);
        Ok(())
    }

    /// Who shows this, if that is remembered and certain.
    pub fn recall(&self, credential: &Credential, now: Timestamp) -> Option<Arc<KnownKey>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let certain = known.certain_until.is_some_and(|until| Instant::now() < until);
        let (key, used) = known.keys.get(credential).filter(|_| certain)?;
        let works = key.expires_at.is_none_or(|expiry| now < expiry);
        works.then(|| {
            used.store(now.micros(), Ordering::Relaxed);
            key.clone()
        })
    }

    /// Asks the database who shows this, and remembers it. That nobody does is not remembered: whether something was asked for before
    /// changes nothing in how it is answered.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(
        &self,
        connection: &mut AnyConnection,
        credential: &Credential,
        now: Timestamp,
    ) -> Result<Option<Arc<KnownKey>>, Problem> {
        self.asked.inc();
        let generation = self.known.read().unwrap_or_else(PoisonError::into_inner).generation;
        let Some(key) = (self.source.find)(connection, credential, now)? else {
            return Ok(None);
        };
        let used = self.uses.of(key.actor.key);
        let key = Arc::new(key);
        used.store(now.micros(), Ordering::Relaxed);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.generation == generation {
            if known.keys.len() >= KEYS_MAX {
                known.keys.clear();
            }
            known.keys.insert(credential.clone(), (key.clone(), used));
        }
        Ok(Some(key))
    }
}
