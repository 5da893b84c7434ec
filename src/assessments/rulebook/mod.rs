//! Rule books: what a regulation asks for and how it scores, as data behind one seam.
//!
//! A rule book lives in a folder of its own and is named once, in `FOLDERS`; nothing else knows it. `seven_aspects` serves the two regulations
//! of 2009 and 2016, which share one sheet and differ in their categories. What books have in common is beside them: `form` reads worksheets,
//! `bands` classifies ratios exactly, `readings` tells which contested reading applies, `scoring` is the answer.

mod bands;
mod form;
mod kkpkk;
mod readings;
mod regulation;
mod scoring;
mod seven_aspects;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::cooperatives::{CooperativeKind, HealthCategory};
use crate::kernel::problem_codes::{REGULATION_NOT_LOADED, RULE_REFUSED};
use crate::kernel::{Faults, Refusal, Text};

pub use scoring::{AspectScore, BandShown, Certainty, Improvement, IndicatorScore, IndicatorState, Pooled, Scoring};

/// The contested readings an assessor chose, by name.
pub type Readings = BTreeMap<String, String>;

/// What scores a worksheet.
pub trait RuleBook: Send + Sync {
    /// The regulation's id, such as `permen-14-2009`.
    fn id(&self) -> &str;
    /// Its title.
    fn title(&self) -> &str;
    /// The kinds of cooperatives it is for.
    fn kinds(&self) -> &[CooperativeKind];
    /// The sheet it scores. Books of one sheet read the same worksheet keys; worksheets of another sheet mean nothing to it.
    fn sheet(&self) -> &str;
    /// All of it, as it is shown.
    fn describe(&self) -> Value;
    /// The categories it can yield, best first.
    fn categories(&self) -> Vec<HealthCategory>;
    /// The category of a total, were all weight covered.
    fn category(&self, total: Decimal) -> Option<HealthCategory>;
    /// Scores a worksheet.
    ///
    /// # Errors
    /// Every fault of the worksheet and the readings, with pointers into the request.
    fn score(&self, worksheet: &Value, readings: &Readings) -> Result<Scoring, Faults>;
}

/// What makes the rule books of a folder.
type Books = fn() -> Vec<Box<dyn RuleBook>>;

/// The folders, a line each.
static FOLDERS: &[Books] = &[seven_aspects::books, kkpkk::books];

static BOOKS: LazyLock<Vec<Box<dyn RuleBook>>> = LazyLock::new(|| FOLDERS.iter().flat_map(|books| books()).collect());

/// Every rule book that is loaded.
pub fn all() -> impl Iterator<Item = &'static dyn RuleBook> {
    BOOKS.iter().map(Box::as_ref)
}

/// Regulations that are known and not loaded, and why.
static NOT_LOADED: &[(&str, Text)] = &[
    (
        "juknis-15-2021",
        Text::fixed(
            "Buku aturan Juknis 15/2021 (KKPKK) belum dimuat: dari naskah resmi belum diketahui batas nilai PPAP terhadap PPAPWD, dua rasio jatidiri, satu indikator permodalan, butir risiko strategis, bobot ATMR, blok menurut KUK, dan butir prinsip syariah. Lembar pendahulunya, 60 indikator tahun 2020–2021 untuk KSP, dimuat sebagai kkpkk-2020.",
            "The rule book of Juknis 15/2021 (KKPKK) is not loaded: not known from an official text are the bands of PPAP to PPAPWD, two ratios of identity, one indicator of capital, the items of strategic risk, the weights of ATMR, the blocks by class (KUK) and the items of sharia principles. The sheet before it, the 60 indicators of 2020–2021 for savings-and-loan cooperatives, is loaded as kkpkk-2020.",
        ),
    ),
    (
        "perdep-07-2016",
        Text::fixed(
            "Buku aturan syariah Perdep 07/2016 belum dimuat: batas nilai indikatornya belum diketahui dari naskah resmi.",
            "The sharia rule book of Perdep 07/2016 is not loaded: the bands of its indicators are not known from an official text.",
        ),
    ),
    (
        "permen-20-2008",
        Text::fixed(
            "Permen 20/2008 sebelum diubah belum dimuat: batas dua rasionya (BMPP, aktiva tetap) tidak ditemukan. Pakai permen-14-2009.",
            "Permen 20/2008 in its unamended form is not loaded: the bands of two of its ratios (BMPP, fixed assets) were not found. Use permen-14-2009.",
        ),
    ),
];

/// A rule book by the regulation's id.
///
/// # Errors
/// `regulation_not_loaded`, saying why when we know the regulation.
pub fn find(id: &str) -> Result<&'static dyn RuleBook, Refusal> {
    all().find(|book| book.id() == id).ok_or_else(|| {
        let known = NOT_LOADED.iter().find(|(name, _)| *name == id).map(|(_, why)| why.clone());
        let loaded: Vec<&str> = all().map(RuleBook::id).collect();
        let list = loaded.join(", ");
        let detail = known.unwrap_or_else(|| {
            text!(
                "Regulasi `{id}` tidak dikenal; yang dimuat: {list}.",
                "The regulation `{id}` is not known; loaded are: {list}."
            )
        });
        let mut refusal = Refusal::new(&REGULATION_NOT_LOADED, detail.clone()).with("loaded", loaded);
        refusal.faults.push(crate::kernel::Fault::new("/regulation", "regulation_not_loaded", detail));
        refusal
    })
}

/// Refuses a kind of cooperative the rule book is not made for.
///
/// # Errors
/// `regulation_not_loaded` for sharia cooperatives, else a rule refusal; it names the rule books for that kind, if there are any.
pub fn require_kind(book: &dyn RuleBook, kind: CooperativeKind) -> Result<(), Refusal> {
    if book.kinds().contains(&kind) {
        return Ok(());
    }
    if kind == CooperativeKind::Kspps {
        let why = NOT_LOADED.iter().find(|(name, _)| *name == "perdep-07-2016").map(|(_, why)| why.clone());
        return Err(Refusal::new(&REGULATION_NOT_LOADED, why.unwrap_or(REGULATION_NOT_LOADED.advice.clone())));
    }
    let others: Vec<&str> = all().filter(|other| other.kinds().contains(&kind)).map(RuleBook::id).collect();
    if !others.is_empty() {
        let others = others.join(", ");
        return Err(Refusal::rule(
            "/cooperative",
            "kind_of_another_regulation",
            text!(
                "Regulasi ini bukan untuk koperasi berjenis `{kind}`; pakai: {others}.",
                "This regulation is not for cooperatives of kind `{kind}`; use one of: {others}."
            ),
        ));
    }
    Err(Refusal::rule(
        "/cooperative",
        "not_savings_and_loan",
        text!(
            "Koperasi berjenis `{kind}` tidak dinilai menurut regulasi ini; hanya koperasi atau unit simpan pinjam.",
            "A cooperative of kind `{kind}` is not assessed under this regulation; only savings-and-loan cooperatives and units are."
        ),
    ))
}

/// Scores a worksheet that was made for the book `from` by the book `to`.
///
/// # Errors
/// `another_worksheet` when the two have different sheets, naming all that the worksheet lacks; else every fault of the worksheet.
pub fn rescore(from: &str, to: &dyn RuleBook, worksheet: &Value, readings: &Readings) -> Result<Scoring, Refusal> {
    let own = find(from)?.sheet();
    if own == to.sheet() {
        return to.score(worksheet, readings).map_err(|faults| Refusal::faults(&RULE_REFUSED, faults));
    }
    // What the other sheet cannot read is as good as left out; then the scoring tells what it lacks.
    let mut readable = worksheet.clone();
    let faults = to.score(worksheet, &Readings::new()).err().unwrap_or_default();
    for fault in faults.0 {
        let key = fault.pointer.split('/').nth(2).unwrap_or_default();
        readable.as_object_mut().and_then(|entries| entries.remove(key));
    }
    let rest = to.score(&readable, &Readings::new()).map_err(|faults| Refusal::faults(&RULE_REFUSED, faults))?;
    let mut missing: Vec<String> = rest.indicators.into_iter().flat_map(|indicator| indicator.missing).collect();
    missing.sort_unstable();
    missing.dedup();
    let (id, sheet, count) = (to.id(), to.sheet(), missing.len());
    let why = text!(
        "Penilaian ini diisi pada lembar `{own}` dan tidak dapat dihitung menurut `{id}`, yang memakai lembar `{sheet}`: {count} isiannya tidak ada (lihat `missing`). Isi lembar itu dan kirim ke POST /v1/assessments/preview.",
        "This assessment was made on the sheet `{own}` and cannot be scored under `{id}`, which uses the sheet `{sheet}`: {count} of its entries are missing (see `missing`). Fill that sheet in and send it to POST /v1/assessments/preview."
    );
    Err(Refusal::rule("?regulation", "another_worksheet", why).with("missing", missing))
}

/// The list of regulations: loaded ones, and known ones with the reason they are not.
pub fn catalogue() -> Value {
    let loaded = all().map(
        |book| json!({"id": book.id(), "title": book.title(), "loaded": true, "kinds": book.kinds(), "reason": null}),
    );
    let missing = NOT_LOADED
        .iter()
        .map(|(id, why)| json!({"id": id, "title": null, "loaded": false, "kinds": [], "reason": why}));
    loaded.chain(missing).collect()
}
