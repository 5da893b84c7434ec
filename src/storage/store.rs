//! The writer's store of a database.

use super::{AnyConnection, Database, OpenError, PostgresStore, SqliteStore};
use crate::ledger::Store;

/// Opens the store that the executor writes through.
///
/// # Errors
/// When the database cannot be opened.
pub fn open_store(database: &Database) -> Result<Box<dyn Store>, OpenError> {
    match database {
        Database::Postgres(_) => Ok(Box::new(PostgresStore::new(database.clone()))),
        Database::Sqlite(_) => match database.open_writer()? {
            AnyConnection::Sqlite(connection) => Ok(Box::new(SqliteStore::new(connection))),
            AnyConnection::Postgres(_) => Err(database.error("it is not SQLite")),
        },
    }
}
