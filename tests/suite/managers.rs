//! Managers over HTTP: sealed data, appointments, erasure.

use serde_json::{Value, json};

use super::harness::{App, id};
use super::place::everything_stored;

const NAME: &str = "Siti Contoh Peraga";
const NIK: &str = "6472014101800001";

fn register(app: &App) -> String {
    let body = json!({"region": "64.72", "person": {"name": NAME, "nik_orang": NIK, "phone": "0541-123456"}});
    id(&app.post("samarinda", "/v1/managers", &body).expect(201))
}

#[test]
fn personal_data_is_shown_to_the_province_the_regency_and_auditors_and_to_nobody_else() {
    let app = App::start();
    let at = format!("/v1/managers/{}", register(&app));
    for who in ["province", "samarinda", "auditor"] {
        let shown = app.get(who, &at).expect(200);
        assert_eq!((&shown["person"]["name"], &shown["personal_data"]), (&json!(NAME), &json!("shown")), "{who}");
    }
    for who in ["balikpapan", "ministry"] {
        let answer = app.get(who, &at);
        assert!(!answer.text.contains(NAME) && !answer.text.contains(NIK) && !answer.text.contains("sealed"));
        let shown = answer.expect(200);
        assert_eq!((&shown["person"], &shown["personal_data"]), (&Value::Null, &json!("hidden")), "{who}");
    }
    app.get("bank", &at).problem(403, "forbidden");
    app.get("certifier", &at).problem(404, "not_found");
    app.get("", &at).problem(401, "unauthenticated");
}

#[test]
fn no_clear_name_or_number_reaches_the_database_and_erasing_destroys_what_could_open_it() {
    let app = App::start();
    let manager = register(&app);
    let at = format!("/v1/managers/{manager}");
    let changes = json!({"person": {"phone": "0541-654321"}});
    let amended = app.command("PATCH", "samarinda", &at, &[("Idempotency-Key", "a-1")], &changes).expect(200);
    assert_eq!((&amended["person"]["phone"], &amended["person"]["name"]), (&json!("0541-654321"), &json!(NAME)));
    let erased = app.post("samarinda", &format!("{at}/erasures"), &json!({"reason": "Permintaan"})).expect(200);
    assert_eq!((&erased["person"], &erased["personal_data"]), (&Value::Null, &json!("erased")));
    app.command("PATCH", "samarinda", &at, &[], &changes).problem(409, "personal_data_erased");
    // What was shown once cannot be had again: not by looking back, and not by repeating the request.
    let before = app.get("province", &format!("{at}?as_of={}", amended["position"])).expect(200);
    assert_eq!(before["personal_data"], "erased");
    let repeated = app.command("PATCH", "samarinda", &at, &[("Idempotency-Key", "a-1")], &changes);
    assert!(!repeated.text.contains(NAME), "{}", repeated.text);
    // The identity number is free again.
    register(&app);
    let (place, folder) = app.stop();
    for (name, bytes) in everything_stored(&place.database, folder.path()) {
        for clear in [NAME, NIK, "0541-654321"] {
            let found = bytes.windows(clear.len()).any(|window| window == clear.as_bytes());
            assert!(!found, "{clear} stands in {name}");
        }
    }
}

#[test]
fn the_same_identity_number_twice_is_refused_without_repeating_it() {
    let app = App::start();
    let first = register(&app);
    let body = json!({"region": "64.72", "person": {"name": "Orang Lain", "nik_orang": NIK}});
    let answer = app.post("samarinda", "/v1/managers", &body);
    assert!(!answer.text.contains(NIK));
    assert_eq!(answer.problem(409, "duplicate")["existing"], first.as_str());
    let wrong = json!({"region": "64.72", "person": {"name": "X", "nik_orang": "12345678901234"}});
    let answer = app.post("samarinda", "/v1/managers", &wrong);
    assert!(!answer.text.contains("12345678901234"));
    answer.fault(400, "invalid_body", "/person/nik_orang", "invalid_nik_orang");
}

#[test]
fn a_manager_is_appointed_and_departs() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let at = format!("/v1/managers/{}", register(&app));
    let appointment = json!({"cooperative": cooperative, "role": "manajer", "since": "2013-01-02"});
    app.post("samarinda", &format!("{at}/appointments"), &appointment).expect(200);
    app.post("samarinda", &format!("{at}/appointments"), &appointment).problem(409, "wrong_state");
    let list = app.get("samarinda", &format!("/v1/managers?cooperative={cooperative}&role=manajer")).expect(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    let departure = json!({"cooperative": cooperative, "role": "manajer", "until": "2014-05-01"});
    let departed = app.post("samarinda", &format!("{at}/departures"), &departure).expect(200);
    assert_eq!(departed["appointments"][0]["until"], "2014-05-01");
    app.post("balikpapan", &format!("{at}/appointments"), &appointment).problem(403, "forbidden");
}
