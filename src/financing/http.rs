//! Addresses of financings.

use actix_web::{HttpRequest, HttpResponse, get, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::commands::{Apply, Approve, Disburse, Reject, SignContract, WithdrawApplication};
use super::events::Contract;
use super::servicing::{ReportCollectibility, Reverse, Settle};
use super::state::Financing;
use super::views::{self, FinancingFilter};
use crate::web::{
    AsOfParams, Caller, Command, IdPath, List, Page, PageParams, Params, Present, Problem, listing, show,
};

impl Present for Financing {
    const PATH: &'static str = "financings";
}

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(apply_for_financing)
        .service(list_financings)
        .service(get_financing)
        .service(approve_financing)
        .service(reject_financing)
        .service(withdraw_financing)
        .service(sign_contract)
        .service(disburse_financing)
        .service(report_collectibility)
        .service(settle_financing)
        .service(reverse_financing_event);
}

/// Apply for financing
///
/// A bank for itself, or the provincial office for any bank.
#[utoipa::path(tag = "financing", request_body = Apply,
    responses((status = 201, description = "Applied", body = Financing)))]
#[post("/financings")]
async fn apply_for_financing(command: Command<Apply>) -> Result<HttpResponse, Problem> {
    command.create().await
}

/// List financings
///
/// A bank sees its own.
#[utoipa::path(tag = "financing", params(FinancingFilter, PageParams),
    responses((status = 200, description = "A page", body = List<Financing>)))]
#[get("/financings")]
async fn list_financings(
    request: HttpRequest,
    caller: Caller,
    page: Page<FinancingFilter>,
) -> Result<HttpResponse, Problem> {
    listing::<Financing, _, _>(&request, caller, page, |connection, _, scope, filter, keyset| {
        views::list(connection, scope, filter, keyset)
    })
    .await
}

/// Read one financing
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing"), AsOfParams),
    responses((status = 200, description = "The financing", body = Financing)))]
#[get("/financings/{id}")]
async fn get_financing(
    request: HttpRequest,
    caller: Caller,
    id: IdPath,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    show::<Financing>(request, caller, id.0, params.0).await
}

/// Approve an application
///
/// What was asked for, or less or more, is approved.
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = Approve,
    responses((status = 200, description = "Approved", body = Financing)))]
#[post("/financings/{id}/approvals")]
async fn approve_financing(id: IdPath, command: Command<Approve>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Reject an application
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = Reject,
    responses((status = 200, description = "Rejected", body = Financing)))]
#[post("/financings/{id}/rejections")]
async fn reject_financing(id: IdPath, command: Command<Reject>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Withdraw an application
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = WithdrawApplication,
    responses((status = 200, description = "Withdrawn", body = Financing)))]
#[post("/financings/{id}/withdrawals")]
async fn withdraw_financing(id: IdPath, command: Command<WithdrawApplication>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Record the signed contract
///
/// The plafon never exceeds the approved amount; the akad number is unique per lender.
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = Contract,
    responses((status = 200, description = "Recorded", body = Financing)))]
#[post("/financings/{id}/contracts")]
async fn sign_contract(id: IdPath, command: Command<SignContract>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Record a disbursement
///
/// One tranche. The sum of all tranches never exceeds the plafon.
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = Disburse,
    responses((status = 200, description = "Recorded", body = Financing)))]
#[post("/financings/{id}/disbursements")]
async fn disburse_financing(id: IdPath, command: Command<Disburse>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Report collectibility
///
/// The class is as the lender reports it; days past due that suggest another are flagged as `mismatch`.
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = ReportCollectibility,
    responses((status = 200, description = "Recorded", body = Financing)))]
#[post("/financings/{id}/collectibility-reports")]
async fn report_collectibility(id: IdPath, command: Command<ReportCollectibility>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Record that a financing is settled
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = Settle,
    responses((status = 200, description = "Settled", body = Financing)))]
#[post("/financings/{id}/settlements")]
async fn settle_financing(id: IdPath, command: Command<Settle>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Reverse an earlier event
///
/// The financing returns to what it would be without the event. When later events depend on it, they are listed and must be reversed first.
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = Reverse,
    responses((status = 200, description = "Reversed", body = Financing)))]
#[post("/financings/{id}/reversals")]
async fn reverse_financing_event(id: IdPath, command: Command<Reverse>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}
