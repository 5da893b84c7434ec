//! Settling an instant: from then on nothing more is recorded at or before it, so what had been recorded by then is the same for ever.
//!
//! A batch is stamped when it opens and is seen when it is committed; in between, who asks for an instant after the stamp would be answered
//! without it, and with it later. So the one writer is asked first: once it has held the head's lock, whatever was stamped before is committed,
//! and whatever comes is stamped later. That takes no longer than the batch that is being written, and costs nothing while nobody asks.

use std::sync::atomic::Ordering;

use tokio::sync::oneshot;

use super::executor::Ledger;
use crate::kernel::problem_codes::UNAVAILABLE;
use crate::kernel::{Refusal, Timestamp};

/// An instant on its way through the queue; whoever waits is told up to where all is settled.
pub(super) struct Settling {
    pub instant: Timestamp,
    pub reply: oneshot::Sender<Timestamp>,
}

impl Ledger {
    /// Settles an instant, if it has come by the clock that events are stamped with; tells up to where all is settled.
    ///
    /// # Errors
    /// `overloaded` when the queue is full, `unavailable` when the service is stopping or the database is away.
    pub async fn settle(&self, instant: Timestamp) -> Result<Timestamp, Refusal> {
        let settled = Timestamp::from_micros(self.settled.load(Ordering::SeqCst));
        if instant <= settled {
            return Ok(settled);
        }
        let (reply, told) = oneshot::channel();
        self.require_writer()?;
        self.queue().push_settling(Settling { instant, reply })?;
        told.await.map_err(|_| Refusal::new(&UNAVAILABLE, UNAVAILABLE.advice.clone()))
    }
}
