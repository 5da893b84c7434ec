//! Launching programmes, revising targets, enrolling, closing.

use deserr::Deserr;
use utoipa::ToSchema;

use super::events::{ParticipantKind, ProgrammeEvent as Event, Target};
use super::measures::Measure;
use super::state::{Programme, ProgrammeState};
use crate::cooperatives::Cooperative;
use crate::enterprises::Enterprise;
use crate::kernel::{Area, Date, Faults, Id, Name, Note, PROVINCE, Refusal, Region, Text};
use crate::ledger::{Decide, Decision, Scene, Wants, World};
use crate::managers::Manager;

/// Launches a programme.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"name": "Program 100 hari", "starts_on": "2014-02-17", "ends_on": "2014-05-27",
    "targets": [{"measure": "healthy_ksp", "number": 10}, {"measure": "certified_managers", "number": 30}]}))]
pub struct Launch {
    /// Its name.
    pub name: Name,
    /// Where; the whole province when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub region: Option<Region>,
    /// Its first day.
    pub starts_on: Date,
    /// Its last day.
    pub ends_on: Date,
    /// What is to be reached; each measure once.
    #[schema(min_items = 1, max_items = 4)]
    pub targets: Vec<Target>,
}

fn require_number(number: u32, pointer: &str) -> Result<(), Refusal> {
    if number > 0 {
        return Ok(());
    }
    Err(Refusal::rule(
        pointer,
        "target_not_positive",
        Text::fixed("Target paling sedikit 1.", "A target is at least 1."),
    ))
}

impl Decide for Launch {
    type Resource = Programme;
    const CREATES: bool = true;

    fn decide(&self, scene: &Scene<'_, Programme>) -> Result<Decision<Programme>, Refusal> {
        let region = self.region.unwrap_or(PROVINCE);
        scene.actor.require_write(Area::Programmes, region, scene.actor.organisation)?;
        let mut faults = Faults::default();
        if self.ends_on < self.starts_on {
            let why = Text::fixed("Program berakhir sebelum dimulai.", "The programme would end before it begins.");
            faults.add("/ends_on", "ends_before_it_begins", why);
        }
        if self.targets.is_empty() {
            faults.add(
                "/targets",
                "no_targets",
                Text::fixed("Sebutkan paling sedikit satu target.", "Name at least one target."),
            );
        }
        for (index, target) in self.targets.iter().enumerate() {
            if self.targets[..index].iter().any(|before| before.measure == target.measure) {
                let why = Text::fixed("Setiap ukuran hanya sekali.", "Each measure once only.");
                faults.add(format!("/targets/{index}/measure"), "repeated_measure", why);
            }
            if let Err(refusal) = require_number(target.number, &format!("/targets/{index}/number")) {
                faults.0.extend(refusal.faults);
            }
        }
        faults.or_refuse(())?;
        Ok(Decision::one(Event::Launched {
            name: self.name.clone(),
            region,
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            targets: self.targets.clone(),
        }))
    }
}

fn open<'a>(scene: &Scene<'a, Programme>) -> Result<&'a Programme, Refusal> {
    let own = scene.own()?;
    if own.state == ProgrammeState::Closed {
        return Err(Refusal::wrong_state("closed", &[]));
    }
    Ok(own)
}

/// Revises a target, or adds one.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"measure": "financed_enterprises", "number": 25, "reason": "Tambahan plafon dari bank"}))]
pub struct ReviseTarget {
    /// What is counted.
    pub measure: Measure,
    /// How many.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub number: u32,
    /// Why.
    pub reason: Note,
}

impl Decide for ReviseTarget {
    type Resource = Programme;

    fn decide(&self, scene: &Scene<'_, Programme>) -> Result<Decision<Programme>, Refusal> {
        open(scene)?;
        require_number(self.number, "/number")?;
        let reason = self.reason.clone();
        Ok(Decision::one(Event::TargetRevised { measure: self.measure, number: self.number, reason }))
    }
}

/// Enrols a participant.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"kind": "cooperative", "participant": "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b"}))]
pub struct Enrol {
    /// What it is.
    pub kind: ParticipantKind,
    /// Which.
    pub participant: Id,
}

impl Decide for Enrol {
    type Resource = Programme;

    fn reads(&self, _: Option<&Programme>, _: &World, wants: &mut Wants) {
        match self.kind {
            ParticipantKind::Cooperative => wants.state::<Cooperative>(self.participant.0),
            ParticipantKind::Manager => wants.state::<Manager>(self.participant.0),
            ParticipantKind::Enterprise => wants.state::<Enterprise>(self.participant.0),
        }
    }

    fn decide(&self, scene: &Scene<'_, Programme>) -> Result<Decision<Programme>, Refusal> {
        let own = open(scene)?;
        let id = self.participant.0;
        let region = match self.kind {
            ParticipantKind::Cooperative => scene.named::<Cooperative>(id, "/participant")?.region,
            ParticipantKind::Manager => scene.named::<Manager>(id, "/participant")?.region,
            ParticipantKind::Enterprise => scene.named::<Enterprise>(id, "/participant")?.region,
        };
        if !own.region.covers(region) {
            return Err(Refusal::rule(
                "/participant",
                "outside_the_region",
                Text::fixed(
                    "Peserta ini di luar wilayah program.",
                    "This participant is outside the programme's region.",
                ),
            ));
        }
        if own.participants.iter().any(|known| known.id == id) {
            return Ok(Decision::nothing());
        }
        Ok(Decision::one(Event::ParticipantEnrolled { kind: self.kind, id }))
    }
}

/// Closes a programme.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"note": "Seluruh target tercapai"}))]
pub struct CloseProgramme {
    /// Concluding remarks.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub note: Option<Note>,
}

impl Decide for CloseProgramme {
    type Resource = Programme;

    fn decide(&self, scene: &Scene<'_, Programme>) -> Result<Decision<Programme>, Refusal> {
        open(scene)?;
        Ok(Decision::one(Event::Closed { note: self.note.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Actor, OrganisationKind};
    use crate::ledger::testing::Story;
    use uuid::Uuid;

    fn launch(targets: Vec<Target>) -> Launch {
        Launch {
            name: Name::parse("Program 100 hari").unwrap(),
            region: None,
            starts_on: Date::parse("2014-02-17").unwrap(),
            ends_on: Date::parse("2014-05-27").unwrap(),
            targets,
        }
    }

    fn launched() -> Event {
        let Launch { name, starts_on, ends_on, targets, .. } = launch(vec![ten()]);
        Event::Launched { name, region: PROVINCE, starts_on, ends_on, targets }
    }

    fn ten() -> Target {
        Target { measure: Measure::HealthyKsp, number: 10 }
    }

    #[test]
    fn a_programme_is_launched_with_each_measure_once_and_something_to_reach() {
        Story::given([]).when(launch(vec![ten()])).then([launched()]);
        Story::given([]).when(launch(vec![])).refused_at("rule_refused", "/targets");
        Story::given([]).when(launch(vec![ten(), ten()])).refused_at("rule_refused", "/targets/1/measure");
        let nothing = Target { number: 0, ..ten() };
        Story::given([]).when(launch(vec![nothing])).refused_at("rule_refused", "/targets/0/number");
    }

    #[test]
    fn only_the_provincial_office_launches() {
        let council = Actor {
            organisation: Uuid::from_u128(1),
            kind: OrganisationKind::Council,
            region: PROVINCE,
            key: Uuid::nil(),
            scopes: None,
        };
        Story::given([]).by(council).when(launch(vec![ten()])).refused("forbidden");
    }

    #[test]
    fn nothing_changes_in_a_closed_programme() {
        let closed = Story::<Programme>::given([launched(), Event::Closed { note: None }]);
        closed.when(CloseProgramme { note: None }).refused("wrong_state");
    }

    #[test]
    fn a_participant_that_does_not_exist_is_pointed_at() {
        let enrol = Enrol { kind: ParticipantKind::Cooperative, participant: Id(Uuid::from_u128(5)) };
        Story::given([launched()]).when(enrol).refused_at("rule_refused", "/participant");
    }
}
