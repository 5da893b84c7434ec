//! Who acts.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Region;

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

/// The organisation behind a request; recorded with every event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The organisation's id.
    pub organisation: Uuid,
    /// What it is.
    pub kind: OrganisationKind,
    /// The region it is bound to; the province for all but regencies.
    pub region: Region,
    /// The key that was used, or the part of the service that acts by itself.
    pub key: Uuid,
}

impl Actor {
    /// The service itself acting for the provincial office: first keys and demonstration data.
    pub fn service() -> Self {
        Self { organisation: Uuid::nil(), kind: OrganisationKind::Province, region: super::PROVINCE, key: Uuid::nil() }
    }
}
