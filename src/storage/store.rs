//! The writer's store of a database, and a copy of all it holds.

use std::path::Path;
use std::sync::Arc;

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;

use super::private::private_file;
use super::{AnyConnection, Database, Documents, OpenError, PostgresStore, SqliteStore, head_position};
use crate::ledger::Store;

/// Opens the store that the executor writes through, and what of an embedded database is kept in memory beside it.
///
/// # Errors
/// When the database cannot be opened.
pub fn open_store(database: &Database, kept: Option<Arc<Documents>>) -> Result<Box<dyn Store>, OpenError> {
    match database {
        Database::Postgres(_) => Ok(Box::new(PostgresStore::new(database.clone()))),
        Database::Sqlite(_) => match database.open_writer()? {
            AnyConnection::Sqlite(connection) => {
                let mut store = SqliteStore::new(connection, kept);
                store.tidy().map_err(OpenError::of)?;
                Ok(Box::new(store))
            }
            AnyConnection::Postgres(_) => Err(database.error("it is not SQLite")),
        },
    }
}

/// Copies an embedded database into a new file, as of one moment; tells the position up to which.
///
/// # Errors
/// When the copy cannot be written.
pub fn copy_into(database: &Database, file: &Path) -> Result<i64, OpenError> {
    let mut connection = database.open_for_maintenance()?;
    let failed = |why: diesel::result::Error| OpenError(format!("the copy cannot be made: {why}"));
    // An empty file is written into.
    private_file(file).map_err(|why| OpenError(format!("the copy cannot be made: {why}")))?;
    let copy = diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(file.to_string_lossy());
    copy.execute(&mut connection).map_err(failed)?;
    let copied = Database::Sqlite(file.to_owned());
    head_position(&mut copied.open_reader()?).map_err(OpenError::of)
}

/// Lets the database look at how its rows are distributed, after very many were written at once.
///
/// # Errors
/// When it cannot.
pub fn analyse(database: &Database) -> Result<(), OpenError> {
    database.open_for_maintenance()?.batch_execute("ANALYZE").map_err(OpenError::of)
}
