//! All streams of a kind as they were at a position, block by block: what is recorded up to a position never changes, so no transaction has to
//! hold it still.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use super::reader::{EventRow, read_event};
use super::schema::events;
use super::{AnyConnection, ReadError};
use crate::ledger::Event;

/// Reads the streams of a kind in the order of their ids.
pub struct Streams {
    kind: &'static str,
    position: i64,
    block_events: i64,
    after: (String, i64),
    /// The last stream of a block may go on in the next.
    unfinished: Vec<Event>,
    done: bool,
}

impl Streams {
    /// The streams of a kind up to a position, read so many events at a time.
    pub fn of(kind: &'static str, position: i64, block_events: i64) -> Self {
        Self { kind, position, block_events, after: (String::new(), 0), unfinished: Vec::new(), done: false }
    }

    /// Whether everything was read.
    pub const fn is_done(&self) -> bool {
        self.done
    }

    /// Further whole streams; none at all only at the end, or when a stream fills more than a block.
    ///
    /// # Errors
    /// When the database cannot be read, or holds what cannot be.
    pub fn next(&mut self, connection: &mut AnyConnection) -> Result<Vec<Vec<Event>>, ReadError> {
        let read = self.read(connection)?;
        self.done = i64::try_from(read.len()).unwrap_or(i64::MAX) < self.block_events;
        let mut streams: Vec<Vec<Event>> = Vec::new();
        let carried = std::mem::take(&mut self.unfinished);
        for event in carried.into_iter().chain(read) {
            match streams.last_mut() {
                Some(stream) if stream[0].envelope.stream_id == event.envelope.stream_id => stream.push(event),
                _ => streams.push(vec![event]),
            }
        }
        if let Some(event) = streams.last().and_then(|stream| stream.last()) {
            self.after = (event.envelope.stream_id.to_string(), event.envelope.version);
        }
        if !self.done {
            self.unfinished = streams.pop().unwrap_or_default();
        }
        Ok(streams)
    }

    fn read(&self, connection: &mut AnyConnection) -> Result<Vec<Event>, ReadError> {
        let behind = sql::<Bool>("(stream_id, version) > (").bind::<Text, _>(&self.after.0);
        let behind = behind.sql(", ").bind::<BigInt, _>(self.after.1).sql(")");
        events::table
            .filter(events::stream_kind.eq(self.kind))
            .filter(behind)
            .filter(events::position.le(self.position))
            .order((events::stream_id, events::version))
            .limit(self.block_events)
            .load::<EventRow>(connection)?
            .into_iter()
            .map(read_event)
            .collect()
    }
}
