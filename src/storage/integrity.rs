//! The log checked against itself: dense positions, hashes that recompute, the frontier of the head row, and the triggers that keep it so.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::nodes::{StoredNodes, key};
use super::reader::{EventRow, read_event};
use super::schema::{events, head};
use super::{AnyConnection, Database, ReadError};
use crate::kernel::Timestamp;
use crate::ledger::Frontier;

/// Events read at a time.
const SPAN_EVENTS: i64 = 4000;

/// The triggers that make the log append-only, and the record of who looked at personal data.
const SQLITE_TRIGGERS: [&str; 6] = [
    "events_refuse_update",
    "events_refuse_delete",
    "events_refuse_gaps",
    "looks_refuse_update",
    "looks_refuse_delete",
    "looks_refuse_replace",
];
const POSTGRES_TRIGGERS: [&str; 5] = [
    "events_refuse_change",
    "events_refuse_truncate",
    "events_refuse_gaps",
    "looks_refuse_change",
    "looks_refuse_truncate",
];

/// Checks the log from its first event to its last; tells how many there are.
///
/// # Errors
/// The first fault, in a sentence that names its position.
pub fn check_log(database: &Database, mut checked: impl FnMut(u64)) -> Result<Frontier, ReadError> {
    let mut connection = database.open_for_maintenance()?;
    check_triggers(&mut connection)?;
    connection.batch_execute("BEGIN")?;
    let (last, recorded_at, bytes) =
        head::table
            .select((head::position, head::recorded_at, head::frontier))
            .first::<(i64, i64, Vec<u8>)>(&mut connection)?;
    let corrupt = |why: String| Err(ReadError::Corrupt(why));
    let mut stored = StoredNodes::read(&mut connection)?;
    let (mut frontier, mut position, mut latest) = (Frontier::default(), 0, Timestamp::from_micros(0));
    loop {
        let span = events::table
            .filter(events::position.gt(position))
            .order(events::position)
            .limit(SPAN_EVENTS)
            .load::<EventRow>(&mut connection)?;
        if span.is_empty() {
            break;
        }
        checked(span.len() as u64);
        for row in span {
            let event = read_event(row)?;
            let envelope = &event.envelope;
            if envelope.position != position + 1 {
                return corrupt(format!("position {} is missing", position + 1));
            }
            position = envelope.position;
            match event.recomputed_hash() {
                Err(why) => return corrupt(format!("event at position {position}: its data is not JSON ({why})")),
                Ok(hash) if hash != event.leaf_hash => {
                    return corrupt(format!("event at position {position}: its content does not have its hash"));
                }
                Ok(_) => {}
            }
            if envelope.recorded_at < latest {
                return corrupt(format!("event at position {position}: recorded before the one in front of it"));
            }
            latest = envelope.recorded_at;
            if let Some(node) = frontier.push(event.leaf_hash).into_iter().find(|node| !stored.take(node)) {
                let (level, number) = key(&node);
                return corrupt(wrong_node(level, number));
            }
        }
    }
    if let Some((level, number)) = stored.left() {
        return corrupt(wrong_node(level, number));
    }
    if position != last {
        return corrupt(format!("the head says the last position is {last}, and the last event has {position}"));
    }
    if frontier.to_bytes() != bytes {
        return corrupt("the head's Merkle frontier is not that of the events".to_owned());
    }
    if last > 0 && latest.micros() != recorded_at {
        return corrupt("the head's time is not that of the last event".to_owned());
    }
    Ok(frontier)
}

fn wrong_node(level: i64, number: i64) -> String {
    format!(
        "the hash at level {level} number {number} of the log's tree is not that of the events; `lumbung rebuild` makes it anew"
    )
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

fn check_triggers(connection: &mut AnyConnection) -> Result<(), ReadError> {
    let (query, wanted) = match connection {
        AnyConnection::Sqlite(_) => {
            let query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('events', 'looks')";
            (query, SQLITE_TRIGGERS.as_slice())
        }
        AnyConnection::Postgres(_) => (
            "SELECT tgname::text AS name FROM pg_trigger \
             WHERE tgrelid IN ('events'::regclass, 'looks'::regclass) AND tgenabled = 'A'",
            POSTGRES_TRIGGERS.as_slice(),
        ),
    };
    let found = diesel::sql_query(query).load::<Name>(connection)?;
    match wanted.iter().find(|wanted| !found.iter().any(|trigger| trigger.name == **wanted)) {
        None => Ok(()),
        Some(missing) => Err(ReadError::Corrupt(format!(
            "the trigger {missing} is missing or off: what is recorded could be changed"
        ))),
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Kinds of streams the program does not know, by way of the number of their events.
///
/// # Errors
/// When there are such, or the database cannot be read.
pub fn check_kinds(connection: &mut AnyConnection, known: &[&str]) -> Result<(), ReadError> {
    let query = format!("SELECT count(*) AS number FROM events WHERE stream_kind NOT IN ('{}')", known.join("','"));
    let number = diesel::sql_query(query).get_result::<Number>(connection)?.number;
    if number == 0 {
        return Ok(());
    }
    Err(ReadError::Corrupt(format!("{number} events belong to kinds of resources this program does not know")))
}
