//! What the log proves of itself to people who need not believe us, in the forms of C2SP: tlog-checkpoint, tlog-tiles, tlog-proof.
//!
//! - A *checkpoint* is the log's size and the root of its Merkle tree, signed. It is public, and so are the *tiles* of hashes: they tell that
//!   something was recorded, and nothing of what.
//! - *Entries* are the very bytes the hashes are of. They hold everything but personal data, which is sealed; auditors and the provincial
//!   office read them.
//! - A *receipt* proves that one event is in the log that a checkpoint is of. Whoever has one needs nobody to verify it, for ever.
//!
//! The log is event after event: leaf `n` is the event at position `n + 1`.

pub mod http;
mod tiles;
