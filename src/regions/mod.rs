//! The province, its regencies and cities: both code systems, the crosswalk of codes over time, and what they were designated as.
//!
//! Codes and names are data (the code list `regions`). What is recorded are designations, such as *Kabupaten/Kota Penggerak Koperasi*, by the
//! provincial office. Anyone may read.

mod commands;
mod events;
pub mod http;
mod state;
mod views;

pub use commands::{Designate, DesignationTerms};
pub use events::{DesignationTitle, RegionEvent};
pub use state::{RegionRecord, region_id};
