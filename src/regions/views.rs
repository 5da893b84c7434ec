//! The table of what was recorded of regions.

use diesel::prelude::*;

use super::state::RegionRecord;
use crate::ledger::{ColumnType, Table};
use crate::storage::{AnyConnection, DocRow, ReadError};
use crate::web::Stored;

diesel::table! {
    regions (id) {
        id -> Text,
        version -> BigInt,
        position -> BigInt,
        region -> Text,
        doc -> Text,
    }
}

/// Columns beside id, version, position and doc.
pub const TABLE: Table = Table { name: "regions", columns: &[("region", ColumnType::Text)] };

impl Stored for RegionRecord {
    fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<DocRow>, ReadError> {
        Ok(crate::find_row!(regions, connection, id)?)
    }
}

/// What was recorded of all regions; there are eleven at most.
///
/// # Errors
/// When the database cannot be read.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<RegionRecord>, ReadError> {
    let docs: Vec<String> = regions::table.order(regions::region).select(regions::doc).load(connection)?;
    docs.iter().map(|doc| Ok(serde_json::from_str(doc)?)).collect()
}
