//! The projections compared with the log: every stream is folded anew, and what it amounts to is held against the rows there are.
//!
//! One thread reads the streams of a kind after the other, in the order of their ids, another all postings in the order of the log; this thread
//! folds the streams and reads the rows of the same span of ids. Memory holds a few spans, however long the log.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use uuid::Uuid;

use super::posted::{Fingerprints, Posted, Reading, posted_between, read_postings};
use super::reader::{head_position, stream_up_to};
use super::schema::events;
use super::{AnyConnection, Database, ReadError, Streams};
use crate::ledger::{Cell, Event, Kind, Replayed, StateRow};

/// Events read at a time.
const SPAN_EVENTS: i64 = 4000;
/// Spans read ahead of the folding.
const SPANS_AHEAD: usize = 4;
/// Between the values of a row, and instead of a missing value, when a row is compared as one text.
const BETWEEN: char = '\u{1f}';
const MISSING: char = '\u{1e}';

/// A resource whose rows are not what its stream amounts to.
pub struct Divergence {
    /// What kind of resource.
    pub kind: Kind,
    /// Its id, as the row has it.
    pub id: String,
    /// What is wrong.
    pub why: String,
    /// What the rows ought to be; nothing when the log knows no such resource.
    pub replayed: Option<Replayed>,
}

/// What a comparison came to, beside what its listener heard.
pub struct Comparison {
    /// Everything up to here was compared.
    pub position: i64,
    /// Stretches of the log, as positions from and up to, whose postings are not those its events make.
    pub wrong_postings: Vec<(i64, i64)>,
}

/// What hears of the comparison as it goes.
pub trait Compared {
    /// So many more events were folded.
    fn folded(&mut self, events: u64);
    /// A resource diverges.
    ///
    /// # Errors
    /// To end the comparison.
    fn diverges(&mut self, divergence: Divergence) -> Result<(), ReadError>;
    /// A figure is not the sum of the postings, or a posting has no event.
    ///
    /// # Errors
    /// To end the comparison.
    fn wrong_figures(&mut self, why: String) -> Result<(), ReadError>;
}

/// The streams of one span of ids.
struct Span {
    kind: Kind,
    streams: Vec<Vec<Event>>,
    /// Ids after this one …
    after: String,
    /// … up to this one; nothing for all that is left of the kind.
    up_to: Option<String>,
}

/// Claims are kept by what is claimed; here they are wanted by who holds them. Rolled back with the transaction.
const HELD: &str =
    "CREATE TEMP TABLE held AS SELECT holder, namespace, value FROM claims; CREATE INDEX held_holder ON held (holder);";

/// Compares the rows of all kinds with the log, both as of one moment.
///
/// # Errors
/// When the database cannot be read, holds an event that does not fit, or the listener ends it.
pub fn compare(database: &Database, kinds: &[Kind], listener: &mut dyn Compared) -> Result<Comparison, ReadError> {
    let mut rows = database.open_for_maintenance()?;
    rows.batch_execute("BEGIN")?;
    let position = head_position(&mut rows)?;
    rows.batch_execute(HELD)?;
    let (sender, spans) = mpsc::sync_channel(SPANS_AHEAD);
    let (reading, kinds_read) = (database.clone(), kinds.to_vec());
    let reader = std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
        if let Err(why) = read_spans(&reading, &kinds_read, position, &sender) {
            // Nobody listens any more when the comparison was ended.
            let _ = sender.send(Err(why));
        }
    });
    let reader = reader.map_err(|why| ReadError::Database(why.to_string()))?;
    let mut found = Found::default();
    let (listening, heard) = mpsc::channel();
    let (reading, empty) = (database.clone(), found.postings.clone());
    let postings = std::thread::Builder::new()
        .name("postings".to_owned())
        .spawn(move || read_postings(&reading, position, empty, &listening));
    let postings = postings.map_err(|why| ReadError::Database(why.to_string()))?;
    let mut compare_all = || {
        for span in &spans {
            compare_span(&mut rows, &span?, &mut found, listener)?;
        }
        orphans(&mut rows, kinds, &found.expected, listener)
    };
    let compared = compare_all();
    drop(spans);
    let panicked = || ReadError::Database("a reading thread panicked".to_owned());
    let read = reader.join().map_err(|_| panicked());
    if compared.is_err() {
        drop(heard);
    }
    let posted = postings.join().map_err(|_| panicked()).and_then(|read| read);
    compared.and(read)?;
    let mut wrong_postings = Vec::new();
    if let Some(Reading { fingerprints, fault }) = posted? {
        wrong_postings = found.postings.differences(&fingerprints);
        for stretch in &wrong_postings {
            compare_postings(&mut rows, kinds, *stretch, &mut found.diverging, listener)?;
        }
        fault.map_or(Ok(()), |why| listener.wrong_figures(why))?;
    }
    Ok(Comparison { position, wrong_postings })
}

type Sent = mpsc::SyncSender<Result<Span, ReadError>>;

fn read_spans(database: &Database, kinds: &[Kind], position: i64, sender: &Sent) -> Result<(), ReadError> {
    let mut connection = database.open_for_maintenance()?;
    for kind in kinds {
        let mut reading = Streams::of(kind.name, position, SPAN_EVENTS);
        let mut sent_up_to = String::new();
        while !reading.is_done() {
            let streams = reading.next(&mut connection)?;
            let last = reading.is_done();
            let up_to = streams.last().filter(|_| !last).map(|stream| stream[0].envelope.stream_id.to_string());
            if last || up_to.is_some() {
                let span = Span { kind: *kind, streams, after: sent_up_to.clone(), up_to: up_to.clone() };
                sent_up_to = up_to.unwrap_or_default();
                if sender.send(Ok(span)).is_err() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// How many claims and facts the log amounts to, by namespace and measure.
type Expected = HashMap<&'static str, i64>;

/// What the streams came to.
#[derive(Default)]
struct Found {
    expected: Expected,
    postings: Fingerprints,
    /// Resources that are known to diverge.
    diverging: HashSet<(&'static str, Uuid)>,
}

fn compare_span(
    connection: &mut AnyConnection,
    span: &Span,
    found: &mut Found,
    listener: &mut dyn Compared,
) -> Result<(), ReadError> {
    let kind = span.kind;
    let mut states = state_texts(connection, span)?;
    let ids: Vec<String> = span.streams.iter().map(|stream| stream[0].envelope.stream_id.to_string()).collect();
    let mut claims = texts_of(connection, &ids, "held", "holder", ("namespace", kind.claims))?;
    let mut facts = texts_of(connection, &ids, "facts", "resource", ("measure", kind.measures))?;
    let booleans = matches!(connection, AnyConnection::Postgres(_));
    for (stream, id) in span.streams.iter().zip(ids) {
        let replayed = kind.replay(stream).map_err(|why| ReadError::Corrupt(format!("{} {id}: {why}", kind.name)))?;
        for namespace in replayed.claims.iter().map(|claim| claim.namespace) {
            *found.expected.entry(namespace).or_default() += 1;
        }
        for measure in replayed.facts.iter().map(|(fact, ..)| fact.measure) {
            *found.expected.entry(measure).or_default() += 1;
        }
        for posted in Posted::all_of(&replayed.postings) {
            found.postings.add(&posted);
        }
        let why = match states.remove(&id) {
            None => Some("it has no row"),
            Some(text) if text != state_text(&replayed.state, booleans) => {
                Some("its row is not what its events amount to")
            }
            Some(_) if claims.remove(&id).unwrap_or_default() != claim_texts(&replayed) => {
                Some("its claims are not those its events make")
            }
            Some(_) if facts.remove(&id).unwrap_or_default() != fact_texts(&replayed) => {
                Some("its facts are not those its events assert")
            }
            Some(_) => None,
        };
        if let Some(why) = why {
            found.diverging.insert((kind.name, replayed.state.id));
            listener.diverges(Divergence { kind, id, why: why.to_owned(), replayed: Some(replayed) })?;
        }
    }
    for id in states.into_keys() {
        listener.diverges(Divergence { kind, id, why: "it has a row and no events".to_owned(), replayed: None })?;
    }
    listener.folded(span.streams.iter().map(|stream| stream.len() as u64).sum());
    Ok(())
}

/// Compares the postings of a stretch of the log one by one, resource by resource.
fn compare_postings(
    connection: &mut AnyConnection,
    kinds: &[Kind],
    (first, last): (i64, i64),
    diverging: &mut HashSet<(&'static str, Uuid)>,
    listener: &mut dyn Compared,
) -> Result<(), ReadError> {
    let mut posted: HashMap<i64, Vec<Posted>> = HashMap::new();
    for row in posted_between(connection, (first, last))? {
        posted.entry(row.position).or_default().push(row);
    }
    let within = events::table.filter(events::position.between(first, last));
    let touched = within.select((events::stream_kind, events::stream_id)).distinct();
    for (name, id) in touched.load::<(String, String)>(connection)? {
        let Some(kind) = kinds.iter().find(|kind| kind.name == name) else { continue };
        let uuid = Uuid::parse_str(&id)?;
        if diverging.contains(&(kind.name, uuid)) {
            continue;
        }
        let events = stream_up_to(connection, kind.name, uuid, i64::MAX)?;
        let replayed = kind.replay(&events).map_err(|why| ReadError::Corrupt(format!("{name} {id}: {why}")))?;
        let within = events.iter().map(|event| event.envelope.position).filter(|at| (first..=last).contains(at));
        let found: Vec<Posted> = within.filter_map(|at| posted.remove(&at)).flatten().collect();
        let expected = Posted::all_of(&replayed.postings).filter(|row| (first..=last).contains(&row.position));
        if !found.into_iter().eq(expected) {
            diverging.insert((kind.name, uuid));
            let why = "its postings are not those its events make".to_owned();
            listener.diverges(Divergence { kind: *kind, id, why, replayed: Some(replayed) })?;
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    text: String,
}

/// The function that makes a character of its number, and the values of `columns` as one text.
fn joined(connection: &AnyConnection, columns: &[&str]) -> String {
    let function = if matches!(connection, AnyConnection::Sqlite(_)) { "char" } else { "chr" };
    let values: Vec<String> = columns
        .iter()
        .map(|column| format!("coalesce(CAST({column} AS TEXT), {function}({}))", u32::from(MISSING)))
        .collect();
    values.join(&format!(" || {function}({}) || ", u32::from(BETWEEN)))
}

fn state_texts(connection: &mut AnyConnection, span: &Span) -> Result<HashMap<String, String>, ReadError> {
    let table = span.kind.table;
    // Ids stand in the text as they are: they were read as UUIDs.
    let up_to = span.up_to.as_ref().map(|id| format!(" AND id <= '{id}'")).unwrap_or_default();
    let text = joined(connection, &table.column_names()[1..]);
    let query = format!("SELECT id, {text} AS text FROM {} WHERE id > '{}'{up_to}", table.name, span.after);
    let lines = diesel::sql_query(query).load::<Line>(connection)?;
    Ok(lines.into_iter().map(|line| (line.id, line.text)).collect())
}

fn state_text(state: &StateRow, booleans: bool) -> String {
    let mut text = format!("{}{BETWEEN}{}", state.version, state.position);
    for cell in &state.columns {
        text.push(BETWEEN);
        match cell {
            Cell::Text(Some(value)) => text.push_str(value),
            Cell::Int(Some(value)) => text.push_str(&value.to_string()),
            Cell::Bool(Some(value)) if booleans => text.push_str(&value.to_string()),
            Cell::Bool(Some(value)) => text.push(if *value { '1' } else { '0' }),
            Cell::Text(None) | Cell::Int(None) | Cell::Bool(None) => text.push(MISSING),
        }
    }
    text.push(BETWEEN);
    text.push_str(&state.doc);
    text
}

type Texts = HashMap<String, HashSet<String>>;

/// Rows of claims or facts that belong to these resources, of those namespaces or measures.
fn texts_of(
    connection: &mut AnyConnection,
    ids: &[String],
    table: &str,
    owner: &str,
    (column, wanted): (&str, &[&str]),
) -> Result<Texts, ReadError> {
    let mut found = Texts::new();
    if ids.is_empty() || wanted.is_empty() {
        return Ok(found);
    }
    let columns: &[&str] = if table == "held" { &CLAIM_COLUMNS } else { &FACT_COLUMNS };
    let (text, ids, wanted) = (joined(connection, columns), ids.join("','"), wanted.join("','"));
    let query = format!(
        "SELECT {owner} AS id, {text} AS text FROM {table} WHERE {owner} IN ('{ids}') AND {column} IN ('{wanted}')"
    );
    for line in diesel::sql_query(query).load::<Line>(connection)? {
        found.entry(line.id).or_default().insert(line.text);
    }
    Ok(found)
}

const CLAIM_COLUMNS: [&str; 2] = ["namespace", "value"];
const FACT_COLUMNS: [&str; 8] =
    ["measure", "event_id", "subject", "region", "value", "occurred_on", "from_position", "until_position"];

fn claim_texts(replayed: &Replayed) -> HashSet<String> {
    replayed.claims.iter().map(|claim| format!("{}{BETWEEN}{}", claim.namespace, claim.value)).collect()
}

fn fact_texts(replayed: &Replayed) -> HashSet<String> {
    let text = |(fact, from, until): &(crate::ledger::Fact, i64, Option<i64>)| {
        let until = until.map_or_else(|| MISSING.to_string(), |until| until.to_string());
        [
            fact.measure.to_owned(),
            fact.event_id.to_string(),
            fact.subject.to_string(),
            fact.region.code().to_owned(),
            fact.value.clone(),
            fact.occurred_on.to_string(),
            from.to_string(),
            until,
        ]
        .join(&BETWEEN.to_string())
    };
    replayed.facts.iter().map(text).collect()
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Claims and facts of resources the log does not know: counted first, looked for only if there are too many.
fn orphans(
    connection: &mut AnyConnection,
    kinds: &[Kind],
    expected: &Expected,
    listener: &mut dyn Compared,
) -> Result<(), ReadError> {
    for (table, column, owner) in [("claims", "namespace", "holder"), ("facts", "measure", "resource")] {
        let query = format!("SELECT {column} AS name, count(*) AS count FROM {table} GROUP BY {column}");
        for Count { name, count } in diesel::sql_query(query).load::<Count>(connection)? {
            if expected.get(name.as_str()).copied().unwrap_or(0) >= count {
                continue;
            }
            let named = |kind: &&Kind| kind.claims.contains(&name.as_str()) || kind.measures.contains(&name.as_str());
            let Some(kind) = kinds.iter().find(named) else {
                return Err(ReadError::Corrupt(format!("{table} of `{name}`: no kind of resource has such")));
            };
            let query = format!(
                "SELECT DISTINCT {owner} AS id, '' AS text FROM {table} WHERE {column} = '{name}' AND NOT EXISTS \
                 (SELECT 1 FROM events WHERE stream_kind = '{}' AND stream_id = {owner})",
                kind.name
            );
            for line in diesel::sql_query(query).load::<Line>(connection)? {
                let why = format!("{table} of `{name}` and no events");
                listener.diverges(Divergence { kind: *kind, id: line.id, why, replayed: None })?;
            }
        }
    }
    Ok(())
}
