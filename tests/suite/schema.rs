//! Migrations: up and down and up again, the tables the code names, and no database newer than the program.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use lumbung::ledger::ColumnType;
use lumbung::storage::{Database, migrate, pending, revert_all};
use tempfile::TempDir;

fn fresh(folder: &TempDir) -> SqliteConnection {
    Database::Sqlite(folder.path().join("schema.db")).open_writer().unwrap()
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Everything the database itself knows of its schema.
fn dump(connection: &mut SqliteConnection) -> Vec<String> {
    let query = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS text FROM sqlite_master \
        WHERE name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_autoindex\\_\\_\\_diesel%' ESCAPE '\\' ORDER BY 1";
    diesel::sql_query(query).load::<Line>(connection).unwrap().into_iter().map(|line| line.text).collect()
}

#[test]
fn up_down_up_leaves_no_difference() {
    let folder = TempDir::new().unwrap();
    let mut connection = fresh(&folder);
    assert_eq!(pending(&mut connection).unwrap(), 2);
    assert_eq!(migrate(&mut connection).unwrap(), 2);
    let first = dump(&mut connection);
    assert!(first.iter().any(|line| line.contains("events_refuse_update")));
    assert_eq!(migrate(&mut connection).unwrap(), 0);
    assert_eq!(revert_all(&mut connection).unwrap(), 2);
    assert_eq!(dump(&mut connection), Vec::<String>::new());
    migrate(&mut connection).unwrap();
    assert_eq!(dump(&mut connection), first);
}

#[derive(QueryableByName, Debug, PartialEq)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

#[test]
fn the_tables_the_code_names_are_the_tables_of_the_database() {
    let folder = TempDir::new().unwrap();
    let mut connection = fresh(&folder);
    migrate(&mut connection).unwrap();
    for kind in lumbung::app::kinds() {
        let query = format!("SELECT name, type AS kind FROM pragma_table_info('{}')", kind.table.name);
        let found = diesel::sql_query(query).load::<Column>(&mut connection).unwrap();
        let mut expected = vec![("id", "TEXT"), ("version", "INTEGER"), ("position", "INTEGER")];
        expected.extend(kind.table.columns.iter().map(|(name, kind)| match kind {
            ColumnType::Text => (*name, "TEXT"),
            ColumnType::Int | ColumnType::Bool => (*name, "INTEGER"),
        }));
        expected.push(("doc", "TEXT"));
        let expected: Vec<Column> =
            expected.into_iter().map(|(name, kind)| Column { name: name.to_owned(), kind: kind.to_owned() }).collect();
        assert_eq!(found, expected, "{}", kind.name);
    }
}

#[test]
fn a_database_newer_than_the_program_is_refused() {
    let folder = TempDir::new().unwrap();
    let mut connection = fresh(&folder);
    migrate(&mut connection).unwrap();
    connection.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')").unwrap();
    let refusal = migrate(&mut connection).unwrap_err();
    assert!(refusal.0.contains("29991231000000") && refusal.0.contains("newer"), "{refusal}");
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

#[test]
fn a_writer_waits_for_the_disk_and_a_reader_cannot_write() {
    let folder = TempDir::new().unwrap();
    let mut writer = fresh(&folder);
    migrate(&mut writer).unwrap();
    let mut pragma = |name: &str| {
        diesel::sql_query(format!("SELECT {name} AS value FROM pragma_{name}")).load::<Number>(&mut writer).unwrap()[0]
            .value
    };
    // 2 is FULL.
    assert_eq!((pragma("synchronous"), pragma("foreign_keys")), (2, 1));
    let mut reader = Database::Sqlite(folder.path().join("schema.db")).open_reader().unwrap();
    assert!(reader.batch_execute("DELETE FROM head").is_err());
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
