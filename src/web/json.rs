//! JSON in which every field stands once: of two amounts under one name, neither may be dropped silently.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::kernel::Text;

/// How deep arrays and objects may lie in each other. The deepest that is expected anywhere is 5.
pub const DEPTH_MAX: usize = 32;
const TOO_DEEP: &str = "too deep";

/// Parses a text, refusing repeated fields and what is nested too deep.
///
/// # Errors
/// Where the text is not JSON, a field stands twice, or it is too deep: see [`too_deep`].
pub fn strict_json(text: &str) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict { depth_left: DEPTH_MAX }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// What to say of a text that was refused for its depth.
pub fn too_deep(error: &serde_json::Error) -> Option<Text> {
    (error.is_data() && error.to_string().starts_with(TOO_DEEP)).then(|| {
        text!(
            "JSON ini bersarang lebih dari {DEPTH_MAX} tingkat; tidak ada perintah yang sedalam itu.",
            "This JSON is nested more than {DEPTH_MAX} deep; no command is as deep as that."
        )
    })
}

#[derive(Clone, Copy)]
struct Strict {
    depth_left: usize,
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        self.depth_left.checked_sub(1).map(|depth_left| Self { depth_left }).ok_or_else(|| E::custom(TOO_DEEP))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        // 1.0 is the whole number 1, as it is in JSON Schema and in canonical JSON.
        let whole = value.to_string().parse::<i64>().map(Value::from);
        Ok(whole.unwrap_or_else(|_| Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let (deeper, mut list) = (self.deeper()?, Vec::new());
        while let Some(item) = items.next_element_seed(deeper)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let (deeper, mut map) = (self.deeper()?, Map::new());
        while let Some(name) = fields.next_key::<String>()? {
            let value = fields.next_value_seed(deeper)?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a field stands twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_field_that_stands_twice_is_refused_however_deep() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"b":[{"a":1,"a":2}]}"#] {
            assert!(strict_json(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_lies_too_deep_is_told_from_what_is_broken() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(strict_json(&nested(DEPTH_MAX - 1)).is_ok() && strict_json(&nested(DEPTH_MAX)).is_ok());
        for text in [nested(DEPTH_MAX + 1), "{\"a\":".repeat(DEPTH_MAX + 1), "[".repeat(100_000)] {
            assert!(too_deep(&strict_json(&text).unwrap_err()).is_some());
        }
        assert!(too_deep(&strict_json("[[1]").unwrap_err()).is_none() && strict_json("1 2").is_err());
    }

    #[test]
    fn a_number_without_a_fraction_is_whole_however_it_is_written() {
        assert_eq!(strict_json("[1.0, 2e3, -0.0, 1.5, 1e300]").unwrap(), serde_json::json!([1, 2000, 0, 1.5, 1e300]));
    }

    proptest! {
        #[test]
        fn it_reads_what_serde_json_reads(text in r#"[\[\]{}",:0-9a-c.\-etrufalsn ]{0,30}"#) {
            if let Ok(read) = strict_json(&text) {
                let plain: Value = serde_json::from_str(&text).unwrap();
                let canonical = |value: &Value| serde_json_canonicalizer::to_string(value).unwrap();
                prop_assert_eq!(canonical(&read), canonical(&plain));
            }
        }
    }
}
