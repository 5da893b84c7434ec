//! Addresses of organisations and keys.

use actix_web::{HttpRequest, HttpResponse, get, post};
use deserr::Deserr;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::clients::{AddClient, ClientRequest, RemoveClient};
use super::commands::{DeactivateOrganisation, ReactivateOrganisation, RegisterOrganisation};
use super::issuing::{IssueKey, RevokeKey, RotateKey};
use super::keys::NewKey;
use super::state::Organisation;
use super::views;
use crate::kernel::problem_codes::INTERNAL;
use crate::kernel::{Environment, Faults, Id, Name, OrganisationKind, Region, Scopes, Timestamp};
use crate::ledger::{Answer, Decide, Resource, fold_stream};
use crate::storage::{AnyConnection, ReadError, key_uses, stream_to_version};
use crate::web::{
    AsOfParams, Caller, Command, IdPath, LEASE, List, NoFilter, Page, PageParams, Params, Present, Problem, SortParams,
    Viewer, json_reply, listing, show, show_history,
};

impl Present for Organisation {
    const PATH: &'static str = "organisations";
    const REWRITES: bool = true;

    /// When a key was last used is no event.
    const DEPENDS_ON_VERSION_ALONE: bool = false;

    /// Hashes of keys stay inside; when each key and client was last used comes from beside the log.
    fn present(viewer: &Viewer, connection: &mut AnyConnection, docs: Vec<String>) -> Result<Vec<String>, Problem> {
        let docs: Result<Vec<Value>, _> = docs.iter().map(|doc| serde_json::from_str(doc)).collect();
        let mut docs = docs.map_err(ReadError::from)?;
        let mut credentials: Vec<&mut Map<String, Value>> =
            docs.iter_mut().filter_map(Value::as_object_mut).flat_map(credentials_of).collect();
        let id = |credential: &Map<String, Value>| {
            let id = credential.get("key_id").or_else(|| credential.get("client"));
            id.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let ids: Vec<String> = credentials.iter().map(|credential| id(credential)).collect();
        let used = key_uses(connection, &ids)?;
        for credential in &mut credentials {
            credential.remove("hash");
            let last = used.get(&id(credential)).filter(|at| at.day() <= viewer.on);
            credential.insert("last_used_at".to_owned(), json!(last));
        }
        Ok(docs.iter().map(Value::to_string).collect())
    }
}

/// The keys and clients of an organisation's document.
fn credentials_of(organisation: &mut Map<String, Value>) -> Vec<&mut Map<String, Value>> {
    let lists = organisation.iter_mut().filter(|(name, _)| matches!(name.as_str(), "keys" | "clients"));
    lists.filter_map(|(_, list)| list.as_array_mut()).flatten().filter_map(Value::as_object_mut).collect()
}

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(register_organisation)
        .service(list_organisations)
        .service(get_organisation)
        .service(list_organisation_history)
        .service(deactivate_organisation)
        .service(reactivate_organisation)
        .service(issue_key)
        .service(rotate_key)
        .service(revoke_key)
        .service(add_client)
        .service(remove_client)
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

/// Read the history of an organisation, its keys and its clients
///
/// Its events, oldest first: who, when it happened, when it was recorded, what.
#[utoipa::path(tag = "administration", params(("id" = Uuid, Path, description = "The organisation"), AsOfParams),
    responses((status = 200, description = "Its events", body = List<Value>)))]
#[get("/organisations/{id}/history")]
async fn list_organisation_history(
    caller: Caller,
    id: IdPath,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    show_history::<Organisation>(caller, id.0, params.0).await
}

/// What a key is wanted for.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"label": "Portal Samarinda", "scopes": ["read", "assessments:write"], "expires_at": "2027-12-31T16:00:00Z"}))]
pub struct KeyRequest {
    /// What it is for. Of each label two keys may be live at once.
    #[deserr(default)]
    #[schema(nullable = false)]
    label: Option<Name>,
    /// What it is confined to; left out, it can do all that its organisation can.
    #[deserr(default)]
    #[schema(nullable = false)]
    scopes: Option<Scopes>,
    /// When it stops working by itself.
    #[deserr(default)]
    #[schema(nullable = false)]
    expires_at: Option<Timestamp>,
}

/// Which key is to be replaced.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"key_id": "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b", "overlap_days": 7}))]
pub struct RotationRequest {
    /// Which key; left out, the one this request is sent with.
    #[deserr(default)]
    #[schema(nullable = false)]
    key_id: Option<Id>,
    /// How many days the old key goes on working, 0 to 90; 7 when left out.
    #[deserr(default)]
    #[schema(nullable = false, minimum = 0, maximum = 90)]
    overlap_days: Option<i64>,
    /// When the new key stops working by itself; left out, when the old one would have.
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
/// The key is in this answer only. Scopes are `read`, `{area}:read` or `{area}:write`, never wider than what the organisation may do.
#[utoipa::path(tag = "administration", params(("id" = Uuid, Path, description = "The organisation")), request_body = KeyRequest,
    responses((status = 201, description = "Issued", body = IssuedKey)))]
#[post("/organisations/{id}/keys")]
async fn issue_key(id: IdPath, command: Command<KeyRequest>) -> Result<HttpResponse, Problem> {
    let new = new_key(&command)?;
    let KeyRequest { label, scopes, expires_at } = command.body.clone();
    let issue = IssueKey { made: new.made.clone(), label, scopes, expires_at };
    let (caller, answer) = execute(id.0, command.with(issue)).await?;
    show_key(&caller, id.0, answer, new.text).await
}

/// Replace a key by a new one
///
/// The new key has the label and scopes of the old one, which goes on working for `overlap_days`. The provincial office may replace any key;
/// whoever holds a key may replace that one, by a key that lasts no longer.
#[utoipa::path(tag = "administration", params(("id" = Uuid, Path, description = "The organisation")), request_body = RotationRequest,
    responses((status = 201, description = "Issued", body = IssuedKey)))]
#[post("/organisations/{id}/key-rotations")]
async fn rotate_key(id: IdPath, command: Command<RotationRequest>) -> Result<HttpResponse, Problem> {
    let new = new_key(&command)?;
    let RotationRequest { key_id, overlap_days, expires_at } = command.body.clone();
    let replaces = key_id.map_or(command.context.actor.key, |key_id| key_id.0);
    let rotate = RotateKey { made: new.made.clone(), replaces, overlap_days, expires_at };
    let (caller, answer) = execute(id.0, command.with(rotate)).await?;
    show_key(&caller, id.0, answer, new.text).await
}

fn new_key<C>(command: &Command<C>) -> Result<NewKey, Problem> {
    command.require_id(Uuid::nil())?;
    NewKey::make(command.id, command.caller.service.environment).map_err(|_| Problem::of(&INTERNAL))
}

async fn execute<C: Decide>(id: Uuid, command: Command<C>) -> Result<(Caller, Answer), Problem> {
    let Command { caller, body, context, .. } = command;
    let answer = caller.service.execute(id, body, context).await?;
    Ok((caller, answer))
}

/// The one answer that holds a key. A repeated request tells which key it was, and not the key.
async fn show_key(caller: &Caller, id: Uuid, answer: Answer, text: String) -> Result<HttpResponse, Problem> {
    let done = answer.result?;
    let version = done.version;
    let key_id = caller
        .service
        .read(move |connection| {
            let events = stream_to_version(connection, Organisation::KIND, id, version)?;
            let organisation = fold_stream::<Organisation>(&events).map_err(ReadError::Corrupt)?;
            Ok(organisation.and_then(|organisation| Some(organisation.keys.last()?.key_id)))
        })
        .await?;
    let key = (!answer.replayed).then_some(text);
    let mut response = HttpResponse::Created();
    if answer.replayed {
        response.insert_header(("Idempotent-Replayed", "true"));
    }
    Ok(response
        .insert_header((actix_web::http::header::LOCATION, format!("/v1/organisations/{id}")))
        .insert_header((actix_web::http::header::ETAG, format!("\"{}\"", done.version)))
        .insert_header(("Log-Position", done.position.to_string()))
        .insert_header((actix_web::http::header::CACHE_CONTROL, "no-store"))
        .json(IssuedKey { key_id, key, organisation: id }))
}

/// Revoke a key
///
/// It stops working at once. Revoking it again changes nothing.
#[utoipa::path(tag = "administration", params(("id" = Uuid, Path, description = "The organisation")), request_body = RevokeKey,
    responses((status = 200, description = "Revoked", body = Organisation)))]
#[post("/organisations/{id}/key-revocations")]
async fn revoke_key(id: IdPath, command: Command<RevokeKey>) -> Result<HttpResponse, Problem> {
    everywhere(id.0, command).await
}

/// Let an organisation act by tokens of a client, or by a certificate
///
/// A token is recognised by its issuer and client, a certificate by its fingerprint. Neither ever passes to another organisation.
#[utoipa::path(tag = "administration", params(("id" = Uuid, Path, description = "The organisation")), request_body = ClientRequest,
    responses((status = 200, description = "Added", body = Organisation)))]
#[post("/organisations/{id}/clients")]
async fn add_client(id: IdPath, command: Command<ClientRequest>) -> Result<HttpResponse, Problem> {
    command.require_id(Uuid::nil())?;
    let client = Uuid::now_v7();
    command.map(|request| AddClient { client, request }).on(id.0).await
}

/// Remove a client
///
/// Its tokens or its certificate stop working at once. Removing it again changes nothing.
#[utoipa::path(tag = "administration", params(("id" = Uuid, Path, description = "The organisation")), request_body = RemoveClient,
    responses((status = 200, description = "Removed", body = Organisation)))]
#[post("/organisations/{id}/client-removals")]
async fn remove_client(id: IdPath, command: Command<RemoveClient>) -> Result<HttpResponse, Problem> {
    everywhere(id.0, command).await
}

/// Deactivate an organisation
///
/// All its keys, tokens and certificates stop working at once. What it recorded stays.
#[utoipa::path(tag = "administration", params(("id" = Uuid, Path, description = "The organisation")), request_body = DeactivateOrganisation,
    responses((status = 200, description = "Deactivated", body = Organisation)))]
#[post("/organisations/{id}/deactivations")]
async fn deactivate_organisation(
    id: IdPath,
    command: Command<DeactivateOrganisation>,
) -> Result<HttpResponse, Problem> {
    everywhere(id.0, command).await
}

/// Reactivate an organisation
///
/// Its keys and clients work again, but for those that expired or were revoked meanwhile.
#[utoipa::path(tag = "administration", params(("id" = Uuid, Path, description = "The organisation")), request_body = ReactivateOrganisation,
    responses((status = 200, description = "Reactivated", body = Organisation)))]
#[post("/organisations/{id}/reactivations")]
async fn reactivate_organisation(
    id: IdPath,
    command: Command<ReactivateOrganisation>,
) -> Result<HttpResponse, Problem> {
    command.on(id.0).await
}

/// Carries out a command whose effect no instance may be late for.
async fn everywhere<C: Decide<Resource = Organisation>>(
    id: Uuid,
    command: Command<C>,
) -> Result<HttpResponse, Problem> {
    let embedded = command.caller.service.readers.is_embedded();
    let response = command.on(id).await?;
    if !embedded {
        // Other instances may remember the key for as long as this; when it is answered, none does any more.
        actix_web::rt::time::sleep(LEASE).await;
    }
    Ok(response)
}

/// The caller.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// The organisation the credential belongs to.
    organisation: Uuid,
    /// What it is.
    kind: OrganisationKind,
    /// Where it is competent.
    region: Region,
    /// The id of the key, or of the client.
    key_id: Uuid,
    /// What the key or client is for.
    label: Option<Name>,
    /// What it is confined to; null when it may do all that its organisation may.
    scopes: Option<Scopes>,
    /// When it stops working by itself.
    expires_at: Option<Timestamp>,
    /// What this service is for.
    environment: Environment,
}

/// Tell who I am
///
/// The organisation, kind and region that what was sent belongs to, and how far it reaches.
#[utoipa::path(tag = "administration", responses((status = 200, description = "The caller", body = Me)))]
#[get("/me")]
async fn get_me(caller: Caller, _: Params<NoFilter>) -> Result<HttpResponse, Problem> {
    let actor = caller.actor()?;
    let known = caller.known.as_ref();
    Ok(json_reply(&Me {
        organisation: actor.organisation,
        kind: actor.kind,
        region: actor.region,
        key_id: actor.key,
        label: known.and_then(|known| known.label.clone()),
        scopes: actor.scopes.clone(),
        expires_at: known.and_then(|known| known.expires_at),
        environment: caller.service.environment,
    }))
}
