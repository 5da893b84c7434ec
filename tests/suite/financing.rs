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
    let allowed = ["verifications", "surveys", "approvals", "rejections", "withdrawals"];
    assert_eq!(problem["allowed"], json!(allowed));
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

    let history = app.get("bank", &format!("{at}/history")).expect(200);
    let event = |index: usize| history["data"][index + 1]["event_id"].as_str().unwrap();
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

fn running(app: &App, reference: &str, akad: &str) -> String {
    let enterprise = enterprise(app);
    let at = format!("/v1/financings/{}", apply(app, "bank", "enterprise", &enterprise, reference));
    app.post("bank", &format!("{at}/approvals"), &json!({"approved_on": "2014-03-14"})).expect(200);
    app.post("bank", &format!("{at}/contracts"), &contract(akad)).expect(200);
    let tranche = json!({"amount": rupiah("20000000.00"), "disbursed_on": "2014-03-21"});
    app.post("bank", &format!("{at}/disbursements"), &tranche).expect(200);
    at
}

#[test]
fn the_life_of_a_financing_has_an_end_so_that_no_lender_makes_the_others_wait() {
    let app = App::start();
    let at = running(&app, "R-8", "008/PK/2014");
    let recorded = app.get("bank", &at).expect(200)["version"].as_u64().unwrap();
    let pay = json!({"paid_on": "2014-04-21", "principal": rupiah("0.01"), "interest": rupiah("0.00")});
    let line = |number: u64| json!({"key": format!("pay-{number}"), "method": "POST", "path": format!("{at}/instalments"), "body": pay});
    let file: String = (recorded..2002).flat_map(|number| [line(number).to_string(), "\n".to_owned()]).collect();
    let bearer = format!("Bearer {}", app.key("bank"));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/x-ndjson")];
    let told = app.send("POST", "/v1/batches", &headers, file.as_bytes()).text;
    let refused: Vec<&str> =
        told.lines().filter(|line| line.contains("\"refused\"") && line.contains("\"line\"")).collect();
    assert!(refused.len() == 2 && refused.iter().all(|line| line.contains("too_many_events")), "{refused:?}");
    assert_eq!(app.get("bank", &at).expect(200)["version"], 2000);
    app.post("bank", &format!("{at}/instalments"), &pay).fault(422, "rule_refused", "", "too_many_events");
}

#[test]
fn a_statement_adds_up_and_shows_how_far_the_reports_drift() {
    let app = App::start();
    let at = running(&app, "R-9", "009/PK/2014");
    let pay = |day: &str| json!({"paid_on": day, "principal": rupiah("833333.33"), "interest": rupiah("366666.67")});
    app.post("bank", &format!("{at}/instalments"), &pay("2014-04-21")).expect(200);
    let paid = app.post("bank", &format!("{at}/instalments"), &pay("2014-05-21")).expect(200);
    assert_eq!(paid["repaid"]["principal"], rupiah("1666666.66"));
    let above = json!({"paid_on": "2014-05-22", "principal": rupiah("18333333.35")});
    app.post("bank", &format!("{at}/instalments"), &above).fault(422, "rule_refused", "/principal", "above_debt");
    let report = |day: &str, owed: &str| json!({"scheme": "bank_umum", "class": 1, "position_date": day, "outstanding": rupiah(owed)});
    app.post("bank", &format!("{at}/collectibility-reports"), &report("2014-05-31", "18333333.34")).expect(200);
    let drifting = app.post("bank", &format!("{at}/collectibility-reports"), &report("2014-04-30", "19166666.00"));
    drifting.expect(200);

    let statement = app.get("bank", &format!("{at}/statement")).expect(200);
    assert_eq!((&statement["plafon"], &statement["disbursed"]), (&rupiah("20000000.00"), &rupiah("20000000.00")));
    assert_eq!(
        (&statement["outstanding"], &statement["expected_outstanding"], &statement["drift"]),
        (&rupiah("18333333.34"), &rupiah("18333333.34"), &rupiah("0.00"))
    );
    let lines = statement["lines"].as_array().unwrap();
    let april = lines.iter().find(|line| line["day"] == "2014-04-30").unwrap();
    assert_eq!((&april["expected_outstanding"], &april["drift"]), (&rupiah("19166666.67"), &rupiah("-0.67")));
    assert!(lines.windows(2).all(|pair| pair[0]["day"].as_str() <= pair[1]["day"].as_str()));
    // A line that was reversed stays and counts for nothing.
    let first = lines.iter().find(|line| line["type"] == "financing.instalment_paid").unwrap();
    let reverse = json!({"event_id": first["event_id"], "reason": "Salah catat"});
    app.post("bank", &format!("{at}/reversals"), &reverse).expect(200);
    let statement = app.get("bank", &format!("{at}/statement")).expect(200);
    assert_eq!((&statement["drift"], &statement["repaid"]["instalments"]), (&rupiah("-833333.33"), &json!(1)));
    let earlier = app.get("bank", &format!("{at}/statement?as_of={}", first["position"])).expect(200);
    assert_eq!(earlier["repaid"]["instalments"], 1);
    app.get("other_bank", &format!("{at}/statement")).problem(404, "not_found");
}

#[test]
fn a_payoff_a_guarantor_and_a_waiver_leave_no_drift() {
    let app = App::start();
    let money = |at: &str, path: &str, body: Value| app.post("bank", &format!("{at}/{path}"), &body).expect(200);
    let report = |at: &str, owed: &str| {
        let body =
            json!({"scheme": "bank_umum", "class": 1, "position_date": "2014-04-30", "outstanding": rupiah(owed)});
        money(at, "collectibility-reports", body)
    };
    let statement = |at: &str| app.get("bank", &format!("{at}/statement")).expect(200);

    let paid = running(&app, "R-20", "020/PK/2014");
    money(&paid, "instalments", json!({"paid_on": "2014-04-21", "principal": rupiah("5000000")}));
    let above = json!({"settled_on": "2014-05-20", "principal": rupiah("15000000.01")});
    app.post("bank", &format!("{paid}/settlements"), &above).fault(422, "rule_refused", "/principal", "above_debt");
    let payoff = json!({"settled_on": "2014-05-20", "principal": rupiah("15000000"), "interest": rupiah("100000")});
    money(&paid, "settlements", payoff);
    let told = statement(&paid);
    assert_eq!((&told["drift"], &told["repaid"]["principal"]), (&rupiah("0.00"), &rupiah("20000000.00")));
    let measured = |measure: &str| {
        let path = format!("/v1/statistics/financing?measure={measure}&from=2014-05&to=2014-05");
        app.get("bank", &path).expect(200)["figures"][0]["amount"].clone()
    };
    assert_eq!(measured("principal_repaid"), rupiah("15000000.00"));

    // A settlement that does not tell what was paid is held against nothing.
    let unsaid = running(&app, "R-21", "021/PK/2014");
    money(&unsaid, "settlements", json!({"settled_on": "2014-05-20"}));
    let told = statement(&unsaid);
    assert_eq!((&told["drift"], &told["position_date"]), (&Value::Null, &json!("2014-05-20")));
    assert_eq!((&told["outstanding"], &told["expected_outstanding"]), (&rupiah("0.00"), &rupiah("0.00")));

    let bad = running(&app, "R-22", "022/PK/2014");
    let claim = json!({"guarantor": "Jamkrindo", "amount": rupiah("14000000"), "claimed_on": "2014-04-02"});
    money(&bad, "guarantee-claims", claim);
    money(&bad, "claim-payments", json!({"amount": rupiah("14000000"), "received_on": "2014-04-03"}));
    report(&bad, "6000000");
    assert_eq!(statement(&bad)["drift"], rupiah("0.00"));
    let too_much = json!({"amount": rupiah("6000000.01"), "written_off_on": "2014-05-02"});
    app.post("bank", &format!("{bad}/write-offs"), &too_much).fault(422, "rule_refused", "/amount", "above_debt");
    money(&bad, "write-offs", json!({"amount": rupiah("6000000"), "written_off_on": "2014-05-02"}));
    money(&bad, "recoveries", json!({"amount": rupiah("1000000"), "received_on": "2014-05-03"}));
    assert_eq!(statement(&bad)["expected_outstanding"], rupiah("5000000.00"));
    let waiver = json!({"amount": rupiah("5000000"), "waived_on": "2014-05-04", "basis": "Keputusan 12"});
    assert_eq!(money(&bad, "claim-waivers", waiver)["outstanding"], rupiah("0.00"));
    let sums = app.get("bank", "/v1/financings/summary?by=state").expect(200);
    let waived = sums["data"].as_array().unwrap().iter().find(|sum| sum["state"] == "waived").unwrap();
    assert_eq!((&waived["count"], &waived["outstanding"]), (&json!(1), &rupiah("0.00")));
}

#[test]
fn a_bad_debt_is_guaranteed_written_off_recovered_and_waived_and_each_step_can_be_taken_back() {
    let app = App::start();
    let at = running(&app, "R-10", "010/PK/2014");
    let step = |path: &str, body: Value| app.post("bank", &format!("{at}/{path}"), &body);
    step("claim-payments", json!({"amount": rupiah("1"), "received_on": "2014-04-01"})).problem(409, "wrong_state");
    step(
        "guarantee-claims",
        json!({"guarantor": "Jamkrindo", "amount": rupiah("14000000"), "claimed_on": "2014-04-02"}),
    )
    .expect(200);
    step("claim-payments", json!({"amount": rupiah("14000000.01"), "received_on": "2014-04-03"})).fault(
        422,
        "rule_refused",
        "/amount",
        "above_claim",
    );
    step("claim-payments", json!({"amount": rupiah("14000000"), "received_on": "2014-04-03"})).expect(200);
    step("subrogations", json!({"amount": rupiah("250000"), "received_on": "2014-04-04"})).expect(200);
    step("restructurings", json!({"tenor_months": 36, "annual_rate_percent": "12.00", "capitalised": rupiah("100000"), "reason": "Banjir", "restructured_on": "2014-04-05"}))
        .expect(200);
    let more = json!({"amount": rupiah("5000000"), "signed_on": "2014-04-06", "akad_number": "010/ADD/2014"});
    assert_eq!(step("top-ups", more).expect(200)["terms"]["plafon"], rupiah("25000000.00"));
    let before = step("write-offs", json!({"amount": rupiah("6000000"), "written_off_on": "2014-04-07"})).expect(200);
    assert_eq!(before["state"], "written_off");
    step("recoveries", json!({"amount": rupiah("500000"), "received_on": "2014-04-06"})).fault(
        422,
        "rule_refused",
        "/received_on",
        "before_its_cause",
    );
    step("recoveries", json!({"amount": rupiah("500000"), "received_on": "2014-04-08"})).expect(200);
    let waived =
        step("claim-waivers", json!({"amount": rupiah("5500000"), "waived_on": "2014-04-09", "basis": "Keputusan 12"}))
            .expect(200);
    assert_eq!((&waived["state"], &waived["write_off"]["waived"]), (&json!("waived"), &rupiah("5500000.00")));
    step("recoveries", json!({"amount": rupiah("1"), "received_on": "2014-04-10"})).problem(409, "wrong_state");

    // From the last to the first, every step but the application is undone, and what is left is the application.
    let history = app.get("bank", &format!("{at}/history")).expect(200);
    let events = history["data"].as_array().unwrap();
    assert!(events.iter().skip(1).all(|event| !event["changed"].as_object().unwrap().is_empty()), "{history}");
    for event in events.iter().skip(1).rev() {
        step("reversals", json!({"event_id": event["event_id"], "reason": "uji"})).expect(200);
    }
    let shown = app.get("bank", &at).expect(200);
    let fresh = app.get("bank", &format!("{at}?as_of={}", events[0]["position"])).expect(200);
    for (member, value) in fresh.as_object().unwrap() {
        if !["version", "position", "updated_at"].contains(&member.as_str()) {
            assert_eq!(&shown[member], value, "{member}");
        }
    }
}

#[test]
fn a_summary_adds_up_what_the_caller_may_see() {
    let app = App::start();
    let at = running(&app, "R-1", "001/PK/2014");
    running(&app, "R-2", "002/PK/2014");
    let report =
        json!({"scheme": "bank_umum", "class": 2, "position_date": "2014-04-30", "outstanding": rupiah("19000000.55")});
    app.post("bank", &format!("{at}/collectibility-reports"), &report).expect(200);
    let by_class = app.get("bank", "/v1/financings/summary?by=scheme,collectibility").expect(200);
    let rows = by_class["data"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{by_class}");
    let second = rows.iter().find(|row| row["collectibility"] == 2).unwrap();
    assert_eq!((&second["outstanding"], &second["count"]), (&rupiah("19000000.55"), &json!(1)));
    assert!(rows.iter().any(|row| row["collectibility"].is_null()));
    let all = app.get("province", "/v1/financings/summary?by=").expect(200);
    assert_eq!((&all["data"][0]["count"], &all["data"][0]["disbursed"]), (&json!(2), &rupiah("40000000.00")));
    assert_eq!(app.get("other_bank", "/v1/financings/summary").expect(200)["data"], json!([]));
    app.get("bank", "/v1/financings/summary?by=colour").fault(400, "invalid_parameter", "?by", "unknown_part");
    app.get("bank", "/v1/financings/summary?by=state,state").fault(400, "invalid_parameter", "?by", "given_twice");
    app.get("council", "/v1/financings/summary").problem(403, "forbidden");
}

#[test]
fn the_akad_number_of_a_contract_that_is_reversed_is_free_for_the_right_financing() {
    let app = App::start();
    let enterprise = enterprise(&app);
    let approved = |reference: &str| {
        let at = format!("/v1/financings/{}", apply(&app, "bank", "enterprise", &enterprise, reference));
        app.post("bank", &format!("{at}/approvals"), &json!({})).expect(200);
        at
    };
    let (wrong, right) = (approved("R-1"), approved("R-2"));
    app.post("bank", &format!("{wrong}/contracts"), &contract("001/PK/2014")).expect(200);
    app.post("bank", &format!("{right}/contracts"), &contract("001/PK/2014")).problem(409, "duplicate");
    let history = app.get("bank", &format!("{wrong}/history")).expect(200);
    let signed = history["data"].as_array().unwrap().last().unwrap()["event_id"].clone();
    app.post("bank", &format!("{wrong}/reversals"), &json!({"event_id": signed, "reason": "Salah berkas"})).expect(200);
    app.post("bank", &format!("{right}/contracts"), &contract("001/PK/2014")).expect(200);
    app.post("bank", &format!("{wrong}/contracts"), &contract("001/PK/2014")).problem(409, "duplicate");
    app.post("bank", &format!("{wrong}/contracts"), &contract("002/PK/2014")).expect(200);
    assert!(lumbung::maintenance::verify(&app.place).is_ok());
}

#[test]
fn a_month_end_is_corrected_after_the_books_are_closed_and_nothing_is_reported_for_the_time_after() {
    let app = App::start();
    let at = running(&app, "R-3", "003/PK/2014");
    let report = |day: &str, class: u8| {
        let body =
            json!({"scheme": "bank_umum", "class": class, "position_date": day, "outstanding": rupiah("20000000")});
        app.post("bank", &format!("{at}/collectibility-reports"), &body)
    };
    report("2014-04-30", 1).expect(200);
    let early = json!({"settled_on": "2014-04-29"});
    app.post("bank", &format!("{at}/settlements"), &early).fault(
        422,
        "rule_refused",
        "/settled_on",
        "before_its_cause",
    );
    app.post("bank", &format!("{at}/settlements"), &json!({"settled_on": "2014-05-20"})).expect(200);
    report("2014-05-31", 1).fault(422, "rule_refused", "/position_date", "after_closing");
    let corrected = report("2014-04-30", 2).expect(200);
    assert_eq!((&corrected["outstanding"], &corrected["collectibility"]["class"]), (&rupiah("0.00"), &json!(2)));
    let figures =
        app.get("province", "/v1/statistics/financing?measure=financings_by_collectibility&by=class").expect(200);
    assert_eq!((figures["figures"].as_array().unwrap().len(), &figures["figures"][0]["class"]), (1, &json!("2")));
    // What is said in the address of a command is not dropped in silence.
    app.post("bank", &format!("{at}/reversals?dry_run=true"), &json!({})).fault(
        400,
        "invalid_parameter",
        "?dry_run",
        "unknown_field",
    );
}
