//! Cooperatives: who they are in law, whether they live, and how healthy they were found.
//!
//! ```text
//! registered ─► active ◄─► inactive        details amended, legal entity ratified, licence granted: at any time until dissolved
//!                  └────────┴──► dissolved
//! ```
//! A cooperative is known by its `nik_koperasi` (since 2015) or by its region and *badan hukum* number; the same one twice is refused.
//! Numbers are matched in upper case without spaces and kept as written. Its health rating per book year comes from determinations of the
//! assessments area, as events on the cooperative's own stream, so that it is part of its history.

mod commands;
mod events;
pub mod http;
mod state;
mod views;

pub use commands::{
    AmendCooperative, Deactivate, Dissolve, GrantLicence, RatifyLegalEntity, Reactivate, RegisterCooperative,
};
pub use events::{BadanHukum, CooperativeEvent, Licence, Rating};
pub use state::{Cooperative, CooperativeKind, CooperativeStatus, HealthCategory};
pub use views::{CERTIFICATE_STANDING, CooperativeFilter, MANAGED_BY, WORKING_KSP};
