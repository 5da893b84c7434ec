//! Intake in bulk: a file of commands, a line each, or a bank's month-end table, sent as one request.
//!
//! - A *line* is a command as it would be sent by itself: `{"key", "method", "path", "body"}`. It goes through the same routes, handlers and
//!   decisions ([`Routes`](crate::web::Routes)), so every command of the API can be a line and its rights are those of a single command. `key` is
//!   its Idempotency-Key, with the same receipts: a file that is sent twice changes nothing. A line without a key is taken, and is recorded
//!   again when it is sent again.
//! - The file is received whole before anything is recorded, so that whatever is wrong with it as a file (too large, too slow, cut short, too many
//!   lines) is one ordinary problem and nothing has happened.
//! - [`Intake`] then sends the lines through their handlers in order, gathers the commands they hand in, and hands these to the ledger
//!   in groups. A handler that must read first (a manager's amendment opens what is recorded) waits until the lines before it are recorded.
//! - A *table* of collectibility is CSV; each row becomes a line with a key made of its content. What is refused can be had as a table again, with the
//!   reason in two more columns.
//! - `mode=each`: every line for itself; outcomes are streamed, group by group, in the order of the lines. A client that goes away stops the intake;
//!   what was recorded stays, and the keys make sending the file again harmless. An answer without its last line, the summary, is not complete.
//! - `mode=atomic`: one transaction for all lines, or none. `dry_run=true`: the same transaction, never written. In both a line sees what the lines
//!   before it did, except where its handler must read the database first.

mod collectibility;
pub mod http;
mod intake;
mod lines;
mod outcome;
mod rejects;

pub use http::Batches;
pub use intake::{GROUP_LINES, Intake};
pub use lines::{Entry, Lines};
pub use outcome::{Ndjson, Outcome, Report, Summary};
