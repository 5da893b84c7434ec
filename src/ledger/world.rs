//! The states and claims a batch works on: read once, then kept up to date as the batch decides.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::resource::{BoxedState, Kind, Resource};
use super::store::{Claim, Store, StoreError};

/// What a command wants read before it decides.
#[derive(Default)]
pub struct Wants {
    states: HashMap<&'static str, (Option<Kind>, HashSet<Uuid>)>,
    claims: HashSet<Claim>,
}

impl Wants {
    /// The state of a resource.
    pub fn state<R: Resource>(&mut self, id: Uuid) {
        let (kind, ids) = self.states.entry(R::KIND).or_default();
        *kind = Some(Kind::of::<R>());
        ids.insert(id);
    }

    /// Who holds a claim.
    pub fn claim(&mut self, claim: Claim) {
        self.claims.insert(claim);
    }
}

/// Why something could not be read.
pub(super) enum LoadError {
    /// The database: nobody in the batch can be served.
    Store(StoreError),
    /// One stored state: who wants it is not served, everybody else is.
    Corrupt(String),
}

impl From<StoreError> for LoadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// States by kind and id; nothing for a resource that does not exist.
pub(super) type States = HashMap<(&'static str, Uuid), Option<BoxedState>>;

/// What has been read, with what the batch has decided so far.
#[derive(Default)]
pub struct World {
    pub(super) states: States,
    pub(super) claims: HashMap<Claim, Option<Uuid>>,
}

impl World {
    /// The state of a resource; `None` when it does not exist or was not wanted.
    pub fn find<R: Resource>(&self, id: Uuid) -> Option<&R> {
        self.states.get(&(R::KIND, id))?.as_ref()?.as_any().downcast_ref()
    }

    /// Who holds a claim.
    pub fn holder(&self, claim: &Claim) -> Option<Uuid> {
        self.claims.get(claim).copied().flatten()
    }

    /// Reads what is wanted and not yet known, one query per kind. Tells whether anything had to be read.
    pub(super) fn load(&mut self, wants: Wants, store: &mut dyn Store) -> Result<bool, LoadError> {
        let mut read_any = false;
        for (kind, ids) in wants.states.into_values() {
            let Some(kind) = kind else { continue };
            let missing: Vec<Uuid> =
                ids.into_iter().filter(|id| !self.states.contains_key(&(kind.name, *id))).collect();
            if missing.is_empty() {
                continue;
            }
            read_any = true;
            let rows = store.states(&kind.table, &missing)?;
            let mut absent: HashSet<Uuid> = missing.into_iter().collect();
            let mut corrupt = None;
            for (id, doc) in rows {
                absent.remove(&id);
                match (kind.load)(&doc) {
                    Ok(state) => {
                        self.states.insert((kind.name, id), Some(state));
                    }
                    Err(why) => {
                        corrupt = Some(format!("stored {} {id} does not decode: {why}", kind.name));
                    }
                }
            }
            self.states.extend(absent.into_iter().map(|id| ((kind.name, id), None)));
            if let Some(why) = corrupt {
                return Err(LoadError::Corrupt(why));
            }
        }
        let missing: Vec<Claim> = wants.claims.into_iter().filter(|claim| !self.claims.contains_key(claim)).collect();
        if !missing.is_empty() {
            read_any = true;
            let held = store.claims(&missing)?;
            self.claims.extend(missing.into_iter().map(|claim| (claim, None)));
            self.claims.extend(held.into_iter().map(|(claim, holder)| (claim, Some(holder))));
        }
        Ok(read_any)
    }
}
