//! Managers: the people who run savings-and-loan cooperatives.
//!
//! Name, identity number, phone and address are sealed under a key of their own before an event is made; events and documents hold only the
//! sealed text. They are shown to the provincial office and to the organisation that registered the person. Erasing destroys the key: the
//! events stay, what they say about the person cannot be read by anyone any more.
//!
//! A person holds appointments at cooperatives, each in a role, until departure. The roles *manajer* and *manajer cabang* are manager roles:
//! only they count as "managers".

mod commands;
mod events;
pub mod http;
mod state;
mod views;

pub use commands::{AmendSealed, Appoint, Depart, RegisterSealed};
pub use events::ManagerEvent;
pub use state::{Appointment, Manager, Role};
pub use views::PUT_FORWARD;
