//! What somebody might try, with a key of low rank or none.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Binary;
use serde_json::{Value, json};

use super::harness::{App, healthy_worksheet, id};
use super::place::on_postgres;

fn manager(name: &str, nik: &str) -> Value {
    json!({"region": "64.72", "person": {"name": name, "nik_orang": nik}})
}

fn enterprise(nik: &str) -> Value {
    json!({"name": "Warung", "region": "64.71", "owner": {"name": "Pemilik", "nik_orang": nik},
        "size_basis": {"yearly_sales": {"value": "1", "currency": "IDR"}}})
}

#[test]
fn an_id_that_somebody_else_chose_cannot_destroy_a_persons_key() {
    let app = App::start();
    let victim = id(&app.post("samarinda", "/v1/managers", &manager("Korban", "6472014101800001")).expect(201));
    let mut attack = enterprise("6471014101800009");
    attack["id"] = json!(victim);
    app.post("balikpapan", "/v1/enterprises", &attack).expect(201);
    let shown = app.get("province", &format!("/v1/managers/{victim}")).expect(200);
    assert_eq!(shown["person"]["name"], "Korban");
    assert_eq!(app.get("province", &format!("/v1/enterprises/{victim}")).expect(200)["person"]["name"], "Pemilik");
}

#[test]
fn an_instant_from_before_our_calendar_cannot_poison_a_record() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    for instant in
        ["-000001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "1066-10-14T00:00:00Z", "+012014-01-01T00:00:00Z"]
    {
        let body = json!({"reason": "x", "occurred_at": instant});
        app.post("samarinda", &format!("/v1/cooperatives/{cooperative}/deactivations"), &body).fault(
            400,
            "invalid_body",
            "/occurred_at",
            "invalid_instant",
        );
    }
    app.get("bank", "/v1/cooperatives").expect(200);
}

#[test]
fn a_key_gets_its_own_id_so_that_each_can_be_revoked() {
    let app = App::start();
    let bank = app.organisation("bank");
    let body = json!({"id": "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b"});
    app.post("province", &format!("/v1/organisations/{bank}/keys"), &body).fault(
        400,
        "invalid_body",
        "/id",
        "unknown_field",
    );
    let cooperative = app.cooperative("1/BH");
    app.command(
        "PATCH",
        "samarinda",
        &format!("/v1/cooperatives/{cooperative}"),
        &[],
        &json!({"name": "X", "id": bank}),
    )
    .fault(400, "invalid_body", "/id", "unknown_field");
}

#[test]
fn two_amendments_at_once_are_both_kept() {
    let app = App::start();
    let at = format!(
        "/v1/managers/{}",
        id(&app.post("samarinda", "/v1/managers", &manager("Dua", "6472014101800001")).expect(201))
    );
    std::thread::scope(|scope| {
        for change in [json!({"phone": "0541-1"}), json!({"address": "Jalan Baru"}), json!({"name": "Dua Kali"})] {
            let (app, at) = (&app, &at);
            scope.spawn(move || app.command("PATCH", "samarinda", at, &[], &json!({ "person": change })).expect(200));
        }
    });
    let person = app.get("province", &at).expect(200)["person"].clone();
    assert_eq!(
        (&person["phone"], &person["address"], &person["name"], &person["nik_orang"]),
        (&json!("0541-1"), &json!("Jalan Baru"), &json!("Dua Kali"), &json!("6472014101800001"))
    );
}

#[test]
fn an_erased_key_does_not_live_on_in_the_write_ahead_log() {
    let app = App::start();
    let at = format!(
        "/v1/managers/{}",
        id(&app.post("samarinda", "/v1/managers", &manager("Satu", "6472014101800001")).expect(201))
    );
    app.post("samarinda", &format!("{at}/erasures"), &json!({"reason": "x"})).expect(200);
    if !on_postgres() {
        let log = std::fs::metadata(app.folder().join("lumbung.db-wal")).unwrap().len();
        assert_eq!(log, 0);
    }
    app.get("province", &at).expect(200)["personal_data"].as_str().filter(|word| *word == "erased").unwrap();
}

#[derive(QueryableByName)]
struct Wrapped {
    #[diesel(sql_type = Binary)]
    wrapped: Vec<u8>,
}

#[test]
fn an_erasure_during_a_long_read_holds_nobody_up_and_is_finished_when_the_read_ends() {
    if on_postgres() {
        return;
    }
    let app = App::start();
    let person = app.post("samarinda", "/v1/managers", &manager("Satu", "6472014101800001")).expect(201);
    let mut reading = app.place.database.open_reader().unwrap();
    reading.batch_execute("BEGIN").unwrap();
    let keys = diesel::sql_query("SELECT wrapped FROM subject_keys").load::<Wrapped>(&mut reading).unwrap();
    let in_log = || {
        let log = std::fs::read(app.folder().join("lumbung.db-wal")).unwrap();
        keys.iter().any(|key| log.windows(key.wrapped.len()).any(|bytes| bytes == key.wrapped))
    };
    assert!(in_log());
    let began = Instant::now();
    app.post("samarinda", &format!("/v1/managers/{}/erasures", id(&person)), &json!({"reason": "x"})).expect(200);
    for number in 0..5 {
        let body = json!({"name": "K", "kind": "ksp", "region": "64.71",
            "badan_hukum": {"number": format!("{number}/BH"), "date": "2008-08-14"}});
        app.post("balikpapan", "/v1/cooperatives", &body).expect(201);
    }
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(in_log());
    drop(reading);
    // Nobody writes any more, and it is done all the same.
    let ended = Instant::now();
    while in_log() {
        assert!(ended.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_compressed_command_and_a_field_that_stands_twice_are_turned_away() {
    let app = App::start();
    let bearer = format!("Bearer {}", app.key("samarinda"));
    let headers =
        [("Authorization", bearer.as_str()), ("Content-Type", "application/json"), ("Content-Encoding", "zstd")];
    app.send("POST", "/v1/cooperatives", &headers, b"x").problem(415, "unsupported_media_type");
    let twice = br#"{"name":"A","name":"B","kind":"ksp","region":"64.72","nik_koperasi":"6472010010001"}"#;
    app.send("POST", "/v1/cooperatives", &headers[..2], twice).problem(400, "malformed_json");
}

#[test]
fn a_body_made_of_faults_is_not_answered_with_a_larger_one() {
    let app = App::start();
    let long = "x".repeat(300);
    let readings: serde_json::Map<String, Value> = (0..2000).map(|n| (format!("{n}{long}"), json!("y"))).collect();
    let body = json!({"regulation": "permen-14-2009", "readings": readings, "worksheet": {}});
    let answer = app.post("auditor", "/v1/assessments/preview", &body);
    assert!(answer.text.len() < 60_000, "{}", answer.text.len());
    let problem = answer.problem(422, "rule_refused");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 101);
    let regulation = json!({"regulation": long, "worksheet": {}});
    app.post("auditor", "/v1/assessments/preview", &regulation).fault(
        400,
        "invalid_body",
        "/regulation",
        "invalid_text",
    );
}

#[test]
fn an_owner_may_have_several_enterprises_and_be_a_manager_too() {
    let app = App::start();
    let nik = "6472014101800001";
    app.post("samarinda", "/v1/managers", &manager("Orang", nik)).expect(201);
    for _ in 0..2 {
        app.post("balikpapan", "/v1/enterprises", &enterprise(nik)).expect(201);
    }
    let nonsense = json!({"name": "W", "region": "64.71", "owner": {"name": "P"},
        "size_basis": {"yearly_sales": {"value": "-1", "currency": "IDR"}, "founded_on": "2999-01-01"}});
    let problem = app.post("balikpapan", "/v1/enterprises", &nonsense).problem(422, "rule_refused");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2);
}

#[test]
fn versions_and_taken_ids_are_told_only_to_who_may_see_them() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let body = json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "scheme": "lpdb",
        "amount": {"value": "1", "currency": "IDR"}, "purpose": "x", "tenor_months": 1});
    let financing = id(&app.post("bank", "/v1/financings", &body).expect(201));
    let at = format!("/v1/financings/{financing}/approvals");
    app.command("POST", "other_bank", &at, &[("If-Match", "\"0\"")], &json!({})).problem(404, "not_found");
    app.command("POST", "bank", &at, &[("If-Match", "\"0\"")], &json!({})).problem(412, "precondition_failed");
    let mut taken = body.clone();
    taken["id"] = json!(financing);
    app.post("auditor", "/v1/financings", &taken).problem(403, "forbidden");
    app.post("bank", "/v1/financings", &taken).fault(409, "duplicate", "/id", "duplicate");
    let unknown = json!({"manager": cooperative, "scheme": "x"});
    app.post("bank", "/v1/certifications", &unknown).problem(403, "forbidden");
    app.get("bank", "/v1/certifications").problem(403, "forbidden");
}

#[test]
fn a_failed_precondition_is_no_answer_to_keep() {
    let app = App::start();
    let at = format!("/v1/cooperatives/{}", app.cooperative("1/BH"));
    let send = |tag: &str| {
        app.command("PATCH", "samarinda", &at, &[("Idempotency-Key", "k"), ("If-Match", tag)], &json!({"name": "Baru"}))
    };
    send("\"7\"").problem(412, "precondition_failed");
    send("W/\"1\"").problem(412, "precondition_failed");
    send("\"1\"").expect(200);
}

#[test]
fn nothing_is_assessed_that_was_dissolved_and_nothing_determined_before_it_was_assessed() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let submission = json!({"cooperative": cooperative, "regulation": "permen-14-2009", "book_year": 2013,
        "assessed_on": "2014-02-24", "worksheet": healthy_worksheet()});
    let at = format!("/v1/assessments/{}", id(&app.post("samarinda", "/v1/assessments", &submission).expect(201)));
    let early = json!({"occurred_at": "2014-02-20T08:00:00+08:00"});
    app.post("province", &format!("{at}/determinations"), &early).fault(
        422,
        "rule_refused",
        "/occurred_at",
        "before_assessment",
    );
    let faulty = json!({"cooperative": cooperative, "regulation": "permen-14-2009", "book_year": 2050,
        "assessed_on": "2999-02-24", "worksheet": {"x": "1"}});
    let problem = app.post("samarinda", "/v1/assessments", &faulty).problem(422, "rule_refused");
    let pointers: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/assessed_on", "/worksheet/x"]);
    app.post("province", &format!("{at}/determinations"), &json!({})).expect(200);
    let empty = json!({"category": "sehat", "reason": "x", "worksheet": {}});
    app.post("province", &format!("{at}/corrections"), &empty).fault(
        422,
        "rule_refused",
        "/worksheet",
        "worksheet_does_not_yield_category",
    );
    app.post("samarinda", &format!("/v1/cooperatives/{cooperative}/dissolutions"), &json!({"reason": "x"})).expect(200);
    app.post("samarinda", "/v1/assessments", &submission).fault(
        422,
        "rule_refused",
        "/cooperative",
        "cooperative_dissolved",
    );
}

#[test]
fn a_role_counts_on_the_day_of_issue_only() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let certify = |since: &str, number: &str| {
        let manager = app.manager(number);
        let appointment = json!({"cooperative": cooperative, "role": "manajer", "since": since});
        app.post("samarinda", &format!("/v1/managers/{manager}/appointments"), &appointment).expect(200);
        let body = json!({"manager": manager, "scheme": "x", "certifier": app.organisation("certifier"),
            "occurred_at": "2014-03-01T08:00:00+08:00"});
        let at = format!("/v1/certifications/{}", id(&app.post("samarinda", "/v1/certifications", &body).expect(201)));
        app.post("certifier", &format!("{at}/results"), &json!({"result": "kompeten", "assessed_on": "2014-04-10"}))
            .expect(200);
        let certificate = json!({"certificate_number": number, "issued_on": "2014-04-20"});
        app.post("certifier", &format!("{at}/certificates"), &certificate).expect(200)["certificate"]["role"].clone()
    };
    assert_eq!(certify("2013-01-01", "A-1"), "manajer");
    assert_eq!(certify("2020-01-01", "A-2"), Value::Null);
}
