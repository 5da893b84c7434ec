//! The databases: connections and pools, migrations, the writer's [`Store`](crate::ledger::Store), what readers share, and the vault
//! of personal data keys with its master key and the rotation of that.
//!
//! Writing is native to each database and lives in a file of its own (`sqlite`, `postgres`). Reading is written once: queries run on the
//! [`AnyConnection`] enum that diesel derives over both databases.

mod arrays;
mod connection;
mod fetcher;
mod figures;
mod integrity;
mod master;
mod migrations;
mod paging;
mod pool;
mod postgres;
mod postgres_persons;
mod reader;
mod replay;
mod rotation;
#[allow(missing_docs, reason = "columns are explained in the migrations")]
mod schema;
mod sqlite;
mod staging;
mod store;
mod vault;
mod watch;
mod witness;

pub use connection::{AnyConnection, Database, OpenError, PostgresUrl};
pub use fetcher::Fetcher;
pub use figures::{Apart, FigureRow, Figures, PostingRow, figures, postings_of};
pub use integrity::{check_kinds, check_log};
pub use master::{KeySource, MasterKey, read_key};
pub use migrations::{migrate, pending, revert_all};
pub use paging::{Keyset, Sort};
pub use pool::{Lent, Readers};
pub use postgres::PostgresStore;
pub use reader::{
    AsOf, DocRow, EventBrief, FactRow, ReadError, current_facts, event_briefs, events_of_streams, facts_of,
    head_position, position_at, recorded_at, stream_to_version, stream_up_to,
};
pub use replay::{Compared, Divergence, compare};
pub use rotation::{Rotated, rotate_master};
pub use schema::{claims, facts, looks, postings, tallies};
pub use sqlite::SqliteStore;
pub use staging::Staging;
pub use store::{analyse, copy_into, open_store};
pub use vault::{Sealed, Vault, VaultError};
pub use watch::Watcher;
pub use witness::Witness;
