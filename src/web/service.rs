//! What every handler needs: the ledger to write through, readers, the vault, the clock.

use std::sync::Arc;

use actix_web::web;
use diesel::Connection;

use super::problem::Problem;
use crate::kernel::problem_codes::{INTERNAL, UNAVAILABLE};
use crate::kernel::{Actor, Clock, Timestamp};
use crate::ledger::{Answer, Context, Decide, Hash, Ledger};
use crate::storage::{AnyConnection, ReadError, Readers, Vault};

/// Finds the actor whose API key has this hash. Supplied by the organisations area, which ranks above this module.
pub type FindActor = fn(&mut AnyConnection, &Hash, Timestamp) -> Result<Option<Actor>, ReadError>;

/// Shared by all workers.
#[derive(Clone)]
pub struct Service {
    /// The way to write.
    pub ledger: Ledger,
    /// Readers' connections.
    pub readers: Readers,
    /// Seals and opens personal data.
    pub vault: Arc<Vault>,
    /// The time.
    pub clock: Clock,
    /// Who a key belongs to.
    pub find_actor: FindActor,
}

impl Service {
    /// Runs a read on a pooled connection, off the async workers. Several statements see one state of the database.
    ///
    /// # Errors
    /// What the read fails with, or `unavailable`.
    pub async fn read<T, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&mut AnyConnection) -> Result<T, Problem> + Send + 'static,
    {
        self.look_up(move |connection| {
            let result =
                connection.transaction::<T, Failure, _>(|connection| read(connection).map_err(Failure::Problem));
            result.map_err(|failure| match failure {
                Failure::Problem(problem) => problem,
                Failure::Database(error) => ReadError::from(error).into(),
            })
        })
        .await
    }

    /// As [`Service::read`], for a single statement: it needs no transaction to see one state.
    ///
    /// # Errors
    /// What the read fails with, or `unavailable`.
    pub async fn look_up<T, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&mut AnyConnection) -> Result<T, Problem> + Send + 'static,
    {
        let readers = self.readers.clone();
        let result = web::block(move || {
            let mut connection = readers.get().map_err(ReadError::from)?;
            read(&mut connection)
        });
        result.await.unwrap_or_else(|_| Err(Problem::of(&UNAVAILABLE)))
    }

    /// Hands a command to the ledger and waits for its answer.
    ///
    /// # Errors
    /// `overloaded` or `unavailable`.
    pub async fn execute<C: Decide>(&self, id: uuid::Uuid, command: C, context: Context) -> Result<Answer, Problem> {
        let answer = self.ledger.submit(id, command, context)?;
        answer.await.map_err(|_| Problem::of(&INTERNAL))
    }
}

/// Lets a problem pass through diesel's transaction.
enum Failure {
    Problem(Problem),
    Database(diesel::result::Error),
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error)
    }
}
