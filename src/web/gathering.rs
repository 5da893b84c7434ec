//! The commands of a batch, gathered so that they are handed in together.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::ledger::Submission;

/// Stands between the handlers of a batch's lines and the ledger: what they hand in waits here for the batch, and so does a handler that
/// wants to read, until what the lines before it say is recorded.
#[derive(Default)]
pub struct Gathering(Mutex<Gathered>);

#[derive(Default)]
struct Gathered {
    submissions: Vec<Submission>,
    readers: Vec<oneshot::Sender<()>>,
}

impl Gathering {
    fn inner(&self) -> MutexGuard<'_, Gathered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, submission: Submission) {
        self.inner().submissions.push(submission);
    }

    /// How many commands have been handed in and not yet taken.
    pub fn count(&self) -> usize {
        self.inner().submissions.len()
    }

    /// Takes the commands, in the order in which they were handed in.
    pub fn take(&self) -> Vec<Submission> {
        std::mem::take(&mut self.inner().submissions)
    }

    /// Waits until [`Gathering::let_read`].
    pub(super) async fn wait_to_read(&self) {
        let (go_on, wait) = oneshot::channel();
        self.inner().readers.push(go_on);
        // The batch is given up together with this handler, so there is nothing to do about an error.
        let _ = wait.await;
    }

    /// Whether a handler waits to read.
    pub fn waits_to_read(&self) -> bool {
        !self.inner().readers.is_empty()
    }

    /// Lets the handlers that wait read.
    pub fn let_read(&self) {
        for reader in std::mem::take(&mut self.inner().readers) {
            let _ = reader.send(());
        }
    }
}
