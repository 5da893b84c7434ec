//! Addresses of trainings.

use actix_web::{HttpRequest, HttpResponse, get, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::commands::{HoldTraining, RecordAttendance};
use super::state::Training;
use super::views::{self, TrainingFilter};
use crate::web::{
    AsOfParams, Caller, Command, IdPath, List, NamedSortParams, Page, PageParams, Params, Present, Problem, listing,
    show, show_history,
};

impl Present for Training {
    const PATH: &'static str = "trainings";
}

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(hold_training)
        .service(list_trainings)
        .service(get_training)
        .service(list_training_history)
        .service(record_attendance);
}

/// Record a training
///
/// Once it was held; by the regency it was held in, or the provincial office.
#[utoipa::path(tag = "trainings", request_body = HoldTraining,
    responses((status = 201, description = "Recorded", body = Training)))]
#[post("/trainings")]
async fn hold_training(command: Command<HoldTraining>) -> Result<HttpResponse, Problem> {
    command.create().await
}

/// List trainings
#[utoipa::path(tag = "trainings", params(TrainingFilter, PageParams, NamedSortParams),
    responses((status = 200, description = "A page", body = List<Training>)))]
#[get("/trainings")]
async fn list_trainings(
    request: HttpRequest,
    caller: Caller,
    page: Page<TrainingFilter>,
) -> Result<HttpResponse, Problem> {
    listing::<Training, _, _>(&request, caller, page, |connection, _, scope, filter, keyset| {
        views::list(connection, scope, filter, keyset)
    })
    .await
}

/// Read one training
#[utoipa::path(tag = "trainings", params(("id" = Uuid, Path, description = "The training"), AsOfParams),
    responses((status = 200, description = "The training", body = Training)))]
#[get("/trainings/{id}")]
async fn get_training(
    request: HttpRequest,
    caller: Caller,
    id: IdPath,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    show::<Training>(request, caller, id.0, params.0).await
}

/// Read the history of a training
///
/// Its events, oldest first.
#[utoipa::path(tag = "trainings", params(("id" = Uuid, Path, description = "The training"), AsOfParams),
    responses((status = 200, description = "Its events", body = List<serde_json::Value>)))]
#[get("/trainings/{id}/history")]
async fn list_training_history(
    caller: Caller,
    id: IdPath,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    show_history::<Training>(caller, id.0, params.0).await
}

/// Record who attended a training
///
/// Managers and enterprises, up to 500 at a time; all or none. Who is on the list already is refused.
#[utoipa::path(tag = "trainings", params(("id" = Uuid, Path, description = "The training")), request_body = RecordAttendance,
    responses((status = 200, description = "Recorded", body = Training)))]
#[post("/trainings/{id}/attendances")]
async fn record_attendance(id: IdPath, command: Command<RecordAttendance>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}
