//! What happens to organisations.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::{Environment, Name, Note, Number, OrganisationKind, Region, Scopes, Timestamp};

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
    /// A key was issued. Version 1 knew no environment, scopes or rotation.
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
        /// What its text says it is for.
        environment: Option<Environment>,
        /// What it is confined to; nothing when it may do all that its organisation may.
        scopes: Option<Scopes>,
        /// The key it takes over from.
        replaces: Option<Replaced>,
    },
    /// A key stops working.
    #[serde(rename = "organisation.key_revoked")]
    KeyRevoked {
        /// Which.
        key_id: Uuid,
        /// Why.
        reason: Option<Note>,
    },
    /// It may act by what another party vouches for.
    #[serde(rename = "organisation.client_added")]
    ClientAdded {
        /// The client's id here.
        client: Uuid,
        /// What it is for.
        label: Option<Name>,
        /// What it is recognised by.
        identity: ClientIdentity,
    },
    /// A client stops being recognised.
    #[serde(rename = "organisation.client_removed")]
    ClientRemoved {
        /// Which.
        client: Uuid,
        /// Why.
        reason: Option<Note>,
    },
    /// Nothing of it works any more: no key, no client.
    #[serde(rename = "organisation.deactivated")]
    Deactivated {
        /// Why.
        reason: Option<Note>,
    },
    /// Its keys and clients work again.
    #[serde(rename = "organisation.reactivated")]
    Reactivated {
        /// Why.
        reason: Option<Note>,
    },
}

/// A key that another one takes over from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replaced {
    /// Which.
    pub key_id: Uuid,
    /// How long it goes on working beside the new one.
    pub until: Timestamp,
}

/// What a client is recognised by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientIdentity {
    /// A token that an issuer signed.
    Token {
        /// The `iss` of the token.
        issuer: Name,
        /// The `client_id` of the token.
        client_id: Name,
    },
    /// The certificate it opens the connection with.
    Certificate {
        /// SHA-256 of the certificate (DER), 64 hexadecimal digits.
        sha256: String,
    },
}
