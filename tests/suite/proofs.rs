//! The log proves itself: checkpoints, tiles, entries, receipts, consistency; and nobody is told two stories.

use diesel::connection::SimpleConnection;
use lumbung::app::{Core, Place};
use lumbung::kernel::{Clock, OrganisationKind};
use lumbung::ledger::{Checkpoint, Event, Frontier, Hash, Ids, LogVerifier, is_consistent, is_included, leaf_hash};
use lumbung::maintenance::{rebuild, verify};
use lumbung::organisations::issue_key;
use lumbung::storage::LogIdentity;
use serde_json::json;
use tempfile::TempDir;

use super::harness::{Answer, App, healthy_worksheet, id};
use super::place::{migrated_database, on_postgres};

fn verifier(app: &App) -> LogVerifier {
    app.get("", "/v1/log").expect(200)["verifier_key"].as_str().unwrap().parse().unwrap()
}

fn checkpoint(app: &App) -> Checkpoint {
    let answer = app.get("", "/v1/log/checkpoint");
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "text/plain; charset=utf-8"));
    verifier(app).open(&answer.text).unwrap()
}

/// A tile's bytes, to anyone or to an organisation.
fn bytes(app: &App, who: &str, path: &str) -> Vec<u8> {
    let mut request = ureq::get(format!("{}/v1/log/tile/{path}", app.url));
    if !who.is_empty() {
        request = request.header("Authorization", format!("Bearer {}", app.key(who)));
    }
    let mut answer = request.call().unwrap_or_else(|why| panic!("{path}: {why}"));
    assert_eq!(answer.headers()["content-type"], "application/octet-stream");
    assert!(answer.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    answer.body_mut().read_to_vec().unwrap()
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    assert!(rest.is_empty());
    hashes.to_vec()
}

/// The entries of a tile.
fn entries(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (entry, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
        entries.push(entry.to_vec());
        bytes = rest;
    }
    entries
}

fn base64(text: &str) -> Hash {
    data_encoding::BASE64.decode(text.as_bytes()).unwrap().try_into().unwrap()
}

/// Index, path and checkpoint of a receipt.
fn receipt(app: &App, text: &str) -> (u64, Vec<Hash>, Checkpoint) {
    let (proof, note) = text.split_once("\n\n").unwrap();
    let mut lines = proof.lines();
    assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
    let index = lines.next().unwrap().strip_prefix("index ").unwrap().parse().unwrap();
    (index, lines.map(base64).collect(), verifier(app).open(note).unwrap())
}

fn consistent(app: &App, old: &Checkpoint, new: &Checkpoint) -> bool {
    let path = format!("/v1/log/consistency?from={}&to={}", old.size, new.size);
    let proof = app.get("", &path).expect(200);
    let path: Vec<Hash> =
        proof["hashes"].as_array().unwrap().iter().map(|hash| base64(hash.as_str().unwrap())).collect();
    is_consistent((old.size, &old.root), (new.size, &new.root), &path)
}

fn many_cooperatives(app: &App, from: u32, count: u32) {
    let line = |number| {
        let body = json!({"name": format!("Koperasi {number}"), "kind": "ksp", "region": "64.72",
            "badan_hukum": {"number": format!("{number}/BH"), "date": "2008-08-14"}});
        json!({"key": format!("k-{number}"), "method": "POST", "path": "/v1/cooperatives", "body": body}).to_string()
            + "\n"
    };
    let file: String = (from..from + count).map(line).collect();
    let key = format!("Bearer {}", app.key("samarinda"));
    let headers = [("Content-Type", "application/x-ndjson"), ("Authorization", &key)];
    let answer = app.send("POST", "/v1/batches?mode=atomic", &headers, file.as_bytes());
    assert_eq!(answer.status, 201, "{}", answer.text);
}

#[test]
fn whoever_reads_tiles_and_entries_comes_to_the_root_that_is_signed() {
    let app = App::start();
    let first = checkpoint(&app);
    many_cooperatives(&app, 0, 600);
    // The checkpoint that was given out a moment ago is given out again for a second.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let last = checkpoint(&app);
    assert_eq!((last.origin.as_str(), last.size), ("example.test/log", first.size + 600));
    assert!(consistent(&app, &first, &last));

    let width = last.size % 256;
    let leaves: Vec<Hash> = ["000", "001", &format!("002.p/{width}")]
        .iter()
        .flat_map(|tile| hashes(&bytes(&app, "", &format!("0/{tile}"))))
        .collect();
    let all: Vec<Vec<u8>> = ["000", "001", &format!("002.p/{width}")]
        .iter()
        .flat_map(|tile| entries(&bytes(&app, "auditor", &format!("entries/{tile}"))))
        .collect();
    let mut frontier = Frontier::default();
    let mut nodes = Vec::new();
    for (leaf, entry) in leaves.iter().zip(&all) {
        assert_eq!(*leaf, leaf_hash(entry));
        nodes.extend(frontier.push(*leaf));
    }
    assert_eq!((frontier.size(), frontier.root()), (last.size, last.root));
    // The level above: two complete subtrees, and each width of its tile.
    assert_eq!(hashes(&bytes(&app, "", "1/000.p/2")), [nodes[0].hash, nodes[1].hash]);
    assert_eq!(hashes(&bytes(&app, "", "1/000.p/1")), [nodes[0].hash]);
    assert_eq!(hashes(&bytes(&app, "", "0/000.p/3")), leaves[..3]);
    // An entry is an event, and nobody's name is in it.
    let event = Event::from_canonical(&all[all.len() - 1]).unwrap();
    assert_eq!(
        (event.envelope.position, event.envelope.event_type.as_str()),
        (i64::try_from(last.size).unwrap(), "cooperative.registered")
    );

    let missing = format!("0/002.p/{}", width + 1);
    for path in [
        "0/002",
        "0/003",
        &missing,
        "1/000",
        "1/000.p/3",
        "2/000",
        "8/000",
        "0/0",
        "0/000.p/256",
        "x/000",
        "entries/002",
        "0",
        "0/",
    ] {
        app.get("province", &format!("/v1/log/tile/{path}")).problem(404, "not_found");
    }
    app.get("", "/v1/log/tile/entries/000").problem(401, "unauthenticated");
    for who in ["ministry", "bank", "samarinda", "council", "certifier"] {
        app.get(who, "/v1/log/tile/entries/000").problem(403, "forbidden");
    }
    for (sizes, pointer, fault) in [
        ("from=9&to=8", "?from", "after_to"),
        ("from=0&to=99999", "?to", "not_yet"),
        ("from=-1&to=2", "?from", "invalid_integer"),
    ] {
        let path = format!("/v1/log/consistency?{sizes}");
        app.get("", &path).fault(400, "invalid_parameter", pointer, fault);
    }
    app.get("", "/v1/log/consistency?from=1").fault(400, "invalid_parameter", "?to", "missing_field");
}

#[test]
fn a_receipt_is_had_with_the_write_and_on_demand_and_proves_that_very_event() {
    let app = App::start();
    let body = |number: &str| json!({"name": "Koperasi", "kind": "ksp", "region": "64.72", "badan_hukum": {"number": number, "date": "2008-08-14"}});
    let sent =
        |number: &str, more: &[(&str, &str)]| app.command("POST", "samarinda", "/v1/cooperatives", more, &body(number));
    let wants = ("Want-Proof", "?1");
    let first = sent("1/BH", &[wants, ("Idempotency-Key", "a")]);
    let with_write = |answer: &Answer| {
        assert_eq!(answer.status, 201, "{}", answer.text);
        let encoded = answer.headers["log-proof"].strip_prefix(':').unwrap().strip_suffix(':').unwrap();
        String::from_utf8(data_encoding::BASE64.decode(encoded.as_bytes()).unwrap()).unwrap()
    };
    let text = with_write(&first);
    let (index, path, signed) = receipt(&app, &text);
    assert_eq!((index + 1).to_string(), first.headers["log-position"]);
    assert_eq!(signed.size, index + 1);
    let tile = format!("000.p/{}", signed.size);
    let entry = entries(&bytes(&app, "auditor", &format!("entries/{tile}"))).pop().unwrap();
    assert!(is_included(&leaf_hash(&entry), index, signed.size, &path, &signed.root));
    assert!(!is_included(&leaf_hash(&entry[1..]), index, signed.size, &path, &signed.root));

    // A repeat brings a receipt of the same event; without being asked, none comes.
    let again = sent("1/BH", &[wants, ("Idempotency-Key", "a")]);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(receipt(&app, &with_write(&again)).0, index);
    for more in [&[][..], &[("Want-Proof", "?0")]] {
        let number = format!("2{}/BH", more.len());
        assert!(!sent(&number, more).headers.contains_key("log-proof"));
    }
    sent("3/BH", &[("Want-Proof", "yes")]).problem(400, "invalid_header");

    // Anybody who knows the event's id gets it later.
    let event = Event::from_canonical(&entry).unwrap();
    let later = app.get("", &format!("/v1/log/proofs/{}", event.envelope.event_id));
    assert_eq!(later.status, 200);
    let (index, path, signed) = receipt(&app, &later.text);
    assert!(is_included(&leaf_hash(&entry), index, signed.size, &path, &signed.root));
    app.get("", "/v1/log/proofs/019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b").problem(404, "not_found");

    // Who recorded it gets the bytes that the receipt is of; others do not, nor anybody but those who read everything where something is sealed.
    let at = format!("/v1/log/entries/{}", event.envelope.event_id);
    for who in ["samarinda", "province", "auditor"] {
        assert_eq!(app.get(who, &at).bytes, entry, "{who}");
    }
    for who in ["balikpapan", "council", "bank", "ministry"] {
        app.get(who, &at).problem(403, "forbidden");
    }
    app.get("", &at).problem(401, "unauthenticated");
    app.manager("Nama Uji");
    let all = app.get("samarinda", "/v1/events?types=manager.registered").expect(200);
    let sealed = format!("/v1/log/entries/{}", all["data"][0]["id"].as_str().unwrap());
    app.get("samarinda", &sealed).problem(403, "forbidden");
    assert!(!app.get("auditor", &sealed).expect(200)["data"]["sealed"].is_null());
    app.get("province", "/v1/log/entries/019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b").problem(404, "not_found");
}

#[test]
fn a_key_that_comes_without_what_it_signed_signs_nothing_until_it_is_told_to() {
    let app = App::start();
    let (place, _folder) = app.stop();
    let mut signed = place.log.key_file.clone().into_os_string();
    signed.push(".signed");
    let kept = std::fs::read(&signed).unwrap();
    // Begun with the key, before anybody asked for a checkpoint: a start with both goes on.
    let app = reopened(&place);
    let first = checkpoint(&app);
    app.stop();
    std::fs::remove_file(&signed).unwrap();
    let unknown = "not known here what was signed last";
    let app = reopened(&place);
    for _ in 0..2 {
        let ready = app.get("", "/readyz").problem(503, "unavailable");
        assert!(ready["checks"]["log"].as_str().unwrap().contains(unknown), "{ready}");
        app.get("", "/v1/log/checkpoint").problem(503, "log_not_signed");
    }
    // Another instance brings the file: this one goes on without a new start.
    std::fs::write(&signed, kept).unwrap();
    assert!(consistent(&app, &first, &checkpoint(&app)));
    app.get("", "/readyz").expect(200);
    app.stop();
    std::fs::remove_file(&signed).unwrap();
    let told = Place { log: LogIdentity { accept_new_key: true, ..place.log.clone() }, ..place.clone() };
    let app = reopened(&told);
    assert_eq!(verifier(&app).to_string(), verifier(&reopened(&place)).to_string());
    assert!(consistent(&app, &first, &checkpoint(&app)));
}

#[test]
fn an_event_that_auditors_could_not_be_given_is_refused_before_it_is_written() {
    let app = App::start();
    let submission = json!({"cooperative": app.cooperative("1/BH"), "regulation": "permen-14-2009", "book_year": 2013,
        "assessed_on": "2014-02-24", "worksheet": healthy_worksheet()});
    let submitted = app.post("samarinda", "/v1/assessments", &submission).expect(201);
    let at = format!("/v1/assessments/{}/returns", id(&submitted));
    let reasons = |count: usize| json!({"reasons": vec!["k".repeat(2000); count]});
    let before = app.get("", "/readyz").expect(200)["position"].clone();
    for _ in 0..2 {
        let refused = app.command("POST", "province", &at, &[("Idempotency-Key", "a")], &reasons(33));
        let problem = refused.problem(413, "record_too_large");
        assert_eq!(problem["bytes_max"], 65_535);
        assert!(problem["bytes"].as_u64().unwrap() > 66_000, "{problem}");
    }
    assert_eq!(app.get("", "/readyz").expect(200)["position"], before);
    app.post("province", &at, &reasons(32)).expect(200);
    let size = checkpoint(&app).size;
    let all = entries(&bytes(&app, "province", &format!("entries/000.p/{size}")));
    assert!(all.last().unwrap().len() > 64_000);
}

fn reopened(place: &Place) -> App {
    let core = Core::open(place, Clock::System, Ids::Random, 3, 16).unwrap();
    // The log grows by an organisation and its key.
    let name = format!("Kementerian {}", uuid::Uuid::now_v7());
    issue_key(&core.service, OrganisationKind::Ministry, None, &name, None, None).unwrap();
    App::over(core, place.clone())
}

fn refuses_to_sign(place: &Place, why: &str) {
    let app = reopened(place);
    app.get("", "/readyz").expect(200);
    app.get("", "/v1/log/checkpoint").problem(503, "log_not_signed");
    let ready = app.get("", "/readyz").problem(503, "unavailable");
    assert!(ready["checks"]["log"].as_str().unwrap().contains(why), "{ready}");
}

#[test]
fn a_smaller_log_or_another_one_is_never_signed_and_readiness_says_why() {
    let app = App::start();
    many_cooperatives(&app, 0, 300);
    let (place, _folder) = app.stop();
    let app = reopened(&place);
    let signed = checkpoint(&app);
    app.stop();

    // A hash of the tree that is not that of the events.
    let zeros = if on_postgres() { "decode(repeat('00', 32), 'hex')" } else { "zeroblob(32)" };
    let mut writer = place.database.open_writer().unwrap();
    writer.batch_execute(&format!("UPDATE log_nodes SET hash = {zeros}")).unwrap();
    assert!(verify(&place).unwrap_err().0.contains("lumbung rebuild"));
    refuses_to_sign(&place, "not those that were signed before");
    assert!(rebuild(&place).unwrap().ends_with("log's tree that were replaced: 1"));
    writer.batch_execute("DELETE FROM log_nodes; INSERT INTO log_nodes SELECT 2, 0, frontier FROM head").unwrap();
    assert!(verify(&place).unwrap_err().0.contains("level 1 number 0"));
    assert!(rebuild(&place).unwrap().ends_with("log's tree that were replaced: 2"));
    verify(&place).unwrap();
    // A log from before such hashes were kept gets them at the start.
    writer.batch_execute("DELETE FROM log_nodes").unwrap();
    drop(writer);
    let app = reopened(&place);
    assert!(consistent(&app, &signed, &checkpoint(&app)));
    app.stop();
    verify(&place).unwrap();

    // Another database under the same key: first it is smaller than what was signed, then it is larger.
    let elsewhere = TempDir::new().unwrap();
    let other = Place { database: migrated_database(&elsewhere), accept_older: true, ..place.clone() };
    refuses_to_sign(&other, "were signed before: an older database");
    let core = Core::open(&other, Clock::System, Ids::Random, 1, 16).unwrap();
    for number in 0..400 {
        let name = format!("Auditor {number}");
        issue_key(&core.service, OrganisationKind::Auditor, None, &name, None, None).unwrap();
    }
    core.close();
    refuses_to_sign(&other, "written on");
}

#[test]
fn the_key_of_a_log_is_private_made_once_and_not_replaced_by_mistake() {
    use std::os::unix::fs::PermissionsExt;
    let app = App::start();
    let first = verifier(&app);
    let (place, _folder) = app.stop();
    let file = &place.log.key_file;
    let mode = |mode| std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    let refused = |why: &str| {
        let said = Core::open(&place, Clock::System, Ids::Random, 1, 16).map(Core::close).unwrap_err().0;
        assert!(said.contains(why), "{said}");
    };
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    for open in [0o640, 0o604, 0o644] {
        mode(open);
        refused("others than its owner may read");
    }
    mode(0o600);
    let key = std::fs::read_to_string(file).unwrap();
    for (text, why) in
        [("00".repeat(32), "not the one this log is signed with"), ("x".to_owned(), "64 hexadecimal digits")]
    {
        std::fs::write(file, text).unwrap();
        refused(why);
    }
    std::fs::remove_file(file).unwrap();
    refused("it is missing");
    std::fs::write(file, key).unwrap();
    refused("others than its owner may read");
    std::fs::remove_file(file).unwrap();
    let accepting = Place { log: LogIdentity { accept_new_key: true, ..place.log.clone() }, ..place.clone() };
    let app = reopened(&accepting);
    assert_ne!(verifier(&app), first);
    checkpoint(&app);
    app.stop();
    reopened(&place);
}
