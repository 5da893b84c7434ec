//! What the executor asks of a database. One implementation serves both; the conformance suite runs on each.

use uuid::Uuid;

use super::event::Event;
use super::look::Look;
use super::merkle::{Frontier, Hash, Node};
use super::posting::Posting;
use super::resource::{Cell, Fact, Table};
use crate::kernel::Timestamp;

/// The end of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Position of the last event; 0 when there is none.
    pub position: i64,
    /// When the last event was recorded.
    pub recorded_at: Timestamp,
    /// Frontier of the Merkle tree.
    pub frontier: Frontier,
}

/// Something that may be recorded once only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim {
    /// What is unique, such as `legal_entity`.
    pub namespace: &'static str,
    /// The value, normalised.
    pub value: String,
    /// The field a duplicate is blamed on.
    pub pointer: &'static str,
    /// Official name of the thing, for the sentence.
    pub what: &'static str,
}

impl Claim {
    /// The claim that a person, found by the keyed hash of the identity number, is registered once. Whoever decides to write such a key has
    /// looked who holds it: what is told of that depends on who asks.
    pub fn person(lookup: String) -> Self {
        Self { namespace: PERSON, value: lookup, pointer: "/person/nik_orang", what: "nik_orang" }
    }
}

/// Namespace of persons: kept with their keys, not with the rebuildable claims, so that erasing a person removes it.
pub const PERSON: &str = "person";

/// A person's wrapped data key, and the keyed hash the person is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectKey {
    /// Whose: an id of its own, so that no client can name another's key.
    pub subject: Uuid,
    /// The resource that holds the person's data.
    pub holder: Uuid,
    /// HMAC of the identity number, if there is one.
    pub lookup: Option<String>,
    /// The data key, wrapped by the master key.
    pub wrapped: Vec<u8>,
    /// The mark of that master key. A new key is not written once another master took its place: it could never be opened.
    pub wrapped_by: Vec<u8>,
    /// Whether the key is new; that of a known person is never replaced, only its look-up.
    pub is_new: bool,
}

/// A stored state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// Where it belongs.
    pub table: Table,
    /// The resource.
    pub id: Uuid,
    /// Version of its stream.
    pub version: i64,
    /// Position of its last event.
    pub position: i64,
    /// Whether its first event is written with it, so that there is no row of it yet.
    pub is_new: bool,
    /// Typed columns.
    pub columns: Vec<Cell>,
    /// The document.
    pub doc: String,
}

/// A fact begins or ceases to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactChange {
    /// The fact.
    pub fact: Fact,
    /// The resource that asserts it.
    pub resource: Uuid,
    /// From this position on.
    pub position: i64,
    /// Begins (true) or ceases.
    pub begins: bool,
}

/// The first answer to an Idempotency-Key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Whose key.
    pub organisation: Uuid,
    /// The key.
    pub key: String,
    /// Keyed hash of method, path and content.
    pub fingerprint: Hash,
    /// Whether the answer was 201.
    pub created: bool,
    /// Kind, id, version of the answer's document, and the position of its last event.
    pub stream_kind: String,
    /// The resource.
    pub stream_id: Uuid,
    /// The version that was answered.
    pub version: i64,
    /// The position that was answered.
    pub position: i64,
    /// The refusal, when it was one.
    pub refusal: Option<String>,
    /// When.
    pub recorded_at: Timestamp,
}

/// All a batch writes, in one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Events at head + 1 and on.
    pub events: Vec<Event>,
    /// Nodes of the Merkle tree that these events complete.
    pub nodes: Vec<Node>,
    /// The last state of every resource touched.
    pub states: Vec<StateRow>,
    /// Claims given up, because the events that made them were undone. They are free before others are taken.
    pub released: Vec<Claim>,
    /// New claims with their holders.
    pub claims: Vec<(Claim, Uuid)>,
    /// Facts that begin or cease, in order.
    pub facts: Vec<FactChange>,
    /// What the events add to the figures, each with the position of its event.
    pub postings: Vec<(i64, Posting)>,
    /// Receipts.
    pub receipts: Vec<Receipt>,
    /// Keys of new persons, or of persons whose look-up changed.
    pub subject_keys: Vec<SubjectKey>,
    /// Persons whose keys are destroyed.
    pub destroyed: Vec<Uuid>,
    /// Who is shown whose personal data.
    pub looks: Vec<Look>,
    /// The head after the batch.
    pub head: Head,
}

impl Batch {
    /// Whether there is anything to write.
    pub fn is_empty(&self) -> bool {
        self.leaves_the_log() && self.looks.is_empty()
    }

    /// Whether the log and all that follows from it stay as they are.
    pub fn leaves_the_log(&self) -> bool {
        self.events.is_empty() && self.receipts.is_empty()
    }
}

/// Why a store could not do it.
#[derive(Debug)]
pub struct StoreError {
    /// For the log.
    pub why: String,
    /// What is known of the batch and of the store.
    pub harm: Harm,
}

/// What a failure leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Nothing of the batch was written.
    None,
    /// The commit was sent and never answered: the batch is written wholly or not at all.
    Unknown,
    /// The disk does not keep what it was told to keep. Nothing may be accepted until somebody has looked at it.
    Lasting,
}

impl StoreError {
    /// A failure that left nothing behind.
    pub fn new(why: impl std::fmt::Display) -> Self {
        Self { why: why.to_string(), harm: Harm::None }
    }
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}
impl std::error::Error for StoreError {}

/// A writer's connection: one transaction at a time, begun, read from, then committed with a batch or rolled back.
pub trait Store: Send {
    /// Opens the transaction and locks the head: no other writer gets in between.
    ///
    /// # Errors
    /// When the database cannot be used.
    fn begin(&mut self) -> Result<Head, StoreError>;
    /// The database's own clock as it was once the head was locked, where writers on several machines would each have their own.
    fn clock(&self) -> Option<Timestamp> {
        None
    }
    /// Receipts of these organisations' keys.
    ///
    /// # Errors
    /// When the database cannot be used.
    fn receipts(&mut self, keys: &[(Uuid, String)]) -> Result<Vec<Receipt>, StoreError>;
    /// Documents of these resources, those that exist.
    ///
    /// # Errors
    /// When the database cannot be used.
    fn states(&mut self, table: &Table, ids: &[Uuid]) -> Result<Vec<(Uuid, String)>, StoreError>;
    /// The events of some resources of a kind, each resource's oldest first.
    ///
    /// # Errors
    /// When the database cannot be used.
    fn streams(&mut self, kind: &str, ids: &[Uuid]) -> Result<Vec<Event>, StoreError>;
    /// Who holds these claims.
    ///
    /// # Errors
    /// When the database cannot be used.
    fn claims(&mut self, claims: &[Claim]) -> Result<Vec<(Claim, Uuid)>, StoreError>;
    /// Writes the batch and commits; when this returns, the batch is on disk.
    ///
    /// # Errors
    /// When it was not, or when that is not known: see [`Harm`].
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError>;
    /// Does what is left to do once batches are on disk; called after each, and now and then. Tells whether something is left for later.
    ///
    /// # Errors
    /// When it cannot be done. What was committed stays committed.
    fn tidy(&mut self) -> Result<bool, StoreError> {
        Ok(false)
    }
    /// Gives the transaction up.
    fn rollback(&mut self);
}
