//! What holds for every address: versions, pages, methods, ids, headers.

use serde_json::{Value, json};

use super::harness::{App, id};

#[test]
fn a_change_based_on_an_old_version_is_refused_and_an_unchanged_document_is_not_sent_again() {
    let app = App::start();
    let at = format!("/v1/cooperatives/{}", app.cooperative("1/BH"));
    let amend =
        |tag: &str, name: &str| app.command("PATCH", "samarinda", &at, &[("If-Match", tag)], &json!({ "name": name }));
    assert_eq!(amend("\"1\"", "Dua").headers["etag"], "\"2\"");
    let problem = amend("\"1\"", "Tiga").problem(412, "precondition_failed");
    assert_eq!(problem["current"], "\"2\"");
    amend("W/\"2\", \"2\"", "Tiga").expect(200);
    amend("*", "Empat").expect(200);
    amend("4", "Lima").problem(400, "invalid_header");
    let bearer = format!("Bearer {}", app.key("bank"));
    let known = |tag: &str| app.send("GET", &at, &[("Authorization", &bearer), ("If-None-Match", tag)], b"").status;
    assert_eq!((known("\"4\""), known("\"3\""), known("W/\"4\""), known("*")), (304, 200, 304, 304));
    let nobody = json!({"name": "X"});
    let missing = format!("/v1/cooperatives/{}", uuid::Uuid::now_v7());
    app.command("PATCH", "samarinda", &missing, &[("If-Match", "\"1\"")], &nobody).problem(404, "not_found");
    app.command("PATCH", "samarinda", &missing, &[], &nobody).problem(404, "not_found");
    app.get("bank", "/v1/cooperatives/42").problem(404, "not_found");
}

#[test]
fn the_past_can_be_asked_for_by_position_and_by_instant() {
    let app = App::start();
    let at = format!("/v1/cooperatives/{}", app.cooperative("1/BH"));
    let first = app.get("bank", &at);
    let position: i64 = first.headers["log-position"].parse().unwrap();
    let recorded = first.json()["recorded_at"].as_str().unwrap().to_owned();
    app.command("PATCH", "samarinda", &at, &[], &json!({"name": "Lain"})).expect(200);
    let as_of = |point: &str| app.get("bank", &format!("{at}?as_of={point}"));
    let then = as_of(&position.to_string());
    assert_eq!((&then.text, &then.headers["etag"]), (&first.text, &first.headers["etag"]));
    assert_eq!(as_of(&recorded).json()["name"], first.json()["name"]);
    assert_eq!(as_of(&(position + 1).to_string()).json()["name"], "Lain");
    for ahead in ["9999999", "20140510", "2999-01-01T00:00:00Z"] {
        as_of(ahead).fault(400, "invalid_parameter", "?as_of", "not_yet");
    }
    as_of(&(position - 1).to_string()).problem(404, "not_found");
    as_of("2001-01-01T00:00:00Z").problem(404, "not_found");
    as_of("-1").problem(400, "invalid_parameter");
}

#[test]
fn pages_in_every_order_show_each_row_once_while_others_write() {
    let app = App::start();
    let mut ids: Vec<String> = (0..7).map(|number| app.cooperative(&format!("{number}/BH"))).collect();
    for sort in ["id", "updated", "-updated", "name", "-name"] {
        let mut seen = Vec::new();
        let mut address = format!("/v1/cooperatives?limit=3&sort={sort}");
        loop {
            let page = app.get("bank", &address);
            let list = page.clone().expect(200);
            seen.extend(list["data"].as_array().unwrap().iter().map(id));
            if seen.len() == 3 && sort == "id" {
                ids.push(app.cooperative("99/BH"));
            }
            let Some(link) = page.headers.get("link") else {
                break;
            };
            assert!(link.ends_with("rel=\"next\""));
            address = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
            assert!(list["as_of_position"].as_i64().unwrap() > 0 && list["next_cursor"].is_string());
        }
        let mut sorted = seen.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), seen.len(), "{sort}");
        ids.sort();
        assert_eq!(sorted, ids, "{sort}");
    }
}

#[test]
fn a_client_may_choose_its_own_id_and_the_request_is_known_by_its_own_name() {
    let app = App::start();
    let chosen = uuid::Uuid::now_v7().to_string();
    let body = json!({"id": chosen, "name": "KSP", "kind": "ksp", "region": "64.72", "nik_koperasi": "6472010010001"});
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer = app.command(
        "POST",
        "samarinda",
        "/v1/cooperatives",
        &[("X-Request-Id", "bank-7"), ("traceparent", trace)],
        &body,
    );
    assert_eq!(answer.headers["x-request-id"], "bank-7");
    assert_eq!(id(&answer.expect(201)), chosen);
    let again = app.post("samarinda", "/v1/cooperatives", &body).problem(409, "duplicate");
    assert_eq!(again["existing"], chosen.as_str());
}

#[test]
fn a_wrong_method_names_the_right_ones_and_every_answer_is_guarded() {
    let app = App::start();
    let document = app.get("", "/openapi.json").expect(200);
    for (path, item) in document["paths"].as_object().unwrap() {
        let real = path
            .replace("{id}", &uuid::Uuid::nil().to_string())
            .replace("{code}", "internal")
            .replace("{number}", "1")
            .replace("{measure}", "healthy_ksp");
        let answer = app.send("DELETE", &real, &[], b"");
        assert_eq!(answer.status, 405, "{path}: {}", answer.text);
        for method in item.as_object().unwrap().keys() {
            assert!(
                answer.headers["allow"].contains(&method.to_uppercase()),
                "{path} {method}: {}",
                answer.headers["allow"]
            );
        }
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert!(answer.headers["content-security-policy"].contains("frame-ancestors 'none'"));
        answer.problem(405, "method_not_allowed");
    }
    let head = app.send("HEAD", "/v1/regions", &[], b"");
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    app.get("", "/v1/nothing").problem(404, "not_found");
    app.get("", "/").problem(404, "not_found");
    let bearer = format!("Bearer {}", app.key("bank"));
    app.send("GET", "/v1/cooperatives", &[("Authorization", &bearer), ("Accept", "text/html")], b"")
        .problem(406, "not_acceptable");
    app.send("GET", "/v1/cooperatives", &[("Authorization", &bearer), ("Accept", "text/html, */*;q=0.1")], b"")
        .expect(200);
}

#[test]
fn every_problem_has_a_page_where_its_type_leads() {
    let app = App::start();
    let problem = app.get("", "/v1/me").problem(401, "unauthenticated");
    let page = app.get("", problem["type"].as_str().unwrap()).expect(200);
    assert_eq!((&page["code"], &page["status"]), (&json!("unauthenticated"), &json!(401)));
    let english = app.send("GET", "/problems/duplicate", &[("Accept-Language", "en")], b"").expect(200);
    assert_eq!(english["title"], "Already recorded");
    app.get("", "/problems/nothing").problem(404, "not_found");
}

#[test]
fn answers_are_compressed_for_those_who_ask() {
    let app = App::start();
    let answer = app.send("GET", "/v1/regulations/permen-14-2009", &[("Accept-Encoding", "zstd")], b"");
    // The client does not know zstd and hands over what came.
    assert_eq!(answer.headers.get("content-encoding").map(String::as_str), Some("zstd"));
    let _: Value = app.get("", "/v1/regulations/permen-14-2009").expect(200);
}
