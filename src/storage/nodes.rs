//! The nodes of the log's Merkle tree as they are stored: read as tiles, and made anew from the events.

use std::collections::HashMap;

use diesel::prelude::*;

use super::arrays::{Column, Statement};
use super::reader::{EventRow, read_event};
use super::schema::{events, log_nodes};
use super::{AnyConnection, Database, ReadError, wal};
use crate::ledger::{Event, Frontier, Hash, Node, TILE_HEIGHT, TILE_WIDTH, Tree};

/// Leaf hashes read at a time.
const SPAN_LEAVES: i64 = 65_536;
/// Nodes written in one statement.
const NODES_TOGETHER: usize = 1000;

/// The hashes of a tile, from its first on: all 256, or as many as are complete.
///
/// # Errors
/// When the database cannot be read, or holds what is no hash.
pub fn tile_hashes(connection: &mut AnyConnection, level: u32, tile: u64) -> Result<Vec<Hash>, ReadError> {
    // What lies beyond the largest position has no hashes.
    let Ok(first) = i64::try_from(tile.saturating_mul(TILE_WIDTH)) else { return Ok(Vec::new()) };
    let last = first.saturating_add(i64::try_from(TILE_WIDTH).unwrap_or(i64::MAX) - 1);
    let rows: Vec<(i64, Vec<u8>)> = if level == 0 {
        leaves(connection, first, last)?.into_iter().map(|(position, hash)| (position - 1, hash)).collect()
    } else {
        log_nodes::table
            .filter(log_nodes::level.eq(i64::from(level)))
            .filter(log_nodes::number.between(first, last))
            .order(log_nodes::number)
            .select((log_nodes::number, log_nodes::hash))
            .load(connection)?
    };
    let mut hashes = Vec::with_capacity(rows.len());
    for ((number, hash), due) in rows.into_iter().zip(first..) {
        if number != due {
            let which = format!("the hash at level {level} number {due} of the log's tree is missing");
            return Err(ReadError::Corrupt(format!("{which}; `lumbung rebuild` makes it anew")));
        }
        hashes.push(read_hash(hash)?);
    }
    Ok(hashes)
}

/// Positions and leaf hashes at these indexes, which begin at 0 where positions begin at 1.
fn leaves(connection: &mut AnyConnection, first: i64, last: i64) -> Result<Vec<(i64, Vec<u8>)>, ReadError> {
    Ok(events::table
        .filter(events::position.between(first.saturating_add(1), last.saturating_add(1)))
        .order(events::position)
        .select((events::position, events::leaf_hash))
        .load(connection)?)
}

fn read_hash(bytes: Vec<u8>) -> Result<Hash, ReadError> {
    bytes.try_into().map_err(|_| ReadError::Corrupt("a hash of the log's tree is not of 32 bytes".to_owned()))
}

impl From<String> for ReadError {
    fn from(why: String) -> Self {
        Self::Corrupt(why)
    }
}

/// The log's tree, read as far as it is asked about.
pub fn log_tree(connection: &mut AnyConnection) -> Tree<impl FnMut(u32, u64) -> Result<Vec<Hash>, ReadError>> {
    Tree::new(move |level, tile| tile_hashes(connection, level, tile))
}

/// Position of an event, by its id.
///
/// # Errors
/// When the database cannot be read.
pub fn position_of(connection: &mut AnyConnection, event_id: uuid::Uuid) -> Result<Option<i64>, ReadError> {
    let found = events::table.filter(events::event_id.eq(event_id.to_string())).select(events::position);
    Ok(found.first(connection).optional()?)
}

/// The events from one position to another, both included, in order.
///
/// # Errors
/// When the database cannot be read, or holds what cannot be.
pub fn events_between(connection: &mut AnyConnection, first: i64, last: i64) -> Result<Vec<Event>, ReadError> {
    let rows = events::table.filter(events::position.between(first, last)).order(events::position);
    rows.load::<EventRow>(connection)?.into_iter().map(read_event).collect()
}

/// The nodes that are stored, by level and number, to be held against those that ought to be.
pub(super) struct StoredNodes(HashMap<(i64, i64), Vec<u8>>);

impl StoredNodes {
    pub fn read(connection: &mut AnyConnection) -> Result<Self, ReadError> {
        let rows: Vec<(i64, i64, Vec<u8>)> = log_nodes::table.load(connection)?;
        Ok(Self(rows.into_iter().map(|(level, number, hash)| ((level, number), hash)).collect()))
    }

    /// Whether a node is stored as it ought to be.
    pub fn take(&mut self, node: &Node) -> bool {
        self.0.remove(&key(node)).is_some_and(|hash| hash == node.hash)
    }

    /// A node nobody has taken: there is none such in the tree.
    pub fn left(&self) -> Option<(i64, i64)> {
        self.0.keys().min().copied()
    }
}

/// Level and number of a node in their columns.
pub(super) fn key(node: &Node) -> (i64, i64) {
    (i64::from(node.level), i64::try_from(node.index).unwrap_or(i64::MAX))
}

/// Whether nodes are missing, as in a database that was written before they were kept.
///
/// # Errors
/// When the database cannot be read.
pub fn lacks_nodes(connection: &mut AnyConnection) -> Result<bool, ReadError> {
    let position = super::head_position(connection)?;
    let stored: i64 = log_nodes::table.filter(log_nodes::level.eq(1)).count().get_result(connection)?;
    Ok(stored < position >> TILE_HEIGHT)
}

/// Makes the nodes anew from the events; tells how many were missing, wrong or too many.
///
/// # Errors
/// When the database cannot be used.
pub fn renew_nodes(database: &Database) -> Result<usize, ReadError> {
    let mut connection = database.open_for_maintenance()?;
    let (wrong, superfluous) = connection.transaction::<_, ReadError, _>(|connection| {
        let mut stored = StoredNodes::read(connection)?;
        let (mut frontier, mut wrong, mut first) = (Frontier::default(), Vec::new(), 0);
        loop {
            let span = leaves(connection, first, first + SPAN_LEAVES - 1)?;
            if span.is_empty() {
                break;
            }
            for (_, hash) in span {
                wrong.extend(frontier.push(read_hash(hash)?).into_iter().filter(|node| !stored.take(node)));
            }
            first += SPAN_LEAVES;
        }
        Ok((wrong, stored.0.into_keys().collect::<Vec<_>>()))
    })?;
    // What others append meanwhile brings its own nodes; these are of events that were there before and never change.
    for nodes in wrong.chunks(NODES_TOGETHER) {
        match &mut connection {
            AnyConnection::Sqlite(sqlite) => {
                sqlite.immediate_transaction(|sqlite| insert(sqlite, nodes))?;
                wal::shorten(sqlite)?;
            }
            AnyConnection::Postgres(postgres) => insert_by_itself(postgres, nodes)?,
        }
    }
    for (level, number) in &superfluous {
        diesel::delete(log_nodes::table.find((level, number))).execute(&mut connection)?;
    }
    Ok(wrong.len() + superfluous.len())
}

/// Writes nodes of the log's tree, each over what may stand in its place.
pub(super) fn insert(connection: &mut SqliteConnection, nodes: &[Node]) -> QueryResult<()> {
    for node in nodes {
        let (level, number) = key(node);
        let hash = log_nodes::hash.eq(node.hash.as_slice());
        diesel::insert_into(log_nodes::table)
            .values((log_nodes::level.eq(level), log_nodes::number.eq(number), hash))
            .on_conflict((log_nodes::level, log_nodes::number))
            .do_update()
            .set(hash)
            .execute(connection)?;
    }
    Ok(())
}

/// Nodes of the log's tree, each over what may stand in its place.
pub(super) fn put<'a>(statement: &mut Statement<'a>, nodes: &'a [Node]) {
    if nodes.is_empty() {
        return;
    }
    let columns = vec![
        Column::Int(nodes.iter().map(|node| key(node).0).collect()),
        Column::Int(nodes.iter().map(|node| key(node).1).collect()),
        Column::Bytes(nodes.iter().map(|node| node.hash.as_slice()).collect()),
    ];
    let then = " ON CONFLICT (level, number) DO UPDATE SET hash = excluded.hash";
    statement.insert("completed", "log_nodes", "level, number, hash", columns, then);
}

/// [`put`] as a statement by itself.
fn insert_by_itself(connection: &mut PgConnection, nodes: &[Node]) -> QueryResult<()> {
    let mut statement = Statement::default();
    statement.sql("WITH ");
    put(&mut statement, nodes);
    statement.sql("done AS (SELECT 1) SELECT ''::text, ''::text FROM done");
    statement.load::<(String, String)>(connection).map(|_| ())
}
