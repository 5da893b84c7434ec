//! API keys: how they are made, and who is recognised by what.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::commands::RegisterOrganisation;
use super::issuing::{IssueKey, MadeKey};
use super::state::{Organisation, token_client};
use super::views;
use crate::kernel::{
    Actor, Environment, Name, Number, OrganisationKind, PROVINCE, Refusal, Region, Text, Timestamp, write_key,
};
use crate::ledger::Context;
use crate::storage::{AnyConnection, OpenError, ReadError};
use crate::web::{Credential, KeySource, KnownKey, Service};

/// A key that was just made: the only moment its text exists.
pub struct NewKey {
    /// The key as the client sends it.
    pub text: String,
    /// What is recorded of it.
    pub made: MadeKey,
}

impl NewKey {
    /// Makes a key of 256 random bits.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn make(key_id: Uuid, environment: Environment) -> Result<Self, getrandom::Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        let text = write_key(environment, &secret);
        let hash = HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
        let last_four = text[text.len() - 4..].to_owned();
        Ok(Self { text, made: MadeKey { key_id, hash, last_four, environment } })
    }
}

/// How the web toolkit finds out who is calling.
pub const SOURCE: KeySource = KeySource { find, version: views::last_position };

/// Stands in for the organisation that nobody is, so that what is unknown takes the very same way as what was revoked.
const NOBODY: &str = r#"{"id":"00000000-0000-0000-0000-000000000000","version":0,"position":0,
    "recorded_by":"00000000-0000-0000-0000-000000000000","recorded_at":"2014-01-01T00:00:00Z","updated_at":"2014-01-01T00:00:00Z",
    "name":"-","kind":"auditor","region":"64","code":null,"deactivated_at":"2014-01-01T00:00:00Z","keys":[],"clients":[]}"#;

/// One query and one document to read, whatever becomes of it.
fn find(
    connection: &mut AnyConnection,
    credential: &Credential,
    now: Timestamp,
) -> Result<Option<KnownKey>, ReadError> {
    let (namespace, value) = match credential {
        Credential::Key(hash) => ("api_key", HEXLOWER.encode(hash)),
        Credential::Certificate(hash) => ("certificate", HEXLOWER.encode(hash)),
        Credential::Client { issuer, client_id } => ("token_client", token_client(issuer, client_id)),
    };
    let doc = views::holder_of(connection, namespace, &value)?;
    let organisation: Organisation = serde_json::from_str(doc.as_deref().unwrap_or(NOBODY))?;
    Ok(known_by(&organisation, (namespace, &value), now).filter(|_| organisation.deactivated_at.is_none()))
}

/// The organisation's key or client that this claim is of, if it works.
fn known_by(organisation: &Organisation, (namespace, value): (&str, &str), now: Timestamp) -> Option<KnownKey> {
    if namespace == "api_key" {
        // What is compared is the hash that was looked up by: how long it takes tells nothing about any key.
        let key = organisation.keys.iter().find(|key| key.hash == value && key.works(now))?;
        let actor = Actor { key: key.key_id, scopes: key.scopes.clone(), ..organisation.actor() };
        return Some(KnownKey { actor, label: key.label.clone(), expires_at: key.expires_at });
    }
    let clients = organisation.clients.iter().filter(|client| client.removed_at.is_none());
    let mut named = clients.filter(|client| {
        let claim = client.identity.claim();
        (claim.namespace, &*claim.value) == (namespace, value)
    });
    let client = named.next()?;
    let actor = Actor { key: client.client, ..organisation.actor() };
    Some(KnownKey { actor, label: client.label.clone(), expires_at: None })
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
    let key = NewKey::make(Uuid::now_v7(), service.environment).map_err(|why| OpenError(why.to_string()))?;
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
        made: key.made.clone(),
        label: label.map(Name::parse).transpose().map_err(said)?,
        scopes: None,
        expires_at: None,
    };
    service.ledger.execute(id, issue, context()).result.map_err(refused)?;
    Ok(key)
}
