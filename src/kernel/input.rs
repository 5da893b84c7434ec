//! Small input types shared by the bodies and parameters of every area.

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use super::{Fault, Faults, Pointer, Text};

/// Text of 1 to `MAX` characters, trimmed, without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bounded<const MAX: usize>(pub String);

/// A word of a code list, such as a regulation's id: up to 64 characters.
pub type Word = Bounded<64>;
/// A name: up to 200 characters.
pub type Name = Bounded<200>;
/// An official number such as a legal-entity or certificate number: opaque, up to 100 characters.
pub type Number = Bounded<100>;
/// A reason or remark: up to 2,000 characters.
pub type Note = Bounded<2000>;

impl<const MAX: usize> Bounded<MAX> {
    /// Trims and checks.
    ///
    /// # Errors
    /// A sentence that tells what to send.
    pub fn parse(text: &str) -> Result<Self, Text> {
        let trimmed = text.trim();
        let length = trimmed.chars().count();
        if length == 0 || length > MAX || trimmed.chars().any(|c| c.is_control() && c != '\n') {
            return Err(text!(
                "Kirim teks 1 sampai {MAX} huruf tanpa karakter kendali.",
                "Send text of 1 to {MAX} characters without control characters."
            ));
        }
        Ok(Self(trimmed.to_owned()))
    }

    /// Upper case with white space removed: how official numbers are matched.
    pub fn normalised(&self) -> String {
        self.0.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase).collect()
    }
}

impl<const MAX: usize> std::fmt::Display for Bounded<MAX> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> Deserr<Faults> for Bounded<MAX> {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, at: ValuePointerRef) -> Result<Self, Faults> {
        let text = match value {
            Value::String(text) => text,
            _ => String::new(),
        };
        Self::parse(&text).map_err(|why| Faults(vec![Fault::new(Pointer::of(at), "invalid_text", why)]))
    }
}

/// No control characters but line breaks, and something beside white space.
const TEXT_PATTERN: &str = concat!(
    r"^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*",
    r"[^\s\u0000-\u001f\u007f-\u009f]",
    r"[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*$"
);

impl<const MAX: usize> PartialSchema for Bounded<MAX> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(MAX));
        text.pattern(Some(TEXT_PATTERN)).into()
    }
}
impl<const MAX: usize> ToSchema for Bounded<MAX> {
    fn name() -> std::borrow::Cow<'static, str> {
        match MAX {
            64 => "Word".into(),
            200 => "Name".into(),
            100 => "Number".into(),
            _ => "Note".into(),
        }
    }
}

/// Reads a UUID in its usual form, 36 characters with hyphens.
pub fn uuid_of(text: &str) -> Option<uuid::Uuid> {
    uuid::Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

/// A reference to a resource: a UUID as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub uuid::Uuid);

impl Deserr<Faults> for Id {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, at: ValuePointerRef) -> Result<Self, Faults> {
        let parsed = match value {
            Value::String(text) => uuid_of(&text),
            _ => None,
        };
        parsed.map(Self).ok_or_else(|| {
            let why = Text::fixed(
                "Kirim UUID catatan yang dimaksud, misalnya 019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b.",
                "Send the UUID of the record that is meant, such as 019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b.",
            );
            Faults(vec![Fault::new(Pointer::of(at), "invalid_id", why)])
        })
    }
}

impl PartialSchema for Id {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Uuid);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}
impl ToSchema for Id {}

/// A whole number from `MIN` to `MAX` that a query string writes as text and a body writes as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Whole<const MIN: i64, const MAX: i64>(pub i64);

/// A year of the calendar.
pub type Year = Whole<1900, 9999>;

impl<const MIN: i64, const MAX: i64> Whole<MIN, MAX> {
    /// Reads the number a query string holds.
    ///
    /// # Errors
    /// A sentence that tells what to send.
    pub fn parse(text: &str) -> Result<Self, Text> {
        // A plus, leading zeros or minus nought would be another spelling of the same number.
        let number = text.parse().ok().filter(|number: &i64| number.to_string() == text);
        number.and_then(Self::of).ok_or_else(Self::advice)
    }

    fn of(number: i64) -> Option<Self> {
        (MIN..=MAX).contains(&number).then_some(Self(number))
    }

    fn advice() -> Text {
        text!("Kirim bilangan bulat {MIN} sampai {MAX}.", "Send a whole number from {MIN} to {MAX}.")
    }
}

impl<const MIN: i64, const MAX: i64> Deserr<Faults> for Whole<MIN, MAX> {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, at: ValuePointerRef) -> Result<Self, Faults> {
        let read = match value {
            Value::Integer(number) => i64::try_from(number).ok().and_then(Self::of).ok_or_else(Self::advice),
            Value::NegativeInteger(number) => Self::of(number).ok_or_else(Self::advice),
            Value::String(text) => Self::parse(&text),
            _ => Err(Self::advice()),
        };
        read.map_err(|why| Faults(vec![Fault::new(Pointer::of(at), "invalid_integer", why)]))
    }
}

impl<const MIN: i64, const MAX: i64> PartialSchema for Whole<MIN, MAX> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Int64);
        let number = ObjectBuilder::new().schema_type(Type::Integer).format(Some(format));
        number.minimum(Some(MIN)).maximum(Some(MAX)).into()
    }
}
impl<const MIN: i64, const MAX: i64> ToSchema for Whole<MIN, MAX> {
    fn name() -> std::borrow::Cow<'static, str> {
        format!("From{MIN}To{MAX}").into()
    }
}

/// Implemented by enums whose variants are words of the API; made by `words!`.
pub trait OneOf: Copy {
    /// The word on the wire.
    fn word(self) -> &'static str;
}

/// An enum of words: serde, deserr and the `OpenAPI` schema from one list.
#[macro_export]
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, deserr::Deserr)]
        #[deserr(error = $crate::kernel::Faults)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] #[deserr(rename = $word)] $variant),+
        }
        impl $crate::kernel::OneOf for $name {
            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
        // Written out, because the derive does not see a literal that came through a macro.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                const ABOUT: &[&str] = &[$(concat!("`", $word, "`")),+];
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some([$($word),+]))
                    .description(Some(format!("One of {}.", ABOUT.join(", "))))
                    .into()
            }
        }
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::kernel::OneOf::word(*self))
            }
        }
    };
}

crate::words! {
    /// A yes or no in a query string.
    YesNo {
        /// Yes.
        Yes = "true",
        /// No.
        No = "false",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn official_numbers_match_whatever_their_spacing_and_case() {
        let spaced = Number::parse(" 21/bh/Tahun 2007 ").unwrap();
        assert_eq!(spaced.normalised(), Number::parse("21/BH/TAHUN2007").unwrap().normalised());
    }

    #[test]
    fn empty_and_control_characters_are_refused() {
        assert!(
            Name::parse("  ").is_err() && Name::parse("a\u{0}b").is_err() && Name::parse(&"x".repeat(201)).is_err()
        );
    }

    #[test]
    fn a_uuid_is_written_in_one_way() {
        let usual = "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b";
        assert_eq!(uuid_of(usual).unwrap().to_string(), usual);
        for other in ["019a2b3c4d5e7f608a9b0c1d2e3f4a5b", "{019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b}", ""] {
            assert_eq!(uuid_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_whole_number_is_written_in_one_way() {
        assert_eq!(Whole::<-5, 5>::parse("-3"), Ok(Whole(-3)));
        assert_eq!(Whole::<-5, 5>::parse("0"), Ok(Whole(0)));
        for other in ["-0", "+3", "03", "-03", "3.0", " 3", "", "-", "6"] {
            assert!(Whole::<-5, 5>::parse(other).is_err(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn fuzz_a_text_that_is_taken_reads_back_as_itself(text in any::<String>()) {
            if let Ok(read) = Name::parse(&text) {
                prop_assert_eq!(Name::parse(&read.0), Ok(read.clone()));
                prop_assert!(read.0 == text.trim() && read.0.chars().count() <= 200);
            }
        }

        #[test]
        fn fuzz_a_whole_number_has_one_spelling(text in "[-+0-9 ._e]{0,6}|\\PC{0,8}") {
            if let Ok(Whole(number)) = Whole::<-500, 500>::parse(&text) {
                prop_assert_eq!(number.to_string(), text);
            }
        }

        #[test]
        fn fuzz_every_number_of_the_range_is_read_and_none_beyond(number in any::<i16>()) {
            let read = Whole::<-500, 500>::parse(&number.to_string());
            prop_assert_eq!(read.is_ok(), (-500..=500).contains(&number));
        }

        #[test]
        fn fuzz_an_id_that_is_taken_reads_back_as_itself(text in "[0-9a-fA-F{}-]{30,40}|\\PC{0,40}") {
            if let Some(id) = uuid_of(&text) {
                prop_assert_eq!(id.to_string(), text.to_ascii_lowercase());
            }
        }
    }
}
