//! What rule books say of their regulation: its name, whom it is for, its categories.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::bands::maybe_decimal;
use crate::cooperatives::{CooperativeKind, HealthCategory};
use crate::kernel::{Date, Text};

/// What a rule book says of the regulation itself.
#[derive(Deserialize)]
pub struct Regulation {
    pub id: String,
    pub title: String,
    #[serde(flatten)]
    pub validity: Validity,
    pub kinds: Vec<CooperativeKind>,
    /// Best first; lower bounds inclusive.
    pub categories: Vec<CategoryBound>,
}

/// When a regulation is in force, as far as that is known.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Validity {
    /// Its first day; null when no beginning is known.
    pub valid_from: Option<Date>,
    /// Its last day; null while it is in force, or when no end is known.
    pub valid_until: Option<Date>,
    /// How exactly the days are known, in both languages.
    #[schema(value_type = Object)]
    pub validity_note: Text,
}

impl Validity {
    /// Whether it is in force on a day.
    pub fn holds_on(&self, day: Date) -> bool {
        day.is_within(self.valid_from, self.valid_until)
    }
}

impl Regulation {
    /// The categories it can yield, best first.
    pub fn words(&self) -> Vec<HealthCategory> {
        self.categories.iter().map(|bound| bound.key).collect()
    }

    /// The category of a total; the total is never rounded first.
    pub fn category(&self, total: Decimal) -> Option<HealthCategory> {
        let reached = |bound: &&CategoryBound| bound.from.is_none_or(|from| total >= from);
        self.categories.iter().find(reached).map(|bound| bound.key)
    }
}

/// A category and the least total for it.
#[derive(Deserialize)]
pub struct CategoryBound {
    pub key: HealthCategory,
    #[serde(deserialize_with = "maybe_decimal")]
    pub from: Option<Decimal>,
}

/// The data of a rule book as it is shown: that of the regulation and that of its sheet in one object.
///
/// # Errors
/// When one of them is no JSON.
pub fn shown(regulation: &str, sheet: &str) -> Result<Value, serde_json::Error> {
    let mut shown: Value = serde_json::from_str(regulation)?;
    let details: Value = serde_json::from_str(sheet)?;
    if let (Some(shown), Some(details)) = (shown.as_object_mut(), details.as_object()) {
        shown.extend(details.clone());
    }
    Ok(shown)
}
