//! The writer on `PostgreSQL`: the head row's lock orders the batches of all instances; a batch is one data-modifying statement over
//! arrays, prepared once for each of its forms.

use std::borrow::Cow;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
use uuid::Uuid;

use super::arrays::{Answering, Column, Part, Statement, borrowed, text};
use super::connection::{closed, one_line};
use super::figures;
use super::kept::AGE_MAX;
use super::nodes;
use super::postgres_persons::{insert_looks, write_persons};
use super::reader::{EventRow, read_event};
use super::schema::{claims, events};
use super::sqlite::{ReceiptRow, read_receipt};
use super::{AnyConnection, Database, DocRow, FactRow, OpenError};
use crate::kernel::Timestamp;
use crate::ledger::{
    Batch, Cell, Claim, ColumnType, Event, FactChange, Frontier, Harm, Head, PERSON, Posting, Receipt, StateRow, Store,
    StoreError, Table,
};

/// The channel on which other instances hear of new positions.
pub(super) const CHANNEL: &str = "lumbung";

/// See the module.
pub struct PostgresStore {
    database: Database,
    /// Absent after it broke, until the next transaction opens another.
    connection: Option<(PgConnection, Instant)>,
    /// The server's clock when the head was last locked.
    clock: Option<Timestamp>,
}

impl PostgresStore {
    /// A store that opens its connection when it is first needed, and again whenever it breaks.
    pub fn new(database: Database) -> Self {
        Self { database, connection: None, clock: None }
    }

    /// The connection of the transaction that [`Store::begin`] opened.
    fn open(&mut self) -> Result<&mut PgConnection, StoreError> {
        self.connection
            .as_mut()
            .map(|(connection, _)| connection)
            .ok_or_else(|| StoreError::new("no transaction is open"))
    }

    fn connect(&mut self) -> Result<&mut PgConnection, StoreError> {
        if self.connection.as_ref().is_some_and(|(_, since)| since.elapsed() > AGE_MAX) {
            self.connection = None;
        }
        if self.connection.is_none() {
            match self.database.open_writer() {
                Ok(AnyConnection::Postgres(connection)) => self.connection = Some((connection, Instant::now())),
                Ok(AnyConnection::Sqlite(_)) => return Err(StoreError::new("the database is not PostgreSQL")),
                Err(OpenError(why)) => return Err(StoreError::new(why)),
            }
        }
        self.open()
    }
}

/// Position, time and frontier of the head, and the server's clock.
type LockedHead = (i64, i64, Vec<u8>, i64);

/// Outside the part that locks: a clock read beside it is read before the lock is waited for.
const LOCK_HEAD: &str = "WITH locked AS MATERIALIZED (SELECT position, recorded_at, frontier FROM head WHERE id = 1 FOR UPDATE) \
    SELECT locked.*, CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint) FROM locked";

/// The row is read after its lock is held, as the last batch left it; every later statement of the transaction sees that batch too.
fn lock_head(connection: &mut PgConnection) -> QueryResult<LockedHead> {
    connection.batch_execute("BEGIN")?;
    let mut statement = Statement::default();
    statement.sql(LOCK_HEAD);
    Answering::<(BigInt, BigInt, Binary, BigInt)>(statement, PhantomData).get_result(connection)
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn failed(why: diesel::result::Error) -> StoreError {
    StoreError::new(one_line(&why.to_string()))
}

impl Store for PostgresStore {
    fn begin(&mut self) -> Result<Head, StoreError> {
        let kept = self.connection.is_some();
        let mut locked = lock_head(self.connect()?);
        // A connection that broke while nobody used it, as when the server was restarted, says so only now; nothing was lost on it.
        if kept && locked.as_ref().is_err_and(closed) {
            self.connection = None;
            locked = lock_head(self.connect()?);
        }
        let (position, recorded_at, frontier, clock) = locked.map_err(failed)?;
        self.clock = Some(Timestamp::from_micros(clock));
        let size = u64::try_from(position).map_err(StoreError::new)?;
        let frontier = Frontier::from_bytes(size, &frontier)
            .ok_or_else(|| StoreError::new("the head row's frontier is damaged"))?;
        Ok(Head { position, recorded_at: Timestamp::from_micros(recorded_at), frontier })
    }

    fn clock(&self) -> Option<Timestamp> {
        self.clock
    }

    fn receipts(&mut self, keys: &[(Uuid, String)]) -> Result<Vec<Receipt>, StoreError> {
        let mut statement = Statement::default();
        statement.sql("SELECT r.organisation, r.key, r.fingerprint, r.created, r.stream_kind, r.stream_id, r.version, r.position, r.refusal, r.recorded_at FROM ");
        statement.unnest(vec![
            text(keys.iter().map(|(organisation, _)| organisation)),
            borrowed(keys.iter().map(|(_, key)| key.as_str())),
        ]);
        statement.sql(" AS wanted (organisation, key) CROSS JOIN LATERAL (SELECT * FROM receipts WHERE receipts.organisation = wanted.organisation AND receipts.key = wanted.key) AS r");
        let rows =
            Answering::<ReceiptColumns>(statement, PhantomData).load::<ReceiptRow>(self.open()?).map_err(failed)?;
        rows.into_iter().map(read_receipt).collect()
    }

    fn states(&mut self, table: &Table, ids: &[Uuid]) -> Result<Vec<(Uuid, String)>, StoreError> {
        let mut statement = Statement::default();
        statement.sql("SELECT state.id, state.doc FROM ");
        statement.unnest(vec![text(ids.iter())]);
        let name = table.name;
        statement.sql(format!(
            " AS wanted (id) CROSS JOIN LATERAL (SELECT id, doc FROM {name} WHERE {name}.id = wanted.id) AS state"
        ));
        let rows = statement.load::<(String, String)>(self.open()?).map_err(failed)?;
        rows.into_iter().map(|(id, doc)| Ok((Uuid::parse_str(&id).map_err(StoreError::new)?, doc))).collect()
    }

    fn streams(&mut self, kind: &str, ids: &[Uuid]) -> Result<Vec<Event>, StoreError> {
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        let rows = events::table.filter(events::stream_kind.eq(kind)).filter(events::stream_id.eq_any(ids));
        let rows = rows.order((events::stream_id, events::version));
        let rows = rows.load::<EventRow>(self.open()?).map_err(failed)?;
        rows.into_iter().map(|row| read_event(row).map_err(StoreError::new)).collect()
    }

    fn claims(&mut self, wanted: &[Claim]) -> Result<Vec<(Claim, Uuid)>, StoreError> {
        let mut statement = Statement::default();
        statement.sql("SELECT held.number, held.holder FROM ");
        statement.unnest(vec![
            text(0..wanted.len()),
            borrowed(wanted.iter().map(|claim| claim.namespace)),
            borrowed(wanted.iter().map(|claim| claim.value.as_str())),
        ]);
        statement.sql(format!(
            " AS wanted (number, namespace, value) CROSS JOIN LATERAL (\
             SELECT wanted.number, holder FROM claims WHERE claims.namespace = wanted.namespace AND claims.value = wanted.value \
             UNION ALL SELECT wanted.number, holder FROM subject_keys WHERE wanted.namespace = '{PERSON}' AND lookup = wanted.value) AS held"
        ));
        let rows = statement.load::<(String, String)>(self.open()?).map_err(failed)?;
        let mut found = Vec::with_capacity(rows.len());
        for (number, holder) in rows {
            let number: usize = number.parse().map_err(StoreError::new)?;
            let claim = wanted.get(number).ok_or_else(|| StoreError::new("a claim nobody asked for"))?;
            found.push((claim.clone(), Uuid::parse_str(&holder).map_err(StoreError::new)?));
        }
        Ok(found)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let connection = self.open()?;
        write(connection, batch).map_err(failed)?;
        connection.batch_execute("COMMIT").map_err(|why| {
            // Refused by the server, it is rolled back; without an answer nobody knows.
            let harm = if closed(&why) { Harm::Unknown } else { Harm::None };
            StoreError { why: one_line(&why.to_string()), harm }
        })
    }

    fn rollback(&mut self) {
        let rolled_back = self.connection.as_mut().map(|(connection, _)| connection.batch_execute("ROLLBACK"));
        if matches!(rolled_back, Some(Err(_))) {
            self.connection = None;
        }
    }
}

type ReceiptColumns = (Text, Text, Binary, Bool, Text, Text, BigInt, BigInt, Nullable<Text>, BigInt);
type RowColumns = (Text, BigInt, BigInt, Text);

/// The rows with these ids, in one query.
pub(super) fn rows_by_id(connection: &mut PgConnection, table: &str, ids: &[Uuid]) -> QueryResult<Vec<DocRow>> {
    let mut statement = Statement::default();
    statement.sql("SELECT row.id, row.version, row.position, row.doc FROM ");
    statement.unnest(vec![text(ids.iter())]);
    statement.sql(format!(
        " AS wanted (id) CROSS JOIN LATERAL (SELECT id, version, position, doc FROM {table} WHERE {table}.id = wanted.id) AS row"
    ));
    Answering::<RowColumns>(statement, PhantomData).load(connection)
}

fn write(connection: &mut PgConnection, batch: &Batch) -> QueryResult<()> {
    if batch.leaves_the_log() {
        // Nobody needs to be told of a new position.
        let mut statement = Statement::default();
        statement.sql("WITH ");
        insert_looks(&mut statement, &batch.looks);
        statement.sql("done AS (SELECT 1) SELECT count(*)::text, ''::text FROM done");
        return statement.load::<(String, String)>(connection).map(|_| ());
    }
    write_persons(connection, batch)?;
    // Parts of one statement do not see each other's rows, so what is given up goes first.
    for claim in &batch.released {
        diesel::delete(claims::table.find((claim.namespace, &claim.value))).execute(connection)?;
    }
    let mut statement = Statement::default();
    statement.sql("WITH ");
    insert_events(&mut statement, batch);
    nodes::put(&mut statement, &batch.nodes);
    write_states(&mut statement, batch);
    insert_claims(&mut statement, "", &batch.claims);
    change_facts(&mut statement, &batch.facts);
    insert_postings(&mut statement, "", &batch.postings);
    add_tallies(&mut statement, &batch.postings);
    insert_receipts(&mut statement, &batch.receipts);
    insert_looks(&mut statement, &batch.looks);
    statement.sql("moved AS (UPDATE head SET position = ");
    statement.bind(Part::Int(batch.head.position));
    statement.sql(", recorded_at = ");
    statement.bind(Part::Int(batch.head.recorded_at.micros()));
    statement.sql(", frontier = ");
    statement.bind(Part::Bytes(batch.head.frontier.to_bytes()));
    statement.sql(format!(
        " WHERE id = 1 RETURNING pg_notify('{CHANNEL}', position::text)) SELECT count(*)::text, ''::text FROM moved"
    ));
    statement.load::<(String, String)>(connection).map(|_| ())
}

fn insert_events<'a>(statement: &mut Statement<'a>, batch: &'a Batch) {
    if batch.events.is_empty() {
        return;
    }
    let envelopes = || batch.events.iter().map(|event| &event.envelope);
    let columns = vec![
        Column::Int(envelopes().map(|envelope| envelope.position).collect()),
        text(envelopes().map(|envelope| envelope.event_id)),
        borrowed(envelopes().map(|envelope| envelope.stream_kind.as_str())),
        text(envelopes().map(|envelope| envelope.stream_id)),
        Column::Int(envelopes().map(|envelope| envelope.version).collect()),
        borrowed(envelopes().map(|envelope| envelope.event_type.as_str())),
        Column::Int(envelopes().map(|envelope| i64::from(envelope.schema_version)).collect()),
        borrowed(batch.events.iter().map(|event| event.data.as_str())),
        text(envelopes().map(|envelope| envelope.actor)),
        text(envelopes().map(|envelope| envelope.organisation)),
        Column::Int(envelopes().map(|envelope| envelope.occurred_at.micros()).collect()),
        Column::Int(envelopes().map(|envelope| envelope.recorded_at.micros()).collect()),
        borrowed(envelopes().map(|envelope| envelope.correlation_id.as_str())),
        Column::MaybeText(envelopes().map(|e| e.causation_id.map(|id| Cow::Owned(id.to_string()))).collect()),
        Column::Bytes(batch.events.iter().map(|event| event.leaf_hash.as_slice()).collect()),
        Column::MaybeText(envelopes().map(|envelope| envelope.region.map(|region| region.code().into())).collect()),
        Column::MaybeText(envelopes().map(|envelope| envelope.owner.map(|id| Cow::Owned(id.to_string()))).collect()),
    ];
    let names = "position, event_id, stream_kind, stream_id, version, type, schema_version, data, actor, organisation, \
        occurred_at, recorded_at, correlation_id, causation_id, leaf_hash, region, owner";
    statement.insert("appended", "events", names, columns, "");
}

/// One insert and one upsert for each table that the batch touches, be it of no rows, so that statements to prepare stay few. Looking for a
/// row that cannot be there yet would cost a third of writing it.
fn write_states<'a>(statement: &mut Statement<'a>, batch: &'a Batch) {
    for (table, rows) in by_table(&batch.states) {
        let (new, changed): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.is_new);
        insert_states(statement, "new", table.name, table, &new, "");
        let sets: Vec<String> =
            table.column_names()[1..].iter().map(|name| format!("{name} = excluded.{name}")).collect();
        let then = format!(" ON CONFLICT (id) DO UPDATE SET {}", sets.join(", "));
        insert_states(statement, "changed", table.name, table, &changed, &then);
    }
}

fn by_table(states: &[StateRow]) -> Vec<(&Table, Vec<&StateRow>)> {
    let mut found: Vec<(&Table, Vec<&StateRow>)> = Vec::new();
    for state in states {
        match found.iter_mut().find(|(table, _)| table.name == state.table.name) {
            Some((_, rows)) => rows.push(state),
            None => found.push((&state.table, vec![state])),
        }
    }
    found
}

fn insert_states<'a>(
    statement: &mut Statement<'a>,
    part: &str,
    into: &str,
    table: &Table,
    rows: &[&'a StateRow],
    then: &str,
) {
    let mut columns = vec![
        text(rows.iter().map(|row| row.id)),
        Column::Int(rows.iter().map(|row| row.version).collect()),
        Column::Int(rows.iter().map(|row| row.position).collect()),
    ];
    columns.extend(table.columns.iter().enumerate().map(|(index, (_, kind))| cells(rows, index, *kind)));
    columns.push(borrowed(rows.iter().map(|row| row.doc.as_str())));
    statement.insert(&format!("{part}_{}", table.name), into, &table.column_names().join(", "), columns, then);
}

fn insert_claims<'a>(statement: &mut Statement<'a>, prefix: &str, claims: &'a [(Claim, Uuid)]) {
    if claims.is_empty() {
        return;
    }
    let columns = vec![
        borrowed(claims.iter().map(|(claim, _)| claim.namespace)),
        borrowed(claims.iter().map(|(claim, _)| claim.value.as_str())),
        text(claims.iter().map(|(_, holder)| holder)),
    ];
    statement.insert("claimed", &format!("{prefix}claims"), "namespace, value, holder", columns, "");
}

const FACT_COLUMNS: &str =
    "measure, resource, event_id, subject, region, value, occurred_on, from_position, until_position";

/// Writes rows as they are, into the tables whose names begin with `prefix`.
pub(super) fn insert_rows(
    connection: &mut PgConnection,
    prefix: &str,
    states: &[StateRow],
    claims: &[(Claim, Uuid)],
    facts: &[FactRow],
    postings: &[(i64, Posting)],
) -> QueryResult<()> {
    let mut statement = Statement::default();
    statement.sql("WITH ");
    for (table, rows) in by_table(states) {
        insert_states(&mut statement, "made", &format!("{prefix}{}", table.name), table, &rows, "");
    }
    insert_claims(&mut statement, prefix, claims);
    if !facts.is_empty() {
        let columns = vec![
            borrowed(facts.iter().map(|fact| fact.measure.as_str())),
            borrowed(facts.iter().map(|fact| fact.resource.as_str())),
            borrowed(facts.iter().map(|fact| fact.event_id.as_str())),
            borrowed(facts.iter().map(|fact| fact.subject.as_str())),
            borrowed(facts.iter().map(|fact| fact.region.as_str())),
            borrowed(facts.iter().map(|fact| fact.value.as_str())),
            borrowed(facts.iter().map(|fact| fact.occurred_on.as_str())),
            Column::Int(facts.iter().map(|fact| fact.from_position).collect()),
            Column::MaybeInt(facts.iter().map(|fact| fact.until_position).collect()),
        ];
        statement.insert("asserted", &format!("{prefix}facts"), FACT_COLUMNS, columns, "");
    }
    insert_postings(&mut statement, prefix, postings);
    statement.sql("done AS (SELECT 1) SELECT count(*)::text, ''::text FROM done");
    statement.load::<(String, String)>(connection).map(|_| ())
}

/// The cells of one typed column. Cells of another type than the column's would be a mistake in the area; they are written as nothing,
/// which NOT NULL refuses.
fn cells<'a>(rows: &[&'a StateRow], index: usize, kind: ColumnType) -> Column<'a> {
    let cells = rows.iter().map(|row| row.columns.get(index));
    match kind {
        ColumnType::Text => Column::MaybeText(
            cells
                .map(|cell| if let Some(Cell::Text(value)) = cell { value.as_deref().map(Cow::Borrowed) } else { None })
                .collect(),
        ),
        ColumnType::Int => {
            Column::MaybeInt(cells.map(|cell| if let Some(Cell::Int(value)) = cell { *value } else { None }).collect())
        }
        ColumnType::Bool => Column::MaybeBool(
            cells.map(|cell| if let Some(Cell::Bool(value)) = cell { *value } else { None }).collect(),
        ),
    }
}

/// The parts of one statement do not see each other's rows, so a fact that begins and ceases within the batch is written with both ends.
fn change_facts<'a>(statement: &mut Statement<'a>, changes: &'a [FactChange]) {
    let mut begun: Vec<(&FactChange, Option<i64>)> = Vec::new();
    let mut ceased: Vec<&FactChange> = Vec::new();
    let mut open: HashMap<(&str, Uuid, Uuid, Uuid), usize> = HashMap::new();
    for change in changes {
        let key = (change.fact.measure, change.resource, change.fact.event_id, change.fact.subject);
        if change.begins {
            open.insert(key, begun.len());
            begun.push((change, None));
        } else if let Some(index) = open.remove(&key) {
            begun[index].1 = Some(change.position);
        } else {
            ceased.push(change);
        }
    }
    if !begun.is_empty() {
        let facts = || begun.iter().map(|(change, _)| *change);
        let columns = vec![
            borrowed(facts().map(|change| change.fact.measure)),
            text(facts().map(|change| change.resource)),
            text(facts().map(|change| change.fact.event_id)),
            text(facts().map(|change| change.fact.subject)),
            borrowed(facts().map(|change| change.fact.region.code())),
            borrowed(facts().map(|change| change.fact.value.as_str())),
            text(facts().map(|change| change.fact.occurred_on)),
            Column::Int(facts().map(|change| change.position).collect()),
            Column::MaybeInt(begun.iter().map(|(_, until)| *until).collect()),
        ];
        statement.insert("begun", "facts", FACT_COLUMNS, columns, "");
    }
    if !ceased.is_empty() {
        statement.sql("ceased AS (UPDATE facts SET until_position = gone.until FROM ");
        statement.unnest(vec![
            borrowed(ceased.iter().map(|change| change.fact.measure)),
            text(ceased.iter().map(|change| change.resource)),
            text(ceased.iter().map(|change| change.fact.event_id)),
            text(ceased.iter().map(|change| change.fact.subject)),
            Column::Int(ceased.iter().map(|change| change.position).collect()),
        ]);
        statement.sql(
            " AS gone (measure, resource, event_id, subject, until) WHERE facts.measure = gone.measure AND facts.resource = gone.resource \
             AND facts.event_id = gone.event_id AND facts.subject = gone.subject AND facts.until_position IS NULL), ",
        );
    }
}

fn insert_postings<'a>(statement: &mut Statement<'a>, prefix: &str, postings: &'a [(i64, Posting)]) {
    if postings.is_empty() {
        return;
    }
    let cells = || postings.iter().map(|(_, posting)| &posting.cell);
    let columns = vec![
        Column::Int(postings.iter().map(|(position, _)| *position).collect()),
        Column::Int(figures::ordinals(postings).collect()),
        borrowed(cells().map(|cell| cell.measure)),
        text(cells().map(|cell| cell.month)),
        borrowed(cells().map(|cell| cell.region.code())),
        text(cells().map(|cell| cell.organisation)),
        borrowed(cells().map(|cell| cell.value.as_str())),
        Column::Int(postings.iter().map(|(_, posting)| posting.count).collect()),
        Column::Int(postings.iter().map(|(_, posting)| posting.sen).collect()),
    ];
    statement.insert("posted", &format!("{prefix}postings"), figures::POSTING_COLUMNS, columns, "");
}

fn add_tallies<'a>(statement: &mut Statement<'a>, postings: &'a [(i64, Posting)]) {
    let tallies = figures::tallies(postings);
    if tallies.is_empty() {
        return;
    }
    let columns = vec![
        borrowed(tallies.iter().map(|(cell, ..)| cell.measure)),
        Column::Int(tallies.iter().map(|(_, span, ..)| *span).collect()),
        text(tallies.iter().map(|(cell, ..)| cell.month)),
        borrowed(tallies.iter().map(|(cell, ..)| cell.region.code())),
        text(tallies.iter().map(|(cell, ..)| cell.organisation)),
        borrowed(tallies.iter().map(|(cell, ..)| cell.value.as_str())),
        Column::Int(tallies.iter().map(|(.., count, _)| *count).collect()),
        Column::Int(tallies.iter().map(|(.., sen)| *sen).collect()),
    ];
    statement.insert("tallied", "tallies", figures::TALLY_COLUMNS, columns, figures::TALLY_MORE);
}

fn insert_receipts<'a>(statement: &mut Statement<'a>, receipts: &'a [Receipt]) {
    if receipts.is_empty() {
        return;
    }
    let columns = vec![
        text(receipts.iter().map(|receipt| receipt.organisation)),
        borrowed(receipts.iter().map(|receipt| receipt.key.as_str())),
        Column::Bytes(receipts.iter().map(|receipt| receipt.fingerprint.as_slice()).collect()),
        Column::Bool(receipts.iter().map(|receipt| receipt.created).collect()),
        borrowed(receipts.iter().map(|receipt| receipt.stream_kind.as_str())),
        text(receipts.iter().map(|receipt| receipt.stream_id)),
        Column::Int(receipts.iter().map(|receipt| receipt.version).collect()),
        Column::Int(receipts.iter().map(|receipt| receipt.position).collect()),
        Column::MaybeText(receipts.iter().map(|receipt| receipt.refusal.as_deref().map(Cow::Borrowed)).collect()),
        Column::Int(receipts.iter().map(|receipt| receipt.recorded_at.micros()).collect()),
    ];
    let names =
        "organisation, key, fingerprint, created, stream_kind, stream_id, version, position, refusal, recorded_at";
    statement.insert("received", "receipts", names, columns, "");
}
