//! Events as `CloudEvents`: attributes written by hand around the data as it is stored, which is neither read nor written anew.

use std::io::Write;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::kernel::Timestamp;
use crate::storage::FeedRow;
use crate::web::leave_out;

/// Digits of `sequence`: texts of one length stand in the order of their numbers.
const SEQUENCE_DIGITS: usize = 20;

/// What is left out of the data of a kind's events, whoever reads: personal data, sealed or not, and whose key opens it, and hashes of API keys.
pub const LEFT_OUT: [(&str, &[&str]); 3] = [
    ("manager", &["sealed", "subject"]),
    ("enterprise", &["sealed", "subject", "size_basis"]),
    ("organisation", &["hash"]),
];

/// The type of the event that ends a stream of lines.
pub const READ_THROUGH: &str = "log.read_through";

/// Writes events for one reader.
#[derive(Default)]
pub struct CloudEvents {
    source: String,
    /// What the address of a schema begins with.
    schemas: String,
    /// The last instants that were written: many events share theirs.
    occurred: Instant,
    recorded: Instant,
}

/// An instant and its text.
#[derive(Default)]
struct Instant {
    micros: Option<i64>,
    text: String,
}

impl Instant {
    fn text(&mut self, micros: i64) -> &[u8] {
        if self.micros != Some(micros) {
            self.micros = Some(micros);
            self.text = Timestamp::from_micros(micros).to_string();
        }
        self.text.as_bytes()
    }
}

impl CloudEvents {
    /// Events of the log that begins with this leaf, their schemas at `address` (`https://host`), which may be empty.
    pub fn new(first_leaf: &[u8], address: &str) -> Self {
        let source = source(first_leaf);
        let schemas = format!("{address}/v1/schemas/");
        Self { source, schemas, occurred: Instant::default(), recorded: Instant::default() }
    }

    /// Appends the JSON of an event.
    pub fn write(&mut self, out: &mut Vec<u8>, row: &FeedRow) {
        let Self { source, schemas, occurred, recorded } = self;
        let mut version = [0; SEQUENCE_DIGITS];
        put(out, &[b"{\"specversion\":\"1.0\",\"id\":\"", row.event_id.as_bytes()]);
        put(out, &[b"\",\"source\":\"", source.as_bytes()]);
        put(out, &[b"\",\"type\":\"", row.event_type.as_bytes()]);
        put(out, &[b"\",\"subject\":\"", row.stream_kind.as_bytes(), b"/", row.stream_id.as_bytes()]);
        put(out, &[b"\",\"time\":\"", occurred.text(row.occurred_at)]);
        put(out, &[b"\",\"datacontenttype\":\"application/json\",\"dataschema\":\"", schemas.as_bytes()]);
        put(out, &[row.event_type.as_bytes(), b"/", digits(row.schema_version, &mut version)]);
        put(out, &[b"\",\"sequence\":\"", &sequence(row.position)]);
        put(out, &[b"\",\"recordedtime\":\"", recorded.text(row.recorded_at)]);
        put(out, &[b"\",\"correlationid\":"]);
        write_text(out, &row.correlation_id);
        for (name, value) in [("causationid", &row.causation_id), ("region", &row.region), ("owner", &row.owner)] {
            if let Some(value) = value {
                put(out, &[b",\"", name.as_bytes(), b"\":\"", value.as_bytes(), b"\""]);
            }
        }
        put(out, &[b",\"organisation\":\"", row.organisation.as_bytes()]);
        put(out, &[b"\",\"streamversion\":", digits(row.version, &mut version)]);
        let mut leaf = [0; 64];
        // A leaf that is not 32 bytes long is damaged, which `lumbung verify` tells.
        if row.leaf_hash.len() * 2 == leaf.len() {
            HEXLOWER.encode_mut(&row.leaf_hash, &mut leaf);
        }
        put(out, &[b",\"leafhash\":\"", &leaf, b"\",\"data\":"]);
        write_data(out, row);
        out.push(b'}');
    }

    /// Appends the event that ends a stream of lines: what was looked at, and how many events were sent.
    pub fn write_end(&mut self, out: &mut Vec<u8>, (after, through): (i64, i64), events: u64, now: Timestamp) {
        let name = format!("{READ_THROUGH}|{after}|{through}|{now}");
        // Not an event of the log: its id is made of what it says.
        let digest = crate::ledger::leaf_hash(name.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        let id = uuid::Builder::from_custom_bytes(bytes).into_uuid();
        let sequence = String::from_utf8_lossy(&sequence(through)).into_owned();
        // Writing to memory does not fail.
        let _ = write!(
            out,
            "{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"{}\",\"type\":\"{READ_THROUGH}\",\"time\":\"{now}\",\
             \"datacontenttype\":\"application/json\",\"dataschema\":\"{}{READ_THROUGH}/1\",\"sequence\":\"{sequence}\",\
             \"data\":{{\"after\":{after},\"through\":{through},\"events\":{events}}}}}",
            self.source, self.schemas
        );
    }
}

/// What names this log for ever, whatever address it is read at, and whether there or in a copy: an id made of its first event. A log
/// without one has nothing to name.
fn source(first_leaf: &[u8]) -> String {
    let mut bytes = [0; 16];
    for (byte, of_leaf) in bytes.iter_mut().zip(first_leaf) {
        *byte = *of_leaf;
    }
    let id: Uuid = uuid::Builder::from_custom_bytes(bytes).into_uuid();
    id.urn().to_string()
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// A position as text of a fixed length.
fn sequence(position: i64) -> [u8; SEQUENCE_DIGITS] {
    let mut text = [b'0'; SEQUENCE_DIGITS];
    let mut number = position.unsigned_abs();
    for digit in text.iter_mut().rev() {
        // Most positions are short, and so much is written that it tells.
        if number == 0 {
            break;
        }
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
    text
}

/// A number that is not negative, without leading zeros.
fn digits(number: i64, room: &mut [u8; SEQUENCE_DIGITS]) -> &[u8] {
    *room = sequence(number);
    let first = room.iter().position(|digit| *digit != b'0').unwrap_or(SEQUENCE_DIGITS - 1);
    &room[first..]
}

/// A text in quotation marks.
fn write_text(out: &mut Vec<u8>, text: &str) {
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        put(out, &[b"\"", text.as_bytes(), b"\""]);
    } else {
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(out, text);
    }
}

/// The data as it is stored; only of kinds with something to leave out is it read.
fn write_data(out: &mut Vec<u8>, row: &FeedRow) {
    let Some((_, left_out)) = LEFT_OUT.iter().find(|(kind, _)| *kind == row.stream_kind) else {
        return out.extend_from_slice(row.data.as_bytes());
    };
    // What cannot be read is not shown.
    let mut data: Value = serde_json::from_str(&row.data).unwrap_or_else(|_| Value::Object(Map::new()));
    leave_out(&mut data, left_out);
    let _ = serde_json::to_writer(out, &data);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_and_texts_are_written_as_json_has_them(number in 0_i64.., other in 0_i64.., text in any::<String>()) {
            let mut room = [0; SEQUENCE_DIGITS];
            let text_of_number = number.to_string();
            prop_assert_eq!(digits(number, &mut room), text_of_number.as_bytes());
            prop_assert_eq!(sequence(number) < sequence(other), number < other);
            let mut out = Vec::new();
            write_text(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
