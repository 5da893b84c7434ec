//! Rows of an embedded database that were read lately, kept in memory: reading a row takes microseconds, most of them for the locks around it.
//!
//! What is kept counts only while it is certain. Before this process writes over rows they are forgotten, and until its commit is through
//! nothing is kept anew, so nobody is shown what was before once anybody may have seen what is now. Other programs write to the same file at
//! times, such as `lumbung keys issue`: a thread looks for that again and again, and what it last saw counts for a lease.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use uuid::Uuid;

use super::{AnyConnection, DocRow, ReadError};
use crate::ledger::StateRow;

/// Memory for documents, in bytes. When a part is full it is emptied: what is asked for often is soon back.
const BYTES_MAX: usize = 16 << 20;
/// Parts with a lock of their own, so that threads hardly meet.
const PARTS: usize = 16;
/// What a row takes beside its document, about, in bytes.
const ROW_BYTES: usize = 200;

/// See the module.
pub struct Documents {
    parts: [RwLock<Part>; PARTS],
    /// Raised when this process begins to write rows and when it has done so: odd in between.
    generation: AtomicU64,
    /// The last position this process wrote or was told of.
    position: AtomicI64,
    /// How often rows were made anew without anything being recorded, as last seen.
    made_anew: AtomicI64,
    /// Until when it is certain that nobody else has written, in microseconds from the start.
    certain_until: AtomicU64,
    start: Instant,
    lease: Duration,
}

#[derive(Default)]
struct Part {
    rows: HashMap<(&'static str, Uuid), Arc<DocRow>>,
    bytes: usize,
}

/// When a row began to be read: it is kept only if nothing was written since.
#[derive(Clone, Copy, Debug)]
pub struct Reading(u64);

/// Rows are being written over; ends when this is dropped.
pub struct Writing<'a>(&'a Documents);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.generation.fetch_add(1, Ordering::SeqCst);
    }
}

/// What tells that another program has written.
#[derive(QueryableByName)]
struct Seen {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = BigInt)]
    made_anew: i64,
}

/// Tells whoever keeps rows in memory that they were made anew although nothing was recorded, in the transaction that does so.
pub(super) fn tell_made_anew(connection: &mut SqliteConnection) -> QueryResult<()> {
    let Seen { made_anew, .. } = diesel::sql_query(SEEN).get_result(connection)?;
    connection.batch_execute(&format!("PRAGMA user_version = {}", (made_anew + 1) % i64::from(i32::MAX)))
}

const SEEN: &str = "SELECT head.position AS position, anew.user_version AS made_anew FROM head, pragma_user_version AS anew WHERE head.id = 1";

impl Documents {
    /// Nothing kept, and nothing certain until [`Documents::look`] has looked; what it saw then counts for the lease.
    pub fn new(lease: Duration) -> Self {
        Self {
            parts: Default::default(),
            generation: AtomicU64::new(0),
            position: AtomicI64::new(-1),
            made_anew: AtomicI64::new(-1),
            certain_until: AtomicU64::new(0),
            start: Instant::now(),
            lease,
        }
    }

    /// The row, if it is kept and certain.
    pub fn recall(&self, table: &'static str, id: Uuid) -> Option<Arc<DocRow>> {
        // Before the row is taken: whoever moves it on has forgotten first what no longer counts.
        let certain_until = self.certain_until.load(Ordering::SeqCst);
        let row = self.read(id).rows.get(&(table, id)).cloned()?;
        (self.micros(Instant::now()) < certain_until).then_some(row)
    }

    /// To be called before a row is read that is to be kept.
    pub fn reading(&self) -> Reading {
        Reading(self.generation.load(Ordering::SeqCst))
    }

    /// Keeps a row, unless something was written since it began to be read.
    pub fn keep(&self, reading: Reading, table: &'static str, id: Uuid, row: &DocRow) {
        let bytes = row.doc.len() + ROW_BYTES;
        if reading.0 % 2 == 1 || bytes > BYTES_MAX / PARTS {
            return;
        }
        let mut part = self.write(id);
        // Whoever writes raises it first and forgets then, so what is kept here before is forgotten there.
        if self.generation.load(Ordering::SeqCst) != reading.0 {
            return;
        }
        if part.bytes + bytes > BYTES_MAX / PARTS {
            *part = Part::default();
        }
        part.forget(table, id);
        part.bytes += bytes;
        part.rows.insert((table, id), Arc::new(row.clone()));
    }

    /// Forgets rows that are about to be written over.
    pub(super) fn writing(&self, states: &[StateRow]) -> Writing<'_> {
        self.generation.fetch_add(1, Ordering::SeqCst);
        let writing = Writing(self);
        for state in states.iter().filter(|state| !state.is_new) {
            self.write(state.id).forget(state.table.name, state.id);
        }
        writing
    }

    /// This process holds the lock of the log, which ends here: where it ends elsewhere than this process left it, another has written.
    pub(super) fn begins_at(&self, position: i64) {
        if self.position.load(Ordering::SeqCst) != position {
            self.forget();
            self.position.store(position, Ordering::SeqCst);
        }
    }

    /// This process has recorded up to a position.
    pub(super) fn recorded(&self, position: i64) {
        self.position.store(position, Ordering::SeqCst);
    }

    /// Looks whether another program has written, and forgets everything if so.
    ///
    /// # Errors
    /// When the database cannot be read; what is kept then ceases to count by itself.
    pub fn look(&self, connection: &mut AnyConnection) -> Result<(), ReadError> {
        let (began, reading) = (Instant::now(), self.reading());
        let seen: Seen = diesel::sql_query(SEEN).get_result(connection)?;
        let made_anew = self.made_anew.swap(seen.made_anew, Ordering::SeqCst) != seen.made_anew;
        // While this process itself writes, it sees the others when it takes the lock.
        let alone = reading.0 % 2 == 0 && self.generation.load(Ordering::SeqCst) == reading.0;
        if made_anew || (alone && self.position.load(Ordering::SeqCst) != seen.position) {
            self.forget();
            self.position.store(seen.position, Ordering::SeqCst);
        }
        self.certain_until.store(self.micros(began + self.lease), Ordering::SeqCst);
        Ok(())
    }

    fn forget(&self) {
        // What was read before is not kept after.
        self.generation.fetch_add(2, Ordering::SeqCst);
        for part in &self.parts {
            *part.write().unwrap_or_else(PoisonError::into_inner) = Part::default();
        }
    }

    fn micros(&self, instant: Instant) -> u64 {
        u64::try_from(instant.saturating_duration_since(self.start).as_micros()).unwrap_or(u64::MAX)
    }

    fn part(&self, id: Uuid) -> &RwLock<Part> {
        &self.parts[usize::from(id.as_bytes()[15]) % PARTS]
    }

    fn read(&self, id: Uuid) -> RwLockReadGuard<'_, Part> {
        self.part(id).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, id: Uuid) -> RwLockWriteGuard<'_, Part> {
        self.part(id).write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    fn forget(&mut self, table: &'static str, id: Uuid) {
        if let Some(row) = self.rows.remove(&(table, id)) {
            self.bytes -= row.doc.len() + ROW_BYTES;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Store, Table};
    use crate::storage::{Database, SqliteStore, migrate};
    use std::sync::atomic::AtomicBool;

    const TABLE: Table = Table { name: "texts", columns: &[] };
    const LEASE: Duration = Duration::from_mins(1);

    /// A log's database with one more table, and what is kept of it.
    struct Place {
        database: Database,
        documents: Arc<Documents>,
        _folder: tempfile::TempDir,
    }

    impl Place {
        fn new(lease: Duration) -> Self {
            let folder = tempfile::TempDir::new().unwrap();
            let database = Database::Sqlite(folder.path().join("x.db"));
            let mut connection = database.open_writer().unwrap();
            migrate(&mut connection).unwrap();
            let table = "CREATE TABLE texts (id TEXT PRIMARY KEY, version BIGINT NOT NULL, position BIGINT NOT NULL, doc TEXT NOT NULL)";
            connection.batch_execute(table).unwrap();
            Self { database, documents: Arc::new(Documents::new(lease)), _folder: folder }
        }

        fn look(&self) {
            self.documents.look(&mut self.database.open_reader().unwrap()).unwrap();
        }

        /// Records one more position and a row as of it, as another program would.
        fn record_elsewhere(&self, id: Uuid) {
            let sql = format!(
                "BEGIN IMMEDIATE; UPDATE head SET position = position + 1; \
                 INSERT INTO texts SELECT '{id}', position, position, 'text' FROM head WHERE true \
                 ON CONFLICT (id) DO UPDATE SET version = excluded.version, position = excluded.position; COMMIT"
            );
            self.database.open_writer().unwrap().batch_execute(&sql).unwrap();
        }
    }

    fn row(id: Uuid, version: i64) -> StateRow {
        StateRow {
            table: TABLE,
            id,
            version,
            position: version,
            is_new: version == 1,
            columns: Vec::new(),
            doc: "text".to_owned(),
        }
    }

    fn doc(id: Uuid, version: i64) -> DocRow {
        DocRow { id: id.to_string(), version, position: version, doc: "text".to_owned() }
    }

    fn keep(documents: &Documents, id: Uuid, version: i64) {
        documents.keep(documents.reading(), TABLE.name, id, &doc(id, version));
    }

    fn kept(documents: &Documents, id: Uuid) -> Option<i64> {
        documents.recall(TABLE.name, id).map(|row| row.version)
    }

    #[test]
    fn what_is_kept_counts_while_nobody_else_is_known_to_write_and_no_longer() {
        let place = Place::new(Duration::from_millis(200));
        let id = Uuid::from_u128(1);
        keep(&place.documents, id, 1);
        assert_eq!(kept(&place.documents, id), None, "nobody has looked yet");
        place.look();
        keep(&place.documents, id, 1);
        assert_eq!(kept(&place.documents, id), Some(1));
        std::thread::sleep(Duration::from_millis(250));
        assert_eq!(kept(&place.documents, id), None, "nobody has looked for long");
        place.look();
        assert_eq!(kept(&place.documents, id), Some(1), "nobody has written meanwhile");
    }

    #[test]
    fn rows_about_to_be_written_over_are_forgotten_and_nothing_read_before_or_meanwhile_is_kept() {
        let (place, id, other) = (Place::new(LEASE), Uuid::from_u128(1), Uuid::from_u128(2));
        place.look();
        let documents = &place.documents;
        keep(documents, id, 1);
        keep(documents, other, 1);
        let before = documents.reading();
        let writing = documents.writing(&[row(id, 2)]);
        assert_eq!((kept(documents, id), kept(documents, other)), (None, Some(1)));
        keep(documents, id, 1);
        assert_eq!(kept(documents, id), None, "it is being written over");
        drop(writing);
        documents.keep(before, TABLE.name, id, &doc(id, 1));
        assert_eq!(kept(documents, id), None, "it was read before");
        keep(documents, id, 2);
        assert_eq!(kept(documents, id), Some(2));
    }

    #[test]
    fn what_another_program_writes_is_seen_by_whoever_looks_and_by_whoever_writes() {
        let (place, id) = (Place::new(LEASE), Uuid::from_u128(1));
        let documents = &place.documents;
        place.look();
        place.record_elsewhere(id);
        keep(documents, id, 0);
        place.look();
        assert_eq!(kept(documents, id), None);
        // By whoever takes the lock next.
        keep(documents, id, 1);
        place.record_elsewhere(id);
        let AnyConnection::Sqlite(writer) = place.database.open_writer().unwrap() else { panic!("not SQLite") };
        let mut store = SqliteStore::new(writer, Some(documents.clone()));
        // Its hashes were not written elsewhere, so it goes no further than that.
        assert!(store.begin().is_err());
        assert_eq!(kept(documents, id), None);
        store.rollback();
        keep(documents, id, 2);
        place.look();
        assert_eq!(kept(documents, id), Some(2));
        // Rows made anew by a program that records nothing.
        let AnyConnection::Sqlite(mut other) = place.database.open_writer().unwrap() else { panic!("not SQLite") };
        tell_made_anew(&mut other).unwrap();
        place.look();
        assert_eq!(kept(documents, id), None);
    }

    #[test]
    fn memory_is_bounded() {
        let place = Place::new(LEASE);
        place.look();
        let large = "x".repeat(50_000);
        for number in 0..2000_u128 {
            let id = Uuid::from_u128(number);
            let row = DocRow { doc: large.clone(), ..doc(id, 1) };
            place.documents.keep(place.documents.reading(), TABLE.name, id, &row);
            assert_eq!(kept(&place.documents, id), Some(1));
        }
        let parts = || place.documents.parts.iter().map(|part| part.read().unwrap());
        let held: usize =
            parts().flat_map(|part| part.rows.values().map(|row| row.doc.len()).collect::<Vec<_>>()).sum();
        assert!(held <= BYTES_MAX && held > BYTES_MAX / 8, "{held}");
        parts().for_each(|part| assert_eq!(part.bytes, part.rows.len() * (50_000 + ROW_BYTES)));
        keep_one_too_large(&place.documents);
    }

    fn keep_one_too_large(documents: &Documents) {
        let id = Uuid::from_u128(9999);
        let row = DocRow { doc: "x".repeat(BYTES_MAX / PARTS), ..doc(id, 1) };
        documents.keep(documents.reading(), TABLE.name, id, &row);
        assert_eq!(kept(documents, id), None);
    }

    #[test]
    fn nobody_is_shown_less_than_what_was_acknowledged_or_than_what_they_saw_before() {
        let (place, id) = (Place::new(LEASE), Uuid::from_u128(1));
        place.record_elsewhere(id);
        place.look();
        let (documents, acknowledged, done) = (&place.documents, AtomicI64::new(1), AtomicBool::new(false));
        let recalled = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut reader = place.database.open_reader().unwrap();
                    let mut last = 0;
                    while !done.load(Ordering::SeqCst) {
                        let least = acknowledged.load(Ordering::SeqCst);
                        let version = kept(documents, id)
                            .inspect(|_| _ = recalled.fetch_add(1, Ordering::Relaxed))
                            .unwrap_or_else(|| {
                                let reading = documents.reading();
                                let texts = "SELECT version AS position, 0 AS made_anew FROM texts";
                                let Seen { position, .. } = diesel::sql_query(texts).get_result(&mut reader).unwrap();
                                documents.keep(reading, TABLE.name, id, &doc(id, position));
                                position
                            });
                        assert!(version >= least && version >= last, "{version} after {least} and {last}");
                        last = version;
                    }
                });
            }
            let AnyConnection::Sqlite(mut writer) = place.database.open_writer().unwrap() else { panic!("not SQLite") };
            writer.batch_execute("PRAGMA synchronous = OFF").unwrap();
            for version in 2..=3000 {
                let writing = documents.writing(&[row(id, version)]);
                writer.batch_execute(&format!("UPDATE texts SET version = {version}")).unwrap();
                drop(writing);
                acknowledged.store(version, Ordering::SeqCst);
                if version % 50 == 0 {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            done.store(true, Ordering::SeqCst);
        });
        assert!(recalled.load(Ordering::Relaxed) > 0);
    }
}
