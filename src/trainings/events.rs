//! What happens to trainings.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::{Date, Name, Note, Region};

crate::words! {
    /// Who attends.
    AttendeeKind {
        /// A manager.
        Manager = "manager",
        /// An enterprise.
        Enterprise = "enterprise",
    }
}

/// Somebody who attended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Attendee {
    /// What it is.
    pub kind: AttendeeKind,
    /// Which.
    pub id: Uuid,
}

/// An event of a training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum TrainingEvent {
    /// It was held.
    #[serde(rename = "training.held")]
    Held {
        /// What it is called.
        name: Name,
        /// Where.
        region: Region,
        /// Its first day.
        held_from: Date,
        /// Its last day.
        held_until: Date,
        /// The place.
        place: Option<Name>,
        /// Who held it.
        organiser: Option<Name>,
        /// What it was about.
        subject_matter: Option<Note>,
    },
    /// More people attended.
    #[serde(rename = "training.attendance_recorded")]
    AttendanceRecorded {
        /// Who.
        attendees: Vec<Attendee>,
    },
}
