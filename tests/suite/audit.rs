//! Who looked at whom, and what a person is told when asking.

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use super::harness::{App, id};
use super::place::on_postgres;

const NAME: &str = "Wahyuni Contoh Peraga";

fn manager(app: &App, who: &str, number: u32) -> String {
    let region = if who == "balikpapan" { "64.71" } else { "64.72" };
    let person = json!({"name": NAME, "nik_orang": format!("64720141018{number:05}"), "phone": "0541-222333"});
    id(&app.post(who, "/v1/managers", &json!({"region": region, "person": person})).expect(201))
}

fn audit(app: &App, query: &str) -> Vec<Value> {
    app.get("auditor", &format!("/v1/audit?{query}")).expect(200)["data"].as_array().unwrap().clone()
}

#[test]
fn every_answer_that_shows_personal_data_is_on_record_before_it_is_given_and_no_other_is() {
    let app = App::start();
    let own = manager(&app, "samarinda", 1);
    let at = format!("/v1/managers/{own}");
    assert_eq!(audit(&app, ""), Vec::<Value>::new(), "who registers gets back what it sent");

    let headers = |who: &str| format!("Bearer {}", app.key(who));
    let bearer = headers("samarinda");
    let sent =
        [("Authorization", bearer.as_str()), ("Purpose-Reference", "518/PERIKSA/2014"), ("X-Request-Id", "periksa-1")];
    let shown = app.send("GET", &at, &sent, b"");
    assert_eq!(shown.headers["cache-control"], "no-store");
    let looks = audit(&app, &format!("record={own}"));
    assert_eq!(looks.len(), 1);
    let look = &looks[0];
    assert_eq!(look["organisation"], app.organisation("samarinda").as_str());
    assert_eq!((&look["kind"], &look["record"]), (&json!("manager"), &json!(own)));
    assert_eq!(look["operation"], "GET /v1/managers/{id}");
    assert_eq!((&look["request_id"], &look["purpose"]), (&json!("periksa-1"), &json!("518/PERIKSA/2014")));

    // Nobody else sees it, so nothing is recorded; and who has the version already is shown nothing.
    for who in ["balikpapan", "ministry"] {
        let hidden = app.get(who, &at);
        assert_ne!(hidden.headers["cache-control"], "no-store", "{who}");
    }
    let etag = shown.headers["etag"].clone();
    let known = [("Authorization", bearer.as_str()), ("If-None-Match", etag.as_str())];
    assert_eq!(app.send("GET", &at, &known, b"").status, 304);
    app.get("samarinda", &format!("{at}/history")).expect(200);
    assert_eq!(audit(&app, "").len(), 1);

    // A list is a look at everybody who is shown in it.
    for number in 2..5 {
        manager(&app, "samarinda", number);
    }
    manager(&app, "balikpapan", 9);
    let listed = app.get("samarinda", "/v1/managers?region=64.72");
    assert_eq!(listed.headers["cache-control"], "no-store");
    assert_eq!(audit(&app, "").len(), 5);
    app.get("samarinda", &format!("{at}?as_of=9999999")).problem(400, "invalid_parameter");
    app.command("PATCH", "samarinda", &at, &[], &json!({"person": {"phone": "0541-1"}})).expect(200);
    let operations: Vec<Value> = audit(&app, "").iter().map(|look| look["operation"].clone()).collect();
    assert_eq!(operations[5], "PATCH /v1/managers/{id}");

    // Pages, filters, and who may ask.
    let first = app.get("province", "/v1/audit?limit=4").expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = app.get("province", &format!("/v1/audit?limit=4&cursor={cursor}")).expect(200);
    let numbers = |page: &Value| -> Vec<i64> {
        page["data"].as_array().unwrap().iter().map(|look| look["number"].as_i64().unwrap()).collect()
    };
    assert_eq!([numbers(&first), numbers(&second)].concat(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(audit(&app, &format!("organisation={}", app.organisation("balikpapan"))).len(), 0);
    assert_eq!(audit(&app, "from=2014-01-01T00:00:00Z&until=2014-02-01T00:00:00Z").len(), 0);
    assert_eq!(audit(&app, &format!("record={own}&from=2014-01-01T00:00:00Z")).len(), 3);
    assert!(!app.get("auditor", "/v1/audit").text.contains(NAME));
    for who in ["samarinda", "ministry", "bank", "certifier"] {
        app.get(who, "/v1/audit").problem(403, "forbidden");
    }
    app.get("", "/v1/audit").problem(401, "unauthenticated");
    for purpose in ["dua kata", "6472014101800001", ""] {
        let sent = [("Authorization", bearer.as_str()), ("Purpose-Reference", purpose), ("Accept-Language", "en")];
        app.send("GET", &at, &sent, b"").problem(400, "invalid_header");
    }
}

#[test]
fn looks_cannot_be_changed_and_what_cannot_be_recorded_is_not_shown() {
    let app = App::start();
    let at = format!("/v1/managers/{}", manager(&app, "samarinda", 1));
    app.get("province", &at).expect(200);
    let mut hand = app.place.database.open_writer().unwrap();
    let truncate = if on_postgres() { "TRUNCATE looks" } else { "INSERT OR REPLACE INTO looks SELECT * FROM looks" };
    for statement in ["UPDATE looks SET purpose = 'x'", "DELETE FROM looks", truncate] {
        let why = hand.batch_execute(statement).unwrap_err().to_string();
        assert!(why.contains("append-only"), "{statement}: {why}");
    }
    let (refuse, admit) = if on_postgres() {
        (
            "ALTER TABLE looks ADD CONSTRAINT full_up CHECK (number < 0) NOT VALID",
            "ALTER TABLE looks DROP CONSTRAINT full_up",
        )
    } else {
        (
            "CREATE TRIGGER full_up BEFORE INSERT ON looks BEGIN SELECT RAISE(ABORT, 'full up'); END",
            "DROP TRIGGER full_up",
        )
    };
    hand.batch_execute(refuse).unwrap();
    for path in [at.clone(), "/v1/managers".to_owned(), format!("{at}/disclosures")] {
        let refused = app.get("province", &path);
        assert!(!refused.text.contains(NAME));
        assert!(refused.headers.contains_key("retry-after"), "{path}");
        refused.problem(503, "unavailable");
    }
    // A command is carried out all the same, and shows nothing; so is a command that waits beside a look.
    let phone = |number: &str| json!({"person": {"phone": number}});
    let amended = app.command("PATCH", "province", &at, &[], &phone("0541-1"));
    assert!(!amended.text.contains(NAME));
    assert_eq!(amended.expect(200)["personal_data"], "hidden");
    app.get("ministry", &at).expect(200);
    hand.batch_execute(admit).unwrap();
    assert_eq!(app.get("province", &at).expect(200)["person"]["phone"], "0541-1");
    assert_eq!(audit(&app, "").len(), 2);
    lumbung::maintenance::verify(&app.place).unwrap();
    let missing = if on_postgres() {
        "ALTER TABLE looks DISABLE TRIGGER looks_refuse_change"
    } else {
        "DROP TRIGGER looks_refuse_delete"
    };
    hand.batch_execute(missing).unwrap();
    let why = lumbung::maintenance::verify(&app.place).unwrap_err().0;
    assert!(why.contains("looks_refuse_"), "{why}");
}

#[test]
fn a_disclosure_tells_every_value_every_use_everything_done_and_everybody_who_looked() {
    let app = App::start();
    let own = manager(&app, "samarinda", 1);
    let at = format!("/v1/managers/{own}");
    let cooperative = app.cooperative("1/BH");
    let appointment = json!({"cooperative": cooperative, "role": "manajer", "since": "2013-01-02"});
    app.post("samarinda", &format!("{at}/appointments"), &appointment).expect(200);
    let training = json!({"name": "Pelatihan", "region": "64.72", "held_from": "2014-02-17", "held_until": "2014-02-18",
        "organiser": "Dinas", "subject_matter": "Simpan pinjam"});
    let training = app.post("samarinda", "/v1/trainings", &training);
    let training = id(&training.expect(201));
    let attendance = json!({"attendees": [{"kind": "manager", "id": own}]});
    app.post("samarinda", &format!("/v1/trainings/{training}/attendances"), &attendance).expect(200);
    app.command("PATCH", "province", &at, &[], &json!({"person": {"phone": "0541-444555"}})).expect(200);
    let refusal = json!({"ground": "certificate_in_force", "law": "UU 27/2022 pasal 15", "reason": "Berlaku"});
    app.post("province", &format!("{at}/erasure-refusals"), &refusal).expect(200);

    let path = format!("{at}/disclosures");
    let told = app.get("samarinda", &path);
    assert_eq!(told.headers["cache-control"], "no-store");
    let told = told.expect(200);
    assert_eq!((&told["person"]["phone"], &told["personal_data"]), (&json!("0541-444555"), &json!("shown")));
    let phones: Vec<(&Value, &Value, &Value)> = told["values"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|value| value["field"] == "phone")
        .map(|value| (&value["value"], &value["current"], &value["organisation"]))
        .collect();
    let (samarinda, province) = (json!(app.organisation("samarinda")), json!(app.organisation("province")));
    assert_eq!(
        phones,
        [(&json!("0541-222333"), &json!(false), &samarinda), (&json!("0541-444555"), &json!(true), &province)]
    );
    let uses = told["uses"].as_array().unwrap();
    assert!(uses.contains(&json!({"kind": "appointment", "id": cooperative})), "{uses:?}");
    assert!(uses.contains(&json!({"kind": "training", "id": training})), "{uses:?}");
    let processing = told["processing"].as_array().unwrap();
    let types: Vec<&str> = processing.iter().map(|done| done["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        ["manager.registered", "manager.appointed", "manager.details_amended", "manager.erasure_refused"]
    );
    assert_eq!(processing[3]["data"]["ground"], "certificate_in_force");
    assert!(processing.iter().all(|done| done["legal_basis"].as_str().unwrap().starts_with("UU 27/2022 pasal ")));
    assert!(told["looks_total"].as_i64().unwrap() >= 3, "{told}");
    let looks_before = audit(&app, &format!("record={own}")).len();
    assert_eq!(looks_before, usize::try_from(told["looks_total"].as_u64().unwrap()).unwrap() + 1);

    for who in ["balikpapan", "ministry", "auditor"] {
        app.get(who, &path).problem(403, "forbidden");
    }
    app.get("bank", &path).problem(403, "forbidden");
    app.get("certifier", &path).problem(404, "not_found");
    app.get("", &path).problem(401, "unauthenticated");
    app.post("province", &format!("{at}/restrictions"), &json!({"reason": "Disangkal"})).expect(200);
    app.get("samarinda", &path).problem(403, "forbidden");
    assert_eq!(app.get("province", &path).expect(200)["personal_data"], "restricted");
    app.post("province", &format!("{at}/erasures"), &json!({"reason": "Permintaan"})).expect(200);
    let erased = app.get("province", &path);
    assert!(!erased.text.contains(NAME) && !erased.text.contains("0541-"));
    let erased = erased.expect(200);
    assert_eq!((&erased["person"], &erased["values"]), (&Value::Null, &json!([])));
    assert_eq!(erased["processing"].as_array().unwrap().len(), 6);
}

#[test]
fn an_owner_is_told_of_the_financings() {
    let app = App::start();
    let body = json!({"name": "Warung", "region": "64.72", "owner": {"name": NAME, "address": "Gang Contoh 1"},
        "size_basis": {"yearly_sales": {"value": "180000000", "currency": "IDR"}}});
    let own = id(&app.post("samarinda", "/v1/enterprises", &body).expect(201));
    let apply = json!({"beneficiary": {"kind": "enterprise", "id": own}, "scheme": "kur_mikro",
        "amount": {"value": "20000000", "currency": "IDR"}, "purpose": "Modal", "tenor_months": 24});
    let financing = id(&app.post("bank", "/v1/financings", &apply).expect(201));
    let told = app.get("samarinda", &format!("/v1/enterprises/{own}/disclosures")).expect(200);
    assert_eq!(told["uses"], json!([{"kind": "financing", "id": financing}]));
    assert_eq!(told["person"]["address"], "Gang Contoh 1");
    let fields: Vec<&str> =
        told["values"].as_array().unwrap().iter().map(|value| value["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["address", "name"]);
}
