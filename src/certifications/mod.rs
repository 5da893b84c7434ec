//! Competence certificates of managers.
//!
//! ```text
//! candidate ─► kompeten ─► certified ◄─► suspended ─► revoked
//!     └─────► belum_kompeten          └──────────────────┘        expired: computed from the date, never an event
//! ```
//! A manager is put forward to a certifier (LSP), which reports the result and issues the certificate. A certificate has two numbers, both
//! opaque: its own, unique per certifier, and the registration number. The role the manager held at issue is recorded with it, because the
//! programmes count managers only.

mod commands;
mod events;
mod figures;
pub mod http;
mod state;
mod views;

pub use commands::{IssueCertificate, RecordResult, RegisterCandidate, Reinstate, Revoke, Suspend};
pub use events::CertificationEvent;
pub use figures::MEASURES;
pub use state::{Certificate, Certification, CertificationState, CompetenceResult};
pub use views::CERTIFIED_MANAGERS;
