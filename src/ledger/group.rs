//! Commands that were sent together: taken as a batch of their own, in their order, on terms of their own.

use tokio::sync::oneshot;
use uuid::Uuid;

use super::command::{Answer, Context, Decide, Request, Submission};
use super::executor::Ledger;
use super::store::Batch;
use crate::kernel::Refusal;

/// On what terms commands are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// All or nothing: one refusal, and none is written.
    pub atomic: bool,
    /// Decide and write nothing.
    pub dry_run: bool,
    /// Whether a refusal is remembered under its Idempotency-Key, as it is for a command sent alone. Not so where the key was made of the
    /// content: the same content shall be decided anew once what stood in its way is gone.
    pub remember_refusals: bool,
}

impl Terms {
    /// Those of commands that merely waited together.
    pub const ALONE: Self = Self { atomic: false, dry_run: false, remember_refusals: true };

    /// Whether these answers may be written.
    pub(super) fn permit(self, answers: &[Answer]) -> bool {
        let all = || answers.iter().all(|answer| answer.result.is_ok());
        !self.dry_run && (!self.atomic || all())
    }

    /// Takes out of the batch what is not to be remembered.
    pub(super) fn trim(self, batch: &mut Batch) {
        if !self.remember_refusals {
            batch.receipts.retain(|receipt| receipt.refusal.is_none());
        }
    }
}

/// What came of commands that were sent together.
pub struct Decided {
    /// The commands with their answers, in their order. Nobody has been answered yet: see [`Submission::answer`].
    pub answers: Vec<(Submission, Answer)>,
    /// Whether what was decided is on disk. When not, the answers tell what would have come of each command.
    pub written: bool,
}

/// Commands on their way through the queue together.
pub(super) struct Group {
    pub submissions: Vec<Submission>,
    pub terms: Terms,
    pub reply: oneshot::Sender<Decided>,
}

impl Submission {
    /// A command that is not yet on its way; the receiver has its answer once somebody gives it.
    pub fn new<C: Decide>(id: Uuid, command: C, context: Context) -> (Self, oneshot::Receiver<Answer>) {
        let (reply, answer) = oneshot::channel();
        (Self { command: Box::new(Request { id, command }), context, reply }, answer)
    }

    /// The kind of resource it is about.
    pub fn kind(&self) -> &'static str {
        self.command.kind()
    }

    /// Answers whoever waits.
    pub fn answer(self, answer: Answer) {
        // A caller who hung up is no longer interested; the command is on disk all the same.
        let _ = self.reply.send(answer);
    }
}

impl Ledger {
    /// Hands in commands to be taken as a batch of their own.
    ///
    /// # Errors
    /// `unavailable` when the service is stopping.
    pub fn submit_together(
        &self,
        submissions: Vec<Submission>,
        terms: Terms,
    ) -> Result<oneshot::Receiver<Decided>, Refusal> {
        let (reply, decided) = oneshot::channel();
        self.require_writer()?;
        self.queue().push_group(Group { submissions, terms, reply })?;
        Ok(decided)
    }
}
