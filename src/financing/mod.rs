//! Bank financing of cooperatives and enterprises.
//!
//! ```text
//! applied ─► approved ─► contracted ─► disbursed ─► settled
//!    │  └─► withdrawn ◄──┘              tranches, never above the plafon; collectibility as the lender reports it
//!    └────► rejected
//! ```
//! Every step is an entry of the financing's *life*. A reversal names an entry and the life is told again without it; when a later entry could
//! not have happened then, the reversal is refused with the list of those entries. Plafon, disbursed and outstanding are three numbers:
//! outstanding is what the lender reports, never derived.

mod commands;
mod events;
pub mod http;
mod life;
mod servicing;
mod state;
mod views;

pub use commands::{Apply, Approve, BeneficiaryReference, Disburse, Reject, SignContract, WithdrawApplication};
pub use events::{Beneficiary, BeneficiaryKind, CollectibilityScheme, FinancingEvent, Scheme};
pub use life::{FinancingState, Life};
pub use servicing::{ReportCollectibility, Reverse, Settle};
pub use state::{Entry, Financing};
pub use views::{FINANCED_COOPERATIVES, FINANCED_ENTERPRISES, LenderNumbers, by_lender_numbers};
