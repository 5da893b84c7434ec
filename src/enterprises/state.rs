//! An enterprise as its events made it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::{EnterpriseEvent as Event, Judged};
use super::size::{SizeBasis, SizeClass, SizeRule};
use super::views;
use crate::kernel::{Area, DataStanding, Date, Name, OneOf, Region};
use crate::ledger::{Cell, Envelope, Resource, Stamp, Table};
use crate::persons::{HoldsPerson, PersonChange};

crate::words! {
    /// Whether it works.
    EnterpriseStatus {
        /// It works.
        Active = "active",
        /// It was closed: it takes no new financing.
        Closed = "closed",
    }
}

/// What an enterprise is that nobody closed.
const fn active() -> EnterpriseStatus {
    EnterpriseStatus::Active
}

/// An enterprise. What the sealed text holds appears as `person` to those who may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Enterprise {
    /// About the record.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Its name.
    pub name: Name,
    /// Where.
    pub region: Region,
    /// What it does.
    pub sector: Option<Name>,
    /// What its size was judged on.
    pub size_basis: SizeBasis,
    /// Its class.
    pub size_class: SizeClass,
    /// The rule it was judged by.
    pub size_rule: SizeRule,
    /// Whether it works.
    #[serde(default = "active")]
    pub status: EnterpriseStatus,
    /// The last day, when it was closed.
    #[serde(default)]
    pub closed_on: Option<Date>,
    /// Whose key the owner's data is sealed with; never shown.
    #[schema(ignore)]
    pub subject: Uuid,
    /// The owner's data, sealed; never shown.
    #[schema(ignore)]
    pub sealed: String,
    /// Whether the owner's data was erased; said where it is so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(ignore)]
    pub erased: bool,
    /// Whether its processing is restricted; said where it is so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(ignore)]
    pub restricted: bool,
}

impl Enterprise {
    fn registered(event: &Event) -> Option<Self> {
        let Event::Registered { name, region, sector, subject, sealed, size_basis, size_class, size_rule } = event
        else {
            return None;
        };
        Some(Self {
            stamp: Stamp::default(),
            name: name.clone(),
            region: *region,
            sector: sector.clone(),
            size_basis: size_basis.clone(),
            size_class: *size_class,
            size_rule: *size_rule,
            status: EnterpriseStatus::Active,
            closed_on: None,
            subject: *subject,
            sealed: sealed.clone(),
            erased: false,
            restricted: false,
        })
    }
}

impl Resource for Enterprise {
    type Event = Event;
    const KIND: &'static str = "enterprise";
    const TABLE: Table = views::TABLE;
    const AREA: Area = Area::Enterprises;

    fn evolve(state: Option<Self>, event: &Event, _: &Envelope) -> Option<Self> {
        let Some(mut state) = state else {
            return Self::registered(event);
        };
        match event {
            Event::Registered { .. } => return None,
            Event::DetailsAmended { name, sector, sealed, size } => {
                state.name = name.clone().unwrap_or(state.name);
                state.sector = sector.clone().or(state.sector);
                state.sealed = sealed.clone().unwrap_or(state.sealed);
                if let Some(Judged { size_basis, size_class, size_rule }) = size.clone() {
                    (state.size_basis, state.size_class, state.size_rule) = (size_basis, size_class, size_rule);
                }
            }
            Event::Closed { closed_on, .. } => {
                state.status = EnterpriseStatus::Closed;
                state.closed_on = Some(*closed_on);
            }
            Event::PersonalDataErased { .. } => {
                state.erased = true;
                state.sealed.clear();
            }
            Event::ErasureRefused { .. } => {}
            Event::ProcessingRestricted { .. } => state.restricted = true,
            Event::RestrictionLifted { .. } => state.restricted = false,
        }
        Some(state)
    }

    fn counts_from(_: Option<&Self>, event: &Event, envelope: &Envelope) -> Date {
        match event {
            Event::Closed { closed_on, .. } => *closed_on,
            _ => envelope.occurred_at.day(),
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
            Cell::text(self.size_class.word()),
            Cell::text(self.status.word()),
            Cell::text(&self.name),
            Cell::text(self.name.0.to_lowercase()),
        ]
    }
    fn home(&self) -> (Region, Uuid) {
        (self.region, self.stamp.recorded_by)
    }
}

impl HoldsPerson for Enterprise {
    fn standing(&self) -> DataStanding {
        DataStanding { erased: self.erased, restricted: self.restricted }
    }
    fn subject(&self) -> Uuid {
        self.subject
    }
    fn event_of(change: PersonChange) -> Event {
        match change {
            PersonChange::Erased { reason } => Event::PersonalDataErased { reason },
            PersonChange::ErasureRefused { ground, law, reason, until } => {
                Event::ErasureRefused { ground, law, reason, until }
            }
            PersonChange::Restricted { reason } => Event::ProcessingRestricted { reason },
            PersonChange::RestrictionLifted { reason } => Event::RestrictionLifted { reason },
        }
    }
}
