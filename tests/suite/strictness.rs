//! What the OpenAPI document says is held to: neither more nor less is taken.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use super::harness::{App, id};

#[test]
fn who_brings_no_key_is_told_so_before_anything_else() {
    let app = App::start();
    for path in [
        "/v1/cooperatives?limit=0",
        "/v1/cooperatives?cursor=x",
        "/v1/financings/not-an-id",
        "/v1/financings/summary?colour=red",
    ] {
        app.get("", path).problem(401, "unauthenticated");
    }
    app.post("", "/v1/cooperatives?dry_run=true", &json!({})).problem(401, "unauthenticated");
    // What anyone may read asks for no key.
    app.get("", "/v1/programmes?limit=0").problem(400, "invalid_parameter");
}

#[test]
fn a_path_that_stands_for_itself_names_its_own_methods() {
    let app = App::start();
    for method in ["GET", "PATCH", "OPTIONS"] {
        let answer = app.send(
            method,
            "/v1/assessments/preview",
            &[("Authorization", &format!("Bearer {}", app.key("province")))],
            b"",
        );
        assert_eq!((answer.status, answer.headers["allow"].as_str()), (405, "POST"), "{method}: {}", answer.text);
    }
    let answer = app.command("PATCH", "province", "/v1/financings", &[], &json!({}));
    assert_eq!(answer.headers["allow"], "GET, HEAD, POST");
    assert_eq!(answer.problem(405, "method_not_allowed")["allowed"], json!(["GET", "HEAD", "POST"]));
}

#[test]
fn numbers_have_their_range_and_one_spelling() {
    let app = App::start();
    for (path, pointer) in [
        ("/v1/financings?collectibility=0", "?collectibility"),
        ("/v1/financings?collectibility=6", "?collectibility"),
        ("/v1/financings?collectibility=%2B1", "?collectibility"),
        ("/v1/assessments?book_year=1899", "?book_year"),
        ("/v1/certifications/expiring?within_days=3661", "?within_days"),
    ] {
        app.get("province", path).fault(400, "invalid_parameter", pointer, "invalid_integer");
    }
    app.get("province", "/v1/certifications/expiring?within_days=3660&limit=500").expect(200);
    for as_of in ["00000000000000000", "007", "%2B7", "-1", "1899-01-01T00:00:00Z", "9000-01-01T00:00:00Z"] {
        let path = format!("/v1/regions/64.72?as_of={as_of}");
        app.get("", &path).fault(400, "invalid_parameter", "?as_of", "invalid_as_of");
    }
}

#[test]
fn a_whole_number_may_be_written_with_a_point_and_an_amount_may_not() {
    let app = App::start();
    let beneficiary = app.cooperative("1/BH");
    let body = |tenor: &str| {
        format!(
            r#"{{"beneficiary": {{"kind": "cooperative", "id": "{beneficiary}"}}, "scheme": "lpdb", "purpose": "x",
            "amount": {{"value": "5000000", "currency": "IDR"}}, "tenor_months": {tenor}}}"#
        )
    };
    let bearer = format!("Bearer {}", app.key("bank"));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let send = |tenor| app.send("POST", "/v1/financings", &headers, body(tenor).as_bytes());
    assert_eq!(send("12.0").expect(201)["tenor_months"], 12);
    send("12.5").fault(400, "invalid_body", "/tenor_months", "wrong_type");
    send("\"12\"").fault(400, "invalid_body", "/tenor_months", "wrong_type");
}

#[test]
fn headers_that_are_none_are_refused() {
    let app = App::start();
    let at = format!("/v1/cooperatives/{}", app.cooperative("1/BH"));
    let bearer = format!("Bearer {}", app.key("samarinda"));
    let read = |tags: &str| app.send("GET", &at, &[("Authorization", &bearer), ("If-None-Match", tags)], b"");
    assert_eq!(read("\"1\"").status, 304);
    assert_eq!(read("W/\"1\", \"7\"").status, 304);
    assert_eq!(read("*").status, 304);
    assert_eq!(read("\"2\"").status, 200);
    for broken in ["1", "\"1", &format!("\"{}\"", "1".repeat(1000))] {
        read(broken).problem(400, "invalid_header");
        let amend = json!({"name": "KSP Lain"});
        app.command("PATCH", "samarinda", &at, &[("If-Match", broken)], &amend).problem(400, "invalid_header");
    }
    let key = [("Idempotency-Key", "a\"b")];
    app.command("PATCH", "samarinda", &at, &key, &json!({"name": "KSP Lain"})).problem(400, "invalid_header");
}

#[test]
fn an_id_is_written_in_one_way() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let bare = cooperative.replace('-', "");
    app.get("samarinda", &format!("/v1/cooperatives/{bare}")).problem(404, "not_found");
    let body = json!({"id": bare, "name": "KSP", "kind": "ksp", "region": "64.72", "nik_koperasi": "6472010010001"});
    app.post("samarinda", "/v1/cooperatives", &body).fault(400, "invalid_body", "/id", "invalid_id");
    app.get("samarinda", &format!("/v1/managers?cooperative={bare}")).fault(
        400,
        "invalid_parameter",
        "?cooperative",
        "invalid_id",
    );
}

#[test]
fn a_pointer_to_a_member_escapes_its_name() {
    let app = App::start();
    let body = json!({"name": "KSP", "kind": "ksp", "region": "64.72", "a/b~c": 1, "nik_koperasi": "6472010010001"});
    app.post("samarinda", "/v1/cooperatives", &body).fault(400, "invalid_body", "/a~1b~0c", "unknown_field");
}

#[test]
fn no_cursor_but_the_one_that_was_given_is_taken() {
    let app = App::start();
    for number in ["1/BH", "2/BH", "3/BH"] {
        app.cooperative(number);
    }
    let given = app.get("bank", "/v1/cooperatives?limit=1").expect(200)["next_cursor"].as_str().unwrap().to_owned();
    let changed = (0..given.len(), "[A-Za-z0-9_-]").prop_map(|(at, letter)| {
        let mut cursor = given.clone();
        cursor.replace_range(at..=at, &letter);
        cursor
    });
    let cursors = prop_oneof![changed, "[A-Za-z0-9_-]{1,200}"];
    let cases = Config::default().cases.min(2_000);
    let mut runner = TestRunner::new(Config { failure_persistence: None, cases, ..Config::default() });
    let held = runner.run(&cursors, |cursor| {
        let answer = app.get("bank", &format!("/v1/cooperatives?limit=1&cursor={cursor}"));
        let expected = if cursor == given { 200 } else { 400 };
        prop_assert_eq!(answer.status, expected, "{}: {}", cursor, answer.text);
        Ok(())
    });
    held.unwrap();
    assert_ne!(id(&app.get("bank", &format!("/v1/cooperatives?limit=1&cursor={given}")).expect(200)["data"][0]), "");
}
