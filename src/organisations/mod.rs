//! Organisations that use the service, and what they are recognised by.
//!
//! An organisation has a kind (which decides what it may do, see [`crate::kernel::may_write`]) and a region. It acts through API keys:
//! 256 random bits, shown once when issued, kept only as their SHA-256, perhaps confined to scopes. A key stops working when it is revoked,
//! replaced or expires. An organisation may also act as a client of the configured token issuer, or by a certificate. When it is
//! deactivated, none of these work any more.

mod clients;
mod commands;
mod events;
pub mod http;
mod issuing;
mod keys;
mod state;
mod views;

pub use clients::{AddClient, ClientRequest, RemoveClient};
pub use commands::{DeactivateOrganisation, ReactivateOrganisation, RegisterOrganisation};
pub use events::{ClientIdentity, OrganisationEvent, Replaced};
pub use issuing::{IssueKey, MadeKey, RevokeKey, RotateKey};
pub use keys::{NewKey, SOURCE, issue_key};
pub use state::{Client, Key, Organisation};
