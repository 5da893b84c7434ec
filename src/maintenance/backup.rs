//! Copies a database.

use std::path::Path;

use crate::app::Place;
use crate::storage::{Database, OpenError, copy_into};

/// Copies an embedded database, as of one moment and while it is in use, into a new file.
///
/// # Errors
/// When the file exists or cannot be written; for `PostgreSQL`, the command that does it.
pub fn backup(place: &Place, file: &Path) -> Result<String, OpenError> {
    if let Database::Postgres(url) = &place.database {
        return Err(OpenError(format!(
            "PostgreSQL has its own tool: pg_dump --format=custom --file={} --dbname='{url}' (with the password in PGPASSWORD or a \
             password file), and pg_restore to put it back",
            file.display()
        )));
    }
    if file.exists() {
        return Err(OpenError(format!("{} exists already; name a new file", file.display())));
    }
    let sync = || {
        std::fs::File::open(file)
            .and_then(|file| file.sync_all())
            .map_err(|why| OpenError(format!("{}: {why}", file.display())))
    };
    let position =
        copy_into(&place.database, file).and_then(|position| sync().map(|()| position)).inspect_err(|_| {
            // Half a copy is none; that there may be nothing to remove is as well.
            let _ = std::fs::remove_file(file);
        })?;
    Ok(format!(
        "backed up to {} up to position {position}; keep it together with a copy of the master key, which it does not hold",
        file.display()
    ))
}
