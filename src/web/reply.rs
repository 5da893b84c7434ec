//! Answers: documents with their `ETag`, commands with their position.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError};
use sha2::Digest;

use super::auth::Caller;
use super::entity_tags::{EntityTags, entity_tags};
use super::problem::Problem;
use super::show::{Present, Shown, Stored, Viewer};
use crate::kernel::problem_codes::INTERNAL;
use crate::ledger::{Answer, fold_stream};
use crate::storage::{ReadError, stream_to_version};

const JSON: (HeaderName, HeaderValue) = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
const LOG_POSITION: HeaderName = HeaderName::from_static("log-position");

/// A JSON answer made on the spot.
pub fn json_reply(value: &impl serde::Serialize) -> HttpResponse {
    HttpResponse::Ok().json(value)
}

/// A JSON answer that depends on nothing recorded: its `ETag` is made of its content; 304 when the client has it already.
pub fn constant_reply(request: &HttpRequest, value: &impl serde::Serialize) -> HttpResponse {
    let body = serde_json::to_vec(value).unwrap_or_default();
    let digest = sha2::Sha256::digest(&body);
    let etag = format!("\"{}\"", data_encoding::HEXLOWER.encode(&digest[..8]));
    match already_has(request.headers(), &etag) {
        Err(problem) => problem.error_response(),
        Ok(true) => not_modified(etag),
        Ok(false) => HttpResponse::Ok().insert_header((header::ETAG, etag)).insert_header(JSON).body(body),
    }
}

/// A document with its version; 304 when the client has it already.
pub fn document_reply(request: &HttpRequest, shown: Shown) -> HttpResponse {
    let etag = format!("\"{}\"", shown.version);
    match already_has(request.headers(), &etag) {
        Err(problem) => problem.error_response(),
        Ok(true) => not_modified(etag),
        Ok(false) => with_document(HttpResponse::Ok(), &etag, shown),
    }
}

/// A document that depends on more than its version: always sent.
pub fn fresh_document_reply(shown: Shown) -> HttpResponse {
    let etag = format!("\"{}\"", shown.version);
    with_document(HttpResponse::Ok(), &etag, shown)
}

fn with_document(mut response: HttpResponseBuilder, etag: &str, shown: Shown) -> HttpResponse {
    response
        .insert_header((header::ETAG, etag))
        .insert_header((LOG_POSITION, HeaderValue::from(shown.position)))
        .insert_header(JSON)
        .body(shown.doc)
}

/// Whether the client has it already; comparison is weak.
fn already_has(headers: &HeaderMap, etag: &str) -> Result<bool, Problem> {
    Ok(match entity_tags(headers, &header::IF_NONE_MATCH)? {
        None => false,
        Some(EntityTags::Any) => true,
        Some(EntityTags::These(tags)) => tags.iter().any(|tag| tag.text == etag.trim_matches('"')),
    })
}

fn not_modified(etag: String) -> HttpResponse {
    HttpResponse::NotModified().insert_header((header::ETAG, etag)).finish()
}

/// The answer to a command: 201 or 200 with the resource's document, or the refusal. A replay is folded anew as of the version
/// that was answered the first time.
pub async fn command_reply<R: Present + Stored>(caller: &Caller, answer: Answer) -> Result<HttpResponse, Problem> {
    let done = match answer.result {
        Ok(done) => done,
        Err(refusal) if answer.replayed => return Ok(replayed_refusal(refusal)),
        Err(refusal) => return Err(refusal.into()),
    };
    let actor = caller.actor()?.clone();
    let vault = caller.service.vault.clone();
    let on = caller.service.clock.now().day();
    let (id, version, position) = (done.id, done.version, done.position);
    let doc = match done.doc {
        // The outcome of a line names the document and does not hold it.
        _ if caller.service.gathering.is_some() => String::new(),
        Some(doc) if !R::REWRITES => doc,
        doc => {
            caller
                .service
                .look_up(move |connection| {
                    let doc = if let Some(doc) = doc {
                        doc
                    } else {
                        let events = stream_to_version(connection, R::KIND, id, version)?;
                        let state = fold_stream::<R>(&events).map_err(ReadError::Corrupt)?;
                        serde_json::to_string(&state).map_err(ReadError::from)?
                    };
                    let viewer = Viewer { actor: Some(actor), vault, on };
                    let mut docs = R::present(&viewer, connection, vec![doc])?;
                    docs.pop().ok_or_else(|| Problem::of(&INTERNAL))
                })
                .await?
        }
    };
    let mut response = if done.created { HttpResponse::Created() } else { HttpResponse::Ok() };
    response.insert_header((header::LOCATION, format!("/v1/{}/{id}", R::PATH)));
    if answer.replayed {
        response.insert_header(("Idempotent-Replayed", "true"));
    }
    Ok(with_document(response, &format!("\"{version}\""), Shown { version, position, doc }))
}

fn replayed_refusal(refusal: crate::kernel::Refusal) -> HttpResponse {
    let mut response = Problem::from(refusal).error_response();
    response
        .headers_mut()
        .insert(header::HeaderName::from_static("idempotent-replayed"), header::HeaderValue::from_static("true"));
    response
}
