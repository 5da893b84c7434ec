//! Where the data is, and connections to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::r2d2::{self, ManageConnection, Pool, PooledConnection};
use diesel::{Connection as _, MultiConnection, PgConnection, SqliteConnection};

/// A connection to either database; queries on it are written once.
#[derive(MultiConnection)]
pub enum AnyConnection {
    /// `PostgreSQL`.
    Postgres(PgConnection),
    /// `SQLite`, compiled in.
    Sqlite(SqliteConnection),
}

/// The database a URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// `sqlite:PATH`.
    Sqlite(PathBuf),
}

/// Why a database could not be opened; the text is for the operator.
#[derive(Debug, PartialEq, Eq)]
pub struct OpenError(pub String);

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for OpenError {}

/// How long a writer waits for another process's transaction, in milliseconds.
const BUSY_TIMEOUT_MS: u32 = 5_000;
/// How long a request waits for a free reader, in seconds.
const READER_WAIT_SECONDS: u64 = 5;

impl Database {
    /// Reads a database URL. An unknown scheme is an error, so that a mistyped URL never creates a file.
    ///
    /// # Errors
    /// A sentence that tells what a URL looks like.
    pub fn parse(url: &str) -> Result<Self, OpenError> {
        match url.split_once(':') {
            Some(("sqlite", path)) if !path.trim_start_matches('/').is_empty() => {
                // `sqlite:///srv/x.db` and `sqlite:/srv/x.db` are both in use for an absolute path.
                let path = path.strip_prefix("//").unwrap_or(path);
                Ok(Self::Sqlite(PathBuf::from(path)))
            }
            _ => Err(OpenError(format!(
                "the database URL `{}` is not understood; write sqlite:PATH, such as sqlite:lumbung.db",
                without_password(url)
            ))),
        }
    }

    /// Opens the writer's connection, creating the database file if there is none.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub fn open_writer(&self) -> Result<SqliteConnection, OpenError> {
        let mut connection = self.open()?;
        // FULL: a commit returns after the write-ahead log is on disk. secure_delete: an erased key's bytes are
        // overwritten; the checkpoint empties what an earlier run left in the write-ahead log.
        self.prepare(&mut connection, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA wal_checkpoint(TRUNCATE);")?;
        Ok(connection)
    }

    /// Opens a reader's connection: it cannot write.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub fn open_reader(&self) -> Result<AnyConnection, OpenError> {
        let mut connection = self.open()?;
        self.prepare(&mut connection, "PRAGMA query_only=ON; PRAGMA cache_size=-8000;")?;
        Ok(AnyConnection::Sqlite(connection))
    }

    fn open(&self) -> Result<SqliteConnection, OpenError> {
        let Self::Sqlite(path) = self;
        let mut connection = SqliteConnection::establish(&path.to_string_lossy())
            .map_err(|why| self.error(&format!("it cannot be opened ({why}); check the path and its permissions")))?;
        let wait = format!("PRAGMA busy_timeout={BUSY_TIMEOUT_MS}; PRAGMA foreign_keys=ON;");
        self.prepare(&mut connection, &wait)?;
        Ok(connection)
    }

    fn prepare(&self, connection: &mut SqliteConnection, statements: &str) -> Result<(), OpenError> {
        connection
            .batch_execute(statements)
            .map_err(|why| self.error(&format!("it cannot be used ({why}); is it a database, and may we write to it?")))
    }

    fn error(&self, why: &str) -> OpenError {
        let Self::Sqlite(path) = self;
        OpenError(format!("the database {}: {why}", path.display()))
    }
}

fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}://…{}", &url[..scheme], &url[at..]),
        _ => url.to_owned(),
    }
}

impl ManageConnection for Database {
    type Connection = AnyConnection;
    type Error = r2d2::Error;

    fn connect(&self) -> Result<AnyConnection, r2d2::Error> {
        self.open_reader().map_err(|why| r2d2::Error::ConnectionError(diesel::ConnectionError::BadConnection(why.0)))
    }

    // A check on every checkout would be one more query per request; a broken connection shows itself in use.
    fn is_valid(&self, _: &mut AnyConnection) -> Result<(), r2d2::Error> {
        Ok(())
    }

    fn has_broken(&self, _: &mut AnyConnection) -> bool {
        std::thread::panicking()
    }
}

/// A pool of readers.
pub type ReaderPool = Pool<Database>;

/// Handles to the pool, shared by all workers.
#[derive(Clone)]
pub struct Readers(Arc<ReaderPool>);

impl Readers {
    /// Opens a pool of up to `size` readers.
    ///
    /// # Errors
    /// When the first cannot be opened.
    pub fn open(database: &Database, size: u32) -> Result<Self, OpenError> {
        let pool = Pool::builder()
            .max_size(size.max(1))
            .min_idle(Some(1))
            .test_on_check_out(false)
            .connection_timeout(Duration::from_secs(READER_WAIT_SECONDS))
            .build(database.clone())
            .map_err(|why| database.error(&why.to_string()))?;
        Ok(Self(Arc::new(pool)))
    }

    /// A reader, waiting up to five seconds for one.
    ///
    /// # Errors
    /// When none becomes free.
    pub fn get(&self) -> Result<PooledConnection<Database>, OpenError> {
        self.0.get().map_err(|why| OpenError(why.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_known_scheme_is_refused_and_shows_no_password() {
        for url in ["lumbung.db", "sqlite:", "sqlite://", "sqlit:x.db", "mysql://root:geheim@host/db", ""] {
            let error = Database::parse(url).unwrap_err();
            assert!(!error.0.contains("geheim"), "{error}");
        }
    }

    #[test]
    fn a_path_may_be_relative_or_absolute() {
        assert_eq!(Database::parse("sqlite:lumbung.db"), Ok(Database::Sqlite("lumbung.db".into())));
        assert_eq!(Database::parse("sqlite:///srv/lumbung.db"), Ok(Database::Sqlite("/srv/lumbung.db".into())));
        assert_eq!(Database::parse("sqlite:/srv/lumbung.db"), Ok(Database::Sqlite("/srv/lumbung.db".into())));
    }
}
