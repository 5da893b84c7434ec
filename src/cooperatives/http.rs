//! Addresses of cooperatives.

use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::commands::{
    AmendCooperative, Deactivate, Dissolve, GrantLicence, RatifyLegalEntity, Reactivate, RegisterCooperative,
};
use super::state::Cooperative;
use super::views::{self, CooperativeFilter};
use crate::web::{
    AsOfParams, Caller, Command, IdPath, List, NamedSortParams, Page, PageParams, Params, Present, Problem, listing,
    show, show_history,
};

impl Present for Cooperative {
    const PATH: &'static str = "cooperatives";
}

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
/// Banks find those they may lend to by `health_category=sehat&certified_manager=true`.
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
/// Its events, oldest first: who, when it happened, when it was recorded, what.
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
