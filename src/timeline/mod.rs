//! The timeline of a cooperative: what it is, its health, its certified managers and its financing on one line.
//!
//! It is read from the log itself, so it can be read as of any point. Each caller sees what their rights reach: a bank its own financings, the
//! public facts of the others.

pub mod http;
mod lines;
mod views;
