//! Who holds a dataset goes on with the log after its position: reads again what the new events touch, and then holds the next dataset, value for
//! value, without gap or overlap.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::datasets::{Demonstration, rows};
use super::harness::id;

/// Columns of a dataset that are not members of the document under their own name: `#` counts a list, `-` is its last.
type Columns = &'static [(&'static str, &'static str)];

/// Datasets that have a row for each resource, the kind of the resource, and where its document has the columns.
const RESOURCES: [(&str, &str, Columns); 5] = [
    (
        "cooperatives",
        "cooperative",
        &[
            ("badan_hukum_number", "/badan_hukum/-/number"),
            ("badan_hukum_date", "/badan_hukum/-/date"),
            ("licences", "#/licences"),
            ("health_category", "/health/category"),
            ("health_book_year", "/health/book_year"),
            ("health_regulation", "/health/regulation"),
            ("health_determined_on", "/health/determined_on"),
            ("health_assessment", "/health/assessment"),
        ],
    ),
    (
        "assessments",
        "assessment",
        &[
            ("covered_weight", "/scoring/covered_weight"),
            ("total", "/scoring/total"),
            ("computed_category", "/scoring/category"),
            ("stated_total", "/stated/total"),
            ("stated_category", "/stated/category"),
            ("determined_category", "/determination/category"),
            ("determined_on", "/determination/determined_on"),
            ("corrections", "/determination/corrections"),
        ],
    ),
    (
        "certifications",
        "certification",
        &[
            ("appeal_outcome", "/appeal/outcome"),
            ("certificate_number", "/certificate/certificate_number"),
            ("registration_number", "/certificate/registration_number"),
            ("issued_on", "/certificate/issued_on"),
            ("valid_until", "/certificate/valid_until"),
            ("role", "/certificate/role"),
            ("surveillances", "#/surveillances"),
            ("renews", "/renews/certification"),
            ("renewed_by", "/renewed_by/certification"),
        ],
    ),
    ("enterprises", "enterprise", &[]),
    (
        "financings",
        "financing",
        &[
            ("beneficiary_kind", "/beneficiary/kind"),
            ("beneficiary", "/beneficiary/id"),
            ("applied_tenor_months", "/tenor_months"),
            ("akad_number", "/contract/akad_number"),
            ("signed_on", "/contract/signed_on"),
            ("plafon", "/terms/plafon"),
            ("annual_rate_percent", "/terms/annual_rate_percent"),
            ("tenor_months", "/terms/tenor_months"),
            ("first_disbursed_on", "/first_disbursement/disbursed_on"),
            ("instalments", "/repaid/instalments"),
            ("repaid_principal", "/repaid/principal"),
            ("repaid_interest", "/repaid/interest"),
            ("repaid_penalty", "/repaid/penalty"),
            ("last_paid_on", "/repaid/last_paid_on"),
            ("collectibility_scheme", "/collectibility/scheme"),
            ("collectibility_class", "/collectibility/class"),
            ("days_past_due", "/collectibility/days_past_due"),
            ("position_date", "/collectibility/position_date"),
            ("guarantee_claimed", "/guarantee/claimed"),
            ("guarantee_paid", "/guarantee/paid"),
            ("subrogated", "/guarantee/subrogated"),
            ("written_off", "/write_off/amount"),
            ("written_off_on", "/write_off/written_off_on"),
            ("recovered", "/write_off/recovered"),
            ("waived", "/write_off/waived"),
        ],
    ),
];

/// A value as the files have it: money is its amount.
fn plain(value: &Value) -> Value {
    value.get("value").filter(|_| value.get("currency").is_some()).unwrap_or(value).clone()
}

fn cell(document: &Value, place: &str) -> Value {
    if let Some(list) = place.strip_prefix('#') {
        return json!(document.pointer(list).and_then(Value::as_array).map_or(0, Vec::len));
    }
    let Some((list, rest)) = place.split_once("/-") else {
        return document.pointer(place).map_or(Value::Null, plain);
    };
    let last = document.pointer(list).and_then(Value::as_array).and_then(|list| list.last());
    last.and_then(|last| last.pointer(rest)).cloned().unwrap_or_default()
}

fn sen(value: &Value) -> i64 {
    let text = value.as_str().unwrap();
    let (whole, rest) = text.split_once('.').unwrap();
    whole.parse::<i64>().unwrap() * 100 + rest.parse::<i64>().unwrap()
}

fn rupiah(sen: i64) -> Value {
    json!(format!("{}.{:02}", sen / 100, sen % 100))
}

/// A row made of a document, with the columns of `like`.
fn row_of(document: &Value, columns: Columns, like: &Map<String, Value>) -> Value {
    let mut row = Map::new();
    for name in like.keys() {
        let place = columns.iter().find(|(column, _)| column == name);
        let place = place.map_or_else(|| format!("/{name}"), |(_, place)| (*place).to_owned());
        row.insert(name.clone(), cell(document, &place));
    }
    if like.contains_key("expected_outstanding") {
        let moved = |place: &str| document.pointer(place).filter(|value| value.is_string()).map_or(0, sen);
        let owed = sen(&row["disbursed"]) + sen(&row["capitalised"]) - sen(&row["repaid_principal"]);
        let owed = owed - moved("/guarantee/paid/value") - moved("/write_off/recovered/value");
        let closed = ["settled", "waived"].iter().any(|state| row["state"] == *state);
        row.insert("expected_outstanding".to_owned(), rupiah(if closed { 0 } else { owed.max(0) }));
    }
    Value::Object(row)
}

/// Who holds the datasets, and the log after them.
struct Follower {
    shown: Demonstration,
    head: i64,
}

impl Follower {
    fn new() -> Self {
        let shown = Demonstration::new();
        // The keys that end a demonstration are of today, when its certificates have expired: documents tell that, recorded it is not.
        let head = shown.head() - i64::try_from(shown.keys.len()).unwrap();
        Self { shown, head }
    }

    fn read(&self, path: &str) -> Value {
        let headers = [("Authorization", self.shown.keys["ministry"].as_str())];
        self.shown.app.send("GET", &format!("/v1/{path}"), &headers, b"").expect(200)
    }

    fn file(&self, name: &str, position: i64) -> Vec<Value> {
        rows(&self.shown.get("ministry", &format!("{name}/data?format=ndjson&as_of={position}"), &[]))
    }

    /// The kinds and ids of what the log touches after a position: every position once.
    fn touched(&self, after: i64) -> BTreeSet<(String, String)> {
        let (mut touched, mut through) = (BTreeSet::new(), after);
        while through < self.head {
            let limit = (self.head - through).min(500);
            let page = self.read(&format!("events?after={through}&limit={limit}"));
            for event in page["data"].as_array().unwrap() {
                through += 1;
                assert_eq!(event["sequence"].as_str().unwrap().parse::<i64>().unwrap(), through, "a gap or an overlap");
                let (kind, id) = event["subject"].as_str().unwrap().split_once('/').unwrap();
                touched.insert((kind.to_owned(), id.to_owned()));
            }
        }
        assert_eq!(through, self.head);
        touched
    }

    fn documents(&self, touched: &BTreeSet<(String, String)>, kind: &str) -> BTreeMap<String, Value> {
        let of_kind = touched.iter().filter(|(of, _)| of == kind);
        of_kind.map(|(_, id)| (id.clone(), self.read(&format!("{kind}s/{id}?as_of={}", self.head)))).collect()
    }

    /// The rows of the reports on a financing, by its history.
    fn reports(&self, id: &str, like: &Map<String, Value>) -> Vec<Value> {
        let own = self.read(&format!("financings/{id}?as_of={}", self.head));
        let history = self.read(&format!("financings/{id}/history?as_of={}", self.head));
        let events = history["data"].as_array().unwrap();
        let undone: BTreeSet<&str> = events.iter().filter_map(|event| event["data"]["event_id"].as_str()).collect();
        let reports = events.iter().filter(|event| event["type"] == "financing.collectibility_reported");
        let row = |event: &Value| {
            let (data, report) = (&event["data"], event["event_id"].as_str().unwrap());
            let mut row = Map::new();
            for name in like.keys() {
                let value = match name.as_str() {
                    "report" => json!(report),
                    "financing" => json!(id),
                    "lender" | "region" | "scheme" => own[name].clone(),
                    "collectibility_scheme" => data["scheme"].clone(),
                    "replaces" => cell(data, "/replaces/event_id"),
                    "reversed" => json!(undone.contains(report)),
                    "recorded_at" | "position" => event[name].clone(),
                    _ => plain(&data[name]),
                };
                row.insert(name.clone(), value);
            }
            Value::Object(row)
        };
        reports.map(row).collect()
    }
}

fn columns_of(file: &[Value]) -> &Map<String, Value> {
    file[0].as_object().unwrap()
}

fn by(file: Vec<Value>, key: &[&str]) -> BTreeMap<Vec<String>, Value> {
    let count = file.len();
    let key = |row: &Value| key.iter().map(|name| row[*name].to_string()).collect::<Vec<_>>();
    let rows: BTreeMap<_, _> = file.into_iter().map(|row| (key(&row), row)).collect();
    assert_eq!(rows.len(), count, "two rows with one key");
    rows
}

#[test]
fn who_reads_again_what_the_log_touches_after_a_file_holds_the_next_file() {
    let follower = Follower::new();
    let head = follower.head;
    for position in [0, 1, head / 4, head / 2, head * 3 / 4, head - 30, head] {
        let touched = follower.touched(position);
        for (name, kind, columns) in RESOURCES {
            let next = follower.file(name, head);
            let mut held = by(follower.file(name, position), &["id"]);
            for (_, document) in follower.documents(&touched, kind) {
                let row = row_of(&document, columns, columns_of(&next));
                held.insert(vec![row["id"].to_string()], row);
            }
            let followed: Vec<Value> = held.into_values().collect();
            assert_eq!(followed, next, "{name} after {position}");
        }

        let next = follower.file("assessment-indicators", head);
        let mut held = follower.file("assessment-indicators", position);
        for (id, document) in follower.documents(&touched, "assessment") {
            held.retain(|row| row["assessment"] != id);
            for indicator in document["scoring"]["indicators"].as_array().unwrap() {
                let mut row = row_of(&document, &[("assessment", "/id")], columns_of(&next));
                row["indicator"] = indicator["key"].clone();
                for column in ["aspect", "state", "ratio_percent", "value", "weight", "score"] {
                    row[column] = indicator[column].clone();
                }
                held.push(row);
            }
        }
        let key = ["assessment", "indicator"];
        assert_eq!(by(held, &key), by(next, &key), "assessment-indicators after {position}");

        let next = follower.file("collectibility", head);
        let mut held = follower.file("collectibility", position);
        for (_, id) in touched.iter().filter(|(kind, _)| kind == "financing") {
            held.retain(|row| row["financing"] != *id);
            held.extend(follower.reports(id, columns_of(&next)));
        }
        assert_eq!(by(held, &["report"]), by(next, &["report"]), "collectibility after {position}");
    }
}

/// What tells figures apart: every column but the count and the amount.
fn apart(row: &Value, columns: &Map<String, Value>) -> Vec<String> {
    let names = columns.keys().filter(|name| !["count", "amount", "measure_version"].contains(&name.as_str()));
    names.map(|name| row.get(name).cloned().unwrap_or_default().to_string()).collect()
}

#[test]
fn who_adds_what_was_posted_after_a_file_of_figures_holds_the_next_one() {
    let follower = Follower::new();
    let head = follower.head;
    let next = follower.file("statistics", head);
    let mut postings = Vec::new();
    for area in ["assessments", "certifications", "financing"] {
        let mut cursor = String::new();
        loop {
            let page = follower.read(&format!("statistics/{area}/evidence?as_of={head}&limit=500{cursor}"));
            let of_area = page["data"].as_array().unwrap().iter().cloned().map(|mut posting| {
                posting["area"] = json!(area);
                posting
            });
            postings.extend(of_area);
            let Some(more) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={more}");
        }
    }
    let columns = columns_of(&next).clone();
    let sums = |rows: &[Value]| {
        let mut sums: BTreeMap<Vec<String>, (i64, i64)> = BTreeMap::new();
        for row in rows {
            let (count, amount) = sums.entry(apart(row, &columns)).or_default();
            *count += row["count"].as_i64().unwrap();
            let plain = plain(&row["amount"]);
            let (sign, text) = match plain.as_str() {
                Some(text) => (if text.starts_with('-') { -1 } else { 1 }, text.trim_start_matches('-')),
                None => continue,
            };
            *amount += sign * sen(&json!(text));
        }
        sums.retain(|_, sum| *sum != (0, 0));
        sums
    };
    for position in [0, 1, head / 4, head / 2, head * 3 / 4, head - 30, head] {
        let mut held = follower.file("statistics", position);
        held.extend(postings.iter().filter(|posting| posting["position"].as_i64().unwrap() > position).cloned());
        assert_eq!(sums(&held), sums(&next), "after {position}");
    }
}

#[test]
fn a_programme_whose_report_is_read_again_is_the_next_file_of_progress() {
    let follower = Follower::new();
    let head = follower.head;
    let next = by(follower.file("programme-progress", head), &["programme", "measure", "breakdown", "region", "day"]);
    let mut measured = 0;
    for position in [head / 4, head / 2, head * 3 / 4, head] {
        let mut held =
            by(follower.file("programme-progress", position), &["programme", "measure", "breakdown", "region", "day"]);
        let touched = follower.touched(position);
        // What is counted of assessments, certifications and financings moves the figures of every programme.
        let counted = ["assessment", "certification", "financing", "programme"];
        if touched.iter().any(|(kind, _)| counted.contains(&kind.as_str())) {
            held.clear();
            measured += 1;
            for programme in follower.read("programmes")["data"].as_array().unwrap() {
                let report = follower.read(&format!("programmes/{}/progress?as_of={head}", id(programme)));
                for target in report["targets"].as_array().unwrap() {
                    let row = |breakdown: &str, of: &Value, region: &Value, day: &Value| {
                        json!({"programme": report["programme"], "programme_name": programme["name"], "starts_on": report["starts_on"],
                            "ends_on": report["ends_on"], "measure": target["measure"], "measure_version": target["version"],
                            "breakdown": breakdown, "region": region, "day": day, "target": of["target"], "reached": of["reached"],
                            "remaining": of["remaining"], "cumulative": of["cumulative"]})
                    };
                    let mut made = vec![row("all", target, &Value::Null, &Value::Null)];
                    for of in target["per_regency"].as_array().unwrap() {
                        made.push(row("region", of, &of["region"], &Value::Null));
                    }
                    for of in target["per_day"].as_array().unwrap() {
                        made.push(row("day", of, &Value::Null, &of["day"]));
                    }
                    held.extend(by(made, &["programme", "measure", "breakdown", "region", "day"]));
                }
            }
        }
        assert_eq!(held, next, "after {position}");
    }
    assert!(measured > 0);
}
