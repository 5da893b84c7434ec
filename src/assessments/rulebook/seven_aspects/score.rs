//! From amounts to ratios, values, scores, total and category; exact throughout.

use rust_decimal::Decimal;

use super::super::bands::{Ratio, no_denominator};
use super::super::form::Inputs;
use super::super::readings::{Choice, Chosen, by_reading};
use super::super::regulation::Regulation;
use super::super::{AspectScore, IndicatorScore, IndicatorState, Scoring};
use super::improve::improvements;
use super::sheet::{Indicator, ReadingRule, Sheet};
use crate::kernel::decimal_text;

/// An indicator's result before it is shown.
pub struct Result<'a> {
    pub indicator: &'a Indicator,
    pub ratio: Option<Ratio>,
    pub band: Option<usize>,
    pub score: Option<Decimal>,
    pub shown: IndicatorScore,
}

/// Scores read inputs.
pub fn score(regulation: &Regulation, sheet: &Sheet, inputs: &Inputs, chosen: &Chosen<'_, ReadingRule>) -> Scoring {
    let results: Vec<Result<'_>> =
        sheet.indicators.iter().map(|indicator| score_indicator(indicator, inputs, chosen)).collect();
    let lists: Vec<(IndicatorScore, Option<Decimal>, Decimal)> = score_checklists(sheet, inputs);
    let mut aspects = Vec::new();
    let (mut total, mut covered) = (Decimal::ZERO, Decimal::ZERO);
    let mut indicators = Vec::new();
    for aspect in &sheet.aspects {
        let of_ratios = results.iter().filter(|result| result.indicator.aspect == aspect.key);
        let of_lists = lists.iter().filter(|(shown, ..)| shown.aspect == aspect.key);
        let scored = of_ratios
            .map(|result| (&result.shown, result.score, result.indicator.weight))
            .chain(of_lists.map(|(shown, score, weight)| (shown, *score, *weight)));
        let mut sum = Decimal::ZERO;
        for (shown, score, weight) in scored {
            indicators.push(shown.clone());
            if let Some(score) = score {
                sum += score;
                covered += weight;
            }
        }
        total += sum;
        aspects.push(AspectScore {
            key: aspect.key.clone(),
            score: decimal_text(sum, 2),
            max: aspect.weight.normalize().to_string(),
            pooled: None,
        });
    }
    let complete = covered == Decimal::ONE_HUNDRED;
    let category = regulation.category(total).filter(|_| complete);
    Scoring {
        regulation: regulation.id.clone(),
        readings: chosen.names.clone(),
        indicators,
        aspects,
        covered_weight: covered.normalize().to_string(),
        total: decimal_text(total, 2),
        category,
        improvements: improvements(sheet, &results, inputs),
        warnings: inputs.warnings.clone(),
    }
}

fn score_indicator<'a>(indicator: &'a Indicator, inputs: &Inputs, chosen: &Chosen<'_, ReadingRule>) -> Result<'a> {
    let sum = |keys: &[String]| keys.iter().map(|key| inputs.amounts.get(key).copied()).sum::<Option<Decimal>>();
    let (numerator, denominator) = (sum(&indicator.numerator), sum(&indicator.denominator));
    let mut missing: Vec<String> = indicator.numerator.iter().chain(&indicator.denominator).cloned().collect();
    missing.retain(|key| !inputs.amounts.contains_key(key));
    missing.dedup();
    let rules: Vec<_> = chosen.about(&indicator.key).collect();
    let mut result = Result {
        indicator,
        ratio: None,
        band: None,
        score: None,
        shown: IndicatorScore {
            key: indicator.key.clone(),
            aspect: indicator.aspect.clone(),
            ratio_percent: None,
            value: None,
            skor: None,
            weight: indicator.weight.normalize().to_string(),
            score: None,
            state: IndicatorState::MissingInput,
            band: None,
            missing,
            explanation: None,
        },
    };
    let (Some(numerator), Some(denominator)) = (numerator, denominator) else {
        return result;
    };
    if let Some(ratio) = Ratio::of(numerator, denominator) {
        classify(&mut result, ratio, &rules);
    } else {
        without_denominator(&mut result, denominator, &rules);
    }
    result
}

fn classify(result: &mut Result<'_>, ratio: Ratio, rules: &[&Choice<'_, ReadingRule>]) {
    let bands = &result.indicator.bands;
    let Some(index) = ratio.band(bands) else {
        return;
    };
    let mut value = bands[index].value;
    let mut score = result.indicator.score_of(value);
    let mut band = Some(index);
    for Choice { option, rule, .. } in rules {
        match rule {
            ReadingRule::Linear { at_zero, per_point } => {
                use rust_decimal::prelude::ToPrimitive;
                let points = Decimal::from(*at_zero) + Decimal::from(*per_point) * ratio.whole_percent();
                value = points.clamp(Decimal::ZERO, Decimal::ONE_HUNDRED).to_i64().unwrap_or_default();
                score = result.indicator.score_of(value);
                band = None;
                result.shown.explanation = Some(by_reading(option));
            }
            ReadingRule::LastBandScore { score: other } if index + 1 == bands.len() => {
                score = *other;
                result.shown.explanation = Some(by_reading(option));
            }
            _ => {}
        }
    }
    result.ratio = Some(ratio);
    result.band = band;
    result.score = Some(score);
    result.shown.ratio_percent = Some(decimal_text(ratio.percent(), 2));
    result.shown.value = Some(value);
    result.shown.score = Some(decimal_text(score, 2));
    result.shown.band = band.and_then(|index| result.indicator.shown(index));
    result.shown.state = IndicatorState::Scored;
}

fn without_denominator(result: &mut Result<'_>, denominator: Decimal, rules: &[&Choice<'_, ReadingRule>]) {
    let decided = rules.iter().find_map(|Choice { option, rule, .. }| match rule {
        ReadingRule::ZeroDenominatorValue { value } => Some((*option, *value)),
        _ => None,
    });
    if let Some((option, value)) = decided {
        let score = result.indicator.score_of(value);
        result.score = Some(score);
        result.shown.value = Some(value);
        result.shown.score = Some(decimal_text(score, 2));
        result.shown.state = IndicatorState::Scored;
        result.shown.explanation = Some(by_reading(option));
        return;
    }
    result.shown.state = IndicatorState::NotApplicable;
    result.shown.explanation = Some(no_denominator(&result.indicator.denominator, denominator));
}

fn score_checklists(sheet: &Sheet, inputs: &Inputs) -> Vec<(IndicatorScore, Option<Decimal>, Decimal)> {
    let lists = &sheet.checklists;
    let scored = lists.groups.iter().map(|group| {
        let met = inputs.met(&lists.key, &group.key);
        let weight = group.points_each * Decimal::from(group.questions);
        let score = met.map(|met| group.points_each * Decimal::from(met));
        let percent = met.map(|met| Decimal::from(met * 100) / Decimal::from(group.questions));
        let shown = IndicatorScore {
            key: format!("{}_{}", lists.key, group.key),
            aspect: lists.aspect.clone(),
            ratio_percent: percent.map(|percent| decimal_text(percent, 2)),
            value: None,
            skor: None,
            weight: weight.normalize().to_string(),
            score: score.map(|score| decimal_text(score, 2)),
            state: if met.is_some() { IndicatorState::Scored } else { IndicatorState::MissingInput },
            band: None,
            missing: if met.is_some() { Vec::new() } else { vec![format!("{}.{}", lists.key, group.key)] },
            explanation: None,
        };
        (shown, score, weight)
    });
    scored.collect()
}
