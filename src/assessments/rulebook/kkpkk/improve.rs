//! What could be gained: for each indicator the nearest better band and what it is worth.

use super::super::Improvement;
use super::score::Result;
use super::sheet::{SKOR_MAX, skor};
use crate::kernel::decimal_text;

/// Everything that lost points, most first.
pub fn improvements(results: &[Result<'_>]) -> Vec<Improvement> {
    let mut found: Vec<_> = results.iter().filter_map(of_indicator).collect();
    found.sort_by(|(lost, one), (other_lost, other)| other_lost.cmp(lost).then_with(|| one.key.cmp(&other.key)));
    found.into_iter().map(|(_, improvement)| improvement).collect()
}

fn of_indicator(result: &Result<'_>) -> Option<(rust_decimal::Decimal, Improvement)> {
    let own = result.shown.skor.filter(|own| *own < SKOR_MAX)?;
    let next = result.band.and_then(|band| nearest_better(result, band));
    let gained = next.map_or(0, |next| skor(result.bands[next].value) - own);
    let lost = result.worth.points(SKOR_MAX - own);
    let improvement = Improvement {
        key: result.shown.key.clone(),
        points_lost: decimal_text(lost, 2),
        gain: decimal_text(result.worth.points(gained), 2),
        next_band: next.and_then(|next| result.band_shown(next)),
    };
    Some((lost, improvement))
}

/// The closest band with a better nilai than the present one.
fn nearest_better(result: &Result<'_>, band: usize) -> Option<usize> {
    let nilai = result.bands[band].value;
    let better = |index: &usize| result.bands[*index].value < nilai;
    (0..result.bands.len()).filter(better).min_by_key(|index| index.abs_diff(band))
}
