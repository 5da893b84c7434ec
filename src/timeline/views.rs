//! Which streams tell of a cooperative.

use std::collections::HashMap;

use diesel::prelude::*;
use uuid::Uuid;

use super::lines::{TimelineLine, line};
use crate::assessments::of_cooperative;
use crate::cooperatives::{Cooperative, MANAGED_BY};
use crate::financing::of_beneficiary;
use crate::kernel::{Actor, Area, Scope, may_read};
use crate::ledger::Resource;
use crate::managers::PUT_FORWARD;
use crate::storage::{AnyConnection, ReadError, events_of_streams, facts};

/// The lines of every stream that tells of a cooperative and that the caller's rights reach, as known at a position.
///
/// # Errors
/// When the database cannot be read.
pub(super) fn lines_about(
    connection: &mut AnyConnection,
    actor: &Actor,
    cooperative: Uuid,
    position: i64,
) -> Result<Vec<TimelineLine>, ReadError> {
    let id = cooperative.to_string();
    let mut all = events_of_streams(connection, Cooperative::KIND, std::slice::from_ref(&id), position)?;
    if may_read(actor, Area::Assessments) == Scope::All {
        let ids = of_cooperative(connection, &id)?;
        all.extend(events_of_streams(connection, "assessment", &ids, position)?);
    }
    let ids = of_beneficiary(connection, may_read(actor, Area::Financings), &id)?;
    all.extend(events_of_streams(connection, "financing", &ids, position)?);
    let mut lines: Vec<TimelineLine> = all.iter().filter_map(line).collect();
    lines.extend(certificate_lines(connection, &id, position)?);
    Ok(lines)
}

/// The certificates of its managers, on days on which they were its managers: public facts of the cooperative, as its health category is.
fn certificate_lines(
    connection: &mut AnyConnection,
    cooperative: &str,
    position: i64,
) -> Result<Vec<TimelineLine>, ReadError> {
    let known = |measure| {
        facts::table
            .filter(facts::measure.eq(measure))
            .filter(facts::from_position.le(position))
            .filter(facts::until_position.is_null().or(facts::until_position.gt(position)))
    };
    // A manager, and the first and the last day of an appointment.
    let appointments: Vec<(String, String, String)> = known(MANAGED_BY)
        .filter(facts::subject.eq(cooperative))
        .select((facts::resource, facts::occurred_on, facts::value))
        .load(connection)?;
    let managers = appointments.iter().map(|(manager, ..)| manager);
    let put_forward: Vec<(String, String)> = known(PUT_FORWARD)
        .filter(facts::subject.eq_any(managers))
        .select((facts::resource, facts::subject))
        .load(connection)?;
    let manager_of: HashMap<String, String> = put_forward.into_iter().collect();
    let certifications: Vec<String> = manager_of.keys().cloned().collect();
    let mut lines: Vec<TimelineLine> =
        events_of_streams(connection, "certification", &certifications, position)?.iter().filter_map(line).collect();
    lines.retain(|line| {
        let (manager, on) = (manager_of.get(&line.resource.to_string()), line.on.to_string());
        appointments.iter().any(|(held_by, from, until)| Some(held_by) == manager && *from <= on && on <= *until)
    });
    Ok(lines)
}
