//! A rotation of the master key that is killed at any moment: the database opens with the key in its place, and shows every person.

use std::time::Duration;

use lumbung::app::{Core, Place};
use lumbung::kernel::{Actor, Clock, Name, NikOrang, Person, Region};
use lumbung::ledger::{Context, Ids};
use lumbung::managers::RegisterSealed;
use lumbung::web::seal_person;
use uuid::Uuid;

use super::program::Site;

const PERSONS: usize = 3000;
/// How long the second rotation is left at work; each after it twice as long as the one before.
const STEP: Duration = Duration::from_millis(10);
const KILLED_MIN: u32 = 3;

/// Registers persons without the detour over HTTP.
fn fill(site: &Site) {
    let place = Place {
        database: site.database(),
        master_key_file: site.folder().join("lumbung.key"),
        master_key: None,
        witness_file: site.folder().join("lumbung.head"),
        accept_older: false,
        log: lumbung::storage::LogIdentity {
            origin: "example.test/log".to_owned(),
            key_file: site.folder().join("lumbung.log-key"),
            accept_new_key: false,
        },
        environment: lumbung::kernel::Environment::Live,
    };
    let core = Core::open(&place, Clock::System, Ids::Random, 1, PERSONS).unwrap();
    let region = Region::parse("64.72").unwrap();
    let answers: Vec<_> = (0..PERSONS)
        .map(|number| {
            let name = Name::parse(&format!("Peraga {number}")).unwrap();
            let nik_orang = Some(NikOrang(format!("64720141018{number:05}")));
            let (id, person) = (Uuid::now_v7(), Person { name, nik_orang, phone: None, address: None });
            let (key, sealed) = seal_person(&core.service, id, &person, true).ok().unwrap();
            let context = Context::internal(Actor::service(), "test");
            core.service.ledger.submit(id, RegisterSealed { region, sealed, key }, context).unwrap()
        })
        .collect();
    assert!(answers.into_iter().all(|answer| answer.blocking_recv().unwrap().result.is_ok()));
    core.close();
}

fn killed_midway(postgres: bool) {
    let site = Site::new(postgres);
    fill(&site);
    let verified = site.run(&["verify"]);
    let shown = || {
        let program = site.serve();
        let managers = program.get("/v1/managers?limit=500").unwrap();
        assert_eq!(managers.status, 200, "{}", site.log());
        let persons: Vec<_> =
            managers.body["data"].as_array().unwrap().iter().map(|row| row["person"].clone()).collect();
        program.stop();
        persons
    };
    let before = shown();
    assert!(before.len() == 500 && before.iter().all(|person| person["name"].is_string()));
    let (mut killed, mut wait) = (0, Duration::ZERO);
    while site.kill_after(wait, &["keys", "rotate-master"]) {
        killed += 1;
        wait = STEP.max(wait * 2);
        assert_eq!(shown(), before, "killed {killed} times");
    }
    assert!(killed >= KILLED_MIN, "killed {killed} times only");
    // Every person's key opens, or it could not be wrapped anew.
    assert!(site.run(&["keys", "rotate-master"]).starts_with(&format!("rotated: {PERSONS} persons' keys")));
    assert_eq!(shown(), before);
    let proved = |said: &str| said.split(';').next().unwrap().to_owned();
    assert_eq!(proved(&site.run(&["verify"])), proved(&verified), "the log is what it was");
}

#[test]
fn a_rotation_that_is_killed_locks_nobody_out_on_sqlite() {
    killed_midway(false);
}

#[test]
fn a_rotation_that_is_killed_locks_nobody_out_on_postgres() {
    killed_midway(true);
}

#[test]
fn the_environment_may_hold_the_key() {
    let mut site = Site::new(false);
    let file = site.folder().join("lumbung.key");
    let key = std::fs::read_to_string(&file).unwrap();
    site.set("LUMBUNG_MASTER_KEY", &"0".repeat(64));
    assert!(site.fail(&["keys", "rotate-master"]).contains("hold different master keys"));
    site.set("LUMBUNG_MASTER_KEY", "nonsense");
    assert!(site.fail(&["keys", "rotate-master"]).contains("64 hexadecimal digits"));
    site.set("LUMBUNG_MASTER_KEY", &key);
    std::fs::rename(&file, site.folder().join("away")).unwrap();
    site.serve().kill();
    assert!(!file.exists(), "no file is made where none is needed");
    assert!(site.fail(&["keys", "rotate-master"]).contains("--new-master-key-file"));
    let other = site.folder().join("other");
    std::fs::copy(site.folder().join("away"), &other).unwrap();
    let named = ["keys", "rotate-master", "--new-master-key-file", other.to_str().unwrap()];
    assert!(site.fail(&named).contains("present one"));
    std::fs::write(&other, "ab".repeat(32)).unwrap();
    assert!(site.run(&named).contains("LUMBUNG_MASTER_KEY"));
    assert!(site.fail(&["keys", "issue", "--kind", "province", "--name", "X"]).contains("not the one"));
    site.set("LUMBUNG_MASTER_KEY", &"ab".repeat(32));
    site.serve().kill();
    assert!(!format!("{}{key}", site.log()).contains(&"ab".repeat(32)));
}
