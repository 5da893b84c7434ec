//! The table of trainings and its list.

use deserr::Deserr;
use diesel::prelude::*;
use utoipa::IntoParams;

use super::state::Training;
use crate::kernel::{Date, Faults, Id, Region, Scope};
use crate::ledger::{ColumnType, Table};
use crate::storage::{AnyConnection, DocRow, Keyset, ReadError, facts};
use crate::web::Stored;

diesel::table! {
    trainings (id) {
        id -> Text,
        version -> BigInt,
        position -> BigInt,
        region -> Text,
        owner -> Text,
        held_from -> Text,
        name -> Text,
        name_folded -> Text,
        doc -> Text,
    }
}
diesel::allow_tables_to_appear_in_same_query!(trainings, facts);

/// The measure of facts "this manager or enterprise (subject) attended this training (resource)".
pub const ATTENDED: &str = "attended";

/// Columns beside id, version, position and doc.
pub const TABLE: Table = Table {
    name: "trainings",
    columns: &[
        ("region", ColumnType::Text),
        ("owner", ColumnType::Text),
        ("held_from", ColumnType::Text),
        ("name", ColumnType::Text),
        ("name_folded", ColumnType::Text),
    ],
};

impl Stored for Training {
    fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<DocRow>, ReadError> {
        Ok(crate::find_row!(trainings, connection, id)?)
    }
}

/// What trainings are listed by.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TrainingFilter {
    /// Where.
    #[deserr(default)]
    #[param(inline, example = "64.72")]
    pub region: Option<Region>,
    /// Begun on this day or later.
    #[deserr(default)]
    #[param(inline, example = "2014-02-17")]
    pub from: Option<Date>,
    /// Begun on this day or earlier.
    #[deserr(default)]
    #[param(inline, example = "2014-05-27")]
    pub to: Option<Date>,
    /// Attended by this manager or enterprise.
    #[deserr(default)]
    #[param(inline)]
    pub attendee: Option<Id>,
}

/// A page of the trainings a scope reaches.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    connection: &mut AnyConnection,
    scope: Scope,
    filter: &TrainingFilter,
    keyset: &Keyset,
) -> Result<Vec<DocRow>, ReadError> {
    let mut query =
        trainings::table.select((trainings::id, trainings::version, trainings::position, trainings::doc)).into_boxed();
    query = crate::within!(query, scope, trainings::region, |owner| trainings::owner.eq(owner));
    if let Some(region) = filter.region.filter(|region| !region.is_province()) {
        query = query.filter(trainings::region.eq(region.code()));
    }
    if let Some(day) = filter.from {
        query = query.filter(trainings::held_from.ge(day.to_string()));
    }
    if let Some(day) = filter.to {
        query = query.filter(trainings::held_from.le(day.to_string()));
    }
    if let Some(attendee) = filter.attendee {
        let attended = facts::table
            .filter(facts::measure.eq(ATTENDED))
            .filter(facts::subject.eq(attendee.0.to_string()))
            .filter(facts::until_position.is_null())
            .select(facts::resource);
        query = query.filter(trainings::id.eq_any(attended));
    }
    Ok(crate::keyset!(query, trainings, keyset, by name).load(connection)?)
}
