//! Enterprises and financing over HTTP.

use serde_json::{Value, json};

use super::harness::{App, id};

fn rupiah(amount: &str) -> Value {
    json!({"value": amount, "currency": "IDR"})
}

fn enterprise(app: &App) -> String {
    let body = json!({"name": "Warung Uji", "region": "64.72", "owner": {"name": "Pemilik Uji"}, "occurred_at": "2014-02-20T08:00:00+08:00",
        "size_basis": {"yearly_sales": rupiah("180000000")}});
    let registered = app.post("samarinda", "/v1/enterprises", &body).expect(201);
    assert_eq!((&registered["size_class"], &registered["size_rule"]), (&json!("mikro"), &json!("uu-20-2008")));
    id(&registered)
}

fn apply(app: &App, who: &str, kind: &str, beneficiary: &str, reference: &str) -> String {
    let body = json!({"beneficiary": {"kind": kind, "id": beneficiary}, "scheme": "kur_mikro", "amount": rupiah("20000000.00"),
        "purpose": "Modal kerja", "tenor_months": 24, "lender_reference": reference});
    id(&app.post(who, "/v1/financings", &body).expect(201))
}

fn contract(number: &str) -> Value {
    json!({"akad_number": number, "signed_on": "2014-03-20", "plafon": rupiah("20000000.00"), "annual_rate_percent": "22.00", "tenor_months": 24})
}

#[test]
fn a_financing_goes_from_application_to_settlement_and_a_reversal_takes_a_step_back() {
    let app = App::start();
    let enterprise = enterprise(&app);
    let at = format!("/v1/financings/{}", apply(&app, "bank", "enterprise", &enterprise, "R-1"));
    let tranche = |amount: &str| json!({"amount": rupiah(amount), "disbursed_on": "2014-03-21"});
    let problem = app.post("bank", &format!("{at}/disbursements"), &tranche("1")).problem(409, "wrong_state");
    assert_eq!(problem["allowed"], json!(["approvals", "rejections", "withdrawals"]));
    app.post("bank", &format!("{at}/approvals"), &json!({})).expect(200);
    app.post("bank", &format!("{at}/contracts"), &contract("001/PK/2014")).expect(200);
    app.post("bank", &format!("{at}/disbursements"), &tranche("15000000.00")).expect(200);
    let above = app.post("bank", &format!("{at}/disbursements"), &tranche("5000000.01"));
    above.fault(422, "rule_refused", "/amount", "above_plafon");
    let disbursed = app.post("bank", &format!("{at}/disbursements"), &tranche("5000000.00")).expect(200);
    assert_eq!(disbursed["disbursed"], rupiah("20000000.00"));
    let report = json!({"scheme": "bank_umum", "class": 1, "days_past_due": 40, "position_date": "2014-04-30", "outstanding": rupiah("19000000")});
    let reported = app.post("bank", &format!("{at}/collectibility-reports"), &report).expect(200);
    assert_eq!(
        (&reported["collectibility"]["mismatch"], &reported["outstanding"]),
        (&json!(true), &rupiah("19000000.00"))
    );

    let entries = reported["entries"].as_array().unwrap();
    let event = |index: usize| entries[index]["event_id"].as_str().unwrap();
    let reverse = |event: &str| json!({"event_id": event, "reason": "Salah catat"});
    let refused = app.post("bank", &format!("{at}/reversals"), &reverse(event(1))).problem(409, "wrong_state");
    assert_eq!(refused["contradicts"].as_array().unwrap().len(), 3);
    let reversed = app.post("bank", &format!("{at}/reversals"), &reverse(event(3))).expect(200);
    assert_eq!(reversed["disbursed"], rupiah("15000000.00"));
    app.post("bank", &format!("{at}/reversals"), &reverse(event(3))).problem(409, "wrong_state");
    let settled = app.post("bank", &format!("{at}/settlements"), &json!({"settled_on": "2014-05-20"})).expect(200);
    assert_eq!((&settled["state"], &settled["outstanding"]), (&json!("settled"), &rupiah("0.00")));
}

#[test]
fn a_bank_sees_its_own_financings_and_its_numbers_are_its_own() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let own = apply(&app, "bank", "cooperative", &cooperative, "R-1");
    let others = apply(&app, "other_bank", "cooperative", &cooperative, "R-1");
    let list = app.get("bank", "/v1/financings").expect(200);
    assert_eq!(list["data"].as_array().unwrap().iter().map(id).collect::<Vec<_>>(), [own.clone()]);
    app.get("bank", &format!("/v1/financings/{others}")).problem(404, "not_found");
    app.post("bank", &format!("/v1/financings/{others}/approvals"), &json!({})).problem(404, "not_found");
    assert_eq!(app.get("ministry", "/v1/financings").expect(200)["data"].as_array().unwrap().len(), 2);

    let again = json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "scheme": "lpdb", "amount": rupiah("1"),
        "purpose": "x", "tenor_months": 1, "lender_reference": "r-1"});
    let problem = app.post("bank", "/v1/financings", &again).fault(409, "duplicate", "/lender_reference", "duplicate");
    assert_eq!(problem["existing"], own.as_str());
    let second = apply(&app, "bank", "cooperative", &cooperative, "R-2");
    for financing in [&own, &second] {
        app.post("bank", &format!("/v1/financings/{financing}/approvals"), &json!({})).expect(200);
    }
    app.post("bank", &format!("/v1/financings/{own}/contracts"), &contract("9/PK")).expect(200);
    let same = app.post("bank", &format!("/v1/financings/{second}/contracts"), &contract("9/PK"));
    same.fault(409, "duplicate", "/akad_number", "duplicate");
    let for_other = json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "lender": app.organisation("other_bank"),
        "scheme": "lpdb", "amount": rupiah("1"), "purpose": "x", "tenor_months": 1});
    app.post("bank", "/v1/financings", &for_other).problem(403, "forbidden");
    app.post("province", "/v1/financings", &for_other).expect(201);
}

#[test]
fn an_application_can_be_rejected_or_withdrawn_and_that_is_its_end() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let rejected = apply(&app, "bank", "cooperative", &cooperative, "R-1");
    app.post("bank", &format!("/v1/financings/{rejected}/rejections"), &json!({"reason": "Agunan"})).expect(200);
    app.post("bank", &format!("/v1/financings/{rejected}/approvals"), &json!({})).problem(409, "wrong_state");
    let withdrawn = apply(&app, "bank", "cooperative", &cooperative, "R-2");
    app.post("bank", &format!("/v1/financings/{withdrawn}/approvals"), &json!({})).expect(200);
    app.post("bank", &format!("/v1/financings/{withdrawn}/withdrawals"), &json!({})).expect(200);
    app.post("bank", &format!("/v1/financings/{withdrawn}/contracts"), &contract("1")).problem(409, "wrong_state");
}
