//! A certification as its events made it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::{CertificationEvent as Event, Renewal, WITH_ATTEMPT};
use super::figures;
use super::views::{self, CERTIFIED_MANAGERS};
use crate::cooperatives::CERTIFICATE_STANDING;
use crate::kernel::{Area, Date, Name, Note, Number, OneOf, Region};
use crate::ledger::{Cell, Claim, Envelope, Fact, Posting, Resource, Span, Stamp, Table};
use crate::managers::{PUT_FORWARD, Role};

crate::words! {
    /// Where a certification stands.
    CertificationState {
        /// Put forward.
        Candidate = "candidate",
        /// The day of the assessment is set.
        Scheduled = "scheduled",
        /// Found competent; the certificate can be issued.
        Kompeten = "kompeten",
        /// Found not yet competent.
        BelumKompeten = "belum_kompeten",
        /// The result is contested.
        Appealed = "appealed",
        /// Holds a certificate.
        Certified = "certified",
        /// The certificate is suspended.
        Suspended = "suspended",
        /// The certificate was revoked.
        Revoked = "revoked",
        /// A new certificate took this one's place.
        Renewed = "renewed",
        /// The certificate's time is over; computed from the date.
        Expired = "expired",
    }
}

impl CertificationState {
    /// Whether no answer has been found yet to the question whether the manager is competent, or the certificate is still to come.
    pub fn is_open_candidacy(self) -> bool {
        matches!(self, Self::Candidate | Self::Scheduled | Self::Appealed | Self::Kompeten)
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

crate::words! {
    /// How an appeal is decided.
    AppealOutcome {
        /// The candidate is right: found competent.
        Upheld = "upheld",
        /// The result stands.
        Dismissed = "dismissed",
    }
}

crate::words! {
    /// What a surveillance shows.
    SurveillanceOutcome {
        /// Competence is kept up.
        Maintained = "maintained",
        /// It is not; the certifier may suspend or revoke.
        NotMaintained = "not_maintained",
    }
}

/// A day on which competence is to be assessed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Schedule {
    /// The day.
    pub scheduled_on: Date,
    /// Where.
    pub place: Option<Name>,
}

/// An appeal against the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Appeal {
    /// The day it was filed.
    pub filed_on: Date,
    /// Why.
    pub reason: Note,
    /// How it was decided; null while it is not.
    pub outcome: Option<AppealOutcome>,
    /// The day it was decided.
    pub decided_on: Option<Date>,
    /// Why it was decided so.
    pub decision_reason: Option<Note>,
}

/// A surveillance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Surveillance {
    /// The day.
    pub held_on: Date,
    /// What it showed.
    pub outcome: SurveillanceOutcome,
    /// What was seen.
    pub note: Option<Note>,
}

/// A copy issued under the same number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Duplicate {
    /// The day.
    pub issued_on: Date,
    /// Why.
    pub reason: Note,
}

/// Another certificate of the same manager that this one is chained to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateLink {
    /// Its certification.
    pub certification: Uuid,
    /// Its number, as printed.
    pub certificate_number: Number,
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
    /// Which candidacy of this manager for this scheme it is; null for renewals and records older than the count.
    #[serde(default)]
    pub attempt: Option<u32>,
    /// The day set for the assessment.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// The day of the competence assessment.
    pub assessed_on: Option<Date>,
    /// Where it was held.
    pub place: Option<Name>,
    /// The appeal against the result.
    #[serde(default)]
    pub appeal: Option<Appeal>,
    /// The certificate.
    pub certificate: Option<Certificate>,
    /// The days on which the certificate held, or will unless something happens.
    #[serde(default)]
    pub standing: Vec<Span>,
    /// Surveillances, in the order they were recorded.
    #[serde(default)]
    pub surveillances: Vec<Surveillance>,
    /// Copies under the same number.
    #[serde(default)]
    pub duplicates: Vec<Duplicate>,
    /// The certificate this one took the place of.
    #[serde(default)]
    pub renews: Option<CertificateLink>,
    /// The certificate that took this one's place.
    #[serde(default)]
    pub renewed_by: Option<CertificateLink>,
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

    /// The commands that fit on a day.
    pub fn allowed_on(&self, day: Date) -> &'static [&'static str] {
        use CertificationState as State;
        match self.state_on(day) {
            State::Candidate | State::Scheduled => &["assessment-schedules", "results"],
            State::Kompeten => &["certificates"],
            State::BelumKompeten if self.appeal.is_none() => &["appeals"],
            State::Appealed => &["appeal-decisions"],
            State::Certified => &["surveillances", "duplicates", "suspensions", "revocations", "renewals"],
            State::Suspended => &["reinstatements", "revocations"],
            State::Expired => &["renewals"],
            State::BelumKompeten | State::Revoked | State::Renewed => &[],
        }
    }

    /// The day competence was established: by the assessment, or by the appeal against it.
    pub fn competent_since(&self) -> Option<Date> {
        self.appeal.as_ref().and_then(|appeal| appeal.decided_on).max(self.assessed_on)
    }

    /// The day since which the certificate stands as it does: that of its issue, or of the last suspension or reinstatement. What befalls it
    /// next is not dated before: days already told of would be told anew.
    pub fn stands_since(&self) -> Option<Date> {
        let issued_on = self.certificate.as_ref()?.issued_on;
        Some(match (self.standing.last(), self.state) {
            (None, _) => issued_on,
            (Some(held), CertificationState::Certified) => held.from,
            (Some(held), _) => held.until?.plus_days(1),
        })
    }

    /// The claim that keeps a manager's candidacies for a scheme in a row: of each number there is one.
    pub fn candidacy(manager: Uuid, scheme: &Name, attempt: u32) -> Claim {
        let value = format!("{manager}|{}|{attempt}", scheme.normalised());
        Claim { namespace: "candidacy", value, pointer: "/manager", what: "candidacy" }
    }

    fn begun(event: &Event, envelope: &Envelope) -> Option<Self> {
        let begin = |manager, region, scheme: &Name, certifier| Self {
            stamp: Stamp::default(),
            manager,
            region,
            scheme: scheme.clone(),
            certifier,
            state: CertificationState::Candidate,
            attempt: None,
            schedule: None,
            assessed_on: None,
            place: None,
            appeal: None,
            certificate: None,
            standing: Vec::new(),
            surveillances: Vec::new(),
            duplicates: Vec::new(),
            renews: None,
            renewed_by: None,
            put_forward_by: envelope.event_id,
            put_forward_on: envelope.occurred_at.day(),
        };
        match event {
            Event::CandidateRegistered { manager, region, scheme, certifier, attempt } => {
                Some(Self { attempt: *attempt, ..begin(*manager, *region, scheme, *certifier) })
            }
            Event::RenewalIssued(renewal) => {
                let Renewal { manager, region, scheme, certifier, renews, .. } = &**renewal;
                let mut begun = begin(*manager, *region, scheme, *certifier);
                begun.renews = Some(renews.clone());
                begun.assessed_on = renewal.assessed_on;
                begun.certify(Certificate {
                    certificate_number: renewal.certificate_number.clone(),
                    registration_number: renewal.registration_number.clone(),
                    issued_on: renewal.issued_on,
                    valid_until: renewal.valid_until,
                    role: renewal.role,
                    event_id: envelope.event_id,
                });
                Some(begun)
            }
            _ => None,
        }
    }

    fn certify(&mut self, certificate: Certificate) {
        let Certificate { issued_on, valid_until, event_id, .. } = certificate;
        self.state = CertificationState::Certified;
        self.standing.push(Span { from: issued_on, until: Some(valid_until), event_id });
        self.certificate = Some(certificate);
    }

    /// What follows the result and precedes the certificate.
    fn judged(&mut self, event: &Event) -> Option<()> {
        match event {
            Event::AssessmentScheduled { scheduled_on, place } => {
                self.state = CertificationState::Scheduled;
                self.schedule = Some(Schedule { scheduled_on: *scheduled_on, place: place.clone() });
            }
            Event::Assessed { result, assessed_on, place } => {
                self.state = match result {
                    CompetenceResult::Kompeten => CertificationState::Kompeten,
                    CompetenceResult::BelumKompeten => CertificationState::BelumKompeten,
                };
                self.assessed_on = Some(*assessed_on);
                self.place.clone_from(place);
            }
            Event::Appealed { filed_on, reason } => {
                self.state = CertificationState::Appealed;
                self.appeal = Some(Appeal {
                    filed_on: *filed_on,
                    reason: reason.clone(),
                    outcome: None,
                    decided_on: None,
                    decision_reason: None,
                });
            }
            Event::AppealDecided { outcome, decided_on, reason } => {
                self.state = match outcome {
                    AppealOutcome::Upheld => CertificationState::Kompeten,
                    AppealOutcome::Dismissed => CertificationState::BelumKompeten,
                };
                let appeal = self.appeal.as_mut()?;
                appeal.outcome = Some(*outcome);
                appeal.decided_on = Some(*decided_on);
                appeal.decision_reason = Some(reason.clone());
            }
            _ => return None,
        }
        Some(())
    }
}

impl Resource for Certification {
    type Event = Event;
    const KIND: &'static str = "certification";
    const TABLE: Table = views::TABLE;
    const AREA: Area = Area::Certificates;
    const CLAIMS: &'static [&'static str] = &["certificate", "candidacy"];
    const MEASURES: &'static [&'static str] = &[PUT_FORWARD, CERTIFIED_MANAGERS, CERTIFICATE_STANDING];

    fn evolve(state: Option<Self>, event: &Event, envelope: &Envelope) -> Option<Self> {
        let Some(mut state) = state else {
            return Self::begun(event, envelope);
        };
        let day = envelope.occurred_at.day();
        match event {
            Event::CandidateRegistered { .. } | Event::RenewalIssued(_) => return None,
            Event::AssessmentScheduled { .. }
            | Event::Assessed { .. }
            | Event::Appealed { .. }
            | Event::AppealDecided { .. } => state.judged(event)?,
            Event::CertificateIssued { certificate_number, registration_number, issued_on, valid_until, role } => {
                state.certify(Certificate {
                    certificate_number: certificate_number.clone(),
                    registration_number: registration_number.clone(),
                    issued_on: *issued_on,
                    valid_until: *valid_until,
                    role: *role,
                    event_id: envelope.event_id,
                });
            }
            Event::Suspended { .. } => {
                state.state = CertificationState::Suspended;
                Span::end_before(&mut state.standing, day);
            }
            Event::Reinstated { .. } => {
                state.state = CertificationState::Certified;
                let until = Some(state.certificate.as_ref()?.valid_until);
                state.standing.push(Span { from: day, until, event_id: envelope.event_id });
            }
            Event::Revoked { .. } => {
                state.state = CertificationState::Revoked;
                Span::end_before(&mut state.standing, day);
            }
            Event::Surveilled { held_on, outcome, note } => {
                state.surveillances.push(Surveillance { held_on: *held_on, outcome: *outcome, note: note.clone() });
            }
            Event::DuplicateIssued { issued_on, reason } => {
                state.duplicates.push(Duplicate { issued_on: *issued_on, reason: reason.clone() });
            }
            Event::Renewed { renewed_by, renewed_on } => {
                state.state = CertificationState::Renewed;
                state.renewed_by = Some(renewed_by.clone());
                Span::end_before(&mut state.standing, *renewed_on);
            }
        }
        Some(state)
    }

    /// Nothing that befalls a certificate counts before its issue.
    fn counts_from(before: Option<&Self>, event: &Event, envelope: &Envelope) -> Date {
        let issued = before.and_then(|before| before.certificate.as_ref()).map(|certificate| certificate.issued_on);
        let day = event.day().unwrap_or_else(|| envelope.occurred_at.day());
        issued.map_or(day, |issued| day.max(issued))
    }

    /// A certificate whose time is over by then is expired.
    fn at_end_of(mut self, _: &Self, day: Date) -> Self {
        self.state = self.state_on(day);
        self
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
        let candidacy = self.attempt.map(|attempt| Self::candidacy(self.manager, &self.scheme, attempt));
        let certificate = |certificate: &Certificate| Claim {
            namespace: "certificate",
            value: format!("{}|{}", self.certifier, certificate.certificate_number.normalised()),
            pointer: "/certificate_number",
            what: "certificate_number",
        };
        candidacy.into_iter().chain(self.certificate.iter().map(certificate)).collect()
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
        facts.extend(self.standing.iter().map(|span| span.fact(CERTIFICATE_STANDING, self.manager, self.region)));
        facts
    }
    fn schema_version(event_type: &str) -> i32 {
        if event_type == "certification.candidate_registered" { WITH_ATTEMPT } else { 1 }
    }

    /// The first version of the event that puts a manager forward did not count the attempts.
    fn upcast(event_type: &str, schema_version: i32, data: String) -> String {
        if event_type != "certification.candidate_registered" || schema_version >= WITH_ATTEMPT {
            return data;
        }
        data.strip_suffix('}').map_or_else(|| data.clone(), |members| format!("{members},\"attempt\":null}}"))
    }
}
