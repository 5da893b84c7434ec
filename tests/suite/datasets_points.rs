//! Datasets on both clocks: as it was in the world on a day, as known on a day; and that they say what the reports say.

use std::collections::BTreeMap;

use lumbung::app::Core;
use lumbung::kernel::{Clock, Timestamp};
use lumbung::ledger::Ids;
use lumbung::maintenance::rebuild;
use serde_json::{Value, json};

use super::datasets::{Demonstration, FORMATS, NAMES, rows, sha256};
use super::harness::{App, id};

/// Ends of months and days between, as known then and since: what the demonstration corrects and reverses lies between them.
const POINTS: [(&str, &str); 7] = [
    ("2014-02-28", "2014-02-28"),
    ("2014-03-31", "2014-03-31"),
    ("2014-03-31", "2014-05-31"),
    ("2014-04-30", "2014-04-30"),
    ("2014-04-30", "2014-05-19"),
    ("2014-05-31", "2014-04-15"),
    ("2014-05-31", "2014-05-31"),
];

impl Demonstration {
    fn rows_at(&self, name: &str, query: &str) -> Vec<Value> {
        rows(&self.get("ministry", &format!("{name}/data?format=ndjson&{query}"), &[]))
    }

    fn report(&self, path: &str) -> Value {
        let headers = [("Authorization", self.keys["ministry"].as_str())];
        self.app.send("GET", &format!("/v1/{path}"), &headers, b"").expect(200)
    }

    /// Every file as of two points, with the address that its answer names.
    fn files_at(&self, query: &str) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for name in NAMES {
            for format in FORMATS {
                let answer = self.get("ministry", &format!("{name}/data?format={format}&{query}"), &[]);
                assert_eq!(answer.status, 200, "{name} {query}: {}", answer.text);
                assert_eq!(answer.headers["dataset-sha256"], sha256(&answer.bytes));
                files.push((answer.headers["content-location"].clone(), answer.bytes));
            }
        }
        files
    }
}

fn two(day: &str, known: &str) -> String {
    format!("per_tanggal={day}&diketahui_pada={known}")
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Rupiah in sen.
fn sen(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or("0");
    let (whole, rest) = text.split_once('.').unwrap_or((text, "00"));
    whole.parse::<i64>().unwrap() * 100 + rest.parse::<i64>().unwrap()
}

#[test]
fn the_same_two_points_yield_the_same_bytes_and_every_name_tells_both() {
    let shown = Demonstration::new();
    let query = two("2014-03-31", "2014-05-31");
    let first = shown.files_at(&query);
    let position = shown.get("ministry", &format!("cooperatives/data?{query}"), &[]).headers["log-position"].clone();
    for (address, bytes) in &first {
        assert!(address.ends_with(&format!("&as_of={position}&per_tanggal=2014-03-31")), "{address}");
        let again = shown.get("ministry", address.strip_prefix("/v1/datasets/").unwrap(), &[]);
        assert_eq!(&again.bytes, bytes, "{address}");
        assert_eq!(again.headers["dataset-per-tanggal"], "2014-03-31");
        let (name, format) = address.strip_prefix("/v1/datasets/").unwrap().split_once("/data?format=").unwrap();
        let file = format!("{name}-{position}-per-2014-03-31.{}", format.split('&').next().unwrap());
        assert_eq!(again.headers["content-disposition"], format!("attachment; filename=\"{file}\""));
        let whole =
            shown.get("ministry", &format!("{name}/data?format={format}").replace("&per_tanggal=2014-03-31", ""), &[]);
        assert!(!whole.headers.contains_key("dataset-per-tanggal"));
        // A file of another day is another file, and told apart from it.
        assert_ne!(whole.headers["content-location"], *address);
        if format.starts_with("parquet") {
            assert!(String::from_utf8_lossy(bytes).contains("per_tanggal"), "{name}");
            assert_ne!(whole.headers["etag"], again.headers["etag"], "{name}");
        }
        let (etag, length) = (again.headers["etag"].as_str(), bytes.len());
        if length > 10 {
            let mut together = Vec::new();
            while together.len() < length {
                let range = format!("bytes={}-{}", together.len(), together.len() + 49_999);
                let piece = shown.get(
                    "ministry",
                    address.strip_prefix("/v1/datasets/").unwrap(),
                    &[("Range", &range), ("If-Range", etag)],
                );
                assert_eq!(piece.status, 206);
                together.extend(piece.bytes);
            }
            assert_eq!(&together, bytes);
        }
    }
    let assessments = |query: &str| shown.get("ministry", &format!("assessments/data?format=parquet&{query}"), &[]);
    let (march, since) = (assessments(&two("2014-03-31", "2014-03-31")), assessments(&query));
    let resumed = [("Range", "bytes=5-"), ("If-Range", march.headers["etag"].as_str())];
    let resumed = shown.get("ministry", &format!("assessments/data?format=parquet&{query}"), &resumed);
    assert_eq!((resumed.status, resumed.bytes), (200, since.bytes));

    let package = shown.get("ministry", &format!("assessments/datapackage.json?{query}"), &[]);
    assert_eq!(package.headers["dataset-per-tanggal"], "2014-03-31");
    let package = package.expect(200);
    assert_eq!(
        (&package["per_tanggal"], package["as_of_position"].to_string()),
        (&json!("2014-03-31"), position.clone())
    );
    assert_eq!(package["version"], format!("1.0.0+{position}-per-2014-03-31"));
    let resource = &package["resources"][0];
    let path = resource["path"].as_str().unwrap();
    assert!(path.ends_with(&format!("format=csv&as_of={position}&per_tanggal=2014-03-31")), "{path}");
    let csv = shown.get("ministry", path.split_once("/v1/datasets/").unwrap().1, &[]);
    assert_eq!(resource["hash"], format!("sha256:{}", sha256(&csv.bytes)));

    // Somebody records more; a service that never made these files, over projections made anew, makes the same.
    let headers = [("Authorization", shown.keys["province"].as_str()), ("Content-Type", "application/json")];
    let body = json!({"name": "KSP Sesudahnya", "kind": "ksp", "region": "64.72", "occurred_at": "2014-03-01T09:00:00+08:00",
        "badan_hukum": {"number": "999/BH", "date": "2010-01-01"}});
    shown.app.send("POST", "/v1/cooperatives", &headers, body.to_string().as_bytes()).expect(201);
    let Demonstration { app, place, keys, folder } = shown;
    drop(app);
    rebuild(&place).unwrap();
    let core = Core::open(&place, Clock::System, Ids::Random, 2, 16).unwrap();
    let again = Demonstration { app: App::over(core, place.clone()), place, keys, folder };
    assert_eq!(again.files_at(&query), first);
    assert!(again.get("ministry", "cooperatives/data?per_tanggal=2014-03-31", &[]).text.contains("KSP Sesudahnya"));
    assert!(!again.get("ministry", "cooperatives/data?per_tanggal=2014-02-28", &[]).text.contains("KSP Sesudahnya"));
}

/// The counts and amounts of rows under a key of theirs.
fn added_up(rows: &[Value], key: &[&str]) -> BTreeMap<Vec<String>, (i64, i64)> {
    let mut sums: BTreeMap<Vec<String>, (i64, i64)> = BTreeMap::new();
    for row in rows {
        let key = key.iter().map(|name| row[*name].to_string()).collect();
        let (count, amount) = sums.entry(key).or_default();
        *count += number(&row["count"]);
        *amount += row["amount"].get("value").map_or_else(|| sen(&row["amount"]), sen);
    }
    sums.retain(|_, sum| *sum != (0, 0));
    sums
}

#[test]
fn figures_are_those_of_the_reports_of_the_same_two_points() {
    let shown = Demonstration::new();
    let programmes = shown.report("programmes")["data"].as_array().unwrap().clone();
    for (day, known) in POINTS {
        let query = two(day, known);
        let figures = shown.rows_at("statistics", &query);
        for (area, parts) in [
            ("assessments", "regulation,book_year,category"),
            ("certifications", "result,outcome"),
            ("financing", "scheme,beneficiary_kind,state,collectibility_scheme,class"),
        ] {
            let by = format!("month,region,organisation,{parts}");
            let report = shown.report(&format!("statistics/{area}?by={by}&{query}"));
            let key: Vec<&str> = std::iter::once("measure").chain(by.split(',')).collect();
            let own: Vec<Value> = figures.iter().filter(|row| row["area"] == area).cloned().collect();
            let reported = report["figures"].as_array().unwrap();
            assert_eq!(added_up(&own, &key), added_up(reported, &key), "{area} {query}");
        }
        let progress = shown.rows_at("programme-progress", &query);
        for programme in programmes.iter().map(id) {
            let address = format!("/v1/programmes/{programme}/progress?{query}");
            let report = shown.app.send("GET", &address, &[], b"");
            let own = |breakdown: &str, measure: &Value| -> Vec<&Value> {
                let of = |row: &&Value| row["programme"] == programme && row["measure"] == *measure;
                progress.iter().filter(of).filter(|row| row["breakdown"] == breakdown).collect()
            };
            if report.status == 404 {
                assert!(progress.iter().all(|row| row["programme"] != programme));
                continue;
            }
            for target in report.expect(200)["targets"].as_array().unwrap() {
                let whole = own("all", &target["measure"]);
                assert_eq!(whole.len(), 1);
                for name in ["reached", "target", "remaining"] {
                    assert_eq!(whole[0][name], target[name], "{name} {query}");
                }
                for (breakdown, list, key) in [("region", "per_regency", "region"), ("day", "per_day", "day")] {
                    let counts = |rows: Vec<&Value>| -> Vec<(Value, Value)> {
                        rows.into_iter().map(|row| (row[key].clone(), row["reached"].clone())).collect()
                    };
                    let reported = target[list].as_array().unwrap().iter().collect();
                    assert_eq!(counts(own(breakdown, &target["measure"])), counts(reported), "{breakdown} {query}");
                }
            }
        }
    }
}

/// The count and amount of a measure up to the end of a month, for a part of it.
fn reported(shown: &Demonstration, area: &str, measure: &str, part: &str, query: &str) -> BTreeMap<String, (i64, i64)> {
    let by = if part.is_empty() { "measure" } else { part };
    let asked = if part.is_empty() { String::new() } else { format!("&by={part}") };
    let report = shown.report(&format!("statistics/{area}?measure={measure}{asked}&{query}"));
    let sums = added_up(report["figures"].as_array().unwrap(), &[by]);
    sums.into_iter().map(|(key, sum)| (key[0].trim_matches('"').to_owned(), sum)).collect()
}

fn tally<'a>(
    rows: impl IntoIterator<Item = &'a Value>,
    part: impl Fn(&Value) -> String,
    amount: impl Fn(&Value) -> i64,
) -> BTreeMap<String, (i64, i64)> {
    let mut sums: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for row in rows {
        let (count, sum) = sums.entry(part(row)).or_default();
        *count += 1;
        *sum += amount(row);
    }
    sums
}

fn word(name: &'static str) -> impl Fn(&Value) -> String {
    move |row| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned)
}

#[test]
fn records_of_two_points_add_up_to_the_figures_of_the_same_two_points() {
    let shown = Demonstration::new();
    for (day, known) in POINTS {
        let query = two(day, known);
        let report = |area: &str, measure: &str, part: &str| reported(&shown, area, measure, part, &query);
        let nothing = |_: &Value| 0;

        let assessments = shown.rows_at("assessments", &query);
        assert_eq!(
            tally(&assessments, word("regulation"), nothing),
            report("assessments", "assessments_submitted", "regulation")
        );
        let determined = assessments.iter().filter(|row| !row["determined_category"].is_null());
        let determined = tally(determined, word("determined_category"), nothing);
        assert_eq!(determined, report("assessments", "assessments_determined", "category"), "{query}");

        let certified = shown.rows_at("certifications", &query);
        let issued: Vec<&Value> = certified.iter().filter(|row| !row["issued_on"].is_null()).collect();
        let certificates = report("certifications", "certificates_issued", "");
        assert_eq!(
            i64::try_from(issued.len()).unwrap(),
            certificates.values().map(|sum| sum.0).sum::<i64>(),
            "{query}"
        );
        assert!(issued.iter().all(|row| row["issued_on"].as_str().unwrap() <= day));

        let financings = shown.rows_at("financings", &query);
        let plafon = |row: &Value| sen(if row["plafon"].is_null() { &row["amount"] } else { &row["plafon"] });
        assert_eq!(
            tally(&financings, word("state"), plafon),
            report("financing", "financings_by_state", "state"),
            "{query}"
        );
        let amount = |name: &'static str| financings.iter().map(|row| sen(&row[name])).sum::<i64>();
        for (measure, name) in [
            ("financings_disbursed", "disbursed"),
            ("principal_repaid", "repaid_principal"),
            ("interest_paid", "repaid_interest"),
        ] {
            let told = report("financing", measure, "");
            assert_eq!(amount(name), told.values().map(|sum| sum.1).sum::<i64>(), "{measure} {query}");
        }

        let reports = shown.rows_at("collectibility", &query);
        let replaced: Vec<&Value> =
            reports.iter().filter(|row| row["reversed"] == false).map(|row| &row["replaces"]).collect();
        let standing = reports.iter().filter(|row| {
            row["reversed"] == false && row["superseded_by"].is_null() && !replaced.contains(&&row["report"])
        });
        let by_class = tally(standing, word("class"), |row| sen(&row["outstanding"]));
        assert_eq!(by_class, report("financing", "financings_by_collectibility", "class"), "{query}");

        let coverage = shown.report(&format!("certifications/coverage?{query}"));
        let cooperatives = shown.rows_at("cooperatives", &query);
        let lending = |row: &&Value| ["ksp", "kspps", "usp"].contains(&row["kind"].as_str().unwrap());
        let working = cooperatives.iter().filter(lending).filter(|row| row["status"] == "active").count();
        assert_eq!(i64::try_from(working).unwrap(), number(&coverage["total"]), "{query}");
        let indicators = shown.rows_at("assessment-indicators", &query);
        assert!(indicators.iter().all(|row| assessments.iter().any(|own| own["id"] == row["assessment"])));
    }
}

#[test]
fn a_determination_corrected_in_may_changes_march_as_known_in_may_and_not_as_known_in_march() {
    let shown = Demonstration::new();
    let programme = id(&shown.report("programmes")["data"][0]);
    let healthy = |query: &str| {
        let rows = shown.rows_at("assessments", query);
        let healthy = |row: &&Value| row["determined_category"] == "sehat" && row["cooperative_kind"] == "ksp";
        rows.iter().filter(healthy).count()
    };
    for (day, known, count) in
        [("2014-03-30", "2014-03-30", 11), ("2014-03-30", "2014-05-31", 10), ("2014-05-31", "2014-05-31", 10)]
    {
        let query = two(day, known);
        let report = shown.report(&format!("programmes/{programme}/progress?{query}"));
        assert_eq!((healthy(&query), number(&report["targets"][0]["reached"])), (count, i64::try_from(count).unwrap()));
        let rated = shown.rows_at("cooperatives", &query);
        assert_eq!(rated.iter().filter(|row| row["health_category"] == "sehat" && row["kind"] == "ksp").count(), count);
    }
    // The reversal of May unmakes the disbursement of March, as far as it is known.
    let paid = |query: &str| {
        let rows = shown.rows_at("financings", query);
        rows.iter()
            .filter(|row| row["beneficiary_kind"] == "enterprise" && !row["first_disbursed_on"].is_null())
            .count()
    };
    assert_eq!([paid("per_tanggal=2014-05-20&diketahui_pada=2014-05-19"), paid("per_tanggal=2014-05-20")], [21, 20]);
}

#[test]
fn a_day_that_everything_precedes_changes_nothing_but_what_time_alone_does() {
    let shown = Demonstration::new();
    for name in NAMES {
        // The keys of the demonstration come last, at the machine's time; no record of these datasets is of then.
        let (known, told) = (shown.rows_at(name, ""), shown.rows_at(name, "per_tanggal=2014-12-31"));
        assert_eq!(known, told, "{name}");
        assert!(
            !known.is_empty()
                && (name == "programme-progress" || shown.rows_at(name, "per_tanggal=1999-12-31").is_empty())
        );
    }
    let state = |day: &str| {
        let rows = shown.rows_at("certifications", &format!("per_tanggal={day}"));
        tally(&rows, word("state"), |_| 0)
    };
    assert!(state("2014-12-31").contains_key("certified") && !state("2014-12-31").contains_key("expired"));
    assert!(state("2019-12-31").contains_key("expired") && !state("2019-12-31").contains_key("certified"));
}

fn rupiah(amount: &str) -> Value {
    json!({"value": amount, "currency": "IDR"})
}

#[test]
fn what_was_recorded_late_and_undone_later_stands_on_its_own_day_as_far_as_it_is_known() {
    let at = |text: &str| Timestamp::parse(&format!("{text}T12:00:00+08:00")).unwrap();
    let app = App::start_at(Clock::set_to(at("2014-01-02")));
    let cooperative = app.cooperative("1/BH");
    let body = json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "scheme": "komersial", "amount": rupiah("20000000"),
        "purpose": "Modal", "tenor_months": 12, "occurred_at": "2014-01-02T09:00:00+08:00"});
    let financing = format!("/v1/financings/{}", id(&app.post("bank", "/v1/financings", &body).expect(201)));
    let step = |on: &str, command: &str, body: Value| {
        app.clock.move_to(at(on));
        app.post("bank", &format!("{financing}/{command}"), &body).expect(200)
    };
    step("2014-03-01", "approvals", json!({"approved_on": "2014-02-20"}));
    step(
        "2014-03-01",
        "contracts",
        json!({"akad_number": "1/PK", "signed_on": "2014-02-21", "plafon": rupiah("20000000"),
        "annual_rate_percent": "12", "tenor_months": 12}),
    );
    step("2014-03-10", "disbursements", json!({"amount": rupiah("10000000"), "disbursed_on": "2014-03-05"}));
    // A tranche before the first one is recorded after it.
    step("2014-03-12", "disbursements", json!({"amount": rupiah("5000000"), "disbursed_on": "2014-03-03"}));
    let report = |class: u8, day: &str| json!({"scheme": "bank_umum", "class": class, "position_date": day, "outstanding": rupiah("15000000")});
    step("2014-04-02", "collectibility-reports", report(2, "2014-03-31"));
    step("2014-04-03", "collectibility-reports", report(1, "2014-03-20"));
    let history = app.get("bank", &format!("{financing}/history")).expect(200);
    let event = |index: usize| history["data"][index]["event_id"].as_str().unwrap().to_owned();
    let reports = [event(5), event(6)];
    step("2014-05-02", "reversals", json!({"event_id": reports[1], "reason": "Salah"}));
    step("2014-05-03", "reversals", json!({"event_id": reports[0], "reason": "Salah"}));
    app.clock.move_to(at("2014-06-01"));

    let told = |name: &str, query: &str| {
        rows(&app.get("ministry", &format!("/v1/datasets/{name}/data?format=ndjson&{query}")))
    };
    let state = |query: &str| {
        told("financings", query).first().map(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            (text("state"), text("state_since"), text("disbursed"), number(&row["version"]))
        })
    };
    let is = |state: &str, since: &str, disbursed: &str, version| {
        Some((state.to_owned(), since.to_owned(), disbursed.to_owned(), version))
    };
    assert_eq!(state("per_tanggal=2014-01-01"), None, "it began on the next day");
    assert_eq!(state("per_tanggal=2014-02-20&diketahui_pada=2014-02-28"), is("applied", "2014-01-02", "0.00", 1));
    assert_eq!(state("per_tanggal=2014-02-20"), is("approved", "2014-02-20", "0.00", 2));
    // The figures have it disbursed since the tranche that was recorded first.
    assert_eq!(state("per_tanggal=2014-03-03"), is("contracted", "2014-02-21", "5000000.00", 5));
    assert_eq!(
        state("per_tanggal=2014-03-05&diketahui_pada=2014-03-11"),
        is("disbursed", "2014-03-05", "10000000.00", 4)
    );
    assert_eq!(state("per_tanggal=2014-03-05").unwrap().2, "15000000.00");
    // A reversal counts where what it undid would.
    assert_eq!(state("per_tanggal=2014-03-20").unwrap().3, 8);
    assert_eq!(state("per_tanggal=2014-03-31").unwrap().3, 9);
    let class = |query: &str| told("financings", query)[0]["collectibility_class"].clone();
    assert_eq!(
        [class("per_tanggal=2014-03-31&diketahui_pada=2014-04-30"), class("per_tanggal=2014-03-31")],
        [json!(2), Value::Null]
    );

    let of_march = |query: &str| -> Vec<(Value, Value, Value)> {
        let rows = told("collectibility", query);
        rows.iter()
            .map(|row| (row["position_date"].clone(), row["superseded_by"].clone(), row["reversed"].clone()))
            .collect()
    };
    let (earlier, later) = (json!("2014-03-20"), json!("2014-03-31"));
    let april = "diketahui_pada=2014-04-30";
    assert_eq!(of_march(&format!("per_tanggal=2014-03-25&{april}")), [(earlier.clone(), Value::Null, json!(false))]);
    let both = [(later.clone(), Value::Null, json!(false)), (earlier.clone(), json!(reports[0]), json!(false))];
    assert_eq!(of_march(&format!("per_tanggal=2014-03-31&{april}")), both);
    assert_eq!(of_march("per_tanggal=2014-03-25"), [(earlier, Value::Null, json!(true))]);

    // A cooperative that was registered after a day is not there on it, though something about it is older.
    app.clock.move_to(at("2014-06-02"));
    let registered = app.cooperative("2/BH");
    let there =
        |day: &str| told("cooperatives", &format!("per_tanggal={day}")).iter().any(|row| row["id"] == registered);
    assert!(!there("2014-06-01") && there("2014-06-02"));
}

#[test]
fn a_point_that_cannot_be_told_is_refused_with_the_reason() {
    let shown = Demonstration::new();
    for path in ["cooperatives/data?", "cooperatives/datapackage.json?", "?"] {
        let get = |query: &str| {
            let path =
                if path == "?" { format!("/v1/datasets?{query}") } else { format!("/v1/datasets/{path}{query}") };
            shown.app.send("GET", &path, &[("Authorization", shown.keys["ministry"].as_str())], b"")
        };
        get("as_of=5&diketahui_pada=5").fault(400, "invalid_parameter", "?diketahui_pada", "given_twice");
        get("per_tanggal=2999-12-31").fault(400, "invalid_parameter", "?per_tanggal", "not_yet");
        get("per_tanggal=31-03-2014").problem(400, "invalid_parameter");
        get("diketahui_pada=soon").fault(400, "invalid_parameter", "?diketahui_pada", "invalid_as_of");
        get("as_of=2014-03-31").fault(400, "invalid_parameter", "?as_of", "invalid_as_of");
        get("diketahui_pada=2999-01-01").fault(400, "invalid_parameter", "?as_of", "not_yet");
    }
    for path in ["statistics/data", "statistics/datapackage.json"] {
        let refused = shown.get("ministry", &format!("{path}?per_tanggal=2014-03-30"), &[]);
        let refused = refused.fault(400, "invalid_parameter", "?per_tanggal", "not_the_end_of_a_month");
        assert!(refused.to_string().contains("2014-03-31"));
    }
    for name in NAMES {
        let page = shown.get("", name, &[]).expect(200);
        assert!(page["per_tanggal"]["id"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
    }
}

#[test]
fn a_catalogue_of_two_points_leads_to_their_files() {
    let shown = Demonstration::new();
    let catalogue = |query: &str| shown.app.send("GET", &format!("/v1/datasets?{query}"), &[], b"").expect(200);
    let of_march = catalogue(&two("2014-03-31", "2014-05-31"));
    let datasets = of_march["dcat:dataset"].as_array().unwrap();
    assert_eq!(datasets.len(), NAMES.len());
    for dataset in datasets {
        let version = dataset["dcat:version"].as_str().unwrap();
        assert!(version.starts_with("1.0.0+") && version.ends_with("-per-2014-03-31"), "{version}");
        assert_eq!(dataset["dct:temporal"]["dcat:endDate"]["@value"], "2014-03-31");
        for distribution in dataset["dcat:distribution"].as_array().unwrap() {
            let address = distribution["dcat:downloadURL"]["@id"].as_str().unwrap();
            let file = shown.get("ministry", address.split_once("/v1/datasets/").unwrap().1, &[]);
            assert_eq!((file.status, file.headers["dataset-per-tanggal"].as_str()), (200, "2014-03-31"), "{address}");
            let title = distribution["dct:title"].as_str().unwrap();
            assert!(file.headers["content-disposition"].ends_with(&format!("\"{title}\"")), "{title}");
        }
    }
    // Figures that are added up by month are not of every day.
    let names = |catalogue: &Value| catalogue["dcat:dataset"].as_array().unwrap().len();
    assert_eq!(names(&catalogue("per_tanggal=2014-03-30")), NAMES.len() - 1);
    assert_eq!(names(&catalogue("as_of=0")), NAMES.len());
    let plain = catalogue("");
    assert_eq!(plain["dcat:dataset"][0]["dcat:version"], "1");
}
