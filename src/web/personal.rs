//! Personal data on its way in (sealed before a command is made) and out (opened for those who may see it).

use serde_json::Value;
use uuid::Uuid;

use super::problem::Problem;
use super::service::Service;
use super::show::Viewer;
use crate::kernel::problem_codes::INTERNAL;
use crate::kernel::{Actor, Person, PersonChanges, PersonalData, Region, personal_data};
use crate::ledger::SubjectKey;
use crate::storage::{AnyConnection, ReadError, Sealed, Vault, VaultError};

fn failed(error: &VaultError) -> Problem {
    log::error!("personal data could not be sealed or opened error={error}");
    Problem::of(&INTERNAL)
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
            let clear = vault.open_sealed(&key, &sealed).map_err(|why| failed(&why))?;
            let person: Person = serde_json::from_slice(&clear).map_err(ReadError::from)?;
            let person = person.changed(changes);
            let clear = serde_json::to_vec(&person).map_err(ReadError::from)?;
            let number = person.nik_orang.as_ref().filter(|_| once).map(|number| number.0.as_str());
            let sealed = vault.seal_again(key, &clear, number);
            sealed.map(|(key, sealed)| Some((sealed, key))).map_err(|why| failed(&why))
        })
        .await
}

/// Replaces `sealed` in each document by `person` and `personal_data`: opened for whoever sees the person ([`personal_data`]), hidden from
/// everyone else.
///
/// # Errors
/// When the database cannot be read.
pub fn present_persons(
    viewer: &Viewer,
    connection: &mut AnyConnection,
    docs: &[String],
) -> Result<Vec<String>, Problem> {
    let mut docs: Vec<Value> =
        docs.iter().map(|doc| serde_json::from_str(doc)).collect::<Result<_, _>>().map_err(ReadError::from)?;
    let visible = |doc: &Value| {
        let owner = doc["recorded_by"].as_str().and_then(|text| Uuid::parse_str(text).ok()).unwrap_or_default();
        let region = doc["region"].as_str().and_then(|code| Region::parse(code).ok());
        let sees = |actor: &Actor| region.is_some_and(|region| personal_data(actor, region, owner));
        viewer.actor.as_ref().is_some_and(sees)
    };
    let wanted: Vec<String> =
        docs.iter().filter(|doc| visible(doc)).filter_map(|doc| doc["subject"].as_str().map(str::to_owned)).collect();
    let keys = if wanted.is_empty() { Vec::new() } else { Vault::keys(connection, &wanted)? };
    for doc in &mut docs {
        let sees = visible(doc);
        let subject = doc["subject"].as_str().and_then(|text| Uuid::parse_str(text).ok()).unwrap_or_default();
        let sealed = doc.as_object_mut().and_then(|doc| {
            doc.remove("subject");
            doc.remove("sealed")
        });
        let erased = doc["erased"].as_bool().unwrap_or_default();
        let key = keys.iter().find(|key| key.subject == subject);
        let (person, state) = match (sealed.as_ref().and_then(Value::as_str), key) {
            _ if erased => (Value::Null, PersonalData::Erased),
            (Some(sealed), Some(key)) if sees => {
                let clear = viewer.vault.open_sealed(key, sealed).map_err(|why| failed(&why))?;
                (serde_json::from_slice(&clear).map_err(ReadError::from)?, PersonalData::Shown)
            }
            // Visible, but the key is gone: erased since the version that is shown.
            (Some(_), None) if sees => (Value::Null, PersonalData::Erased),
            _ => (Value::Null, PersonalData::Hidden),
        };
        doc["person"] = person;
        doc["personal_data"] = Value::from(crate::kernel::OneOf::word(state));
    }
    Ok(docs.into_iter().map(|doc| doc.to_string()).collect())
}
