//! What happens to organisations.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::{Name, Note, Number, OrganisationKind, Region, Timestamp};

/// An event of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum OrganisationEvent {
    /// It may use the service from now on.
    #[serde(rename = "organisation.registered")]
    Registered {
        /// Its name.
        name: Name,
        /// What it is.
        kind: OrganisationKind,
        /// Where it is competent.
        region: Region,
        /// A code it is known by, such as a bank's.
        code: Option<Number>,
    },
    /// A key was issued.
    #[serde(rename = "organisation.key_issued")]
    KeyIssued {
        /// The key's id, not its secret.
        key_id: Uuid,
        /// What it is for.
        label: Option<Name>,
        /// SHA-256 of the key, hexadecimal.
        hash: String,
        /// Its last four characters, to recognise it by.
        last_four: String,
        /// When it stops working by itself.
        expires_at: Option<Timestamp>,
    },
    /// A key stops working.
    #[serde(rename = "organisation.key_revoked")]
    KeyRevoked {
        /// Which.
        key_id: Uuid,
        /// Why.
        reason: Option<Note>,
    },
}
