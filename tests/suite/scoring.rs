//! Scoring against boundary vectors and against every published case we know.

use std::collections::{BTreeMap, BTreeSet};

use lumbung::assessments::rulebook::{self, Readings, RuleBook, Scoring};
use lumbung::kernel::OneOf;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

const VECTORS: &str = include_str!("../data/assessment-vectors.csv");
const CASES: &str = include_str!("../data/assessment-cases.json");

fn book(id: &str) -> &'static dyn RuleBook {
    rulebook::find(id).unwrap()
}

/// Worksheet keys of a ratio's two sides, from the rule book's own data.
fn sides(key: &str) -> (String, Vec<String>, Vec<String>) {
    let shown = book("permen-14-2009").describe();
    let indicator = shown["indicators"].as_array().unwrap().iter().find(|known| known["key"] == key).unwrap().clone();
    let keys = |side: &str| serde_json::from_value::<Vec<String>>(indicator[side].clone()).unwrap();
    (indicator["weight"].as_str().unwrap().to_owned(), keys("numerator"), keys("denominator"))
}

/// A worksheet in which one ratio has exactly this many percent.
fn with_ratio(key: &str, percent: Decimal) -> Value {
    let (_, numerator, denominator) = sides(key);
    let mut worksheet = Map::new();
    let hundred = Decimal::ONE_HUNDRED;
    let amount = |value: Decimal| Value::from(format!("{value:.2}"));
    worksheet.insert(numerator[0].clone(), amount(percent));
    for (index, name) in denominator.iter().enumerate() {
        let shared = if denominator.contains(&numerator[0]) { hundred - percent } else { Decimal::ZERO };
        let value = if index == 0 { hundred } else { shared };
        if *name != numerator[0] {
            worksheet.insert(name.clone(), amount(value));
        }
    }
    Value::Object(worksheet)
}

fn score(worksheet: &Value, readings: &[(&str, &str)]) -> Scoring {
    let readings: Readings = readings.iter().map(|(key, option)| ((*key).to_owned(), (*option).to_owned())).collect();
    book("permen-14-2009").score(worksheet, &readings).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn scored(scoring: &Scoring, key: &str) -> (Option<i64>, Option<Decimal>) {
    let indicator = scoring.indicators.iter().find(|indicator| indicator.key == key).unwrap();
    (indicator.value, indicator.score.as_ref().map(|score| score.parse().unwrap()))
}

#[test]
fn every_boundary_vector_passes() {
    let mut passed = 0;
    for line in VECTORS.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [key, ratio, value, points] = fields[..] else { panic!("{line}") };
        let ratio: Decimal = ratio.parse().unwrap();
        if points.is_empty() {
            let category = book(key).category(ratio).map(OneOf::word);
            assert_eq!(category, Some(value.replace(' ', "_").as_str()), "{line}");
        } else {
            for regulation in ["permen-14-2009", "perdep-06-2016"] {
                let scoring = book(regulation).score(&with_ratio(key, ratio), &Readings::new()).unwrap();
                let expected = (Some(value.parse().unwrap()), Some(points.parse().unwrap()));
                assert_eq!(scored(&scoring, key), expected, "{line} under {regulation}");
            }
        }
        passed += 1;
    }
    assert_eq!(passed, VECTORS.lines().count() - 1);
}

/// What a published figure turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// Our rules give the same.
    Match,
    /// Another reading that occurs in print gives the same.
    OtherReading,
    /// The paper's own arithmetic departs from the regulation.
    PapersError,
}

/// The readings under which a printed score may have been made.
const READINGS: [&[(&str, &str)]; 5] = [
    &[],
    &[("rpm", "running_text"), ("cadangan", "running_text"), ("ms_pb", "running_text")],
    &[("rpm", "rounded_100"), ("cadangan", "running_text")],
    &[("boa_ge_100_score", "1")],
    &[("rpm", "running_text"), ("boa_ge_100_score", "1")],
];

fn decimal(value: &Value) -> Option<Decimal> {
    value.is_number().then(|| value.to_string().parse().unwrap())
}

fn amounts(inputs: &Value) -> Value {
    let text = |value: &Value| Value::from(format!("{:.2}", decimal(value).unwrap()));
    let mut worksheet = Map::new();
    let mut components = Map::new();
    for (key, value) in inputs.as_object().unwrap() {
        match value {
            Value::Object(parts) => components.extend(parts.iter().map(|(part, amount)| (part.clone(), text(amount)))),
            amount => {
                worksheet.insert(key.clone(), text(amount));
            }
        }
    }
    if !components.is_empty() {
        worksheet.insert("modal_komponen".to_owned(), Value::Object(components));
    }
    Value::Object(worksheet)
}

fn excused(case: &Value, component: &str, check: &str) -> bool {
    case["anomalies"].as_array().unwrap().iter().any(|anomaly| {
        anomaly["component"] == component
            && anomaly["checks"].as_array().is_some_and(|checks| checks.contains(&json!(check)))
    })
}

/// Scores that the table can give an indicator.
fn table_scores(indicator: &Value) -> Vec<Decimal> {
    let weight: Decimal = indicator["weight"].as_str().unwrap().parse().unwrap();
    let values = indicator["bands"].as_array().unwrap().iter().map(|band| band["value"].as_i64().unwrap());
    values.map(|value| Decimal::from(value) * weight / Decimal::ONE_HUNDRED).collect()
}

/// A score whose ratio is not printed: can the table give it, or a reading by whole points?
fn attainable_alone(key: &str, score: Decimal) -> Verdict {
    let shown = book("permen-14-2009").describe();
    let indicator = shown["indicators"].as_array().unwrap().iter().find(|known| known["key"] == key).unwrap().clone();
    if table_scores(&indicator).contains(&score) {
        return Verdict::Match;
    }
    let weight: Decimal = indicator["weight"].as_str().unwrap().parse().unwrap();
    let whole_points = (score * Decimal::ONE_HUNDRED / weight).fract().is_zero();
    if whole_points { Verdict::OtherReading } else { Verdict::PapersError }
}

/// Every sum of table scores that an aspect can have.
fn attainable(aspect: &str) -> BTreeSet<Decimal> {
    let shown = book("permen-14-2009").describe();
    let own = match aspect {
        "kap" => "kualitas_aktiva_produktif",
        "kemandirian" => "kemandirian_pertumbuhan",
        other => other,
    };
    let indicators = shown["indicators"].as_array().unwrap().iter().filter(|known| known["aspect"] == own);
    let mut parts: Vec<Vec<Decimal>> = indicators.map(table_scores).collect();
    if own == "manajemen" {
        for group in shown["checklists"]["groups"].as_array().unwrap() {
            let each: Decimal = group["points_each"].as_str().unwrap().parse().unwrap();
            parts.push((0..=group["questions"].as_i64().unwrap()).map(|yes| each * Decimal::from(yes)).collect());
        }
    }
    let add = |sums: BTreeSet<Decimal>, part: &Vec<Decimal>| {
        sums.iter().flat_map(|sum| part.iter().map(move |score| (sum + score).normalize())).collect()
    };
    parts.iter().fold(BTreeSet::from([Decimal::ZERO]), add)
}

/// Tallies of (kind of figure, verdict), and a line per figure that is not a plain match.
#[derive(Default)]
struct Replay {
    counts: BTreeMap<(&'static str, Verdict), usize>,
    lines: Vec<String>,
}

impl Replay {
    fn note(&mut self, kind: &'static str, verdict: Verdict, what: String) {
        *self.counts.entry((kind, verdict)).or_default() += 1;
        if verdict != Verdict::Match {
            self.lines.push(format!("{kind} {what}: {verdict:?}"));
        }
    }

    fn count(&self, kind: &'static str) -> [usize; 3] {
        [Verdict::Match, Verdict::OtherReading, Verdict::PapersError]
            .map(|verdict| self.counts.get(&(kind, verdict)).copied().unwrap_or_default())
    }

    /// Ratios that follow from rupiah the paper prints.
    fn ratios(&mut self, case: &Value) {
        let worksheet = amounts(&case["inputs"]);
        let scoring = score(&worksheet, &[]);
        for (key, printed) in case["ratios"].as_object().unwrap() {
            let indicator = scoring.indicators.iter().find(|indicator| indicator.key == *key).unwrap();
            let Some(ratio) = &indicator.ratio_percent else {
                continue;
            };
            let (printed, ratio): (Decimal, Decimal) = (decimal(printed).unwrap(), ratio.parse().unwrap());
            let close = (ratio - printed).abs() < Decimal::new(1, printed.scale().min(2));
            let verdict = if close { Verdict::Match } else { Verdict::PapersError };
            self.note("ratio", verdict, format!("{} {key}: printed {printed}, rupiah give {ratio}", case["id"]));
        }
    }

    /// Scores and values that follow from a ratio, by the table or by another reading.
    fn values_and_scores(&mut self, case: &Value) {
        for kind in ["values", "scores"] {
            for (key, printed) in case[kind].as_object().unwrap() {
                let printed = decimal(printed).unwrap();
                let Some(ratio) = Self::ratio_of(case, key) else {
                    let verdict = attainable_alone(key, printed);
                    let what = format!("{} {key}: {printed}, no ratio printed", case["id"]);
                    self.note("score alone", verdict, what);
                    continue;
                };
                let by = |readings| {
                    let (value, points) = scored(&score(&with_ratio(key, ratio), readings), key);
                    if kind == "values" { value.map(Decimal::from) } else { points }
                };
                let verdict = match READINGS.iter().position(|readings| by(readings) == Some(printed)) {
                    Some(0) => Verdict::Match,
                    Some(_) => Verdict::OtherReading,
                    None => Verdict::PapersError,
                };
                self.note(
                    "value or score",
                    verdict,
                    format!("{} {key}: printed {printed} for {ratio} percent", case["id"]),
                );
            }
        }
    }

    /// The ratio to two decimals: from rupiah where they are printed, else as printed.
    fn ratio_of(case: &Value, key: &str) -> Option<Decimal> {
        let from_rupiah = score(&amounts(&case["inputs"]), &[]);
        let indicator = from_rupiah.indicators.into_iter().find(|indicator| indicator.key == key)?;
        let computed = indicator.ratio_percent.map(|ratio| ratio.parse::<Decimal>().unwrap().round_dp(2));
        computed.or_else(|| decimal(&case["ratios"][key]).map(|ratio| ratio.round_dp(2)))
    }

    /// Sums: components to aspects, aspects to totals, and the category of a total.
    fn sums_and_category(&mut self, case: &Value) {
        for (aspect, components) in case["aspect_components"].as_object().into_iter().flatten() {
            let sum: Decimal = components.as_array().unwrap().iter().filter_map(decimal).sum();
            let printed = decimal(&case["aspects"][aspect]).unwrap();
            let verdict = if sum == printed { Verdict::Match } else { Verdict::PapersError };
            assert_eq!(verdict == Verdict::PapersError, excused(case, aspect, "aspect"), "{} {aspect}", case["id"]);
            self.note(
                "aspect sum",
                verdict,
                format!("{} {aspect}: components make {sum}, printed {printed}", case["id"]),
            );
        }
        let mean = case["aspects_are_mean"] == true;
        for (aspect, printed) in case["aspects"].as_object().into_iter().flatten().filter(|_| !mean) {
            let reachable = attainable(aspect).contains(&decimal(printed).unwrap());
            let verdict = if reachable { Verdict::Match } else { Verdict::PapersError };
            self.note("aspect attainable", verdict, format!("{} {aspect}: {printed}", case["id"]));
        }
        let aspects = case["aspects"].as_object().filter(|aspects| aspects.len() == 7);
        if let (Some(aspects), Some(total)) = (aspects, decimal(&case["total"])) {
            let sum: Decimal = aspects.values().filter_map(decimal).sum();
            let verdict = if sum == total { Verdict::Match } else { Verdict::PapersError };
            self.note("total", verdict, format!("{}: aspects make {sum}, printed {total}", case["id"]));
        }
        // Regulations without a loaded rule book share the bounds of one that is.
        let bounds = match case["regulation"].as_str().unwrap() {
            "permen-20-2008" => "permen-14-2009",
            "perdep-07-2016" | "juknis-15-2021" => "perdep-06-2016",
            loaded => loaded,
        };
        if let (Some(total), Some(printed)) = (decimal(&case["total"]), case["category"].as_str()) {
            let category = book(bounds).category(total).map(OneOf::word).unwrap();
            let verdict = if category == printed.replace(' ', "_") { Verdict::Match } else { Verdict::PapersError };
            assert_eq!(verdict == Verdict::PapersError, excused(case, "category", "category"), "{}", case["id"]);
            self.note("category", verdict, format!("{}: {total} is {category}, printed {printed}", case["id"]));
        }
    }
}

#[test]
fn every_published_case_is_replayed_and_every_departure_is_accounted_for() {
    let cases: Value = serde_json::from_str(CASES).unwrap();
    let cases = cases["cases"].as_array().unwrap();
    let mut replay = Replay::default();
    for case in cases {
        replay.ratios(case);
        replay.values_and_scores(case);
        replay.sums_and_category(case);
    }
    for line in &replay.lines {
        println!("{line}");
    }
    println!("{} cases: {:?}", cases.len(), replay.counts);
    // [match, other reading, the paper's own error]; a change here is a change of the rules or of the cases.
    assert_eq!(cases.len(), 42);
    assert_eq!(replay.count("ratio"), [13, 0, 1]);
    assert_eq!(replay.count("value or score"), [24, 5, 2]);
    assert_eq!(replay.count("score alone"), [5, 1, 0]);
    assert_eq!(replay.count("aspect attainable"), [15, 0, 0]);
    assert_eq!(replay.count("aspect sum"), [6, 0, 2]);
    assert_eq!(replay.count("total"), [2, 0, 0]);
    assert_eq!(replay.count("category"), [26, 0, 1]);
}

#[test]
fn weighted_capital_of_a_full_worksheet_counts_liabilities() {
    let cases: Value = serde_json::from_str(CASES).unwrap();
    let case = cases["cases"].as_array().unwrap().iter().find(|case| case["id"] == "tanimakmur-2010").unwrap().clone();
    let equity = json!({"inputs": {"modal_komponen": case["inputs"]["modal_komponen"]}});
    let weighted = |inputs: &Value| {
        let mut worksheet = amounts(inputs);
        worksheet["atmr"] = json!("100.00");
        let scoring = score(&worksheet, &[]);
        let ratio =
            scoring.indicators.into_iter().find(|indicator| indicator.key == "kecukupan").unwrap().ratio_percent;
        ratio.unwrap().parse::<Decimal>().unwrap()
    };
    // The thesis prints the subtotal of equity alone, 143,498,202.
    assert_eq!(weighted(&equity["inputs"]), Decimal::from(143_498_202));
    assert!(weighted(&case["inputs"]) > Decimal::from(1_000_000_000));
}

#[test]
fn a_loss_is_not_taken_for_efficiency() {
    let loss = json!({"beban_usaha": "100", "shu_kotor": "-50", "shu_bagian_anggota": "10", "modal_sendiri": "-5"});
    let scoring = score(&loss, &[]);
    for key in ["bu_shuk", "roe"] {
        let indicator = scoring.indicators.iter().find(|indicator| indicator.key == key).unwrap();
        assert_eq!(indicator.state.word(), "not_applicable", "{key}");
    }
    let lowest = score(&loss, &[("bu_shuk_without_surplus", "lowest_value")]);
    assert_eq!(scored(&lowest, "bu_shuk"), (Some(25), Some(Decimal::ONE)));
    let negative = book("permen-14-2009").score(&json!({"pinjaman_macet": "-50"}), &Readings::new());
    assert_eq!(negative.unwrap_err().0[0].code, "negative_amount");
    let more = score(&json!({"volume_pinjaman_anggota": "2", "volume_pinjaman": "1"}), &[]);
    assert_eq!(more.warnings, ["volume_pinjaman_anggota_above_volume_pinjaman"]);
}

#[test]
fn ratios_are_classified_unrounded() {
    // 79.999999… percent shows as 80 and is still below it.
    let worksheet = json!({"modal_sendiri": "7999999999999999.99", "total_aset": "9999999999999999.99"});
    let scoring = score(&worksheet, &[]);
    assert_eq!(scored(&scoring, "ms_ta").0, Some(50));
    assert_eq!(scoring.indicators[0].ratio_percent.as_deref(), Some("80.00"));
}

proptest! {
    /// Scores are value × weight ÷ 100 and sum up to aspects and total; nothing is ever out of range.
    #[test]
    fn totals_are_sums_and_stay_within_a_hundred(amounts in prop::collection::vec(-1_000_000_000_000_i64..1_000_000_000_000, 31)) {
        let shown = book("permen-14-2009").describe();
        let derived = ["modal_tertimbang", "atmr", "risiko_pinjaman_bermasalah", "partisipasi_netto", "beban_operasi_anggota", "pea"];
        let signed = shown["may_be_negative"].as_array().unwrap();
        let keys = shown["amounts"].as_array().unwrap().iter().map(|key| key.as_str().unwrap());
        let worksheet: Map<String, Value> = keys.zip(&amounts)
            .filter(|(key, _)| !derived.contains(key))
            .map(|(key, sen)| (key, if signed.contains(&json!(key)) { *sen } else { sen.abs() }))
            .map(|(key, sen)| (key.to_owned(), Value::from(format!("{:.2}", Decimal::new(sen, 2))))).collect();
        let scoring = score(&Value::Object(worksheet), &[]);
        let sum = |texts: Vec<&String>| texts.into_iter().map(|text| text.parse::<Decimal>().unwrap()).sum::<Decimal>();
        let total: Decimal = scoring.total.parse().unwrap();
        prop_assert_eq!(sum(scoring.aspects.iter().map(|aspect| &aspect.score).collect()), total);
        prop_assert_eq!(sum(scoring.indicators.iter().filter_map(|indicator| indicator.score.as_ref()).collect()), total);
        prop_assert!(total >= Decimal::ZERO && total <= Decimal::ONE_HUNDRED);
        let covered: Decimal = scoring.covered_weight.parse().unwrap();
        prop_assert_eq!(scoring.category.is_some(), covered == Decimal::ONE_HUNDRED);
    }

    /// Cross multiplication agrees with exact comparison of fractions in wide integers.
    #[test]
    fn bands_are_told_exactly(numerator in 0_i64..10_000_000_000, denominator in 1_i64..10_000_000_000) {
        let worksheet = json!({"modal_sendiri": format!("{:.2}", Decimal::new(numerator, 2)), "total_aset": format!("{:.2}", Decimal::new(denominator, 2))});
        let (n, d) = (i128::from(numerator) * 100, i128::from(denominator));
        let expected = if n <= 0 { 0 } else if n < 20 * d { 25 } else if n < 40 * d { 50 } else if n < 60 * d { 100 } else if n < 80 * d { 50 } else { 25 };
        prop_assert_eq!(scored(&score(&worksheet, &[]), "ms_ta").0, Some(expected));
    }
}

/// Values a worksheet may hold, and some it may not.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        "-?[0-9]{1,17}([.][0-9]{0,3})?".prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..13).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Keys of worksheets, and some that are none.
fn key() -> impl Strategy<Value = String> {
    let book = book("permen-14-2009").describe();
    let amounts = book["amounts"].as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned);
    let blocks = ["manajemen", "modal_komponen", "atmr_komponen", "umum", "kelembagaan", "simpanan_pokok", "kas_bank"];
    let known: Vec<String> = amounts.chain(blocks.map(str::to_owned)).collect();
    prop_oneof![4 => prop::sample::select(known), 1 => "[a-z~/\"]{0,6}"]
}

proptest! {
    /// Whatever is handed in is scored or refused: every refusal points into the worksheet at what is there, or at a name that stands in it.
    #[test]
    fn fuzz_a_worksheet_is_scored_or_every_fault_has_its_place(members in prop::collection::vec((key(), anything()), 0..12)) {
        let worksheet = Value::Object(members.into_iter().collect());
        for book in rulebook::all() {
            match book.score(&worksheet, &Readings::new()) {
                Ok(scoring) => {
                    let total: Decimal = scoring.total.parse().unwrap();
                    prop_assert!(total >= Decimal::ZERO && total <= Decimal::ONE_HUNDRED, "{total}");
                }
                Err(faults) => {
                    prop_assert!(!faults.0.is_empty());
                    let request = json!({ "worksheet": worksheet });
                    for fault in &faults.0 {
                        let parent = fault.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                        prop_assert!(fault.pointer.starts_with("/worksheet") && request.pointer(parent).is_some(), "{}", fault.pointer);
                    }
                }
            }
        }
    }
}
