//! Personal data on its way in (sealed before a command is made) and out (opened for those who may see it, which is recorded before they do).

use std::sync::Arc;

use actix_web::HttpResponse;
use serde_json::Value;
use uuid::Uuid;

use super::auth::Caller;
use super::problem::Problem;
use super::reply::command_reply;
use super::service::Service;
use super::show::{Present, Stored, Viewer};
use crate::kernel::problem_codes::{INTERNAL, PRECONDITION_FAILED, UNAVAILABLE};
use crate::kernel::{Met, Person, PersonChanges, PersonalData, Region, Timestamp, personal_data};
use crate::ledger::{Context, Decide, Look, SubjectKey};
use crate::storage::{AnyConnection, ReadError, Sealed, Vault, VaultError};

fn failed(error: &VaultError) -> Problem {
    log::error!("personal data could not be sealed or opened error={error}");
    Problem::of(if *error == VaultError::MasterKey { &UNAVAILABLE } else { &INTERNAL })
}

/// Seals a new person's data under a new key. With `once`, the identity number may be registered once only: a manager is one record, an owner
/// may have several enterprises.
///
/// # Errors
/// When sealing fails.
pub fn seal_person(
    service: &Service,
    subject: Uuid,
    person: &Person,
    once: bool,
) -> Result<(SubjectKey, Sealed), Problem> {
    let clear = serde_json::to_vec(person).map_err(|why| Problem::from(ReadError::from(why)))?;
    let number = person.nik_orang.as_ref().filter(|_| once).map(|number| number.0.as_str());
    service.vault.seal_new(subject, &clear, number).map_err(|why| failed(&why))
}

/// Opens a person's data, makes the changes, seals it again under the same key; `once` as in [`seal_person`]. Nothing when there is no key any
/// more.
///
/// # Errors
/// When the data does not open.
pub async fn reseal_person(
    service: &Service,
    subject: Uuid,
    sealed: Sealed,
    changes: PersonChanges,
    once: bool,
) -> Result<Option<(Sealed, SubjectKey)>, Problem> {
    let vault = service.vault.clone();
    service
        .read(move |connection| {
            let key = Vault::keys(connection, &[subject.to_string()])?.pop();
            let Some(key) = key else { return Ok(None) };
            let person = open_person(&vault, &key, &sealed)?.changed(changes);
            let clear = serde_json::to_vec(&person).map_err(ReadError::from)?;
            let number = person.nik_orang.as_ref().filter(|_| once).map(|number| number.0.as_str());
            let sealed = vault.seal_again(key, &clear, number);
            sealed.map(|(key, sealed)| Some((sealed, key))).map_err(|why| failed(&why))
        })
        .await
}

/// How often an amendment is tried again when somebody else changed the data meanwhile.
const AMEND_ATTEMPTS: u32 = 8;

/// Carries out a command made by `seal` out of the data as it is now. When somebody else was first, their change and ours are put together:
/// it is made anew. With `If-Match`, the sender wants to know instead.
///
/// # Errors
/// The refusal, as a problem.
pub async fn amend_resealed<C: Decide>(
    caller: &Caller,
    context: &Context,
    id: Uuid,
    seal: impl AsyncFn() -> Result<C, Problem>,
) -> Result<HttpResponse, Problem>
where
    C::Resource: Present + Stored,
{
    let mut attempts_left = AMEND_ATTEMPTS;
    loop {
        attempts_left -= 1;
        let answer = caller.service.execute(id, seal().await?, context.clone()).await?;
        let overtaken = answer.result.as_ref().is_err_and(|refusal| refusal.code == &PRECONDITION_FAILED);
        if !overtaken || context.if_match.is_some() || attempts_left == 0 {
            return command_reply::<C::Resource>(caller, answer).await;
        }
    }
}

/// A person's data in clear.
///
/// # Errors
/// When it does not open.
pub fn open_person(vault: &Vault, key: &SubjectKey, sealed: &str) -> Result<Person, Problem> {
    let clear = vault.open_sealed(key, sealed).map_err(|why| failed(&why))?;
    Ok(serde_json::from_slice(&clear).map_err(ReadError::from)?)
}

/// Whose data an answer holds in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The kind of record that holds it.
    pub kind: &'static str,
    /// The record.
    pub record: Uuid,
    /// Whose it is.
    pub subject: Uuid,
}

/// Records that the caller is about to be shown these persons' data; when this returns, it is on disk.
///
/// # Errors
/// `overloaded` or `unavailable`: then nothing may be shown.
pub async fn record_looks(caller: &Caller, seen: Vec<Seen>) -> Result<(), Problem> {
    if seen.is_empty() {
        return Ok(());
    }
    let (actor, operation) = (caller.actor()?, Arc::<str>::from(caller.operation()));
    let look = |seen: Seen| Look {
        organisation: actor.organisation,
        key: actor.key,
        kind: seen.kind,
        record: seen.record,
        subject: seen.subject,
        operation: operation.clone(),
        request_id: caller.request_id.id.clone(),
        purpose: caller.purpose.clone(),
        looked_at: Timestamp::default(),
    };
    let recorded = caller.service.ledger.look(seen.into_iter().map(look).collect())?;
    Ok(recorded.await.map_err(|_| Problem::of(&UNAVAILABLE))??)
}

/// Records that the caller is about to be told of persons it came upon, and counts those that are hidden from it.
///
/// # Errors
/// As [`record_looks`]: then nothing may be told.
pub async fn record_met(caller: &Caller, met: Vec<(&'static str, Met)>) -> Result<(), Problem> {
    if met.is_empty() {
        return Ok(());
    }
    let hidden = met.iter().filter(|(_, met)| met.hidden).count();
    caller.service.guesses.count(caller.actor()?.organisation, u32::try_from(hidden).unwrap_or(u32::MAX));
    let seen = |(kind, met): (_, Met)| Seen { kind, record: met.record, subject: met.subject };
    record_looks(caller, met.into_iter().map(seen).collect()).await
}

/// What is known of the person in a document.
struct Held {
    record: Uuid,
    subject: Uuid,
    sealed: String,
    erased: bool,
    restricted: bool,
    sees: bool,
}

impl Held {
    /// Takes what is never shown out of the document.
    fn take<R: Stored>(doc: &mut Value, viewer: &Viewer, connection: &mut AnyConnection) -> Result<Self, Problem> {
        let id = |value: &Value| value.as_str().and_then(|text| Uuid::parse_str(text).ok()).unwrap_or_default();
        let (record, owner) = (id(&doc["id"]), id(&doc["recorded_by"]));
        let region = doc["region"].as_str().and_then(|code| Region::parse(code).ok());
        let mut restricted = doc["restricted"].as_bool().unwrap_or_default();
        let sees = |restricted| {
            let both = viewer.actor.as_ref().zip(region);
            both.is_some_and(|(actor, region)| personal_data(actor, R::AREA, (region, owner), restricted))
        };
        // A restriction holds for what was recorded before it, too.
        if viewer.past && sees(restricted) {
            let now = R::find(connection, &record.to_string())?.map(|row| serde_json::from_str::<Value>(&row.doc));
            let now = now.transpose().map_err(ReadError::from)?.unwrap_or_default();
            restricted = now["restricted"].as_bool().unwrap_or_default();
        }
        let mut taken = |name: &str| doc.as_object_mut().and_then(|doc| doc.remove(name)).unwrap_or_default();
        taken("restricted");
        Ok(Self {
            record,
            subject: id(&taken("subject")),
            sealed: taken("sealed").as_str().unwrap_or_default().to_owned(),
            erased: doc["erased"].as_bool().unwrap_or_default(),
            restricted,
            sees: sees(restricted),
        })
    }
}

/// Replaces `sealed` in each document by `person` and `personal_data`: opened for those who may see it, hidden from everyone else, as are
/// members that are personal too. Whose data is opened is noted with the viewer.
///
/// # Errors
/// When the database cannot be read.
pub fn present_persons<R: Present + Stored>(
    viewer: &Viewer,
    connection: &mut AnyConnection,
    docs: &[String],
) -> Result<Vec<String>, Problem> {
    let mut docs: Vec<Value> =
        docs.iter().map(|doc| serde_json::from_str(doc)).collect::<Result<_, _>>().map_err(ReadError::from)?;
    let held: Vec<Held> =
        docs.iter_mut().map(|doc| Held::take::<R>(doc, viewer, connection)).collect::<Result<_, _>>()?;
    let wanted: Vec<String> = held.iter().filter(|held| held.sees).map(|held| held.subject.to_string()).collect();
    let keys = if wanted.is_empty() { Vec::new() } else { Vault::keys(connection, &wanted)? };
    for (doc, held) in docs.iter_mut().zip(held) {
        for name in R::PERSONAL.iter().filter(|_| !held.sees) {
            doc[*name] = Value::Null;
        }
        let key = keys.iter().find(|key| key.subject == held.subject);
        let (person, state) = match key {
            _ if held.erased => (Value::Null, PersonalData::Erased),
            _ if !held.sees && held.restricted => (Value::Null, PersonalData::Restricted),
            _ if !held.sees => (Value::Null, PersonalData::Hidden),
            // In the copy of another log persons' keys are elsewhere.
            None if viewer.vault.is_of_copy() => (Value::Null, PersonalData::Hidden),
            // The key is gone: erased since the version that is shown.
            None => (Value::Null, PersonalData::Erased),
            Some(key) => {
                let person = open_person(&viewer.vault, key, &held.sealed)?;
                viewer.saw(Seen { kind: R::KIND, record: held.record, subject: held.subject });
                let state = if held.restricted { PersonalData::Restricted } else { PersonalData::Shown };
                (serde_json::to_value(person).map_err(ReadError::from)?, state)
            }
        };
        doc["person"] = person;
        doc["personal_data"] = Value::from(crate::kernel::OneOf::word(state));
    }
    Ok(docs.into_iter().map(|doc| doc.to_string()).collect())
}
