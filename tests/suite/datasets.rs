//! Datasets over HTTP: the same bytes for the same request whatever happens since, ranges, rights, and how the increment fits on.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::Text;
use lumbung::app::{Core, Place};
use lumbung::kernel::Clock;
use lumbung::ledger::Ids;
use lumbung::maintenance::rebuild;
use lumbung::storage::{Database, migrate};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{Answer, App, healthy_worksheet, id};
use super::place::place_in;

pub const NAMES: [&str; 9] = [
    "cooperatives",
    "assessments",
    "assessment-indicators",
    "certifications",
    "enterprises",
    "financings",
    "collectibility",
    "programme-progress",
    "statistics",
];
pub const FORMATS: [&str; 3] = ["csv", "ndjson", "parquet"];

/// The demonstration, served, with a way to ask as an organisation in it.
pub struct Demonstration {
    pub app: App,
    pub place: Place,
    pub keys: BTreeMap<String, String>,
    pub folder: TempDir,
}

impl Demonstration {
    pub fn at(place: Place, folder: TempDir) -> Self {
        let guide = lumbung::demo::prepare(&place).unwrap();
        let core = Core::open(&place, Clock::System, Ids::Random, 2, 16).unwrap();
        let keys = guide.keys.iter().map(|(name, key)| (name.clone(), format!("Bearer {key}"))).collect();
        Self { app: App::over(core, place.clone()), place, keys, folder }
    }

    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Self::at(place_in(&folder), folder)
    }

    pub fn get(&self, who: &str, path: &str, more: &[(&str, &str)]) -> Answer {
        let mut headers = more.to_vec();
        headers.extend(self.keys.get(who).map(|key| ("Authorization", key.as_str())));
        self.app.send("GET", &format!("/v1/datasets/{path}"), &headers, b"")
    }

    pub fn head(&self) -> i64 {
        let progress = self.app.send("GET", "/v1/statistics/financing", &[], b"").expect(200);
        progress["as_of_position"].as_i64().unwrap()
    }

    /// Every file as of a position, as the ministry sees it.
    fn all_files(&self, position: i64) -> Vec<(String, Vec<u8>)> {
        let addresses = NAMES
            .iter()
            .flat_map(|name| FORMATS.iter().map(move |format| format!("{name}/data?format={format}&as_of={position}")));
        addresses
            .map(|address| {
                let answer = self.get("ministry", &address, &[]);
                assert_eq!(answer.status, 200, "{address}: {}", answer.text);
                assert_eq!(answer.headers["log-position"], position.to_string());
                (address, answer.bytes)
            })
            .collect()
    }
}

pub fn rows(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let rows: Vec<Value> = answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answer.headers["dataset-rows"], rows.len().to_string());
    rows
}

pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(bytes))
}

#[test]
fn the_same_request_yields_the_same_bytes_after_more_was_recorded_and_after_a_rebuild() {
    let shown = Demonstration::new();
    let position = shown.head() / 2;
    let first = shown.all_files(position);
    for (address, bytes) in &first {
        let answer = shown.get("ministry", address, &[]);
        assert_eq!(answer.headers["dataset-sha256"], sha256(bytes), "{address}");
        assert!(!bytes.is_empty() || address.contains("ndjson"), "{address}");
    }
    let instant = shown.get("ministry", "cooperatives/data?as_of=2014-03-31T00:00:00%2B08:00", &[]);
    let at = instant.headers["log-position"].parse::<i64>().unwrap();
    let by_position = shown.get("ministry", &format!("cooperatives/data?as_of={at}"), &[]);
    assert_eq!(instant.bytes, by_position.bytes);

    let headers = [("Authorization", shown.keys["province"].as_str()), ("Content-Type", "application/json")];
    let body = json!({"name": "KSP Sesudahnya", "kind": "ksp", "region": "64.72",
        "badan_hukum": {"number": "999/BH", "date": "2010-01-01"}});
    shown.app.send("POST", "/v1/cooperatives", &headers, body.to_string().as_bytes()).expect(201);
    assert!(shown.get("ministry", "cooperatives/data", &[]).text.contains("KSP Sesudahnya"));

    // A service that never made these files, over projections made anew.
    let Demonstration { app, place, keys, folder } = shown;
    drop(app);
    rebuild(&place).unwrap();
    let core = Core::open(&place, Clock::System, Ids::Random, 2, 16).unwrap();
    let again = Demonstration { app: App::over(core, place.clone()), place, keys, folder };
    assert_eq!(again.all_files(position), first);
    assert!(again.folder.path().exists());
}

#[test]
fn one_history_makes_the_same_bytes_on_either_database() {
    let shown = Demonstration::new();
    let folder = TempDir::new().unwrap();
    let database = Database::Sqlite(folder.path().join("other.db"));
    migrate(&mut database.open_writer().unwrap()).unwrap();
    let place = Place { database, ..place_in(&folder) };
    let other = Demonstration::at(place, folder);
    // The keys that end a demonstration are random.
    let position = shown.head() - i64::try_from(shown.keys.len()).unwrap();
    assert_eq!(shown.all_files(position), other.all_files(position));
}

#[test]
fn ranges_put_together_are_the_whole_and_a_range_of_another_file_is_answered_with_the_whole() {
    let shown = Demonstration::new();
    for format in FORMATS {
        let address = format!("financings/data?format={format}&as_of={}", shown.head());
        let whole = shown.get("ministry", &address, &[]);
        let (length, etag) = (whole.bytes.len(), whole.headers["etag"].as_str());
        assert_eq!(whole.headers["accept-ranges"], "bytes");
        let mut together = Vec::new();
        while together.len() < length {
            let range = format!("bytes={}-{}", together.len(), together.len() + 4999);
            let piece = shown.get("ministry", &address, &[("Range", &range), ("If-Range", etag)]);
            assert_eq!(piece.status, 206);
            let to = (together.len() + piece.bytes.len() - 1).to_string();
            assert_eq!(piece.headers["content-range"], format!("bytes {}-{to}/{length}", together.len()));
            together.extend(piece.bytes);
        }
        assert_eq!(together, whole.bytes);

        let end = shown.get("ministry", &address, &[("Range", "bytes=-7")]);
        assert_eq!((end.status, end.bytes.as_slice()), (206, &whole.bytes[length - 7..]));
        let older = shown.get("ministry", &address.replace(&shown.head().to_string(), "100"), &[]);
        assert_ne!(older.headers["etag"], etag);
        let resumed = [("Range", "bytes=5-"), ("If-Range", older.headers["etag"].as_str())];
        let resumed = shown.get("ministry", &address, &resumed);
        assert_eq!((resumed.status, resumed.bytes.len()), (200, length));
        assert_eq!(shown.get("ministry", &address, &[("If-None-Match", etag)]).status, 304);
        let many = format!("bytes={}", "0-0,".repeat(250) + "0-0");
        let many = shown.get("ministry", &address, &[("Range", &many)]);
        assert_eq!((many.status, &many.json()["code"]), (400, &json!("invalid_header")));
        let beyond = shown.get("ministry", &address, &[("Range", &format!("bytes={length}-"))]);
        assert_eq!(beyond.headers["content-range"], format!("bytes */{length}"));
        beyond.problem(416, "range_not_satisfiable");

        let headers = [("Authorization", shown.keys["ministry"].as_str()), ("Accept-Encoding", "gzip")];
        let head = shown.app.send("HEAD", &format!("/v1/datasets/{address}"), &headers, b"");
        assert_eq!((head.status, head.bytes.len()), (200, 0));
        assert_eq!(head.headers["content-length"], length.to_string());
        assert_eq!(
            (&head.headers["etag"], &head.headers["dataset-sha256"]),
            (&whole.headers["etag"], &sha256(&whole.bytes))
        );
    }
}

#[test]
fn those_who_ask_for_one_file_at_once_all_get_it() {
    let shown = Demonstration::new();
    let address = format!("assessment-indicators/data?format=parquet&as_of={}", shown.head());
    let hashes: Vec<String> = std::thread::scope(|scope| {
        let asking: Vec<_> =
            (0..8).map(|_| scope.spawn(|| sha256(&shown.get("ministry", &address, &[]).bytes))).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    assert!(hashes.iter().all(|hash| *hash == hashes[0]));
    let left: Vec<_> =
        std::fs::read_dir(shown.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().starts_with("lumbung")), "{left:?}");
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

/// What the log has after a position: kind, id, version, position, type, data.
fn events_after(place: &Place, position: i64, head: i64) -> Vec<(String, String, i64, i64, String, Value)> {
    let mut connection = place.database.open_for_maintenance().unwrap();
    let query = format!(
        "SELECT stream_kind || ' ' || stream_id || ' ' || version || ' ' || position || ' ' || type || ' ' || data AS text \
         FROM events WHERE position > {position} AND position <= {head} ORDER BY position"
    );
    let lines = diesel::sql_query(query).load::<Line>(&mut connection).unwrap();
    let read = |line: Line| {
        let parts: Vec<&str> = line.text.splitn(6, ' ').collect();
        let [kind, id, version, position, event_type, data] = parts.try_into().unwrap();
        let (version, position) = (version.parse().unwrap(), position.parse().unwrap());
        (kind.to_owned(), id.to_owned(), version, position, event_type.to_owned(), serde_json::from_str(data).unwrap())
    };
    lines.into_iter().map(read).collect()
}

/// Takes an event to a row of `cooperatives`, as somebody would who holds the file and follows the log.
fn follow(row: &mut Value, id: &str, event_type: &str, data: &Value) {
    match event_type {
        "cooperative.registered" => {
            let badan_hukum = &data["badan_hukum"];
            *row = json!({"id": id, "name": data["name"], "kind": data["kind"], "region": data["region"], "status": "active",
                "nik_koperasi": data["nik_koperasi"], "badan_hukum_number": badan_hukum["number"],
                "badan_hukum_date": badan_hukum["date"], "licences": 0, "health_category": null});
        }
        "cooperative.legal_entity_ratified" => {
            row["badan_hukum_number"] = data["number"].clone();
            row["badan_hukum_date"] = data["date"].clone();
        }
        "cooperative.licence_granted" => row["licences"] = json!(row["licences"].as_i64().unwrap() + 1),
        "cooperative.deactivated" => row["status"] = json!("inactive"),
        "cooperative.reactivated" => row["status"] = json!("active"),
        "cooperative.dissolved" => row["status"] = json!("dissolved"),
        "cooperative.health_rated" => row["health_category"] = data["category"].clone(),
        "cooperative.details_amended" => {
            for name in ["name", "kind", "nik_koperasi"] {
                if !data[name].is_null() {
                    row[name] = data[name].clone();
                }
            }
        }
        other => panic!("{other}"),
    }
}

#[test]
fn what_the_log_has_after_a_file_makes_it_the_next_file_without_gap_or_overlap() {
    let shown = Demonstration::new();
    let head = shown.head();
    let file = |name: &str, position: i64| {
        rows(&shown.get("ministry", &format!("{name}/data?format=ndjson&as_of={position}"), &[]))
    };
    let kinds = [
        ("cooperatives", "cooperative"),
        ("assessments", "assessment"),
        ("certifications", "certification"),
        ("enterprises", "enterprise"),
        ("financings", "financing"),
    ];
    for (name, kind) in kinds {
        let last = file(name, head);
        assert!(!last.is_empty());
        for position in [0, 1, head / 3, head / 2, head * 2 / 3, head - 1, head] {
            let mut held: BTreeMap<String, Value> = BTreeMap::new();
            for row in file(name, position) {
                held.insert(id(&row), row);
            }
            for (of_kind, id, version, at, event_type, data) in events_after(&shown.place, position, head) {
                if of_kind != kind {
                    continue;
                }
                let row = held.entry(id.clone()).or_insert_with(|| json!({"version": 0}));
                assert_eq!(row["version"].as_i64().unwrap() + 1, version, "a gap or an overlap at {at}");
                if kind == "cooperative" {
                    follow(row, &id, &event_type, &data);
                }
                row["version"] = json!(version);
                row["position"] = json!(at);
            }
            let followed: Vec<&Value> = held.values().collect();
            assert_eq!(followed.len(), last.len(), "{name} after {position}");
            for (row, wanted) in followed.iter().zip(&last) {
                for (member, value) in row.as_object().unwrap() {
                    // Of the other kinds only what every event moves is followed here.
                    let moved = kind != "cooperative" && row["position"].as_i64() > Some(position);
                    let told = !member.starts_with("health_") || member == "health_category";
                    if told && member != "updated_at" && (!moved || ["version", "position"].contains(&member.as_str()))
                    {
                        assert_eq!(value, &wanted[member], "{name} {member} after {position}");
                    }
                }
            }
        }
    }
    // Reports of collectibility are never changed, but for being undone: the file grows by those that were recorded.
    let (half, whole) = (file("collectibility", head / 2), file("collectibility", head));
    let reported = events_after(&shown.place, head / 2, head);
    let more = reported.iter().filter(|event| event.4 == "financing.collectibility_reported").count();
    assert_eq!(half.len() + more, whole.len());
}

#[test]
fn rows_go_by_the_rights_of_the_caller_and_nobody_is_in_them() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let assessment = json!({"cooperative": cooperative, "regulation": "permen-14-2009", "book_year": 2013,
        "assessed_on": "2014-02-24", "worksheet": healthy_worksheet()});
    app.post("samarinda", "/v1/assessments", &assessment).expect(201);
    let enterprise = json!({"name": "Warung Contoh", "region": "64.72", "size_basis": {"net_worth": {"value": "40000000.00", "currency": "IDR"}},
        "owner": {"name": "Siti Rahasia", "nik_orang": "6472014107800001", "phone": "081234567890", "address": "Jalan Tersembunyi 7"}});
    app.post("samarinda", "/v1/enterprises", &enterprise).expect(201);
    app.manager("Budi Rahasia");
    for bank in ["bank", "other_bank"] {
        let body = json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "scheme": "komersial",
            "amount": {"value": "1000000.50", "currency": "IDR"}, "purpose": "Modal untuk Siti Rahasia", "tenor_months": 12});
        app.post(bank, "/v1/financings", &body).expect(201);
    }
    let data = |who: &str, name: &str| app.get(who, &format!("/v1/datasets/{name}/data?format=ndjson"));

    for name in NAMES {
        for who in ["province", "ministry", "auditor"] {
            let shown = data(who, name);
            rows(&shown);
            for secret in ["Rahasia", "Tersembunyi", "6472014107800001", "081234567890"] {
                assert!(!shown.text.contains(secret), "{name} as seen by {who}");
            }
        }
        let public = ["programme-progress", "statistics"].contains(&name);
        let anonymous = data("", name);
        if public {
            assert_eq!(anonymous.status, 200);
        } else {
            drop(anonymous.problem(401, "unauthenticated"));
        }
        app.get("", &format!("/v1/datasets/{name}")).expect(200);
    }
    let lenders: Vec<Value> = rows(&data("bank", "financings")).iter().map(|row| row["lender"].clone()).collect();
    assert_eq!(lenders, [json!(app.organisation("bank"))]);
    assert_eq!(rows(&data("ministry", "financings")).len(), 2);
    data("bank", "assessments").problem(403, "forbidden");
    data("council", "financings").problem(403, "forbidden");
    assert_eq!(rows(&data("council", "assessments"))[0]["total"], rows(&data("samarinda", "assessments"))[0]["total"]);
    assert!(rows(&data("samarinda", "assessments"))[0]["total"].is_string());
    assert!(rows(&data("balikpapan", "assessments"))[0]["total"].is_null());
    let indicators = |who: &str| rows(&data(who, "assessment-indicators")).len();
    assert!(indicators("samarinda") > 10 && indicators("balikpapan") == 0);
    // What each bank lends is for those who may read the financings of all.
    let told_by_lender = |who: &str| {
        let figures = rows(&data(who, "statistics"));
        let of_financing = figures.iter().filter(|row| row["area"] == "financing");
        of_financing.filter(|row| !row["organisation"].is_null()).count()
    };
    assert!(told_by_lender("ministry") > 0);
    for who in ["", "bank", "council"] {
        assert_eq!(told_by_lender(who), 0, "{who}");
    }
    // One caller's file is never another's, though both ask for the same.
    assert_ne!(data("bank", "financings").headers["etag"], data("other_bank", "financings").headers["etag"]);
}

#[test]
fn pages_packages_and_the_catalogue_say_what_the_files_hold() {
    let shown = Demonstration::new();
    let catalogue = shown.app.send("GET", "/v1/datasets", &[("Accept", "application/ld+json")], b"");
    assert_eq!(catalogue.headers["content-type"], "application/ld+json");
    let catalogue = catalogue.expect(200);
    assert_eq!(catalogue["dcat:dataset"].as_array().unwrap().len(), NAMES.len());
    for name in NAMES {
        let page = shown.get("", name, &[]).expect(200);
        let fields = page["fields"].as_array().unwrap();
        for field in fields {
            for term in ["konsep", "definisi", "ukuran", "satuan"] {
                let said = |language: &str| field[term][language].as_str().is_some_and(|text| !text.is_empty());
                assert!(said("id") && said("en"), "{name} {field}");
            }
        }
        let names: Vec<&str> = fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
        let position = shown.head();
        let package = shown.get("ministry", &format!("{name}/datapackage.json?as_of={position}"), &[]).expect(200);
        let resource = &package["resources"][0];
        let csv = shown.get("ministry", &format!("{name}/data?as_of={position}"), &[]);
        assert!(csv.text.starts_with(&format!("{}\r\n", names.join(","))), "{name}");
        assert_eq!(resource["hash"], format!("sha256:{}", sha256(&csv.bytes)));
        assert_eq!((&resource["bytes"], &package["as_of_position"]), (&json!(csv.bytes.len()), &json!(position)));
        let described: Vec<&Value> =
            resource["schema"]["fields"].as_array().unwrap().iter().map(|field| &field["name"]).collect();
        assert_eq!(described, names);
        let first = rows(&shown.get("ministry", &format!("{name}/data?format=ndjson"), &[]));
        let first: Value = first.first().cloned().unwrap();
        assert_eq!(first.as_object().unwrap().len(), names.len());
    }
    shown.get("", "weather", &[]).problem(404, "not_found");
    shown.get("ministry", "cooperatives/data?format=xlsx", &[]).problem(400, "invalid_parameter");
    shown.get("ministry", "cooperatives/data?as_of=999999", &[]).fault(400, "invalid_parameter", "?as_of", "not_yet");
    shown.get("ministry", "cooperatives/data?colour=red", &[]).fault(
        400,
        "invalid_parameter",
        "?colour",
        "unknown_field",
    );
}

#[test]
fn the_committed_documentation_is_made_of_the_registry() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/datasets.md");
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        committed == lumbung::datasets::markdown(),
        "docs/datasets.md is out of date; run: cargo run -- datasets > docs/datasets.md"
    );
}
