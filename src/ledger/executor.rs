//! The one thread that appends: it takes everybody who waits, decides, writes once, commits once, answers.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::batch::Work;
use super::command::{Answer, Context, Decide, Submission};
use super::group::{Decided, Group, Terms};
use super::look::{Look, Looking};
use super::queue::{EndOfQueue, Queue, Taken};
use super::settling::Settling;
use super::store::{Batch, Harm, Head, Store, StoreError};
use super::world::{States, World};
use crate::kernel::problem_codes::{READ_ONLY, UNAVAILABLE};
use crate::kernel::{Clock, Refusal, Text, Timestamp, unique_id};

/// Bounds of the queue.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Commands that may wait, shared out among the organisations that wait; one more of an organisation is answered 503.
    pub queue_commands: usize,
    /// How long an organisation's commands may wait for their turn while it keeps sending more; then it is answered 503. None: there is no
    /// such bound and no turns, commands are taken in the order in which they come. For filling a database by itself.
    pub queue_wait: Option<Duration>,
    /// Commands in one transaction. Gains flatten beyond 128; the rest keeps latency even when many wait.
    pub batch_commands: usize,
    /// States remembered from one batch to the next, while nobody else appends. For filling a database by itself: while it is served, its
    /// rows may be made anew.
    pub states_kept: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { queue_commands: 4096, queue_wait: Some(Duration::from_millis(20)), batch_commands: 256, states_kept: 0 }
    }
}

/// Where event ids come from.
#[derive(Clone, Debug)]
pub enum Ids {
    /// `UUIDv7` with a tail of this process's own.
    Random,
    /// `UUIDv7` whose tail is a hash of a counter: the demonstration is the same every time.
    Counted(u64),
}

impl Ids {
    pub(super) fn next(&mut self, at: Timestamp) -> Uuid {
        let millis = u64::try_from(at.micros() / 1000).unwrap_or_default();
        match self {
            Self::Random => unique_id(),
            Self::Counted(counter) => {
                *counter += 1;
                let digest: [u8; 32] = Sha256::digest(counter.to_be_bytes()).into();
                let mut tail = [0; 10];
                tail.copy_from_slice(&digest[..10]);
                uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
            }
        }
    }
}

/// A batch that is on disk, before anybody is answered.
pub struct Committed<'a> {
    /// What was written.
    pub batch: &'a Batch,
    /// How many commands were decided in it.
    pub commands: usize,
    /// From taking the commands to the commit on disk.
    pub took: Duration,
    /// The writing and the commit alone.
    pub commit_took: Duration,
}

/// Called after every commit and before the answers: whatever this process remembers of the database can follow.
pub type AfterCommit = Box<dyn FnMut(&Committed<'_>) + Send>;

/// The way in: hands commands to the executor and waits for their answers.
#[derive(Clone)]
pub struct Ledger {
    door: Arc<Door>,
    stopped: Arc<OnceLock<String>>,
    /// Up to where all is settled, in microseconds: whatever is stamped from now on is stamped later.
    pub(super) settled: Arc<AtomicI64>,
    read_only: bool,
}

/// What all handles share: when the last is dropped, the executor finishes what waits and ends.
struct Door(Arc<Queue>);

impl Drop for Door {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Ledger {
    /// One that takes no command: what it is asked to record belongs into the log this one is a copy of.
    pub fn read_only() -> Self {
        let queue = Arc::new(Queue::new(Limits::default()));
        queue.close();
        let settled = Arc::new(AtomicI64::new(i64::MIN));
        Self { door: Arc::new(Door(queue)), stopped: Arc::new(OnceLock::new()), settled, read_only: true }
    }

    /// Refuses early what would be refused in the end.
    ///
    /// # Errors
    /// `read_only`.
    pub fn require_writer(&self) -> Result<(), Refusal> {
        if self.read_only { Err(Refusal::new(&READ_ONLY, READ_ONLY.advice.clone())) } else { Ok(()) }
    }

    /// Starts the executor thread on a writer's connection. It ends when every handle is dropped and the queue is empty.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(
        store: Box<dyn Store>,
        clock: Clock,
        ids: Ids,
        limits: Limits,
        after_commit: AfterCommit,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let queue = Arc::new(Queue::new(limits));
        let door = Arc::new(Door(queue.clone()));
        let (stopped, settled) = (Arc::new(OnceLock::new()), Arc::new(AtomicI64::new(i64::MIN)));
        let (told, known) = (stopped.clone(), settled.clone());
        let (kept, untidy) = (None, true);
        let mut executor =
            Executor { store, clock, ids, after_commit, stopped: told, settled: known, limits, kept, untidy };
        let thread = std::thread::Builder::new().name("executor".to_owned()).spawn(move || {
            executor.run(&queue);
            executor.end();
        })?;
        Ok((Self { door, stopped, settled, read_only: false }, thread))
    }

    /// Hands in a command; the receiver has its answer once it is on disk.
    ///
    /// # Errors
    /// `overloaded` when too much of the organisation's waits, `unavailable` when the service is stopping.
    pub fn submit<C: Decide>(
        &self,
        id: Uuid,
        command: C,
        context: Context,
    ) -> Result<oneshot::Receiver<Answer>, Refusal> {
        let (submission, answer) = Submission::new(id, command, context);
        self.require_writer()?;
        self.queue().push(submission)?;
        Ok(answer)
    }

    /// Hands in a command and waits for it, off any async thread.
    pub fn execute<C: Decide>(&self, id: Uuid, command: C, context: Context) -> Answer {
        let lost = || Refusal::new(&UNAVAILABLE, UNAVAILABLE.advice.clone());
        match self.submit(id, command, context) {
            Ok(answer) => answer.blocking_recv().unwrap_or_else(|_| Answer { replayed: false, result: Err(lost()) }),
            Err(refusal) => Answer { replayed: false, result: Err(refusal) },
        }
    }

    /// Why no command can be taken any more, if that is so.
    pub fn stopped(&self) -> Option<&str> {
        let ended = (self.queue().ended() && !self.read_only).then_some("it has ended");
        self.stopped.get().map(String::as_str).or(ended)
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.door.0
    }

    /// Whether a command of this organisation would be taken now: who is to be turned away is told before the body is read.
    ///
    /// # Errors
    /// As [`Ledger::submit`].
    pub fn admits(&self, organisation: Uuid) -> Result<(), Refusal> {
        self.queue().admits(organisation)
    }

    /// How many commands wait to be taken.
    pub fn waiting(&self) -> usize {
        self.queue().waiting()
    }
}

struct Executor {
    store: Box<dyn Store>,
    clock: Clock,
    ids: Ids,
    after_commit: AfterCommit,
    /// Set for ever once the disk has failed to keep something.
    stopped: Arc<OnceLock<String>>,
    /// As the ledger's.
    settled: Arc<AtomicI64>,
    limits: Limits,
    /// The states the last batch left behind, and the position they are of.
    kept: Option<(i64, States)>,
    /// Whether the store has something left to do.
    untidy: bool,
}

/// How long the executor waits for commands before it lets the store do what is left to do, and what others who write leave to it.
const TIDY_AFTER: Duration = Duration::from_secs(1);
const TIDY_EVERY: Duration = Duration::from_mins(1);

impl Executor {
    fn run(&mut self, queue: &Queue) {
        let _end = EndOfQueue(queue);
        while let Some(taken) = queue.take(if self.untidy { TIDY_AFTER } else { TIDY_EVERY }) {
            let Taken { submissions, looking, settling, group } = taken;
            if submissions.is_empty() && looking.is_empty() && settling.is_empty() && group.is_none() {
                self.tidy();
            }
            if !settling.is_empty() {
                self.settle(settling);
            }
            if !submissions.is_empty() || !looking.is_empty() {
                self.execute(submissions, looking);
            }
            if let Some(group) = group {
                self.execute_group(group);
            }
        }
    }

    /// The time of what is recorded while the head is locked. It never goes back, nor to what is settled, whatever the clock does; and it is
    /// the database's where several machines may write, so that all stamp by one clock.
    fn now(&self, head: &Head) -> Timestamp {
        let clock = self.store.clock().filter(|_| !self.clock.stands());
        let settled = Timestamp::from_micros(self.settled.load(Ordering::SeqCst).saturating_add(1));
        clock.unwrap_or_else(|| self.clock.now()).max(head.recorded_at).max(settled)
    }

    /// Settles what has come of these instants, and whatever else is past. Whoever held the lock before has committed.
    fn settle(&mut self, settling: Vec<Settling>) {
        let began = self.store.begin();
        let now = began.as_ref().map(|head| self.now(head));
        self.store.rollback();
        match now {
            Ok(now) => {
                let come = settling.iter().map(|some| some.instant).filter(|instant| *instant <= now).max();
                let settled = now.micros().saturating_sub(1).max(come.map_or(i64::MIN, Timestamp::micros));
                self.settled.store(settled, Ordering::SeqCst);
                for some in settling {
                    // Who hung up asks again.
                    let _ = some.reply.send(Timestamp::from_micros(settled));
                }
            }
            // Who waits is told by the loss of what they wait for.
            Err(error) => log::error!("what was recorded by an instant cannot be told now error={error}"),
        }
    }

    /// Executes commands that were sent together. What is all or nothing is not tried one by one when the database refuses it.
    fn execute_group(&mut self, group: Group) {
        let Group { submissions, terms, reply } = group;
        let apart = !terms.atomic && !terms.dry_run && submissions.len() > 1;
        let answers = match self.attempt(&submissions, Vec::new(), terms) {
            Ok(answers) => answers,
            Err(Failed::Batch(error)) if apart => {
                log::warn!("a batch failed and is retried one by one commands={} error={error}", submissions.len());
                let alone = |submission| self.attempt(std::slice::from_ref(submission), Vec::new(), terms);
                let answer =
                    |result: Result<Vec<Answer>, Failed>| result.unwrap_or_else(|failed| vec![failed.answer()]);
                submissions.iter().map(alone).flat_map(answer).collect()
            }
            Err(failed) => {
                log::error!("commands could not be recorded commands={} error={}", submissions.len(), failed.error());
                submissions.iter().map(|_| failed.answer()).collect()
            }
        };
        let written = terms.permit(&answers);
        // Whoever sent them may have hung up; what was decided stands all the same.
        let _ = reply.send(Decided { answers: submissions.into_iter().zip(answers).collect(), written });
    }

    /// Executes a batch; when the database refuses it, each command alone, so that a poison command harms only its sender.
    fn execute(&mut self, submissions: Vec<Submission>, looking: Vec<Looking>) {
        let looks = looking.iter().flat_map(|some| some.looks.iter().cloned()).collect();
        match self.attempt(&submissions, looks, Terms::ALONE) {
            Ok(answers) => {
                reply(submissions, answers);
                for some in looking {
                    some.answer(Ok(()));
                }
            }
            Err(Failed::Batch(error)) if submissions.len() + looking.len() > 1 => {
                log::warn!("a batch failed and is retried one by one commands={} error={error}", submissions.len());
                for submission in submissions {
                    let alone = vec![submission];
                    let answers = self.attempt(&alone, Vec::new(), Terms::ALONE);
                    reply(alone, answers.unwrap_or_else(|failed| vec![failed.answer()]));
                }
                for mut some in looking {
                    let recorded = self.attempt(&[], std::mem::take(&mut some.looks), Terms::ALONE);
                    some.answer(recorded.map(|_| ()).map_err(|_| Failed::not_shown()));
                }
            }
            // The database itself is not to be had, or nobody knows what became of the batch: trying each alone would only make everybody
            // wait in turn, or write twice what is written already.
            Err(failed) => {
                log::error!("commands could not be recorded commands={} error={}", submissions.len(), failed.error());
                let answers = submissions.iter().map(|_| failed.answer()).collect();
                reply(submissions, answers);
                for some in looking {
                    some.answer(Err(Failed::not_shown()));
                }
            }
        }
    }

    fn attempt(&mut self, submissions: &[Submission], looks: Vec<Look>, terms: Terms) -> Result<Vec<Answer>, Failed> {
        if let Some(why) = self.stopped.get() {
            return Err(Failed::Begin(StoreError::new(why)));
        }
        // Whatever panics in here must not take the executor, and with it the service, along.
        let result = catch_unwind(AssertUnwindSafe(|| self.transaction(submissions, looks, terms)))
            .unwrap_or_else(|_| Err(Failed::Batch(StoreError::new("the batch panicked"))));
        match &result {
            // The batch is on disk already, in full, and nothing is written over it after a failure: whoever sent it is told so.
            Ok(_) => self.tidy(),
            Err(failed) => {
                self.store.rollback();
                if failed.error().harm == Harm::Lasting {
                    self.stop(failed.error());
                }
            }
        }
        result
    }

    /// Once the disk has failed, the store stays open for as long as the process lives: when the last connection to it is closed, `SQLite`
    /// moves and removes its write-ahead log, and would hear of no failure any more.
    fn end(self) {
        if self.stopped.get().is_some() {
            std::mem::forget(self.store);
        }
    }

    fn tidy(&mut self) {
        if self.stopped.get().is_some() {
            return;
        }
        match self.store.tidy() {
            Ok(left) => self.untidy = left,
            Err(error) if error.harm == Harm::Lasting => self.stop(&error),
            Err(error) => {
                log::warn!("the database could not be tidied; trying again error={error}");
                self.untidy = true;
            }
        }
    }

    /// For ever: after the disk has failed to keep something, trying again would pretend.
    fn stop(&self, error: &StoreError) {
        log::error!("no command is taken any more error={error}");
        let why = format!("the disk does not keep what is written ({error}); look at it, then start again");
        let _ = self.stopped.set(why);
    }

    fn transaction(
        &mut self,
        submissions: &[Submission],
        looks: Vec<Look>,
        terms: Terms,
    ) -> Result<Vec<Answer>, Failed> {
        let began = Instant::now();
        let head = self.store.begin().map_err(Failed::Begin)?;
        let now = self.now(&head);
        let (work, answers, ids) = self.decide(&head, now, submissions)?;
        if !terms.permit(&answers) {
            self.store.rollback();
            return Ok(answers);
        }
        self.ids = ids;
        let (mut batch, states) = work.into_batch()?;
        terms.trim(&mut batch);
        batch.looks = looks.into_iter().map(|look| Look { looked_at: now, ..look }).collect();
        if batch.is_empty() {
            self.store.rollback();
            return Ok(answers);
        }
        let decided = Instant::now();
        self.store.commit(&batch)?;
        if states.len() <= self.limits.states_kept {
            self.kept = Some((batch.head.position, states));
        }
        let (took, commit_took) = (began.elapsed(), decided.elapsed());
        if !submissions.is_empty() {
            (self.after_commit)(&Committed { batch: &batch, commands: submissions.len(), took, commit_took });
        }
        Ok(answers)
    }
}

/// How often a batch is decided on the assumption that claims nobody has looked up are free, before it looks up each as it comes.
const ASSUMING_ROUNDS_MAX: usize = 3;

impl Executor {
    /// Decides all commands. Which claims their events make is known only afterwards, so they are first assumed to be free and then looked
    /// up together; where one is held after all, deciding, being pure, is simply done again with what is known now.
    fn decide(
        &mut self,
        head: &Head,
        now: Timestamp,
        submissions: &[Submission],
    ) -> Result<(Work, Vec<Answer>, Ids), StoreError> {
        let store = &mut *self.store;
        let mut kept = self.kept.take().filter(|(position, _)| *position == head.position).map(|(_, states)| states);
        let mut known = HashMap::new();
        let mut rounds = 0;
        loop {
            let mut ids = self.ids.clone();
            let assume = rounds < ASSUMING_ROUNDS_MAX;
            rounds += 1;
            let world = World { states: kept.take().unwrap_or_default(), claims: known.clone(), ..World::default() };
            let mut work = Work::open(head.clone(), now, submissions, world, assume, store)?;
            let mut answers = Vec::with_capacity(submissions.len());
            for submission in submissions {
                answers.push(work.carry_out(submission, store, &mut ids)?);
            }
            let assumed = work.assumed();
            let held = if assumed.is_empty() { Vec::new() } else { store.claims(&assumed)? };
            if held.is_empty() {
                return Ok((work, answers, ids));
            }
            known.extend(assumed.into_iter().map(|claim| (claim, None)));
            known.extend(held.into_iter().map(|(claim, holder)| (claim, Some(holder))));
        }
    }
}

/// Why a batch was not written.
enum Failed {
    /// The transaction could not be opened.
    Begin(StoreError),
    /// Something in the batch; nothing of it is written.
    Batch(StoreError),
    /// The commit: what became of the batch is not known, or the disk fails.
    Commit(StoreError),
}

impl Failed {
    const fn error(&self) -> &StoreError {
        match self {
            Self::Begin(error) | Self::Batch(error) | Self::Commit(error) => error,
        }
    }

    fn answer(&self) -> Answer {
        let detail = match self {
            Self::Begin(_) | Self::Batch(_) => UNAVAILABLE.advice.clone(),
            Self::Commit(_) => Text::fixed(
                "Basis data tidak menjawab saat menyimpan, sehingga belum pasti apakah permintaan ini tercatat. Kirim lagi setelah `Retry-After` detik dengan Idempotency-Key yang sama: bila sudah tercatat, jawabannya yang pertama.",
                "The database did not answer while storing, so it is not certain whether this request was recorded. Send it again after `Retry-After` seconds with the same Idempotency-Key: if it was recorded, you get the first answer.",
            ),
        };
        Answer { replayed: false, result: Err(Refusal::new(&UNAVAILABLE, detail)) }
    }

    /// What is told to whom no data can be shown, since that could not be recorded.
    fn not_shown() -> Refusal {
        Refusal::new(&UNAVAILABLE, UNAVAILABLE.advice.clone())
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        match error.harm {
            Harm::None => Self::Batch(error),
            Harm::Unknown | Harm::Lasting => Self::Commit(error),
        }
    }
}

fn reply(submissions: Vec<Submission>, answers: Vec<Answer>) {
    for (submission, answer) in submissions.into_iter().zip(answers) {
        submission.answer(answer);
    }
}
