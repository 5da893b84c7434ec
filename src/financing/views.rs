//! The table of financings and its list.

use std::collections::HashMap;

use deserr::Deserr;
use diesel::prelude::*;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use uuid::Uuid;

use super::events::BeneficiaryKind;
use super::life::FinancingState;
use super::scheme::Scheme;
use super::state::Financing;
use crate::kernel::{Faults, Id, Number, OneOf, Region, Scope, Whole};
use crate::ledger::{ColumnType, Resource, Table};
use crate::storage::{AnyConnection, DocRow, Keyset, ReadError, claims, within_text};
use crate::web::Stored;

diesel::table! {
    financings (id) {
        id -> Text,
        version -> BigInt,
        position -> BigInt,
        lender -> Text,
        region -> Text,
        beneficiary_kind -> Text,
        beneficiary -> Text,
        scheme -> Text,
        state -> Text,
        collectibility -> Nullable<BigInt>,
        plafon -> BigInt,
        disbursed -> BigInt,
        outstanding -> BigInt,
        doc -> Text,
    }
}

/// The measure of facts "this cooperative (subject) received its first disbursement of a financing".
pub const FINANCED_COOPERATIVES: &str = "financed_cooperatives";
/// The measure of facts "this enterprise (subject) received its first disbursement of a financing".
pub const FINANCED_ENTERPRISES: &str = "financed_enterprises";

/// Columns beside id, version, position and doc.
pub const TABLE: Table = Table {
    name: "financings",
    columns: &[
        ("lender", ColumnType::Text),
        ("region", ColumnType::Text),
        ("beneficiary_kind", ColumnType::Text),
        ("beneficiary", ColumnType::Text),
        ("scheme", ColumnType::Text),
        ("state", ColumnType::Text),
        ("collectibility", ColumnType::Int),
        ("plafon", ColumnType::Int),
        ("disbursed", ColumnType::Int),
        ("outstanding", ColumnType::Int),
    ],
};

impl Stored for Financing {
    fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<DocRow>, ReadError> {
        Ok(crate::find_row!(financings, connection, id)?)
    }
}

/// What financings are listed by.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FinancingFilter {
    /// Who lends.
    #[deserr(default)]
    #[param(inline)]
    pub lender: Option<Id>,
    /// Where the beneficiaries are.
    #[deserr(default)]
    #[param(inline, example = "64.72")]
    pub region: Option<Region>,
    /// What they are.
    #[deserr(default)]
    #[param(inline)]
    pub beneficiary_kind: Option<BeneficiaryKind>,
    /// Which.
    #[deserr(default)]
    #[param(inline)]
    pub beneficiary: Option<Id>,
    /// Under which scheme.
    #[deserr(default)]
    #[param(inline)]
    pub scheme: Option<Scheme>,
    /// Where they stand.
    #[deserr(default)]
    #[param(inline)]
    pub state: Option<FinancingState>,
    /// Class last reported.
    #[deserr(default)]
    #[param(inline, example = 1)]
    pub collectibility: Option<Whole<1, 5>>,
}

/// A page of the financings a scope reaches.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    connection: &mut AnyConnection,
    scope: Scope,
    filter: &FinancingFilter,
    keyset: &Keyset,
) -> Result<Vec<DocRow>, ReadError> {
    let mut query = financings::table
        .select((financings::id, financings::version, financings::position, financings::doc))
        .into_boxed();
    query = crate::within!(query, scope, financings::region, |lender| financings::lender.eq(lender));
    if let Some(lender) = filter.lender {
        query = query.filter(financings::lender.eq(lender.0.to_string()));
    }
    if let Some(region) = filter.region.filter(|region| !region.is_province()) {
        query = query.filter(financings::region.eq(region.code()));
    }
    if let Some(kind) = filter.beneficiary_kind {
        query = query.filter(financings::beneficiary_kind.eq(kind.word()));
    }
    if let Some(beneficiary) = filter.beneficiary {
        query = query.filter(financings::beneficiary.eq(beneficiary.0.to_string()));
    }
    if let Some(scheme) = filter.scheme {
        query = query.filter(financings::scheme.eq(scheme.word()));
    }
    if let Some(state) = filter.state {
        query = query.filter(financings::state.eq(state.word()));
    }
    if let Some(class) = filter.collectibility {
        query = query.filter(financings::collectibility.eq(class.0));
    }
    Ok(crate::keyset!(query, financings, keyset).load(connection)?)
}

/// The ids of a beneficiary's financings that a scope reaches.
///
/// # Errors
/// When the database cannot be read.
pub fn of_beneficiary(
    connection: &mut AnyConnection,
    scope: Scope,
    beneficiary: &str,
) -> Result<Vec<String>, ReadError> {
    let query = financings::table.filter(financings::beneficiary.eq(beneficiary)).select(financings::id).into_boxed();
    let query = crate::within!(query, scope, financings::region, |lender| financings::lender.eq(lender));
    Ok(query.load(connection)?)
}

crate::words! {
    /// What a summary tells financings apart by.
    SummaryPart {
        /// The lender.
        Lender = "lender",
        /// The scheme.
        Scheme = "scheme",
        /// Where the beneficiary is.
        Region = "region",
        /// What the beneficiary is.
        BeneficiaryKind = "beneficiary_kind",
        /// Where it stands.
        State = "state",
        /// Class last reported.
        Collectibility = "collectibility",
    }
}

/// Parts of a summary, each once. How `by` is described.
pub struct SummaryParts;

impl PartialSchema for SummaryParts {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(SummaryPart::schema()).max_items(Some(6)).unique_items(true).into()
    }
}
impl ToSchema for SummaryParts {}

/// What a summary adds up.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SummaryParams {
    /// What financings are told apart by, separated by commas, each once. By state when nothing is said; all in one sum when it is empty.
    #[deserr(default)]
    #[param(value_type = Option<SummaryParts>, inline, style = Form, explode = false, example = json!(["scheme", "collectibility"]))]
    pub by: Option<String>,
    /// One lender.
    #[deserr(default)]
    #[param(inline)]
    pub lender: Option<Id>,
    /// One region.
    #[deserr(default)]
    #[param(inline, example = "64.72")]
    pub region: Option<Region>,
    /// One scheme.
    #[deserr(default)]
    #[param(inline)]
    pub scheme: Option<Scheme>,
    /// One state.
    #[deserr(default)]
    #[param(inline)]
    pub state: Option<FinancingState>,
}

/// Financings of one combination, added up.
#[derive(Clone, Debug, QueryableByName)]
pub(super) struct SummaryRow {
    /// The combination, its members separated as they were asked for.
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub key: String,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    pub count: i64,
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub plafon: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub disbursed: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub outstanding: String,
}

/// Adds up the financings a scope reaches.
///
/// # Errors
/// When the database cannot be read.
pub(super) fn summary(
    connection: &mut AnyConnection,
    scope: Scope,
    params: &SummaryParams,
    by: &[SummaryPart],
) -> Result<Vec<SummaryRow>, ReadError> {
    // Everything in the condition was read as a word, a code or an id.
    let mut condition = within_text(scope, "region", "lender");
    let region = params.region.filter(|region| !region.is_province());
    let filters = [
        params.lender.map(|lender| format!(" AND lender = '{}'", lender.0)),
        region.map(|region| format!(" AND region = '{}'", region.code())),
        params.scheme.map(|scheme| format!(" AND scheme = '{}'", scheme.word())),
        params.state.map(|state| format!(" AND state = '{}'", state.word())),
    ];
    condition.extend(filters.into_iter().flatten());
    let parts: Vec<String> = by.iter().map(|part| format!("coalesce(CAST({} AS TEXT), '')", part.word())).collect();
    let key = if parts.is_empty() { "''".to_owned() } else { parts.join(" || '|' || ") };
    // In two parts, so that no sum overflows.
    let sum = |column: &str| {
        format!(
            "CAST(sum({column} / 1000000000) AS TEXT) || ',' || CAST(sum({column} % 1000000000) AS TEXT) AS {column}"
        )
    };
    let query = format!(
        "SELECT {key} AS key, count(*) AS count, {}, {}, {} FROM financings WHERE {condition} GROUP BY 1 ORDER BY 1",
        sum("plafon"),
        sum("disbursed"),
        sum("outstanding")
    );
    Ok(diesel::sql_query(query).load(connection)?)
}

/// Numbers asked for in one query.
const NUMBERS_AT_ONCE: usize = 1000;

/// Financings by their lender's own numbers, as these are matched.
pub type LenderNumbers = HashMap<String, Vec<Uuid>>;

/// The financings of a lender that have one of these application or akad numbers.
///
/// # Errors
/// When the database cannot be read.
pub fn by_lender_numbers(
    connection: &mut AnyConnection,
    lender: Uuid,
    numbers: &[Number],
) -> Result<LenderNumbers, ReadError> {
    let prefix = format!("{lender}|");
    let mut found = LenderNumbers::new();
    for numbers in numbers.chunks(NUMBERS_AT_ONCE) {
        let held = numbers.iter().map(|number| format!("{prefix}{}", number.normalised()));
        let rows: Vec<(String, String)> = claims::table
            .filter(claims::namespace.eq_any(Financing::CLAIMS))
            .filter(claims::value.eq_any(held))
            .select((claims::value, claims::holder))
            .load(connection)?;
        for (value, holder) in rows {
            let number = value.strip_prefix(&prefix).unwrap_or_default().to_owned();
            let ids = found.entry(number).or_default();
            ids.extend(Uuid::try_parse(&holder).ok().filter(|id| !ids.contains(id)));
        }
    }
    Ok(found)
}
