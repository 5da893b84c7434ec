//! The share of savings-and-loan cooperatives with a certified manager.

use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::kernel::{Date, REGIONS, Text, decimal_text};

/// What is counted, and how.
#[derive(Debug, Serialize, ToSchema)]
#[allow(clippy::struct_field_names, reason = "`definition` is the term of Satu Data")]
pub struct CoverageDefinition {
    /// Name of the figure.
    pub measure: &'static str,
    /// Version of the definition; a changed definition is a new version.
    pub version: u32,
    /// What is counted, in both languages.
    #[schema(value_type = Object)]
    pub definition: Text,
    /// How, precisely.
    pub formula: &'static str,
}

/// The definition in use.
pub static DEFINITION: CoverageDefinition = CoverageDefinition {
    measure: "certified_manager_coverage",
    version: 1,
    definition: Text::fixed(
        "Bagian koperasi simpan pinjam (KSP, KSPPS, USP) tercatat yang pada hari itu tidak nonaktif dan tidak bubar, yang mempunyai sekurangnya satu manajer atau manajer cabang dengan sertifikat yang berlaku pada hari itu.",
        "Share of registered savings-and-loan cooperatives (KSP, KSPPS, USP), neither deactivated nor dissolved on the day, that have at least one manager or branch manager holding a certificate valid on the day.",
    ),
    formula: "count(distinct cooperative with an appointment in (manajer, manajer_cabang) on the day of a manager whose certificate was issued by then, not expired, suspended, revoked or renewed) / count(distinct cooperative of kind in (ksp, kspps, usp) registered by then, not deactivated or dissolved); days by when things happened, not by when they were recorded",
};

/// Rows of region and number.
#[derive(Debug)]
pub struct Counted {
    /// Cooperatives.
    pub total: Vec<(String, i64)>,
    /// Those with a certified manager.
    pub covered: Vec<(String, i64)>,
}

/// The coverage on a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct Coverage {
    /// What is counted, and how.
    #[schema(inline)]
    pub definition: &'static CoverageDefinition,
    /// The day.
    pub on: Date,
    /// The log position the figures are as of.
    pub as_of_position: i64,
    /// Cooperatives with a certified manager: the numerator.
    pub covered: i64,
    /// Cooperatives: the denominator.
    pub total: i64,
    /// The share in percent, two decimals or more; null when there is no cooperative.
    pub share_percent: Option<String>,
    /// By regency and city, all ten; they add up to the whole.
    pub per_regency: Vec<RegencyCoverage>,
}

/// The coverage of a regency or city.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegencyCoverage {
    /// Dotted Kemendagri code.
    pub region: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Cooperatives with a certified manager.
    pub covered: i64,
    /// Cooperatives.
    pub total: i64,
    /// The share in percent; null when there is no cooperative.
    pub share_percent: Option<String>,
}

fn share(covered: i64, total: i64) -> Option<String> {
    let share = (Decimal::from(covered) * Decimal::ONE_HUNDRED).checked_div(Decimal::from(total))?;
    Some(decimal_text(share, 2))
}

impl Coverage {
    /// Puts the counts together.
    pub fn of(counted: &Counted, on: Date, as_of_position: i64) -> Self {
        let number = |rows: &[(String, i64)], region: &str| {
            rows.iter().find(|(known, _)| known == region).map_or(0, |(_, number)| *number)
        };
        // A cooperative may be registered for the province as a whole; it has a row only when there is one.
        let shown = REGIONS.iter().filter(|entry| entry.code != "64" || number(&counted.total, "64") > 0);
        let per_regency: Vec<RegencyCoverage> = shown
            .map(|entry| {
                let (covered, total) = (number(&counted.covered, entry.code), number(&counted.total, entry.code));
                let share_percent = share(covered, total);
                RegencyCoverage { region: entry.code, name: entry.name, covered, total, share_percent }
            })
            .collect();
        let sum = |of: fn(&RegencyCoverage) -> i64| per_regency.iter().map(of).sum();
        let (covered, total) = (sum(|regency| regency.covered), sum(|regency| regency.total));
        let share_percent = share(covered, total);
        Self { definition: &DEFINITION, on, as_of_position, covered, total, share_percent, per_regency }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_and_nothing_of_nothing_has_none() {
        assert_eq!(share(2, 3).as_deref(), Some("66.6666666667"));
        assert_eq!(share(1, 2).as_deref(), Some("50.00"));
        assert_eq!(share(0, 0), None);
        let counted = Counted {
            total: vec![("64.72".to_owned(), 3), ("64.71".to_owned(), 1)],
            covered: vec![("64.72".to_owned(), 2)],
        };
        let coverage = Coverage::of(&counted, Date::parse("2014-05-27").unwrap(), 7);
        assert_eq!((coverage.covered, coverage.total, coverage.per_regency.len()), (2, 4, 10));
    }
}
