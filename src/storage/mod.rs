//! The databases: connections and pools, migrations, the writer's [`Store`](crate::ledger::Store), what readers share, and the vault
//! of personal data keys with its master key and the rotation of that.
//!
//! Writing is native to each database and lives in a file of its own (`sqlite`, `postgres`). Reading is written once: queries run on the
//! [`AnyConnection`] enum that diesel derives over both databases.

mod arrays;
mod checkpoints;
mod connection;
mod documents;
mod feed;
mod fetcher;
mod figures;
mod integrity;
mod kept;
mod key_uses;
mod master;
mod migrations;
mod nodes;
mod paging;
mod pool;
mod posted;
mod postgres;
mod postgres_persons;
mod private;
mod reader;
mod replay;
mod rotation;
#[allow(missing_docs, reason = "columns are explained in the migrations")]
mod schema;
mod sqlite;
mod staging;
mod store;
mod streams;
mod tail;
mod vault;
mod wal;
mod watch;
mod witness;

pub use checkpoints::{
    Checkpoints, LogIdentity, NotSigned, Signed, SignedFile, become_mirror, goes_on, mirror_of, present,
    present_frontier,
};
pub use connection::{AnyConnection, Database, OpenError, PostgresUrl};
pub use documents::{Documents, Reading};
pub use feed::{Counted, FeedRow, Sieve, Stretch, count_events, feed_event, leaves, read_stretch};
pub use fetcher::Fetcher;
pub use figures::{Apart, FigureRow, Figures, PostingRow, figures, postings_of};
pub use integrity::{check_kinds, check_log};
pub use kept::Kept;
pub use key_uses::{key_uses, note_key_uses};
pub use master::{KeySource, MasterKey, private_key, read_key};
pub use migrations::{migrate, pending, revert_all};
pub use nodes::{events_between, lacks_nodes, log_tree, position_of, renew_nodes, tile_hashes};
pub use paging::{Keyset, Sort, within_text};
pub use pool::{Lent, Readers};
pub use postgres::PostgresStore;
pub use reader::{
    AsOf, DocRow, EventBrief, FactRow, ReadError, current_facts, event_briefs, events_of_streams, facts_of,
    head_position, in_one_state, leaf_hash_at, position_at, recorded_at, stream_to_version, stream_up_to,
};
pub use replay::{Compared, Comparison, Divergence, compare};
pub use rotation::{Rotated, rotate_master};
pub use schema::{claims, facts, looks, postings, tallies};
pub use sqlite::SqliteStore;
pub use staging::Staging;
pub use store::{analyse, copy_into, open_store};
pub use streams::Streams;
pub use tail::Tail;
pub use vault::{Sealed, Vault, VaultError};
pub use watch::Watcher;
pub use witness::Witness;
