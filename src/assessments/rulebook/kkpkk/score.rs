//! From amounts and answers to nilai, skor, pooled aspects, total and category; exact throughout.

use rust_decimal::{Decimal, RoundingStrategy};

use super::super::bands::{self, Band, Ratio, no_denominator};
use super::super::form::Inputs;
use super::super::readings::{Choice, Chosen, by_reading};
use super::super::regulation::Regulation;
use super::super::{AspectScore, IndicatorScore, IndicatorState, Pooled, Scoring};
use super::improve::improvements;
use super::sheet::{Aspect, Indicator, Measure, ReadingRule, SKOR_MAX, Sheet, Worth, skor};
use crate::kernel::decimal_text;

/// The name under which readings speak of the whole sheet rather than of an indicator.
const TOTAL: &str = "total";

/// An indicator's result before it is shown.
pub struct Result<'a> {
    pub worth: Worth,
    /// The bands in force: the table's, or those of a reading.
    pub bands: &'a [Band],
    pub band: Option<usize>,
    pub shown: IndicatorScore,
}

/// A sum of points as a fraction, so that thirds and seventeenths are not rounded on the way to the total.
#[derive(Clone, Copy)]
struct Sum {
    numerator: Decimal,
    denominator: Decimal,
}

impl Sum {
    const NOTHING: Self = Self { numerator: Decimal::ZERO, denominator: Decimal::ONE };

    fn plus(self, numerator: Decimal, denominator: Decimal) -> Self {
        Self {
            numerator: self.numerator * denominator + numerator * self.denominator,
            denominator: self.denominator * denominator,
        }
    }

    /// A bound with few decimals is met exactly or missed by more than the last digit of this division.
    fn value(self) -> Decimal {
        self.numerator / self.denominator
    }
}

/// Scores read inputs.
pub fn score(regulation: &Regulation, sheet: &Sheet, inputs: &Inputs, chosen: &Chosen<'_, ReadingRule>) -> Scoring {
    let mut results: Vec<Result<'_>> = Vec::new();
    let mut aspects = Vec::new();
    let (mut total, mut covered) = (Sum::NOTHING, Sum::NOTHING);
    let decimals = chosen.about(TOTAL).find_map(|chosen| match chosen.rule {
        ReadingRule::RoundedAspects { decimals } => Some(*decimals),
        _ => None,
    });
    for aspect in &sheet.aspects {
        let worth = sheet.worth(aspect);
        let own = sheet.indicators.iter().filter(|indicator| indicator.aspect == aspect.key);
        let scored: Vec<_> = own.map(|indicator| score_indicator(sheet, worth, indicator, inputs, chosen)).collect();
        let (shown, points) = pool(aspect, worth, &scored, decimals);
        let share = shown.pooled.as_ref().map_or(0, |pooled| pooled.scored);
        total = total.plus(points.numerator, points.denominator);
        covered = covered.plus(aspect.weight * Decimal::from(share), Decimal::from(worth.indicators));
        aspects.push(shown);
        results.extend(scored);
    }
    let complete = covered.value() == Decimal::ONE_HUNDRED;
    Scoring {
        regulation: regulation.id.clone(),
        readings: chosen.names.clone(),
        improvements: improvements(&results),
        indicators: results.into_iter().map(|result| result.shown).collect(),
        aspects,
        covered_weight: decimal_text(covered.value(), 0),
        total: decimal_text(total.value(), 2),
        category: regulation.category(total.value()).filter(|_| complete),
        warnings: inputs.warnings.clone(),
    }
}

/// Pools the indicators of an aspect; the points are what it adds to the total.
fn pool(aspect: &Aspect, worth: Worth, results: &[Result<'_>], decimals: Option<u32>) -> (AspectScore, Sum) {
    let skors = || results.iter().filter_map(|result| result.shown.skor);
    let (sum, max) = (skors().sum::<i64>(), worth.skor_max());
    let exact = Sum::NOTHING.plus(Decimal::ONE_HUNDRED * Decimal::from(sum), Decimal::from(max));
    let percent = decimals.map_or(exact, |decimals| {
        let rounded = exact.value().round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
        Sum::NOTHING.plus(rounded, Decimal::ONE)
    });
    let points =
        Sum { numerator: aspect.weight * percent.numerator, denominator: percent.denominator * Decimal::ONE_HUNDRED };
    let pooled = Pooled {
        indicators: worth.indicators,
        scored: skors().count(),
        skor: sum,
        skor_max: max,
        percent: decimal_text(percent.value(), 2),
    };
    let shown = AspectScore {
        key: aspect.key.clone(),
        score: decimal_text(points.value(), 2),
        max: aspect.weight.normalize().to_string(),
        pooled: Some(pooled),
    };
    (shown, points)
}

fn score_indicator<'a>(
    sheet: &'a Sheet,
    worth: Worth,
    indicator: &'a Indicator,
    inputs: &Inputs,
    chosen: &Chosen<'a, ReadingRule>,
) -> Result<'a> {
    let shown = IndicatorScore {
        key: indicator.key.clone(),
        aspect: indicator.aspect.clone(),
        ratio_percent: None,
        value: None,
        skor: None,
        weight: decimal_text(worth.points(SKOR_MAX), 0),
        score: None,
        state: IndicatorState::MissingInput,
        band: None,
        missing: Vec::new(),
        explanation: None,
    };
    let mut result = Result { worth, bands: &sheet.checklist_bands, band: None, shown };
    match &indicator.measure {
        Measure::Checklist { checklist } => match inputs.met(&checklist.block, &checklist.group) {
            Some(met) => result.classify(Ratio::of(met.into(), checklist.items.into())),
            None => result.shown.missing.push(format!("{}.{}", checklist.block, checklist.group)),
        },
        Measure::Ratio { numerator, denominator, bands } => {
            result.bands = bands;
            result.score_ratio(numerator, denominator, inputs, &chosen.about(&indicator.key).collect::<Vec<_>>());
        }
    }
    result
}

impl<'a> Result<'a> {
    fn score_ratio(
        &mut self,
        mut numerator: &'a [String],
        denominator: &[String],
        inputs: &Inputs,
        rules: &[&Choice<'a, ReadingRule>],
    ) {
        let mut without_denominator = None;
        let mut departs = None;
        for Choice { option, rule, .. } in rules.iter().copied() {
            match rule {
                ReadingRule::Table | ReadingRule::RoundedAspects { .. } => {}
                ReadingRule::Bands { bands } => (self.bands, departs) = (bands, Some(*option)),
                ReadingRule::Numerator { numerator: other } => (numerator, departs) = (other, Some(*option)),
                ReadingRule::ZeroDenominatorValue { value } => without_denominator = Some((*option, *value)),
            }
        }
        let sum = |keys: &[String]| keys.iter().map(|key| inputs.amounts.get(key).copied()).sum::<Option<Decimal>>();
        let (Some(above), Some(below)) = (sum(numerator), sum(denominator)) else {
            let lacking = numerator.iter().chain(denominator).filter(|key| !inputs.amounts.contains_key(*key));
            self.shown.missing = lacking.cloned().collect();
            self.shown.missing.dedup();
            return;
        };
        self.shown.explanation = departs.map(by_reading);
        match (Ratio::of(above, below), without_denominator) {
            (None, Some((option, value))) => {
                self.take(value);
                self.shown.explanation = Some(by_reading(option));
            }
            (None, None) => {
                self.shown.state = IndicatorState::NotApplicable;
                self.shown.explanation = Some(no_denominator(denominator, below));
            }
            (ratio, _) => self.classify(ratio),
        }
    }

    fn classify(&mut self, ratio: Option<Ratio>) {
        let Some((ratio, band)) = ratio.and_then(|ratio| Some((ratio, ratio.band(self.bands)?))) else {
            return;
        };
        self.band = Some(band);
        self.shown.ratio_percent = Some(decimal_text(ratio.percent(), 2));
        self.shown.band = self.band_shown(band);
        self.take(self.bands[band].value);
    }

    fn take(&mut self, nilai: i64) {
        self.shown.value = Some(nilai);
        self.shown.skor = Some(skor(nilai));
        self.shown.score = Some(decimal_text(self.worth.points(skor(nilai)), 2));
        self.shown.state = IndicatorState::Scored;
    }

    /// A band with what its nilai adds to the total.
    pub fn band_shown(&self, band: usize) -> Option<super::super::BandShown> {
        bands::shown(self.bands, band, |nilai| self.worth.points(skor(nilai)))
    }
}
