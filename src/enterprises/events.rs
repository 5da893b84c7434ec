//! What happens to enterprises.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::size::{SizeBasis, SizeClass, SizeRule};
use crate::kernel::{Name, Region};

/// An event of an enterprise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum EnterpriseEvent {
    /// It is on record from now on.
    #[serde(rename = "enterprise.registered")]
    Registered {
        /// Its name.
        name: Name,
        /// Where.
        region: Region,
        /// What it does.
        sector: Option<Name>,
        /// Whose key the owner's data is sealed with.
        subject: Uuid,
        /// The owner's data, sealed.
        sealed: String,
        /// What its size was judged on.
        size_basis: SizeBasis,
        /// Its class.
        size_class: SizeClass,
        /// The rule it was judged by.
        size_rule: SizeRule,
    },
}
