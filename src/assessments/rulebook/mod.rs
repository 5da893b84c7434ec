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
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::cooperatives::{CooperativeKind, HealthCategory};
use crate::kernel::problem_codes::{REGULATION_NOT_LOADED, RULE_REFUSED};
use crate::kernel::{Date, Faults, Refusal, Text};

pub use regulation::Validity;
pub use scoring::{AspectScore, BandShown, Certainty, Improvement, IndicatorScore, IndicatorState, Pooled, Scoring};

/// The contested readings an assessor chose, by name.
pub type Readings = BTreeMap<String, String>;

/// What scores a worksheet.
pub trait RuleBook: Send + Sync {
    /// The regulation's id, such as `permen-14-2009`.
    fn id(&self) -> &str;
    /// Its title.
    fn title(&self) -> &str;
    /// When it is in force.
    fn validity(&self) -> &Validity;
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

/// A regulation that is known and not loaded.
#[derive(Deserialize)]
struct NotLoaded {
    id: String,
    title: String,
    #[serde(flatten)]
    validity: Validity,
    /// Why it is not.
    reason: Text,
}

static NOT_LOADED: LazyLock<Vec<NotLoaded>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("not-loaded.json"))
        .inspect_err(|why| log::error!("the regulations that are not loaded cannot be read error={why}"))
        .unwrap_or_default()
});

/// Why a regulation we know is not loaded.
fn why_not_loaded(id: &str) -> Option<Text> {
    NOT_LOADED.iter().find(|known| known.id == id).map(|known| known.reason.clone())
}

/// A rule book by the regulation's id.
///
/// # Errors
/// `regulation_not_loaded`, saying why when we know the regulation.
pub fn find(id: &str) -> Result<&'static dyn RuleBook, Refusal> {
    all().find(|book| book.id() == id).ok_or_else(|| {
        let loaded: Vec<&str> = all().map(RuleBook::id).collect();
        let list = loaded.join(", ");
        let detail = why_not_loaded(id).unwrap_or_else(|| {
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
        let why = why_not_loaded("perdep-07-2016");
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

/// A regulation as it is listed.
#[derive(Serialize, ToSchema)]
pub struct ListedRegulation {
    /// Its id, such as `permen-14-2009`.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// When it is in force.
    #[serde(flatten)]
    pub validity: &'static Validity,
    /// Whether its rule book is loaded.
    pub loaded: bool,
    /// The kinds of cooperatives its rule book is for.
    pub kinds: &'static [CooperativeKind],
    /// Why it is not loaded, in both languages; null when it is.
    #[schema(value_type = Option<Object>)]
    pub reason: Option<&'static Text>,
}

/// The regulations, or those in force on a day: loaded ones, and known ones with the reason they are not.
pub fn catalogue(on: Option<Date>) -> Vec<ListedRegulation> {
    let loaded = all().map(|book| ListedRegulation {
        id: book.id(),
        title: book.title(),
        validity: book.validity(),
        loaded: true,
        kinds: book.kinds(),
        reason: None,
    });
    let missing = NOT_LOADED.iter().map(|known| ListedRegulation {
        id: &known.id,
        title: &known.title,
        validity: &known.validity,
        loaded: false,
        kinds: &[],
        reason: Some(&known.reason),
    });
    loaded.chain(missing).filter(|listed| on.is_none_or(|day| listed.validity.holds_on(day))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_regulations_that_are_not_loaded_are_read_and_say_what_is_known_of_their_days() {
        assert_eq!(NOT_LOADED.len(), 3);
        assert!(catalogue(None).iter().all(|listed| listed.validity.valid_from.is_some()));
        let on = |day: &str| -> Vec<&str> {
            let listed = catalogue(Some(Date::parse(day).unwrap()));
            listed.into_iter().filter(|listed| listed.loaded).map(|listed| listed.id).collect()
        };
        assert_eq!(on("2014-02-24"), ["permen-14-2009"]);
        assert_eq!(on("2021-03-15"), ["perdep-06-2016", "kkpkk-2020"]);
    }
}
