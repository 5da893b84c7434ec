//! Folding a recorded stream anew: the rows its resource ought to have, and the state it would have without an event.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::event::{Envelope, Event, decode};
use super::posting::{Posting, postings};
use super::resource::{Fact, Kind, Resource, Stamp, fold};
use super::store::{Claim, StateRow};
use crate::kernel::Date;

/// What a stream amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The resource's row.
    pub state: StateRow,
    /// The claims it holds.
    pub claims: Vec<Claim>,
    /// The facts it asserted, with the positions at which they began and ceased.
    pub facts: Vec<(Fact, i64, Option<i64>)>,
    /// What its events added to the figures, each with the position of its event.
    pub postings: Vec<(i64, Posting)>,
}

impl Kind {
    /// Folds the whole stream of one resource.
    ///
    /// # Errors
    /// A sentence naming the position of the first event that is missing, does not decode or does not fit.
    pub fn replay(&self, events: &[Event]) -> Result<Replayed, String> {
        (self.replay)(events)
    }
}

pub(super) fn replay<R: Resource>(events: &[Event]) -> Result<Replayed, String> {
    let mut state: Option<R> = None;
    let mut claims: Vec<Claim> = Vec::new();
    let mut facts: Vec<(Fact, i64, Option<i64>)> = Vec::new();
    let mut posted: Vec<(i64, Posting)> = Vec::new();
    for (index, (number, event)) in (1_i64..).zip(events).enumerate() {
        let position = event.envelope.position;
        if event.envelope.version != number {
            let found = event.envelope.version;
            return Err(format!("event at position {position} has version {found} where {number} is due"));
        }
        let (past, decoded) = (&events[..index], recorded::<R>(event)?);
        let held = state.as_ref().filter(|_| R::undoes(&decoded).is_some()).map_or_else(Vec::new, Resource::claims);
        let stood = state.as_ref().map_or_else(Vec::new, Resource::stands_for);
        let next = next(state, &decoded, event, past)?;
        posted.extend(
            postings(stood, &next, (&decoded, &event.envelope), past).into_iter().map(|posting| (position, posting)),
        );
        let made = next.claims();
        claims.retain(|claim| made.contains(claim) || !held.contains(claim));
        for claim in made {
            if !claims.contains(&claim) {
                claims.push(claim);
            }
        }
        let asserted = next.facts();
        for (fact, _, until) in &mut facts {
            if until.is_none() && !asserted.contains(fact) {
                *until = Some(position);
            }
        }
        for fact in asserted {
            if !facts.iter().any(|(known, _, until)| until.is_none() && *known == fact) {
                facts.push((fact, position, None));
            }
        }
        state = Some(next);
    }
    let state = state.ok_or("a stream without events")?;
    let stamp = *state.stamp();
    let doc = serde_json::to_string(&state).map_err(|why| format!("{}: {why}", stamp.id))?;
    let row = StateRow {
        table: R::TABLE,
        id: stamp.id,
        version: stamp.version,
        position: stamp.position,
        is_new: true,
        columns: state.columns(),
        doc,
    };
    Ok(Replayed { state: row, claims, facts, postings: posted })
}

/// The state after one more recorded event.
fn next<R: Resource>(state: Option<R>, decoded: &R::Event, event: &Event, past: &[Event]) -> Result<R, String> {
    let position = event.envelope.position;
    fold(state, decoded, &event.envelope, past)
        .ok_or_else(|| format!("event at position {position} does not follow the state"))
}

/// An event as it was recorded, lifted to the present schema version.
pub(super) fn recorded<R: Resource>(event: &Event) -> Result<R::Event, String> {
    let envelope = &event.envelope;
    let data = R::upcast(&envelope.event_type, envelope.schema_version, event.data.clone());
    decode::<R::Event>(&envelope.event_type, &data)
        .map_err(|why| format!("event at position {} does not decode: {why}", envelope.position))
}

/// One step of a resource's past.
pub struct Step<'a, R: Resource> {
    /// Who, when, where in the log.
    pub envelope: &'a Envelope,
    /// What.
    pub event: R::Event,
    /// Whether a later step undid it.
    pub undone: bool,
}

/// The steps of a stream, those that were undone marked.
///
/// # Errors
/// A sentence naming the position of the first event that does not decode.
pub fn steps<R: Resource>(past: &[Event]) -> Result<Vec<Step<'_, R>>, String> {
    let mut steps = Vec::with_capacity(past.len());
    for event in past {
        steps.push(Step { envelope: &event.envelope, event: recorded::<R>(event)?, undone: false });
    }
    let undone: HashSet<Uuid> = steps.iter().filter_map(|step: &Step<'_, R>| R::undoes(&step.event)).collect();
    for step in &mut steps {
        step.undone = undone.contains(&step.envelope.event_id);
    }
    Ok(steps)
}

/// The state as it would be had `undone`, and whatever was undone before, never happened.
pub(super) fn retell<R: Resource>(past: &[Event], undone: Uuid) -> Option<R> {
    let mut state = None;
    for step in steps::<R>(past).ok()? {
        let stands = !step.undone && step.envelope.event_id != undone && R::undoes(&step.event).is_none();
        if stands {
            state = Some(R::evolve(state, &step.event, step.envelope)?);
        }
    }
    state
}

/// Folds recorded events of one stream, from its first on: reads as of a point in the log.
///
/// # Errors
/// A sentence naming the position of the first event that does not decode or fit.
pub fn fold_stream<R: Resource>(events: &[Event]) -> Result<Option<R>, String> {
    let mut state = None;
    for (index, event) in events.iter().enumerate() {
        state = Some(next(state, &recorded::<R>(event)?, event, &events[..index])?);
    }
    Ok(state)
}

/// The state at the end of a day in the world, as a stream tells it that goes as far as what is known: the steps that count from that day or
/// before, told without those that were undone. Nothing when the resource began later.
///
/// The stamp is that of the last event that counts; a reversal counts where what it undid would.
///
/// # Errors
/// As [`fold_stream`].
pub fn fold_on<R: Resource>(events: &[Event], day: Date) -> Result<Option<R>, String> {
    let (mut known, mut own) = (None, None::<R>);
    let mut days: HashMap<Uuid, Date> = HashMap::new();
    let mut last = None;
    for step in steps::<R>(events)? {
        let envelope = step.envelope;
        let does_not_follow = || format!("event at position {} does not follow the state", envelope.position);
        let undone = R::undoes(&step.event);
        let from = match undone {
            Some(undone) => *days.get(&undone).ok_or_else(does_not_follow)?,
            None => R::counts_from(known.as_ref(), &step.event, envelope),
        };
        days.insert(envelope.event_id, from);
        let began = known.is_none() || own.is_some();
        if from <= day && began {
            last = Some(envelope);
        }
        if step.undone || undone.is_some() {
            continue;
        }
        if from <= day && began {
            own = Some(R::evolve(own, &step.event, envelope).ok_or_else(does_not_follow)?);
        }
        known = Some(R::evolve(known, &step.event, envelope).ok_or_else(does_not_follow)?);
    }
    let (Some(own), Some(known), Some(first), Some(last)) = (own, known, events.first(), last) else { return Ok(None) };
    let mut own = own.at_end_of(&known, day);
    *own.stamp_mut() = stamp(&first.envelope, last);
    Ok(Some(own))
}

/// The stamp of a resource that the first and the last of its events make.
fn stamp(first: &Envelope, last: &Envelope) -> Stamp {
    Stamp {
        id: last.stream_id,
        version: last.version,
        position: last.position,
        recorded_by: first.organisation,
        recorded_at: first.recorded_at,
        updated_at: last.recorded_at,
    }
}

/// The state after each event of a stream.
///
/// # Errors
/// As [`fold_stream`].
pub fn states_of<R: Resource>(events: &[Event]) -> Result<Vec<R>, String> {
    let mut states: Vec<R> = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        states.push(next(states.last().cloned(), &recorded::<R>(event)?, event, &events[..index])?);
    }
    Ok(states)
}
