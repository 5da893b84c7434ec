//! A verified copy of another service's log: how a ministry holds the logs of many provinces.
//!
//! Every event that is copied is checked against a checkpoint the source has signed before it is written, and every checkpoint against the
//! one before; then it is folded by the same code that folded it at the source. A source that tells another story than before, or gives a
//! byte that its checkpoint is not of, ends the copying. What was copied stays, and copying goes on from there whenever it is started again.
//!
//! The keys of the source work at the copy too, as their hashes are in the log; personal data cannot be opened there, as its keys are not.

mod copy;
mod source;

pub use copy::mirror;
