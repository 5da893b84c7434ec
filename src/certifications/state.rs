//! A certification as its events made it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::CertificationEvent as Event;
use super::figures;
use super::views::{self, CERTIFIED_MANAGERS};
use crate::cooperatives::CERTIFICATE_STANDING;
use crate::kernel::{Area, Date, Name, Number, OneOf, Region};
use crate::ledger::{Cell, Claim, Envelope, Fact, Posting, Resource, Stamp, Table};
use crate::managers::{PUT_FORWARD, Role};

crate::words! {
    /// Where a certification stands.
    CertificationState {
        /// Put forward.
        Candidate = "candidate",
        /// Found competent; the certificate can be issued.
        Kompeten = "kompeten",
        /// Found not yet competent.
        BelumKompeten = "belum_kompeten",
        /// Holds a certificate.
        Certified = "certified",
        /// The certificate is suspended.
        Suspended = "suspended",
        /// The certificate was revoked.
        Revoked = "revoked",
        /// The certificate's time is over; computed from the date.
        Expired = "expired",
    }
}

impl CertificationState {
    /// The commands that fit.
    pub fn allowed(self) -> &'static [&'static str] {
        match self {
            Self::Candidate => &["results"],
            Self::Kompeten => &["certificates"],
            Self::Certified => &["suspensions", "revocations"],
            Self::Suspended => &["reinstatements", "revocations"],
            Self::BelumKompeten | Self::Revoked | Self::Expired => &[],
        }
    }
}

crate::words! {
    /// What a competence assessment shows.
    CompetenceResult {
        /// Competent (K).
        Kompeten = "kompeten",
        /// Not yet competent (BK).
        BelumKompeten = "belum_kompeten",
    }
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// Its number, as printed.
    pub certificate_number: Number,
    /// The registration number, as printed.
    pub registration_number: Option<Number>,
    /// The day of issue.
    pub issued_on: Date,
    /// The last day it is valid.
    pub valid_until: Date,
    /// The role the manager held at issue.
    pub role: Option<Role>,
    /// The event that issued it.
    pub event_id: Uuid,
}

/// A certification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Certification {
    /// About the record.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Who.
    pub manager: Uuid,
    /// Where the manager is registered.
    pub region: Region,
    /// The certification scheme.
    pub scheme: Name,
    /// The certifier.
    pub certifier: Uuid,
    /// Where it stands.
    pub state: CertificationState,
    /// The day of the competence assessment.
    pub assessed_on: Option<Date>,
    /// Where it was held.
    pub place: Option<Name>,
    /// The certificate.
    pub certificate: Option<Certificate>,
    /// The event that put the manager forward.
    pub put_forward_by: Uuid,
    /// The day the manager was put forward.
    pub put_forward_on: Date,
}

impl Certification {
    /// Where it stands on a day: a certificate whose time is over is expired.
    pub fn state_on(&self, day: Date) -> CertificationState {
        let over = self.certificate.as_ref().is_some_and(|certificate| certificate.valid_until < day);
        match self.state {
            CertificationState::Certified | CertificationState::Suspended if over => CertificationState::Expired,
            state => state,
        }
    }
}

impl Resource for Certification {
    type Event = Event;
    const KIND: &'static str = "certification";
    const TABLE: Table = views::TABLE;
    const AREA: Area = Area::Certificates;
    const CLAIMS: &'static [&'static str] = &["certificate"];
    const MEASURES: &'static [&'static str] = &[PUT_FORWARD, CERTIFIED_MANAGERS, CERTIFICATE_STANDING];

    fn evolve(state: Option<Self>, event: &Event, envelope: &Envelope) -> Option<Self> {
        let Some(mut state) = state else {
            let Event::CandidateRegistered { manager, region, scheme, certifier } = event else {
                return None;
            };
            return Some(Self {
                stamp: Stamp::default(),
                manager: *manager,
                region: *region,
                scheme: scheme.clone(),
                certifier: *certifier,
                state: CertificationState::Candidate,
                assessed_on: None,
                place: None,
                certificate: None,
                put_forward_by: envelope.event_id,
                put_forward_on: envelope.occurred_at.day(),
            });
        };
        match event {
            Event::CandidateRegistered { .. } => return None,
            Event::Assessed { result, assessed_on, place } => {
                state.state = match result {
                    CompetenceResult::Kompeten => CertificationState::Kompeten,
                    CompetenceResult::BelumKompeten => CertificationState::BelumKompeten,
                };
                state.assessed_on = Some(*assessed_on);
                state.place.clone_from(place);
            }
            Event::CertificateIssued { certificate_number, registration_number, issued_on, valid_until, role } => {
                state.state = CertificationState::Certified;
                state.certificate = Some(Certificate {
                    certificate_number: certificate_number.clone(),
                    registration_number: registration_number.clone(),
                    issued_on: *issued_on,
                    valid_until: *valid_until,
                    role: *role,
                    event_id: envelope.event_id,
                });
            }
            Event::Suspended { .. } => state.state = CertificationState::Suspended,
            Event::Reinstated { .. } => state.state = CertificationState::Certified,
            Event::Revoked { .. } => state.state = CertificationState::Revoked,
        }
        Some(state)
    }

    fn adds(&self, event: &Event, envelope: &Envelope) -> Vec<Posting> {
        figures::of_event(self, event, envelope)
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
    }
    fn stamp_mut(&mut self) -> &mut Stamp {
        &mut self.stamp
    }
    fn columns(&self) -> Vec<Cell> {
        let certificate = self.certificate.as_ref();
        vec![
            Cell::text(self.manager),
            Cell::text(self.region),
            Cell::text(self.certifier),
            Cell::text(&self.scheme),
            Cell::text(self.state.word()),
            Cell::maybe(certificate.map(|certificate| certificate.certificate_number.normalised())),
            Cell::maybe(certificate.map(|certificate| certificate.valid_until)),
        ]
    }
    /// A certification is the certifier's.
    fn home(&self) -> (Region, Uuid) {
        (self.region, self.certifier)
    }
    fn claims(&self) -> Vec<Claim> {
        let claim = |certificate: &Certificate| Claim {
            namespace: "certificate",
            value: format!("{}|{}", self.certifier, certificate.certificate_number.normalised()),
            pointer: "/certificate_number",
            what: "certificate_number",
        };
        self.certificate.iter().map(claim).collect()
    }
    fn facts(&self) -> Vec<Fact> {
        let fact = |measure, value: String, occurred_on, event_id| Fact {
            measure,
            subject: self.manager,
            region: self.region,
            value,
            occurred_on,
            event_id,
        };
        let mut facts = vec![fact(PUT_FORWARD, self.certifier.to_string(), self.put_forward_on, self.put_forward_by)];
        let Some(certificate) = &self.certificate else {
            return facts;
        };
        // Issuing is what counts; a suspension or revocation later does not unmake it.
        if let Some(role) = certificate.role.filter(|role| role.is_manager()) {
            facts.push(fact(CERTIFIED_MANAGERS, role.word().to_owned(), certificate.issued_on, certificate.event_id));
        }
        if self.state == CertificationState::Certified {
            let until = certificate.valid_until.to_string();
            facts.push(fact(CERTIFICATE_STANDING, until, certificate.issued_on, certificate.event_id));
        }
        facts
    }
}
