//! A disclosure, put together from the events of a record.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::views::LookLine;
use crate::kernel::{Person, PersonalData, Timestamp};
use crate::ledger::Event;
use crate::storage::ReadError;

/// Everything there is about a person in one record.
#[derive(Serialize, ToSchema)]
pub struct Disclosure {
    /// The record.
    pub id: Uuid,
    /// Its kind: `manager` or `enterprise`.
    pub kind: &'static str,
    /// Whether the data is shown, erased, or restricted to the provincial office.
    pub personal_data: PersonalData,
    /// The data as it stands; null when it was erased.
    pub person: Option<Person>,
    /// Every value that was ever recorded, oldest first; none when they were erased.
    pub values: Vec<RecordedValue>,
    /// What refers to the record.
    pub uses: Vec<Use>,
    /// Everything that was done with the record, oldest first.
    pub processing: Vec<Processing>,
    /// Who was shown the data, latest first; a thousand at most, the rest in `/v1/audit?record=`.
    pub looks: Vec<LookLine>,
    /// How many looks there are in all.
    pub looks_total: i64,
    /// The log position this was read at.
    pub as_of_position: i64,
}

/// A value as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecordedValue {
    /// `name`, `nik_orang`, `phone` or `address`.
    pub field: String,
    /// The value.
    pub value: String,
    /// Whether it is the one that stands.
    pub current: bool,
    /// The organisation that recorded it.
    pub organisation: Uuid,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The event that recorded it.
    pub event_id: Uuid,
}

crate::words! {
    /// What refers to a person's record.
    UseKind {
        /// A role at a cooperative, which `id` names.
        Appointment = "appointment",
        /// A certification.
        Certification = "certification",
        /// A financing.
        Financing = "financing",
        /// A training that was attended.
        Training = "training",
    }
}

/// Something that refers to a person's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Use {
    /// What it is.
    pub kind: UseKind,
    /// Which.
    pub id: Uuid,
}

/// Something that was done with a person's record.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Processing {
    /// Its position in the log.
    pub position: i64,
    /// The event.
    pub event_id: Uuid,
    /// What was done.
    #[serde(rename = "type")]
    pub event_type: String,
    /// By whom.
    pub organisation: Uuid,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The provision it was done by.
    pub legal_basis: &'static str,
    /// What was said of it, without personal data.
    pub data: Value,
}

/// The provision of UU 27/2022 (PDP) that something is done with a person's data by, told from the type of its event. What serves the
/// office's task rests on pasal 20 ayat (2) huruf e; what the person asked for, on the article that gives the right.
pub fn legal_basis(event_type: &str) -> &'static str {
    match event_type.split_once('.').map_or(event_type, |(_, verb)| verb) {
        "details_amended" => "UU 27/2022 pasal 6 dan 30",
        "personal_data_erased" => "UU 27/2022 pasal 8 dan 43",
        "erasure_refused" => "UU 27/2022 pasal 15",
        "processing_restricted" | "restriction_lifted" => "UU 27/2022 pasal 11 dan 41",
        _ => "UU 27/2022 pasal 20 ayat (2) huruf e",
    }
}

/// What was done with a record, from its events and what is told of each.
pub fn processing(event: &Event, data: Value) -> Processing {
    let envelope = &event.envelope;
    Processing {
        position: envelope.position,
        event_id: envelope.event_id,
        event_type: envelope.event_type.clone(),
        organisation: envelope.organisation,
        occurred_at: envelope.occurred_at,
        recorded_at: envelope.recorded_at,
        legal_basis: legal_basis(&envelope.event_type),
        data,
    }
}

/// The values that each event changed, from the person as every event left it.
///
/// # Errors
/// When a person does not serialise.
pub fn values(versions: &[(&Event, Person)]) -> Result<Vec<RecordedValue>, ReadError> {
    let mut found: Vec<RecordedValue> = Vec::new();
    let mut before = serde_json::Map::new();
    for (event, person) in versions {
        let Value::Object(after) = serde_json::to_value(person)? else { continue };
        for (field, value) in after.iter().filter(|(field, value)| before.get(*field) != Some(*value)) {
            for known in found.iter_mut().filter(|known| known.field == *field) {
                known.current = false;
            }
            let Some(value) = value.as_str() else { continue };
            let envelope = &event.envelope;
            found.push(RecordedValue {
                field: field.clone(),
                value: value.to_owned(),
                current: true,
                organisation: envelope.organisation,
                occurred_at: envelope.occurred_at,
                recorded_at: envelope.recorded_at,
                event_id: envelope.event_id,
            });
        }
        before = after;
    }
    Ok(found)
}
