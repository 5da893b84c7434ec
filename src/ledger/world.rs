//! The states and claims a batch works on: read once, then kept up to date as the batch decides.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::event::Event;
use super::resource::{BoxedState, Kind, Resource};
use super::store::{Claim, Store, StoreError};

/// What a command wants read before it decides.
#[derive(Default)]
pub struct Wants {
    states: HashMap<&'static str, (Option<Kind>, HashSet<Uuid>)>,
    claims: HashSet<Claim>,
    pasts: HashMap<&'static str, HashSet<Uuid>>,
}

impl Wants {
    /// The state of a resource.
    pub fn state<R: Resource>(&mut self, id: Uuid) {
        let (kind, ids) = self.states.entry(R::KIND).or_default();
        *kind = Some(Kind::of::<R>());
        ids.insert(id);
    }

    /// As [`Wants::state`], of a kind.
    pub(super) fn state_of(&mut self, kind: Kind, id: Uuid) {
        let (wanted, ids) = self.states.entry(kind.name).or_default();
        *wanted = Some(kind);
        ids.insert(id);
    }

    /// As [`Wants::past`], of a kind.
    pub(super) fn past_of(&mut self, kind: Kind, id: Uuid) {
        self.pasts.entry(kind.name).or_default().insert(id);
    }

    /// All events of a resource so far.
    pub fn past<R: Resource>(&mut self, id: Uuid) {
        self.pasts.entry(R::KIND).or_default().insert(id);
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
    pub(super) pasts: HashMap<&'static str, HashMap<Uuid, Vec<Event>>>,
}

impl World {
    /// The state of a resource; `None` when it does not exist or was not wanted.
    pub fn find<R: Resource>(&self, id: Uuid) -> Option<&R> {
        self.states.get(&(R::KIND, id))?.as_ref()?.as_any().downcast_ref()
    }

    /// The events of a resource so far; empty when they were not wanted.
    pub fn past<R: Resource>(&self, id: Uuid) -> &[Event] {
        self.past_of((R::KIND, id))
    }

    pub(super) fn past_of(&self, key: (&'static str, Uuid)) -> &[Event] {
        self.pasts.get(key.0).and_then(|pasts| pasts.get(&key.1)).map_or(&[], Vec::as_slice)
    }

    /// Who holds a claim.
    pub fn holder(&self, claim: &Claim) -> Option<Uuid> {
        self.claims.get(claim).copied().flatten()
    }

    /// Reads what is wanted and not yet known, one query per kind. `placed` are the batch's own events, which no store knows yet. Tells
    /// whether anything had to be read.
    pub(super) fn load(&mut self, wants: Wants, placed: &[Event], store: &mut dyn Store) -> Result<bool, LoadError> {
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
        for (kind, ids) in wants.pasts {
            let pasts = self.pasts.entry(kind).or_default();
            let missing: Vec<Uuid> = ids.into_iter().filter(|id| !pasts.contains_key(id)).collect();
            if missing.is_empty() {
                continue;
            }
            read_any = true;
            let recorded = store.streams(kind, &missing)?;
            let mut read: HashMap<Uuid, Vec<Event>> = missing.into_iter().map(|id| (id, Vec::new())).collect();
            for event in recorded.iter().chain(placed).filter(|event| event.envelope.stream_kind == kind) {
                if let Some(past) = read.get_mut(&event.envelope.stream_id) {
                    past.push(event.clone());
                }
            }
            pasts.extend(read);
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

    /// Lets the past of its stream, if it was read, go on with an event that was placed.
    pub(super) fn goes_on(&mut self, event: &Event) {
        let pasts = self.pasts.get_mut(event.envelope.stream_kind.as_str());
        if let Some(past) = pasts.and_then(|pasts| pasts.get_mut(&event.envelope.stream_id)) {
            past.push(event.clone());
        }
    }
}
