//! Migrations: up and down and up again, the tables the code names, and no database newer than the program.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use lumbung::ledger::ColumnType;
use lumbung::storage::{AnyConnection, Database, migrate, pending, revert_all};
use tempfile::TempDir;

use super::place::{bare_database, on_postgres};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

fn lines(connection: &mut AnyConnection, query: &str) -> Vec<String> {
    diesel::sql_query(query).load::<Line>(connection).unwrap().into_iter().map(|line| line.text).collect()
}

/// Everything the database itself knows of its schema.
fn dump(connection: &mut AnyConnection) -> Vec<String> {
    let sqlite = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS text FROM sqlite_master \
        WHERE name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_autoindex\\_\\_\\_diesel%' ESCAPE '\\' ORDER BY 1";
    let postgres = "SELECT text FROM ( \
        SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable AS text FROM information_schema.columns WHERE table_schema = 'public' \
        UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' \
        UNION ALL SELECT pg_get_triggerdef(oid) || ' ' || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal \
        UNION ALL SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace \
        UNION ALL SELECT proname || ' ' || prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace) AS all_of_it \
        WHERE text NOT LIKE '%diesel%' ORDER BY 1";
    lines(connection, if on_postgres() { postgres } else { sqlite })
}

fn fresh(folder: &TempDir) -> (Database, AnyConnection) {
    let database = bare_database(folder);
    let connection = database.open_writer().unwrap();
    (database, connection)
}

#[test]
fn up_down_up_leaves_no_difference() {
    let folder = TempDir::new().unwrap();
    let (_, mut connection) = fresh(&folder);
    let steps = pending(&mut connection).unwrap();
    assert!(steps >= 2);
    assert_eq!(migrate(&mut connection).unwrap(), steps);
    let first = dump(&mut connection);
    assert_eq!(first.iter().filter(|line| line.to_lowercase().contains("trigger events_refuse")).count(), 3);
    assert_eq!(migrate(&mut connection).unwrap(), 0);
    assert_eq!(revert_all(&mut connection).unwrap(), steps);
    assert_eq!(dump(&mut connection), Vec::<String>::new());
    migrate(&mut connection).unwrap();
    assert_eq!(dump(&mut connection), first);
}

#[test]
fn the_tables_the_code_names_are_the_tables_of_the_database() {
    let folder = TempDir::new().unwrap();
    let (_, mut connection) = fresh(&folder);
    migrate(&mut connection).unwrap();
    let integer = if on_postgres() { "bigint" } else { "INTEGER" };
    let text = if on_postgres() { "text" } else { "TEXT" };
    for kind in lumbung::app::kinds() {
        let table = kind.table.name;
        let query = if on_postgres() {
            format!(
                "SELECT column_name || ' ' || data_type AS text FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"
            )
        } else {
            format!("SELECT name || ' ' || type AS text FROM pragma_table_info('{table}')")
        };
        let mut expected = vec![("id", text), ("version", integer), ("position", integer)];
        expected.extend(kind.table.columns.iter().map(|(name, kind)| match kind {
            ColumnType::Text => (*name, text),
            ColumnType::Int => (*name, integer),
            ColumnType::Bool => (*name, if on_postgres() { "boolean" } else { "INTEGER" }),
        }));
        expected.push(("doc", text));
        // A column that a later step added stands at the end of the table, wherever the code names it.
        let mut expected: Vec<String> = expected.into_iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        let mut found = lines(&mut connection, &query);
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{}", kind.name);
    }
}

#[test]
fn a_database_newer_than_the_program_is_refused() {
    let folder = TempDir::new().unwrap();
    let (_, mut connection) = fresh(&folder);
    migrate(&mut connection).unwrap();
    connection.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')").unwrap();
    let refusal = migrate(&mut connection).unwrap_err();
    assert!(refusal.0.contains("29991231000000") && refusal.0.contains("newer"), "{refusal}");
}

#[test]
fn a_writer_waits_for_the_disk_and_a_reader_cannot_write() {
    let folder = TempDir::new().unwrap();
    let (database, mut writer) = fresh(&folder);
    migrate(&mut writer).unwrap();
    let (setting, expected) = if on_postgres() {
        (
            "SELECT current_setting('synchronous_commit') || ' ' || current_setting('application_name') AS text",
            "on lumbung",
        )
    } else {
        // 2 is FULL.
        ("SELECT synchronous || ' ' || foreign_keys AS text FROM pragma_synchronous, pragma_foreign_keys", "2 1")
    };
    assert_eq!(lines(&mut writer, setting), [expected]);
    let mut reader = database.open_reader().unwrap();
    assert!(reader.batch_execute("DELETE FROM head").is_err());
}

#[test]
fn instances_that_start_together_migrate_once() {
    let folder = TempDir::new().unwrap();
    let database = bare_database(&folder);
    let instances: Vec<_> = (0..4)
        .map(|_| {
            let database = database.clone();
            std::thread::spawn(move || migrate(&mut database.open_writer().unwrap()).unwrap())
        })
        .collect();
    let steps: Vec<usize> = instances.into_iter().map(|instance| instance.join().unwrap()).collect();
    assert_eq!(steps.iter().filter(|steps| **steps > 0).count(), 1, "{steps:?}");
}

#[test]
fn migrating_takes_as_long_as_it_takes() {
    if !on_postgres() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (database, mut other) = fresh(&folder);
    // Another instance migrates.
    other.batch_execute(&format!("SELECT pg_advisory_lock({})", 0x6c75_6d62)).unwrap();
    let waiting = std::thread::spawn(move || {
        let mut connection = database.open_writer().unwrap();
        connection.batch_execute("SET statement_timeout = '100ms'; SET lock_timeout = '100ms'").unwrap();
        migrate(&mut connection).unwrap();
        lines(
            &mut connection,
            "SELECT current_setting('statement_timeout') || ' ' || current_setting('lock_timeout') AS text",
        )
    });
    std::thread::sleep(std::time::Duration::from_millis(500));
    drop(other);
    assert_eq!(waiting.join().unwrap(), ["30s 10s"]);
}

#[test]
fn both_databases_have_the_same_steps() {
    let steps = |database: &str| {
        let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|step| step.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(steps("sqlite"), steps("postgres"));
}
