//! The table of enterprises and its list.

use deserr::Deserr;
use diesel::prelude::*;
use utoipa::IntoParams;

use super::size::SizeClass;
use super::state::{Enterprise, EnterpriseStatus};
use crate::kernel::{Faults, OneOf, Region, Scope};
use crate::ledger::{ColumnType, Table};
use crate::storage::{AnyConnection, DocRow, Keyset, ReadError};
use crate::web::Stored;

diesel::table! {
    enterprises (id) {
        id -> Text,
        version -> BigInt,
        position -> BigInt,
        region -> Text,
        owner -> Text,
        size_class -> Text,
        status -> Text,
        name -> Text,
        name_folded -> Text,
        doc -> Text,
    }
}

/// Columns beside id, version, position and doc.
pub const TABLE: Table = Table {
    name: "enterprises",
    columns: &[
        ("region", ColumnType::Text),
        ("owner", ColumnType::Text),
        ("size_class", ColumnType::Text),
        ("status", ColumnType::Text),
        ("name", ColumnType::Text),
        ("name_folded", ColumnType::Text),
    ],
};

impl Stored for Enterprise {
    fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<DocRow>, ReadError> {
        Ok(crate::find_row!(enterprises, connection, id)?)
    }
}

/// What enterprises are listed by.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EnterpriseFilter {
    /// Where.
    #[deserr(default)]
    #[param(inline, example = "64.72")]
    pub region: Option<Region>,
    /// Their size.
    #[deserr(default)]
    #[param(inline)]
    pub size_class: Option<SizeClass>,
    /// Whether they work.
    #[deserr(default)]
    #[param(inline)]
    pub status: Option<EnterpriseStatus>,
}

/// A page of the enterprises a scope reaches.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    connection: &mut AnyConnection,
    scope: Scope,
    filter: &EnterpriseFilter,
    keyset: &Keyset,
) -> Result<Vec<DocRow>, ReadError> {
    let mut query = enterprises::table
        .select((enterprises::id, enterprises::version, enterprises::position, enterprises::doc))
        .into_boxed();
    query = crate::within!(query, scope, enterprises::region, |owner| enterprises::owner.eq(owner));
    if let Some(region) = filter.region.filter(|region| !region.is_province()) {
        query = query.filter(enterprises::region.eq(region.code()));
    }
    if let Some(size) = filter.size_class {
        query = query.filter(enterprises::size_class.eq(size.word()));
    }
    if let Some(status) = filter.status {
        query = query.filter(enterprises::status.eq(status.word()));
    }
    Ok(crate::keyset!(query, enterprises, keyset, by name).load(connection)?)
}
