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

mod access;
mod api;
mod assessments;
mod attacks;
mod bad_input;
mod batches;
mod certifications;
mod cluster;
mod codes;
mod command_line;
mod cooperatives;
mod demonstration;
mod enterprises;
mod financing;
mod golden;
mod harness;
mod integrity;
mod kkpkk;
mod kkpkk_scoring;
mod managers;
mod openapi;
mod operations;
mod place;
mod programmes;
mod schema;
mod scoring;
mod statistics;
mod store;
mod strictness;
mod tables;
mod trainings;
