//! The schemes of financing: words of a code list, so that a new one is an entry there; and what a contract may not exceed under one.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::{PartialSchema, ToSchema};

use super::life::Terms;
use crate::kernel::codelists::{code_list, scheme_on};
use crate::kernel::{Date, Fault, Faults, OneOf, Pointer, Text};

/// The scheme of a financing: an entry of the code list `schemes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scheme(&'static str);

/// The words of the list, in order.
static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let entries = code_list("schemes").into_iter().flat_map(|list| &list.entries);
    entries.map(|entry| entry.id.as_str()).collect::<BTreeSet<_>>().into_iter().collect()
});

impl Scheme {
    /// The scheme with this word.
    ///
    /// # Errors
    /// A sentence that lists the words there are.
    pub fn parse(word: &str) -> Result<Self, Text> {
        WORDS.binary_search(&word).map(|place| Self(WORDS[place])).map_err(|_| {
            let list = WORDS.join(", ");
            text!(
                "Pilih salah satu: {list}. Lihat GET /v1/codes/schemes.",
                "Choose one of: {list}. See GET /v1/codes/schemes."
            )
        })
    }
}

impl OneOf for Scheme {
    fn word(self) -> &'static str {
        self.0
    }
}

impl Serialize for Scheme {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Scheme {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|why| serde::de::Error::custom(why.en))
    }
}

impl Deserr<Faults> for Scheme {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, at: ValuePointerRef) -> Result<Self, Faults> {
        let text = match value {
            Value::String(text) => text,
            _ => String::new(),
        };
        Self::parse(&text).map_err(|why| Faults(vec![Fault::new(Pointer::of(at), "unknown_value", why)]))
    }
}

impl PartialSchema for Scheme {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(WORDS.iter().copied()))
            .description(Some("An entry of the code list `schemes`."))
            .into()
    }
}
impl ToSchema for Scheme {}

crate::words! {
    /// Which limit of its scheme a contract does not keep.
    BreachKind {
        /// The scheme is not in force on the day of the contract.
        NotInForce = "not_in_force",
        /// The plafon is above the ceiling.
        AboveCeiling = "above_ceiling",
        /// The plafon is not above the lower bound of the segment.
        BelowSegment = "below_segment",
        /// The rate is above the limit.
        RateAboveLimit = "rate_above_limit",
    }
}

/// A limit that a contract does not keep: told, and not refused, since limits change and exceptions are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Breach {
    /// Which.
    pub kind: BreachKind,
    /// The limit on that day: rupiah, or percent a year.
    pub limit: Option<String>,
    /// Who says so.
    pub source: Option<String>,
}

/// The limits of its scheme that these terms do not keep. The limits are those of the day the contract was signed, for later terms too: whoever
/// borrows under a scheme stays under its rules.
pub(super) fn breaches(scheme: Scheme, signed_on: Date, terms: &Terms) -> Vec<Breach> {
    let Some(limits) = scheme_on(scheme.word(), signed_on) else {
        return vec![Breach { kind: BreachKind::NotInForce, limit: None, source: None }];
    };
    let plafon = terms.plafon.amount();
    let rate: Decimal = terms.annual_rate_percent.parse().unwrap_or_default();
    let breach = |kind, limit: String| Breach { kind, limit: Some(limit), source: Some(limits.source.clone()) };
    let ceiling = limits.ceiling.filter(|ceiling| plafon > ceiling.0);
    let above = limits.above.filter(|above| plafon <= above.0);
    let limit = limits.rate_percent.filter(|limit| rate > *limit);
    [
        ceiling.map(|ceiling| breach(BreachKind::AboveCeiling, ceiling.to_string())),
        above.map(|above| breach(BreachKind::BelowSegment, above.to_string())),
        limit.map(|limit| breach(BreachKind::RateAboveLimit, limit.to_string())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::stories::{date, millions};
    use super::*;

    fn found(scheme: &str, day: &str, plafon: i64, rate: &str) -> Vec<BreachKind> {
        let terms = Terms { plafon: millions(plafon), annual_rate_percent: rate.to_owned(), tenor_months: 24 };
        let found = breaches(Scheme::parse(scheme).unwrap(), date(day), &terms);
        found.into_iter().map(|breach| breach.kind).collect()
    }

    #[test]
    fn the_limits_are_those_of_the_day_of_the_contract() {
        use BreachKind as B;
        assert_eq!(found("kur_mikro", "2014-03-20", 20, "22"), []);
        assert_eq!(found("kur_mikro", "2014-03-20", 21, "22.01"), [B::AboveCeiling, B::RateAboveLimit]);
        assert_eq!(found("kur_mikro", "2015-03-20", 21, "22"), [B::RateAboveLimit]);
        assert_eq!(found("kur_ritel", "2014-03-20", 20, "13"), [B::BelowSegment]);
        assert_eq!(found("kur_super_mikro", "2014-03-20", 5, "3"), [B::NotInForce]);
        assert_eq!(found("komersial", "2014-03-20", 900_000, "40"), []);
    }

    #[test]
    fn a_word_that_is_not_in_the_list_is_refused_with_those_that_are() {
        assert!(Scheme::parse("kur_mega").unwrap_err().en.contains("kur_mikro"));
        assert_eq!(Scheme::parse("kur_pmi").unwrap().word(), "kur_pmi");
    }
}
