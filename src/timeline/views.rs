//! Which streams tell of a cooperative.

use diesel::prelude::*;
use uuid::Uuid;

use crate::assessments::of_cooperative;
use crate::cooperatives::{Cooperative, MANAGED_BY};
use crate::financing::of_beneficiary;
use crate::kernel::{Actor, Area, Scope, may_read};
use crate::ledger::{Event, Resource};
use crate::managers::PUT_FORWARD;
use crate::storage::{AnyConnection, ReadError, events_of_streams, facts};

/// The events of every stream that tells of a cooperative and that the caller's rights reach, as known at a position.
///
/// # Errors
/// When the database cannot be read.
pub(super) fn events_about(
    connection: &mut AnyConnection,
    actor: &Actor,
    cooperative: Uuid,
    position: i64,
) -> Result<Vec<Event>, ReadError> {
    let id = cooperative.to_string();
    let mut all = events_of_streams(connection, Cooperative::KIND, std::slice::from_ref(&id), position)?;
    // That a manager is certified is a public fact of the cooperative, as its health category is.
    let managers: Vec<String> = facts::table
        .filter(facts::measure.eq(MANAGED_BY))
        .filter(facts::subject.eq(&id))
        .filter(facts::from_position.le(position))
        .select(facts::resource)
        .load(connection)?;
    let certifications: Vec<String> = facts::table
        .filter(facts::measure.eq(PUT_FORWARD))
        .filter(facts::subject.eq_any(managers))
        .select(facts::resource)
        .distinct()
        .load(connection)?;
    all.extend(events_of_streams(connection, "certification", &certifications, position)?);
    if may_read(actor, Area::Assessments) == Scope::All {
        let ids = of_cooperative(connection, &id)?;
        all.extend(events_of_streams(connection, "assessment", &ids, position)?);
    }
    let ids = of_beneficiary(connection, may_read(actor, Area::Financings), &id)?;
    all.extend(events_of_streams(connection, "financing", &ids, position)?);
    Ok(all)
}
