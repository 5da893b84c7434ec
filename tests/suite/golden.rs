//! Every event version ever written stays readable: one file each in `tests/golden`, never edited.

use std::collections::BTreeMap;
use std::path::Path;

use lumbung::ledger::{Resource, decode, encode};
use serde_json::Value;

fn golden() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.file_stem().unwrap().to_string_lossy().into_owned(), serde_json::from_str(&text).unwrap())
        })
        .collect()
}

/// Reads with today's code, through the upcaster, and tells what today's code would write, and as which version.
fn round_trip<R: Resource>(event_type: &str, version: i32, data: &Value) -> (Value, i32) {
    let text = R::upcast(event_type, version, data.to_string());
    let event: R::Event = decode(event_type, &text).unwrap_or_else(|why| panic!("{event_type} v{version}: {why}"));
    let (name, data) = encode(&event).unwrap();
    assert_eq!(name, event_type);
    (serde_json::from_str(&data).unwrap(), R::schema_version(event_type))
}

fn read(event_type: &str, version: i32, data: &Value) -> (Value, i32) {
    let area = event_type.split('.').next().unwrap();
    match area {
        "organisation" => round_trip::<lumbung::organisations::Organisation>(event_type, version, data),
        "cooperative" => round_trip::<lumbung::cooperatives::Cooperative>(event_type, version, data),
        "manager" => round_trip::<lumbung::managers::Manager>(event_type, version, data),
        "assessment" => round_trip::<lumbung::assessments::Assessment>(event_type, version, data),
        "certification" => round_trip::<lumbung::certifications::Certification>(event_type, version, data),
        "enterprise" => round_trip::<lumbung::enterprises::Enterprise>(event_type, version, data),
        "training" => round_trip::<lumbung::trainings::Training>(event_type, version, data),
        "region" => round_trip::<lumbung::regions::RegionRecord>(event_type, version, data),
        "financing" => round_trip::<lumbung::financing::Financing>(event_type, version, data),
        "programme" => round_trip::<lumbung::programmes::Programme>(event_type, version, data),
        other => panic!("no area {other}"),
    }
}

#[test]
fn every_golden_event_is_read_and_at_its_present_version_written_alike() {
    for (name, data) in golden() {
        let (event_type, version) = name.rsplit_once(".v").unwrap();
        // What follows a plus tells apart forms of one event, such as the scorings of different sheets.
        let event_type = event_type.split('+').next().unwrap();
        let version: i32 = version.parse().unwrap();
        let (again, present) = read(event_type, version, &data);
        assert!(version <= present, "{name} is of a version that is not written yet");
        if version == present {
            assert_eq!(again, data, "{name} is not written as it was; that needs a new schema version and an upcaster");
        } else {
            let present = format!("{event_type}.v{present}");
            assert!(golden().contains_key(&present), "no golden file for {present}");
        }
    }
}

#[test]
fn every_event_type_in_the_code_has_its_golden_file() {
    let golden = golden();
    let mut missing = Vec::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap() {
        let Ok(text) = std::fs::read_to_string(entry.unwrap().path().join("events.rs")) else {
            continue;
        };
        for part in text.split("rename = \"").skip(1) {
            let event_type = part.split('"').next().unwrap();
            if event_type.contains('.') && !golden.contains_key(&format!("{event_type}.v1")) {
                missing.push(event_type.to_owned());
            }
        }
    }
    assert!(missing.is_empty(), "no golden file for {missing:?}");
    assert!(golden.len() > 35);
}
