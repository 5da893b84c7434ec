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
mod key_text;
mod measure;
mod money;
mod person;
mod region;
mod rights;
mod scopes;
mod time;
mod unique;

pub use actor::{Actor, Environment, OrganisationKind};
pub use codes::{ALL_CODES, Code, code};
pub mod problem_codes {
    //! The codes by name.
    pub use super::codes::*;
}
pub use fault::{Fault, Faults, Met, Pointer, Refusal, Text, shown};
pub use input::{Id, Name, Note, Number, OneOf, Whole, Word, Year, YesNo, uuid_of};
pub use key_text::{KEY_PREFIX, KeyFault, check_key, write_key};
pub use measure::MeasureDefinition;
pub use money::{Money, Rupiah, decimal_text};
pub use person::{
    DataStanding, NikOrang, Person, PersonChanges, PersonalData, holds_identity_number, without_identity_numbers,
};
pub use region::{PROVINCE, REGIONS, Region, RegionEntry};
pub use rights::{Action, Area, Scope, may_follow, may_read, may_write, personal_data, reach};
pub use scopes::{ScopeWord, Scopes};
pub use time::{Clock, Date, Month, Timestamp};
pub use unique::unique_id;
