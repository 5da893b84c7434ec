//! A region as its events made it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::{DesignationTitle, RegionEvent as Event};
use super::views;
use crate::kernel::{Area, Date, Note, Number, Region};
use crate::ledger::{Cell, Envelope, Resource, Stamp, Table};

/// What a region was designated as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Designation {
    /// As what.
    pub title: DesignationTitle,
    /// The day.
    pub designated_on: Date,
    /// Number of the decree.
    pub decree_number: Option<Number>,
    /// Remarks.
    pub note: Option<Note>,
    /// The event that recorded it.
    pub event_id: Uuid,
}

/// What was recorded of a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegionRecord {
    /// About the record.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Which.
    pub region: Region,
    /// What it was designated as, in the order it was recorded.
    pub designations: Vec<Designation>,
}

/// The id of a region's stream: made of its code, so that everyone arrives at the same.
pub fn region_id(region: Region) -> Uuid {
    let mut bytes = *b"region\0\0\0\0\0\0\0\0\0\0";
    let code = region.code().as_bytes();
    bytes.iter_mut().rev().zip(code.iter().rev()).for_each(|(byte, digit)| *byte = *digit);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

impl RegionRecord {
    /// A region of which nothing was recorded yet.
    pub fn untold(region: Region) -> Self {
        let stamp = Stamp { id: region_id(region), ..Stamp::default() };
        Self { stamp, region, designations: Vec::new() }
    }
}

impl Resource for RegionRecord {
    type Event = Event;
    const KIND: &'static str = "region";
    const TABLE: Table = views::TABLE;
    const AREA: Area = Area::Regions;

    fn evolve(state: Option<Self>, event: &Event, envelope: &Envelope) -> Option<Self> {
        let Event::Designated { region, title, designated_on, decree_number, note } = event;
        let mut state = state.unwrap_or_else(|| Self::untold(*region));
        state.designations.push(Designation {
            title: *title,
            designated_on: *designated_on,
            decree_number: decree_number.clone(),
            note: note.clone(),
            event_id: envelope.event_id,
        });
        (state.region == *region).then_some(state)
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
    }
    fn stamp_mut(&mut self) -> &mut Stamp {
        &mut self.stamp
    }
    fn columns(&self) -> Vec<Cell> {
        vec![Cell::text(self.region)]
    }
    fn home(&self) -> (Region, Uuid) {
        (self.region, self.stamp.recorded_by)
    }
}
