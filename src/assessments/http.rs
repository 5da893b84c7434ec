//! Addresses of assessments and regulations.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::commands::{Resubmit, Return, Submit, Withdraw};
use super::determinations::{Correct, Determine};
use super::rulebook::{self, ListedRegulation, Scoring};
use super::state::Assessment;
use super::views::{self, AssessmentFilter};
use crate::codes::OnParams;
use crate::kernel::problem_codes::{NOT_FOUND, RULE_REFUSED};
use crate::kernel::{Action, Actor, Faults, Refusal, Scope, Word, reach};
use crate::ledger::Resource;
use crate::storage::{AnyConnection, ReadError};
use crate::web::{
    AsOfParams, Caller, Command, IdPath, List, NoFilter, Page, PageParams, Params, Present, Problem, SortParams,
    Stored, Viewer, constant_reply, json_reply, listing, show,
};

impl Present for Assessment {
    const PATH: &'static str = "assessments";

    fn rewrites_for(actor: Option<&Actor>) -> bool {
        worksheets_of(actor) != Scope::All
    }

    /// A regency sees the worksheets of its own region only.
    fn present(viewer: &Viewer, _: &mut AnyConnection, docs: Vec<String>) -> Result<Vec<String>, Problem> {
        let scope = worksheets_of(viewer.actor.as_ref());
        if scope == Scope::All {
            return Ok(docs);
        }
        let redact = |doc: String| -> Result<String, ReadError> {
            let assessment: Assessment = serde_json::from_str(&doc)?;
            let (region, owner) = assessment.home();
            if scope.admits(region, owner) {
                return Ok(doc);
            }
            let mut doc: serde_json::Map<String, Value> = serde_json::from_str(&doc)?;
            doc.retain(|name, _| !WORKSHEET.contains(&name.as_str()));
            Ok(serde_json::to_string(&doc)?)
        };
        docs.into_iter().map(|doc| redact(doc).map_err(Problem::from)).collect()
    }
}

/// The members of an assessment that are withheld with the worksheet: it, and what was made of it.
const WORKSHEET: [&str; 2] = ["worksheet", "scoring"];

/// Whose worksheets are seen.
fn worksheets_of(actor: Option<&Actor>) -> Scope {
    actor.map_or(Scope::Nothing, |actor| reach(actor, Action::SeeWorksheet, Assessment::AREA))
}

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(preview_assessment)
        .service(submit_assessment)
        .service(list_assessments)
        .service(get_assessment)
        .service(get_rescored_assessment)
        .service(return_assessment)
        .service(resubmit_assessment)
        .service(withdraw_assessment)
        .service(determine_assessment)
        .service(correct_assessment)
        .service(list_regulations)
        .service(get_regulation);
}

/// A worksheet to be scored without being recorded.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"regulation": "permen-14-2009", "worksheet": {"modal_sendiri": "2804349753.60", "total_aset": "4228431187.55"}}))]
pub struct Preview {
    /// The regulation.
    regulation: Word,
    /// Contested readings that are chosen.
    #[deserr(default)]
    #[schema(nullable = false)]
    readings: Option<BTreeMap<String, String>>,
    /// The worksheet: amounts, components and answers by the keys of the regulation, which `GET /v1/regulations/{id}` lists.
    #[schema(value_type = Object)]
    worksheet: Value,
}

/// Score a worksheet without recording it
///
/// Any key may. Incomplete worksheets are scored as far as they go; there is no category below a covered weight of 100.
#[utoipa::path(tag = "assessments", request_body = Preview,
    responses((status = 200, description = "The scoring", body = Scoring)))]
#[post("/assessments/preview")]
async fn preview_assessment(command: Command<Preview>) -> Result<HttpResponse, Problem> {
    command.require_id(uuid::Uuid::nil())?;
    let Preview { regulation, readings, worksheet } = &command.body;
    let readings = readings.clone().unwrap_or_default();
    let scoring = rulebook::find(&regulation.0)?.score(worksheet, &readings);
    Ok(json_reply(&scoring.map_err(|faults| Refusal::faults(&RULE_REFUSED, faults))?))
}

/// Submit an assessment
///
/// A regency for its own region, or the council. Ratios, values, scores, total and category are computed and recorded; a stated total or
/// category that differs is kept and flagged as `discrepancy`.
#[utoipa::path(tag = "assessments", request_body = Submit,
    responses((status = 201, description = "Submitted", body = Assessment)))]
#[post("/assessments")]
async fn submit_assessment(command: Command<Submit>) -> Result<HttpResponse, Problem> {
    command.create().await
}

/// List assessments
#[utoipa::path(tag = "assessments", params(AssessmentFilter, PageParams, SortParams),
    responses((status = 200, description = "A page", body = List<Assessment>)))]
#[get("/assessments")]
async fn list_assessments(
    request: HttpRequest,
    caller: Caller,
    page: Page<AssessmentFilter>,
) -> Result<HttpResponse, Problem> {
    listing::<Assessment, _, _>(&request, caller, page, |connection, _, scope, filter, keyset| {
        views::list(connection, scope, filter, keyset)
    })
    .await
}

/// Read one assessment
#[utoipa::path(tag = "assessments", params(("id" = Uuid, Path, description = "The assessment"), AsOfParams),
    responses((status = 200, description = "The assessment", body = Assessment)))]
#[get("/assessments/{id}")]
async fn get_assessment(
    request: HttpRequest,
    caller: Caller,
    id: IdPath,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    show::<Assessment>(request, caller, id.0, params.0).await
}

/// The regulation to rescore under.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RescoreParams {
    /// The regulation.
    #[param(inline, example = "perdep-06-2016")]
    regulation: Word,
}

/// Score an assessment's worksheet under another regulation
///
/// The assessment itself does not change. A regulation with another sheet reads other worksheet keys: it is refused as `another_worksheet`, with
/// the keys that are missing in `missing`.
#[utoipa::path(tag = "assessments", params(("id" = Uuid, Path, description = "The assessment"), RescoreParams),
    responses((status = 200, description = "The scoring", body = Scoring)))]
#[get("/assessments/{id}/rescored")]
async fn get_rescored_assessment(
    caller: Caller,
    id: IdPath,
    params: Params<RescoreParams>,
) -> Result<HttpResponse, Problem> {
    let (_, scope) = caller.reaches(Action::SeeWorksheet, Assessment::AREA)?;
    let id = id.0;
    let row = caller.service.read(move |connection| Ok(Assessment::find(connection, &id.to_string())?)).await?;
    let row = row.ok_or_else(|| Refusal::not_found(Assessment::KIND, id))?;
    let assessment: Assessment = serde_json::from_str(&row.doc).map_err(ReadError::from)?;
    let (region, owner) = assessment.home();
    if !scope.admits(region, owner) {
        return Err(Refusal::not_found("worksheet", id).into());
    }
    let book = rulebook::find(&params.0.regulation.0).map_err(|mut refusal| {
        refusal.faults.iter_mut().for_each(|fault| "?regulation".clone_into(&mut fault.pointer));
        refusal
    })?;
    let scored = &assessment.scored;
    Ok(json_reply(&rulebook::rescore(&assessment.regulation, book, &scored.worksheet, &scored.scoring.readings)?))
}

/// Return an assessment to its sender
#[utoipa::path(tag = "assessments", params(("id" = Uuid, Path, description = "The assessment")), request_body = Return,
    responses((status = 200, description = "Returned", body = Assessment)))]
#[post("/assessments/{id}/returns")]
async fn return_assessment(id: IdPath, command: Command<Return>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Resubmit a returned assessment
#[utoipa::path(tag = "assessments", params(("id" = Uuid, Path, description = "The assessment")), request_body = Resubmit,
    responses((status = 200, description = "Resubmitted", body = Assessment)))]
#[post("/assessments/{id}/resubmissions")]
async fn resubmit_assessment(id: IdPath, command: Command<Resubmit>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Withdraw an assessment
#[utoipa::path(tag = "assessments", params(("id" = Uuid, Path, description = "The assessment")), request_body = Withdraw,
    responses((status = 200, description = "Withdrawn", body = Assessment)))]
#[post("/assessments/{id}/withdrawals")]
async fn withdraw_assessment(id: IdPath, command: Command<Withdraw>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Determine the category
///
/// Only the provincial office may. Other submissions for the same cooperative and book year are settled by naming them in `reconciles`. The
/// cooperative carries the rating from then on.
#[utoipa::path(tag = "assessments", params(("id" = Uuid, Path, description = "The assessment")), request_body = Determine,
    responses((status = 200, description = "Determined", body = Assessment)))]
#[post("/assessments/{id}/determinations")]
async fn determine_assessment(id: IdPath, command: Command<Determine>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Correct a determination
///
/// The correction takes the determination's place from the day of the determination on; what was known before stays readable with `as_of`.
#[utoipa::path(tag = "assessments", params(("id" = Uuid, Path, description = "The assessment")), request_body = Correct,
    responses((status = 200, description = "Corrected", body = Assessment)))]
#[post("/assessments/{id}/corrections")]
async fn correct_assessment(id: IdPath, command: Command<Correct>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// List regulations
///
/// Those whose rule book is loaded, and those we know and have not loaded, with the reason; each with the days it is in force, as far as they are
/// known.
#[utoipa::path(tag = "assessments", security(()), params(OnParams),
    responses((status = 200, description = "The regulations", body = RegulationList), (status = 304, description = "You have it already")))]
#[get("/regulations")]
async fn list_regulations(request: HttpRequest, params: Params<OnParams>) -> HttpResponse {
    constant_reply(&request, &RegulationList { data: rulebook::catalogue(params.0.on), next_cursor: None })
}

/// Regulations.
#[derive(Serialize, ToSchema)]
pub struct RegulationList {
    /// The rows.
    data: Vec<ListedRegulation>,
    /// Null: the list is one page.
    next_cursor: Option<String>,
}

/// Read a regulation's rule book
///
/// Aspects, indicators with bands and weights, questions, derived amounts, contested readings, categories, source: the data the scoring runs on.
#[utoipa::path(tag = "assessments", security(()),
    params(("id" = String, Path, description = "The regulation", example = "permen-14-2009")),
    responses((status = 200, description = "The rule book", body = serde_json::Value)))]
#[get("/regulations/{id}")]
async fn get_regulation(id: web::Path<String>, _: Params<NoFilter>) -> Result<HttpResponse, Problem> {
    let book = rulebook::find(&id).map_err(|refusal| Refusal::new(&NOT_FOUND, refusal.detail))?;
    Ok(json_reply(&book.describe()))
}
