//! The readers: pooled connections, renewed when they grow old or break.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::r2d2::{self, ManageConnection, Pool, PooledConnection};

use super::kept::AGE_MAX;
use super::{AnyConnection, Database, OpenError};

/// How long a request waits for a free reader.
const WAIT: Duration = Duration::from_secs(5);
/// A reader that nobody used for so long may have broken meanwhile, as when the server was restarted, and is asked for a sign of life.
const IDLE: Duration = Duration::from_millis(100);

/// Opens readers for the pool.
#[derive(Debug)]
struct Manager {
    database: Database,
    /// Raised whenever a reader is found broken: those opened before are not lent again, because what broke one, such as a restart of
    /// the server, broke them all.
    generation: Arc<AtomicU64>,
}

/// A connection in the pool.
struct Reader {
    connection: AnyConnection,
    generation: u64,
    used: Instant,
}

impl Reader {
    fn answers(&mut self) -> bool {
        self.connection.batch_execute("SELECT 1").is_ok()
    }
}

impl Manager {
    fn is_outdated(&self, reader: &Reader) -> bool {
        reader.generation != self.generation.load(Ordering::Acquire)
    }
}

impl ManageConnection for Manager {
    type Connection = Reader;
    type Error = r2d2::Error;

    fn connect(&self) -> Result<Reader, r2d2::Error> {
        let generation = self.generation.load(Ordering::Acquire);
        let connection = self
            .database
            .open_reader()
            .map_err(|why| r2d2::Error::ConnectionError(diesel::ConnectionError::BadConnection(why.0)))?;
        Ok(Reader { connection, generation, used: Instant::now() })
    }

    // While it is busy it asks memory only: a query on every checkout would double what a read costs.
    fn is_valid(&self, reader: &mut Reader) -> Result<(), r2d2::Error> {
        if !self.is_outdated(reader) && (reader.used.elapsed() < IDLE || reader.answers()) {
            return Ok(());
        }
        Err(r2d2::Error::ConnectionError(diesel::ConnectionError::BadConnection("outdated".to_owned())))
    }

    fn has_broken(&self, reader: &mut Reader) -> bool {
        reader.used = Instant::now();
        std::thread::panicking() || self.is_outdated(reader)
    }
}

/// A reader on loan.
pub struct Lent {
    reader: PooledConnection<Manager>,
}

impl Lent {
    /// Asks the database for a sign of life; for after something failed.
    pub fn answers(&mut self) -> bool {
        self.reader.answers()
    }
}

impl std::ops::Deref for Lent {
    type Target = AnyConnection;
    fn deref(&self) -> &AnyConnection {
        &self.reader.connection
    }
}
impl std::ops::DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.reader.connection
    }
}

thread_local! {
    /// This thread's own reader, and whose it is.
    static OWN: RefCell<Option<(Arc<AtomicU64>, AnyConnection)>> = const { RefCell::new(None) };
}

/// Handles to the pool, shared by all workers.
#[derive(Clone)]
pub struct Readers {
    pool: Pool<Manager>,
    generation: Arc<AtomicU64>,
    database: Database,
}

impl Readers {
    /// Opens a pool of up to `size` readers.
    ///
    /// # Errors
    /// When the first cannot be opened.
    pub fn open(database: &Database, size: u32) -> Result<Self, OpenError> {
        // The pool would try for long before it said why not.
        drop(database.open_reader()?);
        let generation = Arc::new(AtomicU64::new(0));
        let manager = Manager { database: database.clone(), generation: generation.clone() };
        let pool = Pool::builder()
            .max_size(size.max(1))
            .min_idle(Some(1))
            .test_on_check_out(true)
            .max_lifetime(Some(AGE_MAX))
            .connection_timeout(WAIT)
            .error_handler(Box::new(LogOnce))
            .build(manager)
            .map_err(|why| database.error(&why.to_string()))?;
        Ok(Self { pool, generation, database: database.clone() })
    }

    /// A reader, waiting up to five seconds for one.
    ///
    /// # Errors
    /// When none becomes free.
    pub fn get(&self) -> Result<Lent, OpenError> {
        self.pool.get().map(|reader| Lent { reader }).map_err(OpenError::of)
    }

    /// Whether the database runs in this process, and so has no other instances.
    pub fn is_embedded(&self) -> bool {
        self.database.is_embedded()
    }

    /// A folder for files beside the data: that of an embedded database, else the system's temporary one.
    pub fn folder(&self) -> PathBuf {
        match &self.database {
            Database::Sqlite(path) => match path.parent() {
                Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
                Some(folder) => folder.to_owned(),
                None => std::env::temp_dir(),
            },
            Database::Postgres(_) => std::env::temp_dir(),
        }
    }

    /// Runs a read on this thread's own reader of an embedded database, which is shared with nobody and so costs no lock. `retain` tells
    /// whether the reader is still good afterwards.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn with_own<T>(
        &self,
        read: impl FnOnce(&mut AnyConnection) -> T,
        retain: impl FnOnce(&T) -> bool,
    ) -> Result<T, OpenError> {
        OWN.with_borrow_mut(|own| {
            let mut connection = match own.take() {
                Some((generation, connection)) if Arc::ptr_eq(&generation, &self.generation) => connection,
                _ => self.database.open_reader()?,
            };
            let result = read(&mut connection);
            if retain(&result) {
                *own = Some((self.generation.clone(), connection));
            }
            Ok(result)
        })
    }

    /// To be told when a read failed because its connection broke: no reader opened before is lent again.
    pub fn broke(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

/// Opening a reader failed and is tried again; whoever waits for one is told in time.
#[derive(Debug)]
struct LogOnce;

impl diesel::r2d2::HandleError<r2d2::Error> for LogOnce {
    fn handle_error(&self, error: r2d2::Error) {
        if !error.to_string().contains("outdated") {
            log::warn!("a reader could not be opened error={error}");
        }
    }
}
