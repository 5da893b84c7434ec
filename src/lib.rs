//! lumbung, the village rice barn: the record-keeping service of a provincial cooperatives office.
//!
//! An append-only event log is the truth; everything else is folded from it. Modules stand in ranks and import only from lower ones
//! (`tests/architecture.rs` holds them to it):
//!
//! | rank | module | what it is |
//! |---|---|---|
//! | 1 | [`kernel`] | vocabulary without I/O: money, regions, time, actors and rights, refusals in two languages |
//! | 2 | [`ledger`] | event sourcing itself: commands, the executor, folds, the Merkle frontier; no area, no HTTP, no database |
//! | 3 | [`storage`] | the databases: connections, migrations, the writer, shared reads, the vault of personal data keys |
//! | 4 | [`web`] | the toolkit handlers are written with: who calls, what they sent, pages, problems |
//! | 5 | areas | [`organisations`], [`persons`], [`cooperatives`], … each a folder: events, state, commands, views, http; [`audit`] tells who looked |
//! | 6 | [`feed`], [`datasets`] | the log read by others; the records as tables, whole, as of a position and a day: CSV, NDJSON, Parquet |
//! | 6 | [`batches`] | intake in bulk: files of commands, through the same handlers |
//! | 7 | [`app`] | puts the parts together: routes, middleware, start and stop; [`openapi`] is the document |
//! | 8 | [`maintenance`] | verify, rebuild, backup; [`mirror`] copies another log; [`demo`] fills a database with the demonstration |
//!
//! A write goes `http → Command → Ledger queue → executor → Store`, and its answer comes back after the commit. A read goes
//! `http → views → stored document`. There is no third way.
//!
//! Everything can be made anew from the log, but for three things that are kept beside it: the keys that persons' data is sealed with, which
//! erasing destroys; the receipts of Idempotency-Keys; and the looks, that is who was shown whose personal data. Looks go through the same
//! queue and transactions as commands, and only grow ([`audit`]).

#[macro_use]
pub mod kernel;
pub mod ledger;
pub mod storage;
pub mod web;

pub mod assessments;
pub mod audit;
pub mod certifications;
pub mod codes;
pub mod cooperatives;
pub mod datasets;
pub mod enterprises;
pub mod feed;
pub mod financing;
pub mod managers;
pub mod organisations;
pub mod persons;
pub mod programmes;
pub mod proofs;
pub mod regions;
pub mod statistics;
pub mod timeline;
pub mod trainings;

pub mod app;
pub mod batches;
pub mod config;
pub mod demo;
pub mod maintenance;
pub mod mirror;
pub mod openapi;
pub mod place;
