//! The stories on `SQLite`.
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

mod suite;
