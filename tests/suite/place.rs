//! Where a story keeps its data. The suite is compiled twice; the name of the test program says on which database it runs.

use lumbung::app::Place;
use lumbung::storage::{Database, LogIdentity, migrate};
use tempfile::TempDir;

use super::cluster;

/// Whether this is the run on PostgreSQL.
pub fn on_postgres() -> bool {
    env!("CARGO_CRATE_NAME") == "postgres"
}

/// A database of its own, without the schema.
pub fn bare_database(folder: &TempDir) -> Database {
    if on_postgres() { cluster::new_database(false) } else { Database::Sqlite(folder.path().join("lumbung.db")) }
}

/// A database of its own, with the schema.
pub fn migrated_database(folder: &TempDir) -> Database {
    if on_postgres() {
        return cluster::new_database(true);
    }
    let database = bare_database(folder);
    migrate(&mut database.open_writer().unwrap()).unwrap();
    database
}

/// A database of its own with the schema, and a place for its master key.
pub fn place_in(folder: &TempDir) -> Place {
    Place {
        database: migrated_database(folder),
        master_key_file: folder.path().join("lumbung.key"),
        master_key: None,
        witness_file: folder.path().join("lumbung.head"),
        accept_older: false,
        log: log_in(folder.path()),
        environment: lumbung::kernel::Environment::Live,
    }
}

/// What the logs of stories are called and signed with.
pub fn log_in(folder: &std::path::Path) -> LogIdentity {
    let key_file = folder.join("lumbung.log-key");
    LogIdentity { origin: "example.test/log".to_owned(), key_file, accept_new_key: false }
}

/// All bytes a database is stored in: its files beside the key, or a dump.
pub fn everything_stored(database: &Database, folder: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    if let Database::Postgres(url) = database {
        let dump = std::process::Command::new(cluster::shared().program("pg_dump"))
            .args(["--format=plain", "--dbname", url.for_libpq().as_str()])
            .output()
            .unwrap();
        assert!(dump.status.success() && dump.stdout.len() > 10_000, "{}", String::from_utf8_lossy(&dump.stderr));
        return vec![("the dump".to_owned(), dump.stdout)];
    }
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    // The write-ahead log goes when the last reader closes, perhaps just now.
    let read =
        files.filter_map(|path| Some((path.file_name()?.to_string_lossy().into_owned(), std::fs::read(&path).ok()?)));
    let found: Vec<_> = read.collect();
    assert!(found.iter().any(|(name, _)| name == "lumbung.db"));
    found
}
