//! Addresses of cooperatives.

use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use serde_json::Value;
use utoipa_actix_web::service_config::ServiceConfig;

use super::commands::{
    AmendCooperative, Deactivate, Dissolve, GrantLicence, RatifyLegalEntity, Reactivate, RegisterCooperative,
};
use super::state::Cooperative;
use super::views::{self, CooperativeFilter};
use crate::kernel::{Action, Actor, Scope, reach};
use crate::ledger::Resource;
use crate::storage::{AnyConnection, ReadError};
use crate::web::{
    AsOfParams, Caller, Command, IdPath, List, NamedSortParams, Page, PageParams, Params, Present, Problem, Viewer,
    listing, show, show_history,
};

impl Present for Cooperative {
    const PATH: &'static str = "cooperatives";

    fn rewrites_for(actor: Option<&Actor>) -> bool {
        !actor.is_some_and(|actor| reach(actor, Action::ReadInFull, Cooperative::AREA) == Scope::All)
    }

    /// Who does not read cooperatives in full is told the public facts.
    fn present(viewer: &Viewer, _: &mut AnyConnection, docs: Vec<String>) -> Result<Vec<String>, Problem> {
        if !Self::rewrites_for(viewer.actor.as_ref()) {
            return Ok(docs);
        }
        let public = |doc: String| -> Result<String, ReadError> {
            let mut doc: serde_json::Map<String, Value> = serde_json::from_str(&doc)?;
            doc.retain(|name, _| PUBLIC_FACTS.contains(&name.as_str()));
            Ok(serde_json::to_string(&doc)?)
        };
        docs.into_iter().map(|doc| public(doc).map_err(Problem::from)).collect()
    }
}

/// What is public of a cooperative: what stands in the official registers, and how healthy it was determined to be. Whoever adds a member to the
/// document decides whether it belongs here.
const PUBLIC_FACTS: [&str; 16] = [
    "id",
    "version",
    "position",
    "recorded_by",
    "recorded_at",
    "updated_at",
    "name",
    "kind",
    "region",
    "status",
    "nik_koperasi",
    "badan_hukum",
    "licences",
    "address",
    "health",
    "ratings",
];

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(register_cooperative)
        .service(list_cooperatives)
        .service(get_cooperative)
        .service(amend_cooperative)
        .service(list_cooperative_history)
        .service(ratify_legal_entity)
        .service(grant_licence)
        .service(deactivate_cooperative)
        .service(reactivate_cooperative)
        .service(dissolve_cooperative);
}

/// Register a cooperative
///
/// A regency registers those of its own region. The same `nik_koperasi`, or the same *badan hukum* number in a region, is refused with the id
/// of the record that has it.
#[utoipa::path(tag = "cooperatives", request_body = RegisterCooperative,
    responses((status = 201, description = "Registered", body = Cooperative)))]
#[post("/cooperatives")]
async fn register_cooperative(command: Command<RegisterCooperative>) -> Result<HttpResponse, Problem> {
    command.create().await
}

/// List cooperatives
///
/// Banks find those they may lend to by `health_category=sehat&certified_manager=true`. They are told the public facts: identity, licences,
/// address, status and health category, without `warnings` and `working`.
#[utoipa::path(tag = "cooperatives", params(CooperativeFilter, PageParams, NamedSortParams),
    responses((status = 200, description = "A page", body = List<Cooperative>)))]
#[get("/cooperatives")]
async fn list_cooperatives(
    request: HttpRequest,
    caller: Caller,
    page: Page<CooperativeFilter>,
) -> Result<HttpResponse, Problem> {
    let today = caller.service.clock.now().day();
    listing::<Cooperative, _, _>(&request, caller, page, move |connection, _, scope, filter, keyset| {
        views::list(connection, scope, filter, today, keyset)
    })
    .await
}

/// Read one cooperative
#[utoipa::path(tag = "cooperatives", params(("id" = Uuid, Path, description = "The cooperative"), AsOfParams),
    responses((status = 200, description = "The cooperative", body = Cooperative)))]
#[get("/cooperatives/{id}")]
async fn get_cooperative(
    request: HttpRequest,
    caller: Caller,
    id: IdPath,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    show::<Cooperative>(request, caller, id.0, params.0).await
}

/// Amend details of a cooperative
///
/// Only what is named changes; naming what already is changes nothing.
#[utoipa::path(tag = "cooperatives", params(("id" = Uuid, Path, description = "The cooperative")), request_body = AmendCooperative,
    responses((status = 200, description = "Amended", body = Cooperative)))]
#[patch("/cooperatives/{id}")]
async fn amend_cooperative(id: IdPath, command: Command<AmendCooperative>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Read the history of a cooperative
///
/// Its events, oldest first: who, when it happened, when it was recorded, what. Banks are told the public facts alone, by
/// `/v1/cooperatives/{id}/timeline`.
#[utoipa::path(tag = "cooperatives", params(("id" = Uuid, Path, description = "The cooperative"), AsOfParams),
    responses((status = 200, description = "Its events", body = List<serde_json::Value>)))]
#[get("/cooperatives/{id}/history")]
async fn list_cooperative_history(
    caller: Caller,
    id: IdPath,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    show_history::<Cooperative>(caller, id.0, params.0).await
}

/// Record a ratification as legal entity
#[utoipa::path(tag = "cooperatives", params(("id" = Uuid, Path, description = "The cooperative")), request_body = RatifyLegalEntity,
    responses((status = 200, description = "Recorded", body = Cooperative)))]
#[post("/cooperatives/{id}/legal-entities")]
async fn ratify_legal_entity(id: IdPath, command: Command<RatifyLegalEntity>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Record a licence
#[utoipa::path(tag = "cooperatives", params(("id" = Uuid, Path, description = "The cooperative")), request_body = GrantLicence,
    responses((status = 200, description = "Recorded", body = Cooperative)))]
#[post("/cooperatives/{id}/licences")]
async fn grant_licence(id: IdPath, command: Command<GrantLicence>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Deactivate a cooperative
#[utoipa::path(tag = "cooperatives", params(("id" = Uuid, Path, description = "The cooperative")), request_body = Deactivate,
    responses((status = 200, description = "Deactivated", body = Cooperative)))]
#[post("/cooperatives/{id}/deactivations")]
async fn deactivate_cooperative(id: IdPath, command: Command<Deactivate>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Reactivate a cooperative
#[utoipa::path(tag = "cooperatives", params(("id" = Uuid, Path, description = "The cooperative")), request_body = Reactivate,
    responses((status = 200, description = "Reactivated", body = Cooperative)))]
#[post("/cooperatives/{id}/reactivations")]
async fn reactivate_cooperative(id: IdPath, command: Command<Reactivate>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Dissolve a cooperative
#[utoipa::path(tag = "cooperatives", params(("id" = Uuid, Path, description = "The cooperative")), request_body = Dissolve,
    responses((status = 200, description = "Dissolved", body = Cooperative)))]
#[post("/cooperatives/{id}/dissolutions")]
async fn dissolve_cooperative(id: IdPath, command: Command<Dissolve>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}
