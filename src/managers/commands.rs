//! Registering managers and what follows. Personal data arrives here sealed.

use deserr::Deserr;
use utoipa::ToSchema;

use super::events::ManagerEvent as Event;
use super::state::{Manager, Role};
use crate::cooperatives::{Cooperative, CooperativeStatus};
use crate::kernel::problem_codes::PRECONDITION_FAILED;
use crate::kernel::{Area, Date, Faults, Id, Met, Note, Refusal, Region, Text, personal_data};
use crate::ledger::{Claim, Decide, Decision, Scene, SubjectKey, Wants, World};
use crate::persons::HoldsPerson;

/// Puts a person on record, the data sealed.
#[derive(Clone, Debug)]
pub struct RegisterSealed {
    /// Where.
    pub region: Region,
    /// The sealed data.
    pub sealed: String,
    /// The key it was sealed with, wrapped.
    pub key: SubjectKey,
}

/// Wants to know who has the identity number that a key is found by.
fn wants_namesake(key: &SubjectKey, world: &World, wants: &mut Wants) {
    let Some(lookup) = &key.lookup else { return };
    let claim = Claim::person(lookup.clone());
    if let Some(holder) = world.holder(&claim) {
        wants.state::<Manager>(holder);
    }
    wants.claim(claim);
}

/// Refuses an identity number that somebody else has. Which record that is learns who may see the person in it.
fn require_no_namesake(key: &SubjectKey, scene: &Scene<'_, Manager>) -> Result<(), Refusal> {
    let Some(lookup) = &key.lookup else { return Ok(()) };
    let claim = Claim::person(lookup.clone());
    let Some(holder) = scene.world.holder(&claim).filter(|holder| *holder != scene.id) else { return Ok(()) };
    let known = scene.named::<Manager>(holder, claim.pointer)?;
    let (home, restricted) = ((known.region, known.stamp.recorded_by), known.restricted);
    let hidden = !personal_data(scene.actor, Area::Managers, home, restricted);
    let met = Met { record: holder, subject: known.subject, hidden };
    Err(Refusal::known_person(claim.pointer, claim.what, met))
}

impl Decide for RegisterSealed {
    type Resource = Manager;
    const CREATES: bool = true;

    fn reads(&self, _: Option<&Manager>, world: &World, wants: &mut Wants) {
        wants_namesake(&self.key, world, wants);
    }

    fn decide(&self, scene: &Scene<'_, Manager>) -> Result<Decision<Manager>, Refusal> {
        scene.actor.require_write(Area::Managers, self.region, scene.actor.organisation)?;
        require_no_namesake(&self.key, scene)?;
        let event = Event::Registered { region: self.region, subject: self.key.subject, sealed: self.sealed.clone() };
        Ok(Decision::one(event).with_key(Some(self.key.clone())))
    }
}

/// Changes a person's data.
#[derive(Clone, Debug)]
pub struct AmendSealed {
    /// The sealed data that was changed: when it is no longer there, somebody else was first.
    pub based_on: String,
    /// All of the data, sealed again, with its key and the look-up as it is now; nothing when there was nothing to open.
    pub changed: Option<(String, SubjectKey)>,
}

impl Decide for AmendSealed {
    type Resource = Manager;

    fn reads(&self, _: Option<&Manager>, world: &World, wants: &mut Wants) {
        if let Some((_, key)) = &self.changed {
            wants_namesake(key, world, wants);
        }
    }

    fn decide(&self, scene: &Scene<'_, Manager>) -> Result<Decision<Manager>, Refusal> {
        let own = scene.own()?;
        own.standing().require_amendable()?;
        let Some((sealed, key)) = self.changed.clone().filter(|_| own.sealed == self.based_on) else {
            return Err(Refusal::new(&PRECONDITION_FAILED, PRECONDITION_FAILED.advice.clone()));
        };
        require_no_namesake(&key, scene)?;
        Ok(Decision::one(Event::DetailsAmended { sealed }).with_key(Some(key)))
    }
}

/// Takes up a role at a cooperative.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"cooperative": "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b", "role": "manajer", "since": "2012-01-02"}))]
pub struct Appoint {
    /// Where.
    pub cooperative: Id,
    /// As what.
    pub role: Role,
    /// From this day on; when left out, the day of `occurred_at`.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub since: Option<Date>,
}

impl Decide for Appoint {
    type Resource = Manager;

    fn reads(&self, _: Option<&Manager>, _: &World, wants: &mut Wants) {
        wants.state::<Cooperative>(self.cooperative.0);
    }

    fn decide(&self, scene: &Scene<'_, Manager>) -> Result<Decision<Manager>, Refusal> {
        let own = scene.own()?;
        let cooperative = scene.named::<Cooperative>(self.cooperative.0, "/cooperative")?;
        scene.actor.require_write(Area::Managers, cooperative.region, scene.actor.organisation)?;
        if cooperative.status == CooperativeStatus::Dissolved {
            return Err(Refusal::rule(
                "/cooperative",
                "cooperative_dissolved",
                Text::fixed("Koperasi ini sudah bubar.", "This cooperative was dissolved."),
            ));
        }
        let since = self.since.unwrap_or_else(|| scene.occurred_at.day());
        since.require_past(scene.now, "/since")?;
        if own.current().any(|held| held.cooperative == self.cooperative.0 && held.role == self.role) {
            return Err(Refusal::wrong_state("appointed", &["departures"]));
        }
        Ok(Decision::one(Event::Appointed { cooperative: self.cooperative.0, role: self.role, since }))
    }
}

/// Leaves a role.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"cooperative": "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b", "role": "manajer", "until": "2014-05-01"}))]
pub struct Depart {
    /// Where.
    pub cooperative: Id,
    /// As what.
    pub role: Role,
    /// The last day; when left out, the day of `occurred_at`.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub until: Option<Date>,
    /// Why.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reason: Option<Note>,
}

impl Decide for Depart {
    type Resource = Manager;

    fn decide(&self, scene: &Scene<'_, Manager>) -> Result<Decision<Manager>, Refusal> {
        let own = scene.own()?;
        let until = self.until.unwrap_or_else(|| scene.occurred_at.day());
        until.require_past(scene.now, "/until")?;
        let held = own.current().find(|held| held.cooperative == self.cooperative.0 && held.role == self.role);
        let held = held.ok_or_else(|| Refusal::wrong_state("not_appointed", &["appointments"]))?;
        if until < held.since {
            return Err(Refusal::rule(
                "/until",
                "ends_before_it_begins",
                Text::fixed("Berakhir sebelum dimulai.", "It would end before it began."),
            ));
        }
        let (cooperative, role) = (self.cooperative.0, self.role);
        Ok(Decision::one(Event::Departed { cooperative, role, until, reason: self.reason.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cooperatives::{CooperativeEvent, CooperativeKind};
    use crate::kernel::{Actor, OrganisationKind};
    use crate::kernel::{Name, Number};
    use crate::ledger::testing::Story;
    use crate::persons::{ErasePerson, ErasureGround, LiftRestriction, OnPerson, RefuseErasure, RestrictProcessing};
    use uuid::Uuid;

    const KSP: Id = Id(Uuid::from_u128(0x15B));

    fn samarinda() -> Region {
        Region::parse("64.72").unwrap()
    }

    fn registered() -> Event {
        Event::Registered { region: samarinda(), subject: Uuid::from_u128(0x5B), sealed: "x1.sealed".to_owned() }
    }

    fn appointed() -> Event {
        Event::Appointed { cooperative: KSP.0, role: Role::Manajer, since: Date::parse("2013-01-02").unwrap() }
    }

    fn ksp() -> [CooperativeEvent; 1] {
        [CooperativeEvent::Registered {
            name: Name::parse("KSP Uji").unwrap(),
            kind: CooperativeKind::Ksp,
            region: samarinda(),
            nik_koperasi: Some(Number::parse("6472010010001").unwrap()),
            badan_hukum: None,
            address: None,
        }]
    }

    fn appoint() -> Appoint {
        Appoint { cooperative: KSP, role: Role::Manajer, since: Some(Date::parse("2013-01-02").unwrap()) }
    }

    fn depart(until: &str) -> Depart {
        Depart { cooperative: KSP, role: Role::Manajer, until: Some(Date::parse(until).unwrap()), reason: None }
    }

    #[test]
    fn a_person_is_appointed_once_per_role_and_cooperative() {
        let given = || Story::given([registered()]).knowing::<Cooperative, 1>(KSP.0, ksp());
        given().when(appoint()).then([appointed()]);
        let again = Story::given([registered(), appointed()]).knowing::<Cooperative, 1>(KSP.0, ksp());
        again.when(appoint()).refused("wrong_state");
    }

    #[test]
    fn an_appointment_at_an_unknown_cooperative_points_at_the_field() {
        Story::given([registered()]).when(appoint()).refused_at("rule_refused", "/cooperative");
    }

    #[test]
    fn a_departure_needs_an_appointment_and_cannot_precede_it() {
        Story::given([registered()]).when(depart("2014-01-01")).refused("wrong_state");
        Story::given([registered(), appointed()]).when(depart("2012-01-01")).refused_at("rule_refused", "/until");
        Story::given([registered(), appointed()]).when(depart("2014-01-01")).then_types(&["manager.departed"]);
    }

    #[test]
    fn after_erasure_the_data_can_be_neither_amended_nor_erased_again() {
        let reason = Note::parse("permintaan").unwrap();
        let erased = || Story::<Manager>::given([registered(), Event::PersonalDataErased { reason: reason.clone() }]);
        assert!(erased().state().sealed.is_empty());
        erased().when(OnPerson::of(ErasePerson { reason: reason.clone() })).refused("personal_data_erased");
        erased().when(AmendSealed { based_on: String::new(), changed: None }).refused("personal_data_erased");
    }

    #[test]
    fn an_amendment_of_data_that_somebody_else_changed_meanwhile_is_not_made() {
        let key = SubjectKey {
            wrapped_by: Vec::new(),
            subject: Uuid::nil(),
            holder: Uuid::nil(),
            lookup: None,
            wrapped: Vec::new(),
            is_new: false,
        };
        let amend = |based_on: &str| AmendSealed {
            based_on: based_on.to_owned(),
            changed: Some(("x1.other".to_owned(), key.clone())),
        };
        Story::given([registered()]).when(amend("x1.older")).refused("precondition_failed");
        Story::given([registered()]).when(amend("x1.sealed")).then_types(&["manager.details_amended"]);
    }

    #[test]
    fn a_refused_erasure_changes_nothing_but_the_record_of_it() {
        let note = |text: &str| Note::parse(text).unwrap();
        let refuse = || RefuseErasure {
            ground: ErasureGround::CertificateInForce,
            law: note("UU 27/2022 pasal 15"),
            reason: note("Sertifikat berlaku"),
            until: None,
        };
        Story::<Manager>::given([registered()]).when(OnPerson::of(refuse())).then_types(&["manager.erasure_refused"]);
        let erased = Story::<Manager>::given([registered(), Event::PersonalDataErased { reason: note("permintaan") }]);
        erased.when(OnPerson::of(refuse())).refused("personal_data_erased");
    }

    #[test]
    fn while_processing_is_restricted_nothing_is_amended_and_only_the_province_lifts_it() {
        let reason = Note::parse("disangkal").unwrap();
        let restricted =
            || Story::<Manager>::given([registered(), Event::ProcessingRestricted { reason: reason.clone() }]);
        let amend = AmendSealed { based_on: "x1.sealed".to_owned(), changed: None };
        restricted().when(amend).refused("personal_data_restricted");
        let restrict = || OnPerson::of(RestrictProcessing { reason: reason.clone() });
        restricted().when(restrict()).refused("wrong_state");
        let lift = || OnPerson::of(LiftRestriction { reason: reason.clone() });
        Story::<Manager>::given([registered()]).when(lift()).refused("wrong_state");
        let regency = Actor { kind: OrganisationKind::Regency, region: samarinda(), ..Actor::service() };
        restricted().by(regency).when(lift()).refused("forbidden");
        restricted().when(lift()).then([Event::RestrictionLifted { reason: reason.clone() }]);
        let erase = OnPerson::of(ErasePerson { reason: reason.clone() });
        restricted().when(erase).then_types(&["manager.personal_data_erased"]);
    }
}
