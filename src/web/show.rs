//! Showing one resource: now, or as it was recorded by a point in the log; and its history.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use deserr::Deserr;
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use uuid::Uuid;

use super::auth::Caller;
use super::problem::Problem;
use super::reply::{document_reply, fresh_document_reply, json_reply};
use super::service::Service;
use crate::kernel::problem_codes::{INTERNAL, INVALID_PARAMETER};
use crate::kernel::{Actor, Date, Fault, Faults, Refusal, Scope, Text, Timestamp};
use crate::ledger::{Event, Resource, fold_stream, states_of};
use crate::storage::{
    AnyConnection, AsOf, DocRow, ReadError, Vault, head_position, position_at, recorded_at, stream_up_to,
};

/// Digits of the highest position there can be.
const POSITION_DIGITS_MAX: usize = 16;

/// Who a document is shown to.
pub struct Viewer {
    /// The organisation; `None` for the anonymous.
    pub actor: Option<Actor>,
    /// Opens what the viewer may see of personal data.
    pub vault: Arc<Vault>,
    /// The day it is looked at: today, or that of `as_of`.
    pub on: Date,
}

/// How a resource kind is shown.
pub trait Present: Resource {
    /// The part of the address between `/v1/` and the id.
    const PATH: &'static str;
    /// Whether a document depends on its version alone; when it also depends on the day, it is never answered 304.
    const DEPENDS_ON_VERSION_ALONE: bool = true;
    /// Whether [`Present::present`] changes anything; when not, stored documents go out as they are.
    const REWRITES: bool = false;
    /// Whether its home alone tells whose scope reaches it.
    const ADMITS_BY_HOME: bool = true;

    /// Makes of stored documents what this viewer may see.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn present(_: &Viewer, _: &mut AnyConnection, docs: Vec<String>) -> Result<Vec<String>, Problem> {
        Ok(docs)
    }

    /// Whether this viewer's scope reaches the resource; asked only when the scope is not everything.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn admits(&self, scope: Scope, _: &mut AnyConnection) -> Result<bool, Problem> {
        let (region, owner) = self.home();
        Ok(scope.admits(region, owner))
    }
}

/// A resource kind with a table to look it up in.
pub trait Stored: Resource {
    /// Its row.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<DocRow>, ReadError>;
}

/// A document ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Version, for the `ETag`.
    pub version: i64,
    /// Position of its last event.
    pub position: i64,
    /// The document.
    pub doc: String,
}

/// A point of the log: a position, or an instant. How `as_of` is described.
pub struct Point;

impl PartialSchema for Point {
    fn schema() -> RefOr<Schema> {
        let position = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^(0|[1-9][0-9]{0,15})$"));
        AnyOfBuilder::new().item(position.max_length(Some(POSITION_DIGITS_MAX))).item(Timestamp::schema()).into()
    }
}
impl ToSchema for Point {}

/// `as_of`.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AsOfParams {
    /// As recorded by then: a position of the log, or an RFC 3339 instant.
    #[deserr(default)]
    #[param(example = "2014-03-31T00:00:00+08:00", value_type = Option<Point>, inline)]
    pub as_of: Option<String>,
}

/// Reads `as_of`.
///
/// # Errors
/// `invalid_parameter`.
pub fn parse_as_of(text: Option<&str>) -> Result<Option<AsOf>, Problem> {
    let Some(text) = text else { return Ok(None) };
    if text.len() <= POSITION_DIGITS_MAX
        && let Ok(position) = text.parse::<i64>()
        && position >= 0
    {
        return Ok(Some(AsOf::Position(position)));
    }
    // A `+` of an offset that was not percent-encoded arrives as a space.
    Timestamp::parse(&text.replace(' ', "+")).map(|instant| Some(AsOf::Instant(instant))).map_err(|_| {
        let why = Text::fixed(
            "Kirim posisi log (bilangan) atau waktu RFC 3339 dengan selisih waktu.",
            "Send a position of the log (a number) or an RFC 3339 instant with an offset.",
        );
        Refusal::faults(&INVALID_PARAMETER, Faults(vec![Fault::new("?as_of", "invalid_as_of", why)])).into()
    })
}

/// One resource, now or as of, to those whose rights reach it.
///
/// # Errors
/// `not_found` when it does not exist or the caller does not see it.
pub async fn show<R: Present + Stored>(
    request: HttpRequest,
    caller: Caller,
    id: Uuid,
    params: AsOfParams,
) -> Result<HttpResponse, Problem> {
    let (actor, scope) = caller.reads(R::AREA)?;
    show_in_scope::<R>(request, &caller.service, Some(actor), scope, id, params).await
}

/// One resource that anyone may see.
///
/// # Errors
/// `not_found` when it does not exist.
pub async fn show_to_all<R: Present + Stored>(
    request: HttpRequest,
    service: &Service,
    id: Uuid,
    params: AsOfParams,
) -> Result<HttpResponse, Problem> {
    show_in_scope::<R>(request, service, None, Scope::All, id, params).await
}

/// A resource's state that anyone may see, now or as of a point; nothing when nothing had been recorded of it.
///
/// # Errors
/// When the point has not come, or the database cannot be read.
pub async fn resource_as_of<R: Stored>(service: &Service, id: Uuid, params: AsOfParams) -> Result<Option<R>, Problem> {
    let as_of = parse_as_of(params.as_of.as_deref())?;
    let now = service.clock.now();
    let read = move |connection: &mut AnyConnection| {
        let row = match as_of {
            None => R::find(connection, &id.to_string())?,
            Some(as_of) => {
                let (position, _) = point_in_time(connection, as_of, now)?;
                row_at::<R>(connection, id, position)?
            }
        };
        Ok(row.map(|row| serde_json::from_str(&row.doc)).transpose().map_err(ReadError::from)?)
    };
    service.read(read).await
}

async fn show_in_scope<R: Present + Stored>(
    request: HttpRequest,
    service: &Service,
    actor: Option<Actor>,
    scope: Scope,
    id: Uuid,
    params: AsOfParams,
) -> Result<HttpResponse, Problem> {
    let as_of = parse_as_of(params.as_of.as_deref())?;
    if as_of.is_none() && !R::REWRITES && R::ADMITS_BY_HOME {
        return show_as_stored::<R>(&request, service, scope, id).await;
    }
    let (vault, now) = (service.vault.clone(), service.clock.now());
    let read = move |connection: &mut AnyConnection| {
        let (row, on) = match as_of {
            None => (R::find(connection, &id.to_string())?, now.day()),
            Some(as_of) => {
                let (position, on) = point_in_time(connection, as_of, now)?;
                (row_at::<R>(connection, id, position)?, on)
            }
        };
        let viewer = Viewer { actor, vault, on };
        let row = row.ok_or_else(|| Refusal::not_found(R::KIND, id))?;
        if scope != Scope::All {
            let state: R = serde_json::from_str(&row.doc).map_err(ReadError::from)?;
            if !state.admits(scope, connection)? {
                return Err(Refusal::not_found(R::KIND, id).into());
            }
        }
        let mut docs = R::present(&viewer, connection, vec![row.doc])?;
        let doc = docs.pop().ok_or_else(|| Problem::of(&INTERNAL))?;
        Ok(Shown { version: row.version, position: row.position, doc })
    };
    let shown = if as_of.is_none() { service.look_up(read).await? } else { service.read(read).await? };
    if R::DEPENDS_ON_VERSION_ALONE {
        return Ok(document_reply(&request, shown));
    }
    Ok(fresh_document_reply(shown))
}

/// The short way, for documents that go out as they are stored.
async fn show_as_stored<R: Present + Stored>(
    request: &HttpRequest,
    service: &Service,
    scope: Scope,
    id: Uuid,
) -> Result<HttpResponse, Problem> {
    let row = service.fetch::<R>(id).await?.ok_or_else(|| Refusal::not_found(R::KIND, id))?;
    if scope != Scope::All {
        let state: R = serde_json::from_str(&row.doc).map_err(ReadError::from)?;
        let (region, owner) = state.home();
        if !scope.admits(region, owner) {
            return Err(Refusal::not_found(R::KIND, id).into());
        }
    }
    let shown = Shown { version: row.version, position: row.position, doc: row.doc };
    if R::DEPENDS_ON_VERSION_ALONE {
        return Ok(document_reply(request, shown));
    }
    Ok(fresh_document_reply(shown))
}

/// The position that `as_of` names, and the day it was then. A point that has not come yet is refused: its answer would change.
///
/// # Errors
/// `invalid_parameter`.
pub fn point_in_time(connection: &mut AnyConnection, as_of: AsOf, now: Timestamp) -> Result<(i64, Date), Problem> {
    let head = head_position(connection)?;
    match as_of {
        AsOf::Position(position) if position <= head => {
            let recorded = recorded_at(connection, position)?;
            Ok((position, recorded.unwrap_or_default().day()))
        }
        AsOf::Instant(instant) if instant <= now => Ok((position_at(connection, instant)?, instant.day())),
        _ => {
            let why = text!(
                "Titik ini belum ada: posisi terakhir log sekarang {head}. Tanggal ditulis dengan tanda hubung, misalnya 2014-05-10T00:00:00+08:00.",
                "This point does not exist yet: the last position of the log is {head} now. An instant is written with hyphens, such as 2014-05-10T00:00:00+08:00."
            );
            Err(Refusal::faults(&INVALID_PARAMETER, Faults(vec![Fault::new("?as_of", "not_yet", why)])).into())
        }
    }
}

fn row_at<R: Resource>(connection: &mut AnyConnection, id: Uuid, position: i64) -> Result<Option<DocRow>, Problem> {
    let events = stream_up_to(connection, R::KIND, id, position)?;
    let Some(state) = fold_stream::<R>(&events).map_err(ReadError::Corrupt)? else {
        return Ok(None);
    };
    let doc = serde_json::to_string(&state).map_err(ReadError::from)?;
    let stamp = state.stamp();
    Ok(Some(DocRow { id: id.to_string(), version: stamp.version, position: stamp.position, doc }))
}

/// What is made of a resource's whole stream, or of it as of a point in the log: its state, its events, the position they are as of.
///
/// # Errors
/// As [`show`].
pub async fn show_made_of_stream<R, T, F>(caller: Caller, id: Uuid, as_of: Option<&str>, make: F) -> Result<T, Problem>
where
    R: Present + Stored,
    T: Send + 'static,
    F: FnOnce(&R, &[Event], i64) -> Result<T, Problem> + Send + 'static,
{
    let (_, scope) = caller.reads(R::AREA)?;
    let (as_of, now) = (parse_as_of(as_of)?, caller.service.clock.now());
    let read = caller.service.read(move |connection| {
        let position = match as_of {
            Some(as_of) => point_in_time(connection, as_of, now)?.0,
            None => head_position(connection)?,
        };
        let events = stream_up_to(connection, R::KIND, id, position)?;
        let state = fold_stream::<R>(&events).map_err(ReadError::Corrupt)?;
        let state = state.ok_or_else(|| Refusal::not_found(R::KIND, id))?;
        if scope != Scope::All && !state.admits(scope, connection)? {
            return Err(Refusal::not_found(R::KIND, id).into());
        }
        make(&state, &events, position)
    });
    read.await
}

/// The events of one resource: who, when it happened, when it was recorded, what.
///
/// # Errors
/// As [`show`].
pub async fn show_history<R: Present + Stored>(
    caller: Caller,
    id: Uuid,
    params: AsOfParams,
) -> Result<HttpResponse, Problem> {
    let as_of = params.as_of.as_deref();
    let history = show_made_of_stream::<R, _, _>(caller, id, as_of, |_, events, as_of_position| {
        let states = states_of::<R>(events).map_err(ReadError::Corrupt)?;
        let docs: Result<Vec<_>, _> = states.iter().map(serde_json::to_value).collect();
        let docs = docs.map_err(ReadError::from)?;
        let before = std::iter::once(&serde_json::Value::Null).chain(&docs);
        let data: Result<Vec<_>, _> =
            events.iter().zip(before.zip(&docs)).map(|(event, (from, to))| history_line(event, from, to)).collect();
        Ok(json!({ "data": data.map_err(ReadError::from)?, "next_cursor": null, "as_of_position": as_of_position }))
    });
    Ok(json_reply(&history.await?))
}

/// Members of a document that change with every event, or are nobody's business.
const NOT_TOLD: [&str; 5] = ["version", "position", "updated_at", "sealed", "subject"];

/// The members of a document that an event changed: what they were and what they became.
fn changes(from: &serde_json::Value, to: &serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
    let none = serde_json::Map::new();
    let (from, to) = (from.as_object().unwrap_or(&none), to.as_object().unwrap_or(&none));
    let told = to.iter().filter(|(name, _)| !NOT_TOLD.contains(&name.as_str()));
    told.filter(|(name, value)| from.get(*name) != Some(*value))
        .map(|(name, value)| (name.clone(), json!({ "from": from.get(name), "to": value })))
        .collect()
}

fn history_line(
    event: &Event,
    from: &serde_json::Value,
    to: &serde_json::Value,
) -> Result<serde_json::Value, serde_json::Error> {
    let envelope = &event.envelope;
    let mut data: serde_json::Value = serde_json::from_str(&event.data)?;
    // Sealed text is of no use to a reader, and nobody's business.
    for secret in ["sealed", "subject"] {
        data.as_object_mut().and_then(|data| data.remove(secret));
    }
    Ok(json!({
        "position": envelope.position,
        "event_id": envelope.event_id,
        "version": envelope.version,
        "type": envelope.event_type,
        "organisation": envelope.organisation,
        "occurred_at": envelope.occurred_at,
        "recorded_at": envelope.recorded_at,
        "data": data,
        // The first event makes everything there is.
        "changed": if from.is_null() { serde_json::Map::new() } else { changes(from, to) },
    }))
}
