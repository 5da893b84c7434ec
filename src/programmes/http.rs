//! Addresses of programmes and measures. All of it can be read by anyone.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::commands::{CloseProgramme, Enrol, Launch, ReviseTarget};
use super::measures::Measure;
use super::progress::{Evidence, Progress, evidence, progress};
use super::state::Programme;
use super::views;
use crate::kernel::problem_codes::NOT_FOUND;
use crate::kernel::{Date, Refusal, Text, Timestamp};
use crate::ledger::{Resource, fold_stream};
use crate::storage::{AnyConnection, AsOf, ReadError, stream_up_to};
use crate::web::{
    AsOfParams, Command, IdPath, List, NoFilter, Page, PageParams, Params, Present, Problem, ReportParams, ReportPoint,
    Service, SortParams, json_reply, listing_for_all, read_known, report_point, show_to_all,
};

impl Present for Programme {
    const PATH: &'static str = "programmes";
}

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(launch_programme)
        .service(list_programmes)
        .service(get_programme)
        .service(revise_target)
        .service(enrol_participant)
        .service(close_programme)
        .service(get_progress)
        .service(get_evidence);
}

/// Launch a programme
///
/// Only the provincial office may.
#[utoipa::path(tag = "programmes", request_body = Launch,
    responses((status = 201, description = "Launched", body = Programme)))]
#[post("/programmes")]
async fn launch_programme(command: Command<Launch>) -> Result<HttpResponse, Problem> {
    command.create().await
}

/// List programmes
#[utoipa::path(tag = "programmes", security(()), params(PageParams, SortParams),
    responses((status = 200, description = "A page", body = List<Programme>)))]
#[get("/programmes")]
async fn list_programmes(
    request: HttpRequest,
    service: web::Data<Service>,
    page: Page<NoFilter>,
) -> Result<HttpResponse, Problem> {
    listing_for_all::<Programme, _, _>(&request, &service, page, views::list).await
}

/// Read one programme
#[utoipa::path(tag = "programmes", security(()), params(("id" = Uuid, Path, description = "The programme"), AsOfParams),
    responses((status = 200, description = "The programme", body = Programme)))]
#[get("/programmes/{id}")]
async fn get_programme(
    request: HttpRequest,
    service: web::Data<Service>,
    id: IdPath,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    show_to_all::<Programme>(request, &service, id.0, params.0).await
}

/// Revise a target
#[utoipa::path(tag = "programmes", params(("id" = Uuid, Path, description = "The programme")), request_body = ReviseTarget,
    responses((status = 200, description = "Revised", body = Programme)))]
#[post("/programmes/{id}/targets")]
async fn revise_target(id: IdPath, command: Command<ReviseTarget>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Enrol a participant
#[utoipa::path(tag = "programmes", params(("id" = Uuid, Path, description = "The programme")), request_body = Enrol,
    responses((status = 200, description = "Enrolled", body = Programme)))]
#[post("/programmes/{id}/participants")]
async fn enrol_participant(id: IdPath, command: Command<Enrol>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Close a programme
#[utoipa::path(tag = "programmes", params(("id" = Uuid, Path, description = "The programme")), request_body = CloseProgramme,
    responses((status = 200, description = "Closed", body = Programme)))]
#[post("/programmes/{id}/closures")]
async fn close_programme(id: IdPath, command: Command<CloseProgramme>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// The programme as of a point, and the point.
fn programme_at(
    connection: &mut AnyConnection,
    id: Uuid,
    known: Option<AsOf>,
    per_tanggal: Option<Date>,
    now: Timestamp,
) -> Result<(Programme, ReportPoint), Problem> {
    let point = report_point(connection, known, per_tanggal, now)?;
    let events = stream_up_to(connection, Programme::KIND, id, point.position)?;
    let programme = fold_stream::<Programme>(&events).map_err(ReadError::Corrupt)?;
    let programme = programme.ok_or_else(|| Refusal::not_found(Programme::KIND, id))?;
    Ok((programme, point))
}

/// Read a programme's progress
///
/// Each target with what is reached and remains, per regency and per day. `diketahui_pada` (or `as_of`) tells it as it was known then: later
/// corrections and reversals do not show. `per_tanggal` tells it as it was on that day: what happened later does not count. Together they answer
/// how March stood as known in May, or as known in March.
#[utoipa::path(tag = "programmes", security(()), params(("id" = Uuid, Path, description = "The programme"), ReportParams),
    responses((status = 200, description = "The progress", body = Progress)))]
#[get("/programmes/{id}/progress")]
async fn get_progress(
    service: web::Data<Service>,
    id: IdPath,
    params: Params<ReportParams>,
) -> Result<HttpResponse, Problem> {
    let ReportParams { as_of, diketahui_pada, per_tanggal } = params.0;
    let known = read_known(&service, as_of.as_deref(), diketahui_pada.as_deref()).await?;
    let now = service.clock.now();
    let shown = service
        .read(move |connection| {
            let (programme, point) = programme_at(connection, id.0, known, per_tanggal, now)?;
            Ok(progress(connection, &programme, point)?)
        })
        .await?;
    Ok(json_reply(&shown))
}

/// Read the events behind a number
///
/// The very events that were counted for a measure of the programme.
#[utoipa::path(tag = "programmes", security(()),
    params(("id" = Uuid, Path, description = "The programme"), ("measure" = Measure, Path, description = "The measure"), ReportParams),
    responses((status = 200, description = "The events", body = Evidence)))]
#[get("/programmes/{id}/progress/{measure}/evidence")]
async fn get_evidence(
    service: web::Data<Service>,
    id: IdPath,
    path: web::Path<(String, String)>,
    params: Params<ReportParams>,
) -> Result<HttpResponse, Problem> {
    let ReportParams { as_of, diketahui_pada, per_tanggal } = params.0;
    let known = read_known(&service, as_of.as_deref(), diketahui_pada.as_deref()).await?;
    let measure: Measure = serde_json::from_value(json!(path.1)).map_err(|_| {
        let why = Text::fixed(
            "Ukuran ini tidak ada; lihat GET /v1/metrics.",
            "There is no such measure; see GET /v1/metrics.",
        );
        Refusal::new(&NOT_FOUND, why)
    })?;
    let now = service.clock.now();
    let shown = service
        .read(move |connection| {
            let (programme, point) = programme_at(connection, id.0, known, per_tanggal, now)?;
            Ok(evidence(connection, &programme, measure, point)?)
        })
        .await?;
    Ok(json_reply(&shown))
}
