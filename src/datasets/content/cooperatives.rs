//! Rows of cooperatives.

use super::super::row::{Row, Value, maybe, number, text};
use super::row_of;
use crate::cooperatives::Cooperative;

/// A cooperative, without its address and remarks.
pub(in crate::datasets) fn cooperative(own: &Cooperative) -> Row {
    let (badan_hukum, health) = (own.badan_hukum.last(), own.health.as_ref());
    row_of(
        &own.stamp,
        [
            ("id", text(own.stamp.id)),
            ("name", text(&own.name)),
            ("kind", text(own.kind)),
            ("region", text(own.region)),
            ("status", text(own.status)),
            ("nik_koperasi", maybe(own.nik_koperasi.as_ref(), text)),
            ("badan_hukum_number", maybe(badan_hukum, |it| text(&it.number))),
            ("badan_hukum_date", maybe(badan_hukum, |it| Value::Date(it.date))),
            ("licences", number(own.licences.len())),
            ("health_category", maybe(health, |it| text(it.category))),
            ("health_book_year", maybe(health, |it| number(it.book_year))),
            ("health_regulation", maybe(health, |it| text(&it.regulation))),
            ("health_determined_on", maybe(health, |it| Value::Date(it.determined_on))),
            ("health_assessment", maybe(health, |it| text(it.assessment))),
        ],
    )
}
