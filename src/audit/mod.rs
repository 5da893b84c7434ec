//! What becomes of personal data: who looked at whom, and what a person is told when asking.
//!
//! Before an answer shows personal data, it is recorded who is shown whose, when and on what request; an answer that cannot be recorded is
//! not given. These *looks* are no events: they say nothing about cooperatives. They stand in a table of their own that only grows, which
//! `rebuild` cannot make anew and backups hold. What a command's sender gets back of what the same request created is no look.
//!
//! A *disclosure* tells a person everything: each value with when and by whom it was recorded, where the record is used, everything that was
//! done with it and by which provision, and everybody who looked (UU 27/2022 pasal 5 to 7 and 32: within 3 × 24 hours).

mod disclosure;
pub mod http;
mod views;

pub use disclosure::{Disclosure, legal_basis};
pub use views::LookLine;
