//! What happens to cooperatives.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::state::{CooperativeKind, HealthCategory};
use crate::kernel::{Date, Faults, Name, Note, Number, Region};

/// A ratification as legal entity (pengesahan badan hukum). One cooperative has many over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"number": "518.08/96/BH/XIV.10/VIII/2008", "date": "2008-08-14"}))]
pub struct BadanHukum {
    /// The number as printed; opaque.
    pub number: Number,
    /// The day of ratification.
    pub date: Date,
}

/// A business licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Licence {
    /// What it allows.
    pub kind: Name,
    /// Its number as printed.
    pub number: Number,
    /// The day it was granted.
    pub granted_on: Date,
    /// The last day it is valid, when it has one.
    pub valid_until: Option<Date>,
}

/// A determined health rating of one book year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rating {
    /// The year whose accounts were assessed.
    pub book_year: i32,
    /// The category that was determined.
    pub category: HealthCategory,
    /// The regulation it was determined under.
    pub regulation: String,
    /// The assessment.
    pub assessment: Uuid,
    /// The day of the determination.
    pub determined_on: Date,
}

/// An event of a cooperative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum CooperativeEvent {
    /// It is on record from now on.
    #[serde(rename = "cooperative.registered")]
    Registered {
        /// Its name.
        name: Name,
        /// What it does.
        kind: CooperativeKind,
        /// Where it sits.
        region: Region,
        /// Its NIK Koperasi, if it has one.
        nik_koperasi: Option<Number>,
        /// Its first known ratification.
        badan_hukum: Option<BadanHukum>,
        /// Its address.
        address: Option<Note>,
    },
    /// Some details are different from now on; those named.
    #[serde(rename = "cooperative.details_amended")]
    DetailsAmended {
        /// New name.
        name: Option<Name>,
        /// New kind.
        kind: Option<CooperativeKind>,
        /// New or first NIK Koperasi.
        nik_koperasi: Option<Number>,
        /// New address.
        address: Option<Note>,
    },
    /// It was ratified as legal entity, or its articles' amendment was.
    #[serde(rename = "cooperative.legal_entity_ratified")]
    LegalEntityRatified(BadanHukum),
    /// A licence was granted.
    #[serde(rename = "cooperative.licence_granted")]
    LicenceGranted(Licence),
    /// It no longer works.
    #[serde(rename = "cooperative.deactivated")]
    Deactivated {
        /// Why.
        reason: Note,
    },
    /// It works again.
    #[serde(rename = "cooperative.reactivated")]
    Reactivated {
        /// Why.
        reason: Option<Note>,
    },
    /// It was dissolved.
    #[serde(rename = "cooperative.dissolved")]
    Dissolved {
        /// Why.
        reason: Note,
    },
    /// Its health for a book year was determined, or a determination corrected.
    #[serde(rename = "cooperative.health_rated")]
    HealthRated(Rating),
}
