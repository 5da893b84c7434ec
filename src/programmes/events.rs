//! What happens to programmes.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::measures::Measure;
use crate::kernel::{Date, Faults, Name, Note, Region};

crate::words! {
    /// What takes part in a programme.
    ParticipantKind {
        /// A cooperative.
        Cooperative = "cooperative",
        /// A manager.
        Manager = "manager",
        /// An enterprise.
        Enterprise = "enterprise",
    }
}

/// A number to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"measure": "healthy_ksp", "number": 10}))]
pub struct Target {
    /// What is counted.
    pub measure: Measure,
    /// How many.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub number: u32,
}

/// An event of a programme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum ProgrammeEvent {
    /// It begins.
    #[serde(rename = "programme.launched")]
    Launched {
        /// Its name.
        name: Name,
        /// Where.
        region: Region,
        /// Its first day.
        starts_on: Date,
        /// Its last day.
        ends_on: Date,
        /// What is to be reached.
        targets: Vec<Target>,
    },
    /// A target is another from now on.
    #[serde(rename = "programme.target_revised")]
    TargetRevised {
        /// What is counted.
        measure: Measure,
        /// How many.
        number: u32,
        /// Why.
        reason: Note,
    },
    /// Somebody takes part.
    #[serde(rename = "programme.participant_enrolled")]
    ParticipantEnrolled {
        /// What it is.
        kind: ParticipantKind,
        /// Which.
        id: Uuid,
    },
    /// It is closed; progress stays readable.
    #[serde(rename = "programme.closed")]
    Closed {
        /// Concluding remarks.
        note: Option<Note>,
    },
}
