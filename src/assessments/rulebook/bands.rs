//! Ratios and the bands they fall in, exact throughout; and decimals as rule-book data holds them.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

use super::{BandShown, Certainty};
use crate::kernel::{Text, decimal_text};

/// Reads a decimal from text, for `deserialize_with`.
///
/// # Errors
/// When it is no decimal.
pub fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// Reads a decimal that may be left out or null.
///
/// # Errors
/// When it is no decimal.
pub fn maybe_decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

/// A band up to a bound in percent: `below` excludes it, `to` includes it, neither is the open last band. Bands stand in ascending order.
#[derive(Deserialize)]
pub struct Band {
    #[serde(default, deserialize_with = "maybe_decimal")]
    pub below: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe_decimal")]
    pub to: Option<Decimal>,
    pub value: i64,
    /// How sure this bound is, where the rule book tells bound by bound.
    #[serde(default)]
    pub bound: Option<Certainty>,
}

/// A band as it is shown; its lower end is the upper end of the band before. `score_of` tells what a value is worth.
pub fn shown(bands: &[Band], index: usize, score_of: impl Fn(i64) -> Decimal) -> Option<BandShown> {
    let band = bands.get(index)?;
    let before = index.checked_sub(1).and_then(|before| bands.get(before));
    let text = |bound: Decimal| bound.normalize().to_string();
    Some(BandShown {
        from: before.and_then(|before| before.below.or(before.to)).map(text),
        from_inclusive: before.is_some_and(|before| before.below.is_some()),
        from_certainty: before.and_then(|before| before.bound),
        to: band.below.or(band.to).map(text),
        to_inclusive: band.to.is_some(),
        to_certainty: band.bound,
        value: band.value,
        score: decimal_text(score_of(band.value), 2),
    })
}

/// A positive denominator and its numerator: a ratio that exists.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    numerator: Decimal,
    denominator: Decimal,
}

impl Ratio {
    /// The ratio, if the denominator is positive.
    pub fn of(numerator: Decimal, denominator: Decimal) -> Option<Self> {
        (denominator > Decimal::ZERO).then_some(Self { numerator, denominator })
    }

    /// The band it falls in.
    pub fn band(self, bands: &[Band]) -> Option<usize> {
        bands.iter().position(|band| self.within(band))
    }

    /// Whether it lies in a band that ends so; by cross multiplication, so that nothing is rounded. Amounts have at most 16 digits before the
    /// point and 4 after it, bounds at most 3 and 1: every product fits the 28 digits of [`Decimal`].
    fn within(self, band: &Band) -> bool {
        let left = self.numerator * Decimal::ONE_HUNDRED;
        match (band.below, band.to) {
            (Some(bound), _) => left < bound * self.denominator,
            (None, Some(bound)) => left <= bound * self.denominator,
            (None, None) => true,
        }
    }

    /// In percent, for showing.
    pub fn percent(self) -> Decimal {
        self.numerator * Decimal::ONE_HUNDRED / self.denominator
    }

    /// In whole percent, rounded half up.
    pub fn whole_percent(self) -> Decimal {
        let floor = (self.percent() + Decimal::new(5, 1)).floor();
        // The division may have rounded up to the next whole number; multiplication tells exactly.
        let reached = (floor - Decimal::new(5, 1)) * self.denominator <= self.numerator * Decimal::ONE_HUNDRED;
        if reached { floor } else { floor - Decimal::ONE }
    }
}

/// Tells that there is no ratio, because what it would be taken over is zero or negative.
pub fn no_denominator(keys: &[String], denominator: Decimal) -> Text {
    let keys = keys.join(" + ");
    text!(
        "Penyebut `{keys}` adalah {denominator}; rasio tidak dapat dihitung dan regulasi tidak memberi nilai untuk keadaan ini. Asesor harus memutuskan.",
        "The denominator `{keys}` is {denominator}; the ratio cannot be formed and the regulation gives no value for this. The assessor must decide."
    )
}
