//! What every handler needs: the ledger to write through, readers, the vault, the clock.

use std::sync::Arc;

use actix_web::web;
use diesel::Connection;

use super::gathering::Gathering;
use super::keyring::Keyring;
use super::metrics::Metrics;
use super::problem::Problem;
use super::show::Stored;
use super::tokens::Tokens;
use crate::kernel::problem_codes::{INTERNAL, UNAVAILABLE};
use crate::kernel::{Clock, Environment};
use crate::ledger::{Answer, Context, Decide, Ledger, Submission};
use crate::storage::{AnyConnection, DocRow, Fetcher, ReadError, Readers, Vault};

/// Shared by all workers.
#[derive(Clone)]
pub struct Service {
    /// The way to write.
    pub ledger: Ledger,
    /// Readers' connections.
    pub readers: Readers,
    /// Looks rows up together, where that is worth it.
    pub fetcher: Option<Fetcher>,
    /// Seals and opens personal data.
    pub vault: Arc<Vault>,
    /// The time.
    pub clock: Clock,
    /// What it tells of itself in numbers.
    pub metrics: Arc<Metrics>,
    /// Who a key belongs to.
    pub keyring: Arc<Keyring>,
    /// What this service is for: keys of another environment are refused.
    pub environment: Environment,
    /// Verifies tokens, when an issuer is configured.
    pub tokens: Option<Arc<Tokens>>,
    /// Where commands are gathered, when this is the service as the lines of a batch see it.
    pub gathering: Option<Arc<Gathering>>,
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
        self.wait_to_read().await;
        self.elsewhere(move |connection| {
            let result =
                connection.transaction::<T, Failure, _>(|connection| read(connection).map_err(Failure::Problem));
            result.map_err(|failure| match failure {
                Failure::Problem(problem) => problem,
                Failure::Database(error) => ReadError::from(error).into(),
            })
        })
        .await
    }

    /// As [`Service::read`], for a few look-ups by key that need not see one state. An embedded database answers them in microseconds, so
    /// they are done right here: changing threads would cost more.
    ///
    /// # Errors
    /// What the read fails with, or `unavailable`.
    pub async fn look_up<T, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&mut AnyConnection) -> Result<T, Problem> + Send + 'static,
    {
        self.wait_to_read().await;
        if self.readers.is_embedded() {
            return self.readers.with_own(read, |result| !is_our_fault(result)).map_err(ReadError::from)?;
        }
        self.elsewhere(read).await
    }

    /// A stored row by its id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn fetch<R: Stored>(&self, id: uuid::Uuid) -> Result<Option<DocRow>, Problem> {
        match &self.fetcher {
            Some(fetcher) if self.gathering.is_none() => Ok(fetcher.fetch(R::TABLE.name, id).await?),
            _ => self.look_up(move |connection| Ok(R::find(connection, &id.to_string())?)).await,
        }
    }

    /// A line of a batch reads what the lines before it have recorded.
    async fn wait_to_read(&self) {
        if let Some(gathering) = &self.gathering {
            gathering.wait_to_read().await;
        }
    }

    async fn elsewhere<T, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&mut AnyConnection) -> Result<T, Problem> + Send + 'static,
    {
        let readers = self.readers.clone();
        let result = web::block(move || {
            let mut reader = readers.get().map_err(ReadError::from)?;
            let result = read(&mut reader);
            if is_our_fault(&result) && !reader.answers() {
                readers.broke();
            }
            result
        });
        result.await.unwrap_or_else(|_| Err(Problem::of(&UNAVAILABLE)))
    }

    /// Hands a command to the ledger and waits for its answer.
    ///
    /// # Errors
    /// `overloaded` or `unavailable`.
    pub async fn execute<C: Decide>(&self, id: uuid::Uuid, command: C, context: Context) -> Result<Answer, Problem> {
        let answer = match &self.gathering {
            None => self.ledger.submit(id, command, context)?,
            Some(gathering) => {
                let (submission, answer) = Submission::new(id, command, context);
                gathering.add(submission);
                answer
            }
        };
        answer.await.map_err(|_| Problem::of(&INTERNAL))
    }
}

/// Whether a read failed in a way that may be the connection's doing.
fn is_our_fault<T>(result: &Result<T, Problem>) -> bool {
    result.as_ref().is_err_and(|problem| problem.0.code.status >= 500)
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
