//! What happens to managers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::state::Role;
use crate::kernel::{Date, Note, Region};
use crate::persons::ErasureGround;

/// An event of a manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum ManagerEvent {
    /// The person is on record from now on.
    #[serde(rename = "manager.registered")]
    Registered {
        /// Where.
        region: Region,
        /// Whose key the data is sealed with.
        subject: Uuid,
        /// Name, identity number, phone, address, sealed.
        sealed: String,
    },
    /// The person's data changed.
    #[serde(rename = "manager.details_amended")]
    DetailsAmended {
        /// All of it, sealed again.
        sealed: String,
    },
    /// Took up a role at a cooperative.
    #[serde(rename = "manager.appointed")]
    Appointed {
        /// Where.
        cooperative: Uuid,
        /// As what.
        role: Role,
        /// From this day on.
        since: Date,
    },
    /// Left a role.
    #[serde(rename = "manager.departed")]
    Departed {
        /// Where.
        cooperative: Uuid,
        /// As what.
        role: Role,
        /// The last day.
        until: Date,
        /// Why.
        reason: Option<Note>,
    },
    /// The key of the person's data was destroyed.
    #[serde(rename = "manager.personal_data_erased")]
    PersonalDataErased {
        /// Why.
        reason: Note,
    },
    /// The person's data was asked to be erased and is kept.
    #[serde(rename = "manager.erasure_refused")]
    ErasureRefused {
        /// What the law gives as a ground.
        ground: ErasureGround,
        /// The provision.
        law: Note,
        /// Why it applies.
        reason: Note,
        /// When it ceases to.
        until: Option<Date>,
    },
    /// The processing of the person's data is restricted.
    #[serde(rename = "manager.processing_restricted")]
    ProcessingRestricted {
        /// Why.
        reason: Note,
    },
    /// It is restricted no longer.
    #[serde(rename = "manager.restriction_lifted")]
    RestrictionLifted {
        /// Why.
        reason: Note,
    },
}
