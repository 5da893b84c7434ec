//! A copy of a log beside its original: the same to the last byte, whatever happens to the copying, and ended by a lie.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lumbung::storage::head_position;
use serde_json::{Value, json};

use super::program::{Client, Program, Site};

const EVENTS: &str = "1000";
/// How long a copy may take to catch up.
const CAUGHT_UP_MAX: Duration = Duration::from_mins(2);

/// A source with an invented history, and the keys of it.
struct Source {
    site: Site,
    auditor: PathBuf,
    verifier: String,
}

impl Source {
    fn new(postgres: bool) -> Self {
        let mut site = Site::empty(postgres);
        site.run(&["generate", "--events", EVENTS]);
        let issue = |site: &Site, kind: &str| {
            let issued = site.run(&["keys", "issue", "--kind", kind, "--name", &format!("{kind} uji")]);
            issued.trim().to_owned()
        };
        site.key = issue(&site, "province");
        let auditor = site.folder().join("auditor-key");
        let whole = issue(&site, "auditor");
        std::fs::write(&auditor, confined_to_the_log(&site, &whole)).unwrap();
        let verifier = site.run(&["log-key"]).trim().to_owned();
        Self { site, auditor, verifier }
    }

    /// The arguments of a copying.
    fn arguments<'a>(&'a self, url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let key = self.auditor.to_str().unwrap();
        [&["mirror", url, "--api-key-file", key, "--log-verifier-key", &self.verifier], more].concat()
    }
}

/// A key of the auditor that reads the log's entries and nothing else.
fn confined_to_the_log(site: &Site, auditor: &str) -> String {
    let program = site.serve();
    let organisation = body(&with_key(&program, auditor), "/v1/me")["organisation"].as_str().unwrap().to_owned();
    let keys = format!("/v1/organisations/{organisation}/keys");
    let issued = program.client().send("POST", &keys, None, Some(&json!({"scopes": ["log:read"]}))).unwrap();
    let key = issued.body["key"].as_str().unwrap_or_else(|| panic!("{issued:?}")).to_owned();
    let refused = with_key(&program, &key).send("GET", "/v1/managers", None, None).unwrap();
    assert_eq!(refused.status, 403, "{refused:?}");
    program.stop();
    key
}

fn head(site: &Site) -> i64 {
    head_position(&mut site.database().open_reader().unwrap()).unwrap()
}

/// Number of events and root, as `verify` says them.
fn proved(site: &Site) -> String {
    let said = site.run(&["verify"]);
    said.split(';').next().unwrap().to_owned()
}

fn body(client: &Client, path: &str) -> Value {
    let answer = client.send("GET", path, None, None).unwrap();
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

/// What the service answers, byte for byte, but for its own address.
fn bytes(program: &Program, key: &str, path: &str) -> Vec<u8> {
    let request = ureq::get(format!("{}{path}", program.url)).header("Authorization", format!("Bearer {key}"));
    let body = request.call().unwrap_or_else(|why| panic!("{path}: {why}")).body_mut().read_to_vec().unwrap();
    match String::from_utf8(body) {
        Ok(text) => text.replace(&program.url, "").into_bytes(),
        Err(other) => other.into_bytes(),
    }
}

fn text(url: &str, path: &str) -> String {
    ureq::get(format!("{url}{path}")).call().unwrap().body_mut().read_to_string().unwrap()
}

fn with_key(program: &Program, key: &str) -> Client {
    let mut client = program.client();
    key.clone_into(&mut client.key);
    client
}

fn a_copy_is_the_original(postgres: bool) {
    let source = Source::new(postgres);
    let original = source.site.serve();
    let copy = Site::empty(postgres);
    let once = source.arguments(&original.url, &["--once"]);
    let said = copy.run(&once);
    assert!(said.contains(&format!("copied and verified: {} events", head(&source.site))), "{said}");
    assert_eq!(proved(&copy), proved(&source.site));
    assert!(copy.run(&["rebuild"]).trim_end().ends_with("replaced: 0"));
    assert!(copy.fail(&["serve", "--bind", "127.0.0.1:0"]).contains("--read-only"));
    let other = source.verifier.replace("localhost", "elsewhere");
    assert!(copy.fail(&[&once[..5], &[other.as_str(), "--once"]].concat()).contains("not a verifier key"));

    // The same questions with the same keys have the same answers.
    let served = copy.serve_with(&["--read-only"]);
    let (here, there) = (with_key(&served, &source.site.key), original.client());
    let paths = "cooperatives?limit=500|assessments?limit=100|financings?limit=100|statistics/financing|regions";
    for path in paths.split('|').map(|path| format!("/v1/{path}")) {
        let (mut ours, mut theirs) = (body(&here, &path), body(&there, &path));
        for body in [&mut ours, &mut theirs] {
            // A cursor is of the service that gave it.
            body.as_object_mut().map(|body| body.remove("next_cursor"));
        }
        assert_eq!(ours, theirs, "{path}");
        assert!(ours.to_string().len() > 100, "{path}: {ours}");
    }
    assert_eq!(text(&served.url, "/v1/log/checkpoint"), text(&original.url, "/v1/log/checkpoint"));
    assert_eq!(text(&served.url, "/v1/log"), text(&original.url, "/v1/log"));
    // So have the log itself, by the same names, and the datasets, to the byte.
    let (at, key) = (head(&source.site), source.site.key.as_str());
    for path in [
        "events?limit=500".to_owned(),
        format!("datasets/financings/data?format=csv&as_of={at}"),
        format!("datasets/enterprises/data?format=parquet&as_of={at}"),
        format!("datasets/assessments/data?format=ndjson&as_of={at}"),
    ] {
        let path = format!("/v1/{path}");
        let (ours, theirs) = (bytes(&served, key, &path), bytes(&original, key, &path));
        assert!(ours.len() > 1000 && ours == theirs, "{path}: {} {}", ours.len(), theirs.len());
    }
    // Of an instant the copy tells only what nothing can be added to.
    let recorded = |position: i64| {
        let page = body(&there, &format!("/v1/events?after={}&limit=1", position - 1));
        page["data"][0]["recordedtime"].as_str().unwrap().to_owned()
    };
    let as_of = |client: &Client, instant: &str| {
        let path = format!("/v1/statistics/financing?as_of={instant}");
        client.send("GET", &path, None, None).unwrap()
    };
    let (early, last) = (recorded(at / 2), recorded(at));
    assert_eq!(as_of(&here, &early).body, as_of(&there, &early).body);
    assert_eq!(as_of(&there, &last).status, 200);
    let refused = as_of(&here, &last);
    assert_eq!((refused.status, &refused.body["errors"][0]["code"]), (400, &"not_yet".into()), "{refused:?}");
    // Personal data is sealed with keys that are at the original.
    let owners = |client: &Client| body(client, "/v1/enterprises?limit=5")["data"].as_array().unwrap().clone();
    let (ours, theirs) = (owners(&here), owners(&there));
    assert_eq!((ours.len(), theirs.len()), (5, 5));
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!((&ours["id"], &theirs["personal_data"]), (&theirs["id"], &"shown".into()));
        assert_eq!((&ours["personal_data"], &ours["person"]), (&"hidden".into(), &Value::Null));
    }
    // A command belongs to the original.
    let batch = here.send("POST", "/v1/batches?mode=each", None, Some(&Value::Null)).unwrap();
    for refused in [here.register("1/BH").unwrap(), batch] {
        assert_eq!((refused.status, &refused.body["code"]), (403, &"read_only".into()), "{refused:?}");
    }

    // What the original records meanwhile arrives, however often the copying is killed.
    let began = Instant::now();
    let poll = source.arguments(&original.url, &["--poll-seconds", "1"]);
    for round in 0..6 {
        let mut copying = copy.start(&poll);
        for number in 0..100 {
            there.register(&format!("{round}-{number}/BH")).filter(|answer| answer.status == 201).unwrap();
        }
        copying.kill().unwrap();
        copying.wait().unwrap();
    }
    let mut copying = copy.start(&poll);
    while head(&copy) < head(&source.site) {
        assert!(began.elapsed() < CAUGHT_UP_MAX && copying.try_wait().unwrap().is_none(), "{}", copy.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let newest = "/v1/cooperatives?sort=-updated&limit=3";
    assert_eq!(body(&here, newest)["data"], body(&there, newest)["data"]);
    copying.kill().unwrap();
    copying.wait().unwrap();
    assert_eq!(proved(&copy), proved(&source.site));
    assert!(copy.run(&["rebuild"]).trim_end().ends_with("replaced: 0"));
}

#[test]
fn a_copy_is_the_original_however_often_the_copying_is_killed_on_sqlite() {
    a_copy_is_the_original(false);
}

#[test]
fn a_copy_is_the_original_however_often_the_copying_is_killed_on_postgres() {
    a_copy_is_the_original(true);
}

#[test]
fn a_source_that_tells_another_story_ends_the_copying() {
    let source = Source::new(false);
    let site = &source.site;
    // The same log with the same keys in two places; what was signed is not known at the other.
    let other = Site::empty(false);
    site.run(&["backup", other.folder().join("lumbung.db").to_str().unwrap()]);
    for file in ["lumbung.key", "lumbung.log-key"] {
        std::fs::copy(site.folder().join(file), other.folder().join(file)).unwrap();
    }
    // Nor does the key sign there before it is told to.
    let grown = |site: &Site, events: u32| {
        let program = site.serve_with(&["--accept-new-log-key"]);
        let mut client = program.client();
        source.site.key.clone_into(&mut client.key);
        for number in 0..events {
            client.register(&format!("{events}-{number}/BH")).filter(|answer| answer.status == 201).unwrap();
        }
        program
    };
    let (original, copy) = (grown(site, 20), Site::empty(false));
    copy.run(&source.arguments(&original.url, &["--once"]));
    let before = proved(&copy);
    for events in [10, 1, 9, 30] {
        // Shorter than what was copied, as long, and longer.
        let fork = grown(&other, events);
        let said = copy.fail(&source.arguments(&fork.url, &["--poll-seconds", "1"]));
        assert!(said.contains("tells another story"), "{said}");
        assert_eq!(proved(&copy), before);
        fork.stop();
    }
    // From the original it goes on.
    copy.run(&source.arguments(&original.url, &["--once"]));
    // Who is not the source at all is not believed either, nor is a key that may not.
    let stranger = Source::new(false);
    let elsewhere = stranger.site.serve();
    let mut arguments = stranger.arguments(&elsewhere.url, &["--once"]);
    assert_eq!(arguments[5], stranger.verifier);
    arguments[5] = &source.verifier;
    assert!(copy.fail(&arguments).contains("cannot be believed"));
    std::fs::write(&source.auditor, "lumbung_x").unwrap();
    assert!(Site::empty(false).fail(&source.arguments(&original.url, &["--once"])).contains("401"));
}

#[test]
fn a_source_that_has_shrunk_and_a_key_that_may_not_are_told_at_once() {
    let source = Source::new(false);
    let (site, copy) = (&source.site, Site::empty(false));
    let older = site.folder().join("older.db");
    site.run(&["backup", older.to_str().unwrap()]);
    let few = head(site);
    let original = site.serve();
    for number in 0..5 {
        with_key(&original, &site.key).register(&format!("{number}/BH")).filter(|answer| answer.status == 201).unwrap();
    }
    let once = source.arguments(&original.url, &["--once"]);
    copy.run(&once);
    // Nothing is left to copy, and still the key is tried.
    let auditor = std::fs::read_to_string(&source.auditor).unwrap();
    let ministry = site.run(&["keys", "issue", "--kind", "ministry", "--name", "Kementerian"]);
    copy.run(&once);
    std::fs::write(&source.auditor, ministry).unwrap();
    let said = copy.fail(&once);
    assert!(said.contains("403") && said.contains("entries"), "{said}");
    std::fs::write(&source.auditor, auditor).unwrap();
    let many = head(&copy);
    original.stop();

    // The same log as it was earlier, signed by the same key.
    let shrunk = Site::empty(false);
    std::fs::copy(older, shrunk.folder().join("lumbung.db")).unwrap();
    for file in ["lumbung.key", "lumbung.log-key"] {
        std::fs::copy(site.folder().join(file), shrunk.folder().join(file)).unwrap();
    }
    let served = shrunk.serve_with(&["--accept-new-log-key"]);
    let said = copy.fail(&source.arguments(&served.url, &["--once"]));
    assert!(said.contains(&format!("has {few} events")) && said.contains(&format!("the {many} that were")), "{said}");
    // Without `--once` it warns and goes on trying.
    let mut copying = copy.start(&source.arguments(&served.url, &["--poll-seconds", "1"]));
    let began = Instant::now();
    while !copy.log().contains("fewer than") {
        assert!(began.elapsed() < CAUGHT_UP_MAX && copying.try_wait().unwrap().is_none(), "{}", copy.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    copying.kill().unwrap();
    copying.wait().unwrap();
    served.stop();

    // A source that signs with another key is another log.
    std::fs::remove_file(site.folder().join("lumbung.log-key")).unwrap();
    let other = site.serve_with(&["--accept-new-log-key"]);
    assert!(copy.fail(&source.arguments(&other.url, &["--once"])).contains("cannot be believed"));
}

/// Passes on what a service answers, with one bit of the answers to some paths flipped.
fn proxy(url: &str, flips: &'static str, at: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, url) = (listener.local_addr().unwrap(), url.to_owned());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            pass_on(&url, stream.unwrap(), flips, at);
        }
    });
    format!("http://{address}")
}

fn pass_on(url: &str, mut stream: TcpStream, flips: &str, at: usize) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap().to_owned();
    let mut key = String::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("authorization")
        {
            value.clone_into(&mut key);
        }
    }
    let mut answer = ureq::get(format!("{url}{path}")).header("Authorization", key).call().unwrap();
    let mut body = answer.body_mut().with_config().limit(1 << 25).read_to_vec().unwrap();
    if path.contains(flips) {
        let at = at % body.len();
        body[at] ^= 1;
    }
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).unwrap();
}

#[test]
fn a_flipped_bit_ends_the_copying_and_nothing_of_it_is_written() {
    let source = Source::new(false);
    let original = source.site.serve();
    let copy = Site::empty(false);
    let flips = [
        ("/checkpoint", 30),
        ("/entries/000", 70),
        ("/entries/001", 30_000),
        ("/entries/002", 301),
        ("/entries/003", 44_444),
    ];
    for (path, at) in flips {
        let url = proxy(&original.url, path, at);
        let said = copy.fail(&source.arguments(&url, &["--once"]));
        assert!(said.contains("tells another story") || said.contains("cannot be believed"), "{path}: {said}");
        assert_eq!(head(&copy), 0, "{path}");
    }
    let url = proxy(&original.url, "nothing", 0);
    copy.run(&source.arguments(&url, &["--once"]));
    assert_eq!(proved(&copy), proved(&source.site));
}
