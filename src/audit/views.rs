//! Looks, as they are read.

use deserr::Deserr;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::kernel::{Faults, Id, Timestamp};
use crate::storage::{AnyConnection, Keyset, ReadError, looks};

/// Somebody was shown a person's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LookLine {
    /// Which look of all; they are numbered as they were recorded.
    pub number: i64,
    /// When.
    pub looked_at: Timestamp,
    /// The organisation that looked.
    pub organisation: Uuid,
    /// By which of its keys.
    pub key: Uuid,
    /// The kind of record that holds the data: `manager` or `enterprise`.
    pub kind: String,
    /// The record.
    pub record: Uuid,
    /// What was asked: method and route.
    pub operation: String,
    /// The request's id, as in the `X-Request-Id` of its answer and in the service's log.
    pub request_id: String,
    /// What the data was wanted for, if the request said so in `Purpose-Reference`.
    pub purpose: Option<String>,
}

/// A look as it is stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = looks)]
struct LookRow {
    number: i64,
    looked_at: i64,
    organisation: String,
    key: String,
    kind: String,
    record: String,
    operation: String,
    request_id: String,
    purpose: Option<String>,
}

fn line(row: LookRow) -> Result<LookLine, ReadError> {
    Ok(LookLine {
        number: row.number,
        looked_at: Timestamp::from_micros(row.looked_at),
        organisation: Uuid::parse_str(&row.organisation)?,
        key: Uuid::parse_str(&row.key)?,
        kind: row.kind,
        record: Uuid::parse_str(&row.record)?,
        operation: row.operation,
        request_id: row.request_id,
        purpose: row.purpose,
    })
}

/// What looks are listed by.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// Who looked.
    #[deserr(default)]
    #[param(inline)]
    pub organisation: Option<Id>,
    /// At which manager or enterprise.
    #[deserr(default)]
    #[param(inline)]
    pub record: Option<Id>,
    /// At this instant or later.
    #[deserr(default)]
    #[param(inline, example = "2014-03-01T00:00:00Z")]
    pub from: Option<Timestamp>,
    /// Before this instant.
    #[deserr(default)]
    #[param(inline, example = "2014-04-01T00:00:00Z")]
    pub until: Option<Timestamp>,
}

/// A page of looks, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub fn list(connection: &mut AnyConnection, filter: &AuditFilter, keyset: &Keyset) -> Result<Vec<LookLine>, ReadError> {
    let mut query = looks::table.select(LookRow::as_select()).order(looks::number).limit(keyset.limit).into_boxed();
    if let Some(number) = keyset.after_position() {
        query = query.filter(looks::number.gt(number));
    }
    if let Some(organisation) = filter.organisation {
        query = query.filter(looks::organisation.eq(organisation.0.to_string()));
    }
    if let Some(record) = filter.record {
        query = query.filter(looks::record.eq(record.0.to_string()));
    }
    if let Some(from) = filter.from {
        query = query.filter(looks::looked_at.ge(from.micros()));
    }
    if let Some(until) = filter.until {
        query = query.filter(looks::looked_at.lt(until.micros()));
    }
    query.load::<LookRow>(connection)?.into_iter().map(line).collect()
}

/// The latest looks at a record, latest first, and how many there are in all.
///
/// # Errors
/// When the database cannot be read.
pub fn latest(connection: &mut AnyConnection, record: Uuid, limit: i64) -> Result<(Vec<LookLine>, i64), ReadError> {
    let of_record = || looks::table.filter(looks::record.eq(record.to_string()));
    let total = of_record().count().get_result(connection)?;
    let rows = of_record()
        .select(LookRow::as_select())
        .order(looks::number.desc())
        .limit(limit)
        .load::<LookRow>(connection)?;
    Ok((rows.into_iter().map(line).collect::<Result<_, _>>()?, total))
}
