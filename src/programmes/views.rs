//! The table of programmes and its list.

use diesel::prelude::*;

use super::state::Programme;
use crate::ledger::{ColumnType, Table};
use crate::storage::{AnyConnection, DocRow, Keyset, ReadError};
use crate::web::Stored;

diesel::table! {
    programmes (id) {
        id -> Text,
        version -> BigInt,
        position -> BigInt,
        region -> Text,
        state -> Text,
        starts_on -> Text,
        ends_on -> Text,
        doc -> Text,
    }
}

/// Columns beside id, version, position and doc.
pub const TABLE: Table = Table {
    name: "programmes",
    columns: &[
        ("region", ColumnType::Text),
        ("state", ColumnType::Text),
        ("starts_on", ColumnType::Text),
        ("ends_on", ColumnType::Text),
    ],
};

impl Stored for Programme {
    fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<DocRow>, ReadError> {
        Ok(crate::find_row!(programmes, connection, id)?)
    }
}

/// A page of programmes; anyone may see them.
///
/// # Errors
/// When the database cannot be read.
pub fn list(connection: &mut AnyConnection, keyset: &Keyset) -> Result<Vec<DocRow>, ReadError> {
    let query = programmes::table
        .select((programmes::id, programmes::version, programmes::position, programmes::doc))
        .into_boxed();
    Ok(crate::keyset!(query, programmes, keyset).load(connection)?)
}
