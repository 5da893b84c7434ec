//! What assessments add to the statistics.

use super::events::AssessmentEvent as Event;
use super::state::Assessment;
use crate::kernel::{MeasureDefinition, OneOf, Text};
use crate::ledger::{Envelope, Posting};

const SUBMITTED: &str = "assessments_submitted";
const DETERMINED: &str = "assessments_determined";

/// Every measure of this area.
pub static MEASURES: &[MeasureDefinition] = &[
    MeasureDefinition {
        measure: SUBMITTED,
        version: 1,
        parts: &["regulation", "book_year"],
        organisation: "submitter",
        has_amount: false,
        monthly: false,
        definition: Text::fixed(
            "Penilaian kesehatan yang diajukan.",
            "Health assessments handed in; handing in again what was returned adds nothing.",
        ),
        formula: "count of assessment.submitted by the day of the assessment",
    },
    MeasureDefinition {
        measure: DETERMINED,
        version: 1,
        parts: &["regulation", "book_year", "category"],
        organisation: "submitter",
        has_amount: false,
        monthly: false,
        definition: Text::fixed(
            "Penetapan kesehatan menurut predikatnya, sebagaimana terakhir dikoreksi.",
            "Determinations by category, as last corrected.",
        ),
        formula: "count of standing determinations by determined_on; a correction moves one from a category to another",
    },
];

/// What an event adds.
pub(super) fn of_event(own: &Assessment, event: &Event, envelope: &Envelope) -> Vec<Posting> {
    let Event::Submitted { scored, regulation, book_year, .. } = event else { return Vec::new() };
    let value = [regulation.as_str(), &book_year.to_string()];
    vec![Posting::one(SUBMITTED, scored.assessed_on, own.region, envelope.organisation, &value)]
}

/// What an assessment stands for once it is determined.
pub(super) fn of_state(own: &Assessment) -> Vec<Posting> {
    let year = own.book_year.to_string();
    let posting = |determined: &super::state::Determination| {
        let value = [own.regulation.as_str(), &year, determined.category.word()];
        Posting::one(DETERMINED, determined.determined_on, own.region, own.stamp.recorded_by, &value)
    };
    own.determination.iter().map(posting).collect()
}
