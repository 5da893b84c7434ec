//! Another master key, while the service runs and while it does not.

use lumbung::app::{Core, Place};
use lumbung::kernel::Clock;
use lumbung::ledger::Ids;
use lumbung::maintenance::{rotate, verify};
use lumbung::storage::MasterKey;
use serde_json::{Value, json};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use super::harness::{App, id};

const NOTICED_MAX: Duration = Duration::from_secs(10);

fn register(app: &App, number: u32) -> String {
    let person = json!({"name": format!("Peraga {number}"), "nik_orang": format!("64720141018{number:05}")});
    id(&app.post("samarinda", "/v1/managers", &json!({"region": "64.72", "person": person})).expect(201))
}

fn name(app: &App, manager: &str) -> Value {
    app.get("province", &format!("/v1/managers/{manager}")).expect(200)["person"]["name"].clone()
}

/// Waits until the service reads and takes personal data again.
fn settled(app: &App, manager: &str) {
    let began = Instant::now();
    while app.get("province", &format!("/v1/managers/{manager}")).status != 200 {
        assert!(began.elapsed() < NOTICED_MAX, "the new key is not noticed");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn root(place: &Place) -> String {
    verify(place).unwrap().split(';').next().unwrap().to_owned()
}

fn key_file(path: &std::path::Path, key: &str) {
    use std::io::Write;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.unwrap().write_all(key.as_bytes()).unwrap();
}

#[test]
fn a_running_service_goes_on_with_the_new_key_and_the_log_does_not_change() {
    let app = App::start();
    let before = register(&app, 1);
    let (proved, old) = (root(&app.place), std::fs::read_to_string(&app.place.master_key_file).unwrap());
    let said = rotate(&app.place, None).unwrap();
    assert_eq!(root(&app.place), proved, "the log and its root are what they were");
    assert!(said.contains("1 persons' keys") && !said.contains(&old), "{said}");
    settled(&app, &before);
    assert_eq!(name(&app, &before), "Peraga 1");
    let after = register(&app, 2);
    let twice = json!({"region": "64.72", "person": {"name": "X", "nik_orang": "6472014101800001"}});
    assert_eq!(app.post("samarinda", "/v1/managers", &twice).problem(409, "duplicate")["existing"], before.as_str());

    // A key of one's own, a second rotation, and the database opens anew with it alone.
    let own = app.folder().join("own");
    key_file(&own, &"ab".repeat(32));
    rotate(&app.place, Some(&own)).unwrap();
    settled(&app, &after);
    let kept: Vec<_> = std::fs::read_dir(app.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".replaced-"))
        .collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert_eq!(std::fs::read_to_string(&app.place.master_key_file).unwrap(), "ab".repeat(32));
    let again = rotate(&app.place, Some(&own)).unwrap_err().0;
    assert!(again.contains("present one"), "{again}");
    let (place, _folder) = app.stop();
    Core::open(&place, Clock::System, Ids::Random, 1, 16).unwrap().close();
    std::fs::remove_file(&place.master_key_file).unwrap();
    key_file(&place.master_key_file, &old);
    let why = Core::open(&place, Clock::System, Ids::Random, 1, 16).err().unwrap().0;
    assert!(why.contains("not the one this database was sealed with"), "{why}");
}

#[test]
fn where_the_new_key_is_not_at_hand_nothing_is_shown_or_taken_and_nothing_is_sealed_for_ever() {
    let app = App::start();
    let manager = register(&app, 1);
    // Another machine rotates: its file is its own.
    let elsewhere = Place { master_key_file: app.folder().join("elsewhere.key"), ..app.place.clone() };
    std::fs::copy(&app.place.master_key_file, &elsewhere.master_key_file).unwrap();
    rotate(&elsewhere, None).unwrap();
    let at = format!("/v1/managers/{manager}");
    app.get("province", &at).problem(503, "unavailable");
    let person = json!({"region": "64.72", "person": {"name": "Peraga 2"}});
    app.post("samarinda", "/v1/managers", &person).problem(503, "unavailable");
    app.command("PATCH", "samarinda", &at, &[], &json!({"person": {"phone": "1"}})).problem(503, "unavailable");
    app.get("ministry", &at).expect(200);
    app.cooperative("1/BH");
    std::fs::rename(&elsewhere.master_key_file, &app.place.master_key_file).unwrap();
    settled(&app, &manager);
    register(&app, 2);
}

#[test]
fn an_interrupted_rotation_is_finished_by_whoever_opens_the_database_next() {
    let app = App::start();
    let manager = register(&app, 1);
    let (place, folder) = app.stop();
    let pending = folder.path().join("lumbung.key.new");
    // Before the commit: the waiting key opens nothing and is forgotten.
    key_file(&pending, &"cd".repeat(32));
    Core::open(&place, Clock::System, Ids::Random, 1, 16).unwrap().close();
    // After the commit, before the new key took its place.
    let old = std::fs::read_to_string(&place.master_key_file).unwrap();
    rotate(&place, None).unwrap();
    let new = std::fs::read_to_string(&place.master_key_file).unwrap();
    for finish in [false, true] {
        std::fs::rename(&place.master_key_file, &pending).unwrap();
        key_file(&place.master_key_file, &old);
        if finish {
            assert!(rotate(&place, None).unwrap().contains("was finished"));
        } else {
            let core = Core::open(&place, Clock::System, Ids::Random, 1, 16).unwrap();
            core.close();
        }
        assert_eq!(std::fs::read_to_string(&place.master_key_file).unwrap(), new);
        assert!(!pending.exists());
    }
    let given = Place { master_key: MasterKey::of_environment().unwrap(), ..place.clone() };
    assert!(given.master_key.is_none());
    let core = Core::open(&place, Clock::System, Ids::Random, 1, 16).unwrap();
    let key = lumbung::organisations::issue_key(
        &core.service,
        lumbung::kernel::OrganisationKind::Province,
        None,
        "Dinas",
        None,
        None,
    );
    let bearer = format!("Bearer {}", key.unwrap().text);
    let app = App::over(core, place);
    let shown = app.send("GET", &format!("/v1/managers/{manager}"), &[("Authorization", &bearer)], b"");
    assert_eq!(shown.expect(200)["person"]["name"], "Peraga 1");
}
