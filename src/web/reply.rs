//! Answers: documents with their `ETag`, commands with their position.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError};
use data_encoding::BASE64;
use sha2::Digest;
use uuid::Uuid;

use super::auth::Caller;
use super::entity_tags::{EntityTags, entity_tags};
use super::personal::{Seen, record_looks, record_met};
use super::problem::Problem;
use super::show::{Present, Shown, Stored, Viewer};
use crate::kernel::problem_codes::INTERNAL;
use crate::kernel::{Actor, Refusal};
use crate::ledger::{Answer, fold_stream};
use crate::storage::{AnyConnection, ReadError, stream_to_version};

const JSON: (HeaderName, HeaderValue) = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
const LOG_POSITION: HeaderName = HeaderName::from_static("log-position");
/// The receipt of the event at the position, as the byte sequence of RFC 9651: `:base64:`.
const LOG_PROOF: HeaderName = HeaderName::from_static("log-proof");

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
pub(super) fn already_has(headers: &HeaderMap, etag: &str) -> Result<bool, Problem> {
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
    if let Err(Refusal { met: Some(met), .. }) = &answer.result {
        record_met(caller, vec![(R::KIND, **met)]).await?;
    }
    let done = match answer.result {
        Ok(done) => done,
        Err(refusal) if answer.replayed => return Ok(replayed_refusal(refusal)),
        Err(refusal) => return Err(refusal.into()),
    };
    let (id, version, position) = (done.id, done.version, done.position);
    let (doc, shows_persons) = match done.doc {
        // The outcome of a line names the document and does not hold it.
        _ if caller.service.gathering.is_some() => (String::new(), false),
        Some(doc) if !R::rewrites_for(caller.actor.as_ref()) => (doc, false),
        doc => document_for_sender::<R>(caller, (id, version), doc, done.created).await?,
    };
    let mut response = if done.created { HttpResponse::Created() } else { HttpResponse::Ok() };
    response.insert_header((header::LOCATION, format!("/v1/{}/{id}", R::PATH)));
    if answer.replayed {
        response.insert_header(("Idempotent-Replayed", "true"));
    }
    if caller.wants_proof && caller.service.gathering.is_none() {
        // What is recorded stays recorded, whether it can be signed now or not.
        match caller.service.receipt(position).await {
            Ok(receipt) => {
                response.insert_header((LOG_PROOF, format!(":{}:", BASE64.encode(receipt.as_bytes()))));
            }
            Err(why) => {
                log::warn!("an answer goes without the receipt that was wanted position={position} error={why}");
            }
        }
    }
    let reply = with_document(response, &format!("\"{version}\""), Shown { version, position, doc });
    Ok(if shows_persons { private(reply) } else { reply })
}

/// The document a command is answered with, folded anew when it is not given, and whether it shows personal data. Who creates a record
/// gets back what the same request sent, so that is no look. Every other answer is; when that cannot be recorded, what was done stays
/// done, and the data is left out.
async fn document_for_sender<R: Present + Stored>(
    caller: &Caller,
    (id, version): (Uuid, i64),
    doc: Option<String>,
    created: bool,
) -> Result<(String, bool), Problem> {
    let (vault, on) = (caller.service.vault.clone(), caller.service.clock.now().day());
    let actor = caller.actor()?.clone();
    let read = move |connection: &mut AnyConnection| {
        let past = doc.is_none();
        let doc = if let Some(doc) = doc {
            doc
        } else {
            let events = stream_to_version(connection, R::KIND, id, version)?;
            let state = fold_stream::<R>(&events).map_err(ReadError::Corrupt)?;
            serde_json::to_string(&state).map_err(ReadError::from)?
        };
        let mut present = |actor: Option<Actor>| -> Result<(String, Vec<Seen>), Problem> {
            let viewer = Viewer::new(actor, vault.clone(), on, past);
            let mut docs = R::present(&viewer, connection, vec![doc.clone()])?;
            Ok((docs.pop().ok_or_else(|| Problem::of(&INTERNAL))?, viewer.seen()))
        };
        let (doc, seen) = present(Some(actor))?;
        let without = if seen.is_empty() { String::new() } else { present(None)?.0 };
        Ok((doc, seen, without))
    };
    let (doc, seen, without) = caller.service.look_up(read).await?;
    if seen.is_empty() {
        return Ok((doc, false));
    }
    if !created && record_looks(caller, seen).await.is_err() {
        return Ok((without, false));
    }
    Ok((doc, true))
}

/// An answer that no one between us and the caller may keep.
pub fn private(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A JSON answer made on the spot that shows personal data.
pub fn private_reply(value: &impl serde::Serialize) -> HttpResponse {
    private(json_reply(value))
}

/// Whether the client has this version of a document already.
pub(super) fn has_version(request: &HttpRequest, version: i64) -> Result<bool, Problem> {
    already_has(request.headers(), &format!("\"{version}\""))
}

fn replayed_refusal(refusal: Refusal) -> HttpResponse {
    let mut response = Problem::from(refusal).error_response();
    response
        .headers_mut()
        .insert(header::HeaderName::from_static("idempotent-replayed"), header::HeaderValue::from_static("true"));
    response
}
