//! The write-ahead log of `SQLite`. Left to itself, `SQLite` moves it into the database after a commit and keeps quiet when that fails; but
//! the system tells once only that it could not keep something, and then the log is written over. So whoever writes moves it, and hears of it.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::connection::BUSY_TIMEOUT_MS;

/// Pages in the log after which it is moved: 16 MB, so that a page written often is moved once.
const FRAMES_MAX: i32 = 4000;
/// How long emptying waits for readers; whoever writes waits with it.
const EMPTYING_MS: u32 = 100;
/// How long after a reader was in the way emptying is tried again.
pub(super) const EMPTYING_EVERY: Duration = Duration::from_secs(2);

/// What a checkpoint tells.
#[derive(QueryableByName)]
struct Checkpoint {
    #[diesel(sql_type = Integer)]
    busy: i32,
    #[diesel(sql_type = Integer)]
    log: i32,
}

fn checkpoint(connection: &mut SqliteConnection, how: &str) -> QueryResult<Checkpoint> {
    diesel::sql_query(format!("PRAGMA wal_checkpoint({how})")).get_result(connection)
}

/// Moves the log into the database when it has become long, as far as readers let it. To be called after a commit.
pub(super) fn shorten(connection: &mut SqliteConnection) -> QueryResult<()> {
    if checkpoint(connection, "NOOP")?.log >= FRAMES_MAX {
        checkpoint(connection, "PASSIVE")?;
    }
    Ok(())
}

/// Moves the log into the database and empties it, so that nothing erased lives on in it; tells whether readers let it.
pub(super) fn empty(connection: &mut SqliteConnection) -> QueryResult<bool> {
    connection.batch_execute(&format!("PRAGMA busy_timeout={EMPTYING_MS}"))?;
    let emptied = checkpoint(connection, "TRUNCATE");
    connection.batch_execute(&format!("PRAGMA busy_timeout={BUSY_TIMEOUT_MS}"))?;
    Ok(emptied?.busy == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{AnyConnection, Database};

    #[test]
    fn the_log_is_moved_when_it_has_become_long_and_not_before() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("x.db");
        let AnyConnection::Sqlite(mut connection) = Database::Sqlite(file.clone()).open_writer().unwrap() else {
            panic!("not SQLite")
        };
        connection.batch_execute("CREATE TABLE texts (text TEXT)").unwrap();
        let thousand = "INSERT INTO texts WITH RECURSIVE number (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM number LIMIT 1000) \
            SELECT hex(randomblob(1500)) FROM number";
        let mut write = || {
            connection.batch_execute(thousand).unwrap();
            shorten(&mut connection).unwrap();
        };
        let bytes = |ending: &str| std::fs::metadata(folder.path().join(format!("x.db{ending}"))).unwrap().len();
        write();
        assert!(bytes("") < 1_000_000);
        (0..4).for_each(|_| write());
        assert!(bytes("") > 12_000_000);
        let log = bytes("-wal");
        (0..20).for_each(|_| write());
        assert!(bytes("-wal") < 2 * log);
    }
}
