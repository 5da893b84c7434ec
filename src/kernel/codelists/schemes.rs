//! The terms of a financing scheme on the day of a contract.

use rust_decimal::Decimal;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::list::code_list;
use crate::kernel::{Date, Rupiah};

/// What a scheme allows in a period.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SchemeTerms {
    /// The segment within its programme, such as `mikro`.
    pub segment: Option<String>,
    /// The loan is greater than this; nothing where there is no lower bound.
    pub above: Option<Rupiah>,
    /// The loan is at most this; nothing where no ceiling is known.
    pub ceiling: Option<Rupiah>,
    /// The highest yearly rate in percent; nothing where none is known.
    #[serde(deserialize_with = "percent")]
    pub rate_percent: Option<Decimal>,
    /// Whether all of this is verified: what is not should warn, not refuse.
    pub verified: bool,
    /// Who says so.
    pub source: String,
}

/// A percentage is written as text, as money is: JSON numbers lose exactness.
fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

/// The terms of a scheme on a day; nothing when it is not in force.
pub fn scheme_on(id: &str, day: Date) -> Option<SchemeTerms> {
    let entry = code_list("schemes")?.on(id, day)?;
    serde_json::to_value(entry).and_then(|entry: Value| serde_json::from_value(entry)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_terms() {
        for entry in &code_list("schemes").unwrap().entries {
            let terms: SchemeTerms = serde_json::from_value(serde_json::to_value(entry).unwrap()).unwrap();
            let bounds = terms.above.zip(terms.ceiling);
            assert!(bounds.is_none_or(|(above, ceiling)| above < ceiling), "{}", entry.id);
        }
    }

    #[test]
    fn a_scheme_has_other_terms_in_another_year() {
        let ceiling_and_rate = |id: &str, day: &str| {
            let terms = scheme_on(id, Date::parse(day).unwrap())?;
            Some((terms.ceiling?.0.to_string(), terms.rate_percent?.to_string()))
        };
        let pair = |ceiling: &str, rate: &str| Some((ceiling.to_owned(), rate.to_owned()));
        assert_eq!(ceiling_and_rate("kur_mikro", "2014-03-20"), pair("20000000", "22"));
        assert_eq!(ceiling_and_rate("kur_mikro", "2015-06-01"), pair("25000000", "12"));
        assert_eq!(ceiling_and_rate("kur_mikro", "2023-09-04"), pair("100000000", "9"));
        assert_eq!(ceiling_and_rate("kur_mikro", "2026-01-01"), pair("100000000", "6"));
        assert_eq!(scheme_on("kur_super_mikro", Date::parse("2014-03-20").unwrap()), None);
    }
}
