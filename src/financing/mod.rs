//! Bank financing of cooperatives and enterprises.
//!
//! ```text
//! applied ─► verified ─► surveyed ─► approved ─► contracted ─► disbursed ─► settled
//!    │  (both may be skipped) │         │                          │  └──► written_off ─► waived
//!    ├────────────────────────┴─► rejected                         │          recoveries
//!    └──────────────────────────────────► withdrawn                └ tranches, instalments, month-end reports, new terms, top-ups
//! ```
//! Beside it runs the guarantee: claims on the guarantor, what it paid, and what the debtor paid it since (subrogation).
//!
//! Every event after the application is a step of the financing's *life*. A reversal names a step and the life is told again without it; when a
//! later step could not have happened then, the reversal is refused with the list of those steps. Plafon, disbursed and outstanding are three
//! numbers: outstanding is what the lender reports, never derived; the statement shows how far it drifts from what the steps add up to.

mod aftermath;
mod checks;
mod commands;
mod events;
mod figures;
pub mod http;
mod life;
mod reversal;
mod scheme;
mod servicing;
mod state;
mod statement;
#[cfg(test)]
mod stories;
mod summary;
mod views;

pub use aftermath::{ClaimGuarantee, PayClaim, ReceiveMoney, Recover, Subrogate, WaiveClaim, WriteOffFinancing};
pub use commands::{
    Apply, Approve, BeneficiaryReference, Disburse, Reject, SignContract, Survey, Verify, WithdrawApplication,
};
pub use events::{Beneficiary, BeneficiaryKind, Collectibility, CollectibilityScheme, FinancingEvent};
pub use figures::MEASURES;
pub use life::{FinancingState, Life};
pub use reversal::Reverse;
pub use scheme::{Breach, BreachKind, Scheme};
pub use servicing::{PayInstalment, ReportCollectibility, Restructure, Settle, TopUp};
pub use state::Financing;
pub use views::{FINANCED_COOPERATIVES, FINANCED_ENTERPRISES, LenderNumbers, by_lender_numbers, of_beneficiary};
