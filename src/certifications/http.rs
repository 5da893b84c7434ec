//! Addresses of certifications and certificates.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::commands::{IssueCertificate, RecordResult, RegisterCandidate, Reinstate, Revoke, Suspend};
use super::state::{Certificate, Certification, CertificationState};
use super::views::{self, CertificationFilter};
use crate::kernel::{Date, Name, Number, OneOf, Refusal};
use crate::organisations::Organisation;
use crate::storage::{AnyConnection, ReadError};
use crate::web::{
    AsOfParams, Caller, Command, IdPath, List, Page, PageParams, Params, Present, Problem, Service, Stored, Viewer,
    json_reply, listing, show,
};

impl Present for Certification {
    const PATH: &'static str = "certifications";
    const REWRITES: bool = true;
    const DEPENDS_ON_VERSION_ALONE: bool = false;

    /// Expiry is computed from the day it is looked at, never an event.
    fn present(viewer: &Viewer, _: &mut AnyConnection, docs: Vec<String>) -> Result<Vec<String>, Problem> {
        let with_expiry = |doc: String| -> Result<String, ReadError> {
            let certification: Certification = serde_json::from_str(&doc)?;
            let state = certification.state_on(viewer.on);
            if state == certification.state {
                return Ok(doc);
            }
            let mut doc: Value = serde_json::from_str(&doc)?;
            doc["state"] = state.word().into();
            Ok(doc.to_string())
        };
        docs.into_iter().map(|doc| with_expiry(doc).map_err(Problem::from)).collect()
    }
}

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(register_candidate)
        .service(list_certifications)
        .service(get_certification)
        .service(record_result)
        .service(issue_certificate)
        .service(suspend_certificate)
        .service(reinstate_certificate)
        .service(revoke_certificate)
        .service(verify_certificate);
}

/// Put a manager forward for certification
///
/// The provincial office, the regency the manager is registered in, or the certifier itself.
#[utoipa::path(tag = "certifications", request_body = RegisterCandidate,
    responses((status = 201, description = "Put forward", body = Certification)))]
#[post("/certifications")]
async fn register_candidate(command: Command<RegisterCandidate>) -> Result<HttpResponse, Problem> {
    command.create().await
}

/// List certifications
#[utoipa::path(tag = "certifications", params(CertificationFilter, PageParams),
    responses((status = 200, description = "A page", body = List<Certification>)))]
#[get("/certifications")]
async fn list_certifications(
    request: HttpRequest,
    caller: Caller,
    page: Page<CertificationFilter>,
) -> Result<HttpResponse, Problem> {
    let today = caller.service.clock.now().day();
    listing::<Certification, _, _>(&request, caller, page, move |connection, _, scope, filter, keyset| {
        views::list(connection, scope, filter, today, keyset)
    })
    .await
}

/// Read one certification
#[utoipa::path(tag = "certifications", params(("id" = Uuid, Path, description = "The certification"), AsOfParams),
    responses((status = 200, description = "The certification", body = Certification)))]
#[get("/certifications/{id}")]
async fn get_certification(
    request: HttpRequest,
    caller: Caller,
    id: IdPath,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    show::<Certification>(request, caller, id.0, params.0).await
}

/// Record the result of a competence assessment
#[utoipa::path(tag = "certifications", params(("id" = Uuid, Path, description = "The certification")), request_body = RecordResult,
    responses((status = 200, description = "Recorded", body = Certification)))]
#[post("/certifications/{id}/results")]
async fn record_result(id: IdPath, command: Command<RecordResult>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Issue a certificate
///
/// Needs the result `kompeten`. The number must be new with this certifier.
#[utoipa::path(tag = "certifications", params(("id" = Uuid, Path, description = "The certification")), request_body = IssueCertificate,
    responses((status = 200, description = "Issued", body = Certification)))]
#[post("/certifications/{id}/certificates")]
async fn issue_certificate(id: IdPath, command: Command<IssueCertificate>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Suspend a certificate
#[utoipa::path(tag = "certifications", params(("id" = Uuid, Path, description = "The certification")), request_body = Suspend,
    responses((status = 200, description = "Suspended", body = Certification)))]
#[post("/certifications/{id}/suspensions")]
async fn suspend_certificate(id: IdPath, command: Command<Suspend>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Reinstate a suspended certificate
#[utoipa::path(tag = "certifications", params(("id" = Uuid, Path, description = "The certification")), request_body = Reinstate,
    responses((status = 200, description = "Reinstated", body = Certification)))]
#[post("/certifications/{id}/reinstatements")]
async fn reinstate_certificate(id: IdPath, command: Command<Reinstate>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Revoke a certificate
#[utoipa::path(tag = "certifications", params(("id" = Uuid, Path, description = "The certification")), request_body = Revoke,
    responses((status = 200, description = "Revoked", body = Certification)))]
#[post("/certifications/{id}/revocations")]
async fn revoke_certificate(id: IdPath, command: Command<Revoke>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Whether a certificate holds. No personal data.
#[derive(Serialize, ToSchema)]
pub struct Verification {
    /// The certificate's number, as printed.
    certificate_number: Number,
    /// `certified` when it holds today; else `suspended`, `revoked` or `expired`.
    status: CertificationState,
    /// Whether it holds today.
    valid: bool,
    /// Name of the certifier.
    certifier: Option<Name>,
    /// The certification scheme.
    scheme: Name,
    /// The day of issue.
    issued_on: Date,
    /// The last day it is valid.
    valid_until: Date,
    /// Certificates of the same number by other certifiers, if there are any.
    #[schema(no_recursion)]
    others: Vec<Verification>,
}

/// Verify a certificate by its number
///
/// For anyone, without a key. Slashes in the number are written `%2F`.
#[utoipa::path(tag = "certifications", security(()),
    params(("number" = String, Path, description = "The certificate's number as printed", example = "DEMO-64-0001")),
    responses((status = 200, description = "Whether it holds", body = Verification)))]
#[get("/certificates/{number}/verification")]
async fn verify_certificate(service: web::Data<Service>, number: web::Path<String>) -> Result<HttpResponse, Problem> {
    let number = number.into_inner();
    let parsed = Number::parse(&number).map_err(|_| Refusal::not_found("certificate", &number))?;
    let today = service.clock.now().day();
    let mut found: Vec<Verification> = service
        .read(move |connection| {
            let certifications = views::by_certificate_number(connection, &parsed)?;
            certifications.into_iter().filter_map(|held| verification(connection, held, today).transpose()).collect()
        })
        .await?;
    if found.is_empty() {
        return Err(Refusal::not_found("certificate", number).into());
    }
    let mut first = found.remove(0);
    first.others = found;
    Ok(json_reply(&first))
}

fn verification(
    connection: &mut AnyConnection,
    certification: Certification,
    today: Date,
) -> Result<Option<Verification>, Problem> {
    let status = certification.state_on(today);
    let Some(certificate) = certification.certificate else {
        return Ok(None);
    };
    let Certificate { certificate_number, issued_on, valid_until, .. } = certificate;
    let certifier = Organisation::find(connection, &certification.certifier.to_string())?;
    let certifier: Option<Organisation> =
        certifier.map(|row| serde_json::from_str(&row.doc)).transpose().map_err(ReadError::from)?;
    Ok(Some(Verification {
        certificate_number,
        status,
        valid: status == CertificationState::Certified,
        certifier: certifier.map(|certifier| certifier.name),
        scheme: certification.scheme,
        issued_on,
        valid_until,
        others: Vec::new(),
    }))
}
