//! Putting managers forward, recording results, issuing certificates and what befalls them.

use deserr::Deserr;
use utoipa::ToSchema;

use super::events::CertificationEvent as Event;
use super::state::{Certification, CertificationState as State, CompetenceResult};
use crate::kernel::{Area, Date, Faults, Id, Name, Note, Number, OneOf, OrganisationKind, Refusal, Text};
use crate::ledger::{Decide, Decision, Scene, Wants, World};
use crate::managers::Manager;
use crate::organisations::Organisation;

/// Years a certificate is valid when nothing else is said (BNSP practice; facts of Karangasem 2025).
const VALIDITY_YEARS: i32 = 3;

/// Puts a manager forward to a certifier.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"manager": "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b", "scheme": "Kepala Cabang/Manager KSP", "certifier": "019a2b3c-0000-7f60-8a9b-0c1d2e3f4a5b"}))]
pub struct RegisterCandidate {
    /// Who.
    pub manager: Id,
    /// The certification scheme.
    pub scheme: Name,
    /// The certifier, an organisation of kind `certifier`; a certifier may leave it out to mean itself.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub certifier: Option<Id>,
}

impl Decide for RegisterCandidate {
    type Resource = Certification;
    const CREATES: bool = true;

    fn reads(&self, _: Option<&Certification>, _: &World, wants: &mut Wants) {
        wants.state::<Manager>(self.manager.0);
        if let Some(certifier) = self.certifier {
            wants.state::<Organisation>(certifier.0);
        }
    }

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        scene.actor.require_some_write(Area::Candidates)?;
        let manager = scene.named::<Manager>(self.manager.0, "/manager")?;
        let certifier = match self.certifier {
            Some(certifier) => {
                let named = scene.named::<Organisation>(certifier.0, "/certifier")?;
                (named.kind == OrganisationKind::Certifier).then_some(certifier.0)
            }
            None => (scene.actor.kind == OrganisationKind::Certifier).then_some(scene.actor.organisation),
        };
        let certifier = certifier.ok_or_else(|| {
            Refusal::rule(
                "/certifier",
                "not_a_certifier",
                Text::fixed(
                    "Sebutkan organisasi berjenis `certifier` (LSP).",
                    "Name an organisation of kind `certifier` (LSP).",
                ),
            )
        })?;
        scene.actor.require_write(Area::Candidates, manager.region, certifier)?;
        let (region, scheme) = (manager.region, self.scheme.clone());
        Ok(Decision::one(Event::CandidateRegistered { manager: self.manager.0, region, scheme, certifier }))
    }
}

fn in_state<'a>(scene: &Scene<'a, Certification>, fits: &[State]) -> Result<&'a Certification, Refusal> {
    let own = scene.own()?;
    // What is recorded late is judged by the day it happened.
    let state = own.state_on(scene.occurred_at.day());
    if fits.contains(&state) {
        return Ok(own);
    }
    Err(Refusal::wrong_state(state.word(), state.allowed()))
}

/// Reports the result of the competence assessment.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"result": "kompeten", "assessed_on": "2014-04-10", "place": "TUK Samarinda"}))]
pub struct RecordResult {
    /// What it showed.
    pub result: CompetenceResult,
    /// The day it was held; when left out, the day of `occurred_at`.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub assessed_on: Option<Date>,
    /// Where it was held.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub place: Option<Name>,
}

impl Decide for RecordResult {
    type Resource = Certification;

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        in_state(scene, &[State::Candidate])?;
        let assessed_on = self.assessed_on.unwrap_or_else(|| scene.occurred_at.day());
        assessed_on.require_past(scene.now, "/assessed_on")?;
        Ok(Decision::one(Event::Assessed { result: self.result, assessed_on, place: self.place.clone() }))
    }
}

/// Issues the certificate.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"certificate_number": "64190 1345 4 0000123 2014", "registration_number": "KJK.1234.00123.2014", "issued_on": "2014-04-21"}))]
pub struct IssueCertificate {
    /// Its number, as printed; unique per certifier.
    pub certificate_number: Number,
    /// The registration number, as printed.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub registration_number: Option<Number>,
    /// The day of issue; when left out, the day of `occurred_at`.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub issued_on: Option<Date>,
    /// The last day it is valid; three years after issue when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub valid_until: Option<Date>,
}

impl Decide for IssueCertificate {
    type Resource = Certification;

    fn reads(&self, own: Option<&Certification>, _: &World, wants: &mut Wants) {
        if let Some(own) = own {
            wants.state::<Manager>(own.manager);
        }
    }

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        let own = in_state(scene, &[State::Kompeten])?;
        let issued_on = self.issued_on.unwrap_or_else(|| scene.occurred_at.day());
        issued_on.require_past(scene.now, "/issued_on")?;
        if own.assessed_on.is_some_and(|assessed| issued_on < assessed) {
            return Err(Refusal::rule(
                "/issued_on",
                "before_assessment",
                Text::fixed(
                    "Sertifikat tidak dapat terbit sebelum asesmennya.",
                    "A certificate cannot be issued before its assessment.",
                ),
            ));
        }
        let valid_until = self.valid_until.unwrap_or_else(|| issued_on.plus_years(VALIDITY_YEARS));
        if valid_until <= issued_on {
            return Err(Refusal::rule(
                "/valid_until",
                "ends_before_it_begins",
                Text::fixed("Masa berlaku harus melewati hari terbit.", "It must be valid beyond the day of issue."),
            ));
        }
        let manager = scene.world.find::<Manager>(own.manager);
        let role = manager.and_then(|manager| manager.role_on(issued_on));
        Ok(Decision::one(Event::CertificateIssued {
            certificate_number: self.certificate_number.clone(),
            registration_number: self.registration_number.clone(),
            issued_on,
            valid_until,
            role,
        }))
    }
}

/// Suspends the certificate.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Dalam pemeriksaan penyalahgunaan sertifikat"}))]
pub struct Suspend {
    /// Why.
    pub reason: Note,
}

impl Decide for Suspend {
    type Resource = Certification;

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        in_state(scene, &[State::Certified])?;
        Ok(Decision::one(Event::Suspended { reason: self.reason.clone() }))
    }
}

/// Lets the certificate hold again.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Pemeriksaan selesai, tidak terbukti"}))]
pub struct Reinstate {
    /// Why.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reason: Option<Note>,
}

impl Decide for Reinstate {
    type Resource = Certification;

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        in_state(scene, &[State::Suspended])?;
        Ok(Decision::one(Event::Reinstated { reason: self.reason.clone() }))
    }
}

/// Revokes the certificate.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Putusan pidana berkekuatan hukum tetap"}))]
pub struct Revoke {
    /// Why.
    pub reason: Note,
}

impl Decide for Revoke {
    type Resource = Certification;

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        in_state(scene, &[State::Certified, State::Suspended])?;
        Ok(Decision::one(Event::Revoked { reason: self.reason.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Region;
    use crate::ledger::testing::Story;
    use crate::managers::{ManagerEvent, Role};
    use uuid::Uuid;

    const MANAGER: Uuid = Uuid::from_u128(0xABC);

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    fn candidate() -> Event {
        Event::CandidateRegistered {
            manager: MANAGER,
            region: Region::parse("64.72").unwrap(),
            scheme: Name::parse("Manajer KSP").unwrap(),
            certifier: Uuid::from_u128(0x157),
        }
    }

    fn assessed(result: CompetenceResult) -> Event {
        Event::Assessed { result, assessed_on: date("2014-03-03"), place: None }
    }

    fn issued(valid_until: &str) -> Event {
        Event::CertificateIssued {
            certificate_number: Number::parse("A-1").unwrap(),
            registration_number: None,
            issued_on: date("2014-03-10"),
            valid_until: date(valid_until),
            role: Some(Role::Manajer),
        }
    }

    fn issue(issued_on: &str, valid_until: Option<&str>) -> IssueCertificate {
        IssueCertificate {
            certificate_number: Number::parse("A-1").unwrap(),
            registration_number: None,
            issued_on: Some(date(issued_on)),
            valid_until: valid_until.map(date),
        }
    }

    fn suspend() -> Suspend {
        Suspend { reason: Note::parse("diperiksa").unwrap() }
    }

    #[test]
    fn a_certificate_is_valid_for_three_years_and_records_the_role_held_at_issue() {
        let manager = [
            ManagerEvent::Registered {
                region: Region::parse("64.72").unwrap(),
                subject: Uuid::nil(),
                sealed: String::new(),
            },
            ManagerEvent::Appointed { cooperative: Uuid::nil(), role: Role::Manajer, since: date("2013-01-01") },
        ];
        Story::given([candidate(), assessed(CompetenceResult::Kompeten)])
            .knowing::<Manager, 2>(MANAGER, manager)
            .when(issue("2014-03-10", None))
            .then([issued("2017-03-10")]);
    }

    #[test]
    fn without_competence_there_is_no_certificate() {
        Story::given([candidate()]).when(issue("2014-03-10", None)).refused("wrong_state");
        Story::given([candidate(), assessed(CompetenceResult::BelumKompeten)])
            .when(issue("2014-03-10", None))
            .refused("wrong_state");
    }

    #[test]
    fn a_certificate_neither_precedes_its_assessment_nor_ends_before_it_begins() {
        let competent = || Story::given([candidate(), assessed(CompetenceResult::Kompeten)]);
        competent().when(issue("2014-03-01", None)).refused_at("rule_refused", "/issued_on");
        competent().when(issue("2014-03-10", Some("2014-03-10"))).refused_at("rule_refused", "/valid_until");
        competent().when(issue("2014-04-10", None)).refused_at("rule_refused", "/issued_on");
    }

    #[test]
    fn a_suspended_certificate_is_reinstated_or_revoked_and_counts_as_issued_all_along() {
        let certified = [candidate(), assessed(CompetenceResult::Kompeten), issued("2017-03-10")];
        let story = Story::given(certified.clone());
        let measures = |story: &Story<Certification>| {
            use crate::ledger::Resource;
            story.state().facts().into_iter().map(|fact| fact.measure).collect::<Vec<_>>()
        };
        assert_eq!(measures(&story), ["put_forward", "certified_managers", "certificate_standing"]);
        story.when(suspend()).then_types(&["certification.suspended"]);
        let [one, two, three] = certified;
        let suspended = Story::given([one, two, three, Event::Suspended { reason: Note::parse("x").unwrap() }]);
        assert_eq!(measures(&suspended), ["put_forward", "certified_managers"]);
        suspended.when(Reinstate { reason: None }).then_types(&["certification.reinstated"]);
    }

    #[test]
    fn an_expired_certificate_can_be_neither_suspended_nor_revoked() {
        let expired =
            || Story::<Certification>::given([candidate(), assessed(CompetenceResult::Kompeten), issued("2014-03-11")]);
        assert_eq!(expired().state().state_on(date("2014-03-11")), State::Certified);
        assert_eq!(expired().state().state_on(date("2014-03-12")), State::Expired);
        expired().when(suspend()).refused("wrong_state");
    }
}
