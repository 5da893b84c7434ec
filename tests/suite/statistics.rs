//! Statistics over HTTP: figures add up to their evidence, as of any point, and filters are read strictly.

use std::collections::BTreeMap;

use lumbung::app::Core;
use lumbung::kernel::{Clock, Timestamp};
use lumbung::ledger::Ids;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{App, id};
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
    // What stood at one month's end is not added to what stood at another's.
    let by_class = figures("/v1/statistics/financing?by=class&measure=financings_by_collectibility");
    let of_april: Vec<Value> = by_class.into_iter().filter(|row| row["month"] == "2014-04").collect();
    let count = |rows: &[Value]| -> BTreeMap<String, Value> {
        rows.iter().map(|row| (row["class"].to_string(), row["count"].clone())).collect()
    };
    assert_eq!(count(&of_april), count(&april));
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

/// What the financings say of themselves as recorded by the end of a day, counted by state and scheme.
fn counted_one_by_one(app: &App, bearer: &str, day: &str) -> BTreeMap<(String, String), i64> {
    let get = |path: &str| app.send("GET", path, &[("Authorization", bearer)], b"");
    let all = get("/v1/financings?limit=500").expect(200);
    let mut counted = BTreeMap::new();
    for financing in all["data"].as_array().unwrap() {
        let id = financing["id"].as_str().unwrap();
        let then = get(&format!("/v1/financings/{id}?as_of={day}T23:59:59%2B08:00"));
        if then.status == 404 {
            continue;
        }
        let then = then.expect(200);
        let word = |name: &str| then[name].as_str().unwrap().to_owned();
        *counted.entry((word("state"), word("scheme"))).or_default() += 1;
    }
    counted
}

#[test]
fn who_stood_in_a_state_at_the_end_of_a_month_is_told_as_known_then_and_as_known_now() {
    let (app, bearer, _folder) = demonstration();
    let stood = |query: &str| -> BTreeMap<(String, String), i64> {
        let address = format!("/v1/statistics/financing?by=state,scheme&measure=financings_by_state&{query}");
        let key = |row: &Value| (row["state"].as_str().unwrap().to_owned(), row["scheme"].as_str().unwrap().to_owned());
        figures(&app, &bearer, &address).iter().map(|row| (key(row), row["count"].as_i64().unwrap())).collect()
    };
    for day in ["2014-03-31", "2014-04-30", "2014-05-31"] {
        let one_by_one = counted_one_by_one(&app, &bearer, day);
        assert!(!one_by_one.is_empty(), "{day}");
        assert_eq!(stood(&format!("per_tanggal={day}&diketahui_pada={day}")), one_by_one, "{day}");
    }
    let sehat = |query: &str| {
        sum(
            &figures(&app, &bearer, &format!("/v1/statistics/assessments?by=category&category=sehat&{query}")),
            "assessments_determined",
        )
    };
    assert_eq!(sehat("per_tanggal=2014-03-31&diketahui_pada=2014-03-31"), 11);
    assert_eq!(sehat("per_tanggal=2014-03-31&diketahui_pada=2014-05-31"), 10);
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
    get("financing?by=scheme,region,scheme").fault(400, "invalid_parameter", "?by", "given_twice");
    for (area, name, wrong, fault) in [
        ("financing", "scheme", "zzz", "unknown_value"),
        ("financing", "state", "zzz", "unknown_value"),
        ("financing", "beneficiary_kind", "zzz", "unknown_value"),
        ("financing", "collectibility_scheme", "zzz", "unknown_value"),
        ("financing", "class", "9", "invalid_integer"),
        ("assessments", "category", "zzz", "unknown_value"),
        ("assessments", "regulation", "zzz", "unknown_value"),
        ("assessments", "book_year", "13", "invalid_integer"),
        ("certifications", "result", "zzz", "unknown_value"),
        ("certifications", "outcome", "zzz", "unknown_value"),
    ] {
        let answer = get(&format!("{area}?{name}={wrong}"));
        let problem = answer.fault(400, "invalid_parameter", &format!("?{name}"), fault);
        if name == "scheme" || name == "regulation" {
            let allowed = if name == "scheme" { "kur_mikro" } else { "permen-14-2009" };
            assert!(problem.to_string().contains(allowed), "{problem}");
        }
    }
    get("assessments?regulation=permen-14-2009&category=sehat&book_year=2013").expect(200);
    get("certifications?outcome=not_maintained").expect(200);
    get("financing?colour=red").fault(400, "invalid_parameter", "?colour", "unknown_field");
    get("financing?as_of=99999").fault(400, "invalid_parameter", "?as_of", "not_yet");
    get("financing?diketahui_pada=99999").fault(400, "invalid_parameter", "?as_of", "not_yet");
    get("financing?diketahui_pada=soon").fault(400, "invalid_parameter", "?diketahui_pada", "invalid_as_of");
    get("financing?as_of=1&diketahui_pada=1").fault(400, "invalid_parameter", "?diketahui_pada", "given_twice");
    get("financing?per_tanggal=2014-03-30").fault(400, "invalid_parameter", "?per_tanggal", "not_the_end_of_a_month");
    get("financing?per_tanggal=2014-03-31&to=2014-03").fault(400, "invalid_parameter", "?per_tanggal", "given_twice");
    get("financing?per_tanggal=2999-12-31").fault(400, "invalid_parameter", "?per_tanggal", "not_yet");
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

#[test]
fn figures_by_lender_are_for_those_who_may_read_the_financings_behind_them() {
    let app = App::start();
    let (own, other) = (app.organisation("bank"), app.organisation("other_bank"));
    let address = |query: &str| format!("/v1/statistics/financing?{query}");
    let by_lender = address("by=organisation,region");
    app.get("", &by_lender).problem(401, "unauthenticated");
    for who in ["bank", "council", "certifier"] {
        app.get(who, &by_lender).problem(403, "forbidden");
    }
    for who in ["province", "samarinda", "ministry", "auditor"] {
        app.get(who, &by_lender).expect(200);
    }
    app.get("bank", &address(&format!("by=month&organisation={own}"))).expect(200);
    app.get("bank", &address(&format!("by=month&organisation={other}"))).problem(403, "forbidden");
    app.get("", &address(&format!("by=month&organisation={own}"))).problem(401, "unauthenticated");
    app.get("", &address("by=month,region,scheme&as_of=1")).expect(200);
    app.get("", "/v1/statistics/certifications?by=organisation").expect(200);
}

#[test]
fn what_stands_at_a_months_end_is_told_by_month_and_never_added_up() {
    let app = App::start_at(Clock::set_to(Timestamp::parse("2014-06-02T08:00:00+08:00").unwrap()));
    let cooperative = app.cooperative("1/BH");
    let rupiah = |amount: &str| json!({"value": amount, "currency": "IDR"});
    let body = json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "scheme": "komersial", "amount": rupiah("20000000.00"),
        "purpose": "Modal", "tenor_months": 12, "occurred_at": "2014-03-03T08:00:00+08:00"});
    let at = format!("/v1/financings/{}", id(&app.post("bank", "/v1/financings", &body).expect(201)));
    let step = |step: &str, body: &Value| app.post("bank", &format!("{at}/{step}"), body).expect(200);
    step("approvals", &json!({"approved_on": "2014-03-04"}));
    let contract = json!({"akad_number": "001/PK/2014", "signed_on": "2014-03-05", "plafon": rupiah("20000000.00"),
        "annual_rate_percent": "12", "tenor_months": 12});
    step("contracts", &contract);
    step("disbursements", &json!({"amount": rupiah("20000000.00"), "disbursed_on": "2014-03-06"}));
    for (day, class) in [("2014-03-31", 1), ("2014-04-30", 1), ("2014-05-31", 2)] {
        let report =
            json!({"scheme": "bank_umum", "class": class, "position_date": day, "outstanding": rupiah("20000000.00")});
        step("collectibility-reports", &report);
    }
    let ask = |query: &str| app.get("", &format!("/v1/statistics/financing?{query}")).expect(200);
    let rows = |answer: &Value| -> Vec<(Value, Value, Value)> {
        let of_reports = answer["figures"].as_array().unwrap().iter();
        let of_reports = of_reports.filter(|row| row["measure"] == "financings_by_collectibility");
        of_reports.map(|row| (row["month"].clone(), row["class"].clone(), row["count"].clone())).collect()
    };
    let month = |month: &str, class: &str| (json!(month), json!(class), json!(1));
    let all = [month("2014-03", "1"), month("2014-04", "1"), month("2014-05", "2")];
    let by_class = ask("measure=financings_by_collectibility&by=class");
    assert_eq!((rows(&by_class), &by_class["by"]), (all.to_vec(), &json!(["month", "class"])));
    let evidence = by_class["figures"][1]["evidence"].as_str().unwrap();
    assert_eq!(app.get("bank", evidence).expect(200)["data"].as_array().unwrap().len(), 1, "{evidence}");
    assert_eq!(rows(&ask("measure=financings_by_collectibility&by=class&per_tanggal=2014-04-30")), all[..2]);
    assert_eq!(rows(&ask("measure=financings_by_collectibility&by=class&from=2014-05&to=2014-05")), all[2..]);
    assert_eq!(ask("measure=financings_by_collectibility&by=class,month")["by"], json!(["class", "month"]));
    // Beside it what can be added up still is.
    let together = ask("by=class");
    assert_eq!(rows(&together), all);
    let added = together["figures"].as_array().unwrap();
    let applied = added.iter().find(|row| row["measure"] == "financings_applied").unwrap();
    assert_eq!((&applied["month"], &applied["count"]), (&Value::Null, &json!(1)));
    assert_eq!(ask("measure=financings_applied")["figures"][0].get("month"), None);

    let metrics = app.get("", "/v1/metrics").expect(200)["data"].as_array().unwrap().clone();
    let monthly: Vec<&Value> = metrics.iter().filter(|it| it["monthly"] == true).map(|it| &it["measure"]).collect();
    assert_eq!(monthly, ["financings_by_collectibility"]);
    let coverage = app.get("", "/v1/certifications/coverage").expect(200)["definition"].clone();
    assert!(metrics.contains(&coverage), "{coverage}");
}
