//! The result of scoring, the same for every rule book.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cooperatives::HealthCategory;
use crate::kernel::Text;

crate::words! {
    /// Whether an indicator could be scored.
    IndicatorState {
        /// It was.
        Scored = "scored",
        /// Amounts are missing.
        MissingInput = "missing_input",
        /// The regulation gives no value for these amounts, such as a ratio over nothing.
        NotApplicable = "not_applicable",
    }
}

crate::words! {
    /// How sure a bound of a band is.
    Certainty {
        /// Independent sources agree on it.
        Certain = "certain",
        /// A single source prints it, or sources differ on the figure or on which side it belongs to.
        Contested = "contested",
    }
}

/// A band of ratios with its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BandShown {
    /// Lower end in percent; null when open.
    pub from: Option<String>,
    /// Whether the lower end belongs to the band.
    pub from_inclusive: bool,
    /// How sure the lower end is, where the rule book tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from_certainty: Option<Certainty>,
    /// Upper end in percent; null when open.
    pub to: Option<String>,
    /// Whether the upper end belongs to the band.
    pub to_inclusive: bool,
    /// How sure the upper end is, where the rule book tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to_certainty: Option<Certainty>,
    /// Value on the regulation's scale: 0 to 100, or nilai 1 (best) to 4.
    pub value: i64,
    /// What it adds to the total.
    pub score: String,
}

/// One indicator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndicatorScore {
    /// Its key.
    pub key: String,
    /// The aspect it belongs to.
    pub aspect: String,
    /// Ratio in percent, up to ten decimals; classified unrounded.
    #[schema(example = "66.3212923543")]
    pub ratio_percent: Option<String>,
    /// Value on the regulation's scale: 0 to 100, or nilai 1 (best) to 4.
    pub value: Option<i64>,
    /// The sheet's own score of a nilai, 5 − nilai, where the regulation has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub skor: Option<i64>,
    /// Weight: the most it can add to the total of 100.
    #[schema(example = "6")]
    pub weight: String,
    /// What it adds to the total.
    #[schema(example = "3.00")]
    pub score: Option<String>,
    /// Whether it could be scored.
    pub state: IndicatorState,
    /// The band the ratio fell in.
    pub band: Option<BandShown>,
    /// Worksheet keys that are missing.
    pub missing: Vec<String>,
    /// Why there is no value, or which reading gave it.
    #[schema(value_type = Option<Object>)]
    pub explanation: Option<Text>,
}

/// What the indicators of an aspect make together, where the regulation pools them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pooled {
    /// How many indicators the aspect has.
    pub indicators: usize,
    /// How many of them could be scored.
    pub scored: usize,
    /// Sum of their `skor`.
    pub skor: i64,
    /// The most it can be: four for each indicator, scored or not.
    pub skor_max: i64,
    /// `skor ÷ skor_max` in percent, up to ten decimals.
    #[schema(example = "75.00")]
    pub percent: String,
}

/// One aspect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AspectScore {
    /// Its key.
    pub key: String,
    /// What it adds to the total: the sum of its scores.
    pub score: String,
    /// The most it can add: its weight.
    pub max: String,
    /// How its indicators were pooled, where the regulation does so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pooled: Option<Pooled>,
}

/// What could be gained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Improvement {
    /// The indicator.
    pub key: String,
    /// Weight less score.
    pub points_lost: String,
    /// What the next better band would add.
    pub gain: String,
    /// The nearest band with a better value; for a checklist, one more item met.
    pub next_band: Option<BandShown>,
}

/// A scored worksheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Scoring {
    /// The regulation.
    pub regulation: String,
    /// Every reading that was used, chosen or by default.
    pub readings: BTreeMap<String, String>,
    /// Indicators in the order of the sheet.
    pub indicators: Vec<IndicatorScore>,
    /// Aspects in the order of the sheet.
    pub aspects: Vec<AspectScore>,
    /// Weight of what could be scored, at most 100.
    pub covered_weight: String,
    /// Sum of all scores.
    pub total: String,
    /// Category of the total; null while the covered weight is below 100.
    pub category: Option<HealthCategory>,
    /// What could be gained, most first.
    pub improvements: Vec<Improvement>,
    /// What looks odd and was accepted.
    pub warnings: Vec<String>,
}
