//! Stories over HTTP, one module an area, and what holds for all of them. Compiled once for each database.
#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::cloned_ref_to_slice_refs,
    clippy::doc_markdown,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::print_stderr,
    missing_docs,
    reason = "a test may fail loudly, and a story may be long"
)]

mod abuse;
mod access;
mod api;
mod assessments;
mod attacks;
mod audit;
mod bad_input;
mod batches;
mod certifications;
mod cluster;
mod codes;
mod command_line;
mod cooperatives;
mod datasets;
mod datasets_increment;
mod datasets_points;
mod demonstration;
mod enterprises;
mod events;
mod financing;
mod golden;
mod harness;
mod integrity;
mod keys;
mod kkpkk;
mod kkpkk_scoring;
mod managers;
mod openapi;
mod operations;
mod persons;
mod place;
mod programmes;
mod proofs;
mod rights;
mod rotation;
mod schema;
mod scoring;
mod settled;
mod sight;
mod statistics;
mod store;
mod strictness;
mod tables;
mod tls;
mod tokens;
mod trainings;
mod transport;
