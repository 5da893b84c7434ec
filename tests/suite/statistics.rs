//! Statistics over HTTP: figures add up to their evidence, as of any point, and filters are read strictly.

use lumbung::app::Core;
use lumbung::kernel::{Clock, Timestamp};
use lumbung::ledger::Ids;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::App;
use super::place::place_in;

/// The demonstration, served, and the province's key in it.
fn demonstration() -> (App, String, TempDir) {
    let folder = TempDir::new().unwrap();
    let place = place_in(&folder);
    let guide = lumbung::demo::prepare(&place).unwrap();
    let core = Core::open(&place, Clock::System, Ids::Random, 2, 16).unwrap();
    let key = guide.keys.iter().find(|(name, _)| name == "province").unwrap().1.clone();
    (App::over(core, place), format!("Bearer {key}"), folder)
}

fn figures(app: &App, bearer: &str, address: &str) -> Vec<Value> {
    app.send("GET", address, &[("Authorization", bearer)], b"").expect(200)["figures"].as_array().unwrap().clone()
}

fn sum(figures: &[Value], measure: &str) -> i64 {
    figures.iter().filter(|figure| figure["measure"] == measure).map(|figure| figure["count"].as_i64().unwrap()).sum()
}

#[test]
fn every_figure_is_the_sum_of_the_events_behind_it_at_any_point_of_the_log() {
    let (app, bearer, _folder) = demonstration();
    let head = app.send("GET", "/v1/statistics/financing", &[], b"").expect(200)["as_of_position"].as_i64().unwrap();
    for area in ["assessments", "certifications", "financing"] {
        for position in [0, 1, head / 3, head / 2, head - 1, head] {
            let address = format!("/v1/statistics/{area}?by=month,region,organisation&as_of={position}");
            for figure in figures(&app, &bearer, &address) {
                let mut counted = 0;
                let mut next = figure["evidence"].as_str().unwrap().to_owned() + "&limit=7";
                loop {
                    let page = app.send("GET", &next, &[("Authorization", &bearer)], b"").expect(200);
                    for item in page["data"].as_array().unwrap() {
                        assert!(item["position"].as_i64().unwrap() <= position);
                        assert_eq!((&item["month"], &item["region"]), (&figure["month"], &figure["region"]), "{next}");
                        counted += item["count"].as_i64().unwrap();
                    }
                    let Some(cursor) = page["next_cursor"].as_str() else { break };
                    next = format!("{}&limit=7&cursor={cursor}", figure["evidence"].as_str().unwrap());
                }
                assert_eq!(counted, figure["count"].as_i64().unwrap(), "{next}");
            }
        }
    }
}

#[test]
fn the_demonstration_in_figures() {
    let (app, bearer, _folder) = demonstration();
    let figures = |address: &str| figures(&app, &bearer, address);
    let financing = figures("/v1/statistics/financing?by=region");
    assert_eq!(sum(&financing, "financings_applied"), 28);
    assert_eq!(sum(&financing, "financings_by_state"), 28);
    let states = figures("/v1/statistics/financing?by=state&measure=financings_by_state");
    let in_state = |state: &str| states.iter().find(|row| row["state"] == state).map(|row| row["count"].clone());
    assert_eq!((in_state("rejected"), in_state("withdrawn")), (Some(json!(2)), Some(json!(1))));
    let april =
        figures("/v1/statistics/financing?by=class&measure=financings_by_collectibility&from=2014-04&to=2014-04");
    assert_eq!(april.iter().map(|row| row["count"].as_i64().unwrap()).sum::<i64>(), 6, "{april:?}");
    let categories = figures("/v1/statistics/assessments?by=category&measure=assessments_determined");
    let sehat = categories.iter().find(|row| row["category"] == "sehat").unwrap();
    assert_eq!(sehat["count"], 10);
    // The correction of May: eleven as known in March.
    let march = figures("/v1/statistics/assessments?by=category&category=sehat&as_of=2014-03-31T00:00:00%2B08:00");
    assert_eq!(sum(&march, "assessments_determined"), 11);
    let issued = figures("/v1/statistics/certifications?by=month");
    assert_eq!((sum(&issued, "certificates_issued"), sum(&issued, "candidates_registered")), (30, 36));
    let metrics = app.send("GET", "/v1/metrics", &[], b"").expect(200);
    for figure in financing.iter().chain(&issued) {
        let known = |definition: &&Value| definition["measure"] == figure["measure"];
        assert!(metrics["data"].as_array().unwrap().iter().find(known).is_some(), "{figure}");
    }
}

#[test]
fn what_is_asked_is_read_strictly_and_evidence_goes_to_whose_rights_reach_it() {
    let app = App::start();
    let get = |path: &str| app.send("GET", &format!("/v1/statistics/{path}"), &[], b"");
    get("weather").problem(404, "not_found");
    get("financing?category=sehat").fault(400, "invalid_parameter", "?category", "unknown_part");
    get("financing?by=colour").fault(400, "invalid_parameter", "?by", "unknown_part");
    get("financing?measure=x").fault(400, "invalid_parameter", "?measure", "unknown_measure");
    get("financing?from=2014-05&to=2014-04").fault(400, "invalid_parameter", "?to", "before_from");
    get("financing?from=2014-13").fault(400, "invalid_parameter", "?from", "invalid_month");
    get("financing?colour=red").fault(400, "invalid_parameter", "?colour", "unknown_field");
    get("assessments?as_of=99999").fault(400, "invalid_parameter", "?as_of", "not_yet");
    get("financing?as_of=2999-01-01T00:00:00Z").fault(400, "invalid_parameter", "?as_of", "not_yet");
    get("financing/evidence").problem(401, "unauthenticated");
    app.get("council", "/v1/statistics/financing/evidence").problem(403, "forbidden");

    let cooperative = app.cooperative("1/BH");
    for bank in ["bank", "other_bank"] {
        let body = json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "scheme": "komersial",
            "amount": {"value": "1000000.50", "currency": "IDR"}, "purpose": "Modal", "tenor_months": 12});
        app.post(bank, "/v1/financings", &body).expect(201);
    }
    let applied = app.get("samarinda", "/v1/statistics/financing?measure=financings_applied&by=scheme").expect(200);
    let figure = &applied["figures"][0];
    assert_eq!((&figure["count"], &figure["scheme"]), (&json!(2), &json!("komersial")));
    assert_eq!(figure["amount"], json!({"value": "2000001.00", "currency": "IDR"}));
    let evidence = figure["evidence"].as_str().unwrap();
    let seen = |who: &str| app.get(who, evidence).expect(200)["data"].as_array().unwrap().len();
    assert_eq!((seen("bank"), seen("province"), seen("auditor")), (1, 2, 2));
}

/// A bank of its own, and its key.
fn bank_of(app: &App, name: &str) -> (String, String) {
    let body = json!({"name": name, "kind": "bank"});
    let bank = super::harness::id(&app.post("province", "/v1/organisations", &body).expect(201));
    let issued = app.post("province", &format!("/v1/organisations/{bank}/keys"), &json!({})).expect(201);
    (bank, format!("Bearer {}", issued["key"].as_str().unwrap()))
}

#[test]
fn the_public_is_told_figures_of_financing_by_ends_of_days_and_none_that_tell_one_bank() {
    let app = App::start_at(Clock::set_to(Timestamp::parse("2014-04-01T08:00:00+08:00").unwrap()));
    let elsewhere = json!({"name": "KSP Lain", "kind": "ksp", "region": "64.71", "badan_hukum": {"number": "L/BH", "date": "2008-08-14"}});
    let there = super::harness::id(&app.post("balikpapan", "/v1/cooperatives", &elsewhere).expect(201));
    let here = app.cooperative("1/BH");
    let banks: Vec<(String, String)> = ["Satu", "Dua", "Tiga"].map(|name| bank_of(&app, name)).into();
    let apply = |bank: usize, cooperative: &str, rupiah: &str| {
        let body = json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "scheme": "komersial", "lender": banks[bank].0,
            "amount": {"value": rupiah, "currency": "IDR"}, "purpose": "Modal", "tenor_months": 12});
        app.post("province", "/v1/financings", &body).expect(201)["position"].as_i64().unwrap()
    };
    for bank in 0..3 {
        apply(bank, &here, "1000000");
        apply(bank, &there, "2000000");
    }
    let address = |query: &str| format!("/v1/statistics/financing?measure=financings_applied&{query}");
    let public = |query: &str| app.get("", &address(query)).expect(200)["figures"].as_array().unwrap().clone();
    assert!(public("by=region").is_empty(), "today is told tomorrow");
    app.clock.move_to(Timestamp::parse("2014-04-02T00:00:00+08:00").unwrap());
    let told = public("by=region");
    assert_eq!(told.iter().map(|row| row["count"].as_i64().unwrap()).collect::<Vec<_>>(), [3, 3]);
    assert!(told.iter().all(|row| row["withheld"] == false));

    // A single report stands between two positions, and is not to be had by them.
    let single = apply(0, &here, "777000");
    app.get("", &address(&format!("by=region&as_of={single}"))).fault(
        400,
        "invalid_parameter",
        "?as_of",
        "ends_of_days_only",
    );
    assert_eq!(public("by=region&as_of=2014-04-02T00:00:00%2B08:00"), told);
    assert_eq!(public("by=region"), told);
    let by_position = app.get("auditor", &address(&format!("by=region&as_of={single}"))).expect(200);
    assert_eq!(by_position["as_of_position"], single);

    // Nothing by lender, but its own to a bank.
    for query in ["by=organisation".to_owned(), format!("by=region&organisation={}", banks[0].0)] {
        app.get("", &address(&query)).problem(401, "unauthenticated");
        app.get("council", &address(&query)).problem(403, "forbidden");
        app.get("bank", &address(&query)).problem(403, "forbidden");
        app.get("ministry", &address(&query)).expect(200);
    }
    let own = address(&format!("by=region&organisation={}", banks[0].0));
    assert_eq!(figures(&app, &banks[0].1, &own).iter().map(|row| row["count"].clone()).collect::<Vec<_>>(), [1, 2]);

    // A third region with one lender is withheld, with the smallest of the others: else the total would tell it.
    let third = json!({"name": "KSP Ketiga", "kind": "ksp", "region": "64.74", "badan_hukum": {"number": "T/BH", "date": "2008-08-14"}});
    let third = super::harness::id(&app.post("province", "/v1/cooperatives", &third).expect(201));
    apply(1, &third, "9000000");
    app.clock.move_to(Timestamp::parse("2014-04-03T09:00:00+08:00").unwrap());
    let told = |query: &str| -> Vec<(Value, Value, Value)> {
        public(query).iter().map(|row| (row["region"].clone(), row["count"].clone(), row["withheld"].clone())).collect()
    };
    let expected = vec![
        (json!("64.71"), json!(3), json!(false)),
        (json!("64.72"), json!(4), json!(true)),
        (json!("64.74"), json!(1), json!(true)),
    ];
    // By region and month the count stands, the amount does not.
    assert_eq!(told("by=region"), expected);
    assert!(public("by=region").iter().all(|row| row["amount"].is_null() == (row["withheld"] == true)));
    // A filter shows nothing that the table withholds.
    for (region, at) in [("64.72", 1), ("64.74", 2)] {
        assert_eq!(told(&format!("by=region&region={region}")), [expected[at].clone()]);
        let finer = &public(&format!("by=scheme&region={region}"))[0];
        assert_eq!((&finer["count"], &finer["amount"], &finer["withheld"]), (&Value::Null, &Value::Null, &json!(true)));
    }
    assert_eq!(public("by=scheme")[0]["count"], 8);
    let months = public("by=month&from=2014-04&to=2014-04");
    assert_eq!((&months[0]["count"], &months[0]["month"]), (&json!(8), &json!("2014-04")));
    // The offices see it all.
    let seen = figures(&app, &format!("Bearer {}", app.key("samarinda")), &address("by=region"));
    assert_eq!(seen.iter().map(|row| row["count"].clone()).collect::<Vec<_>>(), [3, 4, 1]);
}
