//! Micro, small and medium enterprises (UMKM).
//!
//! The owner's personal data is sealed like a manager's. The size class is judged by the rule in force on the day of registration, and the
//! inputs and the rule are kept beside the class, because the rules changed in 2021; amended figures are judged again by the rule of their day. A closed enterprise takes no new financing.

mod commands;
mod events;
pub mod http;
mod size;
mod state;
mod views;

pub use commands::{AmendSealedEnterprise, CloseEnterprise, RegisterSealedEnterprise};
pub use events::EnterpriseEvent;
pub use size::{SizeBasis, SizeClass, SizeRule};
pub use state::{Enterprise, EnterpriseStatus};
