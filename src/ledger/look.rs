//! Looks: that somebody was shown a person's data. They are no events, nothing is decided about them; they share the one writer's transactions
//! with the commands that wait beside them.

use std::sync::Arc;

use tokio::sync::oneshot;
use uuid::Uuid;

use super::executor::Ledger;
use crate::kernel::{Refusal, Timestamp};

/// Who is shown whose data, on what request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The organisation that looks.
    pub organisation: Uuid,
    /// By which of its keys.
    pub key: Uuid,
    /// The kind of record that holds the data.
    pub kind: &'static str,
    /// The record.
    pub record: Uuid,
    /// Whose data.
    pub subject: Uuid,
    /// What was asked: method and route.
    pub operation: Arc<str>,
    /// The request's id.
    pub request_id: Arc<str>,
    /// What the data is wanted for, if the sender said: the reference of a file or a letter.
    pub purpose: Option<Arc<str>>,
    /// When; the executor says.
    pub looked_at: Timestamp,
}

/// Looks on their way through the queue.
pub(super) struct Looking {
    pub looks: Vec<Look>,
    pub reply: oneshot::Sender<Result<(), Refusal>>,
}

impl Ledger {
    /// Hands in looks; the receiver is told once they are on disk.
    ///
    /// # Errors
    /// `overloaded` when the queue is full, `unavailable` when the service is stopping.
    pub fn look(&self, looks: Vec<Look>) -> Result<oneshot::Receiver<Result<(), Refusal>>, Refusal> {
        let (reply, told) = oneshot::channel();
        self.require_writer()?;
        self.queue().push_looking(Looking { looks, reply })?;
        Ok(told)
    }
}

impl Looking {
    /// Tells whoever waits to show the data.
    pub fn answer(self, recorded: Result<(), Refusal>) {
        // Who hung up is shown nothing; that somebody was about to look stays recorded all the same.
        let _ = self.reply.send(recorded);
    }
}
