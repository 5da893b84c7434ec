//! The table of assessments and its list.

use deserr::Deserr;
use diesel::prelude::*;
use utoipa::IntoParams;

use super::state::{Assessment, AssessmentState};
use crate::cooperatives::HealthCategory;
use crate::kernel::{Faults, Id, OneOf, Region, Scope, Word, Year};
use crate::ledger::{ColumnType, Table};
use crate::storage::{AnyConnection, DocRow, Keyset, ReadError};
use crate::web::Stored;

diesel::table! {
    assessments (id) {
        id -> Text,
        version -> BigInt,
        position -> BigInt,
        cooperative -> Text,
        region -> Text,
        owner -> Text,
        regulation -> Text,
        book_year -> BigInt,
        state -> Text,
        category -> Nullable<Text>,
        doc -> Text,
    }
}

/// The measure of facts "this savings-and-loan cooperative (subject) was determined healthy".
pub const HEALTHY_KSP: &str = "healthy_ksp";

/// Columns beside id, version, position and doc.
pub const TABLE: Table = Table {
    name: "assessments",
    columns: &[
        ("cooperative", ColumnType::Text),
        ("region", ColumnType::Text),
        ("owner", ColumnType::Text),
        ("regulation", ColumnType::Text),
        ("book_year", ColumnType::Int),
        ("state", ColumnType::Text),
        ("category", ColumnType::Text),
    ],
};

impl Stored for Assessment {
    fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<DocRow>, ReadError> {
        Ok(crate::find_row!(assessments, connection, id)?)
    }
}

/// What assessments are listed by.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AssessmentFilter {
    /// Whose.
    #[deserr(default)]
    #[param(inline)]
    pub cooperative: Option<Id>,
    /// Where.
    #[deserr(default)]
    #[param(inline, example = "64.72")]
    pub region: Option<Region>,
    /// The year whose accounts were assessed.
    #[deserr(default)]
    #[param(inline, example = 2013)]
    pub book_year: Option<Year>,
    /// The regulation.
    #[deserr(default)]
    #[param(inline, example = "permen-14-2009")]
    pub regulation: Option<Word>,
    /// The category: determined, else computed.
    #[deserr(default)]
    #[param(inline)]
    pub category: Option<HealthCategory>,
    /// Where it stands.
    #[deserr(default)]
    #[param(inline)]
    pub state: Option<AssessmentState>,
}

/// A page of the assessments a scope reaches.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    connection: &mut AnyConnection,
    scope: Scope,
    filter: &AssessmentFilter,
    keyset: &Keyset,
) -> Result<Vec<DocRow>, ReadError> {
    let mut query = assessments::table
        .select((assessments::id, assessments::version, assessments::position, assessments::doc))
        .into_boxed();
    query = crate::within!(query, scope, assessments::region, |owner| assessments::owner.eq(owner));
    if let Some(cooperative) = filter.cooperative {
        query = query.filter(assessments::cooperative.eq(cooperative.0.to_string()));
    }
    if let Some(region) = filter.region.filter(|region| !region.is_province()) {
        query = query.filter(assessments::region.eq(region.code()));
    }
    if let Some(year) = filter.book_year {
        query = query.filter(assessments::book_year.eq(year.0));
    }
    if let Some(regulation) = &filter.regulation {
        query = query.filter(assessments::regulation.eq(regulation.0.clone()));
    }
    if let Some(category) = filter.category {
        query = query.filter(assessments::category.eq(category.word()));
    }
    if let Some(state) = filter.state {
        query = query.filter(assessments::state.eq(state.word()));
    }
    Ok(crate::keyset!(query, assessments, keyset).load(connection)?)
}

/// The ids of a cooperative's assessments.
///
/// # Errors
/// When the database cannot be read.
pub fn of_cooperative(connection: &mut AnyConnection, cooperative: &str) -> Result<Vec<String>, ReadError> {
    let own = assessments::table.filter(assessments::cooperative.eq(cooperative));
    Ok(own.select(assessments::id).load(connection)?)
}
