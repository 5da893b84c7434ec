//! What happens to certifications.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::state::CompetenceResult;
use crate::kernel::{Date, Name, Note, Number, Region};
use crate::managers::Role;

/// An event of a certification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum CertificationEvent {
    /// A manager was put forward to a certifier.
    #[serde(rename = "certification.candidate_registered")]
    CandidateRegistered {
        /// Who.
        manager: Uuid,
        /// Where the manager is registered.
        region: Region,
        /// The certification scheme.
        scheme: Name,
        /// The certifier.
        certifier: Uuid,
    },
    /// The competence assessment was held.
    #[serde(rename = "certification.assessed")]
    Assessed {
        /// What it showed.
        result: CompetenceResult,
        /// The day.
        assessed_on: Date,
        /// Where it was held (tempat uji kompetensi).
        place: Option<Name>,
    },
    /// The certificate was issued.
    #[serde(rename = "certification.certificate_issued")]
    CertificateIssued {
        /// Its number, as printed.
        certificate_number: Number,
        /// The registration number, as printed.
        registration_number: Option<Number>,
        /// The day of issue.
        issued_on: Date,
        /// The last day it is valid.
        valid_until: Date,
        /// The role the manager held then.
        role: Option<Role>,
    },
    /// The certificate does not hold for the time being.
    #[serde(rename = "certification.suspended")]
    Suspended {
        /// Why.
        reason: Note,
    },
    /// The certificate holds again.
    #[serde(rename = "certification.reinstated")]
    Reinstated {
        /// Why.
        reason: Option<Note>,
    },
    /// The certificate holds no more.
    #[serde(rename = "certification.revoked")]
    Revoked {
        /// Why.
        reason: Note,
    },
}
