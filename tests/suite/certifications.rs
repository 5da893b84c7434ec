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
