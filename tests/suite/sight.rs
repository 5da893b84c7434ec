//! What is seen of what is answered: rows of lists, persons, worksheets, what is internal. Records are of two regions, certifiers and banks.

use std::collections::BTreeMap;

use serde_json::json;

use super::harness::id;
use super::rights::{World, application, enterprise, submission, training};

/// Records of two regions, certifiers and banks, by what they are told apart by.
struct Twins {
    world: World,
    names: BTreeMap<String, &'static str>,
    other_manager: String,
    other_cooperative: String,
    other_enterprise: String,
    assessments: [String; 2],
}

fn twins() -> Twins {
    let world = World::start();
    let app = &world.app;
    let mut names = BTreeMap::new();
    let mut name = |id: &String, name: &'static str| names.insert(id.clone(), name);
    let elsewhere = json!({"name": "KSP Lain", "kind": "ksp", "region": "64.71", "badan_hukum": {"number": "L/BH", "date": "2008-08-14"}});
    let (here, there) = (app.cooperative("S/BH"), world.create("balikpapan", "/v1/cooperatives", &elsewhere));
    let (own, _) = world.candidate();
    let body = json!({"region": "64.71", "person": {"name": "Nama Balikpapan"}});
    let other = world.create("balikpapan", "/v1/managers", &body);
    let other_certifier = world.send("other_certifier", "GET", "/v1/me", ("", b"")).expect(200);
    let candidacy = json!({"manager": other, "scheme": "Manajer KSP", "certifier": other_certifier["organisation"]});
    let other_certification = world.create("balikpapan", "/v1/certifications", &candidacy);
    let own_certification = app.get("certifier", "/v1/certifications").expect(200)["data"][0].clone();
    let assessments = [
        world.create("samarinda", "/v1/assessments", &submission(&here)),
        world.create("balikpapan", "/v1/assessments", &submission(&there)),
    ];
    let other_bank = app.organisation("other_bank");
    let financings = [
        world.create("bank", "/v1/financings", &application(&here, &world.bank)),
        world.create("other_bank", "/v1/financings", &application(&here, &other_bank)),
    ];
    let enterprises = [("samarinda", "64.72"), ("balikpapan", "64.71")]
        .map(|(who, at)| world.create(who, "/v1/enterprises", &enterprise(at)));
    let trainings = [("samarinda", "64.72"), ("balikpapan", "64.71")]
        .map(|(who, at)| world.create(who, "/v1/trainings", &training(at)));
    let own_certification = id(&own_certification);
    for pair in [&[here, there.clone()], &assessments, &financings, &enterprises, &trainings] {
        name(&pair[0], "own");
        name(&pair[1], "other");
    }
    for (id, word) in [(&own, "own"), (&other, "other"), (&own_certification, "own"), (&other_certification, "other")] {
        name(id, word);
    }
    let [_, other_enterprise] = enterprises;
    Twins { world, names, other_manager: other, other_cooperative: there, other_enterprise, assessments }
}

#[test]
fn a_list_shows_exactly_the_rows_that_are_reached() {
    let Twins { world, names, .. } = twins();
    let (all, own, other) = (&["own", "other"][..], &["own"][..], &["other"][..]);
    let offices = ["province", "samarinda", "balikpapan", "ministry", "auditor"];
    let with = |who: &[&'static str]| [&offices[..], who].concat();
    let cases = [
        ("cooperatives", with(&["council", "bank", "other_bank"]), all),
        ("assessments", with(&["council"]), all),
        ("managers", with(&[]), all),
        ("managers", vec!["certifier"], own),
        ("managers", vec!["other_certifier"], other),
        ("certifications", with(&[]), all),
        ("certifications", vec!["certifier"], own),
        ("certifications", vec!["other_certifier"], other),
        ("enterprises", with(&[]), all),
        ("trainings", with(&[]), all),
        ("financings", with(&[]), all),
        ("financings", vec!["bank"], own),
        ("financings", vec!["other_bank"], other),
    ];
    for (path, callers, rows) in cases {
        for who in callers {
            let list = world.send(who, "GET", &format!("/v1/{path}?limit=500"), ("", b"")).expect(200);
            let seen: Vec<&str> =
                list["data"].as_array().unwrap().iter().map(|row| names[row["id"].as_str().unwrap()]).collect();
            assert_eq!(seen, rows, "{path} by {who}");
        }
    }
    // Sums and the events behind figures follow the same rows.
    for (who, count) in [("province", 2), ("balikpapan", 2), ("bank", 1), ("other_bank", 1)] {
        let sums = world.send(who, "GET", "/v1/financings/summary?by=state", ("", b"")).expect(200);
        assert_eq!(sums["data"][0]["count"], count, "{who}: {sums}");
        let evidence = world
            .send(who, "GET", "/v1/statistics/financing/evidence?measure=financings_applied", ("", b""))
            .expect(200);
        assert_eq!(evidence["data"].as_array().unwrap().len(), count, "{who}");
    }
}

#[test]
fn persons_worksheets_and_what_is_internal_are_seen_by_whom_the_table_names() {
    let Twins { world, other_manager, other_cooperative, other_enterprise, assessments, .. } = twins();
    let get = |who: &str, path: &str| world.send(who, "GET", path, ("", b"")).expect(200);
    let manager = format!("/v1/managers/{other_manager}");
    let position = get("province", &manager)["position"].clone();
    let in_lists = |who: &str, path: &str, member: &str| {
        let list = get(who, path);
        list["data"].as_array().unwrap().iter().filter(|row| !row[member].is_null()).count()
    };
    for (who, sees, of_two) in [
        ("province", true, 2),
        ("auditor", true, 2),
        ("balikpapan", true, 1),
        ("samarinda", false, 1),
        ("ministry", false, 0),
        ("other_certifier", false, 0),
    ] {
        for path in [manager.clone(), format!("{manager}?as_of={position}")] {
            assert_eq!(get(who, &path)["person"].is_object(), sees, "{path} by {who}");
        }
        assert!(!get(who, &format!("{manager}/history")).to_string().contains("Nama Balikpapan"));
        assert_eq!(in_lists(who, "/v1/managers", "person"), of_two, "{who}");
        if who != "other_certifier" {
            assert_eq!(in_lists(who, "/v1/enterprises", "person"), of_two, "{who}");
        }
    }
    // What the owner earns and has is as personal as the name.
    let enterprise = format!("/v1/enterprises/{other_enterprise}");
    let position = get("province", &enterprise)["position"].clone();
    for (who, sees, of_two) in [
        ("province", true, 2),
        ("auditor", true, 2),
        ("balikpapan", true, 1),
        ("samarinda", false, 1),
        ("ministry", false, 0),
    ] {
        for path in [enterprise.clone(), format!("{enterprise}?as_of={position}")] {
            let shown = get(who, &path);
            assert_eq!(
                (shown["size_basis"].is_object(), &shown["size_class"]),
                (sees, &json!("mikro")),
                "{path} by {who}"
            );
        }
        assert_eq!(in_lists(who, "/v1/enterprises", "size_basis"), of_two, "{who}");
        let history = get(who, &format!("{enterprise}/history")).to_string();
        assert!(history.contains("size_class") && !history.contains("1000000"), "{who}: {history}");
    }
    let [_, there] = &assessments;
    let at = format!("/v1/assessments/{there}");
    let position = get("province", &at)["position"].clone();
    for (who, sees, of_two) in [
        ("province", true, 2),
        ("auditor", true, 2),
        ("ministry", true, 2),
        ("council", true, 2),
        ("balikpapan", true, 1),
        ("samarinda", false, 1),
    ] {
        for path in [at.clone(), format!("{at}?as_of={position}")] {
            let shown = get(who, &path);
            assert_eq!((shown["worksheet"].is_object(), shown["scoring"].is_object()), (sees, sees), "{path} by {who}");
            assert_eq!(shown["state"], "submitted");
        }
        for member in ["worksheet", "scoring"] {
            assert_eq!(in_lists(who, "/v1/assessments", member), of_two, "{who}");
        }
        // Nor anywhere else.
        let timeline = get(who, &format!("/v1/cooperatives/{other_cooperative}/timeline")).to_string();
        let evidence = get(who, "/v1/statistics/assessments/evidence").to_string();
        assert!(!timeline.contains("modal_sendiri") && !evidence.contains("modal_sendiri"), "{who}");
    }
    let at = format!("/v1/cooperatives/{other_cooperative}");
    let position = get("province", &at)["position"].clone();
    for (who, internal) in [("province", true), ("samarinda", true), ("council", true), ("bank", false)] {
        for path in [at.clone(), format!("{at}?as_of={position}")] {
            let shown = get(who, &path);
            assert_eq!((shown["warnings"].is_array(), shown["working"].is_array()), (internal, internal), "{who}");
            assert!(shown["name"] == "KSP Lain" && shown.get("health").is_some(), "{shown}");
        }
        assert_eq!(in_lists(who, "/v1/cooperatives", "warnings"), if internal { 2 } else { 0 }, "{who}");
    }
    let lines = get("bank", &format!("{at}/timeline"))["data"].clone();
    assert!(lines.as_array().unwrap().iter().all(|line| line["kind"] == "cooperative"), "{lines}");
}
