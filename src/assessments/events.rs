//! What happens to assessments.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::rulebook::Scoring;
use crate::cooperatives::{CooperativeKind, HealthCategory};
use crate::kernel::{Date, Note, Region, Rupiah};

/// What the sender says the result is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stated {
    /// The total.
    pub total: Option<Rupiah>,
    /// The category.
    pub category: Option<HealthCategory>,
}

/// A worksheet and what the service made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Scored {
    /// The day of the assessment.
    pub assessed_on: Date,
    /// The worksheet as sent.
    #[schema(value_type = Object, required = false)]
    pub worksheet: Value,
    /// Its scoring; like the worksheet, not shown to the regencies of other regions.
    #[schema(required = false)]
    pub scoring: Scoring,
    /// What the sender stated.
    pub stated: Stated,
    /// Whether what was stated differs from what was computed.
    pub discrepancy: bool,
}

/// An event of an assessment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum AssessmentEvent {
    /// A worksheet was handed in.
    #[serde(rename = "assessment.submitted")]
    Submitted {
        /// Whose.
        cooperative: Uuid,
        /// What the cooperative was then.
        cooperative_kind: CooperativeKind,
        /// Where it sat then.
        region: Region,
        /// The regulation.
        regulation: String,
        /// The year whose accounts were assessed.
        book_year: i32,
        /// Worksheet and scoring.
        scored: Box<Scored>,
    },
    /// It goes back to the sender.
    #[serde(rename = "assessment.returned")]
    Returned {
        /// Why.
        reasons: Vec<Note>,
    },
    /// It was handed in again.
    #[serde(rename = "assessment.resubmitted")]
    Resubmitted {
        /// Worksheet and scoring.
        scored: Box<Scored>,
    },
    /// The sender takes it back.
    #[serde(rename = "assessment.withdrawn")]
    Withdrawn {
        /// Why.
        reason: Option<Note>,
    },
    /// The province determined the category.
    #[serde(rename = "assessment.determined")]
    Determined {
        /// The final category.
        category: HealthCategory,
        /// What was computed, if anything could be.
        computed: Option<HealthCategory>,
        /// Other submissions for the same cooperative and book year that this settles.
        reconciles: Vec<Uuid>,
        /// Why, where it departs from what was computed.
        reason: Option<Note>,
    },
    /// The determination of another submission settled this one.
    #[serde(rename = "assessment.reconciled")]
    Reconciled {
        /// The assessment that was determined.
        by: Uuid,
    },
    /// The determination was corrected; the correction takes its place.
    #[serde(rename = "assessment.corrected")]
    Corrected {
        /// The final category from now on.
        category: HealthCategory,
        /// A corrected worksheet, if it was wrong.
        scored: Option<Box<Scored>>,
        /// Why.
        reason: Note,
    },
}
