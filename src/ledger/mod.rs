//! Event sourcing itself: no area, no HTTP, no database driver.
//!
//! A *command* ([`Decide`]) is handed to the [`Ledger`]'s bounded queue, in which organisations take turns. One executor thread takes everybody who waits, opens one
//! transaction, reads what the commands name, lets each decide in turn on the batch's own up-to-date [`World`], folds the
//! resulting events into the states ([`Resource::evolve`]), writes events, states, claims, facts and receipts, commits once, and only then
//! answers. What a database must do for this is the [`Store`] trait; `storage` implements it.
//!
//! - An [`Event`] is a fact with a gapless position; its leaf hash enters the Merkle tree whose [`Frontier`] lives in the head row.
//! - A *claim* makes something unique (a legal-entity number, a certificate number of one certifier).
//! - A *fact* is what a state asserts for figures across resources (this manager was certified on that day), with the positions between
//!   which it held: the source of every count and of its evidence.
//! - A *receipt* remembers the first answer to an Idempotency-Key, for ever.

mod batch;
mod command;
mod copying;
mod event;
mod executor;
mod group;
mod look;
mod merkle;
mod note;
mod posting;
mod proof;
mod queue;
mod replay;
mod resource;
mod settling;
mod store;
#[cfg(test)]
#[allow(clippy::missing_panics_doc, clippy::must_use_candidate, clippy::return_self_not_must_use)]
pub mod testing;
mod world;

pub use command::{Answer, Context, Decide, Decision, Done, IfMatch, Request, Scene, Submission};
pub use copying::take_over;
pub use event::{Draft, EVENT_BYTES_MAX, Envelope, Event, decode, encode};
pub use executor::{AfterCommit, Committed, Ids, Ledger, Limits};
pub use group::{Decided, Terms};
pub use look::Look;
pub use merkle::{Frontier, Hash, Node, TILE_HEIGHT, TILE_WIDTH, leaf_hash};
pub use note::{Checkpoint, LogSigner, LogVerifier, check_origin, receipt_text};
pub use posting::{Cell as PostingCell, Posting};
pub use proof::{Tree, is_consistent, is_included};
pub use replay::{Replayed, Step, fold_on, fold_stream, states_of, steps};
pub use resource::{Cell, ColumnType, Fact, Kind, Resource, Span, Stamp, Table};
pub use store::{Batch, Claim, FactChange, Harm, Head, PERSON, Receipt, StateRow, Store, StoreError, SubjectKey};
pub use world::{Wants, World};
