//! Why a request is refused, said in both languages and pointing at the place.

use std::borrow::Cow;
use std::ops::ControlFlow;

use deserr::{DeserializeError, ErrorKind, IntoValue, MergeWithError, ValuePointerRef};
use serde::{Deserialize, Serialize};

use super::codes::{self, Code};

/// A sentence in Indonesian and in English.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Bahasa Indonesia, the default.
    pub id: Cow<'static, str>,
    /// English.
    pub en: Cow<'static, str>,
}

impl Text {
    /// A sentence known at compile time.
    pub const fn fixed(id: &'static str, en: &'static str) -> Self {
        Self { id: Cow::Borrowed(id), en: Cow::Borrowed(en) }
    }

    /// A sentence put together at run time; the `text!` macro is the usual way here.
    pub fn new(id: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        Self { id: id.into(), en: en.into() }
    }
}

/// `text!("kalimat {x}", "sentence {x}")`: a [`Text`] with the variables in scope filled in.
#[macro_export]
macro_rules! text {
    ($id:literal, $en:literal) => {
        $crate::kernel::Text::new(format!($id), format!($en))
    };
}

/// One thing wrong with what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// RFC 6901 pointer into the body (`/worksheet/total_aset`), or `?name` for a query parameter.
    pub pointer: String,
    /// Stable `snake_case` name of the fault.
    pub code: Cow<'static, str>,
    /// What to do about it.
    pub detail: Text,
}

impl Fault {
    /// A fault at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: Text) -> Self {
        Self { pointer: pointer.into(), code: Cow::Borrowed(code), detail }
    }
}

/// Faults told of one request; a body made of nothing but faults must not be answered with a larger one.
const FAULTS_SHOWN_MAX: usize = 100;
/// Characters repeated of a name somebody made up.
const NAME_CHARACTERS_SHOWN_MAX: usize = 64;

/// A made-up name, cut to what is worth repeating.
pub fn shown(name: &str) -> String {
    name.chars().take(NAME_CHARACTERS_SHOWN_MAX).collect()
}

/// All faults found so far; a body is read to its end before it is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// Adds a fault.
    pub fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: Text) {
        self.0.push(Fault::new(pointer, code, detail));
    }

    /// Notes what a check found wrong, so that the next check can be made as well.
    pub fn check<T>(&mut self, checked: Result<T, Refusal>) -> Option<T> {
        checked.map_err(|refusal| self.0.extend(refusal.faults)).ok()
    }

    /// `Ok(value)` when nothing was found wrong.
    ///
    /// # Errors
    /// The refusal `rule_refused` carrying every fault.
    pub fn or_refuse<T>(self, value: T) -> Result<T, Refusal> {
        if self.0.is_empty() { Ok(value) } else { Err(Refusal::faults(&codes::RULE_REFUSED, self)) }
    }
}

/// Builds the pointer text of a place in a body.
pub struct Pointer;

impl Pointer {
    /// A member's name as a pointer writes it.
    pub fn escaped(name: &str) -> String {
        name.replace('~', "~0").replace('/', "~1")
    }

    /// RFC 6901 text of a deserr location.
    pub fn of(location: ValuePointerRef<'_>) -> String {
        match location {
            ValuePointerRef::Origin => String::new(),
            ValuePointerRef::Key { key, prev } => {
                format!("{}/{}", Self::of(*prev), Self::escaped(key))
            }
            ValuePointerRef::Index { index, prev } => format!("{}/{index}", Self::of(*prev)),
        }
    }
}

impl MergeWithError<Faults> for Faults {
    fn merge(self_: Option<Self>, other: Faults, _: ValuePointerRef) -> ControlFlow<Self, Self> {
        let mut all = self_.unwrap_or_default();
        all.0.extend(other.0);
        ControlFlow::Continue(all)
    }
}

impl DeserializeError for Faults {
    fn error<V: IntoValue>(
        self_: Option<Self>,
        error: ErrorKind<V>,
        location: ValuePointerRef,
    ) -> ControlFlow<Self, Self> {
        let mut all = self_.unwrap_or_default();
        let at = Pointer::of(location);
        all.0.push(match error {
            ErrorKind::IncorrectValueKind { actual, accepted } => {
                let got = kind_name(actual.kind());
                let want = accepted.iter().map(|kind| kind_name(*kind)).collect::<Vec<_>>().join(" / ");
                Fault::new(at, "wrong_type", text!("Kirim {want}, bukan {got}.", "Send {want}, not {got}."))
            }
            ErrorKind::MissingField { field } => Fault::new(
                format!("{at}/{field}"),
                "missing_field",
                text!("Isian `{field}` wajib ada.", "Add the field `{field}`; it is required."),
            ),
            ErrorKind::UnknownKey { key, accepted } => {
                let key = shown(key);
                let known = if accepted.is_empty() { "-".to_owned() } else { accepted.join(", ") };
                Fault::new(
                    format!("{at}/{}", Pointer::escaped(&key)),
                    "unknown_field",
                    text!(
                        "Isian `{key}` tidak dikenal; hapus atau perbaiki ejaannya. Yang dikenal: {known}.",
                        "The field `{key}` is not known; remove it or correct its spelling. Known: {known}."
                    ),
                )
            }
            ErrorKind::UnknownValue { value, accepted } => {
                let value = shown(value);
                let known = accepted.join(", ");
                Fault::new(
                    at,
                    "unknown_value",
                    text!(
                        "`{value}` tidak dikenal; pilih: {known}.",
                        "`{value}` is not known; choose one of: {known}."
                    ),
                )
            }
            ErrorKind::BadSequenceLen { expected, .. } => Fault::new(
                at,
                "wrong_length",
                text!("Daftar ini harus berisi {expected} unsur.", "This list must have {expected} items."),
            ),
            ErrorKind::Unexpected { msg } => Fault::new(at, "invalid_value", Text::new(msg.clone(), msg)),
        });
        ControlFlow::Continue(all)
    }
}

fn kind_name(kind: deserr::ValueKind) -> &'static str {
    match kind {
        deserr::ValueKind::Null => "null",
        deserr::ValueKind::Boolean => "true/false",
        deserr::ValueKind::Integer => "integer",
        deserr::ValueKind::NegativeInteger => "negative integer",
        deserr::ValueKind::Float => "number",
        deserr::ValueKind::String => "text",
        deserr::ValueKind::Sequence => "array",
        deserr::ValueKind::Map => "object",
    }
}

/// A request that is not carried out, and what the sender can do.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Entry of the problem table.
    pub code: &'static Code,
    /// What happened here and what to do.
    pub detail: Text,
    /// Every fault, when there are places to point at.
    pub faults: Vec<Fault>,
    /// Machine-readable members of the problem document: `existing`, `state`, `allowed`, …
    pub members: serde_json::Map<String, serde_json::Value>,
    /// The person it gives away: recorded as a look before it is told, and never told itself.
    pub met: Option<Box<Met>>,
}

/// A person whom somebody came upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Met {
    /// The record that holds the data.
    pub record: uuid::Uuid,
    /// Whose data.
    pub subject: uuid::Uuid,
    /// Whether whoever came upon it may not see it.
    pub hidden: bool,
}

impl Refusal {
    /// A refusal with a sentence.
    pub fn new(code: &'static Code, detail: Text) -> Self {
        Self { code, detail, faults: Vec::new(), members: serde_json::Map::new(), met: None }
    }

    /// A refusal whose sentences are its faults'.
    pub fn faults(code: &'static Code, mut faults: Faults) -> Self {
        let more = faults.0.len().saturating_sub(FAULTS_SHOWN_MAX);
        if more > 0 {
            faults.0.truncate(FAULTS_SHOWN_MAX);
            let why = text!("Masih ada {more} kesalahan lain.", "There are {more} more faults.");
            faults.add("", "more_faults", why);
        }
        let detail = faults.0.first().map_or(code.advice.clone(), |fault| fault.detail.clone());
        Self { code, detail, faults: faults.0, members: serde_json::Map::new(), met: None }
    }

    /// A rule refused one field.
    pub fn rule(pointer: &str, fault: &'static str, detail: Text) -> Self {
        Self::faults(&codes::RULE_REFUSED, Faults(vec![Fault::new(pointer, fault, detail)]))
    }

    /// One parameter of the address is not as it must be.
    pub fn parameter(pointer: impl Into<String>, fault: &'static str, detail: Text) -> Self {
        Self::faults(&codes::INVALID_PARAMETER, Faults(vec![Fault::new(pointer, fault, detail)]))
    }

    /// A list in the address names something twice.
    pub fn named_twice(pointer: &str, name: &str) -> Self {
        let why = text!("Sebut `{name}` sekali saja.", "Name `{name}` once only.");
        Self::parameter(pointer, "given_twice", why)
    }

    /// Nothing of that kind and id is visible to the caller.
    pub fn not_found(kind: &str, id: impl std::fmt::Display) -> Self {
        Self::new(
            &codes::NOT_FOUND,
            text!("Tidak ada `{kind}` {id} yang dapat Anda lihat.", "There is no `{kind}` {id} that you can see."),
        )
    }

    /// The command does not fit the state; `allowed` are the commands that do.
    pub fn wrong_state(state: &str, allowed: &[&str]) -> Self {
        let list = if allowed.is_empty() { "-".to_owned() } else { allowed.join(", ") };
        Self::new(
            &codes::WRONG_STATE,
            text!(
                "Keadaannya sekarang `{state}`; yang dapat dilakukan: {list}.",
                "Its state is `{state}`; what can be done from there: {list}."
            ),
        )
        .with("state", state)
        .with("allowed", allowed.to_vec())
    }

    /// The same thing is already recorded under `existing`.
    pub fn duplicate(pointer: &str, what: &str, existing: uuid::Uuid) -> Self {
        let detail = text!(
            "{what} ini sudah tercatat pada {existing}; pakai catatan itu.",
            "This {what} is already recorded as {existing}; use that record."
        );
        let mut refusal = Self::new(&codes::DUPLICATE, detail.clone()).with("existing", existing.to_string());
        refusal.faults.push(Fault::new(pointer, "duplicate", detail));
        refusal
    }

    /// A person is already recorded, in a record that the caller sees or does not.
    pub fn known_person(pointer: &str, what: &str, met: Met) -> Self {
        let mut refusal = if met.hidden {
            let detail = text!(
                "{what} ini sudah tercatat pada catatan yang tidak dapat Anda lihat; hubungi dinas provinsi.",
                "This {what} is already recorded, in a record that you cannot see; ask the provincial office."
            );
            Self::faults(&codes::DUPLICATE, Faults(vec![Fault::new(pointer, "duplicate", detail)]))
        } else {
            Self::duplicate(pointer, what, met.record)
        };
        refusal.met = Some(Box::new(met));
        refusal
    }

    /// Adds a machine-readable member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<serde_json::Value>) -> Self {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    /// The text form kept in an idempotency receipt.
    pub fn to_stored(&self) -> String {
        serde_json::json!({
            "code": self.code.name, "detail": self.detail, "faults": self.faults, "members": self.members, "met": self.met
        })
        .to_string()
    }

    /// Reads what [`Refusal::to_stored`] wrote; an unreadable receipt becomes an internal error.
    pub fn from_stored(text: &str) -> Self {
        #[derive(Deserialize)]
        struct Stored {
            code: String,
            detail: Text,
            faults: Vec<Fault>,
            members: serde_json::Map<String, serde_json::Value>,
            #[serde(default)]
            met: Option<Box<Met>>,
        }
        match serde_json::from_str::<Stored>(text) {
            Ok(Stored { code, detail, faults, members, met }) => {
                let code = codes::code(&code).unwrap_or(&codes::INTERNAL);
                Self { code, detail, faults, members, met }
            }
            Err(_) => Self::new(&codes::INTERNAL, codes::INTERNAL.advice.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_refusal_reads_back_unchanged() {
        let refusal = Refusal::wrong_state("applied", &["approvals", "rejections"]);
        assert_eq!(Refusal::from_stored(&refusal.to_stored()), refusal);
        let met = Met { record: uuid::Uuid::from_u128(1), subject: uuid::Uuid::from_u128(2), hidden: true };
        let refusal = Refusal::known_person("/person/nik_orang", "nik_orang", met);
        assert_eq!(Refusal::from_stored(&refusal.to_stored()), refusal);
        assert!(!refusal.detail.en.contains(&met.record.to_string()) && !refusal.members.contains_key("existing"));
    }

    #[test]
    fn a_pointer_escapes_slashes_and_tildes() {
        let origin = ValuePointerRef::Origin;
        let list = ValuePointerRef::Key { key: "a/b~c", prev: &origin };
        assert_eq!(Pointer::of(ValuePointerRef::Index { index: 3, prev: &list }), "/a~1b~0c/3");
    }
}
