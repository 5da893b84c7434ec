//! What happens to certifications.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::state::{AppealOutcome, CertificateLink, CompetenceResult, SurveillanceOutcome};
use crate::kernel::{Date, Name, Note, Number, Region};
use crate::managers::Role;

/// The data of `certification.candidate_registered` that has the number of the attempt.
pub(super) const WITH_ATTEMPT: i32 = 2;

/// A certificate that takes the place of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    /// Who.
    pub manager: Uuid,
    /// Where the manager is registered.
    pub region: Region,
    /// The certification scheme.
    pub scheme: Name,
    /// The certifier.
    pub certifier: Uuid,
    /// The certificate it takes the place of.
    pub renews: CertificateLink,
    /// The day competence was looked at again, if it was.
    pub assessed_on: Option<Date>,
    /// Its number, as printed.
    pub certificate_number: Number,
    /// The registration number, as printed.
    pub registration_number: Option<Number>,
    /// The day of issue.
    pub issued_on: Date,
    /// The last day it is valid.
    pub valid_until: Date,
    /// The role the manager held then.
    pub role: Option<Role>,
}

/// An event of a certification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
        /// Which candidacy of this manager for this scheme it is, from 1 on; unknown of the first version of this event.
        attempt: Option<u32>,
    },
    /// The day of the competence assessment is set, or another.
    #[serde(rename = "certification.assessment_scheduled")]
    AssessmentScheduled {
        /// The day.
        scheduled_on: Date,
        /// Where it will be held (tempat uji kompetensi).
        place: Option<Name>,
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
    /// The candidate contests the result.
    #[serde(rename = "certification.appealed")]
    Appealed {
        /// The day it was filed.
        filed_on: Date,
        /// Why.
        reason: Note,
    },
    /// The appeal was decided; upheld, it changes the result.
    #[serde(rename = "certification.appeal_decided")]
    AppealDecided {
        /// How.
        outcome: AppealOutcome,
        /// The day.
        decided_on: Date,
        /// Why.
        reason: Note,
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
    /// The holder's competence was looked at while the certificate is valid (penilikan).
    #[serde(rename = "certification.surveilled")]
    Surveilled {
        /// The day.
        held_on: Date,
        /// What it showed.
        outcome: SurveillanceOutcome,
        /// What was seen.
        note: Option<Note>,
    },
    /// A copy was issued under the same number.
    #[serde(rename = "certification.duplicate_issued")]
    DuplicateIssued {
        /// The day.
        issued_on: Date,
        /// Why, such as loss.
        reason: Note,
    },
    /// A certificate that takes the place of an earlier one was issued: begins a certification of its own.
    #[serde(rename = "certification.renewal_issued")]
    RenewalIssued(Box<Renewal>),
    /// A new certificate takes the place of this one.
    #[serde(rename = "certification.renewed")]
    Renewed {
        /// The new one.
        renewed_by: CertificateLink,
        /// The day the new one was issued.
        renewed_on: Date,
    },
}

impl CertificationEvent {
    /// The day the event is about; nothing when it says no more than when it happened.
    pub fn day(&self) -> Option<Date> {
        match self {
            Self::CandidateRegistered { .. }
            | Self::AssessmentScheduled { .. }
            | Self::Suspended { .. }
            | Self::Reinstated { .. }
            | Self::Revoked { .. } => None,
            Self::Assessed { assessed_on: day, .. }
            | Self::Appealed { filed_on: day, .. }
            | Self::AppealDecided { decided_on: day, .. }
            | Self::CertificateIssued { issued_on: day, .. }
            | Self::Surveilled { held_on: day, .. }
            | Self::DuplicateIssued { issued_on: day, .. }
            | Self::Renewed { renewed_on: day, .. } => Some(*day),
            Self::RenewalIssued(renewal) => Some(renewal.issued_on),
        }
    }
}
