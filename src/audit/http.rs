//! Addresses of the audit and of disclosures.

use actix_web::{HttpRequest, HttpResponse, get};
use serde_json::Value;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::disclosure::{Disclosure, Use, UseKind, processing, values};
use super::views::{self, AuditFilter, LookLine};
use crate::enterprises::Enterprise;
use crate::financing::of_beneficiary;
use crate::kernel::problem_codes::FORBIDDEN;
use crate::kernel::{Action, Actor, Area, PersonalData, Refusal, Scope, Text, personal_data, reach};
use crate::ledger::Event;
use crate::managers::{Manager, PUT_FORWARD};
use crate::persons::HoldsPerson;
use crate::storage::{AnyConnection, ReadError, Vault, current_facts, head_position, stream_up_to};
use crate::trainings::ATTENDED;
use crate::web::{
    Caller, IdPath, List, MadePage, NoFilter, Page, PageParams, Params, Present, Problem, Seen, Stored, json_reply,
    made_page, open_person, private_reply, record_looks, told_data,
};

/// Looks a disclosure tells of.
const LOOKS_MAX: i64 = 1000;

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_audit).service(get_manager_disclosure).service(get_enterprise_disclosure);
}

/// List who looked at personal data
///
/// Who, whom, when, on what request, oldest first; for the provincial office and the auditor (scope `audit:read`). A request says what it wants the data for in
/// the header `Purpose-Reference`, by the number of a letter or a file.
#[utoipa::path(tag = "administration", params(AuditFilter, PageParams),
    responses((status = 200, description = "A page of looks", body = List<LookLine>)))]
#[get("/audit")]
async fn list_audit(request: HttpRequest, caller: Caller, page: Page<AuditFilter>) -> Result<HttpResponse, Problem> {
    caller.reads(Area::Audit)?;
    made_page(&request, &caller.service, page, |connection, filter, keyset| {
        let mut lines = views::list(connection, filter, keyset)?;
        let limit = usize::try_from(keyset.limit - 1).unwrap_or(1);
        let more = lines.len() > limit;
        lines.truncate(limit);
        let last = lines.last().filter(|_| more).map(|line| (line.number.to_string(), String::new()));
        let docs: Result<Vec<String>, _> = lines.iter().map(serde_json::to_string).collect();
        let docs = docs.map_err(ReadError::from)?;
        Ok(MadePage { docs, last, as_of_position: head_position(connection)? })
    })
    .await
}

/// Disclose everything about a manager
///
/// All personal data with when and by whom each value was recorded, where it is used, what was done with it and by which provision, who
/// looked at it. For the provincial office and the organisation that registered the person, to be handed to the person who asks. It is
/// itself recorded as a look.
#[utoipa::path(tag = "managers", params(("id" = Uuid, Path, description = "The manager")),
    responses((status = 200, description = "Everything", body = Disclosure)))]
#[get("/managers/{id}/disclosures")]
async fn get_manager_disclosure(caller: Caller, id: IdPath, _: Params<NoFilter>) -> Result<HttpResponse, Problem> {
    disclose::<Manager>(caller, id.0, move |connection, manager| {
        let appointments = manager.appointments.iter();
        let mut uses: Vec<Use> =
            appointments.map(|held| Use { kind: UseKind::Appointment, id: held.cooperative }).collect();
        uses.extend(uses_of(connection, UseKind::Certification, PUT_FORWARD, id.0)?);
        uses.extend(uses_of(connection, UseKind::Training, ATTENDED, id.0)?);
        Ok(uses)
    })
    .await
}

/// Disclose everything about the owner of an enterprise
///
/// As for a manager.
#[utoipa::path(tag = "enterprises", params(("id" = Uuid, Path, description = "The enterprise")),
    responses((status = 200, description = "Everything", body = Disclosure)))]
#[get("/enterprises/{id}/disclosures")]
async fn get_enterprise_disclosure(caller: Caller, id: IdPath, _: Params<NoFilter>) -> Result<HttpResponse, Problem> {
    disclose::<Enterprise>(caller, id.0, move |connection, _| {
        let financings = of_beneficiary(connection, Scope::All, &id.0.to_string())?;
        let financing = |id: &String| Ok(Use { kind: UseKind::Financing, id: Uuid::parse_str(id)? });
        let mut uses = financings.iter().map(financing).collect::<Result<Vec<Use>, ReadError>>()?;
        uses.extend(uses_of(connection, UseKind::Training, ATTENDED, id.0)?);
        Ok(uses)
    })
    .await
}

/// The resources that assert a fact about a record now.
fn uses_of(connection: &mut AnyConnection, kind: UseKind, measure: &str, record: Uuid) -> Result<Vec<Use>, ReadError> {
    let facts = current_facts(connection, measure, record)?;
    facts.iter().map(|fact| Ok(Use { kind, id: Uuid::parse_str(&fact.resource)? })).collect()
}

async fn disclose<R: HoldsPerson + Present + Stored>(
    caller: Caller,
    id: Uuid,
    uses: impl FnOnce(&mut AnyConnection, &R) -> Result<Vec<Use>, ReadError> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let (actor, scope) = caller.reads(R::AREA)?;
    let vault = caller.service.vault.clone();
    let read = caller.service.read(move |connection| {
        let row = R::find(connection, &id.to_string())?.ok_or_else(|| Refusal::not_found(R::KIND, id))?;
        let state: R = serde_json::from_str(&row.doc).map_err(ReadError::from)?;
        if scope != Scope::All && !state.admits(scope, connection)? {
            return Err(Refusal::not_found(R::KIND, id).into());
        }
        require_disclosing(&actor, &state)?;
        let position = head_position(connection)?;
        let events = stream_up_to(connection, R::KIND, id, position)?;
        let uses = uses(connection, &state)?;
        disclosure(connection, &vault, (&state, id), &events, uses, position)
    });
    let (shown, seen) = read.await?;
    if seen.is_empty() {
        return Ok(json_reply(&shown));
    }
    record_looks(&caller, seen).await?;
    Ok(private_reply(&shown))
}

/// Who may be told everything: the provincial office, and whoever registered the person unless processing is restricted.
fn require_disclosing<R: HoldsPerson>(actor: &Actor, state: &R) -> Result<(), Problem> {
    let (region, owner) = (state.home().0, state.stamp().recorded_by);
    let discloses = reach(actor, Action::Disclose, R::AREA).admits(region, owner);
    if discloses && personal_data(actor, R::AREA, (region, owner), state.standing().restricted) {
        return Ok(());
    }
    let why = Text::fixed(
        "Keterangan lengkap hanya untuk dinas provinsi dan organisasi yang mendaftarkan orangnya, selama pengolahannya tidak dibatasi.",
        "Everything is told to the provincial office only, and to the organisation that registered the person while processing is not restricted.",
    );
    Err(Refusal::new(&FORBIDDEN, why).into())
}

fn disclosure<R: HoldsPerson>(
    connection: &mut AnyConnection,
    vault: &Vault,
    (state, id): (&R, Uuid),
    events: &[Event],
    uses: Vec<Use>,
    position: i64,
) -> Result<(Disclosure, Vec<Seen>), Problem> {
    let key = Vault::keys(connection, &[state.subject().to_string()])?.pop();
    let (mut versions, mut done) = (Vec::new(), Vec::new());
    for event in events {
        let data: Value = serde_json::from_str(&event.data).map_err(ReadError::from)?;
        if let (Some(key), Some(sealed)) = (&key, data["sealed"].as_str()) {
            versions.push((event, open_person(vault, key, sealed)?));
        }
        done.push(processing(event, told_data(event).map_err(ReadError::from)?));
    }
    let values = values(&versions)?;
    let person = versions.pop().map(|(_, person)| person);
    let personal_data = match (&person, state.standing().restricted) {
        (None, _) => PersonalData::Erased,
        (Some(_), true) => PersonalData::Restricted,
        (Some(_), false) => PersonalData::Shown,
    };
    let seen = person.iter().map(|_| Seen { kind: R::KIND, record: id, subject: state.subject() }).collect();
    let (looks, looks_total) = views::latest(connection, id, LOOKS_MAX)?;
    let shown = Disclosure {
        id,
        kind: R::KIND,
        personal_data,
        person,
        values,
        uses,
        processing: done,
        looks,
        looks_total,
        as_of_position: position,
    };
    Ok((shown, seen))
}
