//! Whatever is sent, the answer is a problem that tells what to do, and nothing is half written.

use serde_json::json;

use super::harness::{App, healthy_worksheet, id};

fn cooperative() -> serde_json::Value {
    json!({"name": "KSP", "kind": "ksp", "region": "64.72", "badan_hukum": {"number": "1/BH", "date": "2008-08-14"}})
}

fn head(app: &App) -> i64 {
    app.get("", "/readyz").expect(200)["position"].as_i64().unwrap()
}

#[test]
fn all_faults_of_a_body_are_reported_at_once_in_both_languages() {
    let app = App::start();
    let before = head(&app);
    let body = json!({"name": " ", "kind": "bank", "region": "6472", "colour": "red", "id": "x", "occurred_at": "2014-02-24T08:00:00",
        "badan_hukum": {"number": "1/BH", "date": "24-02-2014", "page": 1}});
    let problem = app.post("samarinda", "/v1/cooperatives", &body).problem(400, "invalid_body");
    let mut found: Vec<(&str, &str)> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("/badan_hukum/date", "invalid_date"),
            ("/badan_hukum/page", "unknown_field"),
            ("/colour", "unknown_field"),
            ("/id", "invalid_id"),
            ("/kind", "unknown_value"),
            ("/name", "invalid_text"),
            ("/occurred_at", "invalid_instant"),
            ("/region", "undotted_region")
        ]
    );
    let bearer = format!("Bearer {}", app.key("samarinda"));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let indonesian = app.send("POST", "/v1/cooperatives", &headers, body.to_string().as_bytes());
    assert_eq!(indonesian.headers["content-language"], "id");
    assert!(indonesian.text.contains("Tulis kode wilayah dengan titik"), "{}", indonesian.text);
    assert_eq!(head(&app), before);
}

#[test]
fn undotted_regions_and_unknown_ones_are_explained() {
    let app = App::start();
    for (region, fault) in
        [(json!("6403"), "undotted_region"), (json!(6403), "undotted_region"), (json!("65.01"), "unknown_region")]
    {
        let mut body = cooperative();
        body["region"] = region;
        app.post("province", "/v1/cooperatives", &body).fault(400, "invalid_body", "/region", fault);
    }
    let problem = app.get("province", "/v1/cooperatives?region=6472").fault(
        400,
        "invalid_parameter",
        "?region",
        "undotted_region",
    );
    assert_eq!(problem["instance"], "/v1/cooperatives");
}

#[test]
fn money_is_text_without_separators() {
    let app = App::start();
    let beneficiary = app.cooperative("1/BH");
    for amount in [
        json!(20_000_000),
        json!({"value": 20_000_000, "currency": "IDR"}),
        json!({"value": "20.000.000,00", "currency": "IDR"}),
        json!({"value": "2e7", "currency": "IDR"}),
        json!({"value": "1.005", "currency": "IDR"}),
        json!({"value": "1", "currency": "USD"}),
    ] {
        let body = json!({"beneficiary": {"kind": "cooperative", "id": beneficiary}, "scheme": "lpdb", "amount": amount, "purpose": "x", "tenor_months": 1});
        let problem = app.post("bank", "/v1/financings", &body).problem(400, "invalid_body");
        assert!(problem["errors"][0]["pointer"].as_str().unwrap().starts_with("/amount"), "{problem}");
    }
    let body = json!({"beneficiary": {"kind": "cooperative", "id": beneficiary}, "scheme": "lpdb", "amount": {"value": "0", "currency": "IDR"}, "purpose": "x", "tenor_months": 1});
    app.post("bank", "/v1/financings", &body).fault(422, "rule_refused", "/amount", "amount_not_positive");
}

#[test]
fn what_has_not_happened_yet_is_refused() {
    let app = App::start();
    let mut body = cooperative();
    body["occurred_at"] = json!("2999-01-01T00:00:00Z");
    app.post("samarinda", "/v1/cooperatives", &body).fault(422, "rule_refused", "/occurred_at", "in_the_future");
    let mut body = cooperative();
    body["badan_hukum"]["date"] = json!("2999-01-01");
    app.post("samarinda", "/v1/cooperatives", &body).fault(422, "rule_refused", "/badan_hukum/date", "in_the_future");
}

#[test]
fn every_fault_of_a_worksheet_is_found() {
    let app = App::start();
    let mut worksheet = healthy_worksheet();
    worksheet["modal_tertimbang"] = json!("1");
    worksheet["total_asset"] = json!("1");
    worksheet["kas_bank"] = json!(5);
    worksheet["beban_usaha"] = json!("1.000.000,00");
    worksheet["modal_komponen"]["emas"] = json!("1");
    worksheet["manajemen"]["umum"] = json!([true, false]);
    worksheet["manajemen"]["likuiditas"][2] = json!("ya");
    let body =
        json!({"regulation": "permen-14-2009", "readings": {"rpm": "guess", "moon": "full"}, "worksheet": worksheet});
    let problem = app.post("council", "/v1/assessments/preview", &body).problem(422, "rule_refused");
    let mut found: Vec<(&str, &str)> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("/readings/moon", "unknown_reading"),
            ("/readings/rpm", "unknown_reading"),
            ("/worksheet/beban_usaha", "invalid_money"),
            ("/worksheet/kas_bank", "invalid_money"),
            ("/worksheet/manajemen/likuiditas/2", "wrong_type"),
            ("/worksheet/manajemen/umum", "wrong_question_count"),
            ("/worksheet/modal_komponen/emas", "unknown_worksheet_key"),
            ("/worksheet/modal_tertimbang", "contradicting_amounts"),
            ("/worksheet/total_asset", "unknown_worksheet_key")
        ]
    );
}

#[test]
fn a_key_that_was_used_answers_the_same_again_and_refuses_other_content() {
    let app = App::start();
    let send = |body: &serde_json::Value, key: &str| {
        app.command("POST", "samarinda", "/v1/cooperatives", &[("Idempotency-Key", key)], body)
    };
    let first = send(&cooperative(), "\"key-1\"");
    let position = head(&app);
    let again = send(&cooperative(), "key-1");
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert!(!first.headers.contains_key("idempotent-replayed"));
    for name in ["etag", "location", "log-position"] {
        assert_eq!(first.headers[name], again.headers[name]);
    }
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    assert_eq!(head(&app), position);
    let mut other = cooperative();
    other["name"] = json!("Lain");
    send(&other, "key-1").problem(422, "idempotency_key_reused");
    // The answer stays the first one, whatever has happened since.
    let at = format!("/v1/cooperatives/{}", id(&first.json()));
    app.command("PATCH", "samarinda", &at, &[], &json!({"name": "Berubah"})).expect(200);
    assert_eq!(send(&cooperative(), "key-1").text, first.text);
    // So does a refusal.
    let refused = send(&cooperative(), "key-2");
    let refused_again = send(&cooperative(), "key-2");
    assert_eq!(refused_again.headers["idempotent-replayed"], "true");
    assert_eq!(refused.problem(409, "duplicate")["existing"], refused_again.problem(409, "duplicate")["existing"]);
    // Another organisation's key of the same name is another key.
    let mut elsewhere = cooperative();
    elsewhere["region"] = json!("64.71");
    app.command("POST", "balikpapan", "/v1/cooperatives", &[("Idempotency-Key", "key-1")], &elsewhere).expect(201);
    send(&cooperative(), "two words").problem(400, "invalid_header");
    send(&cooperative(), &"x".repeat(256)).problem(400, "invalid_header");
}

#[test]
fn a_body_of_a_hundred_megabytes_broken_text_and_other_media_are_turned_away() {
    let app = App::start();
    let bearer = format!("Bearer {}", app.key("samarinda"));
    let json_headers =
        [("Authorization", bearer.as_str()), ("Content-Type", "application/json"), ("Accept-Language", "en")];
    let send = |body: &[u8]| app.send("POST", "/v1/cooperatives", &json_headers, body);
    send(b"{\"name\": \"\xff\xfe\"}").problem(400, "malformed_json");
    send(b"{\"name\": ").problem(400, "malformed_json");
    send(b"[1, 2]").problem(400, "malformed_json");
    send("[".repeat(100_000).as_bytes()).problem(400, "malformed_json");
    send(format!("{{\"name\": \"{}\"}}", "x".repeat(2 << 20)).as_bytes()).problem(413, "body_too_large");
    let text = [("Authorization", bearer.as_str()), ("Content-Type", "text/plain")];
    app.send("POST", "/v1/cooperatives", &text, b"{}").problem(415, "unsupported_media_type");
    assert_eq!(status_of_huge_body(&app, &bearer), 413);
}

/// Announces 100 MB and reads the answer without sending it: the service must not want to have it first.
fn status_of_huge_body(app: &App, bearer: &str) -> u16 {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(app.url.trim_start_matches("http://")).unwrap();
    let length = 100 * 1024 * 1024;
    let request = format!(
        "POST /v1/cooperatives HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[9..12]).parse().unwrap()
}

#[test]
fn a_cursor_that_was_tampered_with_or_carried_to_other_filters_is_refused() {
    let app = App::start();
    for number in ["1/BH", "2/BH", "3/BH"] {
        app.cooperative(number);
    }
    let first = app.get("bank", "/v1/cooperatives?limit=2&kind=ksp").expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let next = app.get("bank", &format!("/v1/cooperatives?limit=2&kind=ksp&cursor={cursor}")).expect(200);
    assert_eq!((next["data"].as_array().unwrap().len(), &next["next_cursor"]), (1, &serde_json::Value::Null));
    let mut tampered = cursor.to_owned();
    let last = if tampered.pop() == Some('A') { 'B' } else { 'A' };
    tampered.push(last);
    for bad in [tampered.as_str(), "x", "AAAA"] {
        app.get("bank", &format!("/v1/cooperatives?limit=2&kind=ksp&cursor={bad}")).problem(400, "invalid_cursor");
    }
    app.get("bank", &format!("/v1/cooperatives?limit=2&cursor={cursor}")).problem(400, "invalid_cursor");
    app.get("bank", &format!("/v1/cooperatives?limit=2&kind=ksp&sort=-updated&cursor={cursor}"))
        .problem(400, "invalid_cursor");
    for (query, pointer) in
        [("limit=0", "?limit"), ("limit=501", "?limit"), ("limit=x", "?limit"), ("sort=colour", "?sort")]
    {
        app.get("bank", &format!("/v1/cooperatives?{query}")).fault(400, "invalid_parameter", pointer, "invalid_value");
    }
    app.get("bank", "/v1/financings?sort=name").fault(400, "invalid_parameter", "?sort", "invalid_value");
    app.get("bank", "/v1/cooperatives?kind=ksp&kind=usp").fault(
        400,
        "invalid_parameter",
        "?kind",
        "repeated_parameter",
    );
}
