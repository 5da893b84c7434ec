//! Persons: whoever's data a record holds sealed, a manager or the owner of an enterprise, and what the law lets them ask for.
//!
//! UU 27/2022 (PDP) gives a person the right to have data erased (pasal 8) and its processing restricted (pasal 11). Erasing destroys the
//! person's key. A public body may have to keep the data all the same (pasal 15): then the refusal is recorded, with the ground the law
//! gives. While processing is restricted, nobody but the provincial office reads the data and nobody amends it; the provincial office lifts
//! the restriction.
//!
//! The rules stand here once; each area that holds persons has events of its own for what came of them.

mod commands;

pub use commands::{
    ErasePerson, ErasureGround, HoldsPerson, LiftRestriction, OnPerson, PersonChange, RefuseErasure, RestrictProcessing,
};
