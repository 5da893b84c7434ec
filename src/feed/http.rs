//! The addresses of the feed.

use std::sync::{Arc, OnceLock};

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, get, web};
use futures_util::StreamExt;
use futures_util::stream::poll_fn;
use serde::Serialize;
use tokio::sync::mpsc::{Receiver, channel};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::cloud::CloudEvents;
use super::counts::Counts;
use super::follow::{Follower, Next};
use super::params::{After, FeedParams, StreamParams};
use super::schemas;
use super::streams::{Live, LongRead, PIECES_WAITING, Piece, Streams};
use super::summary::{Summary, SummaryParams, sum_up};
use crate::kernel::problem_codes::{INTERNAL, INVALID_HEADER, NOT_FOUND};
use crate::kernel::{Refusal, Text, Timestamp};
use crate::storage::{Sieve, feed_event, head_position, leaf_hash_at, recorded_at};
use crate::web::{
    Caller, IdPath, NoFilter, Params, Problem, Service, constant_reply, json_reply, own_address, sequence_of,
};

const BATCH: &str = "application/cloudevents-batch+json";
const NDJSON: [&str; 3] = ["application/x-ndjson", "application/ndjson", "application/jsonl"];
/// Characters of an event, far above what any command can hold.
const EVENT_CHARACTERS_MAX: usize = 64 * 1024 * 1024;
const LOG_THROUGH: HeaderName = HeaderName::from_static("log-through");
const LOG_HEAD: HeaderName = HeaderName::from_static("log-head");

/// What all who read the log share.
#[derive(Default)]
pub struct Feed {
    /// The streams there are.
    pub streams: Arc<Streams>,
    counts: Counts,
    /// Leaf hash of the first event, once there is one.
    first_leaf: OnceLock<Vec<u8>>,
}

impl Feed {
    /// What writes the events of an answer.
    async fn writer(&self, service: &Service, request: &HttpRequest) -> Result<CloudEvents, Problem> {
        if self.first_leaf.get().is_none()
            && let Some(leaf) = service.look_up(|connection| Ok(leaf_hash_at(connection, 1)?)).await?
        {
            let _ = self.first_leaf.set(leaf);
        }
        let first_leaf = self.first_leaf.get().map(Vec::as_slice).unwrap_or_default();
        Ok(CloudEvents::new(first_leaf, &own_address(request)))
    }
}

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_events)
        .service(get_head)
        .service(get_summary)
        .service(stream_events)
        .service(get_event)
        .service(list_schemas)
        .service(get_schema);
}

/// An event of the log as a `CloudEvent` 1.0.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is written by hand")]
pub struct CloudEvent {
    /// Always `1.0`.
    specversion: String,
    /// The event's id.
    id: uuid::Uuid,
    /// The log, by a name that does not depend on its address.
    source: String,
    /// `area.verb_past`.
    #[schema(example = "financing.disbursed")]
    r#type: String,
    /// Kind and id of the resource.
    subject: String,
    /// When it happened, as the sender says.
    time: Timestamp,
    /// Always `application/json`.
    datacontenttype: String,
    /// Where the JSON Schema of the data is.
    dataschema: String,
    /// The position in the log, as text of 20 digits.
    #[schema(example = "00000000000000000042")]
    sequence: String,
    /// When it was recorded.
    recordedtime: Timestamp,
    /// The request or trace it belongs to.
    correlationid: String,
    /// The event that caused it, if one did.
    #[schema(required = false, nullable = false)]
    causationid: Option<uuid::Uuid>,
    /// The organisation that recorded it.
    organisation: uuid::Uuid,
    /// Where the resource is after the event.
    #[schema(required = false, nullable = false)]
    region: Option<crate::kernel::Region>,
    /// The organisation the resource belongs to after the event.
    #[schema(required = false, nullable = false)]
    owner: Option<uuid::Uuid>,
    /// Place in the resource's own stream.
    streamversion: i32,
    /// Leaf of the log's Merkle tree, hexadecimal.
    leafhash: String,
    /// What it says; personal data and hashes of keys are left out.
    #[schema(value_type = Object)]
    data: serde_json::Value,
}

/// An event as a stream sends it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is written by hand")]
struct StreamedEvent {
    /// The position; `Last-Event-ID` goes on after it.
    #[schema(pattern = "^[0-9]{1,20}$", max_length = 20)]
    id: String,
    /// The event.
    #[schema(value_type = EventAsText)]
    data: String,
}

/// A `CloudEvent`, written as JSON. What is within a text, no derive can say.
struct EventAsText;

impl PartialSchema for EventAsText {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(EVENT_CHARACTERS_MAX));
        let event = Ref::from_schema_name(CloudEvent::name());
        text.content_media_type("application/json").content_schema(Some(event)).into()
    }
}
impl ToSchema for EventAsText {}

/// A page of the log.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is written by hand")]
pub struct EventPage {
    /// The events, in the order of the log.
    data: Vec<CloudEvent>,
    /// The position the page begins after.
    after: i64,
    /// Every position up to this one was looked at. Go on with `after` set to it; what is absent is hidden, or was not asked for.
    through: i64,
    /// `through` as text while there is more to read; null at the end of the log.
    next_cursor: Option<String>,
    /// The last position there was.
    as_of_position: i64,
}

/// How events are wanted.
enum Form {
    Page,
    Batch,
    Lines,
}

impl Form {
    fn of(request: &HttpRequest) -> Self {
        let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut ranges = accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim());
        ranges
            .find_map(|range| match range {
                BATCH => Some(Self::Batch),
                "application/json" => Some(Self::Page),
                range if NDJSON.contains(&range) => Some(Self::Lines),
                _ => None,
            })
            .unwrap_or(Self::Page)
    }
}

/// Read the log
///
/// Events are `CloudEvents` 1.0, in the order of the log, of which the caller sees what its rights reach: the provincial office, the ministry and auditors
/// everything; a regency its region; a bank its financings; a certifier its certifications; the council assessments; all of them the cooperatives and
/// programmes, and what they recorded themselves. Personal data and hashes of keys are left out for everybody.
///
/// To miss nothing, go on with `after` set to `through` (header `Log-Through`): positions are final, and one that is absent is hidden from you or was not
/// asked for. With `wait`, an answer without events is held back until there is one. `Accept` chooses the form: a page (`application/json`), a
/// bare array (`application/cloudevents-batch+json`), or lines (`application/x-ndjson`), which are streamed up to the present end of the log and
/// end with an event of type `log.read_through`; without it the answer was cut off, and is to be read on after the last `sequence` that came.
#[utoipa::path(tag = "events", params(FeedParams),
    responses((status = 200, description = "Events",
        content((EventPage = "application/json"), (Vec<CloudEvent> = "application/cloudevents-batch+json"), (CloudEvent = "application/x-ndjson"))),
        (status = 429, description = "Too many streams and waiting requests", content_type = "application/problem+json", body = crate::web::ProblemDocument)))]
#[get("/events")]
async fn list_events(
    request: HttpRequest,
    caller: Caller,
    params: Params<FeedParams>,
) -> Result<HttpResponse, Problem> {
    let actor = caller.actor()?.clone();
    let wanted = params.0.read(&actor)?;
    let form = Form::of(&request);
    let feed = feed(&request)?;
    let streams = feed.streams.clone();
    // Whoever waits, or is sent lines, holds a place.
    let holds = matches!(form, Form::Lines) || !wanted.wait.is_zero();
    let place = if holds { Some(streams.place(actor.organisation)?) } else { None };
    let mut follower = Follower::begin(caller.clone(), wanted.sieve.clone(), wanted.after, &streams).await?;
    let after = follower.position();
    let mut events = feed.writer(&caller.service, &request).await?;
    if matches!(form, Form::Lines) {
        let up_to = if wanted.wait.is_zero() {
            caller.service.look_up(|connection| Ok(head_position(connection)?)).await?
        } else {
            follower.read_or_wait(1, wanted.wait).await?.head
        };
        let read = LongRead { caller, sieve: wanted.sieve, after, up_to, limit: wanted.limit, events, place };
        let (sender, pieces) = channel(PIECES_WAITING);
        actix_web::rt::spawn(read.send(sender));
        let mut response = positioned(HttpResponse::Ok(), None, up_to);
        return Ok(response.content_type(NDJSON[0]).streaming(bytes(pieces)));
    }
    let limit = wanted.page_limit()?;
    let next = follower.read_or_wait(limit, wanted.wait).await?;
    let mut body = Vec::with_capacity(next.rows.len() * 1200 + 200);
    let is_page = matches!(form, Form::Page);
    body.extend_from_slice(if is_page { b"{\"data\":[" } else { b"[" });
    for (index, row) in next.rows.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        events.write(&mut body, row);
    }
    body.push(b']');
    let mut response = positioned(HttpResponse::Ok(), Some(next.through), next.head);
    if next.through < next.head {
        response.insert_header((header::LINK, format!("<{}>; rel=\"next\"", next_address(&request, next.through))));
    }
    if is_page {
        body.extend_from_slice(page_end(after, &next).as_bytes());
    }
    Ok(response.content_type(if is_page { "application/json" } else { BATCH }).body(body))
}

fn page_end(after: i64, next: &Next) -> String {
    let Next { through, head, .. } = next;
    let cursor = if through < head { format!("\"{through}\"") } else { "null".to_owned() };
    format!(",\"after\":{after},\"through\":{through},\"next_cursor\":{cursor},\"as_of_position\":{head}}}")
}

fn positioned(mut response: HttpResponseBuilder, through: Option<i64>, head: i64) -> HttpResponseBuilder {
    if let Some(through) = through {
        response.insert_header((LOG_THROUGH, HeaderValue::from(through)));
    }
    response.insert_header((LOG_HEAD, HeaderValue::from(head)));
    response
}

fn next_address(request: &HttpRequest, through: i64) -> String {
    let kept = request.query_string().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
    let pairs: Vec<String> = kept.map(str::to_owned).chain([format!("after={through}")]).collect();
    format!("{}?{}", request.path(), pairs.join("&"))
}

fn feed(request: &HttpRequest) -> Result<web::Data<Feed>, Problem> {
    request.app_data::<web::Data<Feed>>().cloned().ok_or_else(|| Problem::of(&INTERNAL))
}

/// Follow the log as it grows
///
/// Server-Sent Events: `id` is the position, `data` the `CloudEvent`. Connected again with `Last-Event-ID` it goes on where it ended; an `id` without data
/// says that everything up to there was looked at and nothing of it was for you. A comment every 15 seconds is a sign of life. A key that is revoked ends the
/// stream. An organisation may have 64 streams and waiting requests at once.
#[utoipa::path(tag = "events",
    params(StreamParams, ("Last-Event-ID" = Option<String>, Header, pattern = "^[0-9]{1,20}$", max_length = 20, description = "The last `id` that came; goes before `after`.", example = "42")),
    responses((status = 200, description = "Events as they come", content_type = "text/event-stream", body = StreamedEvent),
        (status = 429, description = "Too many streams and waiting requests", content_type = "application/problem+json", body = crate::web::ProblemDocument)))]
#[get("/events/stream")]
async fn stream_events(
    request: HttpRequest,
    caller: Caller,
    params: Params<StreamParams>,
) -> Result<HttpResponse, Problem> {
    let actor = caller.actor()?.clone();
    let wanted = params.0.read(&actor)?;
    let after = last_event_id(&request)?.map_or(wanted.after, After::LastEventId);
    let feed = feed(&request)?;
    let place = feed.streams.place(actor.organisation)?;
    let follower = Follower::begin(caller.clone(), wanted.sieve, after, &feed.streams).await?;
    let events = feed.writer(&caller.service, &request).await?;
    let (sender, pieces) = channel(PIECES_WAITING);
    actix_web::rt::spawn(Live { caller, follower, events, place }.send(sender));
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Neither we nor a proxy may gather pieces before sending them.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(bytes(pieces)))
}

/// `Last-Event-ID`, which a client sends when it connects again.
fn last_event_id(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(value) = request.headers().get("last-event-id") else {
        return Ok(None);
    };
    let position = value.to_str().ok().and_then(sequence_of);
    position.map(Some).ok_or_else(|| {
        let why = Text::fixed(
            "`Last-Event-ID` adalah posisi log: bilangan 0 atau lebih.",
            "`Last-Event-ID` is a position of the log: a number from 0 on.",
        );
        Refusal::new(&INVALID_HEADER, why).into()
    })
}

/// Pieces as they are sent.
fn bytes(
    mut pieces: Receiver<Piece>,
) -> impl futures_util::Stream<Item = Result<web::Bytes, actix_web::Error>> + 'static {
    poll_fn(move |context| pieces.poll_recv(context)).map(|piece| Ok(web::Bytes::from(piece)))
}

/// Read one event
///
/// By its id, as `causationid`, evidence and histories name it.
#[utoipa::path(tag = "events", params(("id" = Uuid, Path, description = "The event")),
    responses((status = 200, description = "The event", body = CloudEvent)))]
#[get("/events/{id}")]
async fn get_event(
    request: HttpRequest,
    caller: Caller,
    id: IdPath,
    _: Params<NoFilter>,
) -> Result<HttpResponse, Problem> {
    let sieve = Sieve::of(caller.actor()?, &schemas::kinds());
    let found = caller.service.look_up(move |connection| Ok(feed_event(connection, &sieve, id.0)?)).await?;
    let row = found.ok_or_else(|| Refusal::not_found("event", id.0))?;
    let mut body = Vec::with_capacity(row.data.len() + 900);
    feed(&request)?.writer(&caller.service, &request).await?.write(&mut body, &row);
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

/// The end of the log.
#[derive(Debug, Serialize, ToSchema)]
struct LogHead {
    /// The last position there is.
    position: i64,
    /// When its event was recorded; null when there is none.
    recorded_at: Option<Timestamp>,
    /// How many events the caller may see.
    events: i64,
    /// How many of each type.
    counts: std::collections::BTreeMap<String, i64>,
}

/// Tell how far the log reaches
///
/// The last position, and how many events of each type the caller may see up to there.
#[utoipa::path(tag = "events", responses((status = 200, description = "The head", body = LogHead)))]
#[get("/events/head")]
async fn get_head(request: HttpRequest, caller: Caller, _: Params<NoFilter>) -> Result<HttpResponse, Problem> {
    let sieve = Sieve::of(caller.actor()?, &schemas::kinds());
    let head = caller.service.look_up(|connection| Ok(head_position(connection)?)).await?;
    let (position, counts) = feed(&request)?.counts.by_type(&caller.service, &sieve, head).await?;
    let recorded_at = caller.service.look_up(move |connection| Ok(recorded_at(connection, position)?)).await?;
    Ok(json_reply(&LogHead { position, recorded_at, events: counts.values().sum(), counts }))
}

/// Sum up a stretch of the log
///
/// Counts and a digest to hold against what was read: whoever has read the same events arrives at the same digest. At most a million positions at a time.
#[utoipa::path(tag = "events", params(SummaryParams), responses((status = 200, description = "The sums", body = Summary)))]
#[get("/events/summary")]
async fn get_summary(caller: Caller, params: Params<SummaryParams>) -> Result<HttpResponse, Problem> {
    let actor = caller.actor()?.clone();
    Ok(json_reply(&sum_up(&caller.service, &actor, &params.0).await?))
}

/// A schema there is.
#[derive(Debug, Serialize, ToSchema)]
struct SchemaEntry {
    /// The event's type.
    r#type: String,
    /// Version of the form.
    version: i32,
    /// Where the schema is.
    dataschema: String,
}

/// List the forms of events
///
/// Every type and version that was ever written.
#[utoipa::path(tag = "events", security(()), responses((status = 200, description = "Types, versions, addresses", body = Vec<SchemaEntry>)))]
#[get("/schemas")]
async fn list_schemas(request: HttpRequest, _: Params<NoFilter>) -> Result<HttpResponse, Problem> {
    let address = own_address(&request);
    let entry = |(event_type, version): &(String, i32)| SchemaEntry {
        r#type: event_type.clone(),
        version: *version,
        dataschema: format!("{address}/v1/schemas/{event_type}/{version}"),
    };
    Ok(constant_reply(&request, &schemas::all().keys().map(entry).collect::<Vec<_>>()))
}

/// Read the form of an event
///
/// JSON Schema 2020-12 of the data of one type and version: where `dataschema` leads.
#[utoipa::path(tag = "events", security(()),
    params(("type" = String, Path, description = "The event's type", example = "financing.disbursed"), ("version" = i32, Path, description = "Version of the form", example = 1)),
    responses((status = 200, description = "The schema", content_type = "application/schema+json", body = serde_json::Value)))]
#[get("/schemas/{type}/{version}")]
async fn get_schema(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    _: Params<NoFilter>,
) -> Result<HttpResponse, Problem> {
    let (event_type, version) = path.into_inner();
    let found = version.parse().ok().and_then(|version| schemas::all().get(&(event_type, version)));
    let mut response = constant_reply(&request, found.ok_or_else(|| Problem::of(&NOT_FOUND))?);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/schema+json"));
    Ok(response)
}
