//! Certification over HTTP: candidate, result, certificate, suspension, verification by anyone.

use lumbung::kernel::{Clock, Timestamp};
use serde_json::{Value, json};

use super::harness::{App, id};

fn candidate(app: &App, name: &str) -> (String, String) {
    let manager = app.manager(name);
    let body = json!({"manager": manager, "scheme": "Manajer KSP", "certifier": app.organisation("certifier")});
    (manager, id(&app.post("samarinda", "/v1/certifications", &body).expect(201)))
}

fn certify(app: &App, certification: &str, number: &str) -> Value {
    let at = format!("/v1/certifications/{certification}");
    app.post("certifier", &format!("{at}/results"), &json!({"result": "kompeten", "assessed_on": "2014-03-03"}))
        .expect(200);
    let certificate = json!({"certificate_number": number, "issued_on": "2014-03-10"});
    app.post("certifier", &format!("{at}/certificates"), &certificate).expect(200)
}

#[test]
fn a_manager_is_certified_and_anyone_can_verify_it_without_learning_who_it_is() {
    let app = App::start_at(Clock::set_to(Timestamp::parse("2014-04-01T08:00:00+08:00").unwrap()));
    let cooperative = app.cooperative("1/BH");
    let (manager, certification) = candidate(&app, "Nama Rahasia");
    let appointment = json!({"cooperative": cooperative, "role": "manajer", "since": "2012-01-02"});
    app.post("samarinda", &format!("/v1/managers/{manager}/appointments"), &appointment).expect(200);
    let with_certified = |wanted: &str| {
        let list = app.get("bank", &format!("/v1/cooperatives?certified_manager={wanted}")).expect(200);
        list["data"].as_array().unwrap().len()
    };
    assert_eq!((with_certified("true"), with_certified("false")), (0, 1));
    let at = format!("/v1/certifications/{certification}");
    let certificate = json!({"certificate_number": "64190/1345 4", "issued_on": "2014-03-10"});
    app.post("certifier", &format!("{at}/certificates"), &certificate).problem(409, "wrong_state");
    let certified = certify(&app, &certification, "64190/1345 4");
    assert_eq!(certified["certificate"]["valid_until"], "2017-03-10");
    assert_eq!(certified["certificate"]["role"], "manajer");
    assert_eq!((with_certified("true"), with_certified("false")), (1, 0));

    let verify = || {
        let answer = app.get("", "/v1/certificates/64190%2F1345%204/verification");
        assert!(!answer.text.contains("Rahasia") && !answer.text.contains(&manager));
        let shown = answer.expect(200);
        (shown["status"].clone(), shown["valid"].clone())
    };
    assert_eq!(verify(), (json!("certified"), json!(true)));
    app.post("certifier", &format!("{at}/suspensions"), &json!({"reason": "Diperiksa"})).expect(200);
    assert_eq!(verify(), (json!("suspended"), json!(false)));
    assert_eq!(with_certified("true"), 0);
    app.post("certifier", &format!("{at}/reinstatements"), &json!({})).expect(200);
    assert_eq!(verify(), (json!("certified"), json!(true)));
    app.clock.move_to(Timestamp::parse("2017-03-11T08:00:00+08:00").unwrap());
    assert_eq!(verify(), (json!("expired"), json!(false)));
    assert_eq!(app.get("certifier", &at).expect(200)["state"], "expired");
    assert_eq!(app.get("certifier", &format!("{at}?as_of=2017-03-10T12:00:00Z")).expect(200)["state"], "certified");
    app.post("certifier", &format!("{at}/revocations"), &json!({"reason": "x"})).problem(409, "wrong_state");
    app.get("", "/v1/certificates/0000/verification").problem(404, "not_found");
}

#[test]
fn a_number_is_unique_per_certifier() {
    let app = App::start();
    let (_, first) = candidate(&app, "Satu");
    let (_, second) = candidate(&app, "Dua");
    certify(&app, &first, "A-1");
    let at = format!("/v1/certifications/{second}");
    app.post("certifier", &format!("{at}/results"), &json!({"result": "kompeten", "assessed_on": "2014-03-03"}))
        .expect(200);
    let again = json!({"certificate_number": "a - 1", "issued_on": "2014-03-10"});
    let problem = app.post("certifier", &format!("{at}/certificates"), &again);
    assert_eq!(problem.fault(409, "duplicate", "/certificate_number", "duplicate")["existing"], first.as_str());
}

#[test]
fn who_is_not_competent_gets_no_certificate_and_a_revoked_one_holds_no_more() {
    let app = App::start_at(Clock::set_to(Timestamp::parse("2014-04-01T08:00:00+08:00").unwrap()));
    let (_, failed) = candidate(&app, "Satu");
    let at = format!("/v1/certifications/{failed}");
    app.post("certifier", &format!("{at}/results"), &json!({"result": "belum_kompeten"})).expect(200);
    let problem = app
        .post("certifier", &format!("{at}/certificates"), &json!({"certificate_number": "X"}))
        .problem(409, "wrong_state");
    assert_eq!(problem["state"], "belum_kompeten");
    let (_, other) = candidate(&app, "Dua");
    certify(&app, &other, "B-2");
    app.post("bank", &format!("/v1/certifications/{other}/revocations"), &json!({"reason": "x"}))
        .problem(404, "not_found");
    app.post("certifier", &format!("/v1/certifications/{other}/revocations"), &json!({"reason": "Pidana"})).expect(200);
    assert_eq!(app.get("", "/v1/certificates/B-2/verification").expect(200)["status"], "revoked");
}

#[test]
fn a_certifier_sees_the_managers_put_forward_to_it_without_their_names() {
    let app = App::start();
    let (manager, _) = candidate(&app, "Nama Rahasia");
    let stranger = app.manager("Orang Lain");
    let seen = app.get("certifier", &format!("/v1/managers/{manager}")).expect(200);
    assert_eq!(seen["personal_data"], "hidden");
    app.get("certifier", &format!("/v1/managers/{stranger}")).problem(404, "not_found");
    let list = app.get("certifier", "/v1/managers").expect(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    let body = json!({"manager": manager, "scheme": "X", "certifier": app.organisation("bank")});
    app.post("samarinda", "/v1/certifications", &body).fault(422, "rule_refused", "/certifier", "not_a_certifier");
}

#[test]
fn a_manager_has_one_open_candidacy_for_a_scheme_and_may_contest_the_result() {
    let app = App::start_at(Clock::set_to(Timestamp::parse("2014-04-01T08:00:00+08:00").unwrap()));
    let (manager, first) = candidate(&app, "Satu");
    let again = json!({"manager": manager, "scheme": "MANAJER  ksp", "certifier": app.organisation("certifier")});
    let refused =
        || app.post("samarinda", "/v1/certifications", &again).fault(409, "duplicate", "/manager", "duplicate");
    assert_eq!(refused()["existing"], first.as_str());
    let other = json!({"manager": manager, "scheme": "Kasir", "certifier": app.organisation("certifier")});
    app.post("samarinda", "/v1/certifications", &other).expect(201);
    let at = format!("/v1/certifications/{first}");
    let day = json!({"scheduled_on": "2014-04-10", "place": "TUK Samarinda"});
    assert_eq!(app.post("certifier", &format!("{at}/assessment-schedules"), &day).expect(200)["state"], "scheduled");
    app.post("samarinda", &format!("{at}/assessment-schedules"), &day).problem(403, "forbidden");
    app.clock.move_to(Timestamp::parse("2014-04-20T08:00:00+08:00").unwrap());
    let failed = json!({"result": "belum_kompeten", "assessed_on": "2014-04-10"});
    app.post("certifier", &format!("{at}/results"), &failed).expect(200);
    let appealed = app.post("samarinda", &format!("{at}/appeals"), &json!({"reason": "Portofolio"})).expect(200);
    assert_eq!((&appealed["state"], &appealed["appeal"]["outcome"]), (&json!("appealed"), &Value::Null));
    refused();
    app.post("bank", &format!("{at}/appeal-decisions"), &json!({"outcome": "upheld", "reason": "x"}))
        .problem(404, "not_found");
    let dismissed = json!({"outcome": "dismissed", "reason": "Sudah dinilai"});
    let closed = app.post("certifier", &format!("{at}/appeal-decisions"), &dismissed).expect(200);
    assert_eq!((&closed["state"], &closed["appeal"]["outcome"]), (&json!("belum_kompeten"), &json!("dismissed")));
    let second = app.post("samarinda", "/v1/certifications", &again).expect(201);
    assert_eq!(second["attempt"], 2);
    assert_eq!(refused()["existing"], second["id"]);
    let history = app.get("auditor", &format!("{at}/history")).expect(200);
    let types: Vec<&str> =
        history["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types[2..], ["certification.assessed", "certification.appealed", "certification.appeal_decided"]);
}

#[test]
fn of_two_candidacies_put_forward_at_once_one_is_refused() {
    let app = App::start();
    let manager = app.manager("Satu");
    let body = json!({"manager": manager, "scheme": "Manajer KSP", "certifier": app.organisation("certifier")});
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let sent: Vec<_> =
            (0..6).map(|_| scope.spawn(|| app.post("samarinda", "/v1/certifications", &body).status)).collect();
        sent.into_iter().map(|sent| sent.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
}

#[test]
fn a_renewed_certificate_is_chained_both_ways_and_a_duplicate_keeps_its_number() {
    let app = App::start_at(Clock::set_to(Timestamp::parse("2014-04-01T08:00:00+08:00").unwrap()));
    let (_, first) = candidate(&app, "Satu");
    certify(&app, &first, "A-1");
    let at = format!("/v1/certifications/{first}");
    let copy = app.post("certifier", &format!("{at}/duplicates"), &json!({"reason": "Hilang"})).expect(200);
    assert_eq!(
        (&copy["certificate"]["certificate_number"], copy["duplicates"].as_array().unwrap().len()),
        (&json!("A-1"), 1)
    );
    app.post("certifier", &format!("{at}/surveillances"), &json!({"outcome": "maintained"})).expect(200);
    let expiring = |who: &str, query: &str| {
        app.get(who, &format!("/v1/certifications/expiring?{query}")).expect(200)["data"].as_array().unwrap().len()
    };
    assert_eq!(expiring("certifier", "within_days=90"), 0);
    app.clock.move_to(Timestamp::parse("2017-02-20T08:00:00+08:00").unwrap());
    assert_eq!((expiring("certifier", "within_days=17"), expiring("certifier", "within_days=18")), (0, 1));
    assert_eq!((expiring("province", ""), expiring("province", "region=64.71")), (1, 0));
    app.get("certifier", "/v1/certifications/expiring?within_days=-1").problem(400, "invalid_parameter");
    app.get("bank", "/v1/certifications/expiring").problem(403, "forbidden");

    let renewal = json!({"certificate_number": "A-2", "assessed_on": "2017-02-10", "issued_on": "2017-02-15"});
    app.post("samarinda", &format!("{at}/renewals"), &renewal).problem(403, "forbidden");
    app.post("bank", &format!("{at}/renewals"), &renewal).problem(404, "not_found");
    let same = json!({"certificate_number": "A-1"});
    app.post("certifier", &format!("{at}/renewals"), &same).fault(409, "duplicate", "/certificate_number", "duplicate");
    let answer = app.post("certifier", &format!("{at}/renewals"), &renewal);
    let second = id(&answer.clone().expect(201));
    assert_eq!(answer.headers["location"], format!("/v1/certifications/{second}"));
    assert_eq!(answer.json()["renews"], json!({"certification": first, "certificate_number": "A-1"}));
    let earlier = app.get("certifier", &at).expect(200);
    assert_eq!(earlier["renewed_by"], json!({"certification": second, "certificate_number": "A-2"}));
    assert_eq!(earlier["state"], "renewed");
    let verified = |number: &str| app.get("", &format!("/v1/certificates/{number}/verification")).expect(200);
    assert_eq!((&verified("A-1")["valid"], &verified("A-1")["renewed_by"]), (&json!(false), &json!("A-2")));
    assert_eq!((&verified("A-2")["valid"], &verified("A-2")["renews"]), (&json!(true), &json!("A-1")));
    assert_eq!(expiring("certifier", "within_days=365"), 0);
    let again = app.post("certifier", &format!("{at}/renewals"), &json!({"certificate_number": "A-3"}));
    assert_eq!(again.problem(409, "wrong_state")["existing"], second.as_str());
}

#[test]
fn coverage_is_that_of_the_day_by_when_things_happened() {
    let app = App::start_at(Clock::set_to(Timestamp::parse("2014-01-02T08:00:00+08:00").unwrap()));
    let (one, two) = (app.cooperative("1/BH"), app.cooperative_of_kind("kspps", "2/BH"));
    app.cooperative_of_kind("consumer", "3/BH");
    let (manager, certification) = candidate(&app, "Satu");
    let appointment = json!({"cooperative": one, "role": "manajer", "since": "2012-01-02"});
    app.post("samarinda", &format!("/v1/managers/{manager}/appointments"), &appointment).expect(200);
    let (clerk, of_clerk) = candidate(&app, "Dua");
    let appointment = json!({"cooperative": two, "role": "kasir", "since": "2012-01-02"});
    app.post("samarinda", &format!("/v1/managers/{clerk}/appointments"), &appointment).expect(200);
    app.clock.move_to(Timestamp::parse("2014-04-01T08:00:00+08:00").unwrap());
    certify(&app, &certification, "A-1");
    certify(&app, &of_clerk, "A-2");
    let coverage = |query: &str| {
        let answer = app.get("", &format!("/v1/certifications/coverage?{query}"));
        assert!(!answer.text.contains(&manager));
        let shown = answer.expect(200);
        assert_eq!(shown["per_regency"].as_array().unwrap().len(), 10);
        assert_eq!(shown["definition"]["measure"], "certified_manager_coverage");
        let samarinda = shown["per_regency"].as_array().unwrap().iter().find(|row| row["region"] == "64.72").unwrap();
        assert_eq!((&samarinda["covered"], &samarinda["total"]), (&shown["covered"], &shown["total"]));
        (shown["covered"].as_i64().unwrap(), shown["total"].as_i64().unwrap())
    };
    assert_eq!(coverage(""), (1, 2));
    let share = app.get("", "/v1/certifications/coverage").expect(200);
    assert_eq!(share["share_percent"], "50.00");
    assert_eq!(
        [coverage("on=2014-03-09"), coverage("on=2014-03-10"), coverage("on=2014-01-01")],
        [(0, 2), (1, 2), (0, 0)]
    );
    assert_eq!(coverage("on=2017-03-11"), (0, 2), "it lapses by itself");
    let suspension = json!({"reason": "Diperiksa", "occurred_at": "2014-03-20T09:00:00+08:00"});
    app.post("certifier", &format!("/v1/certifications/{certification}/suspensions"), &suspension).expect(200);
    assert_eq!([coverage("on=2014-03-19"), coverage("on=2014-03-20"), coverage("")], [(1, 2), (0, 2), (0, 2)]);
    app.post("certifier", &format!("/v1/certifications/{certification}/reinstatements"), &json!({})).expect(200);
    assert_eq!([coverage("on=2014-03-31"), coverage("on=2014-04-01")], [(0, 2), (1, 2)]);
    let departure = json!({"cooperative": one, "role": "manajer", "until": "2014-03-15"});
    app.post("samarinda", &format!("/v1/managers/{manager}/departures"), &departure).expect(200);
    assert_eq!([coverage("on=2014-03-15"), coverage("on=2014-03-16"), coverage("")], [(1, 2), (0, 2), (0, 2)]);
    let list = app.get("bank", "/v1/cooperatives?certified_manager=true&certified_on=2014-03-15").expect(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    app.post("samarinda", &format!("/v1/cooperatives/{two}/deactivations"), &json!({"reason": "Tidak RAT"}))
        .expect(200);
    assert_eq!([coverage("on=2014-03-31"), coverage("on=2014-04-01")], [(0, 2), (0, 1)]);
    app.get("", "/v1/certifications/coverage?on=besok").problem(400, "invalid_parameter");
}

#[test]
fn what_befalls_a_certificate_is_dated_in_its_order() {
    let app = App::start_at(Clock::set_to(Timestamp::parse("2015-06-01T08:00:00+08:00").unwrap()));
    let (_, certification) = candidate(&app, "Satu");
    certify(&app, &certification, "A-1");
    let at = format!("/v1/certifications/{certification}");
    let send = |step: &str, day: &str| {
        let body = json!({"reason": "Diperiksa", "occurred_at": format!("{day}T08:00:00+08:00")});
        app.post("certifier", &format!("{at}/{step}"), &body)
    };
    let too_early = |step: &str, day: &str| {
        send(step, day).fault(422, "rule_refused", "/occurred_at", "too_early");
    };
    let standing = || -> Vec<(String, String)> {
        let spans = app.get("certifier", &at).expect(200)["standing"].as_array().unwrap().clone();
        let day = |span: &Value, name: &str| span[name].as_str().unwrap().to_owned();
        spans.iter().map(|span| (day(span, "from"), day(span, "until"))).collect()
    };
    let held = |spans: &[(&str, &str)]| -> Vec<(String, String)> {
        spans.iter().map(|(from, until)| ((*from).to_owned(), (*until).to_owned())).collect()
    };
    too_early("suspensions", "2014-03-09");
    too_early("revocations", "2014-03-09");
    send("suspensions", "2015-01-01").expect(200);
    too_early("reinstatements", "2011-01-01");
    too_early("reinstatements", "2014-12-31");
    too_early("revocations", "2014-12-31");
    assert_eq!(standing(), held(&[("2014-03-10", "2014-12-31")]));
    send("reinstatements", "2015-02-01").expect(200);
    assert_eq!(standing(), held(&[("2014-03-10", "2014-12-31"), ("2015-02-01", "2017-03-10")]));
    too_early("suspensions", "2015-01-15");
    let look = |day: &str| json!({"outcome": "maintained", "held_on": day});
    let surveillances = format!("{at}/surveillances");
    app.post("certifier", &surveillances, &look("2015-01-31")).fault(422, "rule_refused", "/held_on", "too_early");
    app.post("certifier", &surveillances, &look("2015-02-01")).expect(200);
    let renewal = |day: &str| json!({"certificate_number": "A-2", "assessed_on": "2015-01-20", "issued_on": day});
    let renewals = format!("{at}/renewals");
    app.post("certifier", &renewals, &renewal("2015-01-31")).fault(422, "rule_refused", "/issued_on", "too_early");
    send("revocations", "2015-02-01").expect(200);
    assert_eq!(standing(), held(&[("2014-03-10", "2014-12-31")]));
}

#[test]
fn certificates_are_listed_by_the_days_they_held() {
    let app = App::start_at(Clock::set_to(Timestamp::parse("2016-01-04T08:00:00+08:00").unwrap()));
    let [suspended, revoked, renewed] = ["A-1", "B-1", "C-1"].map(|number| {
        let (_, certification) = candidate(&app, number);
        certify(&app, &certification, number);
        certification
    });
    let happened = json!({"reason": "Diperiksa", "occurred_at": "2015-01-01T08:00:00+08:00"});
    app.post("certifier", &format!("/v1/certifications/{suspended}/suspensions"), &happened).expect(200);
    app.post("certifier", &format!("/v1/certifications/{revoked}/revocations"), &happened).expect(200);
    let renewal = json!({"certificate_number": "C-2", "issued_on": "2015-06-01"});
    app.post("certifier", &format!("/v1/certifications/{renewed}/renewals"), &renewal).expect(201);
    let on = |query: &str| -> Vec<String> {
        let listed = app.get("certifier", &format!("/v1/certifications?valid_on={query}")).expect(200);
        let number = |row: &Value| row["certificate"]["certificate_number"].as_str().unwrap().to_owned();
        let mut numbers: Vec<String> = listed["data"].as_array().unwrap().iter().map(number).collect();
        numbers.sort_unstable();
        numbers
    };
    assert_eq!(on("2010-01-01"), Vec::<String>::new());
    assert_eq!(on("2014-03-10"), ["A-1", "B-1", "C-1"]);
    assert_eq!(on("2014-12-31"), ["A-1", "B-1", "C-1"]);
    assert_eq!(on("2015-01-01"), ["C-1"]);
    assert_eq!(on("2015-06-01"), ["C-2"]);
    assert_eq!(on("2018-06-01"), ["C-2"]);
    assert_eq!(on("2018-06-02"), Vec::<String>::new());
    assert_eq!(on("2014-12-31&state=revoked"), ["B-1"]);
    app.post("certifier", &format!("/v1/certifications/{suspended}/reinstatements"), &json!({})).expect(200);
    assert_eq!([on("2016-01-03"), on("2016-01-04")], [vec!["C-2"], vec!["A-1", "C-2"]]);
}

#[test]
fn what_an_appeal_established_is_certified_after_it() {
    let app = App::start_at(Clock::set_to(Timestamp::parse("2014-04-01T08:00:00+08:00").unwrap()));
    let (_, certification) = candidate(&app, "Satu");
    let at = format!("/v1/certifications/{certification}");
    let failed = |day: &str| {
        let body = json!({"result": "belum_kompeten", "assessed_on": day});
        app.post("certifier", &format!("{at}/results"), &body)
    };
    failed("2014-01-02").expect(200);
    let appeal = json!({"reason": "Portofolio", "filed_on": "2014-01-10"});
    app.post("samarinda", &format!("{at}/appeals"), &appeal).expect(200);
    let upheld = json!({"outcome": "upheld", "reason": "Dinilai ulang", "decided_on": "2014-02-03"});
    app.post("certifier", &format!("{at}/appeal-decisions"), &upheld).expect(200);
    let certificate = |day: &str| {
        let body = json!({"certificate_number": "A-1", "issued_on": day});
        app.post("certifier", &format!("{at}/certificates"), &body)
    };
    certificate("2014-02-02").fault(422, "rule_refused", "/issued_on", "too_early");
    certificate("2014-02-03").expect(200);
}
