//! What is said beside the answers, to browsers above all, and how long a connection may dawdle.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use lumbung::config::GuardOptions;
use serde_json::json;

use super::harness::{Answer, App};

/// A connection that says what it likes.
struct Raw(TcpStream);

impl Raw {
    fn open(app: &App) -> Self {
        let stream = TcpStream::connect(app.url.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(stream)
    }

    fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    /// Everything that comes until the connection is closed, and how long that took.
    fn rest(&mut self) -> (String, Duration) {
        let (began, mut all) = (Instant::now(), Vec::new());
        let ended = self.0.read_to_end(&mut all);
        let cut = ended.is_ok() || ended.as_ref().is_err_and(|why| why.kind() == ErrorKind::ConnectionReset);
        assert!(cut, "still open after {:?}: {ended:?} {}", began.elapsed(), String::from_utf8_lossy(&all));
        (String::from_utf8_lossy(&all).into_owned(), began.elapsed())
    }

    /// Says a byte now and then until the other side hangs up; what came, and how long that took.
    fn trickle(&mut self, text: &str) -> (String, Duration) {
        let (began, mut all) = (Instant::now(), Vec::new());
        self.0.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        for byte in text.as_bytes().iter().cycle() {
            assert!(began.elapsed() < Duration::from_secs(10), "it is never cut off");
            let gone = self.0.write_all(&[*byte]).is_err();
            let mut piece = [0; 4096];
            match self.0.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => all.extend_from_slice(&piece[..length]),
                Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) && !gone => {}
                Err(_) => break,
            }
        }
        (String::from_utf8_lossy(&all).into_owned(), began.elapsed())
    }
}

/// A service whose workers are there already, so that what is timed is the connection.
fn start(change: impl FnOnce(&mut GuardOptions)) -> App {
    let app = App::start_with(|options| change(&mut options.guard));
    assert_eq!(app.send("GET", "/livez", &[("Connection", "close")], b"").status, 200);
    app
}

const SOON: Duration = Duration::from_secs(6);

#[test]
fn a_head_that_does_not_come_is_not_waited_for() {
    let app = start(|guard| guard.head_seconds_max = 1);
    let mut silent = Raw::open(&app);
    assert!(silent.rest().1 < SOON);
    let mut begun = Raw::open(&app);
    begun.say("GET /livez HTTP/1.1\r\nHost: x\r\n");
    let (said, took) = begun.rest();
    assert!(took < SOON && said.starts_with("HTTP/1.1 408"), "{took:?} {said}");
    let mut trickling = Raw::open(&app);
    trickling.say("GET /livez HTTP/1.1\r\n");
    assert!(trickling.trickle("X").1 < SOON);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let app = start(|guard| (guard.body_seconds_max, guard.quiet_seconds_max) = (1, 2));
    let post = |length: &str| {
        format!(
            "POST /v1/cooperatives HTTP/1.1\r\nHost: x\r\nAccept-Language: en\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n{length}\r\n\r\n",
            app.key("samarinda")
        )
    };
    for length in ["Content-Length: 100000", "Transfer-Encoding: chunked"] {
        let mut halted = Raw::open(&app);
        halted.say(&post(length));
        let (said, took) = halted.rest();
        assert!(took < SOON && said.starts_with("HTTP/1.1 408") && said.contains("body_too_slow"), "{took:?} {said}");
        assert!(said.contains("within 1 seconds"), "{said}");
    }
    let mut trickling = Raw::open(&app);
    trickling.say(&post("Content-Length: 100000"));
    let (said, took) = trickling.trickle(" ");
    assert!(took < SOON && said.starts_with("HTTP/1.1 408"), "{took:?} {said}");
    // Nobody reads what comes with a request that is refused: it must not be waited for either.
    for (length, trickled) in [("Content-Length: 100000", " "), ("Transfer-Encoding: chunked", "1\r\n \r\n")] {
        let mut refused = Raw::open(&app);
        refused.say(&format!("POST /v1/cooperatives HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n"));
        let (said, took) = refused.trickle(trickled);
        assert!(took < SOON && said.starts_with("HTTP/1.1 401"), "{took:?} {said}");
    }
}

#[test]
fn a_connection_without_requests_is_closed() {
    let app = start(|guard| guard.idle_seconds_max = 1);
    let mut idle = Raw::open(&app);
    idle.say("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    let (said, took) = idle.rest();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    assert!(took < SOON, "{took:?}");
}

#[test]
fn the_head_of_a_later_request_is_not_waited_for_either_and_a_busy_connection_is_not_cut() {
    let app = start(|guard| guard.quiet_seconds_max = 1);
    let mut kept = Raw::open(&app);
    kept.say("GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\n");
    let (said, took) = kept.trickle("X");
    assert!(said.starts_with("HTTP/1.1 200") && took < SOON, "{took:?} {said}");
    let mut busy = Raw::open(&app);
    let mut piece = [0; 4096];
    for _ in 0..10 {
        busy.say("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(busy.0.read(&mut piece).unwrap() > 0);
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn who_does_not_read_is_cut_off() {
    let app = start(|guard| guard.unread_seconds_max = 1);
    let mut deaf = Raw::open(&app);
    // More than the buffers of both sides hold.
    let asked = 100;
    let length = app.get("", "/openapi.json").text.len();
    assert!(length * asked > 30_000_000, "{length}");
    let request = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(asked);
    deaf.say(&request);
    std::thread::sleep(Duration::from_secs(5));
    let (said, _) = deaf.rest();
    assert!(said.len() < length * asked, "it waited for somebody who does not read");
    // Whoever reads slowly gets everything.
    let mut slow = Raw::open(&app);
    slow.say(&"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(16));
    let (mut read, mut piece) = (0, vec![0; 128 * 1024]);
    while read < 16 * length {
        read += slow.0.read(&mut piece).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn of_too_many_connections_the_last_wait_until_others_are_gone() {
    let app = start(|guard| guard.connections_max = 2);
    let ask = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut piece = [0; 1024];
    let mut first: Vec<Raw> = (0..2).map(|_| Raw::open(&app)).collect();
    for one in &mut first {
        one.say(ask);
        assert!(one.0.read(&mut piece).unwrap() > 0);
    }
    let mut third = Raw::open(&app);
    third.say(ask);
    third.0.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
    assert!(third.0.read(&mut piece).is_err());
    first.clear();
    third.0.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert!(third.0.read(&mut piece).unwrap() > 0);
}

fn guarded(answer: &Answer, what: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(answer.headers.get(name).map(String::as_str), Some(value), "{what}: {name}");
    }
    assert!(answer.headers["content-security-policy"].contains("frame-ancestors 'none'"), "{what}");
    assert!(answer.headers["permissions-policy"].contains("geolocation=()"), "{what}");
    assert!(answer.headers.contains_key("x-request-id") && answer.headers.contains_key("cache-control"), "{what}");
    for name in answer.headers.keys() {
        let silent = ["server", "x-powered-by", "strict-transport-security", "via"];
        assert!(!silent.contains(&name.as_str()) && !name.starts_with("access-control"), "{what}: {name}");
    }
}

/// Method, path, headers, body, and the status that is expected.
type Asked<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [u8], u16);

#[test]
fn every_kind_of_answer_is_guarded() {
    let app = App::start();
    let at = format!("/v1/cooperatives/{}", app.cooperative("1/BH"));
    let bearer = format!("Bearer {}", app.key("samarinda"));
    let signed = ("Authorization", bearer.as_str());
    let file = b"{\"method\":\"POST\",\"path\":\"cooperatives\",\"body\":{}}\n";
    let asked: [Asked<'_>; 15] = [
        ("GET", &at, &[signed], b"", 200),
        ("HEAD", &at, &[signed], b"", 200),
        ("GET", &at, &[signed, ("If-None-Match", "\"1\"")], b"", 304),
        ("GET", &at, &[signed, ("Accept-Encoding", "gzip")], b"", 200),
        ("GET", &at, &[], b"", 401),
        ("GET", "/v1/nothing", &[], b"", 404),
        ("DELETE", &at, &[], b"", 405),
        ("OPTIONS", &at, &[], b"", 405),
        ("GET", &at, &[signed, ("Accept", "text/html")], b"", 406),
        ("POST", "/v1/batches", &[signed, ("Content-Type", "application/x-ndjson")], file, 207),
        ("GET", "/docs", &[], b"", 308),
        ("GET", "/docs/", &[], b"", 200),
        ("GET", "/openapi.json", &[], b"", 200),
        ("GET", "/metrics", &[], b"", 200),
        ("GET", "/problems/internal", &[], b"", 200),
    ];
    for (method, path, headers, body, status) in asked {
        let answer = app.send(method, path, headers, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        guarded(&answer, &format!("{method} {path}"));
        // There is one redirect, and it stays where it is.
        assert_eq!(answer.headers.get("location").map(String::as_str), (status == 308).then_some("/docs/"), "{path}");
    }
    let app = start(|guard| guard.hsts_seconds = 31_536_000);
    assert_eq!(app.get("", "/livez").headers["strict-transport-security"], "max-age=31536000");
}

#[test]
fn pages_of_named_sites_may_call_and_read_problems_too() {
    let site = "https://data.kaltimprov.go.id";
    let app = start(|guard| guard.cors_origins = vec![site.parse().unwrap()]);
    let ask = |origin: &str| {
        let headers = [("Origin", origin), ("Access-Control-Request-Method", "PATCH")];
        app.send("OPTIONS", "/v1/cooperatives", &headers, b"")
    };
    let answer = ask(site);
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(answer.headers["access-control-allow-origin"], site);
    assert!(answer.headers["access-control-allow-methods"].contains("PATCH"));
    assert!(answer.headers["access-control-allow-headers"].contains("idempotency-key"));
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    for stranger in ["https://data.kaltimprov.go.id.example.com", "http://data.kaltimprov.go.id", "null"] {
        let answer = ask(stranger);
        assert!(!answer.headers.keys().any(|name| name.starts_with("access-control")), "{stranger}");
        assert!(answer.headers["vary"].contains("Origin"));
        answer.problem(405, "method_not_allowed");
    }
    let answer = app.send("GET", "/v1/me", &[("Origin", site)], b"");
    assert_eq!(answer.headers["access-control-allow-origin"], site);
    assert!(answer.headers["access-control-expose-headers"].contains("retry-after"));
    answer.problem(401, "unauthenticated");
    // Without a list there is nothing to be seen of it.
    let closed = App::start();
    let answer = closed.send("GET", "/v1/regions", &[("Origin", site)], b"");
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    assert_eq!(answer.expect(200)["data"].as_array().map(Vec::is_empty), Some(false), "{}", json!(site));
}
