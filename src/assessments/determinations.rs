//! Determining the category, and correcting a determination. Only the provincial office does.

use std::collections::BTreeMap;

use deserr::Deserr;
use serde_json::Value;
use utoipa::ToSchema;

use super::commands::{in_state, require_at_most, require_living, score};
use super::events::AssessmentEvent as Event;
use super::rulebook;
use super::state::{Assessment, AssessmentState as State};
use crate::cooperatives::{Cooperative, CooperativeEvent, HealthCategory, Rating};
use crate::kernel::{Area, Date, Faults, Id, Note, OneOf, Refusal, Text};
use crate::ledger::{Decide, Decision, Scene, Wants, World};

/// Most submissions that one determination settles.
const RECONCILED_MAX: usize = 50;

/// Determines the final category.
#[derive(Clone, Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reconciles": ["019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b"]}))]
pub struct Determine {
    /// The final category; the computed one when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub category: Option<HealthCategory>,
    /// Other submissions for the same cooperative and book year that this settles.
    #[deserr(default)]
    #[schema(nullable = false, max_items = 50)]
    pub reconciles: Option<Vec<Id>>,
    /// Why; needed where the category departs from what was computed.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reason: Option<Note>,
}

/// Refuses a category the regulation does not have.
fn require_known(own: &Assessment, category: HealthCategory) -> Result<(), Refusal> {
    let categories = rulebook::find(&own.regulation)?.categories();
    if categories.contains(&category) {
        return Ok(());
    }
    let list = categories.into_iter().map(OneOf::word).collect::<Vec<_>>().join(", ");
    let word = category.word();
    Err(Refusal::rule(
        "/category",
        "category_of_another_regulation",
        text!(
            "Regulasi penilaian ini tidak mengenal `{word}`; pilih: {list}.",
            "The regulation of this assessment has no `{word}`; choose one of: {list}."
        ),
    ))
}

impl Determine {
    fn reconciled(&self) -> impl Iterator<Item = uuid::Uuid> {
        self.reconciles.iter().flatten().map(|id| id.0)
    }

    fn category(&self, own: &Assessment) -> Result<HealthCategory, Refusal> {
        let computed = own.scored.scoring.category;
        let category = self.category.or(computed).ok_or_else(|| {
            let covered = &own.scored.scoring.covered_weight;
            Refusal::rule(
                "/category",
                "no_category_computed",
                text!(
                    "Bobot yang tercakup baru {covered} dari 100, sehingga tidak ada kategori terhitung; sebutkan `category` dan `reason`, atau kembalikan penilaian ini.",
                    "Only {covered} of 100 weight points are covered, so no category was computed; name `category` and `reason`, or return the assessment."
                ),
            )
        })?;
        require_known(own, category)?;
        if Some(category) != computed && self.reason.is_none() {
            return Err(Refusal::rule(
                "/reason",
                "departure_needs_reason",
                Text::fixed(
                    "Kategori ini berbeda dari hasil hitungan; sebutkan alasannya.",
                    "This category departs from what was computed; give the reason.",
                ),
            ));
        }
        Ok(category)
    }
}

impl Decide for Determine {
    type Resource = Assessment;
    const AREA: Area = Area::Determinations;

    fn reads(&self, own: Option<&Assessment>, _: &World, wants: &mut Wants) {
        if let Some(own) = own {
            wants.state::<Cooperative>(own.cooperative);
        }
        // What is too many is refused below; it is not worth reading.
        for id in self.reconciled().take(RECONCILED_MAX) {
            wants.state::<Assessment>(id);
        }
    }

    fn decide(&self, scene: &Scene<'_, Assessment>) -> Result<Decision<Assessment>, Refusal> {
        let own = in_state(scene, Self::AREA, &[State::Submitted])?;
        if scene.occurred_at.day() < own.scored.assessed_on {
            return Err(Refusal::rule(
                "/occurred_at",
                "before_assessment",
                Text::fixed(
                    "Penetapan tidak dapat mendahului tanggal penilaiannya.",
                    "A determination cannot precede the day of its assessment.",
                ),
            ));
        }
        if let Some(cooperative) = scene.world.find::<Cooperative>(own.cooperative) {
            require_living(cooperative)?;
        }
        require_at_most("/reconciles", self.reconciled().count(), RECONCILED_MAX)?;
        let category = self.category(own)?;
        let mut reconciles: Vec<uuid::Uuid> = Vec::new();
        for (index, id) in self.reconciled().enumerate() {
            let at = format!("/reconciles/{index}");
            let other = scene.named::<Assessment>(id, &at)?;
            let same = other.cooperative == own.cooperative && other.book_year == own.book_year;
            if id == scene.id || !same || other.state != State::Submitted || reconciles.contains(&id) {
                return Err(Refusal::rule(
                    &at,
                    "cannot_be_reconciled",
                    Text::fixed(
                        "Yang dapat diselaraskan hanya penilaian lain yang masih `submitted` untuk koperasi dan tahun buku yang sama.",
                        "Only another assessment that is still `submitted`, for the same cooperative and book year, can be reconciled.",
                    ),
                ));
            }
            reconciles.push(id);
        }
        let mut decision = Decision::one(Event::Determined {
            category,
            computed: own.scored.scoring.category,
            reconciles: reconciles.clone(),
            reason: self.reason.clone(),
        });
        for id in reconciles {
            decision = decision.causing::<Assessment>(id, Event::Reconciled { by: scene.id })?;
        }
        rate(decision, scene, own, category, scene.occurred_at.day())
    }
}

/// Lets the cooperative's own stream know its rating.
fn rate(
    decision: Decision<Assessment>,
    scene: &Scene<'_, Assessment>,
    own: &Assessment,
    category: HealthCategory,
    determined_on: Date,
) -> Result<Decision<Assessment>, Refusal> {
    let rating = Rating {
        book_year: own.book_year,
        category,
        regulation: own.regulation.clone(),
        assessment: scene.id,
        determined_on,
    };
    decision.causing::<Cooperative>(own.cooperative, CooperativeEvent::HealthRated(rating))
}

/// Corrects a determination.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"category": "cukup_sehat", "reason": "Cadangan risiko terhitung dua kali"}))]
pub struct Correct {
    /// The final category from now on; that of the corrected worksheet when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub category: Option<HealthCategory>,
    /// The whole worksheet, corrected, when it was wrong.
    #[deserr(default)]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub worksheet: Option<Value>,
    /// Contested readings that were chosen for the corrected worksheet.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub readings: Option<BTreeMap<String, String>>,
    /// Why.
    pub reason: Note,
}

impl Decide for Correct {
    type Resource = Assessment;
    const AREA: Area = Area::Determinations;

    fn reads(&self, own: Option<&Assessment>, _: &World, wants: &mut Wants) {
        if let Some(own) = own {
            wants.state::<Cooperative>(own.cooperative);
        }
    }

    fn decide(&self, scene: &Scene<'_, Assessment>) -> Result<Decision<Assessment>, Refusal> {
        let own = in_state(scene, Self::AREA, &[State::Determined])?;
        if self.readings.is_some() && self.worksheet.is_none() {
            let why = Text::fixed("Bacaan hanya berlaku bersama `worksheet`.", "Readings go with a `worksheet` only.");
            return Err(Refusal::rule("/readings", "readings_without_worksheet", why));
        }
        let scored = match &self.worksheet {
            Some(worksheet) => {
                let stated = own.scored.stated.clone();
                let on = own.scored.assessed_on;
                Some(score(&own.regulation, on, worksheet, self.readings.as_ref(), stated)?)
            }
            None => None,
        };
        let computed = scored.as_ref().and_then(|scored| scored.scoring.category);
        let category = self.category.or(computed).ok_or_else(|| {
            Refusal::rule(
                "/category",
                "nothing_to_correct",
                Text::fixed(
                    "Sebutkan `category` yang benar, atau `worksheet` lengkap yang menghasilkannya.",
                    "Name the right `category`, or send a complete `worksheet` that yields one.",
                ),
            )
        })?;
        require_known(own, category)?;
        // A corrected worksheet speaks for itself: it is complete, and its category is the one that is named.
        if scored.is_some() && computed != Some(category) {
            return Err(Refusal::rule(
                "/worksheet",
                "worksheet_does_not_yield_category",
                Text::fixed(
                    "Lembar kerja koreksi harus lengkap (bobot 100) dan menghasilkan kategori yang disebut; bila tidak, kirim `category` tanpa `worksheet`.",
                    "The corrected worksheet must be complete (weight 100) and yield the category that is named; if it does not, send `category` without `worksheet`.",
                ),
            ));
        }
        let determined_on = own.determination.as_ref().map_or_else(|| scene.occurred_at.day(), |d| d.determined_on);
        let decision = Decision::one(Event::Corrected { category, scored, reason: self.reason.clone() });
        rate(decision, scene, own, category, determined_on)
    }
}
