//! Addresses of financings.

use actix_web::{HttpRequest, HttpResponse, get, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::aftermath::{ClaimGuarantee, PayClaim, ReceiveMoney, Recover, Subrogate, WaiveClaim, WriteOffFinancing};
use super::commands::{Apply, Approve, Disburse, Reject, SignContract, Survey, Verify, WithdrawApplication};
use super::events::Contract;
use super::reversal::Reverse;
use super::servicing::{PayInstalment, ReportCollectibility, Restructure, Settle, TopUp};
use super::state::Financing;
use super::statement::{Statement, statement};
use super::summary::{FinancingSum, shown, told_apart};
use super::views::{self, FinancingFilter, SummaryParams};
use crate::ledger::{Resource, steps};
use crate::storage::{ReadError, head_position};
use crate::web::{
    AsOfParams, Caller, Command, IdPath, List, Page, PageParams, Params, Present, Problem, SortParams, json_reply,
    listing, show, show_history, show_made_of_stream,
};

impl Present for Financing {
    const PATH: &'static str = "financings";
}

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(apply_for_financing)
        .service(list_financings)
        .service(get_financing_summary)
        .service(get_financing)
        .service(list_financing_history)
        .service(get_statement)
        .service(verify_financing)
        .service(survey_financing)
        .service(approve_financing)
        .service(reject_financing)
        .service(withdraw_financing)
        .service(sign_contract)
        .service(disburse_financing)
        .service(pay_instalment)
        .service(report_collectibility)
        .service(restructure_financing)
        .service(top_up_financing)
        .service(settle_financing)
        .service(claim_guarantee)
        .service(pay_claim)
        .service(subrogate_financing)
        .service(write_off_financing)
        .service(recover_financing)
        .service(waive_claim)
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
#[utoipa::path(tag = "financing", params(FinancingFilter, PageParams, SortParams),
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

/// Read the history of a financing
///
/// Its events, oldest first: who, when it happened, when it was recorded, what, and what it changed.
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing"), AsOfParams),
    responses((status = 200, description = "Its events", body = List<serde_json::Value>)))]
#[get("/financings/{id}/history")]
async fn list_financing_history(
    caller: Caller,
    id: IdPath,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    show_history::<Financing>(caller, id.0, params.0).await
}

/// Read the statement of a financing
///
/// Every step by the day it is about, what they add up to, and how far what the lender reports as owed drifts from that.
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing"), AsOfParams),
    responses((status = 200, description = "The account", body = Statement)))]
#[get("/financings/{id}/statement")]
async fn get_statement(caller: Caller, id: IdPath, params: Params<AsOfParams>) -> Result<HttpResponse, Problem> {
    let made =
        show_made_of_stream::<Financing, _, _>(caller, id.0, params.0.as_of.as_deref(), |own, events, position| {
            let steps = steps::<Financing>(events).map_err(ReadError::Corrupt)?;
            Ok(statement(own, steps, position))
        });
    Ok(json_reply(&made.await?))
}

/// Record that the papers of an application were checked
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = Verify,
    responses((status = 200, description = "Recorded", body = Financing)))]
#[post("/financings/{id}/verifications")]
async fn verify_financing(id: IdPath, command: Command<Verify>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Record a visit to the applicant
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = Survey,
    responses((status = 200, description = "Recorded", body = Financing)))]
#[post("/financings/{id}/surveys")]
async fn survey_financing(id: IdPath, command: Command<Survey>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Record an instalment
///
/// The principal paid is never more than what is owed by the records.
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = PayInstalment,
    responses((status = 200, description = "Recorded", body = Financing)))]
#[post("/financings/{id}/instalments")]
async fn pay_instalment(id: IdPath, command: Command<PayInstalment>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Record new terms
///
/// Restrukturisasi: another tenor and rate, interest in arrears that becomes debt.
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = Restructure,
    responses((status = 200, description = "Recorded", body = Financing)))]
#[post("/financings/{id}/restructurings")]
async fn restructure_financing(id: IdPath, command: Command<Restructure>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Raise the plafon
///
/// Suplesi. It never makes a beneficiary count again.
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = TopUp,
    responses((status = 200, description = "Recorded", body = Financing)))]
#[post("/financings/{id}/top-ups")]
async fn top_up_financing(id: IdPath, command: Command<TopUp>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Claim on the guarantor
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = ClaimGuarantee,
    responses((status = 200, description = "Recorded", body = Financing)))]
#[post("/financings/{id}/guarantee-claims")]
async fn claim_guarantee(id: IdPath, command: Command<ClaimGuarantee>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Record what the guarantor paid
///
/// Never more than what is claimed.
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = ReceiveMoney,
    responses((status = 200, description = "Recorded", body = Financing)))]
#[post("/financings/{id}/claim-payments")]
async fn pay_claim(id: IdPath, command: Command<ReceiveMoney>) -> Result<HttpResponse, Problem> {
    let command = command.map(PayClaim);
    command.on(id.0).await
}

/// Record what the debtor paid the guarantor
///
/// Subrogasi: the guarantor stands in the place of the lender for what it paid.
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = ReceiveMoney,
    responses((status = 200, description = "Recorded", body = Financing)))]
#[post("/financings/{id}/subrogations")]
async fn subrogate_financing(id: IdPath, command: Command<ReceiveMoney>) -> Result<HttpResponse, Problem> {
    let command = command.map(Subrogate);
    command.on(id.0).await
}

/// Write a financing off
///
/// Hapus buku: out of the lender's books, and still owed.
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = WriteOffFinancing,
    responses((status = 200, description = "Recorded", body = Financing)))]
#[post("/financings/{id}/write-offs")]
async fn write_off_financing(id: IdPath, command: Command<WriteOffFinancing>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Record what came in after a write-off
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = ReceiveMoney,
    responses((status = 200, description = "Recorded", body = Financing)))]
#[post("/financings/{id}/recoveries")]
async fn recover_financing(id: IdPath, command: Command<ReceiveMoney>) -> Result<HttpResponse, Problem> {
    let command = command.map(Recover);
    command.on(id.0).await
}

/// Give a written-off debt up
///
/// Hapus tagih.
#[utoipa::path(tag = "financing", params(("id" = Uuid, Path, description = "The financing")), request_body = WaiveClaim,
    responses((status = 200, description = "Recorded", body = Financing)))]
#[post("/financings/{id}/claim-waivers")]
async fn waive_claim(id: IdPath, command: Command<WaiveClaim>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Add up financings
///
/// Counts and amounts as they stand now, told apart by lender, scheme, region, state or class. A bank sees its own.
#[utoipa::path(tag = "financing", params(SummaryParams),
    responses((status = 200, description = "The sums", body = List<FinancingSum>)))]
#[get("/financings/summary")]
async fn get_financing_summary(caller: Caller, params: Params<SummaryParams>) -> Result<HttpResponse, Problem> {
    let (_, scope) = caller.reads(Financing::AREA)?;
    let params = params.0;
    let by = told_apart(&params)?;
    let sums = caller.service.read(move |connection| {
        let rows = views::summary(connection, scope, &params, &by)?;
        let data: Result<Vec<FinancingSum>, _> = rows.iter().map(|row| shown(row, &by)).collect();
        Ok(List { data: data?, next_cursor: None, as_of_position: head_position(connection)? })
    });
    Ok(json_reply(&sums.await?))
}
