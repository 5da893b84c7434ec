//! Programmes with targets: how far are we, which regency lags, how many days are left, and which events make up each number.
//!
//! A programme counts what happened in its window and its region, whoever recorded it. What counts is given by a *measure* with a published
//! definition and version ([`measures`]). Areas assert facts (`crate::ledger::Fact`) as they fold; progress counts distinct subjects among
//! the facts that hold, so that a late correction or a reversal takes a count back, and `as_of` tells what was known then.

mod commands;
mod events;
pub mod http;
mod measures;
mod progress;
mod state;
mod views;

pub use commands::{CloseProgramme, Enrol, Launch, ReviseTarget};
pub use events::{ParticipantKind, ProgrammeEvent, Target};
pub use measures::{DEFINITIONS, Measure};
pub use progress::{Progress, progress};
pub use state::{Programme, ProgrammeState};
