//! Whose key is whose, remembered: a request with a known key asks no database.
//!
//! What is remembered counts only while it is certain. This process forgets everything when an organisation changes, before whoever
//! changed it is answered. Changes by other instances are seen by a thread that looks every [`LOOK_EVERY`], or sooner when it is told; what it
//! last saw counts for [`LEASE`], so a revocation that waits for [`LEASE`] before it is answered has reached every instance.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::problem::Problem;
use crate::kernel::{Actor, Timestamp};
use crate::ledger::Hash;
use crate::storage::{AnyConnection, ReadError};

/// How long it counts that the organisations were looked at.
pub const LEASE: Duration = Duration::from_secs(1);
/// How often they are looked at.
pub const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Keys remembered; beyond that all are forgotten and asked for anew.
const KEYS_MAX: usize = 10_000;

/// A key that works, and until when.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// Who holds it.
    pub actor: Actor,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
}

/// How keys are found. Supplied by the organisations area, which ranks above this module.
#[derive(Clone, Copy)]
pub struct KeySource {
    /// The key with this hash, if it works now.
    pub find: fn(&mut AnyConnection, &Hash, Timestamp) -> Result<Option<KnownKey>, ReadError>,
    /// A number that changes whenever any organisation does.
    pub version: fn(&mut AnyConnection) -> Result<i64, ReadError>,
}

/// See the module.
pub struct Keyring {
    source: KeySource,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<Hash, KnownKey>,
    /// Raised with every forgetting: what was read before is not remembered after.
    generation: u64,
    version: Option<i64>,
    certain_until: Option<Instant>,
}

impl Keyring {
    /// An empty ring.
    pub fn new(source: KeySource) -> Arc<Self> {
        Arc::new(Self { source, known: RwLock::default() })
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

    /// Who holds the key with this hash, if that is remembered and certain.
    pub fn recall(&self, hash: &Hash, now: Timestamp) -> Option<Actor> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let certain = known.certain_until.is_some_and(|until| Instant::now() < until);
        let key = known.keys.get(hash).filter(|_| certain)?;
        key.expires_at.is_none_or(|expiry| now < expiry).then(|| key.actor.clone())
    }

    /// Asks the database who holds the key with this hash, and remembers it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, connection: &mut AnyConnection, hash: &Hash, now: Timestamp) -> Result<Option<Actor>, Problem> {
        let generation = self.known.read().unwrap_or_else(PoisonError::into_inner).generation;
        let Some(key) = (self.source.find)(connection, hash, now)? else {
            return Ok(None);
        };
        let actor = key.actor.clone();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.generation == generation {
            if known.keys.len() >= KEYS_MAX {
                known.keys.clear();
            }
            known.keys.insert(*hash, key);
        }
        Ok(Some(actor))
    }
}
