//! Floods, strangers and the impatient: quotas, limits of what is sent, an executor that cannot follow.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use lumbung::app::Core;
use lumbung::config::GuardOptions;
use lumbung::kernel::{Clock, Environment};
use lumbung::ledger::Ids;
use lumbung::organisations::NewKey;
use lumbung::storage::open_store;
use lumbung::web::{DEPTH_MAX, HEADERS_MAX, PARAMETERS_MAX, READS_AT_ONCE_MAX, URL_BYTES_MAX};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use super::harness::{Answer, App};
use super::place::place_in;

/// A service that counts everybody, behind a proxy on this machine.
fn counting(change: impl FnOnce(&mut GuardOptions)) -> App {
    App::start_with(|options| {
        options.guard.unlimited_addresses = "none".parse().unwrap();
        options.guard.trusted_proxies = "127.0.0.1".parse().unwrap();
        change(&mut options.guard);
    })
}

fn from(app: &App, address: &str, who: &str, path: &str) -> Answer {
    let bearer = format!("Bearer {who}");
    let mut headers = vec![("X-Forwarded-For", address)];
    if !who.is_empty() {
        headers.push(("Authorization", &bearer));
    }
    app.send("GET", path, &headers, b"")
}

fn turned_away(app: &App, reason: &str) -> u64 {
    let name = format!("lumbung_turned_away_total{{reason=\"{reason}\"}} ");
    let numbers = app.get("", "/metrics").text;
    numbers.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |number| number.parse().unwrap())
}

/// Asks until a quota of ten and one a second is used up; what it is told then.
fn use_up(ask: impl Fn() -> Answer) -> Answer {
    for asked in 0..100 {
        let answer = ask();
        if answer.status == 429 {
            assert!(asked >= 10, "after {asked}");
            return answer;
        }
    }
    panic!("it is never used up");
}

#[test]
fn an_address_has_a_quota_that_is_told_and_its_neighbour_another() {
    let app = counting(|guard| guard.address_requests_per_second = 1);
    let first = from(&app, "203.0.113.6", "", "/v1/regions");
    assert_eq!(first.headers["ratelimit-policy"], "\"address\";q=10;w=10");
    assert_eq!(first.headers["ratelimit"], "\"address\";r=9;t=1");
    let refused = use_up(|| from(&app, "203.0.113.7", "", "/v1/regions"));
    assert_eq!(refused.headers["ratelimit"], "\"address\";r=0;t=1");
    assert_eq!(refused.headers["retry-after"], "1");
    let problem = refused.problem(429, "rate_limited");
    assert_eq!((&problem["violated_policies"], &problem["retry_after_seconds"]), (&json!(["address"]), &json!(1)));
    from(&app, "203.0.113.8", "", "/v1/regions").expect(200);
    for path in ["/livez", "/readyz", "/metrics"] {
        for _ in 0..20 {
            assert_eq!(from(&app, "203.0.113.7", "", path).status, 200, "{path}");
        }
    }
    assert!(turned_away(&app, "quota_address") > 0);
    // A whole IPv6 network of one customer is one address.
    let host = std::cell::Cell::new(0);
    use_up(|| from(&app, &format!("2001:db8:1:2::{}", host.replace(host.get() + 1)), "", "/v1/regions"));
    from(&app, "2001:db8:1:3::1", "", "/v1/regions").expect(200);
}

#[test]
fn whoever_tries_keys_is_stopped_before_they_are_looked_up() {
    let app = counting(|guard| guard.key_lookups_per_second = 1);
    // What its text alone tells is refused without a look; a key that is well written has to be looked up.
    let unknown = NewKey::make(Uuid::now_v7(), Environment::Live).unwrap().text;
    from(&app, "203.0.113.6", &unknown, "/v1/me").problem(401, "unauthenticated");
    let problem = use_up(|| from(&app, "203.0.113.7", &unknown, "/v1/me")).problem(429, "rate_limited");
    assert_eq!(problem["violated_policies"], json!(["key-lookups"]));
    from(&app, "203.0.113.8", app.key("bank"), "/v1/me").expect(200);
    assert!(turned_away(&app, "quota_key_lookups") > 0);
}

#[test]
fn an_organisation_has_a_quota_wherever_it_sends_from_and_lines_of_files_count() {
    let app = counting(|guard| guard.organisation_requests_per_second = 1);
    let host = std::cell::Cell::new(0);
    use_up(|| from(&app, &format!("203.0.113.{}", host.replace(host.get() + 1)), app.key("bank"), "/v1/me"));
    from(&app, "203.0.113.99", app.key("other_bank"), "/v1/me").expect(200);
    let file = "{\"method\":\"POST\",\"path\":\"cooperatives\",\"body\":{}}\n".repeat(9);
    let bearer = format!("Bearer {}", app.key("samarinda"));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/x-ndjson")];
    let send = || app.send("POST", "/v1/batches", &headers, file.as_bytes());
    assert_eq!(send().status, 207);
    let left = from(&app, "203.0.113.99", app.key("samarinda"), "/v1/me");
    let rest = left.headers["ratelimit"].split("\"organisation\";r=").nth(1).unwrap().split(';').next().unwrap();
    assert!(left.status == 429 || rest.parse::<u32>().unwrap() < 9, "{left:?}");
}

#[test]
fn a_confined_key_uses_up_no_more_than_half_of_its_organisations_quota() {
    let app = counting(|guard| guard.organisation_requests_per_second = 4);
    let keys = format!("/v1/organisations/{}/keys", app.organisation("bank"));
    let issued = app.post("province", &keys, &json!({"label": "Portal", "scopes": ["cooperatives:read"]})).expect(201);
    let refused = use_up(|| from(&app, "203.0.113.7", issued["key"].as_str().unwrap(), "/v1/me"));
    assert!(refused.headers["ratelimit-policy"].contains("\"key\";q=20;w=10"), "{:?}", refused.headers);
    assert_eq!(refused.problem(429, "rate_limited")["violated_policies"], json!(["key"]));
    from(&app, "203.0.113.7", app.key("bank"), "/v1/me").expect(200);
}

#[test]
fn this_machine_itself_is_not_counted_and_a_quota_can_be_switched_off() {
    let app = App::start_with(|options| options.guard.address_requests_per_second = 1);
    for _ in 0..30 {
        assert!(!app.get("", "/v1/regions").headers.contains_key("ratelimit"));
    }
    // What a proxy on this machine hands on is not this machine's own, whatever it says and whether it is trusted or not.
    let forwarded = |name, from| app.send("GET", "/v1/regions", &[(name, from)], b"");
    use_up(|| forwarded("X-Forwarded-For", "203.0.113.7"));
    for (name, from) in [("X-Forwarded-For", "127.0.0.1"), ("Forwarded", "for=203.0.113.8"), ("Forwarded", "for=_x")] {
        assert!(forwarded(name, from).headers["ratelimit"].starts_with("\"address\";r=0"), "{name}: {from}");
    }
    assert!(!app.get("", "/v1/regions").headers.contains_key("ratelimit"));
    let app = counting(|guard| {
        (guard.address_requests_per_second, guard.key_lookups_per_second) = (0, 0);
        guard.organisation_requests_per_second = 0;
    });
    for _ in 0..30 {
        let answer = from(&app, "203.0.113.7", "wrong", "/v1/me");
        assert!(!answer.headers.contains_key("ratelimit"));
        answer.problem(401, "unauthenticated");
    }
}

/// Links that must be whole lead to where the request came, and elsewhere only at the word of a proxy that is trusted.
#[test]
fn another_host_is_believed_of_trusted_proxies_alone() {
    let told = |app: &App, more: &[(&str, &str)]| {
        let schemas = app.send("GET", "/v1/schemas", more, b"").expect(200);
        let catalogue = app.send("GET", "/v1/datasets", more, b"").text;
        let address = schemas[0]["dataschema"].as_str().unwrap().split("/v1/").next().unwrap().to_owned();
        assert!(catalogue.contains(&format!("{address}/v1/datasets")), "{address}: {catalogue}");
        address
    };
    let elsewhere = [("X-Forwarded-Host", "elsewhere.example"), ("X-Forwarded-Proto", "https")];
    let forwarded = [("Forwarded", "host=elsewhere.example;proto=https")];
    let stranger = App::start();
    for headers in [&[][..], &elsewhere, &forwarded] {
        assert_eq!(told(&stranger, headers), stranger.url);
    }
    let proxy = counting(|_| {});
    for headers in [&elsewhere[..], &forwarded] {
        assert_eq!(told(&proxy, headers), "https://elsewhere.example");
    }
}

#[test]
fn addresses_headers_and_parameters_have_limits_that_are_told() {
    let app = App::start();
    let path = |bytes: usize| format!("/livez?x={}", "a".repeat(bytes - "/livez?x=".len()));
    for (bytes, status) in [(URL_BYTES_MAX - 1, 200), (URL_BYTES_MAX, 200), (URL_BYTES_MAX + 1, 414)] {
        assert_eq!(app.get("", &path(bytes)).status, status, "{bytes}");
    }
    let bearer = format!("Bearer {}", app.key("bank"));
    let problem = app.send("GET", &path(20_000), &[("Accept-Language", "en")], b"").problem(414, "url_too_long");
    assert!(problem["detail"].as_str().unwrap().contains("20000"), "{problem}");
    let parameters = |count: usize| {
        let query: Vec<String> = (0..count).map(|number| format!("p{number}=1")).collect();
        let headers = [("Authorization", bearer.as_str()), ("Accept-Language", "en")];
        app.send("GET", &format!("/v1/cooperatives?{}", query.join("&")), &headers, b"")
    };
    for (count, told) in [(PARAMETERS_MAX - 1, false), (PARAMETERS_MAX, false), (PARAMETERS_MAX + 1, true)] {
        let problem = parameters(count).problem(400, "invalid_parameter");
        assert_eq!(problem["detail"].as_str().unwrap().contains("are taken at most"), told, "{count}: {problem}");
    }
    let own = app.send("GET", "/v1/me", &[("Authorization", &bearer)], b"");
    own.expect(200);
    let long = "x".repeat(20_000);
    app.send("GET", "/v1/regions", &[("X-Long", &long)], b"").problem(431, "headers_too_large");
    let names: Vec<String> = (0..HEADERS_MAX).map(|number| format!("X-{number}")).collect();
    let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    app.send("GET", "/v1/regions", &headers, b"").problem(431, "headers_too_large");
    app.send("GET", "/v1/regions", &headers[..HEADERS_MAX / 2], b"").expect(200);
}

#[test]
fn json_has_a_depth_in_commands_and_in_lines() {
    let app = App::start();
    let nested = |depth: usize| format!("{{\"name\":{}1{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    let bearer = format!("Bearer {}", app.key("samarinda"));
    let send = |path: &str, kind: &str, text: &str| {
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", kind), ("Accept-Language", "en")];
        app.send("POST", path, &headers, text.as_bytes())
    };
    for depth in [DEPTH_MAX - 1, DEPTH_MAX] {
        send("/v1/cooperatives", "application/json", &nested(depth)).problem(400, "invalid_body");
    }
    let problem = send("/v1/cooperatives", "application/json", &nested(DEPTH_MAX + 1)).problem(400, "malformed_json");
    assert!(problem["detail"].as_str().unwrap().contains("more than 32 deep"), "{problem}");
    let line =
        |depth: usize| format!("{{\"method\":\"POST\",\"path\":\"cooperatives\",\"body\":{}}}", nested(depth - 1));
    let fine = send("/v1/batches", "application/x-ndjson", &line(DEPTH_MAX)).text;
    assert!(fine.contains("invalid_body") && !fine.contains("malformed_json"), "{fine}");
    let deep = send("/v1/batches", "application/x-ndjson", &line(DEPTH_MAX + 1)).text;
    assert!(deep.contains("more than 32 deep"), "{deep}");
}

#[test]
fn who_floods_is_turned_away_while_others_are_served_and_reads_go_on() {
    let app = App::start_with(|options| options.queue_commands_max = 8);
    let cooperative = app.cooperative("0/BH");
    let registration = |region: &str, number: usize| {
        json!({"name": format!("KSP {number}"), "kind": "ksp", "region": region,
            "badan_hukum": {"number": format!("{region}/{number}/BH"), "date": "2008-08-14"}})
    };
    // Somebody else holds the log.
    let mut lock = open_store(&app.place.database, None).unwrap();
    lock.begin().unwrap();
    let answers = std::thread::scope(|scope| {
        let flood: Vec<_> = (0..24)
            .map(|number| {
                let (app, body) = (&app, registration("64.72", number));
                scope.spawn(move || app.post("samarinda", "/v1/cooperatives", &body))
            })
            .collect();
        let began = Instant::now();
        while turned_away(&app, "queue_full") == 0 {
            assert!(began.elapsed() < Duration::from_secs(3), "nobody was turned away");
            std::thread::sleep(Duration::from_millis(5));
        }
        let (app, body) = (&app, registration("64.71", 99));
        let quiet = scope.spawn(move || app.post("balikpapan", "/v1/cooperatives", &body));
        app.get("bank", &format!("/v1/cooperatives/{cooperative}")).expect(200);
        app.get("bank", "/v1/cooperatives").expect(200);
        app.get("", "/readyz").expect(200);
        std::thread::sleep(Duration::from_millis(200));
        lock.rollback();
        let quiet = quiet.join().unwrap();
        assert_eq!(quiet.status, 201, "{}", quiet.text);
        flood.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    let taken = answers.iter().filter(|answer| answer.status == 201).count();
    assert!((8..24).contains(&taken), "{taken}");
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.headers["retry-after"], "1");
        assert_eq!(answer.problem(503, "overloaded")["reason"], "queue_full");
    }
    // What was acknowledged is there, once.
    let list = app.get("province", "/v1/cooperatives?limit=100").expect(200);
    assert_eq!(list["data"].as_array().unwrap().len(), taken + 2);
}

#[test]
fn only_so_many_reads_wait_and_operators_are_answered_all_the_same() {
    let folder = TempDir::new().unwrap();
    let place = place_in(&folder);
    let core = Core::open(&place, Clock::System, Ids::Random, 2, 16).unwrap();
    let reads = core.service.reads.clone();
    let app = App::over(core, place);
    app.get("", "/v1/regions").expect(200);
    let held = reads.try_acquire_many_owned(u32::try_from(READS_AT_ONCE_MAX).unwrap()).unwrap();
    let refused = app.get("", "/v1/regions");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.problem(503, "overloaded")["reason"], "reads_waiting");
    app.get("", "/readyz").expect(200);
    assert_eq!(turned_away(&app, "reads_waiting"), 1);
    drop(held);
    app.get("", "/v1/regions").expect(200);
}

#[test]
fn an_address_has_a_quarter_of_the_connections() {
    let app = counting(|guard| (guard.connections_max, guard.trusted_proxies) = (8, "none".parse().unwrap()));
    let address = app.url.trim_start_matches("http://").to_owned();
    let connect = || {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut answer = [0; 12];
        let asked = stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
        asked.and_then(|()| stream.read_exact(&mut answer)).ok().map(|()| {
            assert_eq!(&answer, b"HTTP/1.1 200");
            stream
        })
    };
    let (one, other) = (connect().unwrap(), connect().unwrap());
    assert!(connect().is_none());
    drop(one);
    let began = Instant::now();
    while connect().is_none() {
        assert!(began.elapsed() < Duration::from_secs(5), "a place that was left is not given again");
    }
    drop(other);
}

#[test]
fn a_file_that_trickles_in_gives_its_place_up() {
    let app = App::start_with(|options| options.batches.batch_pause_seconds_max = 1);
    let mut trickle = TcpStream::connect(app.url.trim_start_matches("http://")).unwrap();
    trickle.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let head = format!(
        "POST /v1/batches HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000\r\n\r\n",
        app.key("samarinda")
    );
    trickle.write_all(head.as_bytes()).unwrap();
    let (began, mut answer) = (Instant::now(), [0; 64]);
    let read = loop {
        // Never a pause of a second.
        let _ = trickle.write_all(b" ");
        match trickle.read(&mut answer) {
            Ok(read) => break read,
            Err(_) => assert!(began.elapsed() < Duration::from_secs(10), "it still holds its place"),
        }
    };
    assert!(answer[..read].starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer[..read]));
}

#[test]
fn an_organisation_has_half_of_the_places_for_files() {
    let app = App::start_with(|options| options.batches.batches_at_once = 2);
    let address = app.url.trim_start_matches("http://").to_owned();
    // A file that has begun and does not go on.
    let mut halted = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /v1/batches HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000\r\n\r\n{{",
        app.key("samarinda")
    );
    halted.write_all(head.as_bytes()).unwrap();
    let send = |who: &str| {
        let bearer = format!("Bearer {}", app.key(who));
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/x-ndjson")];
        app.send("POST", "/v1/batches", &headers, b"{\"method\":\"POST\",\"path\":\"cooperatives\",\"body\":{}}\n")
    };
    let began = Instant::now();
    let refused = loop {
        let answer = send("samarinda");
        if answer.status != 207 {
            break answer;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "it has both places");
    };
    assert_eq!(refused.problem(503, "overloaded")["reason"], "files_of_organisation");
    assert_eq!(send("balikpapan").status, 207);
}
