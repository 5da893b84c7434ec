//! Addresses of managers.

use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use deserr::Deserr;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::commands::{AmendSealed, Appoint, Depart, RegisterSealed};
use super::state::{Appointment, Manager};
use super::views::{self, ManagerFilter, PUT_FORWARD};
use crate::kernel::{Faults, Person, PersonChanges, PersonalData, Region, Scope};
use crate::ledger::Stamp;
use crate::persons::{ErasePerson, LiftRestriction, OnPerson, RefuseErasure, RestrictProcessing};
use crate::storage::{AnyConnection, ReadError, current_facts};
use crate::web::{
    AsOfParams, Caller, Command, IdPath, List, Page, PageParams, Params, Present, Problem, SortParams, Stored, Viewer,
    amend_resealed, listing, present_persons, reseal_person, seal_person, show, show_history,
};

impl Present for Manager {
    const PATH: &'static str = "managers";
    const REWRITES: bool = true;
    const ADMITS_BY_HOME: bool = false;

    fn present(viewer: &Viewer, connection: &mut AnyConnection, docs: Vec<String>) -> Result<Vec<String>, Problem> {
        present_persons::<Self>(viewer, connection, &docs)
    }

    /// A certifier sees the managers put forward to it.
    fn admits(&self, scope: Scope, connection: &mut AnyConnection) -> Result<bool, Problem> {
        let Scope::Organisation(certifier) = scope else {
            return Ok(scope.admits(self.region, self.stamp.recorded_by));
        };
        let put_forward = current_facts(connection, PUT_FORWARD, self.stamp.id)?;
        Ok(put_forward.iter().any(|fact| fact.value == certifier.to_string()))
    }
}

/// A manager as it is shown.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the answer; it is made from the stored document")]
pub struct ManagerDocument {
    /// About the record.
    #[schema(inline)]
    #[serde(flatten)]
    stamp: Stamp,
    /// Where.
    region: Region,
    /// Whether the data was erased.
    erased: bool,
    /// Roles held now and before.
    appointments: Vec<Appointment>,
    /// Whether `person` is shown, hidden, erased, or restricted to the provincial office.
    personal_data: PersonalData,
    /// The person's data, for the provincial office, the regency of the region, and auditors.
    person: Option<Person>,
}

/// A person to be put on record.
#[derive(Clone, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"region": "64.72", "person": {"name": "Contoh Nama (fiktif)", "nik_orang": "6472014101800001"}}))]
pub struct RegisterManager {
    /// Where.
    region: Region,
    /// The person's data; sealed before anything is recorded.
    person: Person,
}

/// Changes to a person's data.
#[derive(Clone, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"person": {"phone": "0541-111111"}}))]
pub struct AmendManager {
    /// What changes.
    person: PersonChanges,
}

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(register_manager)
        .service(list_managers)
        .service(get_manager)
        .service(amend_manager)
        .service(list_manager_history)
        .service(appoint_manager)
        .service(depart_manager)
        .service(erase_manager)
        .service(refuse_manager_erasure)
        .service(restrict_manager)
        .service(lift_manager_restriction);
}

/// Register a manager
///
/// Name, identity number, phone and address are sealed under a key of their own. The same identity number twice is refused, with the id of the
/// record that has it for those who may see the person. That somebody is registered is a look at them, on record as such; whoever comes upon too
/// many whom they may not see is answered 429 for a while.
#[utoipa::path(tag = "managers", request_body = RegisterManager,
    responses((status = 201, description = "Registered", body = ManagerDocument)))]
#[post("/managers")]
async fn register_manager(command: Command<RegisterManager>) -> Result<HttpResponse, Problem> {
    if command.body.person.nik_orang.is_some() {
        command.caller.require_room_for_guesses()?;
    }
    let (key, sealed) = seal_person(&command.caller.service, command.id, &command.body.person, true)?;
    let region = command.body.region;
    command.with(RegisterSealed { region, sealed, key }).create().await
}

/// List managers
#[utoipa::path(tag = "managers", params(ManagerFilter, PageParams, SortParams),
    responses((status = 200, description = "A page", body = List<ManagerDocument>)))]
#[get("/managers")]
async fn list_managers(
    request: HttpRequest,
    caller: Caller,
    page: Page<ManagerFilter>,
) -> Result<HttpResponse, Problem> {
    listing::<Manager, _, _>(&request, caller, page, |connection, _, scope, filter, keyset| {
        views::list(connection, scope, filter, keyset)
    })
    .await
}

/// Read one manager
#[utoipa::path(tag = "managers", params(("id" = Uuid, Path, description = "The manager"), AsOfParams),
    responses((status = 200, description = "The manager", body = ManagerDocument)))]
#[get("/managers/{id}")]
async fn get_manager(
    request: HttpRequest,
    caller: Caller,
    id: IdPath,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    show::<Manager>(request, caller, id.0, params.0).await
}

/// Amend a manager's personal data
#[utoipa::path(tag = "managers", params(("id" = Uuid, Path, description = "The manager")), request_body = AmendManager,
    responses((status = 200, description = "Amended", body = ManagerDocument)))]
#[patch("/managers/{id}")]
async fn amend_manager(id: IdPath, command: Command<AmendManager>) -> Result<HttpResponse, Problem> {
    command.require_id(id.0)?;
    if command.body.person.nik_orang.is_some() {
        command.caller.require_room_for_guesses()?;
    }
    amend_resealed(&command.caller, &command.context, id.0, async || seal_changes(&command, id.0).await).await
}

/// Opens the manager's data, makes the changes and seals it again. When there is nothing to open, the decision says why.
async fn seal_changes(command: &Command<AmendManager>, id: Uuid) -> Result<AmendSealed, Problem> {
    let service = &command.caller.service;
    let row = service.look_up(move |connection| Ok(Manager::find(connection, &id.to_string())?)).await?;
    let manager = row.map(|row| serde_json::from_str::<Manager>(&row.doc)).transpose().map_err(ReadError::from)?;
    let Some(manager) = manager.filter(|manager| !manager.erased) else {
        return Ok(AmendSealed { based_on: String::new(), changed: None });
    };
    let based_on = manager.sealed.clone();
    let changed =
        reseal_person(&command.caller.service, manager.subject, manager.sealed, command.body.person.clone(), true)
            .await?;
    Ok(AmendSealed { based_on, changed })
}

/// Read the history of a manager
///
/// Its events, oldest first; personal data stays sealed.
#[utoipa::path(tag = "managers", params(("id" = Uuid, Path, description = "The manager"), AsOfParams),
    responses((status = 200, description = "Its events", body = List<serde_json::Value>)))]
#[get("/managers/{id}/history")]
async fn list_manager_history(caller: Caller, id: IdPath, params: Params<AsOfParams>) -> Result<HttpResponse, Problem> {
    show_history::<Manager>(caller, id.0, params.0).await
}

/// Appoint a manager to a role at a cooperative
#[utoipa::path(tag = "managers", params(("id" = Uuid, Path, description = "The manager")), request_body = Appoint,
    responses((status = 200, description = "Appointed", body = ManagerDocument)))]
#[post("/managers/{id}/appointments")]
async fn appoint_manager(id: IdPath, command: Command<Appoint>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// End a manager's role at a cooperative
#[utoipa::path(tag = "managers", params(("id" = Uuid, Path, description = "The manager")), request_body = Depart,
    responses((status = 200, description = "Departed", body = ManagerDocument)))]
#[post("/managers/{id}/departures")]
async fn depart_manager(id: IdPath, command: Command<Depart>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Erase a manager's personal data
///
/// Destroys the key. Events and proofs stay; what they say about the person cannot be read any more, by anyone.
#[utoipa::path(tag = "managers", params(("id" = Uuid, Path, description = "The manager")), request_body = ErasePerson,
    responses((status = 200, description = "Erased", body = ManagerDocument)))]
#[post("/managers/{id}/erasures")]
async fn erase_manager(id: IdPath, command: Command<ErasePerson>) -> Result<HttpResponse, Problem> {
    command.map(OnPerson::<Manager, _>::of).on(id.0).await
}

/// Refuse to erase a manager's personal data
///
/// Records the ground and the provision that keep the data (UU 27/2022 pasal 15). Changes nothing else; the person's disclosure tells of it.
#[utoipa::path(tag = "managers", params(("id" = Uuid, Path, description = "The manager")), request_body = RefuseErasure,
    responses((status = 200, description = "Recorded", body = ManagerDocument)))]
#[post("/managers/{id}/erasure-refusals")]
async fn refuse_manager_erasure(id: IdPath, command: Command<RefuseErasure>) -> Result<HttpResponse, Problem> {
    command.map(OnPerson::<Manager, _>::of).on(id.0).await
}

/// Restrict the processing of a manager's personal data
///
/// From now on nobody but the provincial office reads it, as it is or as it was, and nobody amends it.
#[utoipa::path(tag = "managers", params(("id" = Uuid, Path, description = "The manager")), request_body = RestrictProcessing,
    responses((status = 200, description = "Restricted", body = ManagerDocument)))]
#[post("/managers/{id}/restrictions")]
async fn restrict_manager(id: IdPath, command: Command<RestrictProcessing>) -> Result<HttpResponse, Problem> {
    command.map(OnPerson::<Manager, _>::of).on(id.0).await
}

/// Lift the restriction on a manager's personal data
///
/// Only the provincial office may.
#[utoipa::path(tag = "managers", params(("id" = Uuid, Path, description = "The manager")), request_body = LiftRestriction,
    responses((status = 200, description = "Lifted", body = ManagerDocument)))]
#[post("/managers/{id}/restriction-liftings")]
async fn lift_manager_restriction(id: IdPath, command: Command<LiftRestriction>) -> Result<HttpResponse, Problem> {
    command.map(OnPerson::<Manager, _>::of).on(id.0).await
}
