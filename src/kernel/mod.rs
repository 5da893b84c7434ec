//! Vocabulary without I/O: what every other module speaks in.
//!
//! Nothing here knows HTTP, a database or an area. A value that parses is a value that may be used: a [`Region`]
//! is one of the province's, a [`Money`] is exact decimal rupiah, a [`Timestamp`] is an instant in UTC.

#[macro_use]
mod fault;
#[macro_use]
mod input;
mod actor;
pub mod codelists;
mod codes;
mod measure;
mod money;
mod person;
mod region;
mod rights;
mod time;
mod unique;

pub use actor::{Actor, OrganisationKind};
pub use codes::{ALL_CODES, Code, code};
pub mod problem_codes {
    //! The codes by name.
    pub use super::codes::*;
}
pub use fault::{Fault, Faults, Pointer, Refusal, Text, shown};
pub use input::{Id, Name, Note, Number, OneOf, Whole, Word, Year, YesNo, uuid_of};
pub use measure::MeasureDefinition;
pub use money::{Money, Rupiah, decimal_text};
pub use person::{NikOrang, Person, PersonChanges, PersonalData};
pub use region::{PROVINCE, REGIONS, Region, RegionEntry};
pub use rights::{Area, Scope, may_read, may_write, personal_data};
pub use time::{Clock, Date, Month, Timestamp};
pub use unique::unique_id;
