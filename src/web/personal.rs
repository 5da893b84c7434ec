//! Personal data on its way in (sealed before a command is made) and out (opened for those who may see it).

use serde_json::Value;
use uuid::Uuid;

use super::problem::Problem;
use super::service::Service;
use super::show::Viewer;
use crate::kernel::problem_codes::{INTERNAL, PERSONAL_DATA_ERASED};
use crate::kernel::{Person, PersonChanges, PersonalData, personal_data};
use crate::ledger::SubjectKey;
use crate::storage::{AnyConnection, ReadError, Sealed, Vault, VaultError};

fn failed(error: &VaultError) -> Problem {
    log::error!("personal data could not be sealed or opened error={error}");
    Problem::of(&INTERNAL)
}

/// Seals a new person's data under a new key.
///
/// # Errors
/// When sealing fails.
pub fn seal_person(
    service: &Service,
    subject: Uuid,
    person: &Person,
) -> Result<(SubjectKey, Sealed), Problem> {
    let clear = serde_json::to_vec(person).map_err(|why| Problem::from(ReadError::from(why)))?;
    let number = person.nik_orang.as_ref().map(|number| number.0.as_str());
    service
        .vault
        .seal_new(subject, &clear, number)
        .map_err(|why| failed(&why))
}

/// Opens a person's data, makes the changes, seals it again under the same key.
///
/// # Errors
/// `personal_data_erased` when there is no key any more.
pub async fn reseal_person(
    service: &Service,
    subject: Uuid,
    sealed: Sealed,
    changes: PersonChanges,
) -> Result<(SubjectKey, Sealed), Problem> {
    let vault = service.vault.clone();
    service
        .read(move |connection| {
            let key = Vault::keys(connection, &[subject.to_string()])?.pop();
            let key = key.ok_or_else(|| Problem::of(&PERSONAL_DATA_ERASED))?;
            let clear = vault
                .open_sealed(&key, &sealed)
                .map_err(|why| failed(&why))?;
            let person: Person = serde_json::from_slice(&clear).map_err(ReadError::from)?;
            let person = person.changed(changes);
            let clear = serde_json::to_vec(&person).map_err(ReadError::from)?;
            let number = person.nik_orang.as_ref().map(|number| number.0.as_str());
            vault
                .seal_again(key, &clear, number)
                .map_err(|why| failed(&why))
        })
        .await
}

/// Replaces `sealed` in each document by `person` and `personal_data`: opened for the provincial office and the organisation that
/// recorded the person, hidden from everyone else.
///
/// # Errors
/// When the database cannot be read.
pub fn present_persons(
    viewer: &Viewer,
    connection: &mut AnyConnection,
    docs: &[String],
) -> Result<Vec<String>, Problem> {
    let mut docs: Vec<Value> = docs
        .iter()
        .map(|doc| serde_json::from_str(doc))
        .collect::<Result<_, _>>()
        .map_err(ReadError::from)?;
    let visible = |doc: &Value| {
        let owner = doc["recorded_by"]
            .as_str()
            .and_then(|text| Uuid::parse_str(text).ok())
            .unwrap_or_default();
        viewer
            .actor
            .as_ref()
            .is_some_and(|actor| personal_data(actor, owner))
    };
    let wanted: Vec<String> = docs
        .iter()
        .filter(|doc| visible(doc))
        .filter_map(|doc| doc["id"].as_str().map(str::to_owned))
        .collect();
    let keys = if wanted.is_empty() {
        Vec::new()
    } else {
        Vault::keys(connection, &wanted)?
    };
    for doc in &mut docs {
        let sees = visible(doc);
        let id = doc["id"]
            .as_str()
            .and_then(|text| Uuid::parse_str(text).ok())
            .unwrap_or_default();
        let sealed = doc.as_object_mut().and_then(|doc| doc.remove("sealed"));
        let erased = doc["erased"].as_bool().unwrap_or_default();
        let key = keys.iter().find(|key| key.subject == id);
        let (person, state) = match (sealed.as_ref().and_then(Value::as_str), key) {
            _ if erased => (Value::Null, PersonalData::Erased),
            (Some(sealed), Some(key)) if sees => {
                let clear = viewer
                    .vault
                    .open_sealed(key, sealed)
                    .map_err(|why| failed(&why))?;
                (
                    serde_json::from_slice(&clear).map_err(ReadError::from)?,
                    PersonalData::Shown,
                )
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
