//! After the demonstration and much else, nothing that is kept or given away holds a person's data in clear: not the database's bytes, not
//! the log, the numbers or the problems, and no answer to whom the data is not meant for.

use std::collections::BTreeSet;

use actix_web::web::Bytes;
use lumbung::datasets::registry;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::{Value, json};

use super::program::{Demonstration, Site};

/// A new person whose data comes in by a batch, with refused commands and in addresses.
const NAME: &str = "Nurhayati Contoh Peraga";
const NIK: &str = "6472015505850123";
const PHONE: &str = "081255566677";
const ADDRESS: &str = "Lorong Contoh Peraga 12";

fn person() -> Value {
    json!({"name": NAME, "nik_orang": NIK, "phone": PHONE, "address": ADDRESS})
}

/// Every clear value of a person, with the region the record is of.
fn values_of(rows: &[Value]) -> BTreeSet<(String, String)> {
    let of_row = |row: &Value| {
        let region = row["region"].as_str().unwrap().to_owned();
        let person = row["person"].as_object().cloned().unwrap_or_default();
        person
            .into_values()
            .filter_map(move |value| Some((value.as_str()?.to_owned(), region.clone())))
            .collect::<Vec<_>>()
    };
    rows.iter().flat_map(of_row).collect()
}

/// The values that stand in these bytes.
fn found<'a>(bytes: &[u8], values: impl IntoIterator<Item = &'a String>) -> Vec<&'a String> {
    let text = String::from_utf8_lossy(bytes);
    values.into_iter().filter(|value| text.contains(value.as_str())).collect()
}

/// All that somebody might send with personal data in it; whatever is answered to others than the sender's own record must not repeat it.
fn meddle(demo: &Demonstration, manager: &str, taken: &str) -> Vec<String> {
    let regency = "regency:64.72";
    let post = |path: &str, body: &Value| demo.send("POST", path, regency, &[], body.to_string().as_bytes());
    let line = |key: &str, person: Value| json!({"key": key, "method": "POST", "path": "/v1/managers", "body": {"region": "64.72", "person": person}});
    let twice = json!({"name": NAME, "nik_orang": taken});
    let batch = format!("{}\n{}\n", line("p-1", person()), line("p-2", twice.clone()));
    let headers = [("Content-Type", "application/x-ndjson")];
    let outcome = demo.send("POST", "/v1/batches?mode=each", regency, &headers, batch.as_bytes());
    assert_eq!(outcome.status, 207, "{}", outcome.text);
    let erased = demo.send("POST", &format!("{manager}/erasures"), "province", &[], b"{\"reason\":\"Permintaan\"}");
    assert_eq!(erased.status, 200, "{}", erased.text);
    let mut answers = vec![outcome.text];
    for body in [
        json!({"region": "64.72", "person": twice}),
        json!({"region": "64.72", "person": {"name": NAME, "nik_orang": "647201550585"}}),
        json!({"region": "64.72", "person": {"name": NAME, "nik_orang": NIK, "birthday": "1985"}}),
        json!({"region": NIK, "person": person()}),
        json!({"region": "64.72", "person": NAME}),
        json!({"region": "64.72", "person": person(), NIK: 1}),
        json!({"region": "64.72"}),
    ] {
        let refused = post("/v1/managers", &body);
        assert!((400..500).contains(&refused.status), "{}", refused.text);
        answers.push(refused.text);
    }
    for path in [
        format!("/v1/managers?nik_orang={NIK}"),
        format!("/v1/managers?role={NIK}"),
        format!("/v1/managers?region={NIK}"),
        format!("/v1/managers?cursor={NIK}"),
        format!("/v1/managers?{NIK}=1"),
        format!("/v1/managers/{NIK}"),
        format!("/v1/regions/{NIK}"),
        format!("/v1/certificates/{NIK}/verification"),
        format!("/nowhere/{NIK}"),
        format!("/v1/enterprises/{}", NAME.replace(' ', "%20")),
    ] {
        let refused = demo.send("GET", &path, regency, &[("X-Request-Id", NIK)], b"");
        assert!((400..500).contains(&refused.status), "{path}: {}", refused.text);
        answers.push(refused.text);
    }
    answers
}

/// Every GET of the API as somebody, with ids that exist.
fn everything_read(demo: &Demonstration, who: &str) -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&demo.send("GET", "/openapi.json", "", &[], b"").text).unwrap();
    let mut read = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        // What never ends is not read to its end; its events are those of the list. Datasets are known by names and read in each format.
        if item.get("get").is_none() || path.contains("stream") || path.contains("{name}") {
            continue;
        }
        let Some((before, after)) = path.split_once('{') else {
            read.push(format!("{path}?limit=500"));
            read.push(path.clone());
            continue;
        };
        let rest = after.split_once('}').map_or("", |(_, rest)| rest);
        let list = demo.send("GET", before.trim_end_matches('/'), "province", &[], b"");
        let list: Value = serde_json::from_str(&list.text).unwrap_or_default();
        let rows = list["data"].as_array().cloned().unwrap_or_default();
        let ids = rows.iter().take(4).filter_map(|row| row["id"].as_str().or(row["code"].as_str()));
        read.extend(ids.map(|id| format!("{before}{id}{rest}")));
    }
    assert!(read.len() > 60, "{read:?}");
    let answer = |path: String| (path.clone(), demo.send("GET", &path, who, &[], b"").text);
    read.into_iter().map(answer).chain(datasets_read(demo, who)).collect()
}

/// Every dataset as somebody is given it, in every format; what is compressed as its rows.
fn datasets_read(demo: &Demonstration, who: &str) -> Vec<(String, String)> {
    let mut read = Vec::new();
    let (mut files, mut rows) = (0, 0);
    for dataset in &registry().catalogue.dataset {
        let at = format!("/v1/datasets/{}", dataset.name);
        for path in [at.clone(), format!("{at}/datapackage.json")] {
            read.push((path.clone(), demo.send("GET", &path, who, &[], b"").text));
        }
        for format in ["csv", "ndjson", "parquet"] {
            let path = format!("{at}/data?format={format}");
            let answer = demo.send("GET", &path, who, &[], b"");
            let text = if answer.status == 200 && format == "parquet" { rows_of(answer.bytes) } else { answer.text };
            if answer.status == 200 {
                files += 1;
                rows += text.lines().count();
            }
            read.push((path, text));
        }
    }
    // Nobody is given more than the ministry, which is given all.
    let all = 3 * registry().catalogue.dataset.len();
    assert!(who != "ministry" || (files == all && rows > 300), "{files} of {all} files with {rows} rows");
    read
}

/// The rows of a Parquet file, a line each.
fn rows_of(file: Vec<u8>) -> String {
    let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string());
    rows.collect::<Vec<_>>().join("\n")
}

fn nothing_in_clear(postgres: bool) {
    let site = Site::empty(postgres);
    let demo = site.demonstrate();
    let rows = |kind: &str| -> Vec<Value> {
        let list = demo.send("GET", &format!("/v1/{kind}?limit=500"), "province", &[], b"");
        let list: Value = serde_json::from_str(&list.text).unwrap();
        list["data"].as_array().unwrap().clone()
    };
    let managers = rows("managers");
    let mut clear = values_of(&managers);
    clear.extend(values_of(&rows("enterprises")));
    assert!(clear.len() > 120, "{}", clear.len());
    let of_samarinda = |row: &&Value| row["region"] == "64.72" && row["person"]["nik_orang"].is_string();
    let mut known = managers.iter().filter(of_samarinda);
    let (first, second) = (known.next().unwrap(), known.next().unwrap());
    let erased = format!("/v1/managers/{}", first["id"].as_str().unwrap());
    let answers = meddle(&demo, &erased, second["person"]["nik_orang"].as_str().unwrap());
    clear.extend([NAME, NIK, PHONE, ADDRESS].map(|value| (value.to_owned(), "64.72".to_owned())));
    let all: BTreeSet<String> = clear.iter().map(|(value, _)| value.clone()).collect();

    for answer in &answers {
        assert_eq!(found(answer.as_bytes(), &all), Vec::<&String>::new(), "{answer}");
    }
    for who in ["ministry", "bank:991", "council", "certifier", "regency:64.71", ""] {
        // A regency may see the persons of its own region, and a short address may be the beginning of a longer one.
        let own = who.strip_prefix("regency:");
        let (own, others): (Vec<_>, Vec<_>) = clear.iter().partition(|(_, region)| Some(region.as_str()) == own);
        let within_own = |value: &String| own.iter().any(|(own, _)| own.contains(value.as_str()));
        let hidden: BTreeSet<String> =
            others.into_iter().map(|(value, _)| value.clone()).filter(|value| !within_own(value)).collect();
        for (path, answer) in everything_read(&demo, who) {
            assert_eq!(found(answer.as_bytes(), &hidden), Vec::<&String>::new(), "{who} {path}");
        }
    }
    let numbers = demo.send("GET", "/metrics", "", &[], b"").text;
    assert!(numbers.contains("/v1/managers/{id}") && found(numbers.as_bytes(), &all).is_empty());
    // While it runs, and after: what the write-ahead log held is in the file by then.
    for (name, bytes) in site.everything_stored() {
        assert_eq!(found(&bytes, &all), Vec::<&String>::new(), "{name}");
    }
    demo.stop();
    for (name, bytes) in site.everything_stored() {
        assert_eq!(found(&bytes, &all), Vec::<&String>::new(), "{name}");
    }
    let log = site.log();
    assert!(log.contains("path=/v1/managers/{id}") && log.contains("path=unmatched"), "{log}");
    assert_eq!(found(log.as_bytes(), &all), Vec::<&String>::new());
    assert!(site.run(&["verify"]).starts_with("verified: "));
}

#[test]
fn nothing_that_is_kept_or_given_away_holds_personal_data_in_clear_on_sqlite() {
    nothing_in_clear(false);
}

#[test]
fn nothing_that_is_kept_or_given_away_holds_personal_data_in_clear_on_postgres() {
    nothing_in_clear(true);
}
