//! What a credential is confined to: some of what its organisation may do.
//!
//! A scope is `read` (everything the organisation may read), `{area}:read`, or `{area}:write`, which includes reading the area. Whatever the
//! scopes, [`super::may_read`] and [`super::may_write`] give no more than the organisation's kind does.

use std::fmt;

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::{PartialSchema, ToSchema};

use super::problem_codes::INSUFFICIENT_SCOPE;
use super::rights::{kind_may_read, kind_may_write};
use super::{Actor, Area, Fault, Faults, OneOf, Pointer, Refusal, Scope, Text};

/// Most scopes of one credential.
const SCOPES_MAX: usize = 64;

/// One scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScopeWord {
    /// Reading, wherever the organisation may.
    ReadAll,
    /// Reading in an area.
    Read(Area),
    /// Reading and writing in an area.
    Write(Area),
}

impl ScopeWord {
    /// Reads a scope; nothing when it is none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "read" {
            return Some(Self::ReadAll);
        }
        let (area, right) = text.split_once(':')?;
        let area = Area::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(area)).ok()?;
        match right {
            "read" => Some(Self::Read(area)),
            "write" => Some(Self::Write(area)),
            _ => None,
        }
    }

    /// Whether an organisation may do something that this scope stands for.
    fn fits(self, organisation: &Actor) -> bool {
        let reach = match self {
            Self::ReadAll => return true,
            Self::Read(area) => kind_may_read(organisation, area),
            Self::Write(area) => kind_may_write(organisation, area),
        };
        reach != Scope::Nothing
    }

    /// The refusal of what a credential without this scope asks for.
    pub fn missing(self) -> Refusal {
        let detail = text!(
            "Kunci ini tidak memuat lingkup `{self}` yang diperlukan di sini.",
            "This key does not hold the scope `{self}`, which is needed here."
        );
        Refusal::new(&INSUFFICIENT_SCOPE, detail).with("scope", self.to_string())
    }
}

impl fmt::Display for ScopeWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadAll => f.write_str("read"),
            Self::Read(area) => write!(f, "{}:read", area.word()),
            Self::Write(area) => write!(f, "{}:write", area.word()),
        }
    }
}

impl Serialize for ScopeWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ScopeWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no scope")))
    }
}

impl Deserr<Faults> for ScopeWord {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, at: ValuePointerRef) -> Result<Self, Faults> {
        let parsed = match value {
            Value::String(text) => Self::parse(&text),
            _ => None,
        };
        parsed.ok_or_else(|| {
            let why = Text::fixed(
                "Kirim `read`, `{bidang}:read` atau `{bidang}:write`, misalnya `financings:write`.",
                "Send `read`, `{area}:read` or `{area}:write`, such as `financings:write`.",
            );
            Faults(vec![Fault::new(Pointer::of(at), "unknown_scope", why)])
        })
    }
}

impl PartialSchema for ScopeWord {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^(read|[a-z]+:(read|write))$"))
            .description(Some("`read`, `{area}:read` or `{area}:write`."))
            .examples(["financings:write"])
            .into()
    }
}
impl ToSchema for ScopeWord {
    fn name() -> std::borrow::Cow<'static, str> {
        "Scope".into()
    }
}

/// The scopes of a credential, sorted, each once. None at all allow nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Scopes(Vec<ScopeWord>);

impl Deserr<Faults> for Scopes {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, at: ValuePointerRef) -> Result<Self, Faults> {
        Vec::deserialize_from_value(value, at).map(Self::of)
    }
}

impl Scopes {
    /// Some scopes.
    pub fn of(mut words: Vec<ScopeWord>) -> Self {
        words.sort_unstable();
        words.dedup();
        Self(words)
    }

    /// The scopes in a token's `scope`, separated by spaces; those of other services mean nothing here.
    pub fn of_claim(text: &str) -> Self {
        Self::of(text.split(' ').filter_map(ScopeWord::parse).collect())
    }

    /// Whether they let an area be read.
    pub fn read(&self, area: Area) -> bool {
        self.0.contains(&ScopeWord::ReadAll) || self.0.contains(&ScopeWord::Read(area)) || self.write(area)
    }

    /// Whether they let an area be written.
    pub fn write(&self, area: Area) -> bool {
        self.0.contains(&ScopeWord::Write(area))
    }

    /// Whether these allow all that `other` allows.
    pub fn cover(&self, other: &Self) -> bool {
        other.0.iter().all(|word| match *word {
            ScopeWord::ReadAll => self.0.contains(word),
            ScopeWord::Read(area) => self.read(area),
            ScopeWord::Write(area) => self.write(area),
        })
    }

    /// Refuses scopes that are none, too many, or wider than what the organisation they are meant for may do.
    ///
    /// # Errors
    /// A rule refusal that points at every fault.
    pub fn require_within(&self, organisation: &Actor) -> Result<(), Refusal> {
        let mut faults = Faults::default();
        if self.0.is_empty() || self.0.len() > SCOPES_MAX {
            let why = text!(
                "Sebut 1 sampai {SCOPES_MAX} lingkup, atau hilangkan `scopes` agar kunci dapat semua yang dapat dilakukan organisasinya.",
                "Name 1 to {SCOPES_MAX} scopes, or leave `scopes` out for a key that can do all its organisation can."
            );
            faults.add("/scopes", "wrong_length", why);
        }
        let kind = organisation.kind;
        for word in self.0.iter().filter(|word| !word.fits(organisation)) {
            let why = text!(
                "Lingkup `{word}` lebih luas dari kewenangan organisasi berjenis `{kind}`.",
                "The scope `{word}` is wider than what an organisation of kind `{kind}` may do."
            );
            faults.add("/scopes", "scope_too_wide", why);
        }
        if faults.0.is_empty() { Ok(()) } else { Err(Refusal::faults(&super::problem_codes::RULE_REFUSED, faults)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{OrganisationKind, PROVINCE, may_read, may_write};
    use proptest::prelude::*;
    use uuid::Uuid;

    const AREAS: [Area; 4] = [Area::Organisations, Area::Cooperatives, Area::Assessments, Area::Financings];

    fn scopes(words: &[&str]) -> Scopes {
        Scopes::of(words.iter().map(|word| ScopeWord::parse(word).unwrap()).collect())
    }

    fn bank(scopes: Option<Scopes>) -> Actor {
        Actor { scopes, ..Actor::of(Uuid::from_u128(7), OrganisationKind::Bank, PROVINCE) }
    }

    #[test]
    fn a_key_does_what_its_scopes_name_and_nothing_else() {
        let reader = bank(Some(scopes(&["read"])));
        assert_eq!(may_read(&reader, Area::Financings), Scope::Organisation(reader.organisation));
        assert_eq!(may_write(&reader, Area::Financings), Scope::Nothing);
        let refusal = reader.require_write(Area::Financings, PROVINCE, reader.organisation).unwrap_err();
        assert_eq!((refusal.code.name, &refusal.members["scope"]), ("insufficient_scope", &"financings:write".into()));
        let writer = bank(Some(scopes(&["financings:write"])));
        assert_eq!(may_write(&writer, Area::Financings), Scope::Organisation(writer.organisation));
        assert_eq!(may_read(&writer, Area::Cooperatives), Scope::Nothing);
        assert_eq!(writer.require_some_read(Area::Cooperatives).unwrap_err().code.name, "insufficient_scope");
        assert_eq!(writer.require_some_read(Area::Managers).unwrap_err().code.name, "forbidden");
    }

    #[test]
    fn scopes_wider_than_the_kind_and_none_at_all_are_refused() {
        assert!(scopes(&["read", "financings:write"]).require_within(&bank(None)).is_ok());
        let refusal = scopes(&["cooperatives:write", "managers:read"]).require_within(&bank(None)).unwrap_err();
        assert_eq!(refusal.faults.iter().map(|fault| &*fault.code).collect::<Vec<_>>(), ["scope_too_wide"; 2]);
        assert!(Scopes::default().require_within(&bank(None)).is_err());
        assert_eq!(ScopeWord::parse("financings:delete"), None);
        assert_eq!(Scopes::of_claim("openid financings:read  x:read"), scopes(&["financings:read"]));
    }

    fn any_scopes() -> impl Strategy<Value = Scopes> {
        let word = prop_oneof![
            Just(ScopeWord::ReadAll),
            (0..AREAS.len()).prop_map(|area| ScopeWord::Read(AREAS[area])),
            (0..AREAS.len()).prop_map(|area| ScopeWord::Write(AREAS[area])),
        ];
        prop::collection::vec(word, 0..6).prop_map(Scopes::of)
    }

    proptest! {
        #[test]
        fn scopes_never_widen_what_the_kind_may(given in any_scopes(), area in 0..AREAS.len()) {
            let (confined, free) = (bank(Some(given)), bank(None));
            for right in [may_read, may_write] {
                let scope = right(&confined, AREAS[area]);
                prop_assert!(scope == Scope::Nothing || scope == right(&free, AREAS[area]));
            }
        }

        #[test]
        fn scopes_that_cover_others_allow_all_that_those_allow(one in any_scopes(), other in any_scopes(), area in 0..AREAS.len()) {
            let area = AREAS[area];
            if one.cover(&other) {
                prop_assert!((one.read(area) || !other.read(area)) && (one.write(area) || !other.write(area)));
            }
            prop_assert!(one.cover(&one));
        }
    }
}
