//! Addresses of organisations and keys.

use actix_web::{HttpRequest, HttpResponse, get, post};
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::commands::{IssueKey, RegisterOrganisation, RevokeKey};
use super::keys::NewKey;
use super::state::Organisation;
use super::views;
use crate::kernel::problem_codes::INTERNAL;
use crate::kernel::{Faults, Name, OrganisationKind, Region, Timestamp};
use crate::ledger::{Resource, fold_stream};
use crate::storage::{AnyConnection, ReadError, stream_to_version};
use crate::web::{
    AsOfParams, Caller, Command, IdPath, LEASE, List, NoFilter, Page, PageParams, Params, Present, Problem, SortParams,
    Viewer, json_reply, listing, show,
};

impl Present for Organisation {
    const PATH: &'static str = "organisations";
    const REWRITES: bool = true;

    /// Hashes of keys stay inside.
    fn present(_: &Viewer, _: &mut AnyConnection, docs: Vec<String>) -> Result<Vec<String>, Problem> {
        let without_hashes = |doc: String| -> Result<String, ReadError> {
            let mut doc: Value = serde_json::from_str(&doc)?;
            for key in doc["keys"].as_array_mut().into_iter().flatten() {
                key.as_object_mut().map(|key| key.remove("hash"));
            }
            Ok(doc.to_string())
        };
        docs.into_iter().map(|doc| without_hashes(doc).map_err(Problem::from)).collect()
    }
}

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(register_organisation)
        .service(list_organisations)
        .service(get_organisation)
        .service(issue_key)
        .service(revoke_key)
        .service(get_me);
}

/// Register an organisation
///
/// Only the provincial office may. The organisation can act once a key was issued to it.
#[utoipa::path(tag = "administration", request_body = RegisterOrganisation,
    responses((status = 201, description = "Registered", body = Organisation)))]
#[post("/organisations")]
async fn register_organisation(command: Command<RegisterOrganisation>) -> Result<HttpResponse, Problem> {
    command.create().await
}

/// List organisations
///
/// The provincial office, ministry and auditor see all, everyone else themselves.
#[utoipa::path(tag = "administration", params(PageParams, SortParams),
    responses((status = 200, description = "A page", body = List<Organisation>)))]
#[get("/organisations")]
async fn list_organisations(
    request: HttpRequest,
    caller: Caller,
    page: Page<NoFilter>,
) -> Result<HttpResponse, Problem> {
    listing::<Organisation, _, _>(&request, caller, page, |c, _, scope, _, keyset| views::list(c, scope, keyset)).await
}

/// Read one organisation
#[utoipa::path(tag = "administration", params(("id" = Uuid, Path, description = "The organisation"), AsOfParams),
    responses((status = 200, description = "The organisation", body = Organisation)))]
#[get("/organisations/{id}")]
async fn get_organisation(
    request: HttpRequest,
    caller: Caller,
    id: IdPath,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    show::<Organisation>(request, caller, id.0, params.0).await
}

/// What a key is wanted for.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"label": "Portal Samarinda", "expires_at": "2027-12-31T16:00:00Z"}))]
pub struct KeyRequest {
    /// What it is for.
    #[deserr(default)]
    #[schema(nullable = false)]
    label: Option<Name>,
    /// When it stops working by itself.
    #[deserr(default)]
    #[schema(nullable = false)]
    expires_at: Option<Timestamp>,
}

/// A key, shown this once.
#[derive(Serialize, ToSchema)]
pub struct IssuedKey {
    /// The key's id, to revoke it by.
    key_id: Option<Uuid>,
    /// The key itself. It cannot be shown again; on a replayed request it is null.
    key: Option<String>,
    /// The organisation.
    organisation: Uuid,
}

/// Issue a key to an organisation
///
/// The key is in this answer only. An organisation may hold several keys, so that one can replace another without a gap.
#[utoipa::path(tag = "administration", params(("id" = Uuid, Path, description = "The organisation")), request_body = KeyRequest,
    responses((status = 201, description = "Issued", body = IssuedKey)))]
#[post("/organisations/{id}/keys")]
async fn issue_key(id: IdPath, command: Command<KeyRequest>) -> Result<HttpResponse, Problem> {
    command.require_id(Uuid::nil())?;
    let new = NewKey::make().map_err(|_| Problem::of(&INTERNAL))?;
    let KeyRequest { label, expires_at } = command.body.clone();
    let issue = IssueKey { key_id: command.id, label, hash: new.hash.clone(), last_four: new.last_four(), expires_at };
    let Command { caller, body, context, .. } = command.with(issue);
    let answer = caller.service.execute(id.0, body, context).await?;
    let done = answer.result?;
    let version = done.version;
    let key_id = caller
        .service
        .read(move |connection| {
            let events = stream_to_version(connection, Organisation::KIND, id.0, version)?;
            let organisation = fold_stream::<Organisation>(&events).map_err(ReadError::Corrupt)?;
            Ok(organisation.and_then(|organisation| Some(organisation.keys.last()?.key_id)))
        })
        .await?;
    let key = (!answer.replayed).then_some(new.text);
    let mut response = HttpResponse::Created();
    if answer.replayed {
        response.insert_header(("Idempotent-Replayed", "true"));
    }
    Ok(response
        .insert_header((actix_web::http::header::LOCATION, format!("/v1/organisations/{}", id.0)))
        .insert_header((actix_web::http::header::ETAG, format!("\"{}\"", done.version)))
        .insert_header(("Log-Position", done.position.to_string()))
        .insert_header((actix_web::http::header::CACHE_CONTROL, "no-store"))
        .json(IssuedKey { key_id, key, organisation: id.0 }))
}

/// Revoke a key
///
/// It stops working at once. Revoking it again changes nothing.
#[utoipa::path(tag = "administration", params(("id" = Uuid, Path, description = "The organisation")), request_body = RevokeKey,
    responses((status = 200, description = "Revoked", body = Organisation)))]
#[post("/organisations/{id}/key-revocations")]
async fn revoke_key(id: IdPath, command: Command<RevokeKey>) -> Result<HttpResponse, Problem> {
    let embedded = command.caller.service.readers.is_embedded();
    let response = command.on(id.0).await?;
    if !embedded {
        // Other instances may remember the key for as long as this; when it is answered, none does any more.
        actix_web::rt::time::sleep(LEASE).await;
    }
    Ok(response)
}

/// The caller.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// The organisation the key belongs to.
    organisation: Uuid,
    /// What it is.
    kind: OrganisationKind,
    /// Where it is competent.
    region: Region,
    /// The key's id.
    key_id: Uuid,
}

/// Tell who I am
///
/// The organisation, kind and region the key that was sent belongs to.
#[utoipa::path(tag = "administration", responses((status = 200, description = "The caller", body = Me)))]
#[get("/me")]
async fn get_me(caller: Caller) -> Result<HttpResponse, Problem> {
    let actor = caller.actor()?;
    Ok(json_reply(&Me { organisation: actor.organisation, kind: actor.kind, region: actor.region, key_id: actor.key }))
}
