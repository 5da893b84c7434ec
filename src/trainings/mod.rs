//! Trainings, and who attended them: managers and enterprises.
//!
//! A training is held in a region and recorded by its regency, or by the provincial office. Attendances are recorded as lists come in; nobody
//! attends twice. A training names nobody: who attended is told by id.

mod commands;
mod events;
pub mod http;
mod state;
mod views;

pub use commands::{AttendeeReference, HoldTraining, RecordAttendance};
pub use events::{Attendee, AttendeeKind, TrainingEvent};
pub use state::Training;
pub use views::ATTENDED;
