//! A person's data in the clear: it exists only between the sealed text and an answer to someone who may see it.

use std::borrow::Cow;

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::{PartialSchema, ToSchema};

use super::problem_codes::{PERSONAL_DATA_ERASED, PERSONAL_DATA_RESTRICTED};
use super::{Fault, Faults, Name, Note, Number, Pointer, Refusal, Text};

/// Digits of a person's NIK.
const NIK_DIGITS: usize = 16;

/// Whether a text may hold a person's identity number: 16 digits in a row.
pub fn holds_identity_number(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() == NIK_DIGITS)
}

/// The text with what may be an identity number left out: for what is repeated to a sender, whatever field it was sent in.
pub fn without_identity_numbers(text: &str) -> Cow<'_, str> {
    if !holds_identity_number(text) {
        return text.into();
    }
    let (mut told, mut digits) = (String::new(), String::new());
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        told.push_str(if digits.len() == NIK_DIGITS { "…" } else { &digits });
        digits.clear();
        told.push(c);
    }
    told.pop();
    told.into()
}

/// A person's identity number (NIK): 16 digits. Not to be taken for a cooperative's `nik_koperasi`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NikOrang(pub String);

impl Deserr<Faults> for NikOrang {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, at: ValuePointerRef) -> Result<Self, Faults> {
        match value {
            Value::String(text) if text.len() == NIK_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Self(text))
            }
            // The sentence must not repeat what was sent: it is personal data.
            _ => Err(Faults(vec![Fault::new(
                Pointer::of(at),
                "invalid_nik_orang",
                Text::fixed("Kirim NIK orang sebagai teks 16 angka.", "Send the person's NIK as text of 16 digits."),
            )])),
        }
    }
}

impl PartialSchema for NikOrang {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9]{16}$"))
            .max_length(Some(NIK_DIGITS))
            .description(Some("A person's NIK, 16 digits. Sealed at rest; never in logs, problems or addresses."))
            .into()
    }
}
impl ToSchema for NikOrang {}

/// Personal data of a manager or of an enterprise's owner. Deliberately without `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"name": "Contoh Nama (fiktif)", "nik_orang": "6472014101800001", "phone": "0541-000000"}))]
pub struct Person {
    /// Full name.
    pub name: Name,
    /// Identity number, if known.
    #[deserr(default)]
    pub nik_orang: Option<NikOrang>,
    /// Phone number.
    #[deserr(default)]
    pub phone: Option<Number>,
    /// Address.
    #[deserr(default)]
    pub address: Option<Note>,
}

/// Changes to a person's data; what is named.
#[derive(Clone, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"phone": "0541-111111"}))]
pub struct PersonChanges {
    /// New name.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub name: Option<Name>,
    /// New identity number.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub nik_orang: Option<NikOrang>,
    /// New phone number.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub phone: Option<Number>,
    /// New address.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub address: Option<Note>,
}

impl Person {
    /// The person with the changes made.
    #[must_use]
    pub fn changed(self, changes: PersonChanges) -> Self {
        Self {
            name: changes.name.unwrap_or(self.name),
            nik_orang: changes.nik_orang.or(self.nik_orang),
            phone: changes.phone.or(self.phone),
            address: changes.address.or(self.address),
        }
    }
}

crate::words! {
    /// Whether personal data stands in a document.
    PersonalData {
        /// It does.
        Shown = "shown",
        /// The caller may not see it.
        Hidden = "hidden",
        /// It was erased; no one can see it any more.
        Erased = "erased",
        /// Its processing is restricted: only the provincial office sees it.
        Restricted = "restricted",
    }
}

/// What was done about a person's data as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataStanding {
    /// The key was destroyed.
    pub erased: bool,
    /// Its processing is restricted.
    pub restricted: bool,
}

impl DataStanding {
    /// Refuses what needs the data when it was erased.
    ///
    /// # Errors
    /// `personal_data_erased`.
    pub fn require_kept(self) -> Result<(), Refusal> {
        if self.erased {
            return Err(Refusal::new(&PERSONAL_DATA_ERASED, PERSONAL_DATA_ERASED.advice.clone()));
        }
        Ok(())
    }

    /// Refuses to amend what was erased, or is restricted.
    ///
    /// # Errors
    /// `personal_data_erased`, `personal_data_restricted`.
    pub fn require_amendable(self) -> Result<(), Refusal> {
        self.require_kept()?;
        if self.restricted {
            return Err(Refusal::new(&PERSONAL_DATA_RESTRICTED, PERSONAL_DATA_RESTRICTED.advice.clone()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_an_identity_number_is_left_out_and_other_numbers_stay() {
        let told = without_identity_numbers("NIK 6472014101800001, koperasi 6472010010001 …6472014101800002");
        assert_eq!(told, "NIK …, koperasi 6472010010001 ……");
        assert_eq!(without_identity_numbers("64720141018000012"), "64720141018000012");
        assert!(holds_identity_number("/v1/managers/6472014101800001") && !holds_identity_number("64.72"));
    }
}
