//! Statistics: figures by month, region, organisation and whatever else a measure is told apart by, as of any position of the log.
//!
//! A figure is a sum of postings (see [`crate::ledger::Posting`]); each names the events behind it. Anyone may read figures; the events behind
//! them only those whose rights reach them. What single banks lend is told
//! to those alone who may read their financings.

mod area;
mod figures;
pub mod http;
mod wanted;

pub use area::{ALL_MEASURES, StatisticsArea, lenders_told_to};
pub use figures::{Figure, all_figures};
pub use wanted::not_month_end;
