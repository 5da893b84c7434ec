//! From putting a manager forward to the result, contested or not.

use deserr::Deserr;
use utoipa::ToSchema;

use super::events::CertificationEvent as Event;
use super::state::{AppealOutcome, Certification, CertificationState as State, CompetenceResult};
use crate::kernel::{Area, Date, Faults, Id, Name, Note, OneOf, OrganisationKind, Refusal, Text};
use crate::ledger::{Claim, Decide, Decision, Scene, Wants, World};
use crate::managers::Manager;
use crate::organisations::Organisation;
use uuid::Uuid;

/// Candidacies of one manager for one scheme that are told apart.
const ATTEMPTS_MAX: u32 = 24;

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

impl RegisterCandidate {
    fn candidacy(&self, attempt: u32) -> Claim {
        Certification::candidacy(self.manager.0, &self.scheme, attempt)
    }

    /// The manager's latest candidacy for the scheme, with its number.
    fn latest(&self, world: &World) -> Option<(u32, Uuid)> {
        (1..=ATTEMPTS_MAX).map_while(|attempt| Some((attempt, world.holder(&self.candidacy(attempt))?))).last()
    }

    /// The number of this candidacy; a manager has one open candidacy for a scheme at a time.
    fn attempt(&self, world: &World) -> Result<u32, Refusal> {
        let Some((attempt, earlier)) = self.latest(world) else {
            return Ok(1);
        };
        if world.find::<Certification>(earlier).is_some_and(|earlier| earlier.state.is_open_candidacy()) {
            return Err(Refusal::duplicate("/manager", "candidacy", earlier));
        }
        if attempt == ATTEMPTS_MAX {
            let why = text!(
                "Pengelola ini sudah diajukan {attempt} kali untuk skema ini.",
                "This manager was put forward {attempt} times for this scheme already."
            );
            return Err(Refusal::rule("/manager", "too_many_candidacies", why));
        }
        Ok(attempt + 1)
    }
}

impl Decide for RegisterCandidate {
    type Resource = Certification;
    const AREA: Area = Area::Candidates;
    const CREATES: bool = true;

    fn reads(&self, _: Option<&Certification>, world: &World, wants: &mut Wants) {
        wants.state::<Manager>(self.manager.0);
        (1..=ATTEMPTS_MAX).for_each(|attempt| wants.claim(self.candidacy(attempt)));
        if let Some((_, earlier)) = self.latest(world) {
            wants.state::<Certification>(earlier);
        }
        if let Some(certifier) = self.certifier {
            wants.state::<Organisation>(certifier.0);
        }
    }

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        scene.actor.require_some_write(Self::AREA)?;
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
        scene.actor.require_write(Self::AREA, manager.region, certifier)?;
        let attempt = Some(self.attempt(scene.world)?);
        let (region, scheme) = (manager.region, self.scheme.clone());
        Ok(Decision::one(Event::CandidateRegistered { manager: self.manager.0, region, scheme, certifier, attempt }))
    }
}

/// The certification in one of the states that fit, when the actor has the right of `area`.
pub(super) fn in_state_of<'a>(
    scene: &Scene<'a, Certification>,
    area: Area,
    fits: &[State],
) -> Result<&'a Certification, Refusal> {
    let own = scene.own_in(area)?;
    // What is recorded late is judged by the day it happened.
    let day = scene.occurred_at.day();
    let state = own.state_on(day);
    if fits.contains(&state) {
        return Ok(own);
    }
    Err(Refusal::wrong_state(state.word(), own.allowed_on(day)))
}

/// As [`in_state_of`], for what is the certifier's to do.
pub(super) fn in_state<'a>(scene: &Scene<'a, Certification>, fits: &[State]) -> Result<&'a Certification, Refusal> {
    in_state_of(scene, Area::Certificates, fits)
}

/// The day that was sent, or that of `occurred_at`: not in the future, and not before what it follows from.
pub(super) fn day_of(
    scene: &Scene<'_, Certification>,
    sent: Option<Date>,
    pointer: &str,
    not_before: Option<Date>,
) -> Result<Date, Refusal> {
    let day = sent.unwrap_or_else(|| scene.occurred_at.day());
    day.require_past(scene.now, pointer)?;
    match not_before.filter(|earliest| day < *earliest) {
        None => Ok(day),
        Some(earliest) => Err(Refusal::rule(
            pointer,
            "too_early",
            text!("Tidak dapat terjadi sebelum {earliest}.", "This cannot have happened before {earliest}."),
        )),
    }
}

/// Sets the day of the competence assessment, or another day.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"scheduled_on": "2014-04-10", "place": "TUK Sementara Samarinda"}))]
pub struct ScheduleAssessment {
    /// The day.
    pub scheduled_on: Date,
    /// Where (tempat uji kompetensi).
    #[deserr(default)]
    #[schema(nullable = false)]
    pub place: Option<Name>,
}

impl Decide for ScheduleAssessment {
    type Resource = Certification;

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        let own = in_state(scene, &[State::Candidate, State::Scheduled])?;
        if self.scheduled_on < own.put_forward_on {
            let earliest = own.put_forward_on;
            return Err(Refusal::rule(
                "/scheduled_on",
                "too_early",
                text!("Tidak dapat terjadi sebelum {earliest}.", "This cannot have happened before {earliest}."),
            ));
        }
        Ok(Decision::one(Event::AssessmentScheduled { scheduled_on: self.scheduled_on, place: self.place.clone() }))
    }
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
        in_state(scene, &[State::Candidate, State::Scheduled])?;
        // Not held against the candidacy: what is entered from old papers is put forward on the day it is entered.
        let assessed_on = day_of(scene, self.assessed_on, "/assessed_on", None)?;
        Ok(Decision::one(Event::Assessed { result: self.result, assessed_on, place: self.place.clone() }))
    }
}

/// Contests the result `belum_kompeten`; once per candidacy.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Portofolio RAT 2013 tidak ikut dinilai", "filed_on": "2014-04-14"}))]
pub struct FileAppeal {
    /// Why.
    pub reason: Note,
    /// The day it was filed; when left out, the day of `occurred_at`.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub filed_on: Option<Date>,
}

impl Decide for FileAppeal {
    type Resource = Certification;
    const AREA: Area = Area::Candidates;

    /// Who was put forward again has given up contesting the earlier result.
    fn reads(&self, own: Option<&Certification>, _: &World, wants: &mut Wants) {
        own.and_then(next_candidacy).into_iter().for_each(|next| wants.claim(next));
    }

    /// The candidate appeals through the office that put it forward, or with the certifier.
    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        let own = in_state_of(scene, Self::AREA, &[State::BelumKompeten])?;
        if own.appeal.is_some() {
            return Err(Refusal::wrong_state("appeal_dismissed", &[]));
        }
        if let Some(next) = next_candidacy(own).and_then(|next| scene.world.holder(&next)) {
            return Err(Refusal::duplicate("", "candidacy", next));
        }
        let filed_on = day_of(scene, self.filed_on, "/filed_on", own.assessed_on)?;
        Ok(Decision::one(Event::Appealed { filed_on, reason: self.reason.clone() }))
    }
}

fn next_candidacy(own: &Certification) -> Option<Claim> {
    Some(Certification::candidacy(own.manager, &own.scheme, own.attempt? + 1))
}

/// Decides an appeal; upheld, the candidate is competent and the certificate can be issued.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"outcome": "upheld", "reason": "Portofolio dinilai ulang", "decided_on": "2014-04-28"}))]
pub struct DecideAppeal {
    /// How.
    pub outcome: AppealOutcome,
    /// Why.
    pub reason: Note,
    /// The day; when left out, the day of `occurred_at`.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub decided_on: Option<Date>,
}

impl Decide for DecideAppeal {
    type Resource = Certification;

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        let own = in_state(scene, &[State::Appealed])?;
        let filed_on = own.appeal.as_ref().map(|appeal| appeal.filed_on);
        let decided_on = day_of(scene, self.decided_on, "/decided_on", filed_on)?;
        Ok(Decision::one(Event::AppealDecided { outcome: self.outcome, decided_on, reason: self.reason.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::certificates::{
        IssueCertificate, IssueDuplicate, Reinstate, RenewCertificate, RenewalTerms, Surveil, Suspend,
    };
    use super::super::state::SurveillanceOutcome;
    use super::*;
    use crate::kernel::{Number, Region};
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
            attempt: Some(1),
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
        assert_eq!(measures(&suspended), ["put_forward", "certified_managers", "certificate_standing"]);
        assert_eq!(suspended.state().standing[0].until, Some(date("2014-03-11")), "it held until the day before");
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

    fn appeal() -> FileAppeal {
        FileAppeal { reason: Note::parse("portofolio tidak dinilai").unwrap(), filed_on: Some(date("2014-03-05")) }
    }

    fn appealed() -> Event {
        Event::Appealed { filed_on: date("2014-03-05"), reason: Note::parse("portofolio tidak dinilai").unwrap() }
    }

    fn decided(outcome: AppealOutcome) -> Event {
        Event::AppealDecided { outcome, decided_on: date("2014-03-07"), reason: Note::parse("ditinjau").unwrap() }
    }

    #[test]
    fn an_appeal_upheld_changes_the_result_and_one_dismissed_ends_it() {
        let failed = || [candidate(), assessed(CompetenceResult::BelumKompeten), appealed()];
        Story::given([candidate(), assessed(CompetenceResult::BelumKompeten)]).when(appeal()).then([appealed()]);
        Story::given([candidate(), assessed(CompetenceResult::Kompeten)]).when(appeal()).refused("wrong_state");
        let decide = |outcome| DecideAppeal {
            outcome,
            reason: Note::parse("ditinjau").unwrap(),
            decided_on: Some(date("2014-03-07")),
        };
        Story::given(failed()).when(decide(AppealOutcome::Upheld)).then([decided(AppealOutcome::Upheld)]);
        let [one, two, three] = failed();
        let upheld = Story::<Certification>::given([one, two, three, decided(AppealOutcome::Upheld)]);
        assert_eq!(upheld.state().state, State::Kompeten);
        upheld.when(issue("2014-03-10", None)).then_types(&["certification.certificate_issued"]);
        let [one, two, three] = failed();
        let dismissed = Story::<Certification>::given([one, two, three, decided(AppealOutcome::Dismissed)]);
        assert_eq!(dismissed.state().state, State::BelumKompeten);
        dismissed.when(appeal()).refused("wrong_state");
        let too_early = DecideAppeal { decided_on: Some(date("2014-03-04")), ..decide(AppealOutcome::Upheld) };
        Story::given(failed()).when(too_early).refused_at("rule_refused", "/decided_on");
    }

    #[test]
    fn only_the_certifier_decides_an_appeal_and_the_office_that_put_forward_may_file_it() {
        let samarinda = crate::kernel::Actor {
            organisation: Uuid::from_u128(0x5A),
            kind: OrganisationKind::Regency,
            region: Region::parse("64.72").unwrap(),
            key: Uuid::nil(),
            scopes: None,
        };
        let failed = || Story::given([candidate(), assessed(CompetenceResult::BelumKompeten)]);
        failed().by(samarinda.clone()).when(appeal()).then_types(&["certification.appealed"]);
        let elsewhere = crate::kernel::Actor { region: Region::parse("64.71").unwrap(), ..samarinda.clone() };
        failed().by(elsewhere).when(appeal()).refused("forbidden");
        let decide = DecideAppeal {
            outcome: AppealOutcome::Upheld,
            reason: Note::parse("x").unwrap(),
            decided_on: Some(date("2014-03-07")),
        };
        Story::given([candidate(), assessed(CompetenceResult::BelumKompeten), appealed()])
            .by(samarinda)
            .when(decide)
            .refused("forbidden");
    }

    #[test]
    fn an_assessment_is_scheduled_and_rescheduled_until_there_is_a_result() {
        let schedule = |day: &str| ScheduleAssessment { scheduled_on: date(day), place: None };
        let scheduled = || Event::AssessmentScheduled { scheduled_on: date("2014-04-10"), place: None };
        Story::given([candidate()]).when(schedule("2014-04-10")).then([scheduled()]);
        Story::given([candidate(), scheduled()])
            .when(schedule("2014-04-11"))
            .then_types(&["certification.assessment_scheduled"]);
        Story::given([candidate()]).when(schedule("2014-03-01")).refused_at("rule_refused", "/scheduled_on");
        Story::given([candidate(), scheduled(), assessed(CompetenceResult::Kompeten)])
            .when(schedule("2014-04-11"))
            .refused("wrong_state");
    }

    fn renew(issued_on: &str) -> RenewCertificate {
        RenewCertificate {
            earlier: EARLIER,
            terms: RenewalTerms {
                certificate_number: Number::parse("A-2").unwrap(),
                registration_number: None,
                assessed_on: None,
                issued_on: Some(date(issued_on)),
                valid_until: None,
            },
        }
    }

    const EARLIER: Uuid = Uuid::from_u128(0xEA);

    #[test]
    fn a_renewal_is_chained_both_ways_and_ends_the_earlier_certificate_the_day_before() {
        let issued_early = || {
            let Event::CertificateIssued { certificate_number, registration_number, role, .. } = issued("2014-03-20")
            else {
                unreachable!()
            };
            let (issued_on, valid_until) = (date("2014-03-04"), date("2014-03-20"));
            Event::CertificateIssued { certificate_number, registration_number, issued_on, valid_until, role }
        };
        let earlier = || [candidate(), assessed(CompetenceResult::Kompeten), issued_early()];
        let story = || Story::<Certification>::given([]).knowing::<Certification, 3>(EARLIER, earlier());
        story().when(renew("2014-03-11")).then_types(&["certification.renewal_issued", "certification.renewed"]);
        story().when(renew("2014-03-04")).refused_at("rule_refused", "/issued_on");
        let renewed = Event::Renewed {
            renewed_by: super::super::state::CertificateLink {
                certification: crate::ledger::testing::SUBJECT,
                certificate_number: Number::parse("A-2").unwrap(),
            },
            renewed_on: date("2014-03-11"),
        };
        let [one, two, three] = earlier();
        let after = Story::<Certification>::given([one, two, three, renewed]);
        assert_eq!(after.state().state_on(date("2014-03-30")), State::Renewed);
        assert_eq!(after.state().standing[0].until, Some(date("2014-03-10")));
        after.when(suspend()).refused("wrong_state");
        let suspended = Event::Suspended { reason: Note::parse("x").unwrap() };
        let [one, two, three] = earlier();
        Story::<Certification>::given([])
            .knowing::<Certification, 4>(EARLIER, [one, two, three, suspended])
            .when(renew("2014-03-11"))
            .refused("wrong_state");
    }

    #[test]
    fn a_duplicate_keeps_the_number_and_neither_it_nor_a_surveillance_precedes_the_certificate() {
        let certified = || Story::given([candidate(), assessed(CompetenceResult::Kompeten), issued("2017-03-10")]);
        let copy = |day: &str| IssueDuplicate { reason: Note::parse("hilang").unwrap(), issued_on: Some(date(day)) };
        let look =
            |day: &str| Surveil { outcome: SurveillanceOutcome::Maintained, held_on: Some(date(day)), note: None };
        certified().when(copy("2014-03-12")).then_types(&["certification.duplicate_issued"]);
        certified().when(copy("2014-03-09")).refused_at("rule_refused", "/issued_on");
        certified().when(look("2014-03-12")).then_types(&["certification.surveilled"]);
        certified().when(look("2014-03-09")).refused_at("rule_refused", "/held_on");
        let again = Event::DuplicateIssued { issued_on: date("2014-03-12"), reason: Note::parse("hilang").unwrap() };
        let copied = Story::<Certification>::given([
            candidate(),
            assessed(CompetenceResult::Kompeten),
            issued("2017-03-10"),
            again,
        ]);
        assert_eq!(copied.state().certificate.as_ref().unwrap().certificate_number.0, "A-1");
        assert_eq!((copied.state().state, copied.state().duplicates.len()), (State::Certified, 1));
        Story::given([candidate()]).when(copy("2014-03-12")).refused("wrong_state");
    }
}
