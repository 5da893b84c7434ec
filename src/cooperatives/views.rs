//! The table of cooperatives and its list.

use deserr::Deserr;
use diesel::prelude::*;
use utoipa::IntoParams;

use super::state::{Cooperative, CooperativeKind, CooperativeStatus, HealthCategory};
use crate::kernel::{Date, Faults, Name, OneOf, Region, Scope, YesNo};
use crate::ledger::{ColumnType, Table};
use crate::storage::{AnyConnection, DocRow, Keyset, ReadError, facts};
use crate::web::Stored;

diesel::table! {
    cooperatives (id) {
        id -> Text,
        version -> BigInt,
        position -> BigInt,
        region -> Text,
        kind -> Text,
        status -> Text,
        name -> Text,
        name_folded -> Text,
        health -> Nullable<Text>,
        doc -> Text,
    }
}
diesel::allow_tables_to_appear_in_same_query!(cooperatives, facts);

/// The measure of facts "this savings-and-loan cooperative (subject) worked from that day to this (value)", asserted by cooperatives.
pub const WORKING_KSP: &str = "working_ksp";
/// The measure of facts "this cooperative (subject) had this manager (resource) in a manager role from that day to this (value)", asserted by
/// managers.
pub const MANAGED_BY: &str = "managed_by";
/// The measure of facts "a certificate of this manager (subject) held from that day to this (value)", asserted by certifications.
pub const CERTIFICATE_STANDING: &str = "certificate_standing";

/// Columns beside id, version, position and doc.
pub const TABLE: Table = Table {
    name: "cooperatives",
    columns: &[
        ("region", ColumnType::Text),
        ("kind", ColumnType::Text),
        ("status", ColumnType::Text),
        ("name", ColumnType::Text),
        ("name_folded", ColumnType::Text),
        ("health", ColumnType::Text),
    ],
};

impl Stored for Cooperative {
    fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<DocRow>, ReadError> {
        Ok(crate::find_row!(cooperatives, connection, id)?)
    }
}

/// What cooperatives are listed by.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CooperativeFilter {
    /// Where they sit; the province is everywhere.
    #[deserr(default)]
    #[param(inline, example = "64.72")]
    pub region: Option<Region>,
    /// What they do.
    #[deserr(default)]
    #[param(inline)]
    pub kind: Option<CooperativeKind>,
    /// Whether they live.
    #[deserr(default)]
    #[param(inline)]
    pub status: Option<CooperativeStatus>,
    /// Category of the latest determined assessment.
    #[deserr(default)]
    #[param(inline)]
    pub health_category: Option<HealthCategory>,
    /// Whether a manager in a manager role holds a certificate that is valid today, or on the day `certified_on`.
    #[deserr(default)]
    #[param(value_type = Option<bool>, example = true)]
    pub certified_manager: Option<YesNo>,
    /// The day that `certified_manager` asks about; today when left out.
    #[deserr(default)]
    #[param(inline, example = "2014-05-27")]
    pub certified_on: Option<Date>,
    /// Part of the name, whatever its case.
    #[deserr(default)]
    #[param(inline, example = "rejeki")]
    pub text: Option<Name>,
}

diesel::alias!(facts as appointments: Appointments, facts as certificates: Certificates);

/// A page of the cooperatives a scope reaches. `today` tells which certificates are still valid.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    connection: &mut AnyConnection,
    scope: Scope,
    filter: &CooperativeFilter,
    today: Date,
    keyset: &Keyset,
) -> Result<Vec<DocRow>, ReadError> {
    let mut query = cooperatives::table
        .select((cooperatives::id, cooperatives::version, cooperatives::position, cooperatives::doc))
        .into_boxed();
    query = crate::within!(query, scope, cooperatives::region);
    if let Some(region) = filter.region.filter(|region| !region.is_province()) {
        query = query.filter(cooperatives::region.eq(region.code()));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(cooperatives::kind.eq(kind.word()));
    }
    if let Some(status) = filter.status {
        query = query.filter(cooperatives::status.eq(status.word()));
    }
    if let Some(category) = filter.health_category {
        query = query.filter(cooperatives::health.eq(category.word()));
    }
    if let Some(text) = &filter.text {
        let pattern =
            format!("%{}%", text.0.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        query = query.filter(cooperatives::name_folded.like(pattern).escape('\\'));
    }
    if let Some(wanted) = filter.certified_manager {
        let day = filter.certified_on.unwrap_or(today).to_string();
        let valid = certificates
            .filter(certificates.field(facts::measure).eq(CERTIFICATE_STANDING))
            .filter(certificates.field(facts::until_position).is_null())
            .filter(certificates.field(facts::occurred_on).le(day.clone()))
            .filter(certificates.field(facts::value).ge(day.clone()))
            .select(certificates.field(facts::subject));
        let managed = appointments
            .filter(appointments.field(facts::measure).eq(MANAGED_BY))
            .filter(appointments.field(facts::until_position).is_null())
            .filter(appointments.field(facts::occurred_on).le(day.clone()))
            .filter(appointments.field(facts::value).ge(day))
            .filter(appointments.field(facts::resource).eq_any(valid))
            .select(appointments.field(facts::subject));
        query = match wanted {
            YesNo::Yes => query.filter(cooperatives::id.eq_any(managed)),
            YesNo::No => query.filter(cooperatives::id.ne_all(managed)),
        };
    }
    Ok(crate::keyset!(query, cooperatives, keyset, by name).load(connection)?)
}
