//! What happens to regions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::{Date, Note, Number, Region};

crate::words! {
    /// What a region is designated as.
    DesignationTitle {
        /// Kabupaten/Kota Penggerak Koperasi: mover of cooperatives (Permen KUKM 03/Per/M.KUKM/I/2007).
        PenggerakKoperasi = "penggerak_koperasi",
    }
}

/// An event of a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum RegionEvent {
    /// It was designated.
    #[serde(rename = "region.designated")]
    Designated {
        /// Which.
        region: Region,
        /// As what.
        title: DesignationTitle,
        /// The day.
        designated_on: Date,
        /// Number of the decree.
        decree_number: Option<Number>,
        /// Remarks.
        note: Option<Note>,
    },
}
