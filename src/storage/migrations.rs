//! Embedded migrations. A database newer than this binary is refused.

use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::POSTGRES_PATIENCE;
use super::{AnyConnection, OpenError};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
/// Key of the lock under which one instance migrates while others wait.
const LOCK: i64 = 0x6c75_6d62;

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
        run_on -> Timestamp,
    }
}

fn failed(why: impl std::fmt::Display) -> OpenError {
    OpenError(format!("the database schema cannot be brought up to date: {why}"))
}

/// Brings the schema up to date; tells how many steps were taken. Of several instances that start together one does it, the others wait.
///
/// # Errors
/// When a step fails, or the database has steps this binary does not know.
pub fn migrate(connection: &mut AnyConnection) -> Result<usize, OpenError> {
    // Nothing to do is the usual case, and one that a role without the right to change the schema must come through.
    if pending(connection)? == 0 {
        return Ok(0);
    }
    match connection {
        AnyConnection::Sqlite(sqlite) => {
            sqlite.immediate_transaction(|sqlite| run(sqlite, SQLITE)).map_err(|why: Failed| why.0)
        }
        AnyConnection::Postgres(postgres) => {
            // A step over many rows, and waiting for the instance that takes it, last as long as they last.
            let unhurried = "SET lock_timeout = 0; SET statement_timeout = 0";
            postgres.batch_execute(&format!("{unhurried}; SELECT pg_advisory_lock({LOCK})")).map_err(failed)?;
            let steps = run(postgres, POSTGRES);
            let done = format!("SELECT pg_advisory_unlock({LOCK}); {POSTGRES_PATIENCE}");
            postgres.batch_execute(&done).map_err(failed)?;
            steps.map_err(|why| why.0)
        }
    }
}

/// Lets our error pass through diesel's transaction.
struct Failed(OpenError);

impl From<diesel::result::Error> for Failed {
    fn from(why: diesel::result::Error) -> Self {
        Self(failed(why))
    }
}

fn run<B: Backend, C: MigrationHarness<B>>(connection: &mut C, steps: EmbeddedMigrations) -> Result<usize, Failed>
where
    EmbeddedMigrations: MigrationSource<B>,
{
    connection.run_pending_migrations(steps).map(|steps| steps.len()).map_err(|why| Failed(failed(why)))
}

/// How many steps are still to be taken.
///
/// # Errors
/// When the database cannot be read, or has steps this binary does not know.
pub fn pending(connection: &mut AnyConnection) -> Result<usize, OpenError> {
    let known = match connection {
        AnyConnection::Sqlite(_) => versions::<diesel::sqlite::Sqlite>(&SQLITE)?,
        AnyConnection::Postgres(_) => versions::<diesel::pg::Pg>(&POSTGRES)?,
    };
    let applied = if has_steps(connection).map_err(failed)? {
        let steps = __diesel_schema_migrations::table.select(__diesel_schema_migrations::version);
        steps.load::<String>(connection).map_err(failed)?
    } else {
        Vec::new()
    };
    if let Some(newer) = applied.iter().find(|version| !known.contains(version)) {
        return Err(OpenError(format!(
            "the database has schema step {newer}, which this program does not know; run the newer lumbung that made it"
        )));
    }
    Ok(known.len() - applied.len())
}

fn versions<B: Backend>(steps: &EmbeddedMigrations) -> Result<Vec<String>, OpenError>
where
    EmbeddedMigrations: MigrationSource<B>,
{
    let steps: Vec<Box<dyn Migration<B>>> = steps.migrations().map_err(failed)?;
    Ok(steps.iter().map(|step| step.name().version().to_string()).collect())
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

fn has_steps(connection: &mut AnyConnection) -> QueryResult<bool> {
    let tables = match connection {
        AnyConnection::Sqlite(_) => {
            "SELECT count(*) AS count FROM sqlite_master WHERE name = '__diesel_schema_migrations'"
        }
        AnyConnection::Postgres(_) => "SELECT count(to_regclass('__diesel_schema_migrations')) AS count",
    };
    Ok(diesel::sql_query(tables).get_result::<Found>(connection)?.count > 0)
}

/// Takes every step back; only tests do this.
///
/// # Errors
/// When a step fails.
pub fn revert_all(connection: &mut AnyConnection) -> Result<usize, OpenError> {
    let reverted = match connection {
        AnyConnection::Sqlite(sqlite) => sqlite.revert_all_migrations(SQLITE).map(|steps| steps.len()),
        AnyConnection::Postgres(postgres) => postgres.revert_all_migrations(POSTGRES).map(|steps| steps.len()),
    };
    reverted.map_err(failed)
}
