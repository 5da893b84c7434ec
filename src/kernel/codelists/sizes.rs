//! The rule by which the size of an enterprise is judged on a day.

use serde::Deserialize;

use super::list::{CodeEntry, code_list};
use crate::kernel::{Date, Rupiah};

/// Which figure decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizeTest {
    /// Net worth or yearly sales: the smaller class holds.
    Either,
    /// Capital for enterprises founded since the rule is in force, yearly sales for older ones.
    CapitalForNew,
}

/// How far a class reaches, bounds included.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizeLimits {
    /// The class.
    pub class: String,
    /// Net worth or capital.
    pub net_worth: Rupiah,
    /// Yearly sales.
    pub yearly_sales: Rupiah,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SizeTerms {
    /// The rule's id.
    pub id: String,
    /// Its first day; nothing of the first rule we know.
    pub valid_from: Option<Date>,
    /// Which figure decides.
    pub test: SizeTest,
    /// The classes from the smallest up.
    pub limits: Vec<SizeLimits>,
}

fn terms(entry: &CodeEntry) -> Option<SizeTerms> {
    serde_json::to_value(entry).and_then(serde_json::from_value).ok()
}

/// The rule in force on a day.
pub fn sizes_on(day: Date) -> Option<SizeTerms> {
    code_list("enterprise-sizes")?.entries.iter().find(|entry| entry.holds_on(day)).and_then(terms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_every_day_one_rule_is_in_force_and_its_classes_grow() {
        let entries = &code_list("enterprise-sizes").unwrap().entries;
        for day in ["1990-01-01", "2021-02-01", "2021-02-02", "2090-01-01"] {
            let day = Date::parse(day).unwrap();
            assert_eq!(entries.iter().filter(|entry| entry.holds_on(day)).count(), 1, "{day}");
        }
        for entry in entries {
            let limits = terms(entry).unwrap().limits;
            assert!(limits.windows(2).all(|pair| pair[0].net_worth < pair[1].net_worth));
            assert!(limits.windows(2).all(|pair| pair[0].yearly_sales < pair[1].yearly_sales));
        }
    }
}
