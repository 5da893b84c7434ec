//! A resource kind: its events, its one fold, and the row it is stored in.

use std::any::Any;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::event::{Envelope, Event};
use super::posting::{self, Posting, Postings};
use super::replay::{self, Replayed, retell};
use super::store::Claim;
use crate::kernel::{Area, Date, Region, Timestamp};

/// What a column holds; the set both databases share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Text.
    Text,
    /// 64-bit integer.
    Int,
    /// Boolean.
    Bool,
}

/// One value of a typed column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Text or nothing.
    Text(Option<String>),
    /// Integer or nothing.
    Int(Option<i64>),
    /// Boolean or nothing.
    Bool(Option<bool>),
}

impl Cell {
    /// A text cell.
    #[allow(clippy::needless_pass_by_value, reason = "callers hand over words and numbers alike")]
    pub fn text(value: impl ToString) -> Self {
        Self::Text(Some(value.to_string()))
    }

    /// A text cell that may be empty.
    pub fn maybe(value: Option<impl ToString>) -> Self {
        Self::Text(value.map(|value| value.to_string()))
    }
}

/// Where the states of a kind are stored: `id`, `version`, `position`, the typed columns, `doc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// The table's name.
    pub name: &'static str,
    /// The typed columns: whatever is filtered or sorted by.
    pub columns: &'static [(&'static str, ColumnType)],
}

impl Table {
    /// All columns, in the order of the table.
    pub fn column_names(&self) -> Vec<&'static str> {
        let typed = self.columns.iter().map(|(name, _)| *name);
        ["id", "version", "position"].into_iter().chain(typed).chain(["doc"]).collect()
    }
}

/// What every document carries about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stamp {
    /// The resource's id.
    pub id: Uuid,
    /// How many events made it what it is; also its `ETag`.
    pub version: i64,
    /// Position of its last event in the log.
    pub position: i64,
    /// The organisation that recorded its first event.
    pub recorded_by: Uuid,
    /// When its first event was recorded.
    pub recorded_at: Timestamp,
    /// When its last event was recorded.
    pub updated_at: Timestamp,
}

/// What a state asserts for figures across resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The measure it counts for, such as `healthy_ksp`.
    pub measure: &'static str,
    /// What is counted once, however many facts name it.
    pub subject: Uuid,
    /// Where.
    pub region: Region,
    /// What more is asserted, such as a role.
    pub value: String,
    /// The day it happened.
    pub occurred_on: Date,
    /// The event that is the evidence.
    pub event_id: Uuid,
}

/// A stretch of days in which something held in the world, both ends included, and the event that began it: what figures of any day are
/// counted from. The day comes from when it happened, not from when it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Span {
    /// Its first day.
    pub from: Date,
    /// Its last day; null while no end is known.
    pub until: Option<Date>,
    /// The event that began it.
    pub event_id: Uuid,
}

/// How a fact writes that no last day is known: later than every day, as text too.
const NO_LAST_DAY: &str = "9999-12-31";

impl Span {
    /// Ends what still holds on `day` with the day before; what would be empty never was.
    pub fn end_before(spans: &mut Vec<Self>, day: Date) {
        for span in spans.iter_mut().filter(|span| span.until.is_none_or(|until| day <= until)) {
            span.until = Some(day.plus_days(-1));
        }
        spans.retain(|span| span.until.is_none_or(|until| span.from <= until));
    }

    /// The fact that it held: `occurred_on` is its first day, `value` its last.
    pub fn fact(&self, measure: &'static str, subject: Uuid, region: Region) -> Fact {
        let value = self.until.map_or_else(|| NO_LAST_DAY.to_owned(), |until| until.to_string());
        Fact { measure, subject, region, value, occurred_on: self.from, event_id: self.event_id }
    }
}

/// A kind of resource with one fold: the folded state is at once what decisions read, what is stored, and what the API returns.
pub trait Resource: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Its events, an enum with `#[serde(tag = "type", content = "data")]`.
    type Event: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Kind of its streams, singular.
    const KIND: &'static str;
    /// Where its states are stored.
    const TABLE: Table;
    /// The area its rights are given by.
    const AREA: Area;
    /// Namespaces of the claims it may hold; no other kind holds claims there.
    const CLAIMS: &'static [&'static str] = &[];
    /// Measures of the facts it may assert; no other kind asserts them.
    const MEASURES: &'static [&'static str] = &[];
    /// Most events of one resource. Whoever may add to a life that is read whole, as to undo one of its steps, must not make that slow for all.
    const EVENTS_MAX: i64 = i64::MAX;

    /// The one fold. `None` from an event that cannot follow the state: the log is corrupt.
    fn evolve(state: Option<Self>, event: &Self::Event, envelope: &Envelope) -> Option<Self>;
    /// The event of the same stream that this one undoes, if it undoes one: the state becomes what it would be without it. The fold tells
    /// the stream again, so [`Resource::evolve`] never meets such an event.
    fn undoes(_event: &Self::Event) -> Option<Uuid> {
        None
    }

    /// The day in the world that an event counts from: the one it is about where it says so, else the one it happened on. What corrects an
    /// earlier event counts from that one's day, whenever it was corrected. `before` is the state before the event, with all that is known.
    fn counts_from(_before: Option<&Self>, _event: &Self::Event, envelope: &Envelope) -> Date {
        envelope.occurred_at.day()
    }

    /// What the end of a day makes of the state that the events up to that day make. `known` is the state with all that is known.
    #[must_use]
    fn at_end_of(self, _known: &Self, _day: Date) -> Self {
        self
    }

    /// The stamp of the document.
    fn stamp(&self) -> &Stamp;
    /// The stamp, to be written by the ledger alone.
    fn stamp_mut(&mut self) -> &mut Stamp;
    /// Values of the table's typed columns, in its order.
    fn columns(&self) -> Vec<Cell>;
    /// The region and the organisation that rights go by; every event keeps those of the state after it.
    fn home(&self) -> (Region, Uuid);

    /// What must not be recorded twice. A claim once made stays with its resource, unless the event that made it is undone.
    fn claims(&self) -> Vec<Claim> {
        Vec::new()
    }

    /// What it asserts for figures across resources.
    fn facts(&self) -> Vec<Fact> {
        Vec::new()
    }

    /// What an event of this resource adds to the figures. Asked of the state after it, of which it may use only what never changes: to undo
    /// the event is to take the very same away.
    fn adds(&self, _event: &Self::Event, _envelope: &Envelope) -> Vec<Posting> {
        Vec::new()
    }

    /// What the state stands for in the figures as long as it lasts.
    fn stands_for(&self) -> Vec<Posting> {
        Vec::new()
    }

    /// The schema version new events of a type are written in.
    fn schema_version(_event_type: &str) -> i32 {
        1
    }

    /// Lifts the data of an older schema version to the present one.
    fn upcast(_event_type: &str, _schema_version: i32, data: String) -> String {
        data
    }
}

/// Folds one event and stamps the result. `past` is the stream so far; only an event that undoes another needs it.
pub(super) fn fold<R: Resource>(state: Option<R>, event: &R::Event, envelope: &Envelope, past: &[Event]) -> Option<R> {
    let before = state.as_ref().map(|state| *state.stamp());
    let mut after = match R::undoes(event) {
        Some(undone) => retell(past, undone)?,
        None => R::evolve(state, event, envelope)?,
    };
    *after.stamp_mut() = Stamp {
        id: envelope.stream_id,
        version: envelope.version,
        position: envelope.position,
        recorded_by: before.map_or(envelope.organisation, |stamp| stamp.recorded_by),
        recorded_at: before.map_or(envelope.recorded_at, |stamp| stamp.recorded_at),
        updated_at: envelope.recorded_at,
    };
    Some(after)
}

/// A state of some kind, as the executor handles it.
pub(super) trait AnyState: Send {
    fn as_any(&self) -> &dyn Any;
    fn stamp(&self) -> &Stamp;
    fn doc(&self) -> Result<String, serde_json::Error>;
    fn columns(&self) -> Vec<Cell>;
    fn home(&self) -> (Region, Uuid);
    fn claims(&self) -> Vec<Claim>;
    fn facts(&self) -> Vec<Fact>;
}

impl<R: Resource> AnyState for R {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn stamp(&self) -> &Stamp {
        Resource::stamp(self)
    }
    fn doc(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
    fn columns(&self) -> Vec<Cell> {
        Resource::columns(self)
    }
    fn home(&self) -> (Region, Uuid) {
        Resource::home(self)
    }
    fn claims(&self) -> Vec<Claim> {
        Resource::claims(self)
    }
    fn facts(&self) -> Vec<Fact> {
        Resource::facts(self)
    }
}

pub(super) type BoxedState = Box<dyn AnyState>;

/// [`fold`] without its type parameter.
pub(super) type Fold = fn(Option<&dyn AnyState>, &dyn Any, &Envelope, &[Event]) -> Option<BoxedState>;

/// A resource kind without its type parameter.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Name of the kind.
    pub name: &'static str,
    /// Where its states are stored.
    pub table: Table,
    /// Namespaces of its claims.
    pub claims: &'static [&'static str],
    /// Measures of its facts.
    pub measures: &'static [&'static str],
    pub(super) events_max: i64,
    pub(super) load: fn(&str) -> Result<BoxedState, serde_json::Error>,
    pub(super) fold: Fold,
    pub(super) postings: Postings,
    pub(super) undoes: fn(&dyn Any) -> bool,
    pub(super) recorded: fn(&Event) -> Result<Box<dyn Any + Send>, String>,
    pub(super) replay: fn(&[Event]) -> Result<Replayed, String>,
}

impl Kind {
    /// The kind of `R`.
    pub fn of<R: Resource>() -> Self {
        Self {
            name: R::KIND,
            table: R::TABLE,
            claims: R::CLAIMS,
            measures: R::MEASURES,
            events_max: R::EVENTS_MAX,
            replay: replay::replay::<R>,
            postings: posting::of_any::<R>,
            undoes: |event| event.downcast_ref::<R::Event>().is_some_and(|event| R::undoes(event).is_some()),
            recorded: |event| Ok(Box::new(replay::recorded::<R>(event)?)),
            load: |doc| Ok(Box::new(serde_json::from_str::<R>(doc)?)),
            fold: |state, event, envelope, past| {
                let state = state.map(|state| state.as_any().downcast_ref::<R>());
                let event = event.downcast_ref::<R::Event>()?;
                match state {
                    Some(None) => None,
                    known => fold::<R>(known.flatten().cloned(), event, envelope, past)
                        .map(|state| Box::new(state) as BoxedState),
                }
            },
        }
    }
}
