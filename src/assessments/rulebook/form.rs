//! The form of a worksheet and reading one: known keys, exact amounts, answered questions; derived amounts computed and compared with stated ones.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::bands::decimal;
use crate::kernel::{Fault, Faults, Pointer, Rupiah, Text, shown};

/// The amounts a worksheet may hold, as rule-book data names them.
#[derive(Deserialize)]
pub struct Form {
    pub amounts: Vec<String>,
    /// Amounts for which a minus sign makes sense.
    pub may_be_negative: Vec<String>,
    /// Pairs of amounts of which the first is part of the second.
    pub parts: Vec<(String, String)>,
    pub components: BTreeMap<String, Vec<Term>>,
    pub derived: Vec<Derived>,
}

/// A part of a weighted sum.
#[derive(Deserialize)]
pub struct Term {
    pub key: String,
    #[serde(deserialize_with = "decimal")]
    pub percent: Decimal,
}

/// An amount that may be given or computed: from a component group, or from other amounts.
#[derive(Deserialize)]
pub struct Derived {
    pub key: String,
    pub components: Option<String>,
    #[serde(default)]
    pub terms: Vec<Term>,
}

/// A group of questions to be answered yes or no: the worksheet holds it as `{block: {group: [answers]}}`.
pub struct Questions<'a> {
    pub block: &'a str,
    pub group: &'a str,
    pub count: usize,
}

/// What a worksheet says.
#[derive(Default)]
pub struct Inputs {
    /// Amounts by key, given or computed.
    pub amounts: BTreeMap<String, Decimal>,
    /// How many questions were answered yes, by block and group.
    met: BTreeMap<(String, String), usize>,
    /// What looks odd.
    pub warnings: Vec<String>,
}

impl Inputs {
    /// How many questions of a group were answered yes, if it was answered.
    pub fn met(&self, block: &str, group: &str) -> Option<usize> {
        self.met.get(&(block.to_owned(), group.to_owned())).copied()
    }
}

/// Reads a worksheet; every fault is reported.
pub fn read(form: &Form, questions: &[Questions<'_>], worksheet: &Value, faults: &mut Faults) -> Inputs {
    let mut inputs = Inputs::default();
    let Some(map) = worksheet.as_object() else {
        faults.add("/worksheet", "wrong_type", Text::fixed("Kirim objek JSON.", "Send a JSON object."));
        return inputs;
    };
    let mut given: BTreeMap<&str, Rupiah> = BTreeMap::new();
    let mut components: BTreeMap<&str, BTreeMap<&str, Rupiah>> = BTreeMap::new();
    for (key, value) in map {
        let at = format!("/worksheet/{key}");
        if form.amounts.contains(key) {
            given.extend(amount(value, &at, faults).map(|amount| (key.as_str(), amount)));
        } else if let Some(terms) = form.components.get(key) {
            components.insert(key, read_components(terms, value, &at, faults));
        } else if questions.iter().any(|group| group.block == key) {
            read_block(questions, key, value, faults, &mut inputs.met);
        } else {
            unknown("/worksheet", key, faults);
        }
    }
    for (key, amount) in &given {
        if amount.0 < Decimal::ZERO && !form.may_be_negative.iter().any(|known| known == key) {
            let why = Text::fixed("Jumlah ini tidak dapat negatif.", "This amount cannot be negative.");
            faults.add(format!("/worksheet/{key}"), "negative_amount", why);
        }
        inputs.amounts.insert((*key).to_owned(), amount.0);
    }
    for (part, whole) in &form.parts {
        let (part_amount, whole_amount) = (inputs.amounts.get(part), inputs.amounts.get(whole));
        if part_amount.zip(whole_amount).is_some_and(|(part, whole)| part > whole) {
            inputs.warnings.push(format!("{part}_above_{whole}"));
        }
    }
    for derived in &form.derived {
        derive(form, derived, &given, &components, &mut inputs, faults);
    }
    inputs
}

fn amount(value: &Value, at: &str, faults: &mut Faults) -> Option<Rupiah> {
    let parsed = match value {
        Value::String(text) => Rupiah::parse(text),
        _ => Err(Text::fixed(
            "Kirim jumlah rupiah sebagai teks, misalnya \"2804349753.60\", bukan angka JSON.",
            "Send the amount of rupiah as text, such as \"2804349753.60\", not as a JSON number.",
        )),
    };
    parsed.map_err(|why| faults.0.push(Fault::new(at, "invalid_money", why))).ok()
}

fn unknown(parent: &str, key: &str, faults: &mut Faults) {
    let key = shown(key);
    let at = format!("{parent}/{}", Pointer::escaped(&key));
    faults.add(
        at,
        "unknown_worksheet_key",
        text!(
            "Lembar kerja regulasi ini tidak memuat `{key}`; lihat GET /v1/regulations/{{id}}.",
            "The worksheet of this regulation has no `{key}`; see GET /v1/regulations/{{id}}."
        ),
    );
}

/// Components of a weighted sum; one that is not named is zero.
fn read_components<'a>(terms: &[Term], value: &'a Value, at: &str, faults: &mut Faults) -> BTreeMap<&'a str, Rupiah> {
    let mut found = BTreeMap::new();
    let Some(map) = value.as_object() else {
        faults.add(at, "wrong_type", Text::fixed("Kirim objek berisi komponen.", "Send an object of components."));
        return found;
    };
    for (key, value) in map {
        let place = format!("{at}/{key}");
        if terms.iter().any(|term| term.key == *key) {
            found.extend(amount(value, &place, faults).map(|amount| (key.as_str(), amount)));
        } else {
            unknown(at, key, faults);
        }
    }
    found
}

/// The answers of a block of questions.
fn read_block(
    questions: &[Questions<'_>],
    block: &str,
    value: &Value,
    faults: &mut Faults,
    met: &mut BTreeMap<(String, String), usize>,
) {
    let at = format!("/worksheet/{block}");
    let empty = Map::new();
    let map = value.as_object().unwrap_or_else(|| {
        faults.add(
            &at,
            "wrong_type",
            Text::fixed("Kirim objek berisi kelompok pertanyaan.", "Send an object of question groups."),
        );
        &empty
    });
    for (key, answers) in map {
        let place = format!("{at}/{key}");
        let Some(group) = questions.iter().find(|group| group.block == block && group.group == key) else {
            unknown(&at, key, faults);
            continue;
        };
        let (count, expected) = (answers.as_array().map_or(0, Vec::len), group.count);
        if count != expected {
            faults.add(
                place,
                "wrong_question_count",
                text!(
                    "Kelompok `{key}` berisi {expected} pertanyaan; terkirim {count} jawaban. Kirim {expected} nilai true atau false.",
                    "Group `{key}` has {expected} questions; {count} answers were sent. Send {expected} values, true or false."
                ),
            );
            continue;
        }
        let mut yes = 0;
        for (index, answer) in answers.as_array().into_iter().flatten().enumerate() {
            match answer.as_bool() {
                Some(answer) => yes += usize::from(answer),
                None => faults.add(
                    format!("{place}/{index}"),
                    "wrong_type",
                    Text::fixed("Jawab true (ya) atau false (tidak).", "Answer true (yes) or false (no)."),
                ),
            }
        }
        met.insert((block.to_owned(), key.clone()), yes);
    }
}

/// Computes a derived amount where its parts are there, and compares it with the stated one at the precision that was stated.
fn derive(
    form: &Form,
    derived: &Derived,
    given: &BTreeMap<&str, Rupiah>,
    components: &BTreeMap<&str, BTreeMap<&str, Rupiah>>,
    inputs: &mut Inputs,
    faults: &mut Faults,
) {
    let computed = match &derived.components {
        Some(group) => components.get(group.as_str()).map(|parts| {
            let terms = form.components.get(group).into_iter().flatten();
            terms.filter_map(|term| Some(weighted(parts.get(term.key.as_str())?.0, term))).sum::<Decimal>()
        }),
        // What was derived before may be a term of what follows.
        None => derived.terms.iter().map(|term| Some(weighted(*inputs.amounts.get(&term.key)?, term))).sum(),
    };
    let Some(computed) = computed else { return };
    let key = &derived.key;
    if let Some(stated) = given.get(key.as_str()) {
        let rounded = computed.round_dp_with_strategy(stated.scale(), RoundingStrategy::MidpointAwayFromZero);
        if rounded != stated.0 {
            let stated = stated.0;
            faults.add(
                format!("/worksheet/{key}"),
                "contradicting_amounts",
                text!(
                    "`{key}` dinyatakan {stated}, tetapi komponennya menghasilkan {rounded}; perbaiki salah satunya atau kirim satu saja.",
                    "`{key}` is stated as {stated}, but its components make {rounded}; correct one of them or send only one."
                ),
            );
        }
    }
    inputs.amounts.insert(key.clone(), computed);
}

fn weighted(amount: Decimal, term: &Term) -> Decimal {
    amount * term.percent / Decimal::ONE_HUNDRED
}
