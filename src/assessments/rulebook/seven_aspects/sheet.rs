//! The sheet's data types, as its JSON files hold them.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

use super::super::{BandShown, Readings};
use crate::cooperatives::{CooperativeKind, HealthCategory};
use crate::kernel::{Faults, decimal_text, shown};

fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

fn maybe_decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

#[derive(Deserialize)]
pub struct Regulation {
    pub id: String,
    pub title: String,
    pub kinds: Vec<CooperativeKind>,
    /// Best first; lower bounds inclusive.
    pub categories: Vec<CategoryBound>,
}

impl Regulation {
    /// The category of a total; the total is never rounded first.
    pub fn category(&self, total: Decimal) -> Option<HealthCategory> {
        let reached = |bound: &&CategoryBound| bound.from.is_none_or(|from| total >= from);
        self.categories.iter().find(reached).map(|bound| bound.key)
    }
}

#[derive(Deserialize)]
pub struct CategoryBound {
    pub key: HealthCategory,
    #[serde(deserialize_with = "maybe_decimal")]
    pub from: Option<Decimal>,
}

#[derive(Deserialize)]
pub struct Sheet {
    pub aspects: Vec<Aspect>,
    pub indicators: Vec<Indicator>,
    pub amounts: Vec<String>,
    /// Amounts for which a minus sign makes sense.
    pub may_be_negative: Vec<String>,
    /// Pairs of amounts of which the first is part of the second.
    pub parts: Vec<(String, String)>,
    pub components: BTreeMap<String, Vec<Term>>,
    pub derived: Vec<Derived>,
    pub checklists: Checklists,
    pub readings: Vec<Reading>,
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

/// A band up to a bound: `below` excludes it, `to` includes it, neither is the open last band.
#[derive(Deserialize)]
pub struct Band {
    #[serde(default, deserialize_with = "maybe_decimal")]
    pub below: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe_decimal")]
    pub to: Option<Decimal>,
    pub value: i64,
}

#[derive(Deserialize)]
pub struct Term {
    pub key: String,
    #[serde(deserialize_with = "decimal")]
    pub percent: Decimal,
}

/// An amount that may be given or computed: from a component group, or from other amounts.
#[derive(Deserialize)]
pub struct Derived {
    pub key: String,
    pub components: Option<String>,
    #[serde(default)]
    pub terms: Vec<Term>,
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

#[derive(Deserialize)]
pub struct Reading {
    pub key: String,
    pub indicator: String,
    pub default: String,
    pub options: Vec<ReadingOption>,
}

#[derive(Deserialize)]
pub struct ReadingOption {
    pub key: String,
    pub rule: ReadingRule,
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

/// The readings that apply, with the rules they bring for each indicator.
pub struct Chosen<'a> {
    pub names: BTreeMap<String, String>,
    pub rules: Vec<(&'a str, &'a str, &'a ReadingRule)>,
}

impl Sheet {
    /// Takes the chosen readings and the defaults of the rest.
    pub fn choose(&self, readings: &Readings, faults: &mut Faults) -> Chosen<'_> {
        let mut chosen = Chosen { names: BTreeMap::new(), rules: Vec::new() };
        for reading in &self.readings {
            let name = readings.get(&reading.key).unwrap_or(&reading.default);
            let Some(option) = reading.options.iter().find(|option| option.key == *name) else {
                let known = reading.options.iter().map(|option| option.key.as_str()).collect::<Vec<_>>().join(", ");
                faults.add(
                    format!("/readings/{}", reading.key),
                    "unknown_reading",
                    text!("Pilih salah satu: {known}.", "Choose one of: {known}."),
                );
                continue;
            };
            chosen.names.insert(reading.key.clone(), option.key.clone());
            chosen.rules.push((&reading.indicator, &option.key, &option.rule));
        }
        for unknown in readings.keys().filter(|key| !self.readings.iter().any(|reading| reading.key == **key)) {
            let unknown = shown(unknown);
            let known = self.readings.iter().map(|reading| reading.key.as_str()).collect::<Vec<_>>().join(", ");
            faults.add(
                format!("/readings/{unknown}"),
                "unknown_reading",
                text!(
                    "Bacaan `{unknown}` tidak ada; yang ada: {known}.",
                    "There is no reading `{unknown}`; there are: {known}."
                ),
            );
        }
        chosen
    }
}

impl Indicator {
    /// A band as it is shown; its lower end is the upper end of the band before.
    pub fn shown(&self, index: usize) -> Option<BandShown> {
        let band = self.bands.get(index)?;
        let before = index.checked_sub(1).and_then(|before| self.bands.get(before));
        let text = |bound: Decimal| bound.normalize().to_string();
        Some(BandShown {
            from: before.and_then(|before| before.below.or(before.to)).map(text),
            from_inclusive: before.is_some_and(|before| before.below.is_some()),
            to: band.below.or(band.to).map(text),
            to_inclusive: band.to.is_some(),
            value: band.value,
            score: decimal_text(self.score_of(band.value), 2),
        })
    }

    /// `value × weight ÷ 100`.
    pub fn score_of(&self, value: i64) -> Decimal {
        Decimal::from(value) * self.weight / Decimal::ONE_HUNDRED
    }
}
