//! What the writer on `PostgreSQL` writes of persons beside the log: their keys, and who looked at them.

use std::borrow::Cow;

use diesel::prelude::*;
use uuid::Uuid;

use super::arrays::{Column, Statement, borrowed, text};
use super::rotation::check_master;
use super::schema::{secrets, subject_keys};
use crate::ledger::{Batch, Look};

/// Who is shown whose personal data.
pub(super) fn insert_looks<'a>(statement: &mut Statement<'a>, looks: &'a [Look]) {
    if looks.is_empty() {
        return;
    }
    let columns = vec![
        Column::Int(looks.iter().map(|look| look.looked_at.micros()).collect()),
        text(looks.iter().map(|look| look.organisation)),
        text(looks.iter().map(|look| look.key)),
        borrowed(looks.iter().map(|look| look.kind)),
        text(looks.iter().map(|look| look.record)),
        text(looks.iter().map(|look| look.subject)),
        borrowed(looks.iter().map(|look| &*look.operation)),
        borrowed(looks.iter().map(|look| &*look.request_id)),
        Column::MaybeText(looks.iter().map(|look| look.purpose.as_deref().map(Cow::Borrowed)).collect()),
    ];
    let names = "looked_at, organisation, key, kind, record, subject, operation, request_id, purpose";
    statement.insert("looked", "looks", names, columns, "");
}

/// Persons' keys; numbers are given free before they are taken, so these are statements of their own.
pub(super) fn write_persons(connection: &mut PgConnection, batch: &Batch) -> QueryResult<()> {
    check_master(batch.subject_keys.iter(), || {
        secrets::table.find("lookup").select(secrets::wrapped).first(connection).optional()
    })?;
    if !batch.destroyed.is_empty() {
        let subjects: Vec<String> = batch.destroyed.iter().map(Uuid::to_string).collect();
        diesel::delete(subject_keys::table.filter(subject_keys::subject.eq_any(subjects))).execute(connection)?;
    }
    for key in batch.subject_keys.iter().filter(|key| !key.is_new) {
        diesel::update(subject_keys::table.find(key.subject.to_string()))
            .set(subject_keys::lookup.eq(&key.lookup))
            .execute(connection)?;
    }
    let new: Vec<_> = batch
        .subject_keys
        .iter()
        .filter(|key| key.is_new)
        .map(|key| {
            (
                subject_keys::subject.eq(key.subject.to_string()),
                subject_keys::holder.eq(key.holder.to_string()),
                subject_keys::lookup.eq(&key.lookup),
                subject_keys::wrapped.eq(&key.wrapped),
            )
        })
        .collect();
    if !new.is_empty() {
        diesel::insert_into(subject_keys::table).values(new).execute(connection)?;
    }
    Ok(())
}
