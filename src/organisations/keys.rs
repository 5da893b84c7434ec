//! API keys: how they are made, and whose a key is.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use diesel::prelude::*;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::commands::{IssueKey, RegisterOrganisation};
use super::state::Organisation;
use super::views;
use crate::kernel::{Actor, Name, Number, OrganisationKind, PROVINCE, Refusal, Region, Text, Timestamp};
use crate::ledger::{Context, Hash};
use crate::storage::{AnyConnection, OpenError, ReadError, claims};
use crate::web::{KeySource, KnownKey, Service};

/// What every key begins with, so that a leaked one is recognised.
const PREFIX: &str = "lumbung_";
/// Characters of the checksum at a key's end, by which a scanner tells a key from a look-alike without asking us.
const CHECK_CHARACTERS: usize = 6;

/// A key that was just made: the only moment its text exists.
pub struct NewKey {
    /// The key as the client sends it.
    pub text: String,
    /// SHA-256, hexadecimal.
    pub hash: String,
}

impl NewKey {
    /// Makes a key of 256 random bits.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn make() -> Result<Self, getrandom::Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        Ok(Self::of_secret(&secret))
    }

    /// The key of a given secret: the demonstration's keys are the same in every test.
    pub fn of_secret(secret: &[u8; 32]) -> Self {
        let body = BASE32_NOPAD.encode(secret).to_ascii_lowercase();
        let check = BASE32_NOPAD.encode(&Sha256::digest(body.as_bytes())).to_ascii_lowercase();
        let text = format!("{PREFIX}{body}{}", &check[..CHECK_CHARACTERS]);
        let hash = HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
        Self { text, hash }
    }

    /// The last four characters.
    pub fn last_four(&self) -> String {
        self.text[self.text.len() - 4..].to_owned()
    }
}

/// How the web toolkit finds keys.
pub const SOURCE: KeySource = KeySource { find, version: views::last_position };

fn find(connection: &mut AnyConnection, hash: &Hash, now: Timestamp) -> Result<Option<KnownKey>, ReadError> {
    let hash = HEXLOWER.encode(hash);
    let doc: Option<String> = claims::table
        .inner_join(views::organisations::table.on(views::organisations::id.eq(claims::holder)))
        .filter(claims::namespace.eq("api_key"))
        .filter(claims::value.eq(&hash))
        .select(views::organisations::doc)
        .first(connection)
        .optional()?;
    let Some(doc) = doc else { return Ok(None) };
    let organisation: Organisation = serde_json::from_str(&doc)?;
    let key = organisation.keys.iter().find(|key| key.hash == hash && key.works(now));
    Ok(key.map(|key| KnownKey {
        actor: Actor {
            organisation: organisation.stamp.id,
            kind: organisation.kind,
            region: organisation.region,
            key: key.key_id,
        },
        expires_at: key.expires_at,
    }))
}

/// Issues a key from the command line: registers the organisation if it is new, then records the key through the ledger like any other
/// command.
///
/// # Errors
/// A sentence for the operator.
pub fn issue_key(
    service: &Service,
    kind: OrganisationKind,
    region: Option<Region>,
    name: &str,
    code: Option<&str>,
    label: Option<&str>,
) -> Result<NewKey, OpenError> {
    let said = |why: Text| OpenError(why.en.into_owned());
    let key = NewKey::make().map_err(|why| OpenError(why.to_string()))?;
    let name = Name::parse(name).map_err(said)?;
    let mut reader = service.readers.get()?;
    let known = views::find_by_name(&mut reader, kind, region.unwrap_or(PROVINCE), &name.0)
        .map_err(|why| OpenError(why.to_string()))?;
    let context = || Context::internal(Actor::service(), "command-line");
    let refused = |refusal: Refusal| OpenError(refusal.detail.en.into_owned());
    let id = if let Some(id) = known.and_then(|id| Uuid::parse_str(&id).ok()) {
        id
    } else {
        let code = code.map(Number::parse).transpose().map_err(said)?;
        let register = RegisterOrganisation { name, kind, region, code };
        service.ledger.execute(Uuid::now_v7(), register, context()).result.map_err(refused)?.id
    };
    let issue = IssueKey {
        key_id: Uuid::now_v7(),
        label: label.map(Name::parse).transpose().map_err(said)?,
        hash: key.hash.clone(),
        last_four: key.last_four(),
        expires_at: None,
    };
    service.ledger.execute(id, issue, context()).result.map_err(refused)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_prefix_and_256_bits_and_no_two_are_alike() {
        let (one, other) = (NewKey::make().unwrap(), NewKey::make().unwrap());
        assert!(one.text.starts_with("lumbung_") && one.text.len() == 8 + 52 + 6);
        assert_ne!(one.text, other.text);
        assert!(!one.hash.contains(&one.text));
    }
}
