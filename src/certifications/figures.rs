//! What certifications add to the statistics.

use super::events::CertificationEvent as Event;
use super::state::Certification;
use crate::kernel::{MeasureDefinition, OneOf, Text};
use crate::ledger::{Envelope, Posting};

const CANDIDATES: &str = "candidates_registered";
const ASSESSED: &str = "candidates_assessed";
const ISSUED: &str = "certificates_issued";
const SUSPENDED: &str = "certificates_suspended";
const REVOKED: &str = "certificates_revoked";
const APPEALS: &str = "appeals_decided";
const SURVEILLANCES: &str = "surveillances_held";

const fn measure(
    measure: &'static str,
    parts: &'static [&'static str],
    definition: Text,
    formula: &'static str,
) -> MeasureDefinition {
    MeasureDefinition {
        measure,
        version: 1,
        parts,
        organisation: "certifier",
        has_amount: false,
        monthly: false,
        definition,
        formula,
    }
}

/// Every measure of this area.
pub static MEASURES: &[MeasureDefinition] = &[
    measure(
        CANDIDATES,
        &[],
        Text::fixed("Calon yang diajukan untuk sertifikasi.", "Candidates put forward for certification."),
        "count of certification.candidate_registered by the day they occurred",
    ),
    measure(
        ASSESSED,
        &["result"],
        Text::fixed("Uji kompetensi menurut hasilnya.", "Competence assessments by their result."),
        "count of certification.assessed by assessed_on; an appeal that is upheld counts among the appeals",
    ),
    measure(
        APPEALS,
        &["outcome"],
        Text::fixed("Banding yang diputus menurut putusannya.", "Appeals decided, by their outcome."),
        "count of certification.appeal_decided by decided_on",
    ),
    measure(
        SURVEILLANCES,
        &["outcome"],
        Text::fixed("Penilikan menurut hasilnya.", "Surveillances by their outcome."),
        "count of certification.surveilled by held_on",
    ),
    measure(
        ISSUED,
        &[],
        Text::fixed("Sertifikat yang terbit.", "Certificates issued; certificates, not people."),
        "count of certification.certificate_issued and certification.renewal_issued by issued_on",
    ),
    measure(
        SUSPENDED,
        &[],
        Text::fixed("Pembekuan sertifikat.", "Suspensions of certificates."),
        "count of certification.suspended by the day they occurred",
    ),
    measure(
        REVOKED,
        &[],
        Text::fixed("Pencabutan sertifikat.", "Revocations of certificates."),
        "count of certification.revoked by the day they occurred",
    ),
];

/// What an event adds.
pub(super) fn of_event(own: &Certification, event: &Event, envelope: &Envelope) -> Vec<Posting> {
    let happened = envelope.occurred_at.day();
    let one = |measure, day, value: &[&str]| vec![Posting::one(measure, day, own.region, own.certifier, value)];
    match event {
        Event::CandidateRegistered { .. } => one(CANDIDATES, happened, &[]),
        Event::Assessed { result, assessed_on, .. } => one(ASSESSED, *assessed_on, &[result.word()]),
        Event::CertificateIssued { issued_on, .. } => one(ISSUED, *issued_on, &[]),
        Event::Suspended { .. } => one(SUSPENDED, happened, &[]),
        Event::Revoked { .. } => one(REVOKED, happened, &[]),
        Event::RenewalIssued(renewal) => one(ISSUED, renewal.issued_on, &[]),
        Event::AppealDecided { outcome, decided_on, .. } => one(APPEALS, *decided_on, &[outcome.word()]),
        Event::Surveilled { outcome, held_on, .. } => one(SURVEILLANCES, *held_on, &[outcome.word()]),
        Event::Reinstated { .. }
        | Event::AssessmentScheduled { .. }
        | Event::Appealed { .. }
        | Event::DuplicateIssued { .. }
        | Event::Renewed { .. } => Vec::new(),
    }
}
