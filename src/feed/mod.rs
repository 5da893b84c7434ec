//! The feed: the log itself, read by others. Every event is a `CloudEvent` (1.0, structured JSON); a page, a stream of lines, a long poll and
//! Server-Sent Events read the same log in the same order.
//!
//! - **Nobody misses anything.** Positions are 1, 2, 3, … and final. Every answer says up to which position it looked (`through`), and
//!   whoever goes on after that position has seen everything. A position that is absent belongs to an event the caller may not see, or did not
//!   ask for.
//! - **Who sees what** is decided by [`may_follow`](crate::kernel::may_follow), in the database. Sealed personal data and hashes of keys are
//!   left out for everybody.
//! - **Following costs little.** One thread reads what is committed and wakes all who wait ([`Tail`](crate::storage::Tail)); events that were
//!   appended long ago are read in blocks, each a short read of its own.
//! - Every type and version of an event has its JSON Schema at its `dataschema`.

mod cloud;
mod counts;
mod follow;
pub mod http;
mod params;
pub mod schemas;
mod streams;
mod summary;

pub use cloud::LEFT_OUT;
pub use schemas::kinds;
