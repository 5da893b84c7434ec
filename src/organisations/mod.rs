//! Organisations that use the service, and their keys.
//!
//! An organisation has a kind (which decides what it may do, see [`crate::kernel::may_write`]) and a region. It acts through API keys:
//! 256 random bits, shown once when issued, kept only as their SHA-256. A key stops working when it is revoked or expires.

mod commands;
mod events;
pub mod http;
mod keys;
mod state;
mod views;

pub use commands::{IssueKey, RegisterOrganisation, RevokeKey};
pub use events::OrganisationEvent;
pub use keys::{NewKey, SOURCE, issue_key};
pub use state::{Key, Organisation};
