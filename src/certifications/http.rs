//! Addresses of certifications and certificates.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::certificates::{
    IssueCertificate, IssueDuplicate, Reinstate, RenewCertificate, RenewalTerms, Revoke, Surveil, Suspend,
};
use super::commands::{DecideAppeal, FileAppeal, RecordResult, RegisterCandidate, ScheduleAssessment};
use super::coverage::Coverage;
use super::state::{Certificate, Certification, CertificationState};
use super::views::{self, CertificationFilter, ExpiringFilter};
use crate::kernel::{Date, Faults, Name, Number, OneOf, Refusal, Text};
use crate::organisations::Organisation;
use crate::storage::{AnyConnection, ReadError};
use crate::web::{
    AsOfParams, Caller, Command, IdPath, KnownPoint, List, NoFilter, Page, PageParams, Params, Point, Present, Problem,
    Service, SortParams, Stored, Viewer, json_reply, listing, read_known, report_point, show, show_history,
};

/// Days ahead that are looked for lapsing certificates when nothing is said, and at most: ten years.
const EXPIRING_DAYS: i64 = 90;

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
        .service(list_expiring_certifications)
        .service(get_certification_coverage)
        .service(get_certification)
        .service(list_certification_history)
        .service(schedule_assessment)
        .service(record_result)
        .service(file_appeal)
        .service(decide_appeal)
        .service(issue_certificate)
        .service(issue_duplicate)
        .service(record_surveillance)
        .service(renew_certificate)
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
#[utoipa::path(tag = "certifications", params(CertificationFilter, PageParams, SortParams),
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

/// List certificates about to lapse
///
/// Those that hold today and whose last day comes within so many days; suspended and renewed ones are not among them.
#[utoipa::path(tag = "certifications", params(ExpiringFilter, PageParams, SortParams),
    responses((status = 200, description = "A page", body = List<Certification>)))]
#[get("/certifications/expiring")]
async fn list_expiring_certifications(
    request: HttpRequest,
    caller: Caller,
    page: Page<ExpiringFilter>,
) -> Result<HttpResponse, Problem> {
    let within_days = page.filter.within_days.map_or(EXPIRING_DAYS, |days| days.0);
    let today = caller.service.clock.now().day();
    let last = today.plus_days(i32::try_from(within_days).unwrap_or_default());
    listing::<Certification, _, _>(&request, caller, page, move |connection, _, scope, filter, keyset| {
        views::expiring(connection, scope, filter.region, (today, last), keyset)
    })
    .await
}

/// The day of the coverage.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CoverageParams {
    /// The day that is asked about; today, or the day of `as_of`, when left out. A day to come is answered as if nothing more happened.
    #[deserr(default)]
    #[param(inline, example = "2014-05-27")]
    on: Option<Date>,
    /// The same day, as reports call it; one that has not come is refused. Instead of `on`.
    #[deserr(default)]
    #[param(inline, example = "2014-05-27")]
    per_tanggal: Option<Date>,
    /// As recorded by then: a position of the log, or an RFC 3339 instant.
    #[deserr(default)]
    #[param(value_type = Option<Point>, inline, example = "2014-05-27T00:00:00+08:00")]
    as_of: Option<String>,
    /// As known then: as `as_of`, or a day, which means its end in East Kalimantan.
    #[deserr(default)]
    #[param(value_type = Option<KnownPoint>, inline, example = "2014-05-27")]
    diketahui_pada: Option<String>,
}

/// Read the coverage with certified managers
///
/// The share of savings-and-loan cooperatives that have a manager with a valid certificate, per regency and in total, on any day. For anyone:
/// counts only, nobody is named.
#[utoipa::path(tag = "certifications", security(()), params(CoverageParams),
    responses((status = 200, description = "The coverage", body = Coverage)))]
#[get("/certifications/coverage")]
async fn get_certification_coverage(
    service: web::Data<Service>,
    params: Params<CoverageParams>,
) -> Result<HttpResponse, Problem> {
    let CoverageParams { on, per_tanggal, as_of, diketahui_pada } = params.0;
    if on.is_some() && per_tanggal.is_some() {
        let why =
            Text::fixed("Kirim `on` atau `per_tanggal`, bukan keduanya.", "Send `on` or `per_tanggal`, not both.");
        return Err(Refusal::parameter("?per_tanggal", "given_twice", why).into());
    }
    let known = read_known(&service, as_of.as_deref(), diketahui_pada.as_deref()).await?;
    let now = service.clock.now();
    let coverage = service
        .read(move |connection| {
            let point = report_point(connection, known, per_tanggal, now)?;
            let (position, day) = (point.position, on.unwrap_or(point.day()));
            Ok(Coverage::of(&views::coverage(connection, day, position)?, day, position))
        })
        .await?;
    Ok(json_reply(&coverage))
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

/// Read the history of a certification
///
/// Its events, oldest first.
#[utoipa::path(tag = "certifications", params(("id" = Uuid, Path, description = "The certification"), AsOfParams),
    responses((status = 200, description = "Its events", body = List<serde_json::Value>)))]
#[get("/certifications/{id}/history")]
async fn list_certification_history(
    caller: Caller,
    id: IdPath,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    show_history::<Certification>(caller, id.0, params.0).await
}

/// Schedule the competence assessment
///
/// Sets the day and the place, or others than before.
#[utoipa::path(tag = "certifications", params(("id" = Uuid, Path, description = "The certification")), request_body = ScheduleAssessment,
    responses((status = 200, description = "Scheduled", body = Certification)))]
#[post("/certifications/{id}/assessment-schedules")]
async fn schedule_assessment(id: IdPath, command: Command<ScheduleAssessment>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Record the result of a competence assessment
#[utoipa::path(tag = "certifications", params(("id" = Uuid, Path, description = "The certification")), request_body = RecordResult,
    responses((status = 200, description = "Recorded", body = Certification)))]
#[post("/certifications/{id}/results")]
async fn record_result(id: IdPath, command: Command<RecordResult>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Appeal against a result
///
/// Against `belum_kompeten`, once; by the office that put the manager forward, or the certifier on the candidate's behalf.
#[utoipa::path(tag = "certifications", params(("id" = Uuid, Path, description = "The certification")), request_body = FileAppeal,
    responses((status = 200, description = "Filed", body = Certification)))]
#[post("/certifications/{id}/appeals")]
async fn file_appeal(id: IdPath, command: Command<FileAppeal>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Decide an appeal
///
/// Upheld, it changes the result to `kompeten`.
#[utoipa::path(tag = "certifications", params(("id" = Uuid, Path, description = "The certification")), request_body = DecideAppeal,
    responses((status = 200, description = "Decided", body = Certification)))]
#[post("/certifications/{id}/appeal-decisions")]
async fn decide_appeal(id: IdPath, command: Command<DecideAppeal>) -> Result<HttpResponse, Problem> {
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

/// Issue a duplicate
///
/// A copy that keeps the number, for a certificate that holds.
#[utoipa::path(tag = "certifications", params(("id" = Uuid, Path, description = "The certification")), request_body = IssueDuplicate,
    responses((status = 200, description = "Issued", body = Certification)))]
#[post("/certifications/{id}/duplicates")]
async fn issue_duplicate(id: IdPath, command: Command<IssueDuplicate>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Record a surveillance
///
/// Looks at the holder's competence while the certificate holds.
#[utoipa::path(tag = "certifications", params(("id" = Uuid, Path, description = "The certification")), request_body = Surveil,
    responses((status = 200, description = "Recorded", body = Certification)))]
#[post("/certifications/{id}/surveillances")]
async fn record_surveillance(id: IdPath, command: Command<Surveil>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Renew a certificate
///
/// The new certificate is a certification of its own; `renews` and `renewed_by` chain the two. The earlier one may have expired.
#[utoipa::path(tag = "certifications", params(("id" = Uuid, Path, description = "The certification whose certificate is renewed")),
    request_body = RenewalTerms, responses((status = 201, description = "Renewed: the new certification", body = Certification)))]
#[post("/certifications/{id}/renewals")]
async fn renew_certificate(id: IdPath, command: Command<RenewalTerms>) -> Result<HttpResponse, Problem> {
    let terms = command.body.clone();
    command.with(RenewCertificate { earlier: id.0, terms }).create().await
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
    /// `certified` when it holds today; else `suspended`, `revoked`, `renewed` or `expired`.
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
    /// Number of the certificate this one took the place of.
    renews: Option<Number>,
    /// Number of the certificate that took this one's place.
    renewed_by: Option<Number>,
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
async fn verify_certificate(
    service: web::Data<Service>,
    number: web::Path<String>,
    _: Params<NoFilter>,
) -> Result<HttpResponse, Problem> {
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
        renews: certification.renews.map(|link| link.certificate_number),
        renewed_by: certification.renewed_by.map(|link| link.certificate_number),
        others: Vec::new(),
    }))
}
