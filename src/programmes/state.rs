//! A programme as its events made it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::{ParticipantKind, ProgrammeEvent as Event, Target};
use super::views;
use crate::kernel::{Area, Date, Name, OneOf, Region};
use crate::ledger::{Cell, Envelope, Resource, Stamp, Table};

crate::words! {
    /// Where a programme stands.
    ProgrammeState {
        /// Under way.
        Launched = "launched",
        /// Closed.
        Closed = "closed",
    }
}

/// Somebody who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Participant {
    /// What it is.
    pub kind: ParticipantKind,
    /// Which.
    pub id: Uuid,
}

/// A programme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Programme {
    /// About the record.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Its name.
    pub name: Name,
    /// Where.
    pub region: Region,
    /// Its first day.
    pub starts_on: Date,
    /// Its last day.
    pub ends_on: Date,
    /// Where it stands.
    pub state: ProgrammeState,
    /// What is to be reached.
    pub targets: Vec<Target>,
    /// Who takes part.
    pub participants: Vec<Participant>,
}

impl Resource for Programme {
    type Event = Event;
    const KIND: &'static str = "programme";
    const TABLE: Table = views::TABLE;
    const AREA: Area = Area::Programmes;

    fn evolve(state: Option<Self>, event: &Event, _: &Envelope) -> Option<Self> {
        let Some(mut state) = state else {
            let Event::Launched { name, region, starts_on, ends_on, targets } = event else {
                return None;
            };
            return Some(Self {
                stamp: Stamp::default(),
                name: name.clone(),
                region: *region,
                starts_on: *starts_on,
                ends_on: *ends_on,
                state: ProgrammeState::Launched,
                targets: targets.clone(),
                participants: Vec::new(),
            });
        };
        match event {
            Event::Launched { .. } => return None,
            Event::TargetRevised { measure, number, .. } => {
                match state.targets.iter_mut().find(|target| target.measure == *measure) {
                    Some(target) => target.number = *number,
                    None => state.targets.push(Target { measure: *measure, number: *number }),
                }
            }
            Event::ParticipantEnrolled { kind, id } => state.participants.push(Participant { kind: *kind, id: *id }),
            Event::Closed { .. } => state.state = ProgrammeState::Closed,
        }
        Some(state)
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
            Cell::text(self.state.word()),
            Cell::text(self.starts_on),
            Cell::text(self.ends_on),
        ]
    }
    fn home(&self) -> (Region, Uuid) {
        (self.region, self.stamp.recorded_by)
    }
}
