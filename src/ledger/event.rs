//! What is appended: the event, its canonical bytes and its way to and from JSON.

use std::any::Any;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::merkle::{Hash, leaf_hash};
use super::resource::{Kind, Resource};
use crate::kernel::{Region, Timestamp};

/// Everything about an event but its data: what folds and projections may depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Place in the log: 1, 2, 3, … without gaps.
    pub position: i64,
    /// The event's own id.
    pub event_id: Uuid,
    /// Kind of the resource it belongs to.
    pub stream_kind: String,
    /// The resource it belongs to.
    pub stream_id: Uuid,
    /// Place in the resource's stream: 1, 2, 3, …
    pub version: i64,
    /// `area.verb_past`.
    pub event_type: String,
    /// Version of the data's form.
    pub schema_version: i32,
    /// The key that acted.
    pub actor: Uuid,
    /// The organisation that acted.
    pub organisation: Uuid,
    /// When it happened in the world, as the sender says.
    pub occurred_at: Timestamp,
    /// When it was recorded here.
    pub recorded_at: Timestamp,
    /// The request, or the trace it belongs to.
    pub correlation_id: String,
    /// The event that caused this one, if one did.
    pub causation_id: Option<Uuid>,
    /// Where the resource is after the event: with the owner, what rights go by. Events recorded before these were kept have neither.
    pub region: Option<Region>,
    /// The organisation the resource belongs to after the event.
    pub owner: Option<Uuid>,
}

/// Most canonical bytes of an event: the tiles that auditors read give a length two bytes (C2SP tlog-tiles).
pub const EVENT_BYTES_MAX: usize = 65_535;

/// A recorded event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who, what, when, where.
    pub envelope: Envelope,
    /// Canonical JSON (RFC 8785): its bytes are hashed.
    pub data: String,
    /// Leaf of the Merkle tree at index `position − 1`.
    pub leaf_hash: Hash,
}

impl Event {
    /// Seals an envelope and its canonical data with the leaf hash.
    ///
    /// # Errors
    /// When the envelope does not serialise.
    pub fn seal(envelope: Envelope, data: String) -> Result<Self, serde_json::Error> {
        Self::seal_and_measure(envelope, data).map(|(event, _)| event)
    }

    /// As [`Event::seal`], with the number of the bytes that are hashed.
    pub(super) fn seal_and_measure(envelope: Envelope, data: String) -> Result<(Self, usize), serde_json::Error> {
        let bytes = canonical(&envelope, &data)?;
        Ok((Self { leaf_hash: leaf_hash(&bytes), envelope, data }, bytes.len()))
    }

    /// The bytes that the leaf hash is of.
    ///
    /// # Errors
    /// When the envelope does not serialise.
    pub fn canonical(&self) -> Result<Vec<u8>, serde_json::Error> {
        canonical(&self.envelope, &self.data)
    }

    /// Reads an event from its canonical bytes.
    ///
    /// # Errors
    /// When they are not those of an event, down to the last byte.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        use serde::de::Error;
        let read: Canonical<'_> = serde_json::from_slice(bytes)?;
        let data = read.data.get().to_owned();
        let envelope = Envelope {
            position: read.position,
            event_id: read.event_id,
            stream_kind: read.stream_kind,
            stream_id: read.stream_id,
            version: read.version,
            event_type: read.event_type,
            schema_version: read.schema_version,
            actor: read.actor,
            organisation: read.organisation,
            occurred_at: read.occurred_at,
            recorded_at: read.recorded_at,
            correlation_id: read.correlation_id,
            causation_id: read.causation_id,
            region: read.region,
            owner: read.owner,
        };
        if canonical(&envelope, &data)? != bytes {
            return Err(serde_json::Error::custom("these are not the canonical bytes of an event"));
        }
        Ok(Self { envelope, data, leaf_hash: leaf_hash(bytes) })
    }

    /// Recomputes the leaf hash from what is stored, byte for byte.
    ///
    /// # Errors
    /// When the envelope does not serialise.
    pub fn recomputed_hash(&self) -> Result<Hash, serde_json::Error> {
        Ok(leaf_hash(&canonical(&self.envelope, &self.data)?))
    }
}

/// The canonical bytes of an event: RFC 8785 JSON of the whole envelope with its data. Its members stand in the order of their names, and
/// the data is canonical already, so that nothing needs to be sorted or read again. Members that a later version of the program added stand
/// only where there is a value: the bytes of older events stay what they were.
fn canonical(envelope: &Envelope, data: &str) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(data.len() + 640);
    bytes.push(b'{');
    member(&mut bytes, "actor", &envelope.actor)?;
    member(&mut bytes, "causation_id", &envelope.causation_id)?;
    member(&mut bytes, "correlation_id", &envelope.correlation_id)?;
    bytes.extend_from_slice(b",\"data\":");
    bytes.extend_from_slice(data.as_bytes());
    member(&mut bytes, "event_id", &envelope.event_id)?;
    member(&mut bytes, "occurred_at", &envelope.occurred_at)?;
    member(&mut bytes, "organisation", &envelope.organisation)?;
    if let Some(owner) = &envelope.owner {
        member(&mut bytes, "owner", owner)?;
    }
    member(&mut bytes, "position", &envelope.position)?;
    member(&mut bytes, "recorded_at", &envelope.recorded_at)?;
    if let Some(region) = &envelope.region {
        member(&mut bytes, "region", region)?;
    }
    member(&mut bytes, "schema_version", &envelope.schema_version)?;
    member(&mut bytes, "stream_id", &envelope.stream_id)?;
    member(&mut bytes, "stream_kind", &envelope.stream_kind)?;
    member(&mut bytes, "type", &envelope.event_type)?;
    member(&mut bytes, "version", &envelope.version)?;
    bytes.push(b'}');
    Ok(bytes)
}

/// What [`canonical`] wrote, read back. A member that is not known here is refused, not dropped: without it the bytes are others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Canonical<'a> {
    actor: Uuid,
    causation_id: Option<Uuid>,
    correlation_id: String,
    #[serde(borrow)]
    data: &'a RawValue,
    event_id: Uuid,
    occurred_at: Timestamp,
    organisation: Uuid,
    #[serde(default)]
    owner: Option<Uuid>,
    position: i64,
    recorded_at: Timestamp,
    #[serde(default)]
    region: Option<Region>,
    schema_version: i32,
    stream_id: Uuid,
    stream_kind: String,
    #[serde(rename = "type")]
    event_type: String,
    version: i64,
}

/// Writes a member of text, numbers or ids, whose JSON is canonical as it is.
fn member(bytes: &mut Vec<u8>, name: &str, value: &impl Serialize) -> Result<(), serde_json::Error> {
    if bytes.len() > 1 {
        bytes.push(b',');
    }
    serde_json::to_writer(&mut *bytes, name)?;
    bytes.push(b':');
    serde_json::to_writer(bytes, value)
}

/// Splits an event enum into its type name and canonical data. Areas write their events as enums with
/// `#[serde(tag = "type", content = "data")]`.
///
/// # Errors
/// When the enum is not of that form.
pub fn encode<E: Serialize>(event: &E) -> Result<(String, String), serde_json::Error> {
    use serde::ser::Error;
    let mut value = serde_json::to_value(event)?;
    let data = value.get_mut("data").map_or_else(|| json!({}), Value::take);
    let Some(Value::String(name)) = value.get_mut("type").map(Value::take) else {
        return Err(serde_json::Error::custom("an event serialises as {type, data}"));
    };
    let canonical = if is_canonical(&data) { data.to_string() } else { serde_json_canonicalizer::to_string(&data)? };
    Ok((name, canonical))
}

/// Whether a value is written canonically as it stands: a map sorts its keys by their bytes, which for ASCII is the order RFC 8785 wants, and
/// whole numbers of up to 53 bits are written as they are.
fn is_canonical(value: &Value) -> bool {
    const EXACT: std::ops::RangeInclusive<i64> = -(1 << 53) + 1..=(1 << 53) - 1;
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.as_i64().is_some_and(|number| EXACT.contains(&number)),
        Value::Array(values) => values.iter().all(is_canonical),
        Value::Object(members) => {
            members.keys().is_sorted() && members.iter().all(|(name, value)| name.is_ascii() && is_canonical(value))
        }
    }
}

/// Puts a stored type name and its data together again.
///
/// # Errors
/// When this binary does not know the type, or the data does not have its form.
pub fn decode<E: DeserializeOwned>(event_type: &str, data: &str) -> Result<E, serde_json::Error> {
    // With the type in front the data is read in one go, straight into the event.
    serde_json::from_str(&format!("{{\"type\":{},\"data\":{data}}}", serde_json::to_string(event_type)?))
}

/// An event a decision wants appended, not yet placed in the log.
pub struct Draft {
    pub(super) kind: Kind,
    pub(super) stream_id: Uuid,
    pub(super) event_type: String,
    pub(super) schema_version: i32,
    pub(super) data: String,
    pub(super) event: Box<dyn Any + Send>,
}

impl Draft {
    /// An event of resource `id`.
    ///
    /// # Errors
    /// When the event does not serialise, which is a mistake in the area's event enum.
    pub fn of<R: Resource>(id: Uuid, event: R::Event) -> Result<Self, serde_json::Error> {
        let (event_type, data) = encode(&event)?;
        Ok(Self {
            kind: Kind::of::<R>(),
            stream_id: id,
            schema_version: R::schema_version(&event_type),
            event_type,
            data,
            event: Box::new(event),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn envelope(position: i64, correlation_id: String, causation_id: Option<Uuid>) -> Envelope {
        Envelope {
            position,
            event_id: Uuid::from_u128(7),
            stream_kind: "cooperative".to_owned(),
            stream_id: Uuid::from_u128(8),
            version: position,
            event_type: "cooperative.registered".to_owned(),
            schema_version: 1,
            actor: Uuid::nil(),
            organisation: Uuid::max(),
            occurred_at: Timestamp::from_micros(position),
            recorded_at: Timestamp::from_micros(position * 1_000_003),
            correlation_id,
            causation_id,
            region: None,
            owner: None,
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(("[a-z_]{0,6}|\\PC{0,3}", inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn an_event_without_a_place_keeps_the_hash_it_had_before_places_were_kept() {
        let event = Event::seal(envelope(1, "first".to_owned(), None), "{}".to_owned()).unwrap();
        assert_eq!(
            data_encoding::HEXLOWER.encode(&event.leaf_hash),
            "ead6ce55202f785775b21a91d6d6fcced04beef89493dcc8e86b613476925acb"
        );
        let mut placed = event.clone();
        placed.envelope.owner = Some(Uuid::nil());
        assert_ne!(placed.recomputed_hash().unwrap(), event.leaf_hash);
    }

    proptest! {
        #[test]
        fn what_passes_for_canonical_is_canonical(value in any_json()) {
            if is_canonical(&value) {
                prop_assert_eq!(value.to_string(), serde_json_canonicalizer::to_string(&value).unwrap());
            }
        }

        #[test]
        fn the_bytes_are_those_of_the_canonicalising_library(
            position in 1_i64..9_007_199_254_740_991 / 1_000_003, text in "\\PC*", other in any::<String>(), cause in any::<Option<u128>>(),
            place in any::<Option<(bool, u128)>>()
        ) {
            let data = serde_json_canonicalizer::to_string(&json!({"z": text, "a": {"n": [1, null, true]}, "é": other})).unwrap();
            let mut envelope = envelope(position, other, cause.map(Uuid::from_u128));
            let mut whole = json!({
                "position": envelope.position,
                "event_id": envelope.event_id,
                "stream_kind": envelope.stream_kind,
                "stream_id": envelope.stream_id,
                "version": envelope.version,
                "type": envelope.event_type,
                "schema_version": envelope.schema_version,
                "actor": envelope.actor,
                "organisation": envelope.organisation,
                "occurred_at": envelope.occurred_at,
                "recorded_at": envelope.recorded_at,
                "correlation_id": envelope.correlation_id,
                "causation_id": envelope.causation_id,
                "data": serde_json::from_str::<Value>(&data).unwrap(),
            });
            if let Some((in_samarinda, owner)) = place {
                let region = Region::parse(if in_samarinda { "64.72" } else { "64" }).unwrap();
                (envelope.region, envelope.owner) = (Some(region), Some(Uuid::from_u128(owner)));
                (whole["region"], whole["owner"]) = (json!(region), json!(Uuid::from_u128(owner)));
            }
            let whole = serde_json_canonicalizer::to_vec(&whole);
            let ours = canonical(&envelope, &data).unwrap();
            prop_assert_eq!(String::from_utf8(ours.clone()).unwrap(), String::from_utf8(whole.unwrap()).unwrap());
            let event = Event::seal(envelope, data).unwrap();
            prop_assert_eq!(Event::from_canonical(&ours).unwrap(), event);
            prop_assert!(Event::from_canonical(&[&ours[..], b" "].concat()).is_err());
        }
    }
}
