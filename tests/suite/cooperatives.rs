//! A cooperative's life over HTTP.

use lumbung::kernel::{Clock, Timestamp};
use serde_json::{Value, json};

use super::harness::{App, id};

#[test]
fn a_cooperative_lives_from_registration_to_dissolution_and_its_history_tells_it() {
    let app = App::start();
    let body = json!({"name": "KSP Sumber Rejeki", "kind": "ksp", "region": "64.72", "occurred_at": "2014-02-17T08:00:00+08:00",
        "badan_hukum": {"number": "518.08/96/BH/XIV.10/VIII/2008", "date": "2008-08-14"}});
    let answer = app.post("samarinda", "/v1/cooperatives", &body);
    assert_eq!(answer.headers["etag"], "\"1\"");
    let location = answer.headers["location"].clone();
    let registered = answer.expect(201);
    let at = format!("/v1/cooperatives/{}", id(&registered));
    assert_eq!(location, at);
    assert_eq!(registered["status"], "active");

    let amended = app.command(
        "PATCH",
        "samarinda",
        &at,
        &[],
        &json!({"name": "KSP Sumber Rejeki Mandiri", "nik_koperasi": "123"}),
    );
    let amended = amended.expect(200);
    assert_eq!(amended["warnings"], json!(["nik_koperasi_not_13_digits"]));
    let ratified = json!({"badan_hukum": {"number": "AHU-0000667.AH.01.27.TAHUN 2020", "date": "2020-03-02"}});
    assert_eq!(
        app.post("samarinda", &format!("{at}/legal-entities"), &ratified).expect(200)["badan_hukum"][1]["date"],
        "2020-03-02"
    );
    let licence = json!({"kind": "Izin usaha simpan pinjam", "number": "503/12", "granted_on": "2013-05-02"});
    app.post("samarinda", &format!("{at}/licences"), &licence).expect(200);
    app.post("samarinda", &format!("{at}/deactivations"), &json!({"reason": "Tidak RAT"})).expect(200);
    app.post("samarinda", &format!("{at}/deactivations"), &json!({"reason": "Lagi"})).problem(409, "wrong_state");
    app.post("samarinda", &format!("{at}/reactivations"), &json!({})).expect(200);
    app.post("samarinda", &format!("{at}/dissolutions"), &json!({"reason": "Rapat anggota"})).expect(200);
    let problem = app.post("samarinda", &format!("{at}/reactivations"), &json!({})).problem(409, "wrong_state");
    assert_eq!((&problem["state"], &problem["allowed"]), (&json!("dissolved"), &json!([])));

    let history = app.get("samarinda", &format!("{at}/history")).expect(200);
    let types: Vec<&str> =
        history["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        [
            "registered",
            "details_amended",
            "legal_entity_ratified",
            "licence_granted",
            "deactivated",
            "reactivated",
            "dissolved"
        ]
        .map(|verb| format!("cooperative.{verb}"))
    );
    assert_eq!(history["data"][0]["occurred_at"], "2014-02-17T00:00:00Z");
    assert_ne!(history["data"][0]["recorded_at"], history["data"][0]["occurred_at"]);
}

#[test]
fn the_same_identity_twice_is_refused_with_the_record_that_has_it() {
    let app = App::start();
    let first = app.cooperative("1/BH/2008");
    let body = json!({"name": "Lain", "kind": "ksp", "region": "64.72", "badan_hukum": {"number": " 1 / bh / 2008", "date": "2009-01-01"}});
    let problem =
        app.post("samarinda", "/v1/cooperatives", &body).fault(409, "duplicate", "/badan_hukum/number", "duplicate");
    assert_eq!(problem["existing"], first.as_str());
    // The same number in another region is another cooperative's.
    let elsewhere = json!({"name": "Lain", "kind": "ksp", "region": "64.71", "badan_hukum": {"number": "1/BH/2008", "date": "2009-01-01"}});
    app.post("balikpapan", "/v1/cooperatives", &elsewhere).expect(201);
}

#[test]
fn cooperatives_are_found_by_what_they_are() {
    let app = App::start();
    let one = app.cooperative("1/BH");
    app.cooperative_of_kind("producer", "2/BH");
    let inactive = app.cooperative("3/BH");
    app.post("samarinda", &format!("/v1/cooperatives/{inactive}/deactivations"), &json!({"reason": "x"})).expect(200);
    let found = |query: &str| {
        let list = app.get("bank", &format!("/v1/cooperatives?{query}")).expect(200);
        list["data"].as_array().unwrap().iter().map(id).collect::<Vec<_>>()
    };
    assert_eq!(found("kind=ksp&status=active"), [one.clone()]);
    assert_eq!(found("region=64.71"), Vec::<String>::new());
    assert_eq!(found("region=64").len(), 3);
    assert_eq!(found("text=koPERasi%201"), [one]);
    assert_eq!(found("text=%25"), Vec::<String>::new());
    assert_eq!(found("certified_manager=false").len(), 3);
    app.get("bank", "/v1/cooperatives?helth=sehat").fault(400, "invalid_parameter", "?helth", "unknown_field");
}

#[test]
fn a_timeline_shows_health_certificates_and_financing_to_whose_rights_reach_them() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let apply = |bank: &str, amount: &str| {
        let body = json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "scheme": "komersial", "purpose": "Modal",
            "amount": {"value": amount, "currency": "IDR"}, "tenor_months": 12, "occurred_at": "2014-04-01T08:00:00+08:00"});
        let applied = app.post(bank, "/v1/financings", &body).expect(201);
        let at = format!("/v1/financings/{}/approvals", applied["id"].as_str().unwrap());
        app.post(bank, &at, &json!({"approved_on": "2014-04-03"})).expect(200);
    };
    apply("bank", "1000");
    let head = app.get("province", "/v1/cooperatives").expect(200)["as_of_position"].as_i64().unwrap();
    apply("other_bank", "2000");
    let at = format!("/v1/cooperatives/{cooperative}/timeline");
    let lines =
        |who: &str, query: &str| app.get(who, &format!("{at}{query}")).expect(200)["data"].as_array().unwrap().clone();
    let days: Vec<String> =
        lines("province", "?kind=financing").iter().map(|it| it["on"].as_str().unwrap().to_owned()).collect();
    assert_eq!(days, ["2014-04-01", "2014-04-01", "2014-04-03", "2014-04-03"]);
    assert_eq!(lines("province", &format!("?kind=financing&as_of={head}")).len(), 2);
    assert_eq!(lines("bank", "?kind=financing").len(), 2);
    assert_eq!(lines("council", "?kind=financing").len(), 0);
    assert!(lines("council", "").iter().any(|line| line["type"] == "cooperative.registered"));
    // Page by page it is the same line.
    let mut paged = Vec::new();
    let mut next = format!("{at}?limit=2");
    loop {
        let page = app.get("province", &next).expect(200);
        paged.extend(page["data"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("{at}?limit=2&cursor={cursor}");
    }
    assert_eq!(paged, lines("province", ""));
    app.get("bank", "/v1/cooperatives/00000000-0000-7000-8000-000000000000/timeline").problem(404, "not_found");
}

#[test]
fn a_timeline_tells_of_certificates_on_days_on_which_their_holders_managed_the_cooperative() {
    let app = App::start_at(Clock::set_to(Timestamp::parse("2015-06-01T08:00:00+08:00").unwrap()));
    let (before, after) = (app.cooperative("1/BH"), app.cooperative("2/BH"));
    let manager = app.manager("Satu");
    let at = format!("/v1/managers/{manager}");
    let appoint = |cooperative: &str, since: &str| {
        let body = json!({"cooperative": cooperative, "role": "manajer", "since": since});
        app.post("samarinda", &format!("{at}/appointments"), &body).expect(200);
    };
    appoint(&before, "2013-01-02");
    let candidacy = json!({"manager": manager, "scheme": "Manajer KSP", "certifier": app.organisation("certifier"),
        "occurred_at": "2014-01-02T08:00:00+08:00"});
    let certification = id(&app.post("samarinda", "/v1/certifications", &candidacy).expect(201));
    let of = |step: &str, body: &Value| {
        app.post("certifier", &format!("/v1/certifications/{certification}/{step}"), body).expect(200);
    };
    of("results", &json!({"result": "kompeten", "assessed_on": "2014-03-03"}));
    of("certificates", &json!({"certificate_number": "A-1", "issued_on": "2014-03-10"}));
    let happened = |day: &str| json!({"reason": "Diperiksa", "occurred_at": format!("{day}T08:00:00+08:00")});
    of("suspensions", &happened("2014-09-01"));
    let lines = |cooperative: &str, query: &str| -> Vec<String> {
        let address = format!("/v1/cooperatives/{cooperative}/timeline?kind=certificate{query}");
        let lines = app.get("bank", &address).expect(200)["data"].as_array().unwrap().clone();
        lines.iter().map(|line| line["on"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(lines(&before, ""), ["2014-03-10", "2014-09-01"]);
    let departure = json!({"cooperative": before, "role": "manajer", "until": "2014-05-01"});
    let departed = app.post("samarinda", &format!("{at}/departures"), &departure).expect(200);
    appoint(&after, "2014-07-01");
    of("reinstatements", &happened("2015-02-02"));
    assert_eq!(lines(&before, ""), ["2014-03-10"]);
    assert_eq!(lines(&after, ""), ["2014-09-01", "2015-02-02"]);
    let undone = departed["position"].as_i64().unwrap() - 1;
    assert_eq!(lines(&before, &format!("&as_of={undone}")), ["2014-03-10", "2014-09-01"], "as known then");
}
