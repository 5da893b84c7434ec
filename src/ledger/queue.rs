//! What waits for the executor: a lane for each organisation, taken in turn, so that nobody waits behind somebody else's flood.
//!
//! The queue is short on purpose. An organisation may fill it for a moment, its share of it at least; but a lane that the executor has not been
//! able to empty for [`STANDING_AFTER`] takes nothing new while its oldest command has waited for longer than it should. What is turned away at
//! once can be sent again at once; what waits for long is answered when nobody listens any more. (This is `CoDel`, RFC 8289, with the dropping done at
//! the door, and a lane for each flow as in RFC 8290.)

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::command::Submission;
use super::executor::Limits;
use super::group::Group;
use super::look::Looking;
use super::settling::Settling;
use crate::kernel::problem_codes::{OVERLOADED, UNAVAILABLE};
use crate::kernel::{Refusal, Text};

/// How long a lane must have been too slow before it takes nothing new: a single long transaction is no overload.
const STANDING_AFTER: Duration = Duration::from_millis(100);

/// Looks in one transaction, about: enough for a few full pages.
const LOOKS_MAX: usize = 2000;

/// The queue between the handles and the executor.
pub(super) struct Queue {
    limits: Limits,
    inner: Mutex<Inner>,
    filled: Condvar,
}

#[derive(Default)]
struct Inner {
    /// None is empty; whose turn it is stands in front.
    lanes: VecDeque<Lane>,
    /// Groups need no bound here: a file has two on their way, and files are counted at their own door.
    groups: VecDeque<Group>,
    /// Looks at personal data, which wait for nobody's commands.
    looking: VecDeque<Looking>,
    /// Instants that readers ask to be settled.
    settling: Vec<Settling>,
    /// Commands in all lanes.
    count: usize,
    /// No handle is left: what is here is finished and nothing more comes.
    closed: bool,
    /// The executor is gone: nobody takes anything any more.
    ended: bool,
}

struct Lane {
    organisation: Uuid,
    commands: VecDeque<(Instant, Submission)>,
    /// Since when what is taken from it has waited too long.
    late_since: Option<Instant>,
}

/// What the executor takes at once.
#[derive(Default)]
pub(super) struct Taken {
    pub submissions: Vec<Submission>,
    pub looking: Vec<Looking>,
    pub settling: Vec<Settling>,
    pub group: Option<Group>,
}

impl Queue {
    pub fn new(limits: Limits) -> Self {
        Self { limits, inner: Mutex::default(), filled: Condvar::new() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a command of this organisation would be taken now.
    pub fn admits(&self, organisation: Uuid) -> Result<(), Refusal> {
        self.inner().admit(organisation, &self.limits, Instant::now()).map(|_| ())
    }

    pub fn push(&self, submission: Submission) -> Result<(), Refusal> {
        let (now, organisation) = (Instant::now(), submission.context.actor.organisation);
        let mut inner = self.inner();
        let lane = inner.admit(organisation, &self.limits, now)?;
        if let Some(lane) = lane {
            inner.lanes[lane].commands.push_back((now, submission));
        } else {
            let organisation = self.limits.lane_of(organisation);
            inner.lanes.push_back(Lane {
                organisation,
                commands: VecDeque::from([(now, submission)]),
                late_since: None,
            });
        }
        inner.count += 1;
        drop(inner);
        self.filled.notify_one();
        Ok(())
    }

    pub fn push_group(&self, group: Group) -> Result<(), Refusal> {
        let mut inner = self.inner();
        inner.require_open()?;
        inner.groups.push_back(group);
        drop(inner);
        self.filled.notify_one();
        Ok(())
    }

    /// Looks are bounded by the queue's length as commands are, in a line of their own.
    pub fn push_looking(&self, looking: Looking) -> Result<(), Refusal> {
        let mut inner = self.inner();
        inner.require_open()?;
        if inner.looking.len() >= self.limits.queue_commands.max(1) {
            return Err(full(inner.looking.len()));
        }
        inner.looking.push_back(looking);
        drop(inner);
        self.filled.notify_one();
        Ok(())
    }

    /// All instants that wait are settled together, in one short transaction.
    pub fn push_settling(&self, settling: Settling) -> Result<(), Refusal> {
        let mut inner = self.inner();
        inner.require_open()?;
        if inner.settling.len() >= self.limits.queue_commands.max(1) {
            return Err(full(inner.settling.len()));
        }
        inner.settling.push(settling);
        drop(inner);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits until there is something, and takes nothing after `wait`; none once no handle is left and all is taken.
    pub fn take(&self, wait: Duration) -> Option<Taken> {
        let empty = |inner: &mut Inner| inner.is_empty() && !inner.closed;
        let waited = self.filled.wait_timeout_while(self.inner(), wait, empty);
        let (mut inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if inner.is_empty() && inner.closed {
            return None;
        }
        Some(inner.take(&self.limits, Instant::now()))
    }

    /// Commands that wait, and groups.
    pub fn waiting(&self) -> usize {
        let inner = self.inner();
        inner.count + inner.groups.len() + inner.looking.len()
    }

    /// The last handle is gone.
    pub fn close(&self) {
        self.inner().closed = true;
        self.filled.notify_one();
    }

    /// The executor is gone; whoever waits is told by the loss of what they wait for.
    pub fn end(&self) {
        let mut inner = self.inner();
        *inner = Inner { ended: true, ..Inner::default() };
    }

    pub fn ended(&self) -> bool {
        self.inner().ended
    }
}

impl Limits {
    /// Without a bound on waiting there is one lane, so that commands are taken in the order in which they came.
    const fn lane_of(&self, organisation: Uuid) -> Uuid {
        if self.queue_wait.is_some() { organisation } else { Uuid::nil() }
    }
}

impl Inner {
    fn require_open(&self) -> Result<(), Refusal> {
        if self.ended { Err(unavailable()) } else { Ok(()) }
    }

    fn is_empty(&self) -> bool {
        self.count == 0 && self.groups.is_empty() && self.looking.is_empty() && self.settling.is_empty()
    }

    /// The lane a command of this organisation would go to, if it has one.
    fn admit(&self, organisation: Uuid, limits: &Limits, now: Instant) -> Result<Option<usize>, Refusal> {
        self.require_open()?;
        let organisation = limits.lane_of(organisation);
        let lane = self.lanes.iter().position(|lane| lane.organisation == organisation);
        let waiting = lane.map_or(0, |lane| self.lanes[lane].commands.len());
        let organisations = self.lanes.len() + usize::from(lane.is_none());
        if waiting >= (limits.queue_commands / organisations).max(1) {
            return Err(full(waiting));
        }
        let late = |lane: usize| self.lanes[lane].is_late(limits.queue_wait.unwrap_or(Duration::MAX), now);
        if lane.is_some_and(late) {
            return Err(slow());
        }
        Ok(lane)
    }

    fn take(&mut self, limits: &Limits, now: Instant) -> Taken {
        let wait = limits.queue_wait.unwrap_or(Duration::MAX);
        let settling = std::mem::take(&mut self.settling);
        let mut taken = Taken { group: self.groups.pop_front(), settling, ..Taken::default() };
        let mut looks = 0;
        while looks < LOOKS_MAX
            && let Some(looking) = self.looking.pop_front()
        {
            looks += looking.looks.len();
            taken.looking.push(looking);
        }
        while taken.submissions.len() < limits.batch_commands.max(1) {
            let Some(mut lane) = self.lanes.pop_front() else { break };
            if let Some((since, submission)) = lane.commands.pop_front() {
                let late = now.saturating_duration_since(since) > wait;
                lane.late_since = if late { lane.late_since.or(Some(now)) } else { None };
                taken.submissions.push(submission);
                self.count = self.count.saturating_sub(1);
            }
            if !lane.commands.is_empty() {
                self.lanes.push_back(lane);
            }
        }
        taken
    }
}

impl Lane {
    fn is_late(&self, wait: Duration, now: Instant) -> bool {
        let longer = |since: Instant, than: Duration| now.saturating_duration_since(since) > than;
        let standing = self.late_since.is_some_and(|since| longer(since, STANDING_AFTER));
        standing && self.commands.front().is_some_and(|(since, _)| longer(*since, wait))
    }
}

/// Whoever drops this was the executor.
pub(super) struct EndOfQueue<'a>(pub &'a Queue);

impl Drop for EndOfQueue<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn full(waiting: usize) -> Refusal {
    let why = text!(
        "Sudah {waiting} perintah organisasi Anda menunggu giliran; coba lagi setelah `Retry-After` detik dengan Idempotency-Key yang sama.",
        "{waiting} commands of your organisation wait for their turn; try again after `Retry-After` seconds with the same Idempotency-Key."
    );
    Refusal::new(&OVERLOADED, why).with("reason", "queue_full")
}

fn slow() -> Refusal {
    let why = Text::fixed(
        "Perintah organisasi Anda datang lebih cepat daripada dapat dicatat; coba lagi setelah `Retry-After` detik dengan Idempotency-Key yang sama.",
        "Your organisation's commands come faster than they can be recorded; try again after `Retry-After` seconds with the same Idempotency-Key.",
    );
    Refusal::new(&OVERLOADED, why).with("reason", "queue_slow")
}

fn unavailable() -> Refusal {
    Refusal::new(&UNAVAILABLE, UNAVAILABLE.advice.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Actor, Timestamp};
    use crate::ledger::command::{AnyCommand, Context, Plan};
    use crate::ledger::{Wants, World};

    /// A command that only waits.
    struct Waits;

    impl AnyCommand for Waits {
        fn id(&self) -> Uuid {
            Uuid::nil()
        }
        fn reads(&self, _: &World, _: &mut Wants) {}
        fn decide(&self, _: &World, _: &Context, _: Timestamp) -> Result<Plan, Refusal> {
            Err(unavailable())
        }
        fn kind(&self) -> &'static str {
            "nothing"
        }
        fn creates(&self) -> bool {
            false
        }
        fn require_scope(&self, _: &Actor) -> Result<(), Refusal> {
            Ok(())
        }
    }

    const FLOOD: Uuid = Uuid::from_u128(1);
    const QUIET: Uuid = Uuid::from_u128(2);

    fn command(organisation: Uuid, said: &str) -> Submission {
        let actor = Actor { organisation, ..Actor::service() };
        let (reply, _) = tokio::sync::oneshot::channel();
        Submission { command: Box::new(Waits), context: Context::internal(actor, said), reply }
    }

    fn queue(queue_commands: usize, queue_wait: Option<Duration>) -> Queue {
        Queue::new(Limits { queue_commands, batch_commands: 4, queue_wait, ..Limits::default() })
    }

    fn whose(taken: &Taken) -> Vec<Uuid> {
        taken.submissions.iter().map(|submission| submission.context.actor.organisation).collect()
    }

    #[test]
    fn organisations_are_taken_in_turn_and_each_in_its_own_order() {
        let queue = queue(100, Some(Duration::from_secs(1)));
        for said in ["1", "2", "3", "4", "5"] {
            queue.push(command(FLOOD, said)).unwrap();
        }
        queue.push(command(QUIET, "6")).unwrap();
        let taken = queue.take(Duration::ZERO).unwrap();
        assert_eq!(whose(&taken), [FLOOD, QUIET, FLOOD, FLOOD]);
        let said: Vec<&str> = taken.submissions.iter().map(|one| one.context.correlation_id.as_str()).collect();
        assert_eq!(said, ["1", "6", "2", "3"]);
        assert_eq!(queue.waiting(), 2);
    }

    #[test]
    fn without_a_bound_on_waiting_all_are_taken_in_the_order_in_which_they_came() {
        let queue = queue(3, None);
        for organisation in [FLOOD, FLOOD, QUIET] {
            queue.push(command(organisation, "x")).unwrap();
        }
        assert_eq!(queue.push(command(QUIET, "x")).unwrap_err().members["reason"], "queue_full");
        assert_eq!(whose(&queue.take(Duration::ZERO).unwrap()), [FLOOD, FLOOD, QUIET]);
    }

    #[test]
    fn whoever_comes_late_has_a_share_although_somebody_filled_the_queue() {
        let queue = queue(10, Some(Duration::from_secs(1)));
        while queue.push(command(FLOOD, "x")).is_ok() {}
        assert_eq!(queue.waiting(), 10);
        for _ in 0..5 {
            queue.push(command(QUIET, "x")).unwrap();
        }
        assert_eq!(queue.admits(QUIET).unwrap_err().members["reason"], "queue_full");
        assert!(queue.admits(FLOOD).is_err());
    }

    #[test]
    fn a_lane_that_stands_takes_nothing_new_and_one_slow_batch_is_no_reason() {
        let wait = Duration::from_millis(50);
        let (began, limits) =
            (Instant::now(), Limits { batch_commands: 1, queue_wait: Some(wait), ..Limits::default() });
        let at = |millis: u64| began + Duration::from_millis(millis);
        let queue = Queue::new(limits);
        for organisation in [FLOOD, FLOOD, FLOOD, FLOOD, QUIET] {
            queue.push(command(organisation, "x")).unwrap();
        }
        let mut inner = queue.inner();
        let reason = |inner: &Inner, organisation: Uuid, now: Instant| {
            inner.admit(organisation, &limits, now).err().map(|why| why.members["reason"].clone())
        };
        // Everything has waited through one slow transaction.
        inner.take(&limits, at(400));
        assert_eq!(reason(&inner, FLOOD, at(401)), None);
        // Still too slow a while later: what comes now is turned away, from this lane alone.
        inner.lanes.rotate_left(1);
        inner.take(&limits, at(460));
        assert_eq!(reason(&inner, FLOOD, at(560)), Some("queue_slow".into()));
        assert_eq!(reason(&inner, QUIET, at(560)), None);
        // Emptied, it is as new.
        while !inner.lanes.is_empty() {
            inner.take(&limits, at(600));
        }
        assert_eq!(reason(&inner, FLOOD, at(601)), None);
    }

    #[test]
    fn a_closed_queue_is_emptied_and_an_ended_one_takes_nothing() {
        let queue = queue(10, None);
        queue.push(command(FLOOD, "x")).unwrap();
        queue.close();
        assert_eq!(queue.take(Duration::ZERO).map(|taken| taken.submissions.len()), Some(1));
        assert!(queue.take(Duration::ZERO).is_none());
        drop(EndOfQueue(&queue));
        assert!(queue.ended());
        assert_eq!(queue.push(command(FLOOD, "x")).unwrap_err().code.name, "unavailable");
    }
}
