//! A batch in the making: commands decide in turn, their events are placed and folded, and what must be written is collected.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use uuid::Uuid;

use super::command::{Answer, AnyCommand, Context, Done, Plan, Submission};
use super::event::{Draft, EVENT_BYTES_MAX, Envelope, Event};
use super::executor::Ids;
use super::posting::Posting;
use super::resource::{BoxedState, Fact, Table};
use super::store::{Batch, Claim, FactChange, Head, PERSON, Receipt, StateRow, Store, StoreError};
use super::world::{LoadError, States, Wants, World};
use crate::kernel::problem_codes::{IDEMPOTENCY_KEY_REUSED, INTERNAL, RECORD_TOO_LARGE};
use crate::kernel::{Refusal, Timestamp};

/// How often a command may ask for more to be read before it decides. Chains are two long at most today.
const READ_ROUNDS_MAX: usize = 4;

/// A batch in the making.
pub(super) struct Work {
    world: World,
    receipts: HashMap<(Uuid, String), Receipt>,
    /// Resources that events were folded into.
    touched: BTreeMap<(&'static str, Uuid), Touched>,
    batch: Batch,
    now: Timestamp,
    /// Claims that were taken for free without looking, when that is allowed.
    assumed: Option<Vec<Claim>>,
}

/// A resource that events were folded into.
struct Touched {
    table: Table,
    /// Its document, where an answer already needed it.
    doc: Option<String>,
    /// Whether its first event is among them.
    is_new: bool,
}

impl Work {
    pub fn open(
        head: Head,
        now: Timestamp,
        submissions: &[Submission],
        world: World,
        assume_free: bool,
        store: &mut dyn Store,
    ) -> Result<Self, StoreError> {
        let keys: Vec<(Uuid, String)> = submissions
            .iter()
            .filter_map(|s| s.context.idempotency.as_ref().map(|(key, _)| (s.context.actor.organisation, key.clone())))
            .collect();
        let known = if keys.is_empty() { Vec::new() } else { store.receipts(&keys)? };
        let mut work = Self {
            world,
            receipts: known.into_iter().map(|r| ((r.organisation, r.key.clone()), r)).collect(),
            touched: BTreeMap::new(),
            batch: Batch { head, ..Batch::default() },
            now,
            assumed: assume_free.then(Vec::new),
        };
        for Submission { command, .. } in submissions.iter().filter(|submission| submission.context.id_is_new) {
            work.world.states.entry((command.kind(), command.id())).or_insert(None);
        }
        // What all commands want is read together: one query per kind and round, not per command.
        for _ in 0..READ_ROUNDS_MAX {
            let mut wants = Wants::default();
            // What was answered before is not decided again.
            for submission in submissions.iter().filter(|submission| work.receipt(&submission.context).is_none()) {
                submission.command.reads(&work.world, &mut wants);
            }
            match work.world.load(wants, &[], store) {
                Ok(true) => {}
                // What is corrupt is met again, and answered, by the command that wants it.
                Ok(false) | Err(LoadError::Corrupt(_)) => break,
                Err(LoadError::Store(error)) => return Err(error),
            }
        }
        Ok(work)
    }

    /// A batch of events that another log recorded.
    pub fn of_recorded(head: Head, world: World) -> Self {
        let (receipts, touched, assumed) = (HashMap::new(), BTreeMap::new(), None);
        let now = head.recorded_at;
        Self { world, receipts, touched, batch: Batch { head, ..Batch::default() }, now, assumed }
    }

    /// Folds an event as it was recorded.
    pub fn take_over(&mut self, draft: Draft, envelope: Envelope, store: &mut dyn Store) -> Result<(), StoreError> {
        let (position, recorded_at) = (envelope.position, envelope.recorded_at);
        let unfit = |why: &str| StoreError::new(format!("event at position {position}: {why}"));
        let key = (draft.kind.name, draft.stream_id);
        let before = self.world.states.get(&key).and_then(Option::as_ref).map_or(0, |state| state.stamp().version);
        if envelope.version != before + 1 {
            return Err(unfit("its version is not the next of its stream"));
        }
        let mut outcome = Folded::default();
        outcome.fold(&self.world, draft, envelope).map_err(|refusal| unfit(&refusal.detail.en))?;
        for (claim, id) in &outcome.claims {
            if self.holder(claim, store)?.is_some_and(|holder| holder != *id) {
                return Err(unfit("another resource holds what it claims"));
            }
        }
        self.adopt(outcome);
        self.now = recorded_at;
        Ok(())
    }

    /// The claims that were taken for free without looking.
    pub fn assumed(&mut self) -> Vec<Claim> {
        self.assumed.take().unwrap_or_default()
    }

    pub fn carry_out(
        &mut self,
        submission: &Submission,
        store: &mut dyn Store,
        ids: &mut Ids,
    ) -> Result<Answer, StoreError> {
        let Submission { command, context, .. } = submission;
        // No receipt is kept of this: the same request by a credential that suffices is a first one.
        if let Err(refusal) = command.require_scope(&context.actor) {
            return Ok(Answer { replayed: false, result: Err(refusal) });
        }
        if let Some(answer) = self.replay(context) {
            return Ok(answer);
        }
        let result = match self.decide(command.as_ref(), context, store)? {
            Ok(plan) => self.apply(command.as_ref(), context, plan, store, ids)?,
            Err(refusal) => Err(refusal),
        };
        self.keep_receipt(command.as_ref(), context, &result);
        Ok(Answer { replayed: false, result })
    }

    fn receipt(&self, context: &Context) -> Option<&Receipt> {
        let (key, _) = context.idempotency.as_ref()?;
        self.receipts.get(&(context.actor.organisation, key.clone()))
    }

    /// The first answer to this key, if it was used before.
    fn replay(&self, context: &Context) -> Option<Answer> {
        let (_, fingerprint) = context.idempotency.as_ref()?;
        let receipt = self.receipt(context)?;
        if receipt.fingerprint != *fingerprint {
            let refusal = Refusal::new(&IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_KEY_REUSED.advice.clone());
            return Some(Answer { replayed: false, result: Err(refusal) });
        }
        let result = match &receipt.refusal {
            Some(stored) => Err(Refusal::from_stored(stored)),
            None => Ok(Done {
                created: receipt.created,
                unchanged: false,
                id: receipt.stream_id,
                version: receipt.version,
                position: receipt.position,
                doc: None,
            }),
        };
        Some(Answer { replayed: true, result })
    }

    fn decide(
        &mut self,
        command: &dyn AnyCommand,
        context: &Context,
        store: &mut dyn Store,
    ) -> Result<Result<Plan, Refusal>, StoreError> {
        // An earlier command of this batch may have created what this one refers to, so ask again.
        for _ in 0..READ_ROUNDS_MAX {
            let mut wants = Wants::default();
            command.reads(&self.world, &mut wants);
            match self.world.load(wants, &self.batch.events, store) {
                Ok(true) => {}
                Ok(false) => break,
                Err(LoadError::Corrupt(why)) => return Ok(Err(broken(&why))),
                Err(LoadError::Store(error)) => return Err(error),
            }
        }
        let decided = catch_unwind(AssertUnwindSafe(|| command.decide(&self.world, context, self.now)));
        Ok(decided.unwrap_or_else(|_| {
            log::error!("a decision panicked kind={} id={}", command.kind(), command.id());
            Err(Refusal::new(&INTERNAL, INTERNAL.advice.clone()))
        }))
    }

    /// Places the events in the log and folds them, or refuses when a claim is already held. Nothing changes on a refusal.
    fn apply(
        &mut self,
        command: &dyn AnyCommand,
        context: &Context,
        mut plan: Plan,
        store: &mut dyn Store,
        ids: &mut Ids,
    ) -> Result<Result<Done, Refusal>, StoreError> {
        let own = (command.kind(), command.id());
        let unchanged = plan.drafts.is_empty();
        let mut outcome = Folded::default();
        let mut cause = None;
        for draft in std::mem::take(&mut plan.drafts) {
            let event_id = ids.next(self.now);
            let envelope = self.envelope(&draft, context, &outcome, event_id, cause);
            if envelope.version > draft.kind.events_max {
                return Ok(Err(too_many_events(draft.kind.events_max)));
            }
            if draft.stream_id == own.1 {
                cause.get_or_insert(event_id);
            }
            if let Err(refusal) = outcome.fold(&self.world, draft, envelope) {
                return Ok(Err(refusal));
            }
        }
        if let Some(refusal) = self.claims_refusal(&outcome, store)? {
            return Ok(Err(refusal));
        }
        self.note_persons(&plan);
        self.adopt(outcome);
        self.batch.subject_keys.extend(plan.subject_keys);
        self.batch.destroyed.extend(plan.destroyed);
        let Some(Some(state)) = self.world.states.get(&own) else {
            return Ok(Err(Refusal::not_found(own.0, own.1)));
        };
        let doc = context.wants_document.then(|| document(state)).transpose()?;
        if let Some(touched) = self.touched.get_mut(&own) {
            touched.doc.clone_from(&doc);
        }
        let stamp = state.stamp();
        let (version, position) = (stamp.version, stamp.position);
        Ok(Ok(Done { created: command.creates(), unchanged, id: own.1, version, position, doc }))
    }

    fn envelope(
        &self,
        draft: &Draft,
        context: &Context,
        outcome: &Folded,
        event_id: Uuid,
        cause: Option<Uuid>,
    ) -> Envelope {
        let key = (draft.kind.name, draft.stream_id);
        let before = outcome.state(&self.world, key).map_or(0, |state| state.stamp().version);
        let placed = i64::try_from(self.batch.events.len() + outcome.events.len()).unwrap_or(i64::MAX);
        let start = self.batch.head.position;
        Envelope {
            position: start + placed + 1,
            event_id,
            stream_kind: draft.kind.name.to_owned(),
            stream_id: draft.stream_id,
            version: before + 1,
            event_type: draft.event_type.clone(),
            schema_version: draft.schema_version,
            actor: context.actor.key,
            organisation: context.actor.organisation,
            occurred_at: context.occurred_at.unwrap_or(self.now),
            recorded_at: self.now,
            correlation_id: context.correlation_id.clone(),
            causation_id: cause,
            // The place is that of the state after the event.
            region: None,
            owner: None,
        }
    }

    fn holder(&mut self, claim: &Claim, store: &mut dyn Store) -> Result<Option<Uuid>, StoreError> {
        if let Some(assumed) = &mut self.assumed
            && !self.world.claims.contains_key(claim)
        {
            assumed.push(claim.clone());
            self.world.claims.insert(claim.clone(), None);
        }
        let mut wants = Wants::default();
        wants.claim(claim.clone());
        if let Err(LoadError::Store(error)) = self.world.load(wants, &[], store) {
            return Err(error);
        }
        Ok(self.world.holder(claim))
    }

    fn claims_refusal(&mut self, outcome: &Folded, store: &mut dyn Store) -> Result<Option<Refusal>, StoreError> {
        for (claim, id) in &outcome.claims {
            if let Some(holder) = self.holder(claim, store)?.filter(|holder| holder != id) {
                return Ok(Some(Refusal::duplicate(claim.pointer, claim.what, holder)));
            }
        }
        Ok(None)
    }

    /// Keeps who holds which number up to date within the batch. That nobody else holds it, decisions have seen to.
    fn note_persons(&mut self, plan: &Plan) {
        let given_up = |holder: &Uuid| {
            plan.destroyed_holders.contains(holder) || plan.subject_keys.iter().any(|key| key.holder == *holder)
        };
        for (claim, holder) in &mut self.world.claims {
            if claim.namespace == PERSON && holder.as_ref().is_some_and(given_up) {
                *holder = None;
            }
        }
        for key in &plan.subject_keys {
            if let Some(lookup) = &key.lookup {
                self.world.claims.insert(Claim::person(lookup.clone()), Some(key.holder));
            }
        }
    }

    fn adopt(&mut self, outcome: Folded) {
        for event in &outcome.events {
            let complete = self.batch.head.frontier.push(event.leaf_hash);
            self.batch.nodes.extend(complete);
            self.world.goes_on(event);
        }
        self.batch.events.extend(outcome.events);
        self.batch.facts.extend(outcome.facts);
        self.batch.postings.extend(outcome.postings);
        for claim in outcome.released {
            self.world.claims.insert(claim.clone(), None);
            // What this very batch took was never written.
            match self.batch.claims.iter().position(|(taken, _)| *taken == claim) {
                Some(place) => drop(self.batch.claims.remove(place)),
                None => self.batch.released.push(claim),
            }
        }
        for (claim, id) in outcome.claims {
            if self.world.claims.insert(claim.clone(), Some(id)).flatten().is_none() {
                self.batch.claims.push((claim, id));
            }
        }
        for (key, table, state) in outcome.states {
            let is_new = state.stamp().version == 1 || self.touched.get(&key).is_some_and(|touched| touched.is_new);
            self.touched.insert(key, Touched { table, doc: None, is_new });
            self.world.states.insert(key, Some(state));
        }
    }

    fn keep_receipt(&mut self, command: &dyn AnyCommand, context: &Context, result: &Result<Done, Refusal>) {
        let Some((key, fingerprint)) = &context.idempotency else {
            return;
        };
        // What is our fault, and not an answer to the question, must not be repeated for ever.
        // A failed precondition answers nothing either: it tells to look again and to send with what was seen.
        if result.as_ref().is_err_and(|refusal| refusal.code.status >= 500 || refusal.code.status == 412) {
            return;
        }
        let done = result.as_ref().ok();
        let receipt = Receipt {
            organisation: context.actor.organisation,
            key: key.clone(),
            fingerprint: *fingerprint,
            created: command.creates(),
            stream_kind: command.kind().to_owned(),
            stream_id: command.id(),
            version: done.map_or(0, |done| done.version),
            position: done.map_or(0, |done| done.position),
            refusal: result.as_ref().err().map(Refusal::to_stored),
            recorded_at: self.now,
        };
        self.receipts.insert((receipt.organisation, receipt.key.clone()), receipt.clone());
        self.batch.receipts.push(receipt);
    }

    /// What must be written, and the states as they are then.
    pub fn into_batch(mut self) -> Result<(Batch, States), StoreError> {
        let added = i64::try_from(self.batch.events.len()).unwrap_or(i64::MAX);
        if added > 0 {
            self.batch.head.position += added;
            self.batch.head.recorded_at = self.now;
        }
        for (key, Touched { table, doc, is_new }) in self.touched {
            let Some(Some(state)) = self.world.states.get(&key) else {
                continue;
            };
            let doc = doc.map_or_else(|| document(state), Ok)?;
            let stamp = state.stamp();
            self.batch.states.push(StateRow {
                table,
                id: key.1,
                version: stamp.version,
                position: stamp.position,
                is_new,
                columns: state.columns(),
                doc,
            });
        }
        Ok((self.batch, self.world.states))
    }
}

fn document(state: &BoxedState) -> Result<String, StoreError> {
    state.doc().map_err(|why| StoreError::new(format!("a document could not be written: {why}")))
}

/// A command that cannot be carried out through our fault.
fn broken(why: &str) -> Refusal {
    log::error!("a command met what should not be error={why}");
    Refusal::new(&INTERNAL, INTERNAL.advice.clone())
}

/// An event that auditors could not be given.
fn too_large(bytes: usize) -> Refusal {
    let detail = text!(
        "Catatan ini akan menjadi {bytes} bita, paling besar {EVENT_BYTES_MAX}; persingkat isinya atau bagi menjadi beberapa permintaan.",
        "This record would have {bytes} bytes, {EVENT_BYTES_MAX} at most; shorten it or send it in several requests."
    );
    Refusal::new(&RECORD_TOO_LARGE, detail).with("bytes", bytes).with("bytes_max", EVENT_BYTES_MAX)
}

/// A life that has become too long.
fn too_many_events(most: i64) -> Refusal {
    let why = text!(
        "Catatan ini sudah memuat {most} peristiwa, jumlah terbanyak; lanjutkan pada catatan baru.",
        "This record has {most} events already, the most there can be; go on with a new record."
    );
    Refusal::rule("", "too_many_events", why).with("events_max", most)
}

/// What the events of one command make of the world, before it is adopted.
#[derive(Default)]
struct Folded {
    events: Vec<Event>,
    states: Vec<((&'static str, Uuid), Table, BoxedState)>,
    claims: Vec<(Claim, Uuid)>,
    released: Vec<Claim>,
    facts: Vec<FactChange>,
    postings: Vec<(i64, Posting)>,
}

impl Folded {
    fn state<'a>(&'a self, world: &'a World, key: (&'static str, Uuid)) -> Option<&'a BoxedState> {
        let own = self.states.iter().rev().find(|(known, ..)| *known == key).map(|(.., state)| state);
        own.or_else(|| world.states.get(&key)?.as_ref())
    }

    fn fold(&mut self, world: &World, draft: Draft, mut envelope: Envelope) -> Result<(), Refusal> {
        let key = (draft.kind.name, draft.stream_id);
        let before = self.state(world, key);
        let past = world.past_of(key);
        let Some(after) = (draft.kind.fold)(before.map(|state| &**state), &*draft.event, &envelope, past) else {
            return Err(broken(&format!("{} does not follow the state of {}", draft.event_type, draft.stream_id)));
        };
        let posted = (draft.kind.postings)(before.map(|state| &**state), &*after, (&*draft.event, &envelope), past);
        let (facts_before, claims_before) =
            before.map_or_else(Default::default, |state| (state.facts(), state.claims()));
        let facts_after = after.facts();
        let change = |fact: &Fact, begins| FactChange {
            fact: fact.clone(),
            resource: draft.stream_id,
            position: envelope.position,
            begins,
        };
        let ceased = facts_before.iter().filter(|fact| !facts_after.contains(fact)).map(|fact| change(fact, false));
        let begun = facts_after.iter().filter(|fact| !facts_before.contains(fact)).map(|fact| change(fact, true));
        let changes: Vec<FactChange> = ceased.chain(begun).collect();
        self.facts.extend(changes);
        self.postings.extend(posted.into_iter().map(|posting| (envelope.position, posting)));
        let claims_after = after.claims();
        if (draft.kind.undoes)(&*draft.event) {
            self.released.extend(claims_before.iter().filter(|claim| !claims_after.contains(claim)).cloned());
        }
        let new_claims = claims_after.into_iter().filter(|claim| !claims_before.contains(claim));
        self.claims.extend(new_claims.map(|claim| (claim, draft.stream_id)));
        let (region, owner) = after.home();
        (envelope.region, envelope.owner) = (Some(region), Some(owner));
        self.states.push((key, draft.kind.table, after));
        let (event, bytes) = Event::seal_and_measure(envelope, draft.data)
            .map_err(|why| broken(&format!("an event could not be sealed: {why}")))?;
        if bytes > EVENT_BYTES_MAX {
            return Err(too_large(bytes));
        }
        self.events.push(event);
        Ok(())
    }
}
