//! Rows of enterprises.

use super::super::row::{Row, Value, maybe, text};
use super::row_of;
use crate::enterprises::Enterprise;

/// An enterprise, without its owner and without what its size was judged on: of a person's own business both are personal.
pub(in crate::datasets) fn enterprise(own: &Enterprise) -> Row {
    row_of(
        &own.stamp,
        [
            ("id", text(own.stamp.id)),
            ("name", text(&own.name)),
            ("region", text(own.region)),
            ("sector", maybe(own.sector.as_ref(), text)),
            ("size_class", text(own.size_class)),
            ("size_rule", text(own.size_rule)),
            ("status", text(own.status)),
            ("closed_on", maybe(own.closed_on, Value::Date)),
        ],
    )
}
