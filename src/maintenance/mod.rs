//! What an operator does beside serving, with a service running or not.
//!
//! - [`verify`] proves the log against itself and the projections against the log, and names the first fault.
//! - [`rebuild`] folds the whole log anew beside the live rows and puts in place, in one transaction, what differs.
//! - [`backup`] copies an embedded database while it is in use.
//! - [`rotate`] puts another master key in the place of the one that seals personal data.
//! - [`health`] asks a running service whether it can serve.

mod backup;
mod health;
mod progress;
mod rebuild;
mod rotate;
mod verify;

pub use backup::backup;
pub use health::health;
pub use rebuild::rebuild;
pub use rotate::rotate;
pub use verify::verify;
