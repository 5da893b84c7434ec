//! What readers of every area share: the head, streams, points in time, facts.

use diesel::prelude::*;
use uuid::Uuid;

use super::schema::{events, facts, head};
use super::{AnyConnection, OpenError};
use crate::kernel::{Date, Region, Timestamp};
use crate::ledger::{Envelope, Event};

/// Why something could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The database.
    Database(String),
    /// What is stored does not make sense: a bug or damage.
    Corrupt(String),
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Database(why) | Self::Corrupt(why) => f.write_str(why),
        }
    }
}
impl std::error::Error for ReadError {}

impl From<diesel::result::Error> for ReadError {
    fn from(why: diesel::result::Error) -> Self {
        // PostgreSQL's messages may have several lines; in the log each is to be one.
        Self::Database(super::connection::one_line(&why.to_string()))
    }
}
impl From<OpenError> for ReadError {
    fn from(why: OpenError) -> Self {
        Self::Database(why.0)
    }
}
impl From<uuid::Error> for ReadError {
    fn from(why: uuid::Error) -> Self {
        Self::Corrupt(why.to_string())
    }
}
impl From<serde_json::Error> for ReadError {
    fn from(why: serde_json::Error) -> Self {
        Self::Corrupt(why.to_string())
    }
}

/// A stored document with what its headers need.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct DocRow {
    /// The resource's id.
    pub id: String,
    /// Version of its stream.
    pub version: i64,
    /// Position of its last event.
    pub position: i64,
    /// The document.
    pub doc: String,
}

/// A point in the log that a read asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// Up to and including this position.
    Position(i64),
    /// What had been recorded by this instant.
    Instant(Timestamp),
}

/// Several reads that see one state of the database.
///
/// # Errors
/// What the reads fail with.
pub fn in_one_state<T>(
    connection: &mut AnyConnection,
    read: impl FnOnce(&mut AnyConnection) -> Result<T, ReadError>,
) -> Result<T, ReadError> {
    connection.transaction(read)
}

/// Position of the last event.
///
/// # Errors
/// When the database cannot be read.
pub fn head_position(connection: &mut AnyConnection) -> Result<i64, ReadError> {
    Ok(head::table.select(head::position).first(connection)?)
}

/// The last position that had been recorded by an instant; 0 when there was none.
///
/// # Errors
/// When the database cannot be read.
pub fn position_at(connection: &mut AnyConnection, instant: Timestamp) -> Result<i64, ReadError> {
    // Recorded times never go back, so halving the log finds it: some twenty look-ups by key, and no index to write with every event.
    let (mut before, mut after) = (0, head_position(connection)? + 1);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        let recorded: i64 = events::table.find(middle).select(events::recorded_at).first(connection)?;
        if recorded <= instant.micros() {
            before = middle;
        } else {
            after = middle;
        }
    }
    Ok(before)
}

/// When the event at a position was recorded.
///
/// # Errors
/// When the database cannot be read.
pub fn recorded_at(connection: &mut AnyConnection, position: i64) -> Result<Option<Timestamp>, ReadError> {
    let found = events::table.find(position).select(events::recorded_at).first(connection);
    Ok(found.optional()?.map(Timestamp::from_micros))
}

/// The leaf hash of the event at a position.
///
/// # Errors
/// When the database cannot be read.
pub fn leaf_hash_at(connection: &mut AnyConnection, position: i64) -> Result<Option<Vec<u8>>, ReadError> {
    Ok(events::table.find(position).select(events::leaf_hash).first(connection).optional()?)
}

#[derive(Queryable)]
pub(super) struct EventRow {
    position: i64,
    event_id: String,
    stream_kind: String,
    stream_id: String,
    version: i64,
    event_type: String,
    schema_version: i64,
    data: String,
    actor: String,
    organisation: String,
    occurred_at: i64,
    recorded_at: i64,
    correlation_id: String,
    causation_id: Option<String>,
    leaf_hash: Vec<u8>,
    region: Option<String>,
    owner: Option<String>,
}

/// Reads an id exactly as it is written: hashes are of what it means, and another way to write it is not what was recorded.
fn read_id(text: &str) -> Result<Uuid, ReadError> {
    let id = Uuid::parse_str(text)?;
    if id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text {
        Ok(id)
    } else {
        Err(ReadError::Corrupt(format!("the id {text} is not written as ids are")))
    }
}

pub(super) fn read_event(row: EventRow) -> Result<Event, ReadError> {
    let corrupt = |what: &str| ReadError::Corrupt(format!("event at position {}: {what}", row.position));
    let id = |text: &str| read_id(text).map_err(|why| corrupt(&why.to_string()));
    Ok(Event {
        envelope: Envelope {
            position: row.position,
            event_id: id(&row.event_id)?,
            stream_kind: row.stream_kind,
            stream_id: id(&row.stream_id)?,
            version: row.version,
            event_type: row.event_type,
            schema_version: i32::try_from(row.schema_version).map_err(|_| corrupt("schema version"))?,
            actor: id(&row.actor)?,
            organisation: id(&row.organisation)?,
            occurred_at: Timestamp::from_micros(row.occurred_at),
            recorded_at: Timestamp::from_micros(row.recorded_at),
            correlation_id: row.correlation_id,
            causation_id: row.causation_id.as_deref().map(id).transpose()?,
            region: match &row.region {
                Some(code) => Some(Region::parse(code).map_err(|_| corrupt("region"))?),
                None => None,
            },
            owner: row.owner.as_deref().map(id).transpose()?,
        },
        data: row.data,
        leaf_hash: row.leaf_hash.try_into().map_err(|_| corrupt("leaf hash"))?,
    })
}

/// The events of one resource up to a position, oldest first.
///
/// # Errors
/// When the database cannot be read, or holds what cannot be.
pub fn stream_up_to(
    connection: &mut AnyConnection,
    kind: &str,
    id: Uuid,
    position: i64,
) -> Result<Vec<Event>, ReadError> {
    stream(connection, kind, id, (i64::MAX, position))
}

/// The events of one resource up to a version, oldest first.
///
/// # Errors
/// As [`stream_up_to`].
pub fn stream_to_version(
    connection: &mut AnyConnection,
    kind: &str,
    id: Uuid,
    version: i64,
) -> Result<Vec<Event>, ReadError> {
    stream(connection, kind, id, (version, i64::MAX))
}

fn stream(
    connection: &mut AnyConnection,
    kind: &str,
    id: Uuid,
    (version, position): (i64, i64),
) -> Result<Vec<Event>, ReadError> {
    of_stream(kind, id.to_string(), version, position)
        .load::<EventRow>(connection)?
        .into_iter()
        .map(read_event)
        .collect()
}

/// The rows of one stream, up to a version and a position.
#[diesel::dsl::auto_type]
#[allow(clippy::elidable_lifetime_names, reason = "the macro needs the name")]
pub(super) fn of_stream<'a>(kind: &'a str, id: String, version: i64, position: i64) -> _ {
    events::table
        .filter(events::stream_kind.eq(kind))
        .filter(events::stream_id.eq(id))
        .filter(events::version.le(version))
        .filter(events::position.le(position))
        .order(events::version)
}

/// The events of some resources of a kind up to a position, stream by stream.
///
/// # Errors
/// As [`stream_up_to`].
pub fn events_of_streams(
    connection: &mut AnyConnection,
    kind: &str,
    ids: &[String],
    position: i64,
) -> Result<Vec<Event>, ReadError> {
    events::table
        .filter(events::stream_kind.eq(kind))
        .filter(events::stream_id.eq_any(ids))
        .filter(events::position.le(position))
        .order((events::stream_id, events::version))
        .load::<EventRow>(connection)?
        .into_iter()
        .map(read_event)
        .collect()
}

/// What evidence shows of an event beside its fact.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct EventBrief {
    /// The event's id.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// Its position.
    pub position: i64,
    /// When it happened, in microseconds since 1970 UTC.
    pub occurred_at: i64,
    /// When it was recorded, likewise.
    pub recorded_at: i64,
}

/// Events in brief, by their ids.
///
/// # Errors
/// When the database cannot be read.
pub fn event_briefs(connection: &mut AnyConnection, ids: &[String]) -> Result<Vec<EventBrief>, ReadError> {
    Ok(events::table
        .filter(events::event_id.eq_any(ids))
        .select((events::event_id, events::event_type, events::position, events::occurred_at, events::recorded_at))
        .load(connection)?)
}

/// A fact as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct FactRow {
    /// Measure.
    pub measure: String,
    /// The resource that asserts it.
    pub resource: String,
    /// The evidence.
    pub event_id: String,
    /// What is counted once.
    pub subject: String,
    /// Where.
    pub region: String,
    /// What more is asserted.
    pub value: String,
    /// The day it happened.
    pub occurred_on: String,
    /// From this position on.
    pub from_position: i64,
    /// Up to, but not at, this position.
    pub until_position: Option<i64>,
}

/// The facts of a measure that happened between two days within a region, as known at `position`; by day, then position.
///
/// # Errors
/// When the database cannot be read.
pub fn facts_of(
    connection: &mut AnyConnection,
    measure: &str,
    region: Region,
    days: (Date, Date),
    position: i64,
) -> Result<Vec<FactRow>, ReadError> {
    let mut query = facts::table
        .filter(facts::measure.eq(measure))
        .filter(facts::occurred_on.between(days.0.to_string(), days.1.to_string()))
        .filter(facts::from_position.le(position))
        .filter(facts::until_position.is_null().or(facts::until_position.gt(position)))
        .order((facts::occurred_on, facts::from_position, facts::event_id))
        .into_boxed();
    if !region.is_province() {
        query = query.filter(facts::region.eq(region.code()));
    }
    Ok(query.load(connection)?)
}

/// The facts of a measure that hold now for a subject.
///
/// # Errors
/// When the database cannot be read.
pub fn current_facts(connection: &mut AnyConnection, measure: &str, subject: Uuid) -> Result<Vec<FactRow>, ReadError> {
    Ok(facts::table
        .filter(facts::measure.eq(measure))
        .filter(facts::subject.eq(subject.to_string()))
        .filter(facts::until_position.is_null())
        .load(connection)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> EventRow {
        let id = || "0000000a-0000-7000-8000-000000000000".to_owned();
        EventRow {
            position: 1,
            event_id: id(),
            stream_kind: "cooperative".to_owned(),
            stream_id: id(),
            version: 1,
            event_type: "cooperative.registered".to_owned(),
            schema_version: 1,
            data: "{}".to_owned(),
            actor: id(),
            organisation: id(),
            occurred_at: 1,
            recorded_at: 1,
            correlation_id: "c".to_owned(),
            causation_id: Some(id()),
            leaf_hash: vec![0; 32],
            region: None,
            owner: Some(id()),
        }
    }

    #[test]
    fn an_id_is_read_only_as_ids_are_written() {
        read_event(row()).unwrap();
        let ids: [fn(&mut EventRow) -> &mut String; 6] = [
            |row| &mut row.event_id,
            |row| &mut row.stream_id,
            |row| &mut row.actor,
            |row| &mut row.organisation,
            |row| row.causation_id.as_mut().unwrap(),
            |row| row.owner.as_mut().unwrap(),
        ];
        for id in ids {
            for other in [|id: &str| id.to_uppercase(), |id: &str| id.replace('-', ""), |id: &str| format!("{{{id}}}")]
            {
                let mut row = row();
                *id(&mut row) = other(id(&mut row));
                let why = read_event(row).unwrap_err().to_string();
                assert!(why.starts_with("event at position 1: "), "{why}");
            }
        }
    }
}
