//! The province and its ten regencies and cities, by dotted Kemendagri code.
//!
//! An undotted code is refused: `6402` and `6403` exist in the BPS system as well and mean other regencies there.

use std::fmt;

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::{PartialSchema, ToSchema};

use super::{Fault, Faults, Pointer, Text};

/// One region with both code systems.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RegionEntry {
    /// Dotted Kemendagri code.
    #[schema(example = "64.72")]
    pub code: &'static str,
    /// BPS code; mind that the undotted systems overlap with other meanings.
    #[schema(example = "6472")]
    pub bps_code: &'static str,
    /// Official name.
    #[schema(example = "Kota Samarinda")]
    pub name: &'static str,
}

/// Kalimantan Timur and its regencies and cities; codes unchanged since Permendagri 18/2013.
pub static REGIONS: [RegionEntry; 11] = [
    RegionEntry { code: "64", bps_code: "64", name: "Provinsi Kalimantan Timur" },
    RegionEntry { code: "64.01", bps_code: "6401", name: "Kabupaten Paser" },
    RegionEntry { code: "64.02", bps_code: "6403", name: "Kabupaten Kutai Kartanegara" },
    RegionEntry { code: "64.03", bps_code: "6405", name: "Kabupaten Berau" },
    RegionEntry { code: "64.07", bps_code: "6402", name: "Kabupaten Kutai Barat" },
    RegionEntry { code: "64.08", bps_code: "6404", name: "Kabupaten Kutai Timur" },
    RegionEntry { code: "64.09", bps_code: "6409", name: "Kabupaten Penajam Paser Utara" },
    RegionEntry { code: "64.11", bps_code: "6411", name: "Kabupaten Mahakam Ulu" },
    RegionEntry { code: "64.71", bps_code: "6471", name: "Kota Balikpapan" },
    RegionEntry { code: "64.72", bps_code: "6472", name: "Kota Samarinda" },
    RegionEntry { code: "64.74", bps_code: "6474", name: "Kota Bontang" },
];

/// The whole province.
pub const PROVINCE: Region = Region(0);

/// A region of the province: an index into [`REGIONS`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(u8);

impl Region {
    /// Reads a dotted code.
    ///
    /// # Errors
    /// The fault's code and a sentence that tells what to send.
    pub fn parse(text: &str) -> Result<Self, (&'static str, Text)> {
        if let Some(index) = REGIONS.iter().position(|entry| entry.code == text) {
            return Ok(Self(u8::try_from(index).unwrap_or_default()));
        }
        if text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let (province, rest) = text.split_at(2);
            return Err((
                "undotted_region",
                text!(
                    "Tulis kode wilayah dengan titik menurut Kemendagri, misalnya `{province}.{rest}`. Kode tanpa titik seperti `{text}` ditolak karena dalam sistem BPS dapat berarti kabupaten lain.",
                    "Write the region code with a dot, as Kemendagri does, such as `{province}.{rest}`. An undotted code such as `{text}` is refused because in the BPS system it may mean another regency."
                ),
            ));
        }
        Err((
            "unknown_region",
            text!(
                "`{text}` bukan wilayah Kalimantan Timur; lihat GET /v1/regions.",
                "`{text}` is not a region of East Kalimantan; see GET /v1/regions."
            ),
        ))
    }

    /// Dotted code.
    pub fn code(self) -> &'static str {
        REGIONS[usize::from(self.0)].code
    }

    /// Whether this is the province itself.
    pub fn is_province(self) -> bool {
        self == PROVINCE
    }

    /// Whether `other` lies in this region: the same, or anything when this is the province.
    pub fn covers(self, other: Self) -> bool {
        self.is_province() || self == other
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|(_, why)| serde::de::Error::custom(why.en))
    }
}

impl Deserr<Faults> for Region {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, at: ValuePointerRef) -> Result<Self, Faults> {
        let parsed = match value {
            Value::String(text) => Self::parse(&text),
            _ => Err((
                "undotted_region",
                Text::fixed(
                    "Kirim kode wilayah sebagai teks bertitik, misalnya \"64.72\".",
                    "Send the region code as dotted text, such as \"64.72\".",
                ),
            )),
        };
        parsed.map_err(|(code, why)| Faults(vec![Fault::new(Pointer::of(at), code, why)]))
    }
}

impl PartialSchema for Region {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Dotted Kemendagri code of the province or one of its regencies and cities."))
            .enum_values(Some(REGIONS.iter().map(|entry| entry.code)))
            .examples(["64.72"])
            .into()
    }
}
impl ToSchema for Region {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_undotted_code_is_refused_with_the_dotted_one_in_the_advice() {
        let (code, advice) = Region::parse("6403").unwrap_err();
        assert_eq!(code, "undotted_region");
        assert!(advice.en.contains("64.03") && advice.en.contains("BPS"));
    }

    #[test]
    fn the_province_covers_its_regencies_and_not_the_reverse() {
        let samarinda = Region::parse("64.72").unwrap();
        assert!(PROVINCE.covers(samarinda) && samarinda.covers(samarinda));
        assert!(!samarinda.covers(PROVINCE) && !samarinda.covers(Region::parse("64.71").unwrap()));
    }

    proptest! {
        #[test]
        fn fuzz_a_region_that_is_taken_reads_back_as_itself(text in "6[0-9.]{1,5}|\\PC{0,8}") {
            match Region::parse(&text) {
                Ok(region) => prop_assert_eq!(region.code(), text),
                Err((code, _)) => prop_assert!(["undotted_region", "unknown_region"].contains(&code), "{}", code),
            }
        }
    }
}
