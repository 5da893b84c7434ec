//! The sheet's data types, as its JSON files hold them.

use rust_decimal::Decimal;
use serde::Deserialize;

use super::super::BandShown;
use super::super::bands::{Band, decimal, shown};
use super::super::form::{Form, Questions};
use super::super::readings::Reading;

#[derive(Deserialize)]
pub struct Sheet {
    pub aspects: Vec<Aspect>,
    pub indicators: Vec<Indicator>,
    #[serde(flatten)]
    pub form: Form,
    pub checklists: Checklists,
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
    #[serde(deserialize_with = "decimal")]
    pub weight: Decimal,
    pub numerator: Vec<String>,
    pub denominator: Vec<String>,
    /// Ascending; the last is open.
    pub bands: Vec<Band>,
}

#[derive(Deserialize)]
pub struct Checklists {
    pub key: String,
    pub aspect: String,
    pub groups: Vec<Checklist>,
}

#[derive(Deserialize)]
pub struct Checklist {
    pub key: String,
    pub questions: usize,
    #[serde(deserialize_with = "decimal")]
    pub points_each: Decimal,
}

/// How a reading departs from the table, if it does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReadingRule {
    /// It does not.
    Table,
    /// `at_zero + per_point × ratio` with the ratio rounded half up to whole percent, within 0 and 100.
    Linear { at_zero: i64, per_point: i64 },
    /// The table, but this score in its last band.
    LastBandScore {
        #[serde(deserialize_with = "decimal")]
        score: Decimal,
    },
    /// The table, and this value when the denominator is not positive.
    ZeroDenominatorValue { value: i64 },
}

impl Sheet {
    /// The groups of questions of the sheet.
    pub fn questions(&self) -> Vec<Questions<'_>> {
        let lists = &self.checklists;
        let groups = lists.groups.iter();
        groups.map(|list| Questions { block: &lists.key, group: &list.key, count: list.questions }).collect()
    }
}

impl Indicator {
    /// A band as it is shown.
    pub fn shown(&self, index: usize) -> Option<BandShown> {
        shown(&self.bands, index, |value| self.score_of(value))
    }

    /// `value × weight ÷ 100`.
    pub fn score_of(&self, value: i64) -> Decimal {
        Decimal::from(value) * self.weight / Decimal::ONE_HUNDRED
    }
}
