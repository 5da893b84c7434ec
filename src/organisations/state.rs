//! An organisation as its events made it.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::{ClientIdentity, OrganisationEvent as Event};
use super::views;
use crate::kernel::{
    Actor, Area, Environment, Name, Number, OneOf, OrganisationKind, Refusal, Region, Scopes, Timestamp,
};
use crate::ledger::{Cell, Claim, Envelope, Resource, Stamp, Table};

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Organisation {
    /// About the record.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Its name.
    pub name: Name,
    /// What it is.
    pub kind: OrganisationKind,
    /// Where it is competent.
    pub region: Region,
    /// A code it is known by, such as a bank's three digits.
    pub code: Option<Number>,
    /// Since when nothing of it works; null while it may use the service.
    #[serde(default)]
    pub deactivated_at: Option<Timestamp>,
    /// Its keys, without their secrets.
    pub keys: Vec<Key>,
    /// What else it is recognised by: clients of a token issuer, certificates.
    #[serde(default)]
    pub clients: Vec<Client>,
}

/// An API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Key {
    /// The key's id.
    pub key_id: Uuid,
    /// What it is for.
    pub label: Option<Name>,
    /// Its last four characters.
    pub last_four: String,
    /// What its text says it is for; null for keys from before there were environments.
    #[serde(default)]
    pub environment: Option<Environment>,
    /// What it is confined to; null when it may do all that its organisation may.
    #[serde(default)]
    pub scopes: Option<Scopes>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The key that took over from it.
    #[serde(default)]
    pub replaced_by: Option<Uuid>,
    /// When it was last used, to the minute or so; not in the log, filled in when it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// SHA-256 of the key; never shown.
    #[schema(ignore)]
    pub hash: String,
}

impl Key {
    /// Whether it works at `now`, if its organisation does.
    pub fn works(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// What an organisation is recognised by beside its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Client {
    /// Its id here.
    pub client: Uuid,
    /// What it is for.
    pub label: Option<Name>,
    /// What it is recognised by.
    #[serde(flatten)]
    pub identity: ClientIdentity,
    /// When it was added.
    pub added_at: Timestamp,
    /// When it was removed.
    pub removed_at: Option<Timestamp>,
    /// When it was last used, to the minute or so; not in the log, filled in when it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

impl ClientIdentity {
    /// The claim that no two organisations share it. It stays with the organisation after the client was removed: what was recorded by
    /// it never becomes another's.
    pub fn claim(&self) -> Claim {
        let (namespace, value, pointer) = match self {
            Self::Token { issuer, client_id } => ("token_client", token_client(&issuer.0, &client_id.0), "/client_id"),
            Self::Certificate { sha256 } => ("certificate", sha256.clone(), "/certificate_sha256"),
        };
        Claim { namespace, value, pointer, what: "client" }
    }
}

/// How an issuer's client is claimed.
pub fn token_client(issuer: &str, client_id: &str) -> String {
    json!([issuer, client_id]).to_string()
}

impl Organisation {
    /// Refuses what only an active organisation can be given.
    ///
    /// # Errors
    /// `wrong_state`.
    pub fn require_active(&self) -> Result<(), Refusal> {
        if self.deactivated_at.is_none() {
            Ok(())
        } else {
            Err(Refusal::wrong_state("deactivated", &["reactivations"]))
        }
    }

    /// The organisation as it acts without any confinement: what its kind may do.
    pub fn actor(&self) -> Actor {
        Actor::of(self.stamp.id, self.kind, self.region)
    }

    fn key_mut(&mut self, key_id: Uuid) -> Option<&mut Key> {
        self.keys.iter_mut().find(|key| key.key_id == key_id)
    }

    /// What follows the registration; `None` when it cannot.
    fn after(mut self, event: &Event, at: Timestamp) -> Option<Self> {
        match event {
            Event::Registered { .. } => return None,
            Event::KeyIssued { key_id, label, hash, last_four, expires_at, environment, scopes, replaces } => {
                if let Some(replaced) = replaces {
                    let old = self.key_mut(replaced.key_id)?;
                    old.replaced_by = Some(*key_id);
                    old.expires_at = Some(replaced.until);
                }
                self.keys.push(Key {
                    key_id: *key_id,
                    label: label.clone(),
                    last_four: last_four.clone(),
                    environment: *environment,
                    scopes: scopes.clone(),
                    issued_at: at,
                    expires_at: *expires_at,
                    revoked_at: None,
                    replaced_by: None,
                    last_used_at: None,
                    hash: hash.clone(),
                });
            }
            Event::KeyRevoked { key_id, .. } => self.key_mut(*key_id)?.revoked_at = Some(at),
            Event::ClientAdded { client, label, identity } => self.clients.push(Client {
                client: *client,
                label: label.clone(),
                identity: identity.clone(),
                added_at: at,
                removed_at: None,
                last_used_at: None,
            }),
            Event::ClientRemoved { client, .. } => {
                self.clients.iter_mut().find(|known| known.client == *client)?.removed_at = Some(at);
            }
            Event::Deactivated { .. } => self.deactivated_at = Some(at),
            Event::Reactivated { .. } => self.deactivated_at = None,
        }
        Some(self)
    }
}

impl Resource for Organisation {
    type Event = Event;
    const KIND: &'static str = "organisation";
    const TABLE: Table = views::TABLE;
    const AREA: Area = Area::Organisations;
    const CLAIMS: &'static [&'static str] =
        &["api_key", "certificate", "organisation", "organisation_code", "token_client"];

    fn evolve(state: Option<Self>, event: &Event, envelope: &Envelope) -> Option<Self> {
        match (state, event) {
            (None, Event::Registered { name, kind, region, code }) => Some(Self {
                stamp: Stamp::default(),
                name: name.clone(),
                kind: *kind,
                region: *region,
                code: code.clone(),
                deactivated_at: None,
                keys: Vec::new(),
                clients: Vec::new(),
            }),
            (state, event) => state?.after(event, envelope.recorded_at),
        }
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
    }
    fn stamp_mut(&mut self) -> &mut Stamp {
        &mut self.stamp
    }
    fn columns(&self) -> Vec<Cell> {
        vec![Cell::text(self.kind.word()), Cell::text(self.region), Cell::text(&self.name)]
    }
    fn home(&self) -> (Region, Uuid) {
        (self.region, self.stamp.id)
    }
    fn claims(&self) -> Vec<Claim> {
        let key = |hash: &String| Claim { namespace: "api_key", value: hash.clone(), pointer: "", what: "key" };
        let name = Claim {
            namespace: "organisation",
            value: format!("{}|{}|{}", self.kind, self.region, self.name.normalised()),
            pointer: "/name",
            what: "organisation",
        };
        let code = self.code.iter().map(|code| Claim {
            namespace: "organisation_code",
            value: format!("{}|{}", self.kind, code.normalised()),
            pointer: "/code",
            what: "code",
        });
        let keys = self.keys.iter().map(|stored| key(&stored.hash));
        let clients = self.clients.iter().map(|client| client.identity.claim());
        std::iter::once(name).chain(code).chain(keys).chain(clients).collect()
    }

    fn schema_version(event_type: &str) -> i32 {
        if event_type == "organisation.key_issued" { 2 } else { 1 }
    }

    fn upcast(event_type: &str, schema_version: i32, data: String) -> String {
        if (event_type, schema_version) != ("organisation.key_issued", 1) {
            return data;
        }
        let added = "\"environment\":null,\"replaces\":null,\"scopes\":null";
        data.strip_suffix('}').map_or_else(|| data.clone(), |members| format!("{members},{added}}}"))
    }
}
