//! Competence certificates of managers.
//!
//! ```text
//! candidate ─► scheduled ─► kompeten ──────► certified ◄─► suspended ─► revoked
//!     └────────────┴──────► belum_kompeten      ├─────────────────────────►┘       expired: computed from the date, never an event
//!                             │      ▲           └─► renewed ─► (a certification of its own, chained both ways)
//!                             └► appealed ─► kompeten
//! ```
//! A manager is put forward to a certifier (LSP), which reports the result and issues the certificate; a manager has one open candidacy for a
//! scheme at a time. A certificate has two numbers, both opaque: its own, unique per certifier, and the registration number. A duplicate keeps
//! the number. The role the manager held at issue is recorded with it, because the programmes count managers only. `standing` holds the days
//! on which the certificate held: figures of any day are counted from it, so what befalls a certificate is dated in its order.

mod certificates;
mod commands;
mod coverage;
mod events;
mod figures;
pub mod http;
mod state;
mod views;

pub use certificates::{
    IssueCertificate, IssueDuplicate, Reinstate, RenewCertificate, RenewalTerms, Revoke, Surveil, Suspend,
};
pub use commands::{DecideAppeal, FileAppeal, RecordResult, RegisterCandidate, ScheduleAssessment};
pub use coverage::DEFINITION as COVERAGE;
pub use events::CertificationEvent;
pub use figures::MEASURES;
pub use state::{AppealOutcome, Certificate, Certification, CertificationState, CompetenceResult};
pub use views::CERTIFIED_MANAGERS;
