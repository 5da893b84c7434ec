//! A training as its events made it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::{Attendee, AttendeeKind, TrainingEvent as Event};
use super::views::{self, ATTENDED};
use crate::kernel::{Area, Date, Name, Note, OneOf, Region};
use crate::ledger::{Cell, Envelope, Fact, Resource, Stamp, Table};

/// Somebody who attended, and the event that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attendance {
    /// What it is.
    pub kind: AttendeeKind,
    /// Which.
    pub id: Uuid,
    /// The event that recorded it.
    pub event_id: Uuid,
}

/// A training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Training {
    /// About the record.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// What it is called.
    pub name: Name,
    /// Where.
    pub region: Region,
    /// Its first day.
    pub held_from: Date,
    /// Its last day.
    pub held_until: Date,
    /// The place.
    pub place: Option<Name>,
    /// Who held it.
    pub organiser: Option<Name>,
    /// What it was about.
    pub subject_matter: Option<Note>,
    /// Who attended, in the order it was recorded.
    pub attendances: Vec<Attendance>,
    /// How many managers attended.
    pub managers: usize,
    /// How many enterprises attended.
    pub enterprises: usize,
}

impl Training {
    /// Whether somebody attended.
    pub fn was_attended_by(&self, attendee: Attendee) -> bool {
        self.attendances.iter().any(|known| known.kind == attendee.kind && known.id == attendee.id)
    }
}

impl Resource for Training {
    type Event = Event;
    const KIND: &'static str = "training";
    const TABLE: Table = views::TABLE;
    const AREA: Area = Area::Trainings;
    const MEASURES: &'static [&'static str] = &[ATTENDED];

    fn evolve(state: Option<Self>, event: &Event, envelope: &Envelope) -> Option<Self> {
        match (state, event) {
            (None, Event::Held { name, region, held_from, held_until, place, organiser, subject_matter }) => {
                Some(Self {
                    stamp: Stamp::default(),
                    name: name.clone(),
                    region: *region,
                    held_from: *held_from,
                    held_until: *held_until,
                    place: place.clone(),
                    organiser: organiser.clone(),
                    subject_matter: subject_matter.clone(),
                    attendances: Vec::new(),
                    managers: 0,
                    enterprises: 0,
                })
            }
            (Some(mut state), Event::AttendanceRecorded { attendees }) => {
                let recorded = |attendee: &Attendee| Attendance {
                    kind: attendee.kind,
                    id: attendee.id,
                    event_id: envelope.event_id,
                };
                state.attendances.extend(attendees.iter().map(recorded));
                let count = |kind| state.attendances.iter().filter(|attendance| attendance.kind == kind).count();
                (state.managers, state.enterprises) = (count(AttendeeKind::Manager), count(AttendeeKind::Enterprise));
                Some(state)
            }
            _ => None,
        }
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
    }
    fn stamp_mut(&mut self) -> &mut Stamp {
        &mut self.stamp
    }
    fn columns(&self) -> Vec<Cell> {
        vec![
            Cell::text(self.region),
            Cell::text(self.stamp.recorded_by),
            Cell::text(self.held_from),
            Cell::text(&self.name),
            Cell::text(self.name.0.to_lowercase()),
        ]
    }
    fn home(&self) -> (Region, Uuid) {
        (self.region, self.stamp.recorded_by)
    }
    fn facts(&self) -> Vec<Fact> {
        let fact = |attendance: &Attendance| Fact {
            measure: ATTENDED,
            subject: attendance.id,
            region: self.region,
            value: attendance.kind.word().to_owned(),
            occurred_on: self.held_until,
            event_id: attendance.event_id,
        };
        self.attendances.iter().map(fact).collect()
    }
}
