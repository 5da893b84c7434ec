//! Addresses of enterprises.

use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use deserr::Deserr;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::commands::{AmendSealedEnterprise, CloseEnterprise, RegisterSealedEnterprise, ResealedOwner};
use super::size::{SizeBasis, SizeClass, SizeRule};
use super::state::{Enterprise, EnterpriseStatus};
use super::views::{self, EnterpriseFilter};
use crate::kernel::{Date, Faults, Name, Person, PersonChanges, PersonalData, Region};
use crate::ledger::Stamp;
use crate::persons::{ErasePerson, LiftRestriction, OnPerson, RefuseErasure, RestrictProcessing};
use crate::storage::{AnyConnection, ReadError};
use crate::web::{
    AsOfParams, Caller, Command, IdPath, List, NamedSortParams, Page, PageParams, Params, Present, Problem, Stored,
    Viewer, amend_resealed, listing, present_persons, reseal_person, seal_person, show, show_history,
};

impl Present for Enterprise {
    const PATH: &'static str = "enterprises";
    const REWRITES: bool = true;
    // Of a person's own business these are the person's income and wealth.
    const PERSONAL: &'static [&'static str] = &["size_basis"];

    fn present(viewer: &Viewer, connection: &mut AnyConnection, docs: Vec<String>) -> Result<Vec<String>, Problem> {
        present_persons::<Self>(viewer, connection, &docs)
    }
}

/// An enterprise as it is shown.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the answer; it is made from the stored document")]
pub struct EnterpriseDocument {
    /// About the record.
    #[serde(flatten)]
    stamp: Stamp,
    /// Its name.
    name: Name,
    /// Where.
    region: Region,
    /// What it does.
    sector: Option<Name>,
    /// What its size was judged on; null for whoever may not see the owner's data.
    size_basis: Option<SizeBasis>,
    /// Its class.
    size_class: SizeClass,
    /// The rule it was judged by.
    size_rule: SizeRule,
    /// Whether it works; a closed enterprise takes no new financing.
    status: EnterpriseStatus,
    /// The last day, when it was closed.
    closed_on: Option<Date>,
    /// Whether `person` is shown, hidden, erased, or restricted to the provincial office.
    personal_data: PersonalData,
    /// The owner's data, for the provincial office, the regency of the region, and auditors.
    person: Option<Person>,
}

/// An enterprise to be put on record.
#[derive(Clone, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"name": "Warung Contoh", "region": "64.72", "owner": {"name": "Contoh Pemilik (fiktif)"},
    "size_basis": {"yearly_sales": {"value": "180000000.00", "currency": "IDR"}}}))]
pub struct RegisterEnterprise {
    /// Its name.
    name: Name,
    /// Where.
    region: Region,
    /// What it does.
    #[deserr(default)]
    #[schema(nullable = false)]
    sector: Option<Name>,
    /// The owner's data; sealed before anything is recorded.
    owner: Person,
    /// What its size is judged on.
    size_basis: SizeBasis,
}

/// Changes to an enterprise; what is named.
#[derive(Clone, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"size_basis": {"yearly_sales": {"value": "450000000.00", "currency": "IDR"}}}))]
pub struct AmendEnterprise {
    /// New name.
    #[deserr(default)]
    #[schema(nullable = false)]
    name: Option<Name>,
    /// What it does now.
    #[deserr(default)]
    #[schema(nullable = false)]
    sector: Option<Name>,
    /// What changes of the owner's data.
    #[deserr(default)]
    #[schema(nullable = false)]
    owner: Option<PersonChanges>,
    /// New figures, all of them; the size is judged again.
    #[deserr(default)]
    #[schema(nullable = false)]
    size_basis: Option<SizeBasis>,
}

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(register_enterprise)
        .service(list_enterprises)
        .service(get_enterprise)
        .service(amend_enterprise)
        .service(list_enterprise_history)
        .service(close_enterprise)
        .service(erase_enterprise)
        .service(refuse_enterprise_erasure)
        .service(restrict_enterprise)
        .service(lift_enterprise_restriction);
}

/// Register an enterprise
///
/// The owner's data is sealed. The size class is judged by the rule in force on the day of `occurred_at`.
#[utoipa::path(tag = "enterprises", request_body = RegisterEnterprise,
    responses((status = 201, description = "Registered", body = EnterpriseDocument)))]
#[post("/enterprises")]
async fn register_enterprise(command: Command<RegisterEnterprise>) -> Result<HttpResponse, Problem> {
    let (key, sealed) = seal_person(&command.caller.service, command.id, &command.body.owner, false)?;
    let RegisterEnterprise { name, region, sector, size_basis, .. } = command.body.clone();
    command.with(RegisterSealedEnterprise { name, region, sector, size_basis, sealed, key }).create().await
}

/// List enterprises
#[utoipa::path(tag = "enterprises", params(EnterpriseFilter, PageParams, NamedSortParams),
    responses((status = 200, description = "A page", body = List<EnterpriseDocument>)))]
#[get("/enterprises")]
async fn list_enterprises(
    request: HttpRequest,
    caller: Caller,
    page: Page<EnterpriseFilter>,
) -> Result<HttpResponse, Problem> {
    listing::<Enterprise, _, _>(&request, caller, page, |connection, _, scope, filter, keyset| {
        views::list(connection, scope, filter, keyset)
    })
    .await
}

/// Read one enterprise
#[utoipa::path(tag = "enterprises", params(("id" = Uuid, Path, description = "The enterprise"), AsOfParams),
    responses((status = 200, description = "The enterprise", body = EnterpriseDocument)))]
#[get("/enterprises/{id}")]
async fn get_enterprise(
    request: HttpRequest,
    caller: Caller,
    id: IdPath,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    show::<Enterprise>(request, caller, id.0, params.0).await
}

/// Amend an enterprise
///
/// Amended figures are judged again by the rule in force on the day of `occurred_at`; inputs, class and rule stay together.
#[utoipa::path(tag = "enterprises", params(("id" = Uuid, Path, description = "The enterprise")), request_body = AmendEnterprise,
    responses((status = 200, description = "Amended", body = EnterpriseDocument)))]
#[patch("/enterprises/{id}")]
async fn amend_enterprise(id: IdPath, command: Command<AmendEnterprise>) -> Result<HttpResponse, Problem> {
    command.require_id(id.0)?;
    amend_resealed(&command.caller, &command.context, id.0, async || seal_changes(&command, id.0).await).await
}

/// Opens the owner's data, makes the changes and seals it again, if it is to change.
async fn seal_changes(command: &Command<AmendEnterprise>, id: Uuid) -> Result<AmendSealedEnterprise, Problem> {
    let AmendEnterprise { name, sector, owner, size_basis } = command.body.clone();
    let mut amend = AmendSealedEnterprise { name, sector, size_basis, owner: None };
    let Some(changes) = owner else {
        return Ok(amend);
    };
    let service = &command.caller.service;
    let row = service.look_up(move |connection| Ok(Enterprise::find(connection, &id.to_string())?)).await?;
    let enterprise =
        row.map(|row| serde_json::from_str::<Enterprise>(&row.doc)).transpose().map_err(ReadError::from)?;
    let (based_on, changed) = match enterprise {
        Some(Enterprise { subject, sealed, .. }) => {
            (sealed.clone(), reseal_person(&command.caller.service, subject, sealed, changes, false).await?)
        }
        None => Default::default(),
    };
    amend.owner = Some(ResealedOwner { based_on, changed });
    Ok(amend)
}

/// Read the history of an enterprise
///
/// Its events, oldest first; the owner's data stays sealed.
#[utoipa::path(tag = "enterprises", params(("id" = Uuid, Path, description = "The enterprise"), AsOfParams),
    responses((status = 200, description = "Its events", body = List<serde_json::Value>)))]
#[get("/enterprises/{id}/history")]
async fn list_enterprise_history(
    caller: Caller,
    id: IdPath,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    show_history::<Enterprise>(caller, id.0, params.0).await
}

/// Close an enterprise
///
/// For good: it is not amended any more and takes no new financing.
#[utoipa::path(tag = "enterprises", params(("id" = Uuid, Path, description = "The enterprise")), request_body = CloseEnterprise,
    responses((status = 200, description = "Closed", body = EnterpriseDocument)))]
#[post("/enterprises/{id}/closures")]
async fn close_enterprise(id: IdPath, command: Command<CloseEnterprise>) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Erase an enterprise owner's personal data
///
/// Destroys the key. Events and proofs stay; what they say about the person cannot be read any more, by anyone.
#[utoipa::path(tag = "enterprises", params(("id" = Uuid, Path, description = "The enterprise")), request_body = ErasePerson,
    responses((status = 200, description = "Erased", body = EnterpriseDocument)))]
#[post("/enterprises/{id}/erasures")]
async fn erase_enterprise(id: IdPath, command: Command<ErasePerson>) -> Result<HttpResponse, Problem> {
    command.map(OnPerson::<Enterprise, _>::of).on(id.0).await
}

/// Refuse to erase an enterprise owner's personal data
///
/// Records the ground and the provision that keep the data (UU 27/2022 pasal 15). Changes nothing else; the person's disclosure tells of it.
#[utoipa::path(tag = "enterprises", params(("id" = Uuid, Path, description = "The enterprise")), request_body = RefuseErasure,
    responses((status = 200, description = "Recorded", body = EnterpriseDocument)))]
#[post("/enterprises/{id}/erasure-refusals")]
async fn refuse_enterprise_erasure(id: IdPath, command: Command<RefuseErasure>) -> Result<HttpResponse, Problem> {
    command.map(OnPerson::<Enterprise, _>::of).on(id.0).await
}

/// Restrict the processing of an enterprise owner's personal data
///
/// From now on nobody but the provincial office reads it, as it is or as it was, and nobody amends it.
#[utoipa::path(tag = "enterprises", params(("id" = Uuid, Path, description = "The enterprise")), request_body = RestrictProcessing,
    responses((status = 200, description = "Restricted", body = EnterpriseDocument)))]
#[post("/enterprises/{id}/restrictions")]
async fn restrict_enterprise(id: IdPath, command: Command<RestrictProcessing>) -> Result<HttpResponse, Problem> {
    command.map(OnPerson::<Enterprise, _>::of).on(id.0).await
}

/// Lift the restriction on an enterprise owner's personal data
///
/// Only the provincial office may.
#[utoipa::path(tag = "enterprises", params(("id" = Uuid, Path, description = "The enterprise")), request_body = LiftRestriction,
    responses((status = 200, description = "Lifted", body = EnterpriseDocument)))]
#[post("/enterprises/{id}/restriction-liftings")]
async fn lift_enterprise_restriction(id: IdPath, command: Command<LiftRestriction>) -> Result<HttpResponse, Problem> {
    command.map(OnPerson::<Enterprise, _>::of).on(id.0).await
}
