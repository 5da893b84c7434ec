//! An organisation as its events made it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::OrganisationEvent as Event;
use super::views;
use crate::kernel::{Area, Name, Number, OneOf, OrganisationKind, Region, Timestamp};
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
    /// Its keys, without their secrets.
    pub keys: Vec<Key>,
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
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// SHA-256 of the key; never shown.
    #[schema(ignore)]
    pub hash: String,
}

impl Key {
    /// Whether it works at `now`.
    pub fn works(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl Resource for Organisation {
    type Event = Event;
    const KIND: &'static str = "organisation";
    const TABLE: Table = views::TABLE;
    const AREA: Area = Area::Organisations;
    const CLAIMS: &'static [&'static str] = &["api_key", "organisation", "organisation_code"];

    fn evolve(state: Option<Self>, event: &Event, envelope: &Envelope) -> Option<Self> {
        let Event::Registered { name, kind, region, code } = event else {
            let mut state = state?;
            match event {
                Event::KeyIssued { key_id, label, hash, last_four, expires_at } => state.keys.push(Key {
                    key_id: *key_id,
                    label: label.clone(),
                    last_four: last_four.clone(),
                    issued_at: envelope.recorded_at,
                    expires_at: *expires_at,
                    revoked_at: None,
                    hash: hash.clone(),
                }),
                Event::KeyRevoked { key_id, .. } => {
                    state.keys.iter_mut().find(|key| key.key_id == *key_id)?.revoked_at = Some(envelope.recorded_at);
                }
                Event::Registered { .. } => {}
            }
            return Some(state);
        };
        state.is_none().then(|| Self {
            stamp: Stamp::default(),
            name: name.clone(),
            kind: *kind,
            region: *region,
            code: code.clone(),
            keys: Vec::new(),
        })
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
        std::iter::once(name).chain(code).chain(self.keys.iter().map(|stored| key(&stored.hash))).collect()
    }
}
