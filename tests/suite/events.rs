//! The log read by others: complete, sifted by rights, live; and every event is of the form its schema gives.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use lumbung::app::{Core, Place};
use lumbung::feed::schemas;
use lumbung::kernel::{Actor, Clock, OrganisationKind, Region, Scopes};
use lumbung::ledger::{Frontier, Ids};
use lumbung::organisations::issue_key;
use lumbung::storage::{FeedRow, Sieve, read_stretch};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::harness::{Answer, App, healthy_worksheet, id};
use super::place::place_in;

fn rupiah(amount: &str) -> Value {
    json!({"value": amount, "currency": "IDR"})
}

/// Something of every kind: cooperatives of two regions, people, an assessment, financings of two banks.
fn fill(app: &App) {
    let own = app.cooperative("1/BH");
    let other = json!({"name": "Koperasi Lain", "kind": "ksp", "region": "64.71", "badan_hukum": {"number": "2/BH", "date": "2008-08-14"}});
    let other = id(&app.post("balikpapan", "/v1/cooperatives", &other).expect(201));
    app.manager("Nama Rahasia");
    let enterprise = json!({"name": "Warung Uji", "region": "64.72", "owner": {"name": "Pemilik Rahasia"},
        "size_basis": {"yearly_sales": rupiah("180000000")}});
    app.post("samarinda", "/v1/enterprises", &enterprise).expect(201);
    for (who, cooperative) in [("samarinda", &own), ("balikpapan", &other)] {
        let body = json!({"cooperative": cooperative, "regulation": "permen-14-2009", "book_year": 2013,
            "assessed_on": "2014-02-24", "worksheet": healthy_worksheet()});
        let assessment = id(&app.post(who, "/v1/assessments", &body).expect(201));
        app.post("province", &format!("/v1/assessments/{assessment}/determinations"), &json!({})).expect(200);
    }
    for (who, cooperative) in [("bank", &own), ("other_bank", &other), ("bank", &other)] {
        let body = json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "scheme": "lpdb", "amount": rupiah("20000000.00"),
            "purpose": "Modal kerja", "tenor_months": 24});
        app.post(who, "/v1/financings", &body).expect(201);
    }
}

fn position(event: &Value) -> i64 {
    event["sequence"].as_str().unwrap().parse().unwrap()
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// Everything a caller is given, page by page.
fn followed(app: &App, who: &str, limit: u32, filter: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = app.get(who, &format!("/v1/events?after={after}&limit={limit}{filter}"));
        let through: i64 = page.headers["log-through"].parse().unwrap();
        let next = page.headers.get("link").cloned();
        let page = page.expect(200);
        assert_eq!((&page["after"], &page["through"]), (&json!(after), &json!(through)));
        let data = page["data"].as_array().unwrap();
        assert!(data.iter().all(|event| (after + 1..=through).contains(&position(event))));
        all.extend(data.clone());
        if page["next_cursor"].is_null() {
            assert_eq!((page["as_of_position"].as_i64().unwrap(), next), (through, None));
            return all;
        }
        assert_eq!(page["next_cursor"], through.to_string());
        assert!(next.unwrap().contains(&format!("after={through}")) && through > after);
        after = through;
    }
}

/// Everything a caller is given as lines, and the end of them.
fn lines(app: &App, who: &str, query: &str) -> (Vec<Value>, Value) {
    let bearer = format!("Bearer {}", app.key(who));
    let headers = [("Authorization", bearer.as_str()), ("Accept", "application/x-ndjson")];
    let answer = app.send("GET", &format!("/v1/events{query}"), &headers, b"");
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "application/x-ndjson"));
    let mut lines: Vec<Value> = answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let end = lines.pop().unwrap();
    assert_eq!(end["type"], "log.read_through");
    assert_eq!(end["data"]["events"], lines.len());
    (lines, end)
}

#[test]
fn whoever_follows_through_misses_nothing_and_sees_what_rights_reach() {
    let app = App::start();
    fill(&app);
    let all = followed(&app, "province", 500, "");
    let dense: Vec<i64> = (1..=i64::try_from(all.len()).unwrap()).collect();
    assert_eq!(all.iter().map(position).collect::<Vec<_>>(), dense);
    for who in ["province", "ministry", "auditor", "samarinda", "council", "certifier", "bank", "other_bank"] {
        let pages = followed(&app, who, 3, "");
        let (streamed, end) = lines(&app, who, "");
        assert_eq!(pages, streamed, "{who}");
        assert_eq!(end["data"]["through"], all.len());
        assert!(pages.iter().all(|event| all.contains(event)), "{who}");
    }
    let seen = |who: &str| followed(&app, who, 500, "");
    assert_eq!((seen("ministry"), seen("auditor")), (all.clone(), all.clone()));
    let of_kind = |who: &str, kind: &str| -> Vec<Value> {
        let prefix = format!("{kind}/");
        seen(who).into_iter().filter(|event| event["subject"].as_str().unwrap().starts_with(&prefix)).collect()
    };
    let bank = app.organisation("bank");
    assert_eq!(of_kind("bank", "financing").len(), 2);
    assert!(of_kind("bank", "financing").iter().all(|event| event["owner"] == bank.as_str()));
    assert!(of_kind("bank", "assessment").is_empty() && of_kind("bank", "manager").is_empty());
    assert!(of_kind("bank", "cooperative").is_empty(), "public facts are not how we came to know them");
    assert_eq!(of_kind("council", "cooperative"), of_kind("province", "cooperative"));
    assert_eq!(of_kind("bank", "organisation").len(), 2, "its own registration and key");
    let samarinda = of_kind("samarinda", "assessment");
    assert!(!samarinda.is_empty() && samarinda.iter().all(|event| event["region"] == "64.72"));
    assert_eq!(of_kind("samarinda", "financing"), of_kind("province", "financing"));
    assert_eq!(of_kind("council", "assessment"), of_kind("province", "assessment"));
    assert!(of_kind("council", "financing").is_empty());
    app.get("", "/v1/events").problem(401, "unauthenticated");
    let hidden = all.iter().find(|event| event["type"] == "assessment.submitted").unwrap();
    let at = format!("/v1/events/{}", hidden["id"].as_str().unwrap());
    assert_eq!(app.get("council", &at).expect(200), *hidden);
    app.get("bank", &at).problem(404, "not_found");
}

/// What the organisation recorded itself is hidden, too, from a key of its own that is not to read it.
#[test]
fn a_key_confined_to_scopes_follows_no_more_than_they_name() {
    let app = App::start();
    fill(&app);
    let confined = |who: &str, scope: &str| {
        let keys = format!("/v1/organisations/{}/keys", app.organisation(who));
        let issued = app.post("province", &keys, &json!({"label": scope, "scopes": [scope]})).expect(201);
        let bearer = format!("Bearer {}", issued["key"].as_str().unwrap());
        let app = &app;
        move |path: &str| app.send("GET", path, &[("Authorization", &bearer)], b"")
    };
    let financing = followed(&app, "bank", 500, "&stream=financing")[0].clone();
    let at = format!("/v1/events/{}", financing["id"].as_str().unwrap());
    let kinds = |answer: Answer| -> BTreeSet<String> {
        let data = answer.expect(200)["data"].clone();
        let subject = |event: &Value| event["subject"].as_str().unwrap().split('/').next().unwrap().to_owned();
        data.as_array().unwrap().iter().map(subject).collect()
    };
    let reader = confined("bank", "cooperatives:read");
    assert_eq!(kinds(reader("/v1/events?limit=500")), BTreeSet::new());
    assert_eq!(reader("/v1/events/summary").expect(200)["events"], 0);
    assert_eq!(reader("/v1/events/head").expect(200)["counts"], json!({}));
    reader(&at).problem(404, "not_found");
    let lender = confined("bank", "financings:write");
    assert_eq!(kinds(lender("/v1/events?limit=500")), BTreeSet::from(["financing".to_owned()]));
    assert_eq!(lender(&at).expect(200), financing);
    let clerk = confined("province", "organisations:read");
    assert_eq!(kinds(clerk("/v1/events?limit=500")), BTreeSet::from(["organisation".to_owned()]));
    let regency = confined("samarinda", "managers:read");
    assert_eq!(kinds(regency("/v1/events?limit=500")), BTreeSet::from(["manager".to_owned()]));
}

#[test]
fn filters_choose_and_combine_and_a_wrong_one_is_refused() {
    let app = App::start();
    fill(&app);
    let all = followed(&app, "province", 500, "");
    let chosen = |filter: &str| followed(&app, "province", 2, filter);
    assert_eq!(
        chosen("&types=financing.applied,cooperative.registered"),
        all.iter()
            .filter(|event| ["financing.applied", "cooperative.registered"].contains(&event["type"].as_str().unwrap()))
            .cloned()
            .collect::<Vec<_>>()
    );
    let in_balikpapan = chosen("&stream=cooperative&region=64.71");
    assert_eq!(types(&in_balikpapan), ["cooperative.registered", "cooperative.health_rated"]);
    let subject = in_balikpapan[0]["subject"].as_str().unwrap();
    assert_eq!(chosen(&format!("&stream={subject}")), in_balikpapan);
    assert_eq!(chosen(&format!("&stream={subject}&types=cooperative.health_rated")).len(), 1);
    let own = chosen(&format!("&organisation={}", app.organisation("balikpapan")));
    assert_eq!(types(&own), ["cooperative.registered", "assessment.submitted"]);
    assert_eq!(app.get("province", "/v1/events?after=head").expect(200)["data"], json!([]));
    let batch =
        [("Authorization", app_bearer(&app, "province")), ("Accept", "application/cloudevents-batch+json".into())];
    let batch: Vec<(&str, &str)> = batch.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let batch = app.send("GET", "/v1/events?limit=500", &batch, b"");
    assert_eq!(batch.headers["content-type"], "application/cloudevents-batch+json");
    assert_eq!(batch.json(), json!(all));
    let few = lines(&app, "province", "?limit=3&after=2");
    assert_eq!(few.0, all[2..5]);
    assert_eq!(few.1["data"], json!({"after": 2, "through": 5, "events": 3}));

    let refused = |query: &str, parameter: &str, fault: &str| {
        app.get("province", &format!("/v1/events?{query}")).fault(400, "invalid_parameter", parameter, fault);
    };
    refused("types=financing.disburst", "?types", "unknown_event_type");
    refused("stream=loan", "?stream", "unknown_stream");
    refused("stream=financing/1", "?stream", "unknown_stream");
    refused("types=financing.disbursed,financing.disbursed", "?types", "given_twice");
    refused(&format!("stream=financing/{}", uuid::Uuid::nil().simple()), "?stream", "unknown_stream");
    refused("after=-1", "?after", "invalid_value");
    refused("after=%2B1", "?after", "invalid_value");
    refused("after=000000000000000000001", "?after", "invalid_value");
    refused("after=99999999999999999999", "?after", "not_yet");
    refused("after=99999", "?after", "not_yet");
    refused("limit=501", "?limit", "invalid_value");
    refused("limit=0", "?limit", "invalid_integer");
    refused("wait=31", "?wait", "invalid_integer");
    refused("region=6472", "?region", "undotted_region");
    refused("offset=3", "?offset", "unknown_field");
    let xml = [("Authorization", app_bearer(&app, "province")), ("Accept", "application/xml".to_owned())];
    let xml: Vec<(&str, &str)> = xml.iter().map(|(name, value)| (*name, value.as_str())).collect();
    app.send("GET", "/v1/events", &xml, b"").problem(406, "not_acceptable");
}

fn app_bearer(app: &App, who: &str) -> String {
    format!("Bearer {}", app.key(who))
}

#[test]
fn an_event_is_a_cloud_event_and_holds_no_secret() {
    let app = App::start();
    fill(&app);
    let (all, _) = lines(&app, "province", "");
    let allowed: BTreeSet<&str> =
        "specversion id source type subject time datacontenttype dataschema sequence recordedtime \
        correlationid causationid organisation region owner streamversion leafhash data"
            .split_whitespace()
            .collect();
    for event in &all {
        let members = event.as_object().unwrap();
        assert!(members.keys().all(|name| allowed.contains(name.as_str())), "{event}");
        assert!(members.keys().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase())));
        assert_eq!((&event["specversion"], &event["source"]), (&json!("1.0"), &all[0]["source"]));
        assert!(event["source"].as_str().unwrap().starts_with("urn:uuid:"));
        assert_eq!(event["sequence"].as_str().unwrap().len(), 20);
        assert!(event["dataschema"].as_str().unwrap().starts_with(&format!("{}/v1/schemas/", app.url)));
        assert!(event["region"].is_string() && event["owner"].is_string(), "{event}");
    }
    let causes: Vec<&Value> = all.iter().filter(|event| event["causationid"].is_string()).collect();
    assert_eq!(
        types(&causes.iter().map(|event| (*event).clone()).collect::<Vec<_>>()),
        ["cooperative.health_rated"; 2]
    );
    let rated = causes[0];
    let cause = all.iter().find(|event| event["id"] == rated["causationid"]).unwrap();
    assert_eq!((&cause["type"], &cause["correlationid"]), (&json!("assessment.determined"), &rated["correlationid"]));
    let text = json!(all).to_string();
    for secret in ["sealed", "Rahasia", "\"subject\":\"0", "x1.", "size_basis", "180000000"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(app.key("bank").as_bytes()));
    assert!(!text.contains(&hash) && !text.contains("\"hash\""));
    assert!(text.contains("last_four"));
}

/// The sieve in the database and the sieve in memory let the same through.
#[test]
fn what_is_sifted_in_the_database_and_in_memory_is_the_same() {
    let app = App::start();
    fill(&app);
    let mut reader = app.place.database.open_reader().unwrap();
    let mut read = |sieve: &Sieve| -> Vec<FeedRow> {
        let (mut rows, mut after) = (Vec::new(), 0);
        loop {
            let stretch = read_stretch(&mut reader, sieve, after, 4, 7).unwrap();
            rows.extend(stretch.rows);
            after = stretch.through;
            if after == stretch.head {
                return rows;
            }
        }
    };
    let all = read(&Sieve::default());
    let mut some = 0;
    for who in ["province", "samarinda", "council", "certifier", "bank", "ministry"] {
        let me = app.get(who, "/v1/me").expect(200);
        let kind: OrganisationKind = serde_json::from_value(me["kind"].clone()).unwrap();
        let region = Region::parse(me["region"].as_str().unwrap()).unwrap();
        let organisation = Uuid::parse_str(me["organisation"].as_str().unwrap()).unwrap();
        let whole = Actor { organisation, kind, region, key: Uuid::nil(), scopes: None };
        let confined = |scope: &str| Actor { scopes: Some(Scopes::of_claim(scope)), ..whole.clone() };
        let actors = [confined("openid"), confined("cooperatives:read financings:read"), whole.clone()];
        let resource = Uuid::parse_str(&all.last().unwrap().stream_id).unwrap();
        let chosen = |choose: &dyn Fn(&mut Sieve)| {
            let mut sieve = Sieve::of(&whole, &schemas::kinds());
            choose(&mut sieve);
            sieve
        };
        let sieves = [
            chosen(&|sieve| sieve.types = vec!["cooperative.registered".to_owned(), "financing.applied".to_owned()]),
            chosen(&|sieve| sieve.kind = Some("financing".to_owned())),
            chosen(&|sieve| (sieve.kind, sieve.resource) = (Some("financing".to_owned()), Some(resource))),
            chosen(&|sieve| sieve.region = Region::parse("64.71").ok()),
            chosen(&|sieve| sieve.region = Region::parse("64").ok()),
            chosen(&|sieve| sieve.organisation = Some(organisation)),
        ];
        let open = actors.iter().map(|actor| Sieve::of(actor, &schemas::kinds()));
        for sieve in open.chain(sieves) {
            let expected: Vec<FeedRow> = all.iter().filter(|row| sieve.admits(row)).cloned().collect();
            assert_eq!(read(&sieve), expected, "{who} {sieve:?}");
            some += expected.len();
        }
    }
    assert!(some > 100);
}

fn golden() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: &Path| serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    files.map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), read(&path))).collect()
}

struct Forms {
    compiled: boon::Schemas,
    by_type: BTreeMap<(String, i32), boon::SchemaIndex>,
}

impl Forms {
    fn compile() -> Self {
        let (mut compiler, mut compiled) = (boon::Compiler::new(), boon::Schemas::new());
        compiler.enable_format_assertions();
        let mut by_type = BTreeMap::new();
        for ((event_type, version), schema) in schemas::all() {
            let place = format!("http://lumbung.test/v1/schemas/{event_type}/{version}");
            compiler.add_resource(&place, schema.clone()).unwrap();
            let index = compiler.compile(&place, &mut compiled).unwrap_or_else(|why| panic!("{place}: {why}"));
            by_type.insert((event_type.clone(), *version), index);
        }
        Self { compiled, by_type }
    }

    fn check(&self, event_type: &str, version: i32, data: &Value) -> Result<(), String> {
        let key = (event_type.to_owned(), version);
        let index = *self.by_type.get(&key).unwrap_or_else(|| panic!("no schema for {event_type} {version}"));
        self.compiled.validate(data, index).map_err(|why| format!("{event_type} {version}: {why:#}"))
    }
}

#[test]
fn every_version_ever_written_is_of_the_form_its_schema_gives_and_of_no_other() {
    let forms = Forms::compile();
    let mut faults = Vec::new();
    for (name, mut data) in golden() {
        let (event_type, version) = name.rsplit_once(".v").unwrap();
        let event_type = event_type.split('+').next().unwrap();
        let version: i32 = version.parse().unwrap();
        lumbung::web::leave_out(&mut data, &["sealed", "subject", "hash", "size_basis"]);
        faults.extend(forms.check(event_type, version, &data).err());
        data["what_nobody_named"] = json!(1);
        if forms.check(event_type, version, &data).is_ok() {
            faults.push(format!("{name}: room for members that are not named"));
        }
        data.as_object_mut().unwrap().remove("what_nobody_named");
        let required = schemas::all()[&(event_type.to_owned(), version)]["required"].as_array().cloned();
        for member in required.into_iter().flatten() {
            let mut without = data.clone();
            without.as_object_mut().unwrap().remove(member.as_str().unwrap());
            assert!(forms.check(event_type, version, &without).is_err(), "{name} without {member}");
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let known: BTreeSet<String> = schemas::all().keys().map(|(name, version)| format!("{name}.v{version}")).collect();
    let written: BTreeSet<String> = golden()
        .into_keys()
        .map(|name| {
            let (event_type, version) = name.rsplit_once(".v").unwrap();
            format!("{}.v{version}", event_type.split('+').next().unwrap())
        })
        .chain(["log.read_through.v1".to_owned()])
        .collect();
    assert_eq!(known, written);
}

#[test]
fn every_event_of_the_demonstration_is_of_the_form_its_address_gives() {
    let folder = tempfile::TempDir::new().unwrap();
    let place = place_in(&folder);
    let guide = lumbung::demo::prepare(&place).unwrap();
    let core = Core::open(&place, Clock::System, Ids::Random, 2, 16).unwrap();
    let app = App::over(core, place);
    let key = &guide.keys.iter().find(|(name, _)| name == "auditor").unwrap().1;
    let bearer = format!("Bearer {key}");
    let headers = [("Authorization", bearer.as_str()), ("Accept", "application/x-ndjson")];
    let answer = app.send("GET", "/v1/events", &headers, b"");
    let forms = Forms::compile();
    let mut served: BTreeMap<String, Value> = BTreeMap::new();
    let mut number = 0;
    for line in answer.text.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let address = event["dataschema"].as_str().unwrap().to_owned();
        let path = address.strip_prefix(&app.url).unwrap().to_owned();
        let schema = served.entry(path.clone()).or_insert_with(|| {
            let answer = app.get("", &path);
            assert_eq!(answer.headers["content-type"], "application/schema+json");
            answer.expect(200)
        });
        assert_eq!(schema["title"], event["type"]);
        let version = path.rsplit_once('/').unwrap().1.parse().unwrap();
        forms.check(event["type"].as_str().unwrap(), version, &event["data"]).unwrap();
        number += 1;
    }
    assert!(number > 400, "{number}");
    let list = app.get("", "/v1/schemas").expect(200);
    assert_eq!(list.as_array().unwrap().len(), schemas::all().len());
    app.get("", "/v1/schemas/financing.disbursed/9").problem(404, "not_found");
}

#[test]
fn a_long_poll_is_answered_by_the_next_event_and_else_when_its_time_is_over() {
    let app = App::start();
    let head = app.get("province", "/v1/events/head").expect(200)["position"].as_i64().unwrap();
    let began = Instant::now();
    let nothing = app.get("province", &format!("/v1/events?after={head}&wait=1")).expect(200);
    assert_eq!((&nothing["data"], &nothing["through"]), (&json!([]), &json!(head)));
    assert!((Duration::from_secs(1)..Duration::from_secs(5)).contains(&began.elapsed()));

    std::thread::scope(|scope| {
        let poll = |who: &'static str| {
            let app = &app;
            scope.spawn(move || app.get(who, &format!("/v1/events?after={head}&wait=20")).expect(200))
        };
        let (province, council) = (poll("province"), poll("council"));
        std::thread::sleep(Duration::from_millis(300));
        // Hidden from the council: its poll goes on.
        app.manager("Nama Uji");
        let told = province.join().unwrap();
        assert_eq!(types(told["data"].as_array().unwrap()), ["manager.registered"]);
        assert!(!council.is_finished());
        let polls: Vec<_> = (0..63).map(|_| poll("council")).collect();
        std::thread::sleep(Duration::from_millis(500));
        app.get("council", "/v1/events?wait=1").problem(429, "rate_limited");
        app.cooperative("1/BH");
        let told = council.join().unwrap();
        assert_eq!(types(told["data"].as_array().unwrap()), ["cooperative.registered"]);
        assert_eq!(told["through"], head + 2);
        for poll in polls {
            poll.join().unwrap();
        }
        app.get("council", "/v1/events?wait=1").expect(200);
    });
    assert!(began.elapsed() < Duration::from_secs(15));
}

#[test]
fn what_another_instance_records_wakes_whoever_waits() {
    let app = App::start();
    let head = app.get("province", "/v1/events/head").expect(200)["position"].as_i64().unwrap();
    let began = Instant::now();
    std::thread::scope(|scope| {
        let poll = scope.spawn(|| app.get("province", &format!("/v1/events?after={head}&wait=20")).expect(200));
        let place = Place { witness_file: app.folder().join("other.head"), ..app.place.clone() };
        let other = Core::open(&place, Clock::System, Ids::Random, 1, 16).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        issue_key(&other.service, OrganisationKind::Auditor, None, "Pemeriksa Lain", None, None).unwrap();
        let told = poll.join().unwrap();
        assert_eq!(types(told["data"].as_array().unwrap())[0], "organisation.registered");
        other.close();
    });
    assert!(began.elapsed() < Duration::from_secs(10));
}

/// Server-Sent Events as they come.
struct Stream {
    lines: std::io::Lines<BufReader<Box<dyn Read>>>,
}

impl Stream {
    fn try_open(app: &App, who: &str, query: &str, last: Option<&str>) -> Result<Self, u16> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_recv_body(Some(Duration::from_secs(25)))
            .build();
        let mut request = ureq::Agent::from(config)
            .get(format!("{}/v1/events/stream{query}", app.url))
            .header("Authorization", app_bearer(app, who))
            .header("Accept", "text/event-stream")
            .header("Accept-Encoding", "gzip");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.call().unwrap();
        if response.status() != 200 {
            return Err(response.status().as_u16());
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let reader: Box<dyn Read> = Box::new(response.into_body().into_reader());
        Ok(Self { lines: BufReader::new(reader).lines() })
    }

    fn open(app: &App, who: &str, query: &str, last: Option<&str>) -> Self {
        Self::try_open(app, who, query, last).unwrap()
    }

    /// The next event and its id; nothing when the stream ends.
    fn next(&mut self) -> Option<(i64, Value)> {
        let mut id = 0;
        loop {
            let line = self.lines.next()?.ok()?;
            if let Some(position) = line.strip_prefix("id: ") {
                id = position.parse().unwrap();
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Some((id, serde_json::from_str(data).unwrap()));
            }
        }
    }
}

#[test]
fn a_stream_tells_what_was_and_what_comes_and_goes_on_where_it_ended() {
    let app = App::start();
    fill(&app);
    let (all, _) = lines(&app, "province", "");
    let mut stream = Stream::open(&app, "province", "", None);
    for event in &all {
        assert_eq!(stream.next().unwrap(), (position(event), event.clone()));
    }
    for number in 10..30 {
        app.cooperative(&format!("{number}/BH"));
        let (id, event) = stream.next().unwrap();
        assert_eq!(id, i64::try_from(all.len()).unwrap() + number - 9);
        assert_eq!(event["data"]["badan_hukum"]["number"], format!("{number}/BH"));
    }
    let last = all.len().to_string();
    let mut again = Stream::open(&app, "province", "?after=0&types=cooperative.registered", Some(&last));
    assert_eq!(again.next().unwrap().0, i64::try_from(all.len()).unwrap() + 1);
    let mut live = Stream::open(&app, "council", "?after=head&types=cooperative.registered,manager.registered", None);
    app.manager("Nama Uji");
    app.cooperative("30/BH");
    assert_eq!(live.next().unwrap().1["type"], "cooperative.registered");
}

#[test]
fn a_stream_ends_with_its_key_and_nobody_holds_more_than_a_share() {
    let app = App::start();
    let mut streams: Vec<Stream> = (0..64).map(|_| Stream::open(&app, "bank", "", None)).collect();
    assert_eq!(Stream::try_open(&app, "bank", "", None).err(), Some(429));
    app.get("bank", "/v1/events?wait=1").problem(429, "rate_limited");
    app.get("bank", "/v1/events").expect(200);
    let mut other = Stream::open(&app, "council", "?after=head", None);
    streams.truncate(1);
    let me = app.get("bank", "/v1/me").expect(200);
    let (organisation, key) = (me["organisation"].as_str().unwrap(), me["key_id"].as_str().unwrap());
    let revoke = format!("/v1/organisations/{organisation}/key-revocations");
    app.post("province", &revoke, &json!({"key_id": key})).expect(200);
    let began = Instant::now();
    app.cooperative("1/BH");
    assert_eq!(other.next().unwrap().1["type"], "cooperative.registered");
    let mut last = streams.remove(0);
    while let Some((_, event)) = last.next() {
        assert_ne!(event["type"], "cooperative.registered", "sent to a key that was revoked before");
    }
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn sums_can_be_computed_by_whoever_has_the_events() {
    let app = App::start();
    fill(&app);
    for who in ["province", "bank", "samarinda"] {
        let (events, end) = lines(&app, who, "");
        let head = end["data"]["through"].as_i64().unwrap();
        let told = app.get(who, "/v1/events/head").expect(200);
        let sums = app.get(who, "/v1/events/summary").expect(200);
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        for event in &events {
            *counts.entry(event["type"].as_str().unwrap()).or_default() += 1;
        }
        assert_eq!((&told["counts"], &told["position"]), (&json!(counts), &json!(head)));
        assert_eq!((&sums["counts"], &sums["to"]), (&json!(counts), &json!(head)));
        assert_eq!((&told["events"], &sums["events"]), (&json!(events.len()), &json!(events.len())));
        for (from, to) in [(1, head), (3, head - 2), (5, 4)] {
            let sums = app.get(who, &format!("/v1/events/summary?from={from}&to={to}")).expect(200);
            let within: Vec<&Value> = events.iter().filter(|event| (from..=to).contains(&position(event))).collect();
            let line = |event: &&Value| format!("{} {}\n", position(event), event["leafhash"].as_str().unwrap());
            let text = within.iter().map(line).collect::<Vec<_>>().concat();
            assert_eq!(sums["digest"], data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes())));
            let mut tree = Frontier::default();
            for event in &within {
                let leaf = data_encoding::HEXLOWER.decode(event["leafhash"].as_str().unwrap().as_bytes()).unwrap();
                tree.push(leaf.try_into().unwrap());
            }
            let root = json!(data_encoding::BASE64.encode(&tree.root()));
            assert_eq!(sums["root"], if who == "province" { root } else { Value::Null });
        }
    }
    let before = app.get("province", "/v1/events/summary?to=2014-01-01T00:00:00Z").expect(200);
    assert_eq!((&before["events"], &before["to"]), (&json!(0), &json!(0)));
    app.get("province", "/v1/events/summary?to=99999").fault(400, "invalid_parameter", "?to", "not_yet");
    // The largest position that can be written is beyond any that there is, and no sum is begun there.
    let last = "9999999999999999";
    app.get("province", &format!("/v1/events/summary?from={last}")).fault(400, "invalid_parameter", "?from", "not_yet");
    app.get("province", "/v1/events/summary?from=kemarin").fault(400, "invalid_parameter", "?from", "invalid_value");
    app.get("", "/v1/events/head").problem(401, "unauthenticated");
}

#[test]
fn a_stream_cannot_go_on_after_what_never_came_and_says_which_header_is_at_fault() {
    let app = App::start();
    let head = app.get("", "/readyz").expect(200)["position"].as_i64().unwrap();
    let bearer = app_bearer(&app, "province");
    let beyond = (head + 1).to_string();
    for last in [beyond.as_str(), "99999999999999999999", "-1", "x", "1,2", ""] {
        let headers = [("Authorization", bearer.as_str()), ("Last-Event-ID", last), ("Accept-Language", "en")];
        let problem = app.send("GET", "/v1/events/stream?after=0", &headers, b"").problem(400, "invalid_header");
        assert!(problem["detail"].as_str().unwrap().contains("Last-Event-ID"), "{last}: {problem}");
    }
    let path = format!("/v1/events/stream?after={beyond}");
    app.get("province", &path).fault(400, "invalid_parameter", "?after", "not_yet");
}
