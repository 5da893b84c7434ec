//! An assessment as its events made it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::{AssessmentEvent as Event, Scored};
use super::figures;
use super::views::{self, HEALTHY_KSP};
use crate::cooperatives::{CooperativeKind, HealthCategory};
use crate::kernel::{Area, Date, Note, OneOf, Region};
use crate::ledger::{Cell, Claim, Envelope, Fact, Posting, Resource, Stamp, Table};

crate::words! {
    /// Where an assessment stands.
    AssessmentState {
        /// Handed in.
        Submitted = "submitted",
        /// Sent back.
        Returned = "returned",
        /// Taken back.
        Withdrawn = "withdrawn",
        /// Its category is final.
        Determined = "determined",
        /// Settled by the determination of another.
        Reconciled = "reconciled",
    }
}

impl AssessmentState {
    /// The commands that fit.
    pub fn allowed(self) -> &'static [&'static str] {
        match self {
            Self::Submitted => &["returns", "determinations", "withdrawals"],
            Self::Returned => &["resubmissions", "withdrawals"],
            Self::Determined => &["corrections"],
            Self::Withdrawn | Self::Reconciled => &[],
        }
    }
}

/// The category the province determined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Determination {
    /// The final category.
    pub category: HealthCategory,
    /// The day it was determined; a correction does not move it.
    pub determined_on: Date,
    /// Other submissions it settled.
    pub reconciles: Vec<Uuid>,
    /// Why, where it departs from what was computed, or why it was corrected.
    pub reason: Option<Note>,
    /// How often it was corrected.
    pub corrections: u32,
    /// The event that made the category what it is.
    pub event_id: Uuid,
}

/// An assessment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Assessment {
    /// About the record.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Whose.
    pub cooperative: Uuid,
    /// What the cooperative was when it was handed in.
    pub cooperative_kind: CooperativeKind,
    /// Where it sat then.
    pub region: Region,
    /// The regulation it was made under.
    pub regulation: String,
    /// The year whose accounts were assessed.
    pub book_year: i32,
    /// Where it stands.
    pub state: AssessmentState,
    /// Why it was sent back, the last time.
    pub return_reasons: Vec<Note>,
    /// Worksheet and scoring as last handed in or corrected.
    #[serde(flatten)]
    pub scored: Scored,
    /// The determination, once there is one.
    pub determination: Option<Determination>,
    /// The assessment whose determination settled this one.
    pub reconciled_by: Option<Uuid>,
}

impl Assessment {
    /// The category that counts: the determined one, else the computed one.
    pub fn category(&self) -> Option<HealthCategory> {
        self.determination.as_ref().map_or(self.scored.scoring.category, |determined| Some(determined.category))
    }

    fn submitted(event: &Event) -> Option<Self> {
        let Event::Submitted { cooperative, cooperative_kind, region, regulation, book_year, scored } = event else {
            return None;
        };
        Some(Self {
            stamp: Stamp::default(),
            cooperative: *cooperative,
            cooperative_kind: *cooperative_kind,
            region: *region,
            regulation: regulation.clone(),
            book_year: *book_year,
            state: AssessmentState::Submitted,
            return_reasons: Vec::new(),
            scored: (**scored).clone(),
            determination: None,
            reconciled_by: None,
        })
    }

    fn correct(
        &mut self,
        category: HealthCategory,
        scored: Option<&Scored>,
        reason: &Note,
        event_id: Uuid,
    ) -> Option<()> {
        let determination = self.determination.as_mut()?;
        if determination.category != category {
            determination.event_id = event_id;
        }
        determination.category = category;
        determination.reason = Some(reason.clone());
        determination.corrections += 1;
        if let Some(scored) = scored {
            self.scored = scored.clone();
        }
        Some(())
    }
}

impl Resource for Assessment {
    type Event = Event;
    const KIND: &'static str = "assessment";
    const TABLE: Table = views::TABLE;
    const AREA: Area = Area::Assessments;
    const CLAIMS: &'static [&'static str] = &["determination"];
    const MEASURES: &'static [&'static str] = &[HEALTHY_KSP];

    fn evolve(state: Option<Self>, event: &Event, envelope: &Envelope) -> Option<Self> {
        let Some(mut state) = state else {
            return Self::submitted(event);
        };
        match event {
            Event::Submitted { .. } => return None,
            Event::Returned { reasons } => {
                state.state = AssessmentState::Returned;
                state.return_reasons.clone_from(reasons);
            }
            Event::Resubmitted { scored } => {
                state.state = AssessmentState::Submitted;
                state.scored = (**scored).clone();
            }
            Event::Withdrawn { .. } => state.state = AssessmentState::Withdrawn,
            Event::Determined { category, reconciles, reason, .. } => {
                state.state = AssessmentState::Determined;
                state.determination = Some(Determination {
                    category: *category,
                    determined_on: envelope.occurred_at.day(),
                    reconciles: reconciles.clone(),
                    reason: reason.clone(),
                    corrections: 0,
                    event_id: envelope.event_id,
                });
            }
            Event::Reconciled { by } => {
                state.state = AssessmentState::Reconciled;
                state.reconciled_by = Some(*by);
            }
            Event::Corrected { category, scored, reason } => {
                state.correct(*category, scored.as_deref(), reason, envelope.event_id)?;
            }
        }
        Some(state)
    }

    /// A worksheet counts from the day it is of; a correction from the day of the determination it corrects, whenever it came.
    fn counts_from(before: Option<&Self>, event: &Event, envelope: &Envelope) -> Date {
        let determined = before.and_then(|before| before.determination.as_ref());
        match (event, determined) {
            (Event::Submitted { scored, .. }, _) => scored.assessed_on,
            (Event::Corrected { .. }, Some(determined)) => determined.determined_on,
            _ => envelope.occurred_at.day(),
        }
    }

    fn adds(&self, event: &Event, envelope: &Envelope) -> Vec<Posting> {
        figures::of_event(self, event, envelope)
    }
    fn stands_for(&self) -> Vec<Posting> {
        figures::of_state(self)
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
    }
    fn stamp_mut(&mut self) -> &mut Stamp {
        &mut self.stamp
    }
    fn columns(&self) -> Vec<Cell> {
        vec![
            Cell::text(self.cooperative),
            Cell::text(self.region),
            Cell::text(self.stamp.recorded_by),
            Cell::text(&self.regulation),
            Cell::Int(Some(i64::from(self.book_year))),
            Cell::text(self.state.word()),
            Cell::maybe(self.category().map(OneOf::word)),
        ]
    }
    fn home(&self) -> (Region, Uuid) {
        (self.region, self.stamp.recorded_by)
    }
    /// One determination per cooperative and book year.
    fn claims(&self) -> Vec<Claim> {
        let claim = |_: &Determination| Claim {
            namespace: "determination",
            value: format!("{}|{}", self.cooperative, self.book_year),
            pointer: "",
            what: "determination",
        };
        self.determination.iter().map(claim).collect()
    }
    fn facts(&self) -> Vec<Fact> {
        let healthy = |determined: &&Determination| {
            determined.category == HealthCategory::Sehat && self.cooperative_kind == CooperativeKind::Ksp
        };
        let fact = |determined: &Determination| Fact {
            measure: HEALTHY_KSP,
            subject: self.cooperative,
            region: self.region,
            value: determined.category.word().to_owned(),
            occurred_on: determined.determined_on,
            event_id: determined.event_id,
        };
        self.determination.iter().filter(healthy).map(fact).collect()
    }
}
