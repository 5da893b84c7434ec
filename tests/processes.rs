//! The program as it runs for real: started, loaded over HTTP, killed, starved of disk, beside another instance of itself.
//!
//! `LUMBUNG_BINARY` names another build to test, such as the release binary; `LUMBUNG_CRASH_CYCLES` how often it is killed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::doc_markdown,
    dead_code,
    missing_docs,
    reason = "a test may fail loudly"
)]

#[path = "suite/cluster.rs"]
mod cluster;
#[path = "processes/crash.rs"]
mod crash;
#[path = "processes/faults.rs"]
mod faults;
#[path = "processes/instances.rs"]
mod instances;
#[path = "processes/mirror.rs"]
mod mirror;
#[path = "processes/outage.rs"]
mod outage;
#[path = "processes/privacy.rs"]
mod privacy;
#[path = "processes/program.rs"]
mod program;
#[path = "processes/rebuild.rs"]
mod rebuild;
#[path = "processes/restore.rs"]
mod restore;
#[path = "processes/rotation.rs"]
mod rotation;
