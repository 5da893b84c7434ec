//! The addresses of the log's proofs.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use data_encoding::BASE64;
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::tiles::{TileName, level};
use crate::feed::{LEFT_OUT, kinds};
use crate::kernel::problem_codes::{FORBIDDEN, INVALID_PARAMETER, NOT_FOUND};
use crate::kernel::{Area, Faults, Refusal, Scope, Text, Whole, may_read};
use crate::ledger::{EVENT_BYTES_MAX, Event};
use crate::storage::{ReadError, events_between, head_position, log_tree, position_of, tile_hashes};
use crate::web::{Caller, IdPath, NoFilter, Params, Problem, Service, json_reply};

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(get_log)
        .service(get_log_checkpoint)
        .service(get_log_entries)
        .service(get_log_entry)
        .service(get_log_tile)
        .service(get_log_proof)
        .service(get_log_consistency);
}

/// Bytes as they are.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "it is described, not made")]
struct Bytes(Vec<u8>);

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";
/// Newer checkpoints come all the time.
const FOR_A_MOMENT: &str = "public, max-age=1";
/// A tile never changes: what a wider one has is the same.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const FOR_EVER_PRIVATELY: &str = "private, max-age=31536000, immutable";

/// What is needed to verify the log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "origin": "koperasi.kaltimprov.go.id/log",
    "verifier_key": "koperasi.kaltimprov.go.id/log+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "checkpoint": "/v1/log/checkpoint", "tiles": "/v1/log/tile/", "entries": "/v1/log/tile/entries/", "receipts": "/v1/log/proofs/"
}))]
struct LogDescription {
    /// What the log is called.
    origin: String,
    /// Its key, in the form of C2SP signed notes. Get it once by a way you trust, and keep it.
    verifier_key: String,
    /// Where the signed checkpoint is.
    checkpoint: &'static str,
    /// Where the tiles of hashes are.
    tiles: &'static str,
    /// Where the tiles of entries are.
    entries: &'static str,
    /// Where receipts are.
    receipts: &'static str,
}

/// Tell how the log is verified
///
/// Its name, its key, and where its checkpoint, tiles and receipts are.
#[utoipa::path(tag = "log", security(()), responses((status = 200, description = "What is needed to verify it", body = LogDescription)))]
#[get("/log")]
async fn get_log(service: web::Data<Service>, _: Params<NoFilter>) -> HttpResponse {
    let verifier = service.checkpoints.verifier();
    json_reply(&LogDescription {
        origin: verifier.origin().to_owned(),
        verifier_key: verifier.to_string(),
        checkpoint: "/v1/log/checkpoint",
        tiles: "/v1/log/tile/",
        entries: "/v1/log/tile/entries/",
        receipts: "/v1/log/proofs/",
    })
}

/// Read the signed checkpoint
///
/// Size and root of the log as it is, or was a second ago, signed with the key of `GET /v1/log` (C2SP `tlog-checkpoint`). Two checkpoints of
/// which the larger does not go on from the smaller prove that the log was changed: keep them.
#[utoipa::path(tag = "log", security(()), responses((status = 200, description = "A signed note", body = String, content_type = "text/plain",
    example = "koperasi.kaltimprov.go.id/log\n70000\nk7JGyOSlvHbt9xEln/q7cZIooGE2EgTltN9+u/Aq/18=\n\n— koperasi.kaltimprov.go.id/log Uw2QOp…\n")))]
#[get("/log/checkpoint")]
async fn get_log_checkpoint(service: web::Data<Service>, _: Params<NoFilter>) -> Result<HttpResponse, Problem> {
    let signed = service.checkpoint(0).await?;
    Ok(reply(TEXT, FOR_A_MOMENT, signed.note.clone()))
}

fn reply(content: &str, cache: &str, body: impl Into<web::Bytes>) -> HttpResponse {
    HttpResponse::Ok().content_type(content).insert_header((header::CACHE_CONTROL, cache)).body(body.into())
}

/// Read a tile of hashes
///
/// Up to 256 hashes of 32 bytes of one level of the Merkle tree (C2SP `tlog-tiles`). Whatever is complete can be had, at every width.
#[utoipa::path(tag = "log", security(()),
    params(
        ("level" = String, Path, description = "Level: a hash of level n stands for 256^n events", example = "0", max_length = 2, pattern = "^[0-7]$"),
        ("tile" = String, Path, description = "The tile's index in groups of three digits, all but the last after an x; `.p/W` at the end for its first W hashes", example = "000.p/1", max_length = 40)),
    responses((status = 200, description = "The hashes, one after the other", body = Bytes, content_type = "application/octet-stream")))]
#[get("/log/tile/{level}/{tile:.*}")]
async fn get_log_tile(
    service: web::Data<Service>,
    path: web::Path<(String, String)>,
    _: Params<NoFilter>,
) -> Result<HttpResponse, Problem> {
    let (level, tile) = level(&path.0).zip(TileName::parse(&path.1)).ok_or_else(no_tile)?;
    let width = usize::try_from(tile.width).unwrap_or(usize::MAX);
    let hashes = service.read(move |connection| Ok(tile_hashes(connection, level, tile.index)?)).await?;
    let hashes = hashes.get(..width).ok_or_else(no_tile)?;
    Ok(reply(BYTES, FOR_EVER, hashes.concat()))
}

fn no_tile() -> Problem {
    let why = Text::fixed(
        "Petak ini belum ada, atau namanya tidak sesuai; contoh nama: 0/x001/x234/067 atau 0/273.p/112.",
        "There is no such tile yet, or it is not its name; tiles are named such as 0/x001/x234/067 or 0/273.p/112.",
    );
    Refusal::new(&NOT_FOUND, why).into()
}

/// Read a tile of entries
///
/// Up to 256 events as the very bytes their hashes are of, each after its length in two bytes, the high one first (C2SP `tlog-tiles`). For
/// auditors and the provincial office (scope `log:read`).
#[utoipa::path(tag = "log",
    params(("tile" = String, Path, description = "The tile's index, as for tiles of hashes of level 0", example = "000.p/1", max_length = 40)),
    responses((status = 200, description = "Lengths and events in turn", body = Bytes, content_type = "application/octet-stream")))]
#[get("/log/tile/entries/{tile:.*}")]
async fn get_log_entries(
    caller: Caller,
    path: web::Path<String>,
    _: Params<NoFilter>,
) -> Result<HttpResponse, Problem> {
    caller.reads(Area::Log)?;
    let tile = TileName::parse(&path).ok_or_else(no_tile)?;
    let (first, after) = tile.range().ok_or_else(no_tile)?;
    let (Ok(first), Ok(last)) = (i64::try_from(first + 1), i64::try_from(after)) else { return Err(no_tile()) };
    let events = caller.service.read(move |connection| Ok(events_between(connection, first, last)?)).await?;
    if events.len() as u64 != tile.width {
        return Err(no_tile());
    }
    Ok(reply(BYTES, FOR_EVER_PRIVATELY, entries(&events)?))
}

/// Read the entry of an event
///
/// The event as the very bytes that its hash in the log is of, to hold its receipt against: the leaf is `SHA-256(0x00 ‖ bytes)`. For the organisation that
/// recorded it, but for events of persons and organisations, of which sealed personal data and hashes of keys are left out for everybody else; every
/// one for auditors and the provincial office.
#[utoipa::path(tag = "log", params(("id" = Uuid, Path, description = "The event")),
    responses((status = 200, description = "Canonical JSON (RFC 8785), byte for byte as it was hashed", body = serde_json::Value)))]
#[get("/log/entries/{id}")]
async fn get_log_entry(caller: Caller, id: IdPath, _: Params<NoFilter>) -> Result<HttpResponse, Problem> {
    let actor = caller.actor()?.clone();
    let found = caller.service.look_up(move |connection| {
        let Some(position) = position_of(connection, id.0)? else { return Ok(None) };
        Ok(events_between(connection, position, position)?.pop())
    });
    let event = found.await?.ok_or_else(|| no_event(id.0))?;
    let kind = event.envelope.stream_kind.as_str();
    let area = kinds().into_iter().find_map(|(known, area)| (known == kind).then_some(area));
    let reads_all = caller.reads(Area::Log).is_ok();
    let seals = LEFT_OUT.iter().any(|(known, _)| *known == kind);
    let is_own = event.envelope.organisation == actor.organisation
        && area.is_some_and(|area| may_read(&actor, area) != Scope::Nothing);
    if !reads_all && (seals || !is_own) {
        let why = Text::fixed(
            "Bita peristiwa ini hanya untuk organisasi yang mencatatnya, bila tidak memuat data pribadi tersegel atau hash kunci, dan untuk auditor serta dinas provinsi.",
            "The bytes of this event are for the organisation that recorded it, where they hold no sealed personal data or hash of a key, and for auditors and the provincial office.",
        );
        return Err(Refusal::new(&FORBIDDEN, why).into());
    }
    Ok(reply("application/json", FOR_EVER_PRIVATELY, event.canonical().map_err(ReadError::from)?))
}

fn no_event(id: uuid::Uuid) -> Problem {
    Refusal::new(&NOT_FOUND, text!("Tidak ada peristiwa {id} dalam log.", "There is no event {id} in the log.")).into()
}

/// Lengths and events in turn.
fn entries(events: &[Event]) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    for event in events {
        let entry = event.canonical().map_err(ReadError::from)?;
        let position = event.envelope.position;
        let too_long =
            |_| ReadError::Corrupt(format!("event at position {position} has more than {EVENT_BYTES_MAX} bytes"));
        bytes.extend(u16::try_from(entry.len()).map_err(too_long)?.to_be_bytes());
        bytes.extend(entry);
    }
    Ok(bytes)
}

/// Read the receipt of an event
///
/// That the event is in the log, provable without us for ever (C2SP `tlog-proof`): keep it beside the event. Whoever knows the event's id may
/// have it; it tells the event's place in the log and nothing of its content; `GET /v1/log/entries/{id}` gives the bytes it is of. A command sent with `Want-Proof: ?1` is answered with the same.
#[utoipa::path(tag = "log", security(()), params(("id" = Uuid, Path, description = "The event")),
    responses((status = 200, description = "Index, hashes up to the root, and the signed checkpoint", body = String, content_type = "text/plain",
        example = "c2sp.org/tlog-proof@v1\nindex 1\nPfpeoJzpXrl0xfa75Ws+kkIkbkV0lv71uvRhucKEQGA=\n\nkoperasi.kaltimprov.go.id/log\n2\n…")))]
#[get("/log/proofs/{id}")]
async fn get_log_proof(service: web::Data<Service>, id: IdPath, _: Params<NoFilter>) -> Result<HttpResponse, Problem> {
    let position = service.look_up(move |connection| Ok(position_of(connection, id.0)?)).await?;
    let receipt = service.receipt(position.ok_or_else(|| no_event(id.0))?).await?;
    Ok(reply(TEXT, "no-cache", receipt))
}

/// How many events a log may have.
type LogSize = Whole<0, 999_999_999_999_999>;

/// Two sizes of the log.
#[derive(Debug, Clone, Copy, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Sizes {
    /// The smaller size.
    #[param(inline, example = 1)]
    from: LogSize,
    /// The larger size, at most that of the log.
    #[param(inline, example = 2)]
    to: LogSize,
}

/// A proof of consistency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from": 1, "to": 2, "hashes": ["PfpeoJzpXrl0xfa75Ws+kkIkbkV0lv71uvRhucKEQGA="]}))]
struct Consistency {
    /// The smaller size.
    from: u64,
    /// The larger size.
    to: u64,
    /// The hashes of RFC 6962 §2.1.2, in base64.
    hashes: Vec<String>,
}

/// Prove that the log only grew
///
/// That its first `from` events are the beginning of its first `to`, for clients that do not read tiles.
#[utoipa::path(tag = "log", security(()), params(Sizes),
    responses((status = 200, description = "The proof", body = Consistency)))]
#[get("/log/consistency")]
async fn get_log_consistency(service: web::Data<Service>, sizes: Params<Sizes>) -> Result<HttpResponse, Problem> {
    let size = |sent: LogSize| u64::try_from(sent.0).unwrap_or(u64::MAX);
    let (from, to) = (size(sizes.0.from), size(sizes.0.to));
    let hashes = service
        .read(move |connection| {
            let present = u64::try_from(head_position(connection)?).unwrap_or_default();
            let mut faults = Faults::default();
            if from > to {
                let why = Text::fixed("`from` tidak boleh melebihi `to`.", "`from` must not exceed `to`.");
                faults.add("?from", "after_to", why);
            }
            if to > present {
                let why = text!("Log sekarang berisi {present} peristiwa.", "The log has {present} events now.");
                faults.add("?to", "not_yet", why);
            }
            if !faults.0.is_empty() {
                return Err(Refusal::faults(&INVALID_PARAMETER, faults).into());
            }
            Ok(log_tree(connection).consistency(from, to)?)
        })
        .await?;
    let hashes = hashes.iter().map(|hash| BASE64.encode(hash)).collect();
    Ok(json_reply(&Consistency { from, to, hashes }))
}
