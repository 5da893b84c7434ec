//! The log proves itself, whatever was changed is found, projections are made anew, and an older backup is noticed.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use lumbung::app::{Core, Place, kinds};
use lumbung::kernel::Clock;
use lumbung::ledger::Ids;
use lumbung::maintenance::{backup, rebuild, verify};
use lumbung::storage::{AnyConnection, Compared, Database, Divergence, ReadError, Staging, compare};
use serde_json::json;
use tempfile::TempDir;

use super::harness::{App, id};
use super::place::{on_postgres, place_in};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

fn lines(place: &Place, query: &str) -> Vec<String> {
    let mut connection = place.database.open_for_maintenance().unwrap();
    diesel::sql_query(query).load::<Line>(&mut connection).unwrap().into_iter().map(|line| line.text).collect()
}

/// Statements of a hand at the database that may do anything.
fn meddle(place: &Place, statements: &str) {
    let mut connection = place.database.open_writer().unwrap();
    match &mut connection {
        AnyConnection::Postgres(postgres) => {
            postgres.batch_execute("ALTER TABLE events DISABLE TRIGGER ALL").unwrap();
            postgres.batch_execute(statements).unwrap_or_else(|why| panic!("{statements}: {why}"));
            for trigger in ["change", "truncate", "gaps"] {
                let enable = format!("ALTER TABLE events ENABLE ALWAYS TRIGGER events_refuse_{trigger}");
                postgres.batch_execute(&enable).unwrap();
            }
        }
        AnyConnection::Sqlite(sqlite) => {
            let query = "SELECT sql AS text FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'events'";
            let triggers = diesel::sql_query(query).load::<Line>(sqlite).unwrap();
            for trigger in ["update", "delete", "gaps"] {
                sqlite.batch_execute(&format!("DROP TRIGGER events_refuse_{trigger}")).unwrap();
            }
            sqlite.batch_execute(statements).unwrap_or_else(|why| panic!("{statements}: {why}"));
            for trigger in triggers {
                sqlite.batch_execute(&trigger.text).unwrap();
            }
        }
    }
}

/// Everything that a rebuild may touch, as text.
fn projections(place: &Place) -> Vec<String> {
    let mut all = Vec::new();
    let mut tables: Vec<(&str, Vec<&str>)> =
        kinds().iter().map(|kind| (kind.table.name, kind.table.column_names())).collect();
    tables.push(("claims", vec!["namespace", "value", "holder"]));
    let fact = [
        "measure",
        "resource",
        "event_id",
        "subject",
        "region",
        "value",
        "occurred_on",
        "from_position",
        "until_position",
    ];
    tables.push(("facts", fact.to_vec()));
    let cell = ["measure", "month", "region", "organisation", "value", "count", "sen"];
    tables.push(("postings", [&["position", "ordinal"][..], &cell].concat()));
    tables.push(("tallies", [&["span"][..], &cell].concat()));
    tables
        .push(("log_nodes", vec!["level", "number", if on_postgres() { "encode(hash, 'hex')" } else { "hex(hash)" }]));
    for (table, columns) in tables {
        let values: Vec<String> = columns.iter().map(|name| format!("coalesce(CAST({name} AS TEXT), '-')")).collect();
        let query = format!("SELECT '{table} ' || {} AS text FROM {table} ORDER BY 1", values.join(" || '|' || "));
        all.extend(lines(place, &query));
    }
    all
}

fn demonstration() -> (Place, TempDir) {
    let folder = TempDir::new().unwrap();
    let place = place_in(&folder);
    lumbung::demo::prepare(&place).unwrap();
    (place, folder)
}

#[test]
fn a_changed_event_a_missing_trigger_and_a_changed_head_are_found() {
    let (place, _folder) = demonstration();
    assert!(verify(&place).unwrap().starts_with("verified: "));
    let texts = ["event_id", "stream_kind", "stream_id", "type", "data", "actor", "organisation", "correlation_id"];
    let numbers = ["position", "version", "schema_version", "occurred_at", "recorded_at"];
    let one =
        "event_id = (SELECT event_id FROM events WHERE type = 'cooperative.registered' ORDER BY position DESC LIMIT 1)";
    let id = lines(&place, &format!("SELECT event_id AS text FROM events WHERE {one}")).remove(0);
    let only = format!("event_id = '{id}'");
    for column in texts {
        // The last character but one of the value is another; of an id it stays an id.
        let before = lines(&place, &format!("SELECT {column} AS text FROM events WHERE {only}")).remove(0);
        let (at, found) = before.char_indices().rev().nth(2).unwrap();
        let other = if found == '1' { '2' } else { '1' };
        let after = format!("{}{other}{}", &before[..at], &before[at + found.len_utf8()..]);
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        meddle(&place, &format!("UPDATE events SET {column} = {} WHERE {only}", quoted(&after)));
        let fault = verify(&place).unwrap_err().0;
        assert!(fault.contains("not verified"), "{column}: {fault}");
        let now = if column == "event_id" { format!("event_id = '{after}'") } else { only.clone() };
        meddle(&place, &format!("UPDATE events SET {column} = {} WHERE {now}", quoted(&before)));
    }
    for column in numbers {
        let moved = if ["position", "version"].contains(&column) { 1_000_000 } else { 1 };
        meddle(&place, &format!("UPDATE events SET {column} = {column} + {moved} WHERE {only}"));
        assert!(verify(&place).is_err(), "{column}");
        meddle(&place, &format!("UPDATE events SET {column} = {column} - {moved} WHERE {only}"));
    }
    let nothing = if on_postgres() { "'\\x00'::bytea" } else { "x'00'" };
    for (change, named) in [
        (format!("UPDATE events SET leaf_hash = {nothing} WHERE {only}"), "leaf hash"),
        ("UPDATE head SET position = position + 1".to_owned(), "last position"),
        ("UPDATE head SET recorded_at = recorded_at + 1".to_owned(), "time"),
        (format!("UPDATE head SET frontier = {nothing}"), "frontier"),
    ] {
        let undo = if change.contains("head") { "head" } else { "events" };
        meddle(&place, &format!("CREATE TABLE kept AS SELECT * FROM {undo}; {change}"));
        let fault = verify(&place).unwrap_err().0;
        assert!(fault.contains(named), "{fault}");
        meddle(&place, &format!("DELETE FROM {undo}; INSERT INTO {undo} SELECT * FROM kept; DROP TABLE kept"));
    }
    assert!(verify(&place).unwrap().starts_with("verified: "));
    let off = if on_postgres() {
        "ALTER TABLE events DISABLE TRIGGER events_refuse_change"
    } else {
        "DROP TRIGGER events_refuse_update"
    };
    place.database.open_writer().unwrap().batch_execute(off).unwrap();
    assert!(verify(&place).unwrap_err().0.contains("trigger"));
}

#[test]
fn an_id_that_means_the_same_and_is_written_otherwise_is_found() {
    let app = App::start();
    let enterprise = json!({"name": "Warung", "region": "64.72", "owner": {"name": "P"},
        "size_basis": {"yearly_sales": {"value": "1", "currency": "IDR"}}});
    let enterprise = id(&app.post("samarinda", "/v1/enterprises", &enterprise).expect(201));
    let financing = json!({"beneficiary": {"kind": "enterprise", "id": enterprise}, "scheme": "lpdb",
        "amount": {"value": "1", "currency": "IDR"}, "purpose": "x", "tenor_months": 1});
    app.post("bank", "/v1/financings", &financing).expect(201);
    let (place, _folder) = app.stop();
    for column in ["event_id", "stream_id", "actor", "organisation", "owner"] {
        let one = format!("SELECT max(position) FROM events WHERE {column} <> upper({column})");
        let position = lines(&place, &format!("SELECT CAST(({one}) AS TEXT) AS text")).remove(0);
        for case in ["upper", "lower"] {
            assert_eq!(verify(&place).is_ok(), case == "upper", "{column}");
            meddle(&place, &format!("UPDATE events SET {column} = {case}({column}) WHERE position = {position}"));
        }
    }
    verify(&place).unwrap();
}

#[test]
fn a_trigger_that_is_not_what_it_was_is_found() {
    let statements: &[&str] = if on_postgres() {
        &[
            "CREATE OR REPLACE FUNCTION events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
            "CREATE OR REPLACE FUNCTION looks_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$",
            "CREATE OR REPLACE TRIGGER events_refuse_change BEFORE DELETE ON events FOR EACH ROW EXECUTE FUNCTION events_refuse(); \
             ALTER TABLE events ENABLE ALWAYS TRIGGER events_refuse_change",
            "CREATE OR REPLACE TRIGGER looks_refuse_change BEFORE UPDATE OR DELETE ON looks FOR EACH ROW WHEN (1 = 2) \
             EXECUTE FUNCTION looks_refuse(); ALTER TABLE looks ENABLE ALWAYS TRIGGER looks_refuse_change",
            "ALTER TABLE looks ENABLE TRIGGER looks_refuse_truncate",
        ]
    } else {
        &[
            "DROP TRIGGER events_refuse_update; CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events BEGIN SELECT 1; END",
            "DROP TRIGGER looks_refuse_delete; CREATE TRIGGER looks_refuse_delete BEFORE DELETE ON looks WHEN 1 = 2 \
             BEGIN SELECT RAISE(ABORT, 'looks are append-only: DELETE refused'); END",
        ]
    };
    for statement in statements {
        let folder = TempDir::new().unwrap();
        let place = place_in(&folder);
        verify(&place).unwrap();
        place.database.open_writer().unwrap().batch_execute(statement).unwrap();
        let fault = verify(&place).expect_err(statement).0;
        assert!(fault.contains("trigger") || fault.contains("function"), "{statement}: {fault}");
    }
}

#[test]
fn an_index_that_lacks_a_row_is_found() {
    if on_postgres() {
        return;
    }
    let (place, _folder) = demonstration();
    // An index of a few rows, which then says that it is of all.
    let lame = "CREATE INDEX lame ON events (recorded_at) WHERE position < 5; PRAGMA writable_schema = ON; \
        UPDATE sqlite_master SET sql = replace(sql, ' WHERE position < 5', '') WHERE name = 'lame'; PRAGMA writable_schema = RESET";
    place.database.open_writer().unwrap().batch_execute(lame).unwrap();
    let fault = verify(&place).unwrap_err().0;
    assert!(fault.contains("damaged") && fault.contains("lame"), "{fault}");
}

#[test]
fn a_mistyped_path_makes_no_file() {
    if on_postgres() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let elsewhere = TempDir::new().unwrap();
    let mistyped = Place { database: Database::Sqlite(folder.path().join("lumbun.db")), ..place_in(&elsewhere) };
    let copy = folder.path().join("copy");
    for said in [verify(&mistyped), rebuild(&mistyped), backup(&mistyped, &copy)] {
        assert!(said.unwrap_err().0.contains("no such file"));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn whatever_is_wrong_with_the_projections_is_found_and_a_rebuild_restores_them_to_the_byte() {
    let (place, _folder) = demonstration();
    let before = projections(&place);
    let everything: Vec<String> = kinds()
        .iter()
        .map(|kind| format!("DELETE FROM {};", kind.table.name))
        .chain(["claims", "facts", "postings", "tallies", "log_nodes"].map(|table| format!("DELETE FROM {table};")))
        .collect();
    let nobody = "'00000000-0000-7000-8000-000000000000'";
    let wrongs = [
        "UPDATE cooperatives SET doc = replace(doc, 'Rejeki', 'Merana')".to_owned(),
        "UPDATE financings SET state = 'settled'".to_owned(),
        "UPDATE cooperatives SET health = NULL".to_owned(),
        "DELETE FROM managers WHERE id = (SELECT max(id) FROM managers)".to_owned(),
        format!(
            "INSERT INTO enterprises SELECT {nobody}, version, 999, region, owner, size_class, status, name, name_folded, doc FROM enterprises LIMIT 1"
        ),
        "DELETE FROM claims WHERE namespace <> 'api_key'".to_owned(),
        format!("INSERT INTO claims (namespace, value, holder) VALUES ('akad_number', 'x', {nobody})"),
        "UPDATE facts SET until_position = 5 WHERE until_position IS NULL".to_owned(),
        "DELETE FROM facts WHERE measure = 'healthy_ksp'".to_owned(),
        format!(
            "INSERT INTO facts (measure, resource, event_id, subject, region, value, occurred_on, from_position) VALUES ('certified_managers', {nobody}, 'x', 'x', '64', '', '2014-03-01', 1)"
        ),
        "UPDATE postings SET sen = sen + 1 WHERE measure = 'financings_disbursed'".to_owned(),
        "DELETE FROM postings WHERE measure = 'financings_by_state'".to_owned(),
        format!("INSERT INTO postings VALUES (1, 9, 'financings_disbursed', '2014-03', '64', {nobody}, 'x', 1, 1)"),
        format!("INSERT INTO postings VALUES (99999, 0, 'financings_disbursed', '2014-03', '64', {nobody}, 'x', 1, 1)"),
        "UPDATE tallies SET count = count + 1".to_owned(),
        format!("INSERT INTO tallies VALUES ('financings_disbursed', 7, '2014-03', '64', {nobody}, 'x', 1, 1)"),
        everything.concat(),
    ];
    for wrong in wrongs {
        meddle(&place, &wrong);
        let fault = verify(&place).expect_err(&wrong).0;
        assert!(fault.contains("lumbung rebuild"), "{wrong}: {fault}");
        let said = rebuild(&place).unwrap_or_else(|why| panic!("{wrong}: {why}"));
        assert!(!said.ends_with(": 0"), "{wrong}: {said}");
        assert!(verify(&place).is_ok(), "{wrong}");
        assert_eq!(projections(&place), before, "{wrong}");
    }
    assert!(rebuild(&place).unwrap().ends_with("replaced: 0"));
}

#[test]
fn a_rebuild_beside_a_running_service_loses_nothing_of_what_is_recorded_meanwhile() {
    let app = App::start();
    let first = app.cooperative("1/BH");
    let status = if on_postgres() {
        "UPDATE cooperatives SET doc = replace(doc, '1/BH', '9/BH')"
    } else {
        "UPDATE cooperatives SET name = 'x'"
    };
    meddle(&app.place, status);
    let place = app.place.clone();
    let rebuilding = std::thread::spawn(move || (0..5).map(|_| rebuild(&place).unwrap()).collect::<Vec<_>>());
    let at = format!("/v1/cooperatives/{first}");
    let mut number = 0;
    while !rebuilding.is_finished() || number < 20 {
        number += 1;
        app.cooperative(&format!("{}/BH", number + 100));
        app.command("PATCH", "samarinda", &at, &[], &json!({"name": format!("Nama {number}")})).expect(200);
    }
    rebuilding.join().unwrap();
    let now = app.get("samarinda", &at).expect(200);
    assert_eq!((&now["name"], &now["badan_hukum"][0]["number"]), (&json!(format!("Nama {number}")), &json!("1/BH")));
    assert_eq!(now["version"], number + 1);
    let (place, _folder) = app.stop();
    verify(&place).unwrap();
}

/// Stages what diverges, as a rebuild does.
struct Staged(Staging);

impl Compared for Staged {
    fn folded(&mut self, _: u64) {}

    fn diverges(&mut self, divergence: Divergence) -> Result<(), ReadError> {
        self.0.stage(divergence)
    }

    fn wrong_figures(&mut self, why: String) -> Result<(), ReadError> {
        panic!("{why}");
    }
}

#[test]
fn what_was_posted_from_a_wrong_row_while_it_was_made_anew_is_mended_with_it() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let body = json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "scheme": "komersial", "purpose": "Modal",
        "amount": {"value": "1000", "currency": "IDR"}, "tenor_months": 12, "occurred_at": "2014-04-01T08:00:00+08:00"});
    let at = format!("/v1/financings/{}", id(&app.post("bank", "/v1/financings", &body).expect(201)));
    let region = |from: &str, to: &str| format!("UPDATE financings SET doc = replace(doc, '{from}', '{to}')");
    meddle(&app.place, &region("\"region\":\"64.72\"", "\"region\":\"64.71\""));
    let mut staged = Staged(Staging::open(&app.place.database, &kinds()).unwrap());
    let compared = compare(&app.place.database, &kinds(), &mut staged).unwrap();
    assert!(compared.wrong_postings.is_empty());
    app.post("bank", &format!("{at}/approvals"), &json!({"approved_on": "2014-04-03"})).expect(200);
    staged.0.swap(&compared).unwrap();
    let (place, _folder) = app.stop();
    verify(&place).unwrap();
}

#[test]
fn a_backup_is_complete_and_an_older_one_put_back_is_noticed_at_start() {
    let app = App::start();
    app.cooperative("1/BH");
    let older = TempDir::new().unwrap();
    let copy = copy(&app.place, older.path());
    app.cooperative("2/BH");
    let (place, folder) = app.stop();
    let open = |place: &Place| Core::open(place, Clock::System, Ids::Random, 1, 16).map(Core::close);
    open(&place).unwrap();
    assert!(std::fs::read_to_string(folder.path().join("lumbung.head")).unwrap().contains("\"position\""));
    // The copy is whole by itself.
    let alone = Place { database: copy.clone(), witness_file: older.path().join("none"), ..place.clone() };
    verify(&alone).unwrap();
    open(&alone).unwrap();
    // In the place of the newer database it is refused, unless somebody means it.
    let restored = Place { database: copy, ..place };
    let refused = open(&restored).unwrap_err().0;
    assert!(refused.contains("older backup") && refused.contains("--accept-older-database"), "{refused}");
    open(&Place { accept_older: true, ..restored.clone() }).unwrap();
    open(&restored).unwrap();
    // So is an empty one that was made because the right one was not in its place; databases of a server may share the file.
    let empty = TempDir::new().unwrap();
    let elsewhere = Place { database: super::place::migrated_database(&empty), ..restored };
    if on_postgres() {
        return open(&elsewhere).unwrap();
    }
    let refused = open(&elsewhere).unwrap_err().0;
    assert!(refused.contains("empty") && refused.contains("--accept-older-database"), "{refused}");
    open(&Place { accept_older: true, ..elsewhere }).unwrap();
}

/// A backup by the documented way.
fn copy(place: &Place, folder: &std::path::Path) -> Database {
    let file = folder.join("copy");
    let said = backup(place, &file);
    let Database::Postgres(url) = &place.database else {
        assert!(said.unwrap().contains("up to position"));
        assert!(backup(place, &file).unwrap_err().0.contains("exists already"));
        return Database::Sqlite(file);
    };
    assert!(said.unwrap_err().0.contains("pg_dump --format=custom"));
    let cluster = super::cluster::shared();
    let run = |name: &str, arguments: &[&str]| {
        let output = std::process::Command::new(cluster.program(name)).args(arguments).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let file = file.to_string_lossy();
    run("pg_dump", &["--format=custom", &format!("--file={file}"), "--dbname", &url.for_libpq()]);
    let copied = super::cluster::new_database(false);
    let Database::Postgres(target) = &copied else { panic!("not PostgreSQL") };
    run("pg_restore", &["--dbname", &target.for_libpq(), &file]);
    copied
}

#[test]
fn an_invented_history_is_whole_and_is_not_poured_over_other_data() {
    let folder = TempDir::new().unwrap();
    let place = place_in(&folder);
    let said = lumbung::demo::generate(&place, 1000).unwrap();
    let number: u32 = said.split(' ').find_map(|word| word.parse().ok()).unwrap();
    assert!((900..2500).contains(&number), "{said}");
    assert!(verify(&place).unwrap().contains(&format!("{number} events")));
    assert!(lumbung::demo::generate(&place, 1000).unwrap_err().0.contains("already holds data"));
}
