//! Rows made anew, beside the live ones: kept in temporary tables of one connection, so that nothing stays behind however it ends, and put in
//! place in one transaction under the head's lock. A thread writes them while the folding goes on.

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::JoinHandle;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use uuid::Uuid;

use super::figures::POSTING_COLUMNS;
use super::replay::{Comparison, Divergence};
use super::{AnyConnection, Database, FactRow, ReadError, documents, figures, postgres, reader, sqlite, wal};
use crate::ledger::{Claim, Kind, Posting, Replayed, StateRow};

/// What is put before the name of a live table.
const FRESH: &str = "fresh_";
/// The events of the resources that are made anew.
const EVENTS_OF_GONE: &str = "events JOIN fresh_gone AS gone ON gone.kind = stream_kind AND gone.id = stream_id";
/// Resources staged before they are written together.
const ROWS_TOGETHER: usize = 500;
/// Such groups of resources that may wait for being written.
const GROUPS_AHEAD: usize = 4;

/// See the module.
pub struct Staging {
    waiting: Rows,
    /// Whether there is anything to put in place.
    any: bool,
    /// Whether the figures must be summed anew.
    sum_anew: bool,
    /// Closed when it is done.
    groups: Option<SyncSender<Rows>>,
    /// Joined when it is done.
    writer: Option<JoinHandle<Result<Writer, ReadError>>>,
}

/// The connection with the temporary tables.
struct Writer {
    connection: AnyConnection,
    kinds: Vec<Kind>,
}

/// Rows on their way into the fresh tables.
#[derive(Default)]
struct Rows {
    gone: Vec<(&'static str, String)>,
    states: Vec<StateRow>,
    claims: Vec<(Claim, Uuid)>,
    facts: Vec<FactRow>,
    postings: Vec<(i64, Posting)>,
}

#[derive(QueryableByName)]
struct Touched {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    id: String,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Staging {
    /// Opens the connection and makes the empty tables.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn open(database: &Database, kinds: &[Kind]) -> Result<Self, ReadError> {
        let mut connection = database.open_for_maintenance()?;
        let tables = kinds.iter().map(|kind| kind.table.name).chain(["claims", "facts", "postings"]);
        for table in tables {
            connection
                .batch_execute(&format!("CREATE TEMP TABLE {FRESH}{table} AS SELECT * FROM {table} WHERE 1 = 0"))?;
        }
        connection.batch_execute(&format!(
            "CREATE TEMP TABLE {FRESH}gone (kind TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (kind, id))"
        ))?;
        let writer = Writer { connection, kinds: kinds.to_vec() };
        let (groups, waiting) = mpsc::sync_channel(GROUPS_AHEAD);
        let writer = std::thread::Builder::new().name("staging".to_owned()).spawn(move || writer.write_all(&waiting));
        let writer = writer.map_err(|why| ReadError::Database(why.to_string()))?;
        Ok(Self { waiting: Rows::default(), any: false, sum_anew: false, groups: Some(groups), writer: Some(writer) })
    }

    /// Keeps what the rows of a resource ought to be.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn stage(&mut self, divergence: Divergence) -> Result<(), ReadError> {
        let Divergence { kind, id, replayed, .. } = divergence;
        self.any = true;
        self.waiting.gone.push((kind.name, id));
        if let Some(replayed) = replayed {
            self.waiting.add(replayed);
        }
        if self.waiting.gone.len() >= ROWS_TOGETHER { self.hand_over() } else { Ok(()) }
    }

    /// Keeps in mind that the figures must be summed anew.
    pub fn sum_anew(&mut self) {
        self.sum_anew = true;
    }

    fn hand_over(&mut self) -> Result<(), ReadError> {
        let rows = std::mem::take(&mut self.waiting);
        let taken = self.groups.as_ref().is_some_and(|groups| groups.send(rows).is_ok());
        // A writer that takes no more has failed.
        if taken { Ok(()) } else { self.written().map(|_| ()) }
    }

    /// Waits until everything handed over is written.
    fn written(&mut self) -> Result<Writer, ReadError> {
        self.groups = None;
        let ended = self.writer.take().map(JoinHandle::join);
        ended.and_then(Result::ok).unwrap_or_else(|| Err(ReadError::Database("the staging thread ended".to_owned())))
    }

    /// Puts the staged rows in the place of the live ones, in one transaction, and of the postings those of the stretches where they are wrong:
    /// there are more postings than events, and whoever writes waits. Streams that were appended to since the comparison are folded again
    /// under the lock, so that nothing recorded meanwhile is lost.
    ///
    /// # Errors
    /// When it cannot be done; then nothing has changed.
    pub fn swap(mut self, compared: &Comparison) -> Result<(), ReadError> {
        if !self.any && !self.sum_anew && compared.wrong_postings.is_empty() {
            return Ok(());
        }
        self.hand_over()?;
        let sum_anew = self.sum_anew;
        self.written()?.swap(compared, sum_anew)
    }
}

impl Writer {
    fn write_all(mut self, groups: &Receiver<Rows>) -> Result<Self, ReadError> {
        for rows in groups {
            self.write(&rows)?;
        }
        Ok(self)
    }

    fn write(&mut self, rows: &Rows) -> Result<(), ReadError> {
        self.connection.batch_execute("BEGIN")?;
        if let Err(why) = self.write_rows(rows) {
            let _ = self.connection.batch_execute("ROLLBACK");
            return Err(why);
        }
        Ok(self.connection.batch_execute("COMMIT")?)
    }

    fn write_rows(&mut self, rows: &Rows) -> Result<(), ReadError> {
        if !rows.gone.is_empty() {
            let quoted = |(kind, id): &(&str, String)| format!("('{kind}', '{}')", id.replace('\'', "''"));
            let gone: Vec<String> = rows.gone.iter().map(quoted).collect();
            let insert =
                format!("INSERT INTO {FRESH}gone (kind, id) VALUES {} ON CONFLICT DO NOTHING", gone.join(", "));
            self.connection.batch_execute(&insert)?;
        }
        match &mut self.connection {
            AnyConnection::Sqlite(sqlite) => {
                sqlite::insert_rows(sqlite, FRESH, &rows.states, &rows.claims, &rows.facts, &rows.postings)?;
            }
            AnyConnection::Postgres(postgres) => {
                postgres::insert_rows(postgres, FRESH, &rows.states, &rows.claims, &rows.facts, &rows.postings)?;
            }
        }
        Ok(())
    }

    fn swap(mut self, compared: &Comparison, sum_anew: bool) -> Result<(), ReadError> {
        let lock = match &self.connection {
            AnyConnection::Sqlite(_) => "BEGIN IMMEDIATE".to_owned(),
            AnyConnection::Postgres(_) => {
                "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT position FROM head WHERE id = 1 FOR UPDATE".to_owned()
            }
        };
        self.connection.batch_execute(&lock)?;
        let swapped = self.put_in_place(compared, sum_anew);
        if swapped.is_err() {
            let _ = self.connection.batch_execute("ROLLBACK");
            return swapped;
        }
        self.connection.batch_execute("COMMIT")?;
        if let AnyConnection::Sqlite(sqlite) = &mut self.connection {
            wal::shorten(sqlite)?;
        }
        Ok(())
    }

    fn put_in_place(&mut self, compared: &Comparison, sum_anew: bool) -> Result<(), ReadError> {
        let mut wrong_postings = compared.wrong_postings.clone();
        if self.fold_again(compared.position)? && self.later_postings_differ(compared.position)? {
            wrong_postings.push((compared.position + 1, i64::MAX));
        }
        self.replace()?;
        self.replace_figures(&wrong_postings, sum_anew || !wrong_postings.is_empty())
    }

    /// Whether anything was appended to the streams that are made anew.
    fn fold_again(&mut self, position: i64) -> Result<bool, ReadError> {
        let query = format!(
            "SELECT DISTINCT stream_kind AS kind, stream_id AS id FROM {EVENTS_OF_GONE} WHERE position > {position}"
        );
        let touched = diesel::sql_query(query).load::<Touched>(&mut self.connection)?;
        let any = !touched.is_empty();
        for Touched { kind, id } in touched {
            let Some(kind) = self.kinds.iter().find(|known| known.name == kind).copied() else { continue };
            self.unstage(&kind, &id)?;
            let uuid = Uuid::parse_str(&id)?;
            let events = reader::stream_up_to(&mut self.connection, kind.name, uuid, i64::MAX)?;
            let mut rows = Rows::default();
            rows.gone.push((kind.name, id));
            rows.add(kind.replay(&events).map_err(ReadError::Corrupt)?);
            self.write_rows(&rows)?;
        }
        Ok(any)
    }

    /// Whether what was posted since the comparison came of rows that were wrong.
    fn later_postings_differ(&mut self, position: i64) -> Result<bool, ReadError> {
        let later = format!("WHERE position > {position}");
        let live = format!(
            "SELECT {POSTING_COLUMNS} FROM postings {later} AND position IN (SELECT position FROM {EVENTS_OF_GONE} {later})"
        );
        let fresh = format!("SELECT {POSTING_COLUMNS} FROM {FRESH}postings {later}");
        let query = format!(
            "SELECT count(*) AS count FROM (SELECT * FROM ({live} EXCEPT {fresh}) AS live \
             UNION ALL SELECT * FROM ({fresh} EXCEPT {live}) AS fresh) AS different"
        );
        Ok(diesel::sql_query(query).get_result::<Counted>(&mut self.connection)?.count > 0)
    }

    fn unstage(&mut self, kind: &Kind, id: &str) -> Result<(), ReadError> {
        let mut statements = format!("DELETE FROM {FRESH}{} WHERE id = '{id}';", kind.table.name);
        statements.push_str(&of_kind("claims", "holder", "namespace", kind.claims, FRESH, &format!("= '{id}'")));
        statements.push_str(&of_kind("facts", "resource", "measure", kind.measures, FRESH, &format!("= '{id}'")));
        let posted = format!("SELECT position FROM events WHERE stream_kind = '{}' AND stream_id = '{id}'", kind.name);
        statements.extend([format!("DELETE FROM {FRESH}postings WHERE position IN ({posted});")]);
        Ok(self.connection.batch_execute(&statements)?)
    }

    fn replace(&mut self) -> Result<(), ReadError> {
        for kind in &self.kinds {
            let (name, table) = (kind.name, kind.table.name);
            let gone = format!("IN (SELECT id FROM {FRESH}gone WHERE kind = '{name}')");
            let statements = [
                format!("DELETE FROM {table} WHERE id {gone};"),
                of_kind("claims", "holder", "namespace", kind.claims, "", &gone),
                of_kind("facts", "resource", "measure", kind.measures, "", &gone),
                format!("INSERT INTO {table} SELECT * FROM {FRESH}{table};"),
            ]
            .concat();
            self.connection.batch_execute(&statements)?;
        }
        for table in ["claims", "facts"] {
            self.connection.batch_execute(&format!("INSERT INTO {table} SELECT * FROM {FRESH}{table}"))?;
        }
        if let AnyConnection::Sqlite(sqlite) = &mut self.connection {
            documents::tell_made_anew(sqlite)?;
        }
        Ok(())
    }

    fn replace_figures(&mut self, wrong_postings: &[(i64, i64)], sum_anew: bool) -> Result<(), ReadError> {
        for (first, last) in joined(wrong_postings) {
            let within = format!("position BETWEEN {first} AND {last}");
            // A posting has no owner but its event.
            self.connection.batch_execute(&format!(
                "DELETE FROM postings WHERE {within} AND position IN (SELECT position FROM {EVENTS_OF_GONE} WHERE {within}); \
                 INSERT INTO postings SELECT * FROM {FRESH}postings WHERE {within} ORDER BY position, ordinal"
            ))?;
        }
        if sum_anew {
            let stray = "DELETE FROM postings WHERE position < 1 OR position > (SELECT position FROM head)";
            self.connection.batch_execute(stray)?;
            self.connection.batch_execute(&figures::make_tallies_anew())?;
        }
        Ok(())
    }
}

/// Stretches that follow one another as one.
fn joined(stretches: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut all: Vec<(i64, i64)> = Vec::new();
    for (first, last) in stretches {
        match all.last_mut() {
            Some((_, end)) if *end + 1 == *first => *end = *last,
            _ => all.push((*first, *last)),
        }
    }
    all
}

/// Deletes a kind's claims or facts of some resources.
fn of_kind(table: &str, owner: &str, column: &str, names: &[&str], prefix: &str, which: &str) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!("DELETE FROM {prefix}{table} WHERE {owner} {which} AND {column} IN ('{}');", names.join("','"))
}

impl Rows {
    fn add(&mut self, replayed: Replayed) {
        let id = replayed.state.id;
        self.claims.extend(replayed.claims.into_iter().map(|claim| (claim, id)));
        self.facts.extend(replayed.facts.into_iter().map(|(fact, from, until)| FactRow {
            measure: fact.measure.to_owned(),
            resource: id.to_string(),
            event_id: fact.event_id.to_string(),
            subject: fact.subject.to_string(),
            region: fact.region.code().to_owned(),
            value: fact.value,
            occurred_on: fact.occurred_on.to_string(),
            from_position: from,
            until_position: until,
        }));
        self.postings.extend(replayed.postings);
        self.states.push(replayed.state);
    }
}
