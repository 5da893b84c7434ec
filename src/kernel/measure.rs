//! What a figure is: every number that is published names the definition it was counted by.

use serde::Serialize;
use utoipa::ToSchema;

use super::Text;

/// The definition of a measure of the statistics.
#[derive(Debug, Serialize, ToSchema)]
#[allow(clippy::struct_field_names, reason = "`definition` is the term of Satu Data")]
pub struct MeasureDefinition {
    /// Its name.
    pub measure: &'static str,
    /// Version of the definition; a changed definition is a new version.
    pub version: u32,
    /// What its figures are told apart by, beside month, region and organisation.
    #[schema(value_type = Vec<String>)]
    pub parts: &'static [&'static str],
    /// What the organisation is to it, such as `lender`.
    pub organisation: &'static str,
    /// Whether it has an amount beside its count.
    pub has_amount: bool,
    /// Whether every month has a figure of its own, as at its end, that is never added to another month's: told by month whatever is asked.
    pub monthly: bool,
    /// What is counted, in both languages.
    #[schema(value_type = Object)]
    pub definition: Text,
    /// How, precisely.
    pub formula: &'static str,
}
