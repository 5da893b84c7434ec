//! Managers over HTTP: sealed data, appointments, erasure.

use serde_json::{Value, json};

use super::harness::{App, id};
use super::place::everything_stored;

const NAME: &str = "Siti Contoh Peraga";
const NIK: &str = "6472014101800001";

fn register(app: &App) -> String {
    let body = json!({"region": "64.72", "person": {"name": NAME, "nik_orang": NIK, "phone": "0541-123456"}});
    id(&app.post("samarinda", "/v1/managers", &body).expect(201))
}

#[test]
fn personal_data_is_shown_to_the_province_the_regency_and_auditors_and_to_nobody_else() {
    let app = App::start();
    let at = format!("/v1/managers/{}", register(&app));
    for who in ["province", "samarinda", "auditor"] {
        let shown = app.get(who, &at).expect(200);
        assert_eq!((&shown["person"]["name"], &shown["personal_data"]), (&json!(NAME), &json!("shown")), "{who}");
    }
    for who in ["balikpapan", "ministry"] {
        let answer = app.get(who, &at);
        assert!(!answer.text.contains(NAME) && !answer.text.contains(NIK) && !answer.text.contains("sealed"));
        let shown = answer.expect(200);
        assert_eq!((&shown["person"], &shown["personal_data"]), (&Value::Null, &json!("hidden")), "{who}");
    }
    app.get("bank", &at).problem(403, "forbidden");
    app.get("certifier", &at).problem(404, "not_found");
    app.get("", &at).problem(401, "unauthenticated");
}

#[test]
fn no_clear_name_or_number_reaches_the_database_and_erasing_destroys_what_could_open_it() {
    let app = App::start();
    let manager = register(&app);
    let at = format!("/v1/managers/{manager}");
    let changes = json!({"person": {"phone": "0541-654321"}});
    let amended = app.command("PATCH", "samarinda", &at, &[("Idempotency-Key", "a-1")], &changes).expect(200);
    assert_eq!((&amended["person"]["phone"], &amended["person"]["name"]), (&json!("0541-654321"), &json!(NAME)));
    let erased = app.post("samarinda", &format!("{at}/erasures"), &json!({"reason": "Permintaan"})).expect(200);
    assert_eq!((&erased["person"], &erased["personal_data"]), (&Value::Null, &json!("erased")));
    app.command("PATCH", "samarinda", &at, &[], &changes).problem(409, "personal_data_erased");
    // What was shown once cannot be had again: not by looking back, and not by repeating the request.
    let before = app.get("province", &format!("{at}?as_of={}", amended["position"])).expect(200);
    assert_eq!(before["personal_data"], "erased");
    let repeated = app.command("PATCH", "samarinda", &at, &[("Idempotency-Key", "a-1")], &changes);
    assert!(!repeated.text.contains(NAME), "{}", repeated.text);
    // The identity number is free again.
    register(&app);
    let (place, folder) = app.stop();
    for (name, bytes) in everything_stored(&place.database, folder.path()) {
        for clear in [NAME, NIK, "0541-654321"] {
            let found = bytes.windows(clear.len()).any(|window| window == clear.as_bytes());
            assert!(!found, "{clear} stands in {name}");
        }
    }
}

#[test]
fn the_same_identity_number_twice_is_refused_without_repeating_it() {
    let app = App::start();
    let first = register(&app);
    let body = json!({"region": "64.72", "person": {"name": "Orang Lain", "nik_orang": NIK}});
    let answer = app.post("samarinda", "/v1/managers", &body);
    assert!(!answer.text.contains(NIK));
    assert_eq!(answer.problem(409, "duplicate")["existing"], first.as_str());
    let wrong = json!({"region": "64.72", "person": {"name": "X", "nik_orang": "12345678901234"}});
    let answer = app.post("samarinda", "/v1/managers", &wrong);
    assert!(!answer.text.contains("12345678901234"));
    answer.fault(400, "invalid_body", "/person/nik_orang", "invalid_nik_orang");
}

fn looks(app: &App) -> Vec<Value> {
    app.get("auditor", "/v1/audit?limit=500").expect(200)["data"].as_array().unwrap().clone()
}

/// A number that is registered elsewhere gives away that it is, no more, and not unseen: not by trying, amending or repeating either.
#[test]
fn whoever_comes_upon_somebody_elses_person_is_told_no_id_and_is_on_record() {
    let app = App::start();
    let known = register(&app);
    let guess = json!({"region": "64.71", "person": {"name": "Tebakan", "nik_orang": NIK}});
    let hidden = |problem: Value| {
        assert!(problem.get("existing").is_none() && !problem.to_string().contains(&known), "{problem}");
    };
    let guessed = app.command("POST", "balikpapan", "/v1/managers", &[("Idempotency-Key", "g-1")], &guess);
    hidden(guessed.problem(409, "duplicate"));
    let repeated = app.command("POST", "balikpapan", "/v1/managers", &[("Idempotency-Key", "g-1")], &guess);
    hidden(repeated.problem(409, "duplicate"));
    let other = json!({"region": "64.71", "person": {"name": "Orang Lain"}});
    let other = id(&app.post("balikpapan", "/v1/managers", &other).expect(201));
    let amended = json!({"person": {"nik_orang": NIK}});
    let amended = app.command("PATCH", "balikpapan", &format!("/v1/managers/{other}"), &[], &amended);
    hidden(amended.problem(409, "duplicate"));
    let key = format!("Bearer {}", app.key("balikpapan"));
    let send = |query: &str, lines: &[Value]| {
        let file = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        let headers = [("Content-Type", "application/x-ndjson"), ("Authorization", key.as_str())];
        app.send("POST", &format!("/v1/batches?{query}"), &headers, file.as_bytes())
    };
    let register = json!({"method": "POST", "path": "/v1/managers", "body": guess});
    let amend =
        json!({"method": "PATCH", "path": format!("/v1/managers/{other}"), "body": {"person": {"nik_orang": NIK}}});
    for query in ["mode=each&dry_run=true", "mode=atomic&dry_run=true", "mode=each", "mode=atomic"] {
        let told = send(query, &[register.clone(), amend.clone()]);
        assert!(told.text.contains("duplicate") && !told.text.contains(&known), "{query}: {}", told.text);
    }
    // Whoever may see the person is told which record it is, and is on record as well.
    let same =
        app.post("samarinda", "/v1/managers", &json!({"region": "64.72", "person": {"name": "X", "nik_orang": NIK}}));
    assert_eq!(same.problem(409, "duplicate")["existing"], known.as_str());
    let looks = looks(&app);
    let by = |who: &str| {
        let organisation = app.organisation(who);
        looks.iter().filter(move |look| look["organisation"] == organisation.as_str()).collect::<Vec<_>>()
    };
    assert!(looks.iter().all(|look| look["record"] == known.as_str() && look["kind"] == "manager"), "{looks:?}");
    let of = |operation: &str| by("balikpapan").iter().filter(|look| look["operation"] == operation).count();
    assert_eq!(
        (of("POST /v1/managers"), of("PATCH /v1/managers/{id}"), of("POST /v1/batches")),
        (2, 1, 8),
        "{looks:?}"
    );
    assert_eq!(by("samarinda").len(), 1);
    assert_eq!(looks.len(), 12);
}

#[test]
fn who_guesses_too_often_registers_no_identity_numbers_for_a_while() {
    let app = App::start();
    let number = |number: usize| format!("64720141018{number:05}");
    let person = |region: &str, nik: String| json!({"region": region, "person": {"name": "Orang", "nik_orang": nik}});
    for known in 0..40 {
        app.post("samarinda", "/v1/managers", &person("64.72", number(known))).expect(201);
    }
    let line = |nik: usize| json!({"method": "POST", "path": "/v1/managers", "body": person("64.71", number(nik))});
    let dry_run = |numbers: std::ops::Range<usize>| {
        let file = numbers.map(|nik| line(nik).to_string()).collect::<Vec<_>>().join("\n");
        let key = format!("Bearer {}", app.key("balikpapan"));
        let headers = [("Content-Type", "application/x-ndjson"), ("Authorization", key.as_str())];
        app.send("POST", "/v1/batches?mode=each&dry_run=true", &headers, file.as_bytes())
    };
    // A file that comes upon many is told nothing of any of them, and every one of them is on record.
    let refused = dry_run(0..40);
    assert!(refused.headers["retry-after"].parse::<u64>().unwrap() > 3, "{:?}", refused.headers);
    assert_eq!(refused.problem(429, "rate_limited")["reason"], "persons_met");
    assert_eq!(looks(&app).len(), 40);
    // Whether it is registered or not, no number is looked up any more.
    for nik in [0, 99] {
        app.post("balikpapan", "/v1/managers", &person("64.71", number(nik))).problem(429, "rate_limited");
    }
    let told = dry_run(98..100);
    assert_eq!(told.text.matches("\"status\":429,\"replayed\"").count(), 2, "{}", told.text);
    assert_eq!(looks(&app).len(), 40);
    // Everything else goes on, and so does everybody else.
    app.post("balikpapan", "/v1/managers", &json!({"region": "64.71", "person": {"name": "Tanpa nomor"}})).expect(201);
    for known in 0..40 {
        app.post("samarinda", "/v1/managers", &person("64.72", number(known))).problem(409, "duplicate");
    }
}

#[test]
fn a_manager_is_appointed_and_departs() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let at = format!("/v1/managers/{}", register(&app));
    let appointment = json!({"cooperative": cooperative, "role": "manajer", "since": "2013-01-02"});
    app.post("samarinda", &format!("{at}/appointments"), &appointment).expect(200);
    app.post("samarinda", &format!("{at}/appointments"), &appointment).problem(409, "wrong_state");
    let list = app.get("samarinda", &format!("/v1/managers?cooperative={cooperative}&role=manajer")).expect(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    let departure = json!({"cooperative": cooperative, "role": "manajer", "until": "2014-05-01"});
    let departed = app.post("samarinda", &format!("{at}/departures"), &departure).expect(200);
    assert_eq!(departed["appointments"][0]["until"], "2014-05-01");
    app.post("balikpapan", &format!("{at}/appointments"), &appointment).problem(403, "forbidden");
}
