//! The sheet's data types, as its JSON file holds them.

use rust_decimal::Decimal;
use serde::Deserialize;

use super::super::bands::{Band, decimal};
use super::super::form::{Form, Questions};
use super::super::readings::Reading;

/// The best skor of an indicator, that of nilai 1.
pub const SKOR_MAX: i64 = 4;

/// The score of a nilai: 4 for the best, 1, to 1 for the worst, 4.
pub fn skor(nilai: i64) -> i64 {
    SKOR_MAX + 1 - nilai
}

#[derive(Deserialize)]
pub struct Sheet {
    pub aspects: Vec<Aspect>,
    /// Bands of the share of items that are met.
    pub checklist_bands: Vec<Band>,
    pub indicators: Vec<Indicator>,
    #[serde(flatten)]
    pub form: Form,
    pub readings: Vec<Reading<ReadingRule>>,
}

#[derive(Deserialize)]
pub struct Aspect {
    pub key: String,
    #[serde(deserialize_with = "decimal")]
    pub weight: Decimal,
}

#[derive(Deserialize)]
pub struct Indicator {
    pub key: String,
    pub aspect: String,
    #[serde(flatten)]
    pub measure: Measure,
}

/// What an indicator is read from.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Measure {
    /// The share of items that are met.
    Checklist { checklist: Checklist },
    /// The sum of some amounts over that of others.
    Ratio { numerator: Vec<String>, denominator: Vec<String>, bands: Vec<Band> },
}

#[derive(Deserialize)]
pub struct Checklist {
    pub block: String,
    pub group: String,
    pub items: usize,
}

/// How a reading departs from the table, if it does.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReadingRule {
    /// It does not.
    Table,
    /// Other bands.
    Bands { bands: Vec<Band> },
    /// Other amounts above the line.
    Numerator { numerator: Vec<String> },
    /// The table, and this nilai when the denominator is not positive.
    ZeroDenominatorValue { value: i64 },
    /// About the total: percentages of aspects are rounded half up to so many decimals before they are weighted.
    RoundedAspects { decimals: u32 },
}

impl Sheet {
    /// The groups of items of the sheet.
    pub fn questions(&self) -> Vec<Questions<'_>> {
        let lists = self.indicators.iter().filter_map(|indicator| match &indicator.measure {
            Measure::Checklist { checklist } => Some(checklist),
            Measure::Ratio { .. } => None,
        });
        lists.map(|list| Questions { block: &list.block, group: &list.group, count: list.items }).collect()
    }

    /// What the skor of each indicator of an aspect is worth.
    pub fn worth(&self, aspect: &Aspect) -> Worth {
        let indicators = self.indicators.iter().filter(|indicator| indicator.aspect == aspect.key).count();
        Worth { weight: aspect.weight, indicators }
    }
}

/// What skor are worth in an aspect: weight × Σ skor ÷ (4 × indicators) points of the total.
#[derive(Clone, Copy)]
pub struct Worth {
    pub weight: Decimal,
    pub indicators: usize,
}

impl Worth {
    /// The highest sum of skor.
    pub fn skor_max(self) -> i64 {
        SKOR_MAX * i64::try_from(self.indicators).unwrap_or_default()
    }

    /// Points of the total for a sum of skor.
    pub fn points(self, skor: i64) -> Decimal {
        self.weight * Decimal::from(skor) / Decimal::from(self.skor_max())
    }
}
