//! What happens to enterprises.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::size::{SizeBasis, SizeClass, SizeRule};
use crate::kernel::{Date, Name, Note, Region};
use crate::persons::ErasureGround;

/// What its size was judged on, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "the names are those of the event that registers")]
pub struct Judged {
    /// What its size was judged on.
    pub size_basis: SizeBasis,
    /// Its class.
    pub size_class: SizeClass,
    /// The rule it was judged by.
    pub size_rule: SizeRule,
}

/// An event of an enterprise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// Some details are different from now on; those named.
    #[serde(rename = "enterprise.details_amended")]
    DetailsAmended {
        /// New name.
        name: Option<Name>,
        /// What it does now.
        sector: Option<Name>,
        /// All of the owner's data, sealed again.
        sealed: Option<String>,
        /// Its size, judged again.
        size: Option<Judged>,
    },
    /// It works no more.
    #[serde(rename = "enterprise.closed")]
    Closed {
        /// The last day.
        closed_on: Date,
        /// Why.
        reason: Note,
    },
    /// The key of the owner's data was destroyed.
    #[serde(rename = "enterprise.personal_data_erased")]
    PersonalDataErased {
        /// Why.
        reason: Note,
    },
    /// The owner's data was asked to be erased and is kept.
    #[serde(rename = "enterprise.erasure_refused")]
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
    /// The processing of the owner's data is restricted.
    #[serde(rename = "enterprise.processing_restricted")]
    ProcessingRestricted {
        /// Why.
        reason: Note,
    },
    /// It is restricted no longer.
    #[serde(rename = "enterprise.restriction_lifted")]
    RestrictionLifted {
        /// Why.
        reason: Note,
    },
}
