//! The log checked against itself: dense positions, hashes that recompute, the frontier of the head row, the triggers that keep it so, and the
//! pages it is stored in.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::connection::one_line;
use super::nodes::{StoredNodes, key};
use super::reader::{EventRow, read_event};
use super::schema::{events, head};
use super::{AnyConnection, Database, ReadError};
use crate::kernel::Timestamp;
use crate::ledger::Frontier;

/// Events read at a time.
const SPAN_EVENTS: i64 = 4000;

/// The steps that made the triggers which keep the log and the record of looks append-only, as their texts stand in the source.
const SQLITE_STEPS: &str = concat!(
    include_str!("../../migrations/sqlite/2026-11-23-000001_ledger/up.sql"),
    include_str!("../../migrations/sqlite/2026-11-23-000008_looks/up.sql")
);
const POSTGRES_STEPS: &str = concat!(
    include_str!("../../migrations/postgres/2026-11-23-000001_ledger/up.sql"),
    include_str!("../../migrations/postgres/2026-11-23-000008_looks/up.sql")
);
const SQLITE_TRIGGERS: &str =
    "SELECT sql AS statement FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('events', 'looks')";
/// Written as the steps write them. A trigger that is off is left out.
const POSTGRES_TRIGGERS: &str = "WITH trigger AS (SELECT oid, tgfoid FROM pg_trigger \
        WHERE tgrelid IN ('events'::regclass, 'looks'::regclass) AND tgenabled = 'A') \
    SELECT replace(pg_get_triggerdef(oid, true), 'DELETE OR UPDATE', 'UPDATE OR DELETE') AS statement FROM trigger \
    UNION SELECT format('CREATE FUNCTION %s() RETURNS trigger LANGUAGE %s AS $$%s$$;', proname, lanname, prosrc) \
    FROM trigger JOIN pg_proc ON pg_proc.oid = tgfoid JOIN pg_language ON pg_language.oid = prolang";

/// Checks the log from its first event to its last; tells how many there are.
///
/// # Errors
/// The first fault, in a sentence that names its position.
pub fn check_log(database: &Database, mut checked: impl FnMut(u64)) -> Result<Frontier, ReadError> {
    let mut connection = database.open_for_maintenance()?;
    check_triggers(&mut connection)?;
    check_pages(&mut connection)?;
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
struct Made {
    #[diesel(sql_type = Text)]
    statement: String,
}

/// What the database says its triggers are must be what the steps say, word for word: one of the same name may do nothing.
fn check_triggers(connection: &mut AnyConnection) -> Result<(), ReadError> {
    let (steps, query) = match connection {
        AnyConnection::Sqlite(_) => (SQLITE_STEPS, SQLITE_TRIGGERS),
        AnyConnection::Postgres(_) => (POSTGRES_STEPS, POSTGRES_TRIGGERS),
    };
    let steps = one_line(steps);
    let made = diesel::sql_query(query).load::<Made>(connection)?;
    let made: Vec<String> = made.iter().map(|made| one_line(&made.statement)).collect();
    for wanted in ["CREATE TRIGGER ", "CREATE FUNCTION "].into_iter().flat_map(|kind| steps.match_indices(kind)) {
        let statement = &steps[wanted.0..];
        if !made.iter().any(|made| statement.starts_with(made)) {
            let name: Vec<&str> = statement.split(' ').skip(1).take(2).collect();
            return Err(ReadError::Corrupt(format!(
                "the {} is missing, off, or not as it was made: what is recorded could be changed",
                name.join(" ").to_lowercase()
            )));
        }
    }
    Ok(())
}

/// Lets `SQLite` look through its own pages and indexes.
fn check_pages(connection: &mut AnyConnection) -> Result<(), ReadError> {
    if let AnyConnection::Sqlite(_) = connection {
        let query = "SELECT integrity_check AS statement FROM pragma_integrity_check LIMIT 1";
        let said = diesel::sql_query(query).get_result::<Made>(connection)?.statement;
        if said != "ok" {
            return Err(ReadError::Corrupt(format!("the database file is damaged: {said}")));
        }
    }
    Ok(())
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
