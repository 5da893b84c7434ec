//! The life of keys: their text, scopes, rotation, last use; and what follows when their organisation is deactivated.

use lumbung::app::Core;
use lumbung::kernel::{Clock, Environment, OrganisationKind, Timestamp};
use lumbung::ledger::Ids;
use lumbung::organisations::issue_key;
use serde_json::{Value, json};

use super::harness::{Answer, App};

fn with(app: &App, key: &str, method: &str, path: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [("Authorization", &*bearer), ("Content-Type", "application/json"), ("Accept-Language", "en")];
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    app.send(method, path, &headers, &body)
}

fn me(app: &App, key: &str) -> Answer {
    with(app, key, "GET", "/v1/me", &Value::Null)
}

/// Issues a key of the bank: its id and its text.
fn issue(app: &App, body: &Value) -> (Value, String) {
    let bank = app.organisation("bank");
    let issued = app.post("province", &format!("/v1/organisations/{bank}/keys"), body).expect(201);
    (issued["key_id"].clone(), issued["key"].as_str().unwrap().to_owned())
}

/// How often the database was asked who is calling.
fn asked(app: &App) -> u64 {
    let numbers = app.get("", "/metrics").text;
    let line = numbers.lines().find(|line| line.starts_with("lumbung_credential_lookups_total")).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn what_a_keys_text_tells_is_answered_without_a_look_and_everything_else_by_one() {
    let start = Timestamp::parse("2014-03-12T09:00:00+08:00").unwrap();
    let clock = Clock::set_to(start);
    let app = App::start_at(clock.clone());
    let live = app.key("bank").to_owned();
    assert!(live.starts_with("lumbung_live_"));
    me(&app, &live).expect(200);
    let reason = |key: &str, looks: u64| {
        let before = asked(&app);
        let problem = me(&app, key).problem(401, "unauthenticated");
        assert_eq!(asked(&app) - before, looks, "{key}");
        problem["reason"].as_str().unwrap().to_owned()
    };
    let mut typed = live.clone();
    typed.replace_range(20..21, if &live[20..21] == "a" { "b" } else { "a" });
    assert_eq!(reason(&typed, 0), "mistyped");
    assert_eq!(reason(&live[..40], 0), "mistyped");
    assert_eq!(reason("geheim", 0), "not_a_key");
    let elsewhere = lumbung::kernel::write_key(Environment::Test, &[1; 32]);
    assert_eq!(reason(&elsewhere, 0), "other_environment");

    // Unknown, revoked, expired: the same answer by the same way, however often.
    let unknown = lumbung::kernel::write_key(Environment::Live, &[1; 32]);
    let (id, revoked) = issue(&app, &json!({"label": "a"}));
    let (_, expired) = issue(&app, &json!({"label": "b", "expires_at": "2014-03-12T10:00:00+08:00"}));
    me(&app, &revoked).expect(200);
    me(&app, &expired).expect(200);
    let bank = app.organisation("bank");
    app.post("province", &format!("/v1/organisations/{bank}/key-revocations"), &json!({"key_id": id})).expect(200);
    clock.move_to(Timestamp::parse("2014-03-12T10:00:00+08:00").unwrap());
    let said: Vec<String> = [&unknown, &revoked, &expired]
        .into_iter()
        .map(|key| {
            for _ in 0..3 {
                assert_eq!(reason(key, 1), "unknown");
            }
            let answer = me(&app, key);
            assert!(answer.headers["www-authenticate"].contains("invalid_token"));
            answer.json()["detail"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!((&said[0], &said[0]), (&said[1], &said[2]));
}

#[test]
fn a_key_confined_to_scopes_does_no_more_and_says_what_it_lacks() {
    let app = App::start();
    let bank = app.organisation("bank");
    let keys = format!("/v1/organisations/{bank}/keys");
    let wide = json!({"scopes": ["cooperatives:write"]});
    app.post("province", &keys, &wide).fault(422, "rule_refused", "/scopes", "scope_too_wide");
    let unknown = json!({"scopes": ["financings:burn"]});
    app.post("province", &keys, &unknown).fault(400, "invalid_body", "/scopes/0", "unknown_scope");

    let (_, reader) =
        issue(&app, &json!({"label": "Laporan", "scopes": ["financings:read"], "expires_at": "2099-01-01T00:00:00Z"}));
    let known = me(&app, &reader).expect(200);
    assert_eq!((&known["scopes"], &known["label"]), (&json!(["financings:read"]), &json!("Laporan")));
    assert_eq!((&known["environment"], &known["expires_at"]), (&json!("live"), &json!("2099-01-01T00:00:00Z")));
    with(&app, &reader, "GET", "/v1/financings", &Value::Null).expect(200);
    let refused = with(&app, &reader, "GET", "/v1/cooperatives", &Value::Null);
    assert!(refused.headers["www-authenticate"].contains("insufficient_scope"));
    assert_eq!(refused.problem(403, "insufficient_scope")["scope"], "cooperatives:read");
    let cooperative = app.cooperative("21/BH/2008");
    let apply = json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "scheme": "kur_kecil",
        "amount": {"value": "20000000.00", "currency": "IDR"}, "purpose": "modal_kerja", "tenor_months": 12});
    let refused = with(&app, &reader, "POST", "/v1/financings", &apply);
    assert_eq!(refused.problem(403, "insufficient_scope")["scope"], "financings:write");
    app.get("council", "/v1/financings").problem(403, "forbidden");

    // A key that may issue keys but is confined itself gives no more than it has.
    let province = app.organisation("province");
    let office = format!("/v1/organisations/{province}/keys");
    let clerk =
        app.post("province", &office, &json!({"label": "Loket", "scopes": ["organisations:write"]})).expect(201);
    let clerk = clerk["key"].as_str().unwrap();
    with(&app, clerk, "POST", &office, &json!({})).problem(403, "insufficient_scope");
    with(&app, clerk, "POST", &office, &json!({"scopes": ["organisations:write"]})).expect(201);
    with(&app, clerk, "GET", "/v1/cooperatives", &Value::Null).problem(403, "insufficient_scope");
}

/// An answer that was given once is not repeated to a key that may not have it, and what such a key is refused is no first answer.
#[test]
fn a_confined_key_repeats_nothing_beyond_its_scopes_and_uses_up_no_idempotency_key() {
    let app = App::start();
    let (_, reader) = issue(&app, &json!({"label": "Baca", "scopes": ["cooperatives:read"]}));
    let cooperative = app.cooperative("21/BH/2008");
    let apply = json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "scheme": "kur_kecil",
        "amount": {"value": "20000000.00", "currency": "IDR"}, "purpose": "modal_kerja", "tenor_months": 12});
    let whole = app.key("bank").to_owned();
    let send = |key: &str| {
        let bearer = format!("Bearer {key}");
        let headers = [("Authorization", &*bearer), ("Content-Type", "application/json"), ("Idempotency-Key", "p-1")];
        app.send("POST", "/v1/financings", &headers, apply.to_string().as_bytes())
    };
    send(&reader).problem(403, "insufficient_scope");
    let applied = send(&whole).expect(201);
    assert_eq!(send(&reader).problem(403, "insufficient_scope")["scope"], "financings:write");
    let repeated = send(&whole);
    assert_eq!(repeated.headers["idempotent-replayed"], "true");
    assert_eq!(repeated.expect(201), applied);
}

#[test]
fn a_key_is_replaced_without_a_gap() {
    let clock = Clock::set_to(Timestamp::parse("2014-03-12T09:00:00+08:00").unwrap());
    let app = App::start_at(clock.clone());
    let bank = app.organisation("bank");
    let rotations = format!("/v1/organisations/{bank}/key-rotations");
    let (old_id, old) = issue(&app, &json!({"label": "Inti", "scopes": ["read"]}));
    let rotated = with(&app, &old, "POST", &rotations, &json!({"overlap_days": 3})).expect(201);
    let new = rotated["key"].as_str().unwrap();
    for key in [&*old, new] {
        assert_eq!(me(&app, key).expect(200)["scopes"], json!(["read"]));
    }
    assert_eq!(me(&app, &old).expect(200)["expires_at"], "2014-03-15T01:00:00Z");
    with(&app, new, "POST", &rotations, &json!({})).problem(409, "wrong_state");
    with(&app, new, "POST", &rotations, &json!({"key_id": old_id})).problem(403, "forbidden");
    app.post("province", &rotations, &json!({"key_id": old_id, "overlap_days": 91})).fault(
        422,
        "rule_refused",
        "/overlap_days",
        "out_of_range",
    );
    clock.move_to(Timestamp::parse("2014-03-15T09:00:00+08:00").unwrap());
    me(&app, &old).problem(401, "unauthenticated");
    me(&app, new).expect(200);
    let third = with(&app, new, "POST", &rotations, &json!({"overlap_days": 0})).expect(201);
    me(&app, new).problem(401, "unauthenticated");
    me(&app, third["key"].as_str().unwrap()).expect(200);

    let shown = app.get("province", &format!("/v1/organisations/{bank}")).expect(200);
    let key = shown["keys"].as_array().unwrap().iter().find(|key| key["key_id"] == old_id).unwrap();
    assert_eq!(key["replaced_by"], rotated["key_id"]);
    assert!(key["last_four"].as_str().is_some_and(|last| old.ends_with(last)));
}

#[test]
fn a_third_live_key_of_a_label_is_refused_and_names_the_two() {
    let app = App::start();
    let bank = app.organisation("bank");
    let (one, _) = issue(&app, &json!({"label": "Dua"}));
    let (other, _) = issue(&app, &json!({"label": "Dua"}));
    let keys = format!("/v1/organisations/{bank}/keys");
    let refused = app.post("province", &keys, &json!({"label": "Dua"})).problem(409, "wrong_state");
    assert_eq!(refused["existing"], json!([one, other]));
    issue(&app, &json!({"label": "Tiga"}));
}

#[test]
fn a_deactivated_organisation_is_shut_out_until_it_is_reactivated() {
    let app = App::start();
    let bank = app.organisation("bank");
    let at = |command: &str| format!("/v1/organisations/{bank}/{command}");
    let (_, second) = issue(&app, &json!({"label": "Kedua"}));
    app.post("bank", &at("deactivations"), &json!({})).problem(403, "forbidden");
    app.post("province", &at("deactivations"), &json!({"reason": "Kontrak berakhir"})).expect(200);
    for key in [app.key("bank"), &second] {
        me(&app, key).problem(401, "unauthenticated");
    }
    app.post("province", &at("deactivations"), &json!({})).problem(409, "wrong_state");
    app.post("province", &at("keys"), &json!({"label": "Baru"})).problem(409, "wrong_state");
    app.post("province", &at("reactivations"), &json!({})).expect(200);
    me(&app, &second).expect(200);
    let own = app.organisation("province");
    app.post("province", &format!("/v1/organisations/{own}/deactivations"), &json!({})).problem(422, "rule_refused");
}

#[test]
fn an_organisations_history_tells_everything_but_hashes() {
    let app = App::start();
    let bank = app.organisation("bank");
    let (id, key) = issue(&app, &json!({"label": "Portal"}));
    app.post("province", &format!("/v1/organisations/{bank}/key-revocations"), &json!({"key_id": id})).expect(200);
    let history = app.get("bank", &format!("/v1/organisations/{bank}/history"));
    assert!(!history.text.contains("hash") && !history.text.contains(&key), "{}", history.text);
    let types: Vec<Value> =
        history.expect(200)["data"].as_array().unwrap().iter().map(|line| line["type"].clone()).collect();
    let expected = ["registered", "key_issued", "key_issued", "key_revoked"];
    assert_eq!(types, expected.map(|name| json!(format!("organisation.{name}"))));
    app.get("other_bank", &format!("/v1/organisations/{bank}/history")).problem(404, "not_found");
}

#[test]
fn when_a_key_was_last_used_is_shown_and_is_no_event() {
    let app = App::start();
    let (id, key) = issue(&app, &json!({"label": "Portal"}));
    let (unused, _) = issue(&app, &json!({"label": "Cadangan"}));
    let used = me(&app, &key).expect(200);
    let (bank, province) = (app.organisation("bank"), app.key("province").to_owned());
    let before = app.get("province", &format!("/v1/organisations/{bank}"));
    let (place, _folder) = app.stop();
    let core = Core::open(&place, Clock::System, Ids::Random, 2, 16).unwrap();
    let again = App::over(core, place);
    let shown = with(&again, &province, "GET", &format!("/v1/organisations/{bank}"), &Value::Null);
    assert_eq!(shown.headers["etag"], before.headers["etag"]);
    let shown = shown.expect(200);
    let last = |id: &Value| {
        shown["keys"].as_array().unwrap().iter().find(|key| key["key_id"] == *id).unwrap()["last_used_at"].clone()
    };
    assert_eq!(used["key_id"], id);
    assert!(last(&id).as_str().is_some_and(|at| Timestamp::parse(at).is_ok()), "{shown}");
    assert_eq!(last(&unused), Value::Null);
}

#[test]
fn a_test_service_issues_test_keys_and_takes_no_live_ones() {
    let app = App::start();
    let live = app.key("bank").to_owned();
    let (place, _folder) = app.stop();
    let place = lumbung::app::Place { environment: Environment::Test, ..place };
    let core = Core::open(&place, Clock::System, Ids::Random, 2, 16).unwrap();
    let key = issue_key(&core.service, OrganisationKind::Province, None, "province uji", Some("province"), Some("t"));
    let again = App::over(core, place);
    let key = key.unwrap().text;
    assert!(key.starts_with("lumbung_test_"));
    assert_eq!(me(&again, &key).expect(200)["environment"], "test");
    assert_eq!(me(&again, &live).problem(401, "unauthenticated")["reason"], "other_environment");
}
