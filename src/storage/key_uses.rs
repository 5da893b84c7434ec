//! When keys and clients were last used: beside the log, because a request is no event.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use uuid::Uuid;

use super::schema::key_uses;
use super::{AnyConnection, ReadError};
use crate::kernel::Timestamp;

/// Of several instances that saw a key the latest counts.
const NOTE: &str = "INSERT INTO key_uses (key_id, last_used_at) VALUES ($1, $2) ON CONFLICT (key_id) \
    DO UPDATE SET last_used_at = excluded.last_used_at WHERE key_uses.last_used_at < excluded.last_used_at";

/// Notes when some keys were last used, in one transaction.
///
/// # Errors
/// When the database cannot be written.
pub fn note_key_uses(connection: &mut AnyConnection, uses: &[(Uuid, Timestamp)]) -> Result<(), ReadError> {
    connection.transaction(|connection| {
        for (key, at) in uses {
            let note = diesel::sql_query(NOTE).bind::<Text, _>(key.to_string()).bind::<BigInt, _>(at.micros());
            note.execute(connection)?;
        }
        Ok(())
    })
}

/// When these keys were last used, as far as it is noted.
///
/// # Errors
/// When the database cannot be read.
pub fn key_uses(connection: &mut AnyConnection, keys: &[String]) -> Result<HashMap<String, Timestamp>, ReadError> {
    let noted: Vec<(String, i64)> = key_uses::table.filter(key_uses::key_id.eq_any(keys)).load(connection)?;
    Ok(noted.into_iter().map(|(key, at)| (key, Timestamp::from_micros(at))).collect())
}
