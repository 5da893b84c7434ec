//! Holding trainings and recording who attended.

use deserr::Deserr;
use utoipa::ToSchema;

use super::events::{Attendee, AttendeeKind, TrainingEvent as Event};
use super::state::Training;
use crate::enterprises::Enterprise;
use crate::kernel::problem_codes::RULE_REFUSED;
use crate::kernel::{Area, Date, Faults, Id, Name, Note, Refusal, Region, Text};
use crate::ledger::{Decide, Decision, Scene, Wants, World};
use crate::managers::Manager;

/// Most attendees of one command, and of one training.
const ATTENDEES_MAX: usize = 500;
const ATTENDANCES_MAX: usize = 5_000;

/// Records a training that was held.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"name": "Pelatihan manajer KSP angkatan I", "region": "64.72", "held_from": "2014-03-03", "held_until": "2014-03-05",
    "place": "Balai Latihan Koperasi Samarinda"}))]
pub struct HoldTraining {
    /// What it is called.
    pub name: Name,
    /// Where.
    pub region: Region,
    /// Its first day.
    pub held_from: Date,
    /// Its last day; the first when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub held_until: Option<Date>,
    /// The place.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub place: Option<Name>,
    /// Who held it.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub organiser: Option<Name>,
    /// What it was about.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub subject_matter: Option<Note>,
}

impl Decide for HoldTraining {
    type Resource = Training;
    const CREATES: bool = true;

    fn decide(&self, scene: &Scene<'_, Training>) -> Result<Decision<Training>, Refusal> {
        scene.actor.require_write(Area::Trainings, self.region, scene.actor.organisation)?;
        let held_until = self.held_until.unwrap_or(self.held_from);
        let mut faults = Faults::default();
        // It is recorded once it was held: what is only planned is not on record.
        faults.check(self.held_from.require_past(scene.now, "/held_from"));
        faults.check(held_until.require_past(scene.now, "/held_until"));
        if held_until < self.held_from {
            let why = Text::fixed("Berakhir sebelum dimulai.", "It would end before it began.");
            faults.add("/held_until", "ends_before_it_begins", why);
        }
        faults.or_refuse(())?;
        Ok(Decision::one(Event::Held {
            name: self.name.clone(),
            region: self.region,
            held_from: self.held_from,
            held_until,
            place: self.place.clone(),
            organiser: self.organiser.clone(),
            subject_matter: self.subject_matter.clone(),
        }))
    }
}

/// Somebody who attended.
#[derive(Clone, Copy, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct AttendeeReference {
    /// What it is.
    pub kind: AttendeeKind,
    /// Which.
    pub id: Id,
}

/// Records who attended.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"attendees": [{"kind": "manager", "id": "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b"}]}))]
pub struct RecordAttendance {
    /// Who; 1 to 500, nobody who is on the list already.
    #[schema(min_items = 1, max_items = 500)]
    pub attendees: Vec<AttendeeReference>,
}

fn require_count(pointer: &str, count: usize, most: usize) -> Result<(), Refusal> {
    if (1..=most).contains(&count) {
        return Ok(());
    }
    let why = text!("Kirim 1 sampai {most} peserta.", "Send 1 to {most} attendees.");
    Err(Refusal::rule(pointer, "wrong_count", why))
}

impl Decide for RecordAttendance {
    type Resource = Training;

    fn reads(&self, _: Option<&Training>, _: &World, wants: &mut Wants) {
        for attendee in self.attendees.iter().take(ATTENDEES_MAX) {
            match attendee.kind {
                AttendeeKind::Manager => wants.state::<Manager>(attendee.id.0),
                AttendeeKind::Enterprise => wants.state::<Enterprise>(attendee.id.0),
            }
        }
    }

    fn decide(&self, scene: &Scene<'_, Training>) -> Result<Decision<Training>, Refusal> {
        let own = scene.own()?;
        require_count("/attendees", self.attendees.len(), ATTENDEES_MAX)?;
        require_count("/attendees", own.attendances.len() + self.attendees.len(), ATTENDANCES_MAX)?;
        let mut faults = Faults::default();
        let mut attendees: Vec<Attendee> = Vec::with_capacity(self.attendees.len());
        for (index, reference) in self.attendees.iter().enumerate() {
            let attendee = Attendee { kind: reference.kind, id: reference.id.0 };
            let at = format!("/attendees/{index}/id");
            match attendee.kind {
                AttendeeKind::Manager => faults.check(scene.named::<Manager>(attendee.id, &at).map(drop)),
                AttendeeKind::Enterprise => faults.check(scene.named::<Enterprise>(attendee.id, &at).map(drop)),
            };
            if own.was_attended_by(attendee) || attendees.contains(&attendee) {
                let why = Text::fixed("Peserta ini sudah ada dalam daftar.", "This attendee is on the list already.");
                faults.add(at, "already_recorded", why);
            }
            attendees.push(attendee);
        }
        if faults.0.is_empty() {
            return Ok(Decision::one(Event::AttendanceRecorded { attendees }));
        }
        Err(Refusal::faults(&RULE_REFUSED, faults))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Resource;
    use crate::ledger::testing::Story;
    use crate::managers::ManagerEvent;
    use uuid::Uuid;

    const MANAGER: Uuid = Uuid::from_u128(0xABC);

    fn hold(from: &str, until: Option<&str>) -> HoldTraining {
        HoldTraining {
            name: Name::parse("Pelatihan").unwrap(),
            region: Region::parse("64.72").unwrap(),
            held_from: Date::parse(from).unwrap(),
            held_until: until.map(|day| Date::parse(day).unwrap()),
            place: None,
            organiser: None,
            subject_matter: None,
        }
    }

    fn held() -> Event {
        let day = Date::parse("2014-03-03").unwrap();
        Event::Held {
            name: Name::parse("Pelatihan").unwrap(),
            region: Region::parse("64.72").unwrap(),
            held_from: day,
            held_until: day,
            place: None,
            organiser: None,
            subject_matter: None,
        }
    }

    fn manager() -> [ManagerEvent; 1] {
        [ManagerEvent::Registered {
            region: Region::parse("64.72").unwrap(),
            subject: Uuid::nil(),
            sealed: String::new(),
        }]
    }

    fn attend(ids: &[Uuid]) -> RecordAttendance {
        let reference = |id: &Uuid| AttendeeReference { kind: AttendeeKind::Manager, id: Id(*id) };
        RecordAttendance { attendees: ids.iter().map(reference).collect() }
    }

    fn attended() -> Event {
        Event::AttendanceRecorded { attendees: vec![Attendee { kind: AttendeeKind::Manager, id: MANAGER }] }
    }

    #[test]
    fn a_training_is_recorded_once_it_was_held_and_does_not_end_before_it_begins() {
        Story::given([]).when(hold("2014-03-03", None)).then([held()]);
        Story::given([]).when(hold("2014-03-03", Some("2014-03-02"))).refused_at("rule_refused", "/held_until");
        Story::given([]).when(hold("2014-03-11", Some("2014-03-13"))).refused_at("rule_refused", "/held_until");
    }

    #[test]
    fn nobody_attends_twice_and_only_who_is_on_record_attends() {
        let story = || Story::given([held()]).knowing::<Manager, 1>(MANAGER, manager());
        story().when(attend(&[MANAGER])).then([attended()]);
        story().when(attend(&[MANAGER, MANAGER])).refused_at("rule_refused", "/attendees/1/id");
        story().when(attend(&[Uuid::from_u128(1)])).refused_at("rule_refused", "/attendees/0/id");
        story().when(attend(&[])).refused_at("rule_refused", "/attendees");
        let after = Story::<Training>::given([held(), attended()]).knowing::<Manager, 1>(MANAGER, manager());
        assert_eq!((after.state().managers, after.state().facts().len()), (1, 1));
        after.when(attend(&[MANAGER])).refused_at("rule_refused", "/attendees/0/id");
    }
}
