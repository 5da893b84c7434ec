//! What every handler needs: the ledger to write through, readers, the vault, the clock.

use std::sync::Arc;

use actix_web::web;
use diesel::Connection;
use tokio::sync::Semaphore;

use super::gathering::Gathering;
use super::guesses::Guesses;
use super::keyring::Keyring;
use super::metrics::Metrics;
use super::problem::Problem;
use super::show::Stored;
use super::tokens::Tokens;
use crate::kernel::problem_codes::{INTERNAL, OVERLOADED, UNAVAILABLE};
use crate::kernel::{Clock, Environment, Refusal, Text};
use crate::ledger::{Answer, Context, Decide, Ledger, Submission, receipt_text};
use crate::storage::{
    AnyConnection, Checkpoints, DocRow, Documents, Fetcher, ReadError, Readers, Signed, Tail, Vault, log_tree,
};

/// Reads that may wait for a reader or have one; one more is answered 503.
pub const READS_AT_ONCE_MAX: usize = 256;

/// Shared by all workers.
#[derive(Clone)]
pub struct Service {
    /// The way to write.
    pub ledger: Ledger,
    /// Readers' connections.
    pub readers: Readers,
    /// Looks rows up together, where that is worth it.
    pub fetcher: Option<Fetcher>,
    /// Rows of an embedded database that were read lately, when this process writes them.
    pub documents: Option<Arc<Documents>>,
    /// Seals and opens personal data.
    pub vault: Arc<Vault>,
    /// The time.
    pub clock: Clock,
    /// What it tells of itself in numbers.
    pub metrics: Arc<Metrics>,
    /// Who a key belongs to.
    pub keyring: Arc<Keyring>,
    /// Wakes whoever follows the log.
    pub tail: Tail,
    /// Signed checkpoints of the log.
    pub checkpoints: Arc<Checkpoints>,
    /// Places for reads that wait for a reader or have one.
    pub reads: Arc<Semaphore>,
    /// What this service is for: keys of another environment are refused.
    pub environment: Environment,
    /// Verifies tokens, when an issuer is configured.
    pub tokens: Option<Arc<Tokens>>,
    /// Who came upon persons that are hidden from them.
    pub guesses: Arc<Guesses>,
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

    /// The same service to whoever must not be turned away: operators, who ask most when there is too much to do.
    #[must_use]
    pub(super) fn for_operators(&self) -> Self {
        Self { reads: Arc::new(Semaphore::new(1)), ..self.clone() }
    }

    /// A stored row by its id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn fetch<R: Stored>(&self, id: uuid::Uuid) -> Result<Option<DocRow>, Problem> {
        let table = R::TABLE.name;
        let find = move |connection: &mut AnyConnection| Ok(R::find(connection, &id.to_string())?);
        match (&self.fetcher, &self.documents) {
            _ if self.gathering.is_some() => self.look_up(find).await,
            (Some(fetcher), _) => Ok(fetcher.fetch(table, id).await?),
            (None, None) => self.look_up(find).await,
            (None, Some(documents)) => {
                if let Some(row) = documents.recall(table, id) {
                    return Ok(Some(DocRow::clone(&row)));
                }
                let reading = documents.reading();
                let row = self.look_up(find).await?;
                if let Some(row) = &row {
                    documents.keep(reading, table, id, row);
                }
                Ok(row)
            }
        }
    }

    /// A signed checkpoint that covers a position at least.
    ///
    /// # Errors
    /// `log_not_signed` when the log does not go on from what was signed before.
    pub async fn checkpoint(&self, position: i64) -> Result<Arc<Signed>, Problem> {
        let at_least = u64::try_from(position).unwrap_or_default();
        if let Some(signed) = self.checkpoints.recall(at_least) {
            return Ok(signed);
        }
        let checkpoints = self.checkpoints.clone();
        self.read(move |connection| Ok(checkpoints.publish(connection, at_least)?)).await
    }

    /// The receipt of the event at a position, to be verified without us for ever (C2SP `tlog-proof`).
    ///
    /// # Errors
    /// As [`Service::checkpoint`].
    pub async fn receipt(&self, position: i64) -> Result<String, Problem> {
        let signed = self.checkpoint(position).await?;
        let index = u64::try_from(position - 1).unwrap_or_default();
        self.read(move |connection| {
            let path = log_tree(connection).inclusion(index, signed.checkpoint.size)?;
            Ok(receipt_text(index, &path, &signed.note))
        })
        .await
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
        // A line of a batch is not turned away: its file has a place of its own.
        let _place = match self.gathering {
            None => Some(self.reads.clone().try_acquire_owned().map_err(|_| too_many_reads())?),
            Some(_) => None,
        };
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

fn too_many_reads() -> Problem {
    let why = Text::fixed(
        "Terlalu banyak pembacaan sedang menunggu; coba lagi setelah `Retry-After` detik.",
        "Too many reads wait for the database; try again after `Retry-After` seconds.",
    );
    Refusal::new(&OVERLOADED, why).with("reason", "reads_waiting").into()
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
