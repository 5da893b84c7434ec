//! Who acts.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Region, Scopes};

crate::words! {
    /// What an organisation is; decides what it may do.
    OrganisationKind {
        /// The provincial cooperatives office.
        Province = "province",
        /// The office of a regency or city, bound to its region.
        Regency = "regency",
        /// Dewan Koperasi Wilayah.
        Council = "council",
        /// A certification body (LSP).
        Certifier = "certifier",
        /// A lender, LPDB included.
        Bank = "bank",
        /// The ministry.
        Ministry = "ministry",
        /// BPK or Inspektorat.
        Auditor = "auditor",
    }
}

crate::words! {
    /// What a service and its keys are for: a key of one environment never works in the other.
    Environment {
        /// The real thing.
        Live = "live",
        /// Demonstrations and trials.
        Test = "test",
    }
}

/// The organisation behind a request; recorded with every event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The organisation's id.
    pub organisation: Uuid,
    /// What it is.
    pub kind: OrganisationKind,
    /// The region it is bound to; the province for all but regencies.
    pub region: Region,
    /// The key or client that was used, or the part of the service that acts by itself.
    pub key: Uuid,
    /// What the credential is confined to; nothing when it may do all that its organisation may.
    #[serde(default)]
    pub scopes: Option<Scopes>,
}

impl Actor {
    /// An organisation that acts with all its rights, by no key in particular.
    pub fn of(organisation: Uuid, kind: OrganisationKind, region: Region) -> Self {
        Self { organisation, kind, region, key: Uuid::nil(), scopes: None }
    }

    /// The service itself acting for the provincial office: first keys and demonstration data.
    pub fn service() -> Self {
        Self::of(Uuid::nil(), OrganisationKind::Province, super::PROVINCE)
    }
}
