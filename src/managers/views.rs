//! The table of managers and its list.

use deserr::Deserr;
use diesel::prelude::*;
use utoipa::IntoParams;

use super::state::{Manager, Role};
use crate::kernel::{Faults, Id, OneOf, Region, Scope};
use crate::ledger::{ColumnType, Table};
use crate::storage::{AnyConnection, DocRow, Keyset, ReadError, facts};
use crate::web::Stored;

diesel::table! {
    managers (id) {
        id -> Text,
        version -> BigInt,
        position -> BigInt,
        region -> Text,
        owner -> Text,
        cooperative -> Nullable<Text>,
        role -> Nullable<Text>,
        status -> Text,
        doc -> Text,
    }
}
diesel::allow_tables_to_appear_in_same_query!(managers, facts);

/// The measure of facts "this manager (subject) was put forward to this certifier (value)", asserted by certifications: a certifier sees the
/// managers put forward to it.
pub const PUT_FORWARD: &str = "put_forward";

/// Columns beside id, version, position and doc.
pub const TABLE: Table = Table {
    name: "managers",
    columns: &[
        ("region", ColumnType::Text),
        ("owner", ColumnType::Text),
        ("cooperative", ColumnType::Text),
        ("role", ColumnType::Text),
        ("status", ColumnType::Text),
    ],
};

impl Stored for Manager {
    fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<DocRow>, ReadError> {
        Ok(crate::find_row!(managers, connection, id)?)
    }
}

/// What managers are listed by. Names are sealed, so there is no search by name.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ManagerFilter {
    /// Where they are registered.
    #[deserr(default)]
    #[param(inline, example = "64.72")]
    pub region: Option<Region>,
    /// Where they were appointed last.
    #[deserr(default)]
    #[param(inline)]
    pub cooperative: Option<Id>,
    /// The role they hold.
    #[deserr(default)]
    #[param(inline)]
    pub role: Option<Role>,
}

/// A page of the managers a scope reaches.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    connection: &mut AnyConnection,
    scope: Scope,
    filter: &ManagerFilter,
    keyset: &Keyset,
) -> Result<Vec<DocRow>, ReadError> {
    let mut query =
        managers::table.select((managers::id, managers::version, managers::position, managers::doc)).into_boxed();
    query = crate::within!(query, scope, managers::region, |certifier| {
        let put_forward = facts::table
            .filter(facts::measure.eq(PUT_FORWARD))
            .filter(facts::value.eq(certifier))
            .filter(facts::until_position.is_null());
        managers::id.eq_any(put_forward.select(facts::subject))
    });
    if let Some(region) = filter.region.filter(|region| !region.is_province()) {
        query = query.filter(managers::region.eq(region.code()));
    }
    if let Some(cooperative) = filter.cooperative {
        query = query.filter(managers::cooperative.eq(cooperative.0.to_string()));
    }
    if let Some(role) = filter.role {
        query = query.filter(managers::role.eq(role.word()));
    }
    Ok(crate::keyset!(query, managers, keyset).load(connection)?)
}
