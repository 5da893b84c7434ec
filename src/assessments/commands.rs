//! Handing in, returning, determining and correcting assessments.

use std::collections::BTreeMap;

use deserr::Deserr;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;
use utoipa::ToSchema;

use super::events::{AssessmentEvent as Event, Scored, Stated};
use super::rulebook;
use super::state::{Assessment, AssessmentState as State};
use crate::cooperatives::{Cooperative, CooperativeStatus, HealthCategory};
use crate::kernel::problem_codes::RULE_REFUSED;
use crate::kernel::{Area, Date, Faults, Id, Note, Refusal, Rupiah, Text, Timestamp, Word};
use crate::ledger::{Decide, Decision, Scene, Wants, World};

/// The first book year that can be assessed: cooperatives' health has been rated by regulation since 1998.
const BOOK_YEAR_MIN: i64 = 1998;

/// Most reasons of one return.
const REASONS_MAX: usize = 50;

pub(super) fn require_at_most(pointer: &str, count: usize, most: usize) -> Result<(), Refusal> {
    if count <= most {
        return Ok(());
    }
    let why = text!("Paling banyak {most} unsur.", "At most {most} items.");
    Err(Refusal::rule(pointer, "too_many_items", why))
}

/// Hands in a worksheet.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"cooperative": "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b", "regulation": "permen-14-2009", "book_year": 2013,
    "assessed_on": "2014-02-24", "worksheet": {"modal_sendiri": "2804349753.60", "total_aset": "4228431187.55"}}))]
pub struct Submit {
    /// Whose.
    pub cooperative: Id,
    /// The regulation.
    pub regulation: Word,
    /// The year whose accounts were assessed.
    #[schema(minimum = 1998, maximum = 9999)]
    pub book_year: i64,
    /// The day of the assessment.
    pub assessed_on: Date,
    /// The worksheet: amounts, components and answers by the keys of the regulation, which `GET /v1/regulations/{id}` lists.
    #[schema(value_type = Object)]
    pub worksheet: Value,
    /// Contested readings that were chosen, by name; the recommended ones where nothing is said.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub readings: Option<BTreeMap<String, String>>,
    /// The total the sender arrived at, if it is to be compared.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub stated_total: Option<Rupiah>,
    /// The category the sender arrived at.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub stated_category: Option<HealthCategory>,
}

pub(super) fn score(
    regulation: &str,
    assessed_on: Date,
    worksheet: &Value,
    readings: Option<&BTreeMap<String, String>>,
    stated: Stated,
) -> Result<Box<Scored>, Refusal> {
    let book = rulebook::find(regulation)?;
    let empty = BTreeMap::new();
    let scoring =
        book.score(worksheet, readings.unwrap_or(&empty)).map_err(|faults| Refusal::faults(&RULE_REFUSED, faults))?;
    // A total is stated to two decimals at most, so that is how far it can differ.
    let total = scoring.total.parse::<Decimal>().ok();
    let total = total.map(|total| total.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero));
    let discrepancy = stated.total.is_some_and(|stated| Some(stated.0) != total)
        || stated.category.is_some_and(|stated| Some(stated) != scoring.category);
    Ok(Box::new(Scored { assessed_on, worksheet: worksheet.clone(), scoring, stated, discrepancy }))
}

/// Refuses a day in the future, and a book year outside what can have been assessed on it.
fn check_days(assessed_on: Date, book_year: i64, now: Timestamp) -> Result<(), Refusal> {
    let mut faults = Faults::default();
    faults.check(assessed_on.require_past(now, "/assessed_on"));
    let assessed = i64::from(assessed_on.year());
    if book_year < BOOK_YEAR_MIN || book_year > assessed {
        let why = text!(
            "Tahun buku harus antara {BOOK_YEAR_MIN} dan tahun penilaian {assessed}.",
            "The book year must lie between {BOOK_YEAR_MIN} and the year of the assessment, {assessed}."
        );
        faults.add("/book_year", "book_year_out_of_range", why);
    }
    faults.or_refuse(())
}

pub(super) fn require_living(cooperative: &Cooperative) -> Result<(), Refusal> {
    if cooperative.status != CooperativeStatus::Dissolved {
        return Ok(());
    }
    Err(Refusal::rule(
        "/cooperative",
        "cooperative_dissolved",
        Text::fixed("Koperasi ini sudah bubar.", "This cooperative was dissolved."),
    ))
}

impl Decide for Submit {
    type Resource = Assessment;
    const CREATES: bool = true;

    fn reads(&self, _: Option<&Assessment>, _: &World, wants: &mut Wants) {
        wants.state::<Cooperative>(self.cooperative.0);
    }

    fn decide(&self, scene: &Scene<'_, Assessment>) -> Result<Decision<Assessment>, Refusal> {
        scene.actor.require_some_write(Area::Assessments)?;
        let cooperative = scene.named::<Cooperative>(self.cooperative.0, "/cooperative")?;
        scene.actor.require_write(Area::Assessments, cooperative.region, scene.actor.organisation)?;
        require_living(cooperative)?;
        rulebook::require_kind(rulebook::find(&self.regulation.0)?, cooperative.kind)?;
        let mut faults = Faults::default();
        faults.check(check_days(self.assessed_on, self.book_year, scene.now));
        let stated = Stated { total: self.stated_total, category: self.stated_category };
        let readings = self.readings.as_ref();
        let scored = faults.check(score(&self.regulation.0, self.assessed_on, &self.worksheet, readings, stated));
        let scored = match scored {
            Some(scored) if faults.0.is_empty() => scored,
            _ => return Err(Refusal::faults(&RULE_REFUSED, faults)),
        };
        Ok(Decision::one(Event::Submitted {
            cooperative: self.cooperative.0,
            cooperative_kind: cooperative.kind,
            region: cooperative.region,
            regulation: self.regulation.0.clone(),
            book_year: i32::try_from(self.book_year).unwrap_or_default(),
            scored,
        }))
    }
}

/// Sends an assessment back.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reasons": ["Kas dan bank tidak sama dengan neraca RAT"]}))]
pub struct Return {
    /// Why; at least one reason.
    #[schema(min_items = 1, max_items = 50)]
    pub reasons: Vec<Note>,
}

/// The assessment, in one of the states that fit, when the actor has the right of `area`.
pub(super) fn in_state<'a>(
    scene: &Scene<'a, Assessment>,
    area: Area,
    fits: &[State],
) -> Result<&'a Assessment, Refusal> {
    let own = scene.own_in(area)?;
    if fits.contains(&own.state) {
        return Ok(own);
    }
    Err(Refusal::wrong_state(crate::kernel::OneOf::word(own.state), own.state.allowed()))
}

/// As [`in_state`], for what only the sender or the province may do.
fn sent_by_actor<'a>(scene: &Scene<'a, Assessment>, fits: &[State]) -> Result<&'a Assessment, Refusal> {
    let own = in_state(scene, Area::Assessments, fits)?;
    let province = scene.actor.kind == crate::kernel::OrganisationKind::Province;
    if province || own.stamp.recorded_by == scene.actor.organisation {
        return Ok(own);
    }
    Err(Refusal::new(
        &crate::kernel::problem_codes::FORBIDDEN,
        Text::fixed(
            "Hanya organisasi yang mengirim penilaian ini yang dapat melakukannya.",
            "Only the organisation that sent this assessment can do this.",
        ),
    ))
}

impl Decide for Return {
    type Resource = Assessment;
    const AREA: Area = Area::Determinations;

    fn decide(&self, scene: &Scene<'_, Assessment>) -> Result<Decision<Assessment>, Refusal> {
        in_state(scene, Self::AREA, &[State::Submitted])?;
        require_at_most("/reasons", self.reasons.len(), REASONS_MAX)?;
        if self.reasons.is_empty() {
            return Err(Refusal::rule(
                "/reasons",
                "no_reason",
                Text::fixed("Sebutkan paling sedikit satu alasan.", "Give at least one reason."),
            ));
        }
        Ok(Decision::one(Event::Returned { reasons: self.reasons.clone() }))
    }
}

/// Hands a returned assessment in again.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"assessed_on": "2014-03-05", "worksheet": {"modal_sendiri": "2804349753.60", "total_aset": "4228431187.55"}}))]
pub struct Resubmit {
    /// The day of the assessment.
    pub assessed_on: Date,
    /// The whole worksheet, mended.
    #[schema(value_type = Object)]
    pub worksheet: Value,
    /// Contested readings that were chosen.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub readings: Option<BTreeMap<String, String>>,
    /// The total the sender arrived at.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub stated_total: Option<Rupiah>,
    /// The category the sender arrived at.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub stated_category: Option<HealthCategory>,
}

impl Decide for Resubmit {
    type Resource = Assessment;

    fn decide(&self, scene: &Scene<'_, Assessment>) -> Result<Decision<Assessment>, Refusal> {
        let own = sent_by_actor(scene, &[State::Returned])?;
        check_days(self.assessed_on, i64::from(own.book_year), scene.now)?;
        let stated = Stated { total: self.stated_total, category: self.stated_category };
        let scored = score(&own.regulation, self.assessed_on, &self.worksheet, self.readings.as_ref(), stated)?;
        Ok(Decision::one(Event::Resubmitted { scored }))
    }
}

/// Takes an assessment back.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Neraca yang dipakai belum diaudit"}))]
pub struct Withdraw {
    /// Why.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reason: Option<Note>,
}

impl Decide for Withdraw {
    type Resource = Assessment;

    fn decide(&self, scene: &Scene<'_, Assessment>) -> Result<Decision<Assessment>, Refusal> {
        sent_by_actor(scene, &[State::Submitted, State::Returned])?;
        Ok(Decision::one(Event::Withdrawn { reason: self.reason.clone() }))
    }
}
