//! Folding a recorded stream anew: the rows its resource ought to have.

use super::event::{Event, decode};
use super::resource::{Fact, Kind, Resource, fold};
use super::store::{Claim, StateRow};

/// What a stream amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The resource's row.
    pub state: StateRow,
    /// The claims it holds.
    pub claims: Vec<Claim>,
    /// The facts it asserted, with the positions at which they began and ceased.
    pub facts: Vec<(Fact, i64, Option<i64>)>,
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
    for (number, event) in (1_i64..).zip(events) {
        let position = event.envelope.position;
        if event.envelope.version != number {
            let found = event.envelope.version;
            return Err(format!("event at position {position} has version {found} where {number} is due"));
        }
        let next = next(state, event)?;
        for claim in next.claims() {
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
        columns: state.columns(),
        doc,
    };
    Ok(Replayed { state: row, claims, facts })
}

/// The state after one more recorded event.
fn next<R: Resource>(state: Option<R>, event: &Event) -> Result<R, String> {
    let envelope = &event.envelope;
    let data = R::upcast(&envelope.event_type, envelope.schema_version, event.data.clone());
    let position = envelope.position;
    let decoded = decode::<R::Event>(&envelope.event_type, &data)
        .map_err(|why| format!("event at position {position} does not decode: {why}"))?;
    fold(state, &decoded, envelope).ok_or_else(|| format!("event at position {position} does not follow the state"))
}

/// Folds recorded events of one stream, from its first on: reads as of a point in the log.
///
/// # Errors
/// A sentence naming the position of the first event that does not decode or fit.
pub fn fold_stream<R: Resource>(events: &[Event]) -> Result<Option<R>, String> {
    let mut state = None;
    for event in events {
        state = Some(next(state, event)?);
    }
    Ok(state)
}
