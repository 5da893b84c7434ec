//! The writer on `SQLite`: one connection, `BEGIN IMMEDIATE`, prepared single-row statements inside one transaction.

use std::sync::Arc;
use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use super::figures;
use super::nodes;
use super::reader::{EventRow, of_stream, read_event};
use super::rotation::check_master;
use super::schema::{claims, events, facts, head, looks, receipts, secrets, subject_keys};
use super::wal;
use super::{Documents, FactRow};
use crate::kernel::{Region, Timestamp};
use crate::ledger::{
    Batch, Cell, Claim, Event, FactChange, Frontier, Harm, Head, Look, PERSON, Posting, Receipt, StateRow, Store,
    StoreError, SubjectKey, Table,
};

/// See the module.
pub struct SqliteStore {
    connection: SqliteConnection,
    /// Rows that readers keep in memory.
    kept: Option<Arc<Documents>>,
    /// While something erased may be left in the write-ahead log: when emptying it is due.
    empty_from: Option<Instant>,
}

impl SqliteStore {
    /// A store that writes through `connection`. What an earlier run left in the write-ahead log goes first.
    pub fn new(connection: SqliteConnection, kept: Option<Arc<Documents>>) -> Self {
        Self { connection, kept, empty_from: Some(Instant::now()) }
    }
}

/// What `SQLite` says when the system could not read, write or sync. After a failed sync the system may have thrown away what it was
/// asked to keep and says so only once, so trying again would pretend.
const DISK_FAILED: &str = "disk I/O error";

fn failed(why: impl std::fmt::Display) -> StoreError {
    let why = why.to_string();
    let harm = if why.contains(DISK_FAILED) { Harm::Lasting } else { Harm::None };
    StoreError { why, harm }
}

/// A statement put together at run time from a table's columns, and still prepared once: `?` stands for the next value.
#[derive(Clone)]
struct Statement {
    sql: String,
    values: Vec<Cell>,
}

impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Sqlite> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        use diesel::sql_types::{BigInt, Bool, Nullable, Text};
        let mut values = self.values.iter();
        for (index, part) in self.sql.split('?').enumerate() {
            if index > 0 {
                match values.next() {
                    Some(Cell::Text(value)) => out.push_bind_param::<Nullable<Text>, _>(value)?,
                    Some(Cell::Int(value)) => out.push_bind_param::<Nullable<BigInt>, _>(value)?,
                    Some(Cell::Bool(value)) => out.push_bind_param::<Nullable<Bool>, _>(value)?,
                    None => {
                        return Err(diesel::result::Error::QueryBuilderError("too few values".into()));
                    }
                }
            }
            out.push_sql(part);
        }
        Ok(())
    }
}

impl diesel::query_builder::Query for Statement {
    type SqlType = (diesel::sql_types::Text, diesel::sql_types::Text);
}
impl RunQueryDsl<SqliteConnection> for Statement {}

#[derive(Queryable, Insertable)]
#[diesel(table_name = receipts)]
pub(super) struct ReceiptRow {
    organisation: String,
    key: String,
    fingerprint: Vec<u8>,
    created: bool,
    stream_kind: String,
    stream_id: String,
    version: i64,
    position: i64,
    refusal: Option<String>,
    recorded_at: i64,
}

impl Store for SqliteStore {
    fn begin(&mut self) -> Result<Head, StoreError> {
        self.connection.batch_execute("BEGIN IMMEDIATE").map_err(failed)?;
        let (position, recorded_at, frontier) = head::table
            .select((head::position, head::recorded_at, head::frontier))
            .first::<(i64, i64, Vec<u8>)>(&mut self.connection)
            .map_err(failed)?;
        if let Some(kept) = &self.kept {
            kept.begins_at(position);
        }
        let size = u64::try_from(position).map_err(failed)?;
        let frontier =
            Frontier::from_bytes(size, &frontier).ok_or_else(|| failed("the head row's frontier is damaged"))?;
        Ok(Head { position, recorded_at: Timestamp::from_micros(recorded_at), frontier })
    }

    fn receipts(&mut self, keys: &[(Uuid, String)]) -> Result<Vec<Receipt>, StoreError> {
        let mut found = Vec::new();
        for (organisation, key) in keys {
            let row = receipts::table
                .find((organisation.to_string(), key))
                .first::<ReceiptRow>(&mut self.connection)
                .optional()
                .map_err(failed)?;
            if let Some(row) = row {
                found.push(read_receipt(row)?);
            }
        }
        Ok(found)
    }

    fn states(&mut self, table: &Table, ids: &[Uuid]) -> Result<Vec<(Uuid, String)>, StoreError> {
        let mut found = Vec::new();
        for id in ids {
            let statement = Statement {
                sql: format!("SELECT id, doc FROM {} WHERE id = ?", table.name),
                values: vec![Cell::text(id)],
            };
            let rows = statement.load::<(String, String)>(&mut self.connection).map_err(failed)?;
            found.extend(rows.into_iter().map(|(_, doc)| (*id, doc)));
        }
        Ok(found)
    }

    fn streams(&mut self, kind: &str, ids: &[Uuid]) -> Result<Vec<Event>, StoreError> {
        let mut found = Vec::new();
        for id in ids {
            let rows = of_stream(kind, id.to_string(), i64::MAX, i64::MAX);
            for row in rows.load::<EventRow>(&mut self.connection).map_err(failed)? {
                found.push(read_event(row).map_err(failed)?);
            }
        }
        Ok(found)
    }

    fn claims(&mut self, wanted: &[Claim]) -> Result<Vec<(Claim, Uuid)>, StoreError> {
        let mut found = Vec::new();
        for claim in wanted {
            let holder = if claim.namespace == PERSON {
                subject_keys::table
                    .filter(subject_keys::lookup.eq(&claim.value))
                    .select(subject_keys::holder)
                    .first::<String>(&mut self.connection)
            } else {
                claims::table
                    .find((claim.namespace, &claim.value))
                    .select(claims::holder)
                    .first::<String>(&mut self.connection)
            };
            if let Some(holder) = holder.optional().map_err(failed)? {
                found.push((claim.clone(), Uuid::parse_str(&holder).map_err(failed)?));
            }
        }
        Ok(found)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let kept = self.kept.clone();
        let _writing = kept.as_ref().map(|kept| kept.writing(&batch.states));
        self.write(batch).map_err(failed)?;
        // A commit that is refused is rolled back: in the write-ahead log it counts only once its last frame is there.
        self.connection.batch_execute("COMMIT").map_err(failed)?;
        if let Some(kept) = &kept {
            kept.recorded(batch.head.position);
        }
        if !batch.destroyed.is_empty() {
            // A destroyed key must not live on in old frames.
            self.empty_from = Some(Instant::now());
        }
        Ok(())
    }

    fn tidy(&mut self) -> Result<bool, StoreError> {
        if self.empty_from.is_some_and(|due| due <= Instant::now()) {
            let emptied = wal::empty(&mut self.connection).map_err(failed)?;
            if !emptied {
                log::info!("a read under way keeps the write-ahead log from being emptied; trying again");
            }
            self.empty_from = (!emptied).then(|| Instant::now() + wal::EMPTYING_EVERY);
        }
        wal::shorten(&mut self.connection).map_err(failed)?;
        Ok(self.empty_from.is_some())
    }

    fn rollback(&mut self) {
        // Fails when no transaction is open, which is what was asked for.
        let _ = self.connection.batch_execute("ROLLBACK");
    }
}

impl SqliteStore {
    fn write(&mut self, batch: &Batch) -> QueryResult<()> {
        for event in &batch.events {
            self.write_event(event)?;
        }
        nodes::insert(&mut self.connection, &batch.nodes)?;
        for state in &batch.states {
            let statement = if state.is_new { insert("", state) } else { upsert(state) };
            statement.execute(&mut self.connection)?;
        }
        for claim in &batch.released {
            diesel::delete(claims::table.find((claim.namespace, &claim.value))).execute(&mut self.connection)?;
        }
        for (claim, holder) in &batch.claims {
            let row = (
                claims::namespace.eq(claim.namespace),
                claims::value.eq(&claim.value),
                claims::holder.eq(holder.to_string()),
            );
            diesel::insert_into(claims::table).values(row).execute(&mut self.connection)?;
        }
        for change in &batch.facts {
            self.write_fact(change)?;
        }
        insert_postings(&mut self.connection, "", &batch.postings)?;
        add_tallies(&mut self.connection, &batch.postings)?;
        for receipt in &batch.receipts {
            diesel::insert_into(receipts::table).values(receipt_row(receipt)).execute(&mut self.connection)?;
        }
        check_master(batch.subject_keys.iter(), || {
            secrets::table.find("lookup").select(secrets::wrapped).first(&mut self.connection).optional()
        })?;
        // Numbers are given free before they are taken.
        for subject in &batch.destroyed {
            diesel::delete(subject_keys::table.find(subject.to_string())).execute(&mut self.connection)?;
        }
        for key in batch.subject_keys.iter().filter(|key| !key.is_new) {
            self.write_subject_key(key)?;
        }
        for key in batch.subject_keys.iter().filter(|key| key.is_new) {
            self.write_subject_key(key)?;
        }
        for look in &batch.looks {
            self.write_look(look)?;
        }
        if batch.leaves_the_log() {
            return Ok(());
        }
        diesel::update(head::table.find(1))
            .set((
                head::position.eq(batch.head.position),
                head::recorded_at.eq(batch.head.recorded_at.micros()),
                head::frontier.eq(batch.head.frontier.to_bytes()),
            ))
            .execute(&mut self.connection)?;
        Ok(())
    }

    fn write_event(&mut self, event: &Event) -> QueryResult<usize> {
        let envelope = &event.envelope;
        let row = (
            events::position.eq(envelope.position),
            events::event_id.eq(envelope.event_id.to_string()),
            events::stream_kind.eq(&envelope.stream_kind),
            events::stream_id.eq(envelope.stream_id.to_string()),
            events::version.eq(envelope.version),
            events::event_type.eq(&envelope.event_type),
            events::schema_version.eq(i64::from(envelope.schema_version)),
            events::data.eq(&event.data),
            events::actor.eq(envelope.actor.to_string()),
            events::organisation.eq(envelope.organisation.to_string()),
            events::occurred_at.eq(envelope.occurred_at.micros()),
            events::recorded_at.eq(envelope.recorded_at.micros()),
            events::correlation_id.eq(&envelope.correlation_id),
            events::causation_id.eq(envelope.causation_id.map(|id| id.to_string())),
            events::leaf_hash.eq(event.leaf_hash.as_slice()),
            events::region.eq(envelope.region.map(Region::code)),
            events::owner.eq(envelope.owner.map(|id| id.to_string())),
        );
        diesel::insert_into(events::table).values(row).execute(&mut self.connection)
    }

    fn write_fact(&mut self, change: &FactChange) -> QueryResult<usize> {
        let fact = &change.fact;
        if !change.begins {
            let standing = facts::table
                .filter(facts::measure.eq(fact.measure))
                .filter(facts::resource.eq(change.resource.to_string()))
                .filter(facts::event_id.eq(fact.event_id.to_string()))
                .filter(facts::subject.eq(fact.subject.to_string()))
                .filter(facts::until_position.is_null());
            return diesel::update(standing)
                .set(facts::until_position.eq(change.position))
                .execute(&mut self.connection);
        }
        let row = (
            facts::measure.eq(fact.measure),
            facts::resource.eq(change.resource.to_string()),
            facts::event_id.eq(fact.event_id.to_string()),
            facts::subject.eq(fact.subject.to_string()),
            facts::region.eq(fact.region.code()),
            facts::value.eq(&fact.value),
            facts::occurred_on.eq(fact.occurred_on.to_string()),
            facts::from_position.eq(change.position),
        );
        diesel::insert_into(facts::table).values(row).execute(&mut self.connection)
    }

    fn write_look(&mut self, look: &Look) -> QueryResult<usize> {
        let row = (
            looks::looked_at.eq(look.looked_at.micros()),
            looks::organisation.eq(look.organisation.to_string()),
            looks::key.eq(look.key.to_string()),
            looks::kind.eq(look.kind),
            looks::record.eq(look.record.to_string()),
            looks::subject.eq(look.subject.to_string()),
            looks::operation.eq(&*look.operation),
            looks::request_id.eq(&*look.request_id),
            looks::purpose.eq(look.purpose.as_deref()),
        );
        diesel::insert_into(looks::table).values(row).execute(&mut self.connection)
    }

    fn write_subject_key(&mut self, key: &SubjectKey) -> QueryResult<usize> {
        if !key.is_new {
            let known = subject_keys::table.find(key.subject.to_string());
            let looked_up = subject_keys::lookup.eq(&key.lookup);
            return diesel::update(known).set(looked_up).execute(&mut self.connection);
        }
        let row = (
            subject_keys::subject.eq(key.subject.to_string()),
            subject_keys::holder.eq(key.holder.to_string()),
            subject_keys::lookup.eq(&key.lookup),
            subject_keys::wrapped.eq(&key.wrapped),
        );
        diesel::insert_into(subject_keys::table).values(row).execute(&mut self.connection)
    }
}

fn upsert(state: &StateRow) -> Statement {
    let mut statement = insert("", state);
    let names = state.table.column_names();
    let sets: Vec<String> = names[1..].iter().map(|name| format!("{name} = excluded.{name}")).collect();
    statement.sql.push_str(" ON CONFLICT (id) DO UPDATE SET ");
    statement.sql.push_str(&sets.join(", "));
    statement
}

fn insert(prefix: &str, state: &StateRow) -> Statement {
    let names = state.table.column_names();
    let marks = vec!["?"; names.len()].join(", ");
    let mut values = vec![Cell::text(state.id), Cell::Int(Some(state.version)), Cell::Int(Some(state.position))];
    values.extend(state.columns.iter().cloned());
    values.push(Cell::text(&state.doc));
    Statement {
        sql: format!("INSERT INTO {prefix}{} ({}) VALUES ({marks})", state.table.name, names.join(", ")),
        values,
    }
}

/// Writes rows as they are, into the tables whose names begin with `prefix`.
pub(super) fn insert_rows(
    connection: &mut SqliteConnection,
    prefix: &str,
    states: &[StateRow],
    claims: &[(Claim, Uuid)],
    facts: &[FactRow],
    postings: &[(i64, Posting)],
) -> QueryResult<()> {
    for state in states {
        insert(prefix, state).execute(connection)?;
    }
    for (claim, holder) in claims {
        let sql = format!("INSERT INTO {prefix}claims (namespace, value, holder) VALUES (?, ?, ?)");
        let values = vec![Cell::text(claim.namespace), Cell::text(&claim.value), Cell::text(holder)];
        Statement { sql, values }.execute(connection)?;
    }
    for fact in facts {
        let sql = format!(
            "INSERT INTO {prefix}facts (measure, resource, event_id, subject, region, value, occurred_on, from_position, until_position) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        );
        let texts = [
            &fact.measure,
            &fact.resource,
            &fact.event_id,
            &fact.subject,
            &fact.region,
            &fact.value,
            &fact.occurred_on,
        ];
        let mut values: Vec<Cell> = texts.into_iter().map(Cell::text).collect();
        values.extend([Cell::Int(Some(fact.from_position)), Cell::Int(fact.until_position)]);
        Statement { sql, values }.execute(connection)?;
    }
    insert_postings(connection, prefix, postings)
}

fn insert_postings(connection: &mut SqliteConnection, prefix: &str, postings: &[(i64, Posting)]) -> QueryResult<()> {
    for ((position, posting), ordinal) in postings.iter().zip(figures::ordinals(postings)) {
        let cell = &posting.cell;
        let sql =
            format!("INSERT INTO {prefix}postings ({}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", figures::POSTING_COLUMNS);
        let values = vec![
            Cell::Int(Some(*position)),
            Cell::Int(Some(ordinal)),
            Cell::text(cell.measure),
            Cell::text(cell.month),
            Cell::text(cell.region.code()),
            Cell::text(cell.organisation),
            Cell::text(&cell.value),
            Cell::Int(Some(posting.count)),
            Cell::Int(Some(posting.sen)),
        ];
        Statement { sql, values }.execute(connection)?;
    }
    Ok(())
}

fn add_tallies(connection: &mut SqliteConnection, postings: &[(i64, Posting)]) -> QueryResult<()> {
    for (cell, span, count, sen) in figures::tallies(postings) {
        let sql = format!(
            "INSERT INTO tallies ({}) VALUES (?, ?, ?, ?, ?, ?, ?, ?){}",
            figures::TALLY_COLUMNS,
            figures::TALLY_MORE
        );
        let values = vec![
            Cell::text(cell.measure),
            Cell::Int(Some(span)),
            Cell::text(cell.month),
            Cell::text(cell.region.code()),
            Cell::text(cell.organisation),
            Cell::text(&cell.value),
            Cell::Int(Some(count)),
            Cell::Int(Some(sen)),
        ];
        Statement { sql, values }.execute(connection)?;
    }
    Ok(())
}

fn receipt_row(receipt: &Receipt) -> ReceiptRow {
    ReceiptRow {
        organisation: receipt.organisation.to_string(),
        key: receipt.key.clone(),
        fingerprint: receipt.fingerprint.to_vec(),
        created: receipt.created,
        stream_kind: receipt.stream_kind.clone(),
        stream_id: receipt.stream_id.to_string(),
        version: receipt.version,
        position: receipt.position,
        refusal: receipt.refusal.clone(),
        recorded_at: receipt.recorded_at.micros(),
    }
}

pub(super) fn read_receipt(row: ReceiptRow) -> Result<Receipt, StoreError> {
    Ok(Receipt {
        organisation: Uuid::parse_str(&row.organisation).map_err(failed)?,
        key: row.key,
        fingerprint: row.fingerprint.try_into().map_err(|_| failed("a receipt's fingerprint is damaged"))?,
        created: row.created,
        stream_kind: row.stream_kind,
        stream_id: Uuid::parse_str(&row.stream_id).map_err(failed)?,
        version: row.version,
        position: row.position,
        refusal: row.refusal,
        recorded_at: Timestamp::from_micros(row.recorded_at),
    })
}
