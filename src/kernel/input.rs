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

impl<const MAX: usize> PartialSchema for Bounded<MAX> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(MAX)).into()
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

/// A reference to a resource: a UUID as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub uuid::Uuid);

impl Deserr<Faults> for Id {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, at: ValuePointerRef) -> Result<Self, Faults> {
        let parsed = match value {
            Value::String(text) => uuid::Uuid::try_parse(&text).ok(),
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

/// A whole number that a query string writes as text and a body writes as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FlexibleInt(pub i64);

impl Deserr<Faults> for FlexibleInt {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, at: ValuePointerRef) -> Result<Self, Faults> {
        let parsed = match value {
            Value::Integer(number) => i64::try_from(number).ok(),
            Value::NegativeInteger(number) => Some(number),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        parsed.map(Self).ok_or_else(|| {
            let why = Text::fixed("Kirim bilangan bulat.", "Send a whole number.");
            Faults(vec![Fault::new(Pointer::of(at), "invalid_integer", why)])
        })
    }
}

impl PartialSchema for FlexibleInt {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        ObjectBuilder::new().schema_type(Type::Integer).into()
    }
}
impl ToSchema for FlexibleInt {}

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
}
