//! Embedded migrations. A database newer than this binary is refused.

use diesel::SqliteConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::OpenError;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

fn failed(why: impl std::fmt::Display) -> OpenError {
    OpenError(format!("the database schema cannot be brought up to date: {why}"))
}

/// Brings the schema up to date; tells how many steps were taken.
///
/// # Errors
/// When a step fails, or the database has steps this binary does not know.
pub fn migrate(connection: &mut SqliteConnection) -> Result<usize, OpenError> {
    let known: Vec<Box<dyn Migration<Sqlite>>> = SQLITE.migrations().map_err(failed)?;
    let known: Vec<String> = known.iter().map(|migration| migration.name().version().to_string()).collect();
    let applied = connection.applied_migrations().map_err(failed)?;
    if let Some(newer) = applied.iter().map(ToString::to_string).find(|version| !known.contains(version)) {
        return Err(OpenError(format!(
            "the database has schema step {newer}, which this program does not know; run the newer lumbung that made it"
        )));
    }
    connection.run_pending_migrations(SQLITE).map(|steps| steps.len()).map_err(failed)
}

/// How many steps are still to be taken.
///
/// # Errors
/// When the database cannot be read.
pub fn pending(connection: &mut SqliteConnection) -> Result<usize, OpenError> {
    connection.pending_migrations(SQLITE).map(|steps| steps.len()).map_err(failed)
}

/// Takes every step back; only tests do this.
///
/// # Errors
/// When a step fails.
pub fn revert_all(connection: &mut SqliteConnection) -> Result<usize, OpenError> {
    connection.revert_all_migrations(SQLITE).map(|steps| steps.len()).map_err(failed)
}
