//! Statistics: figures by month, region, organisation and whatever else a measure is told apart by, as of any position of the log.
//!
//! A figure is a sum of postings (see [`crate::ledger::Posting`]); each names the events behind it. Anyone may read figures; the events behind
//! them only those whose rights reach them. Of financing, the public is told nothing that would tell a single bank's business (`public.rs`).

mod area;
mod figures;
pub mod http;
mod public;
mod wanted;

pub use area::{ALL_MEASURES, StatisticsArea};
