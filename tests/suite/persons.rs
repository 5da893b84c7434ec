//! What the law lets persons ask for, over HTTP: erasure and its refusal, restriction, and who looked at them.

use serde_json::{Value, json};

use super::harness::{Answer, App, id};

const NAME: &str = "Rahmat Contoh Peraga";
const NIK: &str = "6472014101800077";

fn person() -> Value {
    json!({"name": NAME, "nik_orang": NIK, "phone": "0541-777888", "address": "Jalan Contoh Peraga 7"})
}

fn manager(app: &App) -> String {
    let body = json!({"region": "64.72", "person": person()});
    format!("/v1/managers/{}", id(&app.post("samarinda", "/v1/managers", &body).expect(201)))
}

fn enterprise(app: &App) -> String {
    let body = json!({"name": "Warung Uji", "region": "64.72", "owner": person(),
        "size_basis": {"yearly_sales": {"value": "180000000", "currency": "IDR"}}});
    format!("/v1/enterprises/{}", id(&app.post("samarinda", "/v1/enterprises", &body).expect(201)))
}

fn shows(answer: &Answer) -> (bool, Value) {
    let clear = [NAME, NIK, "0541-777888", "Jalan Contoh"].iter().any(|clear| answer.text.contains(clear));
    (clear, answer.clone().expect(200)["personal_data"].clone())
}

#[test]
fn restricted_data_is_the_provinces_alone_as_it_is_and_as_it_was_until_the_province_lifts_it() {
    let app = App::start();
    for (at, amendment) in [(manager(&app), "person"), (enterprise(&app), "owner")] {
        let list = at.rsplit_once('/').unwrap().0;
        let before = app.get("province", &at).expect(200)["position"].clone();
        let reason = json!({"reason": "Pemilik data menyangkal ketepatannya"});
        let restrictions = format!("{at}/restrictions");
        app.post("balikpapan", &restrictions, &reason).problem(403, "forbidden");
        assert_eq!(shows(&app.post("samarinda", &restrictions, &reason)), (false, json!("restricted")));
        app.post("samarinda", &restrictions, &reason).problem(409, "wrong_state");
        for path in [at.clone(), format!("{at}?as_of={before}")] {
            assert_eq!(shows(&app.get("samarinda", &path)), (false, json!("restricted")), "{path}");
            assert_eq!(shows(&app.get("province", &path)), (true, json!("restricted")), "{path}");
            assert!(!shows(&app.get("ministry", &path)).0, "{path}");
        }
        for who in ["samarinda", "ministry"] {
            let listed = app.get(who, list);
            assert!(!listed.text.contains(NAME), "{who}");
        }
        assert_eq!(app.get("samarinda", list).expect(200)["data"][0]["personal_data"], "restricted");
        let amend = json!({amendment: {"phone": "0541-999000"}});
        for who in ["samarinda", "province"] {
            app.command("PATCH", who, &at, &[], &amend).problem(409, "personal_data_restricted");
        }
        let liftings = format!("{at}/restriction-liftings");
        app.post("samarinda", &liftings, &reason).problem(403, "forbidden");
        app.post("province", &liftings, &reason).expect(200);
        app.post("province", &liftings, &reason).problem(409, "wrong_state");
        assert_eq!(shows(&app.get("samarinda", &at)), (true, json!("shown")));
        app.command("PATCH", "samarinda", &at, &[], &amend).expect(200);
    }
    assert_proved(&app);
}

#[test]
fn an_erasure_is_refused_on_record_or_done_for_good() {
    let app = App::start();
    for (at, amendment) in [(manager(&app), "person"), (enterprise(&app), "owner")] {
        let before = app.get("province", &at).expect(200)["position"].clone();
        let refusal = json!({"ground": "financing_runs", "law": "UU 27/2022 pasal 15 ayat (1)",
            "reason": "Pembiayaan belum lunas", "until": "2017-02-28"});
        let refusals = format!("{at}/erasure-refusals");
        let mut without_ground = refusal.clone();
        without_ground.as_object_mut().unwrap().remove("ground");
        app.post("samarinda", &refusals, &without_ground).problem(400, "invalid_body");
        assert_eq!(shows(&app.post("samarinda", &refusals, &refusal)), (true, json!("shown")));
        let erasures = format!("{at}/erasures");
        assert_eq!(
            shows(&app.post("samarinda", &erasures, &json!({"reason": "Masa simpan berakhir"}))),
            (false, json!("erased"))
        );
        app.post("samarinda", &erasures, &json!({"reason": "Lagi"})).problem(409, "personal_data_erased");
        app.post("samarinda", &refusals, &refusal).problem(409, "personal_data_erased");
        let amend = json!({amendment: {"phone": "0541-999000"}});
        app.command("PATCH", "samarinda", &at, &[], &amend).problem(409, "personal_data_erased");
        for path in [at.clone(), format!("{at}?as_of={before}")] {
            assert_eq!(shows(&app.get("province", &path)), (false, json!("erased")), "{path}");
        }
        let history = app.get("province", &format!("{at}/history"));
        assert!(!history.text.contains(NAME));
        let history = history.expect(200);
        let events = history["data"].as_array().unwrap();
        let kind = at.split('/').nth(2).unwrap().trim_end_matches('s');
        let of = |name: &str| format!("{kind}.{name}");
        let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(types, [&of("registered"), &of("erasure_refused"), &of("personal_data_erased")]);
        assert_eq!(events[1]["data"], refusal);
    }
    // The number leads nowhere any more: it can be registered anew.
    manager(&app);
    assert_proved(&app);
}

fn assert_proved(app: &App) {
    let verified = lumbung::maintenance::verify(&app.place).unwrap();
    assert!(verified.starts_with("verified: "), "{verified}");
}
