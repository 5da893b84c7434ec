//! Programmes over HTTP: targets that move, evidence, late corrections and reversals, and what was known when.

use lumbung::kernel::{Clock, Timestamp};
use serde_json::{Value, json};

use super::harness::{App, healthy_worksheet, id};

fn at(day: &str) -> Timestamp {
    Timestamp::parse(&format!("{day}T10:00:00+08:00")).unwrap()
}

fn launch(app: &App) -> String {
    let body = json!({"name": "Program 100 hari", "starts_on": "2014-02-17", "ends_on": "2014-05-27", "targets": [
        {"measure": "healthy_ksp", "number": 1}, {"measure": "certified_managers", "number": 2},
        {"measure": "financed_cooperatives", "number": 1}]});
    id(&app.post("province", "/v1/programmes", &body).expect(201))
}

fn reached(app: &App, programme: &str, query: &str) -> Vec<i64> {
    let progress = app.get("", &format!("/v1/programmes/{programme}/progress{query}")).expect(200);
    let targets = progress["targets"].as_array().unwrap();
    for target in targets {
        let per_regency: i64 =
            target["per_regency"].as_array().unwrap().iter().map(|r| r["reached"].as_i64().unwrap()).sum();
        assert_eq!(per_regency, target["reached"].as_i64().unwrap(), "{target}");
        if let Some(last) = target["per_day"].as_array().unwrap().last() {
            assert_eq!(last["cumulative"], target["reached"]);
        }
        let measure = target["measure"].as_str().unwrap();
        let evidence =
            app.get("", &format!("/v1/programmes/{programme}/progress/{measure}/evidence{query}")).expect(200);
        let counted = evidence["data"].as_array().unwrap().iter().filter(|item| item["counted"] == true).count();
        assert_eq!((counted, &evidence["reached"]), (usize::try_from(per_regency).unwrap(), &target["reached"]));
    }
    targets.iter().map(|target| target["reached"].as_i64().unwrap()).collect()
}

fn determine(app: &App, cooperative: &str) -> String {
    let body = json!({"cooperative": cooperative, "regulation": "permen-14-2009", "book_year": 2013, "assessed_on": "2014-02-24", "worksheet": healthy_worksheet()});
    let at = format!("/v1/assessments/{}", id(&app.post("samarinda", "/v1/assessments", &body).expect(201)));
    app.post("province", &format!("{at}/determinations"), &json!({})).expect(200);
    at
}

fn finance(app: &App, cooperative: &str, number: &str) -> (String, Value) {
    let money = json!({"value": "1000000", "currency": "IDR"});
    let body = json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "scheme": "lpdb", "amount": money, "purpose": "x", "tenor_months": 12});
    let at = format!("/v1/financings/{}", id(&app.post("bank", "/v1/financings", &body).expect(201)));
    app.post("bank", &format!("{at}/approvals"), &json!({})).expect(200);
    let contract = json!({"akad_number": number, "signed_on": "2014-03-01", "plafon": money, "annual_rate_percent": "6", "tenor_months": 12});
    app.post("bank", &format!("{at}/contracts"), &contract).expect(200);
    let disbursed = app
        .post("bank", &format!("{at}/disbursements"), &json!({"amount": {"value": "400000", "currency": "IDR"}}))
        .expect(200);
    (at, disbursed)
}

#[test]
fn corrections_and_reversals_take_counts_back_and_the_past_keeps_what_was_known() {
    let app = App::start_at(Clock::set_to(at("2014-03-10")));
    let programme = launch(&app);
    let cooperative = app.cooperative("1/BH");
    assert_eq!(reached(&app, &programme, ""), [0, 0, 0]);
    let assessment = determine(&app, &cooperative);
    let (financing, disbursed) = finance(&app, &cooperative, "1");
    assert_eq!(reached(&app, &programme, ""), [1, 0, 1]);
    // A second tranche and a second financing of the same cooperative add nothing.
    app.post("bank", &format!("{financing}/disbursements"), &json!({"amount": {"value": "1", "currency": "IDR"}}))
        .expect(200);
    let (second, _) = finance(&app, &cooperative, "2");
    assert_eq!(reached(&app, &programme, ""), [1, 0, 1]);

    app.clock.move_to(at("2014-05-12"));
    app.post("province", &format!("{assessment}/corrections"), &json!({"category": "cukup_sehat", "reason": "x"}))
        .expect(200);
    assert_eq!(reached(&app, &programme, ""), [0, 0, 1]);
    let reverse_last = |at: &str| {
        let history = app.get("bank", &format!("{at}/history")).expect(200);
        let events = history["data"].as_array().unwrap();
        for entry in events.iter().filter(|event| event["type"] == "financing.disbursed") {
            app.post("bank", &format!("{at}/reversals"), &json!({"event_id": entry["event_id"], "reason": "x"}))
                .expect(200);
        }
    };
    reverse_last(&second);
    assert_eq!(reached(&app, &programme, ""), [0, 0, 1]);
    reverse_last(&financing);
    assert_eq!(reached(&app, &programme, ""), [0, 0, 0]);
    // March as known in March, and as known in May.
    assert_eq!(reached(&app, &programme, "?as_of=2014-03-31T00:00:00%2B08:00"), [1, 0, 1]);
    let position = disbursed["position"].as_i64().unwrap();
    assert_eq!(reached(&app, &programme, &format!("?as_of={position}")), [1, 0, 1]);
    assert_eq!(reached(&app, &programme, &format!("?as_of={}", position - 1)), [1, 0, 0]);
    app.get("", &format!("/v1/programmes/{programme}/progress?as_of=yesterday")).fault(
        400,
        "invalid_parameter",
        "?as_of",
        "invalid_as_of",
    );
    app.get("", &format!("/v1/programmes/{programme}/progress?as_of=0")).problem(404, "not_found");
}

#[test]
fn only_people_in_a_manager_role_count_and_each_only_once() {
    let app = App::start_at(Clock::set_to(at("2014-04-01")));
    let programme = launch(&app);
    let cooperative = app.cooperative("1/BH");
    let certify = |manager: &str, number: &str| {
        let body = json!({"manager": manager, "scheme": "x", "certifier": app.organisation("certifier")});
        let at = format!("/v1/certifications/{}", id(&app.post("samarinda", "/v1/certifications", &body).expect(201)));
        app.post("certifier", &format!("{at}/results"), &json!({"result": "kompeten"})).expect(200);
        app.post("certifier", &format!("{at}/certificates"), &json!({"certificate_number": number})).expect(200);
        at
    };
    let appointed = |name: &str, role: &str| {
        let manager = app.manager(name);
        let body = json!({"cooperative": cooperative, "role": role, "since": "2013-01-01"});
        app.post("samarinda", &format!("/v1/managers/{manager}/appointments"), &body).expect(200);
        manager
    };
    certify(&appointed("Kasir", "kasir"), "K-1");
    assert_eq!(reached(&app, &programme, ""), [0, 0, 0]);
    let manager = appointed("Manajer", "manajer");
    let certification = certify(&manager, "M-1");
    certify(&manager, "M-2");
    assert_eq!(reached(&app, &programme, ""), [0, 1, 0]);
    app.post("certifier", &format!("{certification}/suspensions"), &json!({"reason": "x"})).expect(200);
    assert_eq!(reached(&app, &programme, ""), [0, 1, 0]);
}

#[test]
fn a_programme_is_revised_joined_and_closed() {
    let app = App::start();
    let programme = launch(&app);
    let at = format!("/v1/programmes/{programme}");
    let revision = json!({"measure": "healthy_ksp", "number": 12, "reason": "Tambahan"});
    app.post("samarinda", &format!("{at}/targets"), &revision).problem(403, "forbidden");
    assert_eq!(app.post("province", &format!("{at}/targets"), &revision).expect(200)["targets"][0]["number"], 12);
    let cooperative = app.cooperative("1/BH");
    let participant = json!({"kind": "cooperative", "participant": cooperative});
    app.post("province", &format!("{at}/participants"), &participant).expect(200);
    let again = app.post("province", &format!("{at}/participants"), &participant).expect(200);
    assert_eq!((again["participants"].as_array().unwrap().len(), &again["version"]), (1, &json!(3)));
    app.post("province", &format!("{at}/closures"), &json!({})).expect(200);
    app.post("province", &format!("{at}/targets"), &revision).problem(409, "wrong_state");
    assert_eq!(app.get("", "/v1/programmes").expect(200)["data"][0]["state"], "closed");
    let metrics = app.get("", "/v1/metrics").expect(200);
    let named = |name: &str| metrics["data"].as_array().unwrap().iter().any(|metric| metric["measure"] == name);
    assert!(
        ["healthy_ksp", "certified_managers", "financed_cooperatives", "financed_enterprises"].map(named) == [true; 4]
    );
    assert_eq!(app.get("", "/v1/regions").expect(200)["data"].as_array().unwrap().len(), 11);
    app.get("", &format!("{at}/progress/happiness/evidence")).problem(404, "not_found");
}
