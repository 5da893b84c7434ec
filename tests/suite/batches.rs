//! Intake in bulk over HTTP.

use std::io::Write;

use serde_json::{Value, json};

use super::harness::{Answer, App, id};

/// A file of lines.
fn file(lines: &[Value]) -> String {
    lines.iter().flat_map(|line| [line.to_string(), "\n".to_owned()]).collect()
}

fn line(key: &str, path: &str, body: &Value) -> Value {
    json!({"key": key, "method": "POST", "path": path, "body": body})
}

fn cooperative(number: usize) -> Value {
    json!({"name": format!("KSP {number}"), "kind": "ksp", "region": "64.72", "badan_hukum": {"number": format!("{number}/BH"), "date": "2008-08-14"}})
}

fn registrations(count: usize) -> Vec<Value> {
    (1..=count).map(|number| line(&format!("k{number}"), "cooperatives", &cooperative(number))).collect()
}

fn send(app: &App, who: &str, query: &str, more: &[(&str, &str)], body: &[u8]) -> Answer {
    let bearer = format!("Bearer {}", app.key(who));
    let mut headers =
        vec![("Authorization", bearer.as_str()), ("Content-Type", "application/x-ndjson"), ("Accept-Language", "en")];
    headers.extend(more);
    app.send("POST", &format!("/v1/batches{query}"), &headers, body)
}

/// The outcomes of the lines, and the last line.
#[track_caller]
fn outcomes(answer: &Answer, status: u16) -> (Vec<Value>, Value) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    let mut lines: Vec<Value> = answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.pop().unwrap();
    assert!(last["summary"].is_object(), "no summary: {last}");
    (lines, last)
}

fn words(outcomes: &[Value]) -> Vec<&str> {
    outcomes.iter().map(|outcome| outcome["outcome"].as_str().unwrap()).collect()
}

fn count(app: &App) -> usize {
    app.get("province", "/v1/cooperatives?limit=500").expect(200)["data"].as_array().unwrap().len()
}

#[test]
fn a_file_of_lines_is_recorded_and_sent_again_changes_nothing() {
    let app = App::start();
    let cooperative_id = "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b";
    let mut first = cooperative(1);
    first["id"] = json!(cooperative_id);
    // A line names what an earlier line creates, and a manager's amendment has to read what an earlier line registers.
    let manager_id = "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5c";
    let manager =
        json!({"id": manager_id, "region": "64.72", "person": {"name": "Contoh", "nik_orang": "6472014101800001"}});
    let lines = [
        line("a", "/v1/cooperatives", &first),
        line("b", &format!("cooperatives/{cooperative_id}/deactivations"), &json!({"reason": "uji"})),
        line("c", "managers", &manager),
        json!({"key": "d", "method": "PATCH", "path": format!("/managers/{manager_id}"), "body": {"person": {"phone": "0541-1"}}}),
        json!({"key": "e", "method": "PATCH", "path": format!("managers/{manager_id}"), "body": {"person": {"address": "Jalan 1"}}}),
        line(
            "f",
            &format!("managers/{manager_id}/appointments"),
            &json!({"cooperative": cooperative_id, "role": "manajer", "since": "2014-01-01"}),
        ),
        line("g", &format!("cooperatives/{cooperative_id}/reactivations"), &json!({"reason": "uji"})),
    ];
    let answer = send(&app, "samarinda", "", &[], file(&lines).as_bytes());
    let (told, last) = outcomes(&answer, 207);
    assert_eq!(words(&told)[..5], ["created", "changed", "created", "changed", "changed"], "{}", answer.text);
    assert_eq!((&told[0]["id"], &told[0]["line"], &told[0]["key"]), (&json!(cooperative_id), &json!(1), &json!("a")));
    assert_eq!((&told[4]["version"], &told[4]["status"]), (&json!(3), &json!(200)), "{}", told[4]);
    assert_eq!(last["summary"]["changed_nothing"], false);
    let shown = app.get("samarinda", &format!("/v1/managers/{manager_id}")).expect(200);
    assert_eq!((&shown["person"]["phone"], &shown["person"]["address"]), (&json!("0541-1"), &json!("Jalan 1")));
    assert_eq!(told[4]["position"], told[3]["position"].as_i64().unwrap() + 1);

    let (again, last) = outcomes(&send(&app, "samarinda", "", &[], file(&lines).as_bytes()), 207);
    assert!(again.iter().all(|outcome| outcome["replayed"] == true), "{again:?}");
    for (one, other) in told.iter().zip(&again) {
        assert_eq!(
            (&one["id"], &one["position"], &one["version"]),
            (&other["id"], &other["position"], &other["version"])
        );
    }
    assert_eq!(last["summary"]["changed_nothing"], true);
    assert!(last["summary"]["detail"].as_str().unwrap().starts_with("This file changed nothing"), "{last}");

    // The receipts are those of single commands.
    let single = app.command("POST", "samarinda", "/v1/cooperatives", &[("Idempotency-Key", "a")], &first);
    assert_eq!((single.status, single.headers["idempotent-replayed"].as_str()), (201, "true"));
    let (other, _) = outcomes(
        &send(&app, "samarinda", "", &[], file(&[line("a", "cooperatives", &cooperative(9))]).as_bytes()),
        207,
    );
    assert_eq!(other[0]["problem"]["code"], "idempotency_key_reused");
}

#[test]
fn broken_lines_are_refused_by_themselves_and_the_rest_is_recorded() {
    let app = App::start();
    let mut text = file(&registrations(3));
    text.push_str("not json\n\n[1]\n{\"method\":\"POST\",\"path\":\"coperatives\",\"body\":{}}\n");
    text.push_str(&file(&[
        json!({"method": "PATCH", "path": "/cooperatives", "body": {}}),
        json!({"method": "GET", "path": "cooperatives"}),
        json!({"method": "POST", "path": "cooperatives?x=1", "body": {}}),
        json!({"method": "POST", "path": "../livez", "body": {}}),
        json!({"method": "POST", "path": "batches", "body": {}}),
        json!({"method": "POST", "path": "assessments/preview", "body": {"regulation": "permen-14-2009", "worksheet": {}}}),
        json!({"method": "POST", "path": "cooperatives", "body": {"name": "X"}, "kye": "1"}),
        json!({"method": "POST", "path": "cooperatives", "body": {"nmae": "X"}}),
        line("again", "cooperatives", &cooperative(2)),
        line("k3", "cooperatives", &cooperative(3)),
    ]));
    let (told, last) = outcomes(&send(&app, "samarinda", "", &[], text.as_bytes()), 207);
    let said = |outcome: &Value| {
        let error = &outcome["problem"]["errors"][0]["pointer"];
        (
            outcome["line"].as_u64().unwrap(),
            outcome["problem"]["code"].as_str().unwrap().to_owned(),
            error.as_str().unwrap_or("-").to_owned(),
        )
    };
    let refused: Vec<(u64, String, String)> = told[3..15 - 1].iter().map(said).collect();
    let expected = [
        (4, "malformed_json", "-"),
        (6, "malformed_json", "-"),
        (7, "not_found", "/path"),
        (8, "method_not_allowed", "/method"),
        (9, "invalid_body", "/method"),
        (10, "not_found", "/path"),
        (11, "not_found", "/path"),
        (12, "not_found", "/path"),
        (13, "not_a_command", "-"),
        (14, "invalid_body", "/kye"),
        (15, "invalid_body", "/nmae"),
    ];
    assert_eq!(refused, expected.map(|(line, code, pointer)| (line, code.to_owned(), pointer.to_owned())));
    assert_eq!(told[14]["problem"]["code"], "duplicate");
    assert_eq!((&told[15]["outcome"], &told[15]["id"]), (&json!("replayed"), &told[2]["id"]));
    assert_eq!((&last["summary"]["created"], &last["summary"]["refused"]), (&json!(3), &json!(12)));
    assert_eq!(count(&app), 3);
}

#[test]
fn all_or_nothing_writes_nothing_when_one_line_is_refused() {
    let app = App::start();
    let mut lines = registrations(4);
    lines.push(line("k5", "cooperatives", &cooperative(2)));
    let (told, last) = outcomes(&send(&app, "samarinda", "?mode=atomic", &[], file(&lines).as_bytes()), 422);
    let would = "would_have_succeeded";
    assert_eq!(words(&told), [would, would, would, would, "refused"]);
    assert_eq!((&told[4]["problem"]["code"], &told[0].get("id")), (&json!("duplicate"), &None));
    assert_eq!((&last["summary"]["changed_nothing"], &last["summary"]["refused"]), (&json!(true), &json!(1)));
    assert_eq!(count(&app), 0);

    // A line that cannot even be read fails the file as well, and the others are still told.
    let with_broken = format!("{}oops\n", file(&lines));
    let (told, _) = outcomes(&send(&app, "samarinda", "?mode=atomic", &[], with_broken.as_bytes()), 422);
    assert_eq!(words(&told), [would, would, would, would, "refused", "refused"]);

    lines.pop();
    let (told, _) = outcomes(&send(&app, "samarinda", "?mode=atomic&dry_run=true", &[], file(&lines).as_bytes()), 200);
    assert_eq!(words(&told), [would; 4]);
    assert_eq!(count(&app), 0);
    let (told, last) = outcomes(&send(&app, "samarinda", "?mode=atomic", &[], file(&lines).as_bytes()), 201);
    assert_eq!((words(&told), &last["summary"]["created"]), (vec!["created"; 4], &json!(4)));
    let positions: Vec<i64> = told.iter().map(|outcome| outcome["position"].as_i64().unwrap()).collect();
    assert!(positions.windows(2).all(|pair| pair[1] == pair[0] + 1), "{positions:?}");
    let (told, last) = outcomes(&send(&app, "samarinda", "?mode=atomic", &[], file(&lines).as_bytes()), 201);
    assert_eq!((words(&told), &last["summary"]["changed_nothing"]), (vec!["replayed"; 4], &json!(true)));
    assert_eq!(count(&app), 4);
}

#[test]
fn a_dry_run_sees_earlier_lines_and_records_nothing() {
    let app = App::start();
    let own = "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b";
    let mut first = cooperative(1);
    first["id"] = json!(own);
    let lines = [
        line("a", "cooperatives", &first),
        line("b", &format!("cooperatives/{own}/deactivations"), &json!({"reason": "uji"})),
        line("c", &format!("cooperatives/{own}/deactivations"), &json!({"reason": "uji"})),
    ];
    let (told, last) = outcomes(&send(&app, "samarinda", "?dry_run=true", &[], file(&lines).as_bytes()), 207);
    assert_eq!(words(&told), ["would_have_succeeded", "would_have_succeeded", "refused"]);
    assert_eq!((&told[2]["problem"]["code"], &last["summary"]["dry_run"]), (&json!("wrong_state"), &json!(true)));
    app.get("samarinda", &format!("/v1/cooperatives/{own}")).problem(404, "not_found");
    // Not even the refusal is remembered.
    let (told, _) = outcomes(&send(&app, "samarinda", "", &[], file(&lines[..2]).as_bytes()), 207);
    assert_eq!(words(&told), ["created", "changed"]);
}

#[test]
fn a_line_is_decided_for_whoever_sends_the_file() {
    let app = App::start();
    let lines = file(&registrations(2));
    let headers = [("Content-Type", "application/x-ndjson")];
    app.send("POST", "/v1/batches", &headers, lines.as_bytes()).problem(401, "unauthenticated");
    for (who, code) in [("bank", "forbidden"), ("ministry", "forbidden"), ("balikpapan", "forbidden")] {
        let (told, _) = outcomes(&send(&app, who, "", &[], lines.as_bytes()), 207);
        assert!(told.iter().all(|outcome| outcome["problem"]["code"] == code), "{who}: {told:?}");
    }
    // Keys of one organisation are nothing to another.
    let (told, _) = outcomes(&send(&app, "samarinda", "", &[], lines.as_bytes()), 207);
    assert_eq!(words(&told), ["created", "created"]);
}

#[test]
fn an_issued_key_is_told_once_and_a_revoked_one_stops_the_lines_that_follow() {
    let app = App::start();
    let bank = app.organisation("bank");
    let issue = [line("i", &format!("organisations/{bank}/keys"), &json!({"label": "Portal"}))];
    let (told, _) = outcomes(&send(&app, "province", "", &[], file(&issue).as_bytes()), 207);
    let issued = &told[0]["answer"];
    assert!(issued["key"].as_str().is_some_and(|key| key.starts_with("lumbung_")), "{}", told[0]);
    let (again, _) = outcomes(&send(&app, "province", "", &[], file(&issue).as_bytes()), 207);
    assert_eq!((&again[0]["answer"]["key"], &again[0]["answer"]["key_id"]), (&Value::Null, &issued["key_id"]));

    // The provincial office revokes its own key in the first group; the lines after the groups on their way are not attempted.
    let me = app.get("province", "/v1/me").expect(200);
    let organisation = me["organisation"].as_str().unwrap();
    let mut lines =
        vec![line("r", &format!("organisations/{organisation}/key-revocations"), &json!({"key_id": me["key_id"]}))];
    lines.extend(registrations(2400));
    let (told, last) = outcomes(&send(&app, "province", "", &[], file(&lines).as_bytes()), 207);
    assert_eq!(words(&told)[0], "changed");
    assert!(told.len() < 2401 && told.len() % lumbung::batches::GROUP_LINES == 0, "{}", told.len());
    assert_eq!(last["problem"]["code"], "unauthenticated");
    assert_eq!(last["summary"]["not_attempted"], 2401 - told.len());
}

#[test]
fn a_file_may_be_compressed_and_a_bomb_does_no_harm() {
    let app = App::start();
    let lines = file(&registrations(5));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(lines.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let (told, _) = outcomes(&send(&app, "samarinda", "", &[("Content-Encoding", "gzip")], &gzip), 207);
    assert_eq!(words(&told), ["created"; 5]);
    let zstd = zstd::encode_all(lines.as_bytes(), 3).unwrap();
    let (told, _) = outcomes(&send(&app, "samarinda", "", &[("Content-Encoding", "zstd")], &zstd), 207);
    assert_eq!(words(&told), ["replayed"; 5]);

    for (coding, body) in
        [("gzip", &gzip[..gzip.len() - 3]), ("zstd", &zstd[..zstd.len() - 3]), ("gzip", lines.as_bytes())]
    {
        send(&app, "samarinda", "", &[("Content-Encoding", coding)], body).problem(400, "body_unreadable");
    }
    send(&app, "samarinda", "", &[("Content-Encoding", "br")], lines.as_bytes()).problem(415, "unsupported_media_type");
    let bomb = zstd::encode_all(vec![b'\n'; 256 << 20].as_slice(), 3).unwrap();
    assert!(bomb.len() < 64 << 10);
    send(&app, "samarinda", "", &[("Content-Encoding", "zstd")], &bomb).problem(413, "body_too_large");
    let (told, _) = outcomes(&send(&app, "samarinda", "", &[("Content-Encoding", "gzip")], &gzip), 207);
    assert_eq!(words(&told), ["replayed"; 5]);
}

#[test]
fn a_file_that_breaks_a_limit_is_refused_whole() {
    let app = App::start();
    let lines = file(&registrations(2));
    let long = format!("{lines}{{\"key\":\"{}\"}}\n", "x".repeat(256 * 1024));
    let problem = send(&app, "samarinda", "", &[], long.as_bytes()).problem(413, "body_too_large");
    assert!(problem["detail"].as_str().unwrap().contains("Line 3"), "{problem}");
    send(&app, "samarinda", "", &[], "{}\n".repeat(10_001).as_bytes()).problem(413, "body_too_large");
    send(&app, "samarinda", "", &[], "{} \n".repeat(9 << 20).as_bytes()).problem(413, "body_too_large");
    send(&app, "samarinda", "", &[], b"").problem(400, "invalid_body");
    send(&app, "samarinda", "?mode=maybe", &[], lines.as_bytes()).problem(400, "invalid_parameter");
    send(&app, "samarinda", "?dryrun=true", &[], lines.as_bytes()).problem(400, "invalid_parameter");
    let bearer = format!("Bearer {}", app.key("samarinda"));
    let json = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    app.send("POST", "/v1/batches", &json, lines.as_bytes()).problem(415, "unsupported_media_type");
    assert_eq!(count(&app), 0);
}

#[test]
fn a_client_that_goes_away_sends_the_file_again() {
    let app = App::start();
    let lines = file(&registrations(1500));
    let head = |length: usize| {
        format!(
            "POST /v1/batches HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\nContent-Type: application/x-ndjson\r\nContent-Length: {length}\r\n\r\n",
            app.key("samarinda")
        )
    };
    let address = app.url.trim_start_matches("http://").to_owned();
    // Away while sending: nothing was recorded.
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    stream.write_all(head(lines.len()).as_bytes()).unwrap();
    stream.write_all(&lines.as_bytes()[..lines.len() / 2]).unwrap();
    drop(stream);
    assert_eq!(count(&app), 0);
    // Away while the outcomes are told: whatever was recorded stays.
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    stream.write_all(head(lines.len()).as_bytes()).unwrap();
    stream.write_all(lines.as_bytes()).unwrap();
    let mut first = [0; 64];
    std::io::Read::read_exact(&mut stream, &mut first).unwrap();
    assert!(first.starts_with(b"HTTP/1.1 207"));
    drop(stream);
    let (told, last) = outcomes(&send(&app, "samarinda", "", &[], lines.as_bytes()), 207);
    assert_eq!(told.len(), 1500);
    assert!(told.iter().all(|outcome| ["created", "replayed"].contains(&outcome["outcome"].as_str().unwrap())));
    assert!(last["summary"]["replayed"].as_u64().unwrap() >= 500, "{last}");
    assert_eq!(
        app.get("province", "/v1/cooperatives?limit=1").expect(200)["as_of_position"].as_i64().unwrap() - 18,
        1500
    );
}

/// Every command of the API, as the `OpenAPI` document has it, is answered as a line as it is answered by itself.
#[test]
fn every_command_of_the_api_can_be_a_line() {
    let app = App::start();
    let document = lumbung::openapi::document();
    let mut tried = 0;
    for (path, methods) in lumbung::openapi::commands(&document) {
        for method in methods {
            let operation = &document["paths"][&path][method.to_ascii_lowercase()];
            let reference = operation.pointer("/requestBody/content/application~1json/schema/$ref").unwrap();
            let schema = document.pointer(reference.as_str().unwrap().trim_start_matches('#')).unwrap();
            let example = schema.get("example").or_else(|| schema["examples"].get(0)).unwrap();
            let path = path.replace("{id}", "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b").replace("{code}", "64.72");
            let sent = json!({"method": method, "path": path, "body": example});
            let (told, _) = outcomes(&send(&app, "province", "?dry_run=true", &[], file(&[sent]).as_bytes()), 207);
            let single = app.command(method, "province", &path, &[], example);
            let code = if single.status < 300 { Value::Null } else { single.json()["code"].clone() };
            assert_eq!(told[0]["status"], single.status, "{method} {path}: {} {}", told[0], single.text);
            assert_eq!(told[0]["problem"]["code"], code, "{method} {path}");
            let pointers = told[0]["problem"]["errors"].to_string();
            assert!(
                !pointers.contains("\"/path\"") && !pointers.contains("\"/method\""),
                "{method} {path}: {pointers}"
            );
            tried += 1;
        }
    }
    assert!(tried > 25, "{tried}");
    let preview = lumbung::openapi::commands(&document).iter().any(|(path, _)| path.contains("preview"));
    assert!(!preview);
}

#[test]
fn many_lines_fold_as_single_commands_would() {
    let app = App::start();
    let (told, _) = outcomes(&send(&app, "samarinda", "", &[], file(&registrations(1200)).as_bytes()), 207);
    assert!(
        told.iter().enumerate().all(|(index, outcome)| outcome["line"] == index + 1 && outcome["outcome"] == "created")
    );
    let last = told.last().unwrap();
    let shown = app.get("samarinda", &format!("/v1/cooperatives/{}", id(last))).expect(200);
    assert_eq!((&shown["name"], &shown["position"]), (&json!("KSP 1200"), &last["position"]));
    let (place, _folder) = app.stop();
    lumbung::maintenance::verify(&place).unwrap();
}
