//! Keys and rights: deny by default.

use serde_json::json;

use super::harness::{App, id};

#[test]
fn without_a_valid_key_nothing_but_the_public_part_answers() {
    let app = App::start();
    for path in [
        "/v1/cooperatives",
        "/v1/managers",
        "/v1/assessments",
        "/v1/certifications",
        "/v1/enterprises",
        "/v1/financings",
        "/v1/organisations",
        "/v1/me",
    ] {
        let answer = app.get("", path);
        assert!(answer.headers["www-authenticate"].starts_with("Bearer"));
        answer.problem(401, "unauthenticated");
        for wrong in ["Bearer lumbung_nothing", "Basic eDp5", "Bearer "] {
            app.send("GET", path, &[("Authorization", wrong)], b"").problem(401, "unauthenticated");
        }
    }
    let bearer = format!("Bearer {}", app.key("bank"));
    let two = [("Authorization", bearer.as_str()), ("Authorization", "Bearer lumbung_nothing")];
    app.send("GET", "/v1/me", &two, b"").problem(400, "invalid_header");
    for path in
        ["/v1/regions", "/v1/programmes", "/v1/regulations", "/v1/metrics", "/livez", "/readyz", "/openapi.json"]
    {
        app.get("", path).expect(200);
    }
}

#[test]
fn a_key_works_until_it_is_revoked_and_only_the_province_issues_keys() {
    let app = App::start();
    let body = json!({"name": "Bank Ketiga", "kind": "bank", "code": "777"});
    app.post("samarinda", "/v1/organisations", &body).problem(403, "forbidden");
    let bank = id(&app.post("province", "/v1/organisations", &body).expect(201));
    app.post("bank", &format!("/v1/organisations/{bank}/keys"), &json!({})).problem(404, "not_found");
    let own = app.organisation("bank");
    app.post("bank", &format!("/v1/organisations/{own}/keys"), &json!({})).problem(403, "forbidden");

    let issue = |key: &str| {
        app.command(
            "POST",
            "province",
            &format!("/v1/organisations/{bank}/keys"),
            &[("Idempotency-Key", key)],
            &json!({"label": "Uji"}),
        )
    };
    let issued = issue("k-1").expect(201);
    let repeated = issue("k-1").expect(201);
    assert_eq!((&repeated["key_id"], &repeated["key"]), (&issued["key_id"], &serde_json::Value::Null));
    let bearer = format!("Bearer {}", issued["key"].as_str().unwrap());
    let me = || app.send("GET", "/v1/me", &[("Authorization", &bearer)], b"");
    assert_eq!(me().expect(200)["organisation"], bank.as_str());
    let shown = app.get("province", &format!("/v1/organisations/{bank}"));
    assert!(!shown.text.contains("hash") && !shown.text.contains(issued["key"].as_str().unwrap()));
    let revoke = json!({"key_id": issued["key_id"], "reason": "Bocor"});
    app.post("province", &format!("/v1/organisations/{bank}/key-revocations"), &revoke).expect(200);
    me().problem(401, "unauthenticated");
    app.post("province", "/v1/organisations", &json!({"name": "Bank Ketiga", "kind": "bank"}))
        .problem(409, "duplicate");
    let nowhere = json!({"name": "Dinas", "kind": "regency"});
    app.post("province", "/v1/organisations", &nowhere).fault(
        422,
        "rule_refused",
        "/region",
        "region_does_not_fit_kind",
    );
}

#[test]
fn each_kind_of_organisation_is_refused_what_is_not_its_own() {
    let app = App::start();
    let elsewhere = json!({"name": "KSP", "kind": "ksp", "region": "64.71", "nik_koperasi": "6471010010001"});
    for who in ["samarinda", "council", "certifier", "bank", "ministry", "auditor"] {
        app.post(who, "/v1/cooperatives", &elsewhere).problem(403, "forbidden");
    }
    app.post("balikpapan", "/v1/cooperatives", &elsewhere).expect(201);
    let programme = json!({"name": "P", "starts_on": "2014-01-01", "ends_on": "2014-02-01", "targets": [{"measure": "healthy_ksp", "number": 1}]});
    for who in ["samarinda", "council", "bank", "ministry"] {
        app.post(who, "/v1/programmes", &programme).problem(403, "forbidden");
    }
    for (who, path) in [
        ("council", "/v1/managers"),
        ("bank", "/v1/assessments"),
        ("bank", "/v1/enterprises"),
        ("council", "/v1/financings"),
        ("certifier", "/v1/financings"),
    ] {
        app.get(who, path).problem(403, "forbidden");
    }
    let organisations = app.get("bank", "/v1/organisations").expect(200);
    assert_eq!(organisations["data"].as_array().unwrap().len(), 1);
}
