//! The table of organisations.

use diesel::prelude::*;

use super::state::Organisation;
use crate::kernel::{OneOf, OrganisationKind, Region, Scope};
use crate::ledger::{ColumnType, Table};
use crate::storage::{AnyConnection, DocRow, Keyset, ReadError};
use crate::web::Stored;

diesel::table! {
    organisations (id) {
        id -> Text,
        version -> BigInt,
        position -> BigInt,
        kind -> Text,
        region -> Text,
        name -> Text,
        doc -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(organisations, claims);
use crate::storage::claims;

/// Columns beside id, version, position and doc.
pub const TABLE: Table = Table {
    name: "organisations",
    columns: &[("kind", ColumnType::Text), ("region", ColumnType::Text), ("name", ColumnType::Text)],
};

impl Stored for Organisation {
    fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<DocRow>, ReadError> {
        Ok(crate::find_row!(organisations, connection, id)?)
    }
}

/// An organisation by kind, region and name.
///
/// # Errors
/// When the database cannot be read.
pub fn find_by_name(
    connection: &mut AnyConnection,
    kind: OrganisationKind,
    region: Region,
    name: &str,
) -> Result<Option<String>, ReadError> {
    Ok(organisations::table
        .filter(organisations::kind.eq(kind.word()))
        .filter(organisations::region.eq(region.code()))
        .filter(organisations::name.eq(name))
        .select(organisations::id)
        .first(connection)
        .optional()?)
}

/// The document of the organisation that holds a claim.
///
/// # Errors
/// When the database cannot be read.
pub fn holder_of(connection: &mut AnyConnection, namespace: &str, value: &str) -> Result<Option<String>, ReadError> {
    Ok(claims::table
        .inner_join(organisations::table.on(organisations::id.eq(claims::holder)))
        .filter(claims::namespace.eq(namespace))
        .filter(claims::value.eq(value))
        .select(organisations::doc)
        .first(connection)
        .optional()?)
}

/// A page of the organisations a scope reaches.
///
/// # Errors
/// When the database cannot be read.
pub fn list(connection: &mut AnyConnection, scope: Scope, keyset: &Keyset) -> Result<Vec<DocRow>, ReadError> {
    let query = organisations::table
        .select((organisations::id, organisations::version, organisations::position, organisations::doc))
        .into_boxed();
    let query = crate::within!(query, scope, organisations::region, |own| organisations::id.eq(own));
    Ok(crate::keyset!(query, organisations, keyset).load(connection)?)
}

/// The position of the last event of any organisation: it changes whenever a key is issued or revoked.
///
/// # Errors
/// When the database cannot be read.
pub fn last_position(connection: &mut AnyConnection) -> Result<i64, ReadError> {
    let last: Option<i64> = organisations::table.select(diesel::dsl::max(organisations::position)).first(connection)?;
    Ok(last.unwrap_or(0))
}
