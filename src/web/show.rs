//! Showing one resource: now, or as it was recorded by a point in the log; and its history.

use std::cell::RefCell;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use uuid::Uuid;

use super::auth::Caller;
use super::personal::{Seen, record_looks};
use super::point::{AsOfParams, point_in_time, read_as_of};
use super::problem::Problem;
use super::reply::{document_reply, fresh_document_reply, has_version, json_reply, private};
use super::service::Service;
use crate::kernel::problem_codes::INTERNAL;
use crate::kernel::{Action, Actor, Date, Refusal, Scope};
use crate::ledger::{Event, Resource, fold_stream, states_of};
use crate::storage::{AnyConnection, AsOf, DocRow, ReadError, Vault, head_position, stream_up_to};

/// Who a document is shown to.
pub struct Viewer {
    /// The organisation; `None` for the anonymous.
    pub actor: Option<Actor>,
    /// Opens what the viewer may see of personal data.
    pub vault: Arc<Vault>,
    /// The day it is looked at: today, or that of `as_of`.
    pub on: Date,
    /// Whether it is shown as it was, not as it is.
    pub past: bool,
    /// Whose personal data was opened.
    seen: RefCell<Vec<Seen>>,
}

impl Viewer {
    /// Somebody who looks on a day.
    pub const fn new(actor: Option<Actor>, vault: Arc<Vault>, on: Date, past: bool) -> Self {
        Self { actor, vault, on, past, seen: RefCell::new(Vec::new()) }
    }

    /// Notes that a person's data was opened for the viewer.
    pub fn saw(&self, seen: Seen) {
        self.seen.borrow_mut().push(seen);
    }

    /// Whose data was opened: to be recorded before it is shown.
    pub fn seen(self) -> Vec<Seen> {
        self.seen.into_inner()
    }
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
    /// Members that are personal although they are not sealed: shown to those who see the person, and in no history.
    const PERSONAL: &'static [&'static str] = &[];

    /// As [`Present::REWRITES`], where only some see less than is stored.
    fn rewrites_for(_: Option<&Actor>) -> bool {
        Self::REWRITES
    }

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
    show_in_scope::<R>(request, &caller, Some(actor), scope, id, params).await
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
    let as_of = read_as_of(service, params.as_of.as_deref()).await?;
    if as_of.is_none() && goes_out_as_stored::<R>(None) {
        return show_as_stored::<R>(&request, service, Scope::All, id).await;
    }
    let (shown, _) = read_in_scope::<R>(service, None, Scope::All, id, as_of).await?;
    Ok(reply_with::<R>(&request, shown))
}

/// A resource's state that anyone may see, now or as of a point; nothing when nothing had been recorded of it.
///
/// # Errors
/// When the point has not come, or the database cannot be read.
pub async fn resource_as_of<R: Stored>(service: &Service, id: Uuid, params: AsOfParams) -> Result<Option<R>, Problem> {
    let as_of = read_as_of(service, params.as_of.as_deref()).await?;
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

/// Whether documents of the kind go out to the actor as they are stored, if their home admits it.
fn goes_out_as_stored<R: Present>(actor: Option<&Actor>) -> bool {
    !R::rewrites_for(actor) && R::ADMITS_BY_HOME
}

async fn show_in_scope<R: Present + Stored>(
    request: HttpRequest,
    caller: &Caller,
    actor: Option<Actor>,
    scope: Scope,
    id: Uuid,
    params: AsOfParams,
) -> Result<HttpResponse, Problem> {
    let as_of = read_as_of(&caller.service, params.as_of.as_deref()).await?;
    if as_of.is_none() && goes_out_as_stored::<R>(actor.as_ref()) {
        return show_as_stored::<R>(&request, &caller.service, scope, id).await;
    }
    let (shown, seen) = read_in_scope::<R>(&caller.service, actor, scope, id, as_of).await?;
    // Who has it already is shown nothing.
    if seen.is_empty() || (R::DEPENDS_ON_VERSION_ALONE && has_version(&request, shown.version)?) {
        return Ok(reply_with::<R>(&request, shown));
    }
    record_looks(caller, seen).await?;
    Ok(private(reply_with::<R>(&request, shown)))
}

fn reply_with<R: Present>(request: &HttpRequest, shown: Shown) -> HttpResponse {
    if R::DEPENDS_ON_VERSION_ALONE { document_reply(request, shown) } else { fresh_document_reply(shown) }
}

/// The document for this actor, and whose personal data is in it.
async fn read_in_scope<R: Present + Stored>(
    service: &Service,
    actor: Option<Actor>,
    scope: Scope,
    id: Uuid,
    as_of: Option<AsOf>,
) -> Result<(Shown, Vec<Seen>), Problem> {
    let (vault, now) = (service.vault.clone(), service.clock.now());
    let read = move |connection: &mut AnyConnection| {
        let (row, on) = match as_of {
            None => (R::find(connection, &id.to_string())?, now.day()),
            Some(as_of) => {
                let (position, on) = point_in_time(connection, as_of, now)?;
                (row_at::<R>(connection, id, position)?, on)
            }
        };
        let viewer = Viewer::new(actor, vault, on, as_of.is_some());
        let row = row.ok_or_else(|| Refusal::not_found(R::KIND, id))?;
        if scope != Scope::All {
            let state: R = serde_json::from_str(&row.doc).map_err(ReadError::from)?;
            if !state.admits(scope, connection)? {
                return Err(Refusal::not_found(R::KIND, id).into());
            }
        }
        let mut docs = R::present(&viewer, connection, vec![row.doc])?;
        let doc = docs.pop().ok_or_else(|| Problem::of(&INTERNAL))?;
        Ok((Shown { version: row.version, position: row.position, doc }, viewer.seen()))
    };
    if as_of.is_none() { service.look_up(read).await } else { service.read(read).await }
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
    let as_of = read_as_of(&caller.service, as_of).await?;
    let now = caller.service.clock.now();
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
    caller.reaches(Action::ReadInFull, R::AREA)?;
    let as_of = params.as_of.as_deref();
    let history = show_made_of_stream::<R, _, _>(caller, id, as_of, |_, events, as_of_position| {
        let states = states_of::<R>(events).map_err(ReadError::Corrupt)?;
        let docs: Result<Vec<_>, _> = states.iter().map(serde_json::to_value).collect();
        let mut docs = docs.map_err(ReadError::from)?;
        let left_out = [&NEVER_TOLD, R::PERSONAL].concat();
        for doc in &mut docs {
            leave_out(doc, &left_out);
        }
        let before = std::iter::once(&serde_json::Value::Null).chain(&docs);
        let data: Result<Vec<_>, _> = events
            .iter()
            .zip(before.zip(&docs))
            .map(|(event, change)| history_line(event, change, &left_out))
            .collect();
        Ok(json!({ "data": data.map_err(ReadError::from)?, "next_cursor": null, "as_of_position": as_of_position }))
    });
    Ok(json_reply(&history.await?))
}

/// Members of a document that change with every event.
const NOT_TOLD: [&str; 3] = ["version", "position", "updated_at"];

/// What is of no use to a reader, and nobody's business: sealed text, and the hashes of keys.
const NEVER_TOLD: [&str; 3] = ["sealed", "subject", "hash"];

/// Takes members of these names away, however deep they are.
pub fn leave_out(value: &mut serde_json::Value, names: &[&str]) {
    match value {
        serde_json::Value::Object(members) => {
            members.retain(|name, _| !names.contains(&name.as_str()));
            members.values_mut().for_each(|value| leave_out(value, names));
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(|value| leave_out(value, names)),
        _ => {}
    }
}

/// The members of a document that an event changed: what they were and what they became.
fn changes(from: &serde_json::Value, to: &serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
    let none = serde_json::Map::new();
    let (from, to) = (from.as_object().unwrap_or(&none), to.as_object().unwrap_or(&none));
    let told = to.iter().filter(|(name, _)| !NOT_TOLD.contains(&name.as_str()));
    told.filter(|(name, value)| from.get(*name) != Some(*value))
        .map(|(name, value)| (name.clone(), json!({ "from": from.get(name), "to": value })))
        .collect()
}

/// What an event says, without what is of no use to a reader.
///
/// # Errors
/// When the event's data is not JSON.
pub fn told_data(event: &Event) -> Result<serde_json::Value, serde_json::Error> {
    let mut data: serde_json::Value = serde_json::from_str(&event.data)?;
    leave_out(&mut data, &NEVER_TOLD);
    Ok(data)
}

fn history_line(
    event: &Event,
    (from, to): (&serde_json::Value, &serde_json::Value),
    left_out: &[&str],
) -> Result<serde_json::Value, serde_json::Error> {
    let envelope = &event.envelope;
    let mut data: serde_json::Value = serde_json::from_str(&event.data)?;
    leave_out(&mut data, left_out);
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
