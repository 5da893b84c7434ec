//! Addresses of enterprises.

use actix_web::{HttpRequest, HttpResponse, get, post};
use deserr::Deserr;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::commands::RegisterSealedEnterprise;
use super::size::{SizeBasis, SizeClass, SizeRule};
use super::state::Enterprise;
use super::views::{self, EnterpriseFilter};
use crate::kernel::{Faults, Name, Person, PersonalData, Region};
use crate::ledger::Stamp;
use crate::storage::AnyConnection;
use crate::web::{
    AsOfParams, Caller, Command, IdPath, List, Page, PageParams, Params, Present, Problem, Viewer, listing,
    present_persons, seal_person, show,
};

impl Present for Enterprise {
    const PATH: &'static str = "enterprises";
    const REWRITES: bool = true;

    fn present(viewer: &Viewer, connection: &mut AnyConnection, docs: Vec<String>) -> Result<Vec<String>, Problem> {
        present_persons(viewer, connection, &docs)
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
    /// What its size was judged on.
    size_basis: SizeBasis,
    /// Its class.
    size_class: SizeClass,
    /// The rule it was judged by.
    size_rule: SizeRule,
    /// Whether `person` is shown, hidden or erased.
    personal_data: PersonalData,
    /// The owner's data, for the provincial office and the organisation that registered the enterprise.
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

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config.service(register_enterprise).service(list_enterprises).service(get_enterprise);
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
#[utoipa::path(tag = "enterprises", params(EnterpriseFilter, PageParams),
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
