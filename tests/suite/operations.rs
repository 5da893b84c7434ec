//! What the service tells its operators, and the role it runs under.

use std::time::{Duration, Instant};

use lumbung::app::{Core, Place};
use lumbung::kernel::Clock;
use lumbung::ledger::Ids;
use lumbung::maintenance::health;
use lumbung::storage::Database;
use serde_json::json;
use tempfile::TempDir;

use super::harness::App;
use super::place::{on_postgres, place_in};

#[test]
fn readiness_says_what_is_at_fault() {
    let app = App::start();
    let ready = app.get("", "/readyz").expect(200);
    assert_eq!(ready["checks"], json!({"database": "ok", "schema": "ok", "executor": "ok", "log": "ok"}));
    assert!(health(app.url.trim_start_matches("http://").parse().unwrap(), None).is_ok());
    let mut hand = app.place.database.open_for_maintenance().unwrap();
    let last = "(SELECT max(version) FROM __diesel_schema_migrations)";
    let lost = format!("DELETE FROM __diesel_schema_migrations WHERE version = {last}");
    diesel::connection::SimpleConnection::batch_execute(&mut hand, &lost).unwrap();
    let problem = app.get("", "/readyz").problem(503, "unavailable");
    assert!(problem["checks"]["schema"].as_str().unwrap().starts_with("1 step"), "{problem}");
    let why = health(app.url.trim_start_matches("http://").parse().unwrap(), None).unwrap_err().0;
    assert!(why.starts_with("not ready") && why.contains("lumbung migrate"), "{why}");
}

#[test]
fn the_numbers_tell_of_requests_batches_and_the_log() {
    let app = App::start();
    for number in 0..3 {
        app.cooperative(&format!("{number}/BH"));
    }
    app.get("", "/v1/cooperatives/019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b").problem(401, "unauthenticated");
    app.get("", "/nowhere/at/all").problem(404, "not_found");
    let answer = app.get("", "/metrics");
    assert_eq!(
        (answer.status, answer.headers["content-type"].as_str()),
        (200, "text/plain; version=0.0.4; charset=utf-8")
    );
    let number = |name: &str| -> f64 {
        let line = answer
            .text
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("{name}: {}", answer.text));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let requests = |method: &str, route: &str, status: u16| {
        number(&format!(
            "http_server_request_duration_seconds_count{{http_request_method=\"{method}\",http_response_status_code=\"{status}\",http_route=\"{route}\"}}"
        ))
    };
    let same = |one: f64, other: u32| (one - f64::from(other)).abs() < 0.5;
    assert!(same(requests("POST", "/v1/cooperatives", 201), 3));
    assert!(same(requests("GET", "/v1/cooperatives/{id}", 401), 1));
    assert!(same(requests("GET", "unmatched", 404), 1));
    let position = app.get("", "/readyz").expect(200)["position"].as_u64().unwrap();
    assert!(same(number("lumbung_log_head_position "), u32::try_from(position).unwrap()));
    assert!(same(number("lumbung_events_total "), u32::try_from(position).unwrap()));
    assert!(number("lumbung_executor_batch_commands_count ") > 2.5);
    assert!(number("lumbung_executor_commit_duration_seconds_sum ") > 0.0);
    assert!(same(number("lumbung_executor_running "), 1));
    assert!(same(number("lumbung_executor_queue_commands "), 0));
}

#[test]
fn what_another_program_records_is_shown_at_once_from_a_server_and_soon_from_a_file() {
    let app = App::start();
    let at = format!("/v1/cooperatives/{}", app.cooperative("1"));
    for _ in 0..3 {
        assert_eq!(app.get("province", &at).expect(200)["version"], 1);
    }
    let other = app.beside();
    for version in 2..=4 {
        let amendment = json!({ "name": format!("KSP {version}") });
        other.command("PATCH", "province", &at, &[], &amendment).expect(200);
        assert_eq!(other.get("province", &at).expect(200)["version"], version);
        let (began, mut shown) = (Instant::now(), app.get("province", &at).expect(200));
        while !on_postgres() && shown["version"] != version && began.elapsed() < Duration::from_secs(10) {
            shown = app.get("province", &at).expect(200);
        }
        assert_eq!(shown["version"], version);
    }
}

/// The statements of the README, so that it says what is true.
#[test]
fn the_documented_role_serves_and_can_change_no_event() {
    if !on_postgres() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let owner = place_in(&folder);
    let Database::Postgres(url) = &owner.database else { panic!("not PostgreSQL") };
    let readme = std::fs::read_to_string(format!("{}/README.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let statements = readme.split("```sql").nth(1).unwrap().split("```").next().unwrap();
    let cluster = super::cluster::shared();
    let name = url.for_libpq();
    let name = name.rsplit('/').next().unwrap().split('?').next().unwrap();
    cluster.execute(name, statements);
    let service = Place {
        database: Database::parse(&format!("postgres://lumbung_service@127.0.0.1:{}/{name}", cluster.port)).unwrap(),
        ..owner.clone()
    };
    let core = Core::open(&service, Clock::System, Ids::Random, 1, 16).unwrap();
    let key = lumbung::organisations::issue_key(
        &core.service,
        lumbung::kernel::OrganisationKind::Province,
        None,
        "Dinas",
        None,
        None,
    );
    key.unwrap();
    core.close();
    lumbung::maintenance::verify(&service).unwrap();
    let mut connection = service.database.open_for_maintenance().unwrap();
    for forbidden in ["UPDATE events SET data = ''", "DELETE FROM events", "TRUNCATE events", "DROP TABLE events"] {
        let why =
            diesel::connection::SimpleConnection::batch_execute(&mut connection, forbidden).unwrap_err().to_string();
        assert!(why.contains("permission denied") || why.contains("must be owner"), "{forbidden}: {why}");
    }
}

#[test]
fn readers_whose_connections_were_closed_meanwhile_are_replaced_before_anybody_is_refused() {
    if !on_postgres() {
        return;
    }
    let app = App::start();
    app.get("province", "/v1/cooperatives?limit=1").expect(200);
    let Database::Postgres(url) = &app.place.database else { panic!("not PostgreSQL") };
    let name = url.for_libpq();
    let name = name.rsplit('/').next().unwrap().split('?').next().unwrap();
    let close = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    super::cluster::shared().execute("postgres", &close);
    std::thread::sleep(std::time::Duration::from_millis(200));
    for path in ["/readyz", "/v1/cooperatives?limit=1", "/v1/cooperatives?limit=2"] {
        app.get("province", path).expect(200);
    }
}

#[test]
fn of_several_hosts_the_one_that_takes_writes_is_found() {
    if !on_postgres() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let Database::Postgres(url) = place_in(&folder).database else { panic!("not PostgreSQL") };
    let port = super::cluster::shared().port;
    let dead = super::cluster::free_port();
    let several = url
        .for_libpq()
        .replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{dead},127.0.0.1:{port}"))
        .replace('?', "?target_session_attrs=read-write&");
    let mut writer = Database::parse(&several).unwrap().open_writer().unwrap();
    assert_eq!(lumbung::storage::head_position(&mut writer).unwrap(), 0);
}

#[test]
fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let url = format!("postgres://lumbung:geheim@127.0.0.1:{}/lumbung", super::cluster::free_port());
    let Err(why) = Database::parse(&url).unwrap().open_writer() else { panic!("it was opened") };
    assert!(why.0.contains("cannot be reached") && !why.0.contains("geheim"), "{why}");
}
