//! What could be gained: for each indicator the nearest better band and what it is worth.

use rust_decimal::Decimal;

use super::super::Improvement;
use super::super::form::Inputs;
use super::score::Result;
use super::sheet::{Indicator, Sheet};
use crate::kernel::decimal_text;

/// Everything that lost points, most first.
pub fn improvements(sheet: &Sheet, results: &[Result<'_>], inputs: &Inputs) -> Vec<Improvement> {
    let mut found: Vec<(Decimal, Improvement)> = results.iter().filter_map(of_ratio).collect();
    for group in &sheet.checklists.groups {
        let Some(met) = inputs.met(&sheet.checklists.key, &group.key).filter(|met| *met < group.questions) else {
            continue;
        };
        let lost = group.points_each * Decimal::from(group.questions - met);
        let key = format!("{}_{}", sheet.checklists.key, group.key);
        let gain = decimal_text(group.points_each, 2);
        found.push((lost, Improvement { key, points_lost: decimal_text(lost, 2), gain, next_band: None }));
    }
    found.sort_by(|(lost, one), (other_lost, other)| other_lost.cmp(lost).then_with(|| one.key.cmp(&other.key)));
    found.into_iter().map(|(_, improvement)| improvement).collect()
}

fn of_ratio(result: &Result<'_>) -> Option<(Decimal, Improvement)> {
    let score = result.score?;
    let lost = result.indicator.weight - score;
    if lost <= Decimal::ZERO {
        return None;
    }
    let next = result.band.and_then(|band| nearest_better(result.indicator, band));
    let gain = next.map_or(Decimal::ZERO, |next| result.indicator.score_of(result.indicator.bands[next].value) - score);
    let improvement = Improvement {
        key: result.indicator.key.clone(),
        points_lost: decimal_text(lost, 2),
        gain: decimal_text(gain, 2),
        next_band: next.and_then(|next| result.indicator.shown(next)),
    };
    Some((lost, improvement))
}

/// The closest band, up or down, with a better value than the present one.
fn nearest_better(indicator: &Indicator, band: usize) -> Option<usize> {
    let value = indicator.bands[band].value;
    let better = |index: &usize| indicator.bands[*index].value > value;
    (0..indicator.bands.len()).filter(better).min_by_key(|index| index.abs_diff(band))
}
