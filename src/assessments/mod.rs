//! Health assessments of savings-and-loan cooperatives: the heart.
//!
//! ```text
//! submitted ─► returned ─► (resubmitted) submitted     submitted ─► determined ─► (corrected) determined
//!     └────────────┴─► withdrawn                       submitted ─► reconciled, by the determination of another
//! ```
//! A regency or the council submits a worksheet under a regulation; the service scores it by that regulation's *rule book* and records ratios,
//! values, scores, total and category. The province returns it, or determines the category, naming the other submissions it reconciles.
//! `book_year` is the year whose accounts were assessed, not the year of the assessment.
//!
//! Rule books are data in [`rulebook`]; the regulation of an assessment never changes, but its worksheet can be rescored under another one that
//! uses the same sheet.

mod commands;
mod determinations;
mod events;
mod figures;
pub mod http;
pub mod rulebook;
mod state;
mod views;

pub use commands::{Resubmit, Return, Submit, Withdraw};
pub use determinations::{Correct, Determine};
pub use events::{AssessmentEvent, Scored, Stated};
pub use figures::MEASURES;
pub use rulebook::{IndicatorScore, IndicatorState};
pub use state::{Assessment, AssessmentState, Determination};
pub use views::{HEALTHY_KSP, of_cooperative};
