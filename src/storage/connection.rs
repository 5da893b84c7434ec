//! Where the data is, and connections to it.

use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::result::DatabaseErrorKind;
use diesel::{Connection as _, MultiConnection, PgConnection, SqliteConnection};

use super::private::private_file;

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
    /// `postgres://…`.
    Postgres(PostgresUrl),
}

/// A `PostgreSQL` URL as libpq understands it, with everything libpq knows: several hosts, `target_session_attrs`, `sslmode`.
/// Its `Debug` and `Display` leave the password out.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl std::fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&without_password(&self.0))
    }
}
impl std::fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
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

impl OpenError {
    /// An error whose text is that of another.
    pub fn of(why: impl std::fmt::Display) -> Self {
        Self(why.to_string())
    }
}

/// What a connection is for: it decides what it may do and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Write,
    Read,
    /// Replaying and checking: as long as it takes.
    Maintain,
}

/// How long a writer on `SQLite` waits for another process's transaction, in milliseconds.
pub(super) const BUSY_TIMEOUT_MS: u32 = 5_000;
/// FULL: a commit returns after the write-ahead log is on disk. The cache, 64 MB, is for indexes that are written all over. The write-ahead
/// log is moved into the database by whoever writes, see the module `wal`.
const SQLITE_MAINTENANCE: &str =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=0;";
/// `secure_delete`: an erased key's bytes are overwritten.
const SQLITE_WRITER: &str = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536; \
    PRAGMA wal_autocheckpoint=0; PRAGMA secure_delete=ON;";
const SQLITE_READER: &str = "PRAGMA query_only=ON; PRAGMA cache_size=-8000;";

/// `on`: a commit returns after it is on disk, whatever the server's default. The locks and time-outs free the head should this machine
/// vanish with the transaction open. The writer looks rows up by key only: no plan made while a table was empty may ever scan it. Compiling
/// such short plans would take a hundred times as long as running them, hence no `jit`.
const POSTGRES_WRITER: &str = "SET synchronous_commit = on; SET jit = off; \
    SET idle_in_transaction_session_timeout = '10s'; SET plan_cache_mode = force_generic_plan; \
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;";
/// How long a statement of the writer may take.
pub(super) const POSTGRES_PATIENCE: &str = "SET statement_timeout = '30s'; SET lock_timeout = '10s';";
/// `repeatable read`: several statements of one request see one state of the database.
const POSTGRES_READER: &str = "SET default_transaction_isolation = 'repeatable read'; SET default_transaction_read_only = on; \
    SET jit = off; SET statement_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s';";
const POSTGRES_MAINTENANCE: &str = "SET default_transaction_isolation = 'repeatable read'; SET synchronous_commit = on; \
    SET statement_timeout = 0; SET work_mem = '64MB'; SET temp_buffers = '64MB';";
/// For whoever writes: documents of more than 2 kB are compressed, and where the server has LZ4, that costs a fraction of the time.
const POSTGRES_COMPRESSION: &str = "SELECT set_config('default_toast_compression', 'lz4', false) FROM pg_settings \
    WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals);";
/// Given to libpq unless the URL says otherwise: how the server names us, how long to wait for it, in seconds, and how soon a host that
/// vanished is given up: after ten seconds without a sign of what was sent to it, in milliseconds, or some 25 seconds of silence.
const POSTGRES_DEFAULTS: [(&str, &str); 6] = [
    ("fallback_application_name", "lumbung"),
    ("connect_timeout", "5"),
    ("tcp_user_timeout", "10000"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
];

/// Whether a statement failed because its connection is gone.
pub(super) fn closed(why: &diesel::result::Error) -> bool {
    matches!(why, diesel::result::Error::DatabaseError(DatabaseErrorKind::ClosedConnection, _))
}

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
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::Postgres(PostgresUrl(url.to_owned())))
            }
            _ => Err(OpenError(format!(
                "the database URL `{}` is not understood; write sqlite:PATH, such as sqlite:lumbung.db, or postgres://USER@HOST/NAME",
                without_password(url)
            ))),
        }
    }

    /// Opens the writer's connection; on `SQLite` it creates the file if there is none.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub fn open_writer(&self) -> Result<AnyConnection, OpenError> {
        self.open(Purpose::Write)
    }

    /// Opens a reader's connection: it cannot write.
    ///
    /// # Errors
    /// When the database cannot be opened; a missing file is not made.
    pub fn open_reader(&self) -> Result<AnyConnection, OpenError> {
        self.open(Purpose::Read)
    }

    /// Opens a connection for tasks that read the whole log.
    ///
    /// # Errors
    /// When the database cannot be opened; a missing file is not made.
    pub fn open_for_maintenance(&self) -> Result<AnyConnection, OpenError> {
        self.open(Purpose::Maintain)
    }

    /// Whether reading is a matter of microseconds in this very process, so that it is not worth changing threads for.
    pub const fn is_embedded(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    fn open(&self, purpose: Purpose) -> Result<AnyConnection, OpenError> {
        match self {
            Self::Sqlite(path) => {
                if !path.exists() {
                    if purpose != Purpose::Write {
                        return Err(self.error("there is no such file"));
                    }
                    // Whoever cannot make it is told below.
                    let _ = private_file(path);
                }
                let connection = SqliteConnection::establish(&path.to_string_lossy()).map_err(|why| {
                    self.error(&format!("it cannot be opened ({why}); check the path and its permissions"))
                })?;
                let mut connection = AnyConnection::Sqlite(connection);
                let wait = format!("PRAGMA busy_timeout={BUSY_TIMEOUT_MS}; PRAGMA foreign_keys=ON;");
                self.prepare(&mut connection, &wait)?;
                let settings = match purpose {
                    Purpose::Write => SQLITE_WRITER,
                    Purpose::Read => SQLITE_READER,
                    Purpose::Maintain => SQLITE_MAINTENANCE,
                };
                self.prepare(&mut connection, settings)?;
                Ok(connection)
            }
            Self::Postgres(url) => {
                let connection = PgConnection::establish(&url.for_libpq())
                    .map_err(|why| self.error(&format!("it cannot be reached ({})", one_line(&why.to_string()))))?;
                let mut connection = AnyConnection::Postgres(connection);
                let settings = match purpose {
                    Purpose::Write => POSTGRES_WRITER,
                    Purpose::Read => POSTGRES_READER,
                    Purpose::Maintain => POSTGRES_MAINTENANCE,
                };
                self.prepare(&mut connection, settings)?;
                if purpose == Purpose::Write {
                    self.prepare(&mut connection, POSTGRES_PATIENCE)?;
                }
                if purpose != Purpose::Read {
                    self.prepare(&mut connection, POSTGRES_COMPRESSION)?;
                }
                Ok(connection)
            }
        }
    }

    fn prepare(&self, connection: &mut AnyConnection, statements: &str) -> Result<(), OpenError> {
        connection
            .batch_execute(statements)
            .map_err(|why| self.error(&format!("it cannot be used ({why}); is it a database, and may we write to it?")))
    }

    pub(super) fn error(&self, why: &str) -> OpenError {
        match self {
            Self::Sqlite(path) => OpenError(format!("the database {}: {why}", path.display())),
            Self::Postgres(url) => OpenError(format!("the database {url}: {why}")),
        }
    }
}

impl PostgresUrl {
    /// The URL with its password and our defaults, where it does not name those settings itself; not for any log.
    pub fn for_libpq(&self) -> String {
        let mut url = self.0.clone();
        for (name, value) in POSTGRES_DEFAULTS {
            if !url.contains(&format!("{name}=")) {
                let joined = if url.contains('?') { '&' } else { '?' };
                url = format!("{url}{joined}{name}={value}");
            }
        }
        url
    }
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The URL without what may be a password: between the scheme and the last `@`, and in a `password` parameter.
fn without_password(url: &str) -> String {
    let url = match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}://…{}", &url[..scheme], &url[at..]),
        _ => url.to_owned(),
    };
    let Some(start) = url.find("password=").map(|at| at + "password=".len()) else {
        return url;
    };
    let end = url[start..].find('&').map_or(url.len(), |length| start + length);
    format!("{}…{}", &url[..start], &url[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_known_scheme_is_refused_and_shows_no_password() {
        for url in ["lumbung.db", "sqlite:", "sqlite://", "sqlit:x.db", "mysql://root:geheim@host/db", "postgres:x", ""]
        {
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

    #[test]
    fn a_postgres_url_goes_to_libpq_as_it_is_and_is_shown_without_its_password() {
        let text =
            "postgresql://lumbung:geheim@db1,db2:5433/lumbung?target_session_attrs=read-write&sslmode=verify-full";
        let database = Database::parse(text).unwrap();
        let Database::Postgres(url) = &database else { panic!("{database:?}") };
        let ours = "fallback_application_name=lumbung&connect_timeout=5&tcp_user_timeout=10000&keepalives_idle=10&keepalives_interval=5&keepalives_count=3";
        assert_eq!(url.for_libpq(), format!("{text}&{ours}"));
        let Ok(Database::Postgres(own)) = Database::parse("postgres://db/x?tcp_user_timeout=0") else {
            panic!("{text}")
        };
        assert_eq!(own.for_libpq().matches("tcp_user_timeout").count(), 1);
        assert!(!format!("{database:?} {}", database.error("x")).contains("geheim"));
        let by_parameter = Database::parse("postgres:///lumbung?host=/run/pg&password=geheim&port=1").unwrap();
        assert_eq!(format!("{by_parameter:?}"), "Postgres(postgres:///lumbung?host=/run/pg&password=…&port=1)");
    }
}
