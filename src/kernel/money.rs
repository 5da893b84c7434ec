//! Rupiah, exact to the sen. Never floating point, never a JSON number.

use std::fmt;
use std::str::FromStr;

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::{PartialSchema, ToSchema};

use super::{Fault, Faults, Pointer, Text};

/// Digits allowed before the point. Sixteen keep every product the scoring rules form exact within [`Decimal`]'s 28.
const INTEGER_DIGITS_MAX: usize = 16;

/// A bare amount of rupiah as worksheets write it: `"2804349753.60"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Rupiah(pub Decimal);

impl Rupiah {
    /// Reads `-?digits[.d[d]]`: at most 16 digits before the point and 2 after it.
    ///
    /// # Errors
    /// A sentence that says what to send instead.
    pub fn parse(text: &str) -> Result<Self, Text> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "00"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 2 {
            return Err(Text::fixed(
                "Tulis jumlah rupiah sebagai teks angka dengan titik desimal dan paling banyak dua desimal, misalnya \"20000000.00\": tanpa pemisah ribuan, koma atau eksponen.",
                "Write the amount of rupiah as text in digits, with a decimal point and at most two decimals, such as \"20000000.00\": no thousands separators, commas or exponents.",
            ));
        }
        if whole.len() > INTEGER_DIGITS_MAX {
            return Err(Text::fixed(
                "Jumlah ini melebihi 16 angka di depan titik desimal.",
                "This amount has more than 16 digits before the decimal point.",
            ));
        }
        let mut value = Decimal::from_str(text)
            .map_err(|_| Text::fixed("Jumlah ini tidak terbaca.", "This amount cannot be read."))?;
        if value.is_zero() {
            value.set_sign_positive(true);
        }
        Ok(Self(value))
    }

    /// How many decimals the sender wrote, 0 to 2.
    pub fn scale(self) -> u32 {
        self.0.scale()
    }
}

impl fmt::Display for Rupiah {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.0)
    }
}

impl Serialize for Rupiah {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rupiah {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|why| serde::de::Error::custom(why.en))
    }
}

impl Deserr<Faults> for Rupiah {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, at: ValuePointerRef) -> Result<Self, Faults> {
        let parsed = match value {
            Value::String(text) => Self::parse(&text),
            _ => Err(Text::fixed(
                "Kirim jumlah uang sebagai teks, misalnya \"20000000.00\", bukan angka JSON: angka JSON kehilangan ketepatan.",
                "Send an amount of money as text, such as \"20000000.00\", not as a JSON number: JSON numbers lose exactness.",
            )),
        };
        parsed.map_err(|why| Faults(vec![Fault::new(Pointer::of(at), "invalid_money", why)]))
    }
}

impl PartialSchema for Rupiah {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Rupiah as text: digits, a decimal point and at most two decimals."))
            .pattern(Some(r"^-?[0-9]{1,16}(\.[0-9]{1,2})?$"))
            .max_length(Some(20))
            .examples(["2804349753.60"])
            .into()
    }
}
impl ToSchema for Rupiah {}

/// Money as it crosses the wire: `{"value":"20000000.00","currency":"IDR"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"value": "20000000.00", "currency": "IDR"}))]
pub struct Money {
    /// Exact amount.
    pub value: Rupiah,
    /// Always `IDR`.
    pub currency: Currency,
}

/// ISO 4217 code; rupiah is the only currency of this service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults)]
pub enum Currency {
    /// Indonesian rupiah, two decimals (sen).
    #[serde(rename = "IDR")]
    #[deserr(rename = "IDR")]
    Idr,
}

impl Money {
    /// So much rupiah.
    pub const fn idr(value: Decimal) -> Self {
        Self { value: Rupiah(value), currency: Currency::Idr }
    }

    /// The exact amount.
    pub const fn amount(self) -> Decimal {
        self.value.0
    }

    /// In sen, the smallest unit: what is stored in a column and sorted by. At most 18 digits, so it always fits.
    pub fn sen(self) -> i64 {
        use rust_decimal::prelude::ToPrimitive;
        (self.value.0 * Decimal::ONE_HUNDRED).to_i64().unwrap_or(i64::MAX)
    }

    /// Refuses zero and negative amounts.
    ///
    /// # Errors
    /// A rule refusal that points at `pointer`.
    pub fn require_positive(self, pointer: &str) -> Result<Self, super::Refusal> {
        if self.amount() > Decimal::ZERO {
            return Ok(self);
        }
        Err(super::Refusal::rule(
            pointer,
            "amount_not_positive",
            Text::fixed("Jumlah harus lebih besar dari nol.", "The amount must be greater than zero."),
        ))
    }
}

/// Text of a decimal with at least `least` and at most ten decimals, rounded half up: for showing, never for classifying.
pub fn decimal_text(value: Decimal, least: u32) -> String {
    let mut shown = value.round_dp_with_strategy(10, RoundingStrategy::MidpointAwayFromZero).normalize();
    if shown.scale() < least {
        shown.rescale(least);
    }
    shown.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_amount_with_separators_exponents_or_three_decimals_is_refused() {
        for text in ["1.000.000,00", "1,000", "1e6", "1.234", "", "-", ".5", "5.", "+5", " 5", "٣", "12345678901234567"]
        {
            assert!(Rupiah::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_reads_back_as_it_was_written(sen in -999_999_999_999_999_999_i64..=999_999_999_999_999_999) {
            let amount = Rupiah(Decimal::new(sen, 2));
            prop_assert_eq!(Rupiah::parse(&amount.to_string()), Ok(amount));
            prop_assert_eq!(Money::idr(amount.0).sen(), sen);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,40}") {
            let _ = Rupiah::parse(&text);
        }
    }
}
