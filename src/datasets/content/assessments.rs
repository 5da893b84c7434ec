//! Rows of assessments and of their indicators.

use super::super::row::{Row, Value, maybe, number, text};
use super::{Reach, row_of};
use crate::assessments::Assessment;
use crate::ledger::Resource;

/// Whether somebody sees the worksheet of an assessment and what was computed from it.
fn shows_worksheet(own: &Assessment, reach: Reach) -> bool {
    let (region, owner) = own.home();
    reach.worksheets.admits(region, owner)
}

/// An assessment; what was computed is left out for those who do not see the worksheet.
pub(in crate::datasets) fn assessment(own: &Assessment, reach: Reach) -> Row {
    let (scored, determined) = (&own.scored, own.determination.as_ref());
    let computed = shows_worksheet(own, reach).then_some(&scored.scoring);
    row_of(
        &own.stamp,
        [
            ("id", text(own.stamp.id)),
            ("cooperative", text(own.cooperative)),
            ("cooperative_kind", text(own.cooperative_kind)),
            ("region", text(own.region)),
            ("regulation", text(&own.regulation)),
            ("book_year", number(own.book_year)),
            ("state", text(own.state)),
            ("assessed_on", Value::Date(scored.assessed_on)),
            ("covered_weight", maybe(computed, |it| text(&it.covered_weight))),
            ("total", maybe(computed, |it| text(&it.total))),
            ("computed_category", maybe(computed.and_then(|it| it.category), text)),
            ("stated_total", maybe(scored.stated.total, text)),
            ("stated_category", maybe(scored.stated.category, text)),
            ("discrepancy", Value::Boolean(scored.discrepancy)),
            ("determined_category", maybe(determined, |it| text(it.category))),
            ("determined_on", maybe(determined, |it| Value::Date(it.determined_on))),
            ("corrections", maybe(determined, |it| number(it.corrections))),
            ("reconciled_by", maybe(own.reconciled_by, text)),
        ],
    )
}

/// The indicators of an assessment, in the order of its sheet; none for those who do not see the worksheet.
pub(in crate::datasets) fn indicators(own: &Assessment, reach: Reach) -> Vec<Row> {
    if !shows_worksheet(own, reach) {
        return Vec::new();
    }
    let row = |indicator: &crate::assessments::IndicatorScore| {
        vec![
            ("assessment", text(own.stamp.id)),
            ("cooperative", text(own.cooperative)),
            ("region", text(own.region)),
            ("regulation", text(&own.regulation)),
            ("book_year", number(own.book_year)),
            ("indicator", text(&indicator.key)),
            ("aspect", text(&indicator.aspect)),
            ("state", text(indicator.state)),
            ("ratio_percent", maybe(indicator.ratio_percent.as_ref(), text)),
            ("value", maybe(indicator.value, Value::Integer)),
            ("weight", text(&indicator.weight)),
            ("score", maybe(indicator.score.as_ref(), text)),
            ("position", Value::Integer(own.stamp.position)),
        ]
    };
    own.scored.scoring.indicators.iter().map(row).collect()
}
