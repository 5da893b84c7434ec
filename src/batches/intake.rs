//! Sends lines through their handlers in order, gathers the commands, hands them to the ledger in groups.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::oneshot;

use super::lines::Entry;
use super::outcome::Outcome;
use crate::kernel::Met;
use crate::kernel::problem_codes::{NOT_A_COMMAND, UNAVAILABLE};
use crate::ledger::{Answer, Decided, Terms};
use crate::web::{
    Answering, Caller, Gathering, LineAnswer, LineCommand, Problem, Recorded, Routes, gathering_caller, record_met,
};

/// Lines handed in together when each stands for itself. Gains flatten beyond; a single command that comes meanwhile waits for one such group.
pub const GROUP_LINES: usize = 500;
/// Groups on their way at once: while one is being written, the next is made ready.
const GROUPS_AT_ONCE: usize = 2;
/// Lines after which other requests of this worker get their turn.
const TURN_LINES: usize = 32;

/// A file on its way in.
pub struct Intake<I> {
    routes: Rc<Routes>,
    /// Who sent the file.
    caller: Caller,
    /// The same, as the handlers of lines see it.
    line_caller: Caller,
    gathering: Arc<Gathering>,
    terms: Terms,
    entries: I,
    group: Vec<Begun>,
    flights: VecDeque<Flight>,
    exhausted: bool,
    stopped: Option<Problem>,
}

/// A line whose handler was begun.
struct Begun {
    line: usize,
    key: Option<String>,
    path: String,
    state: State,
}

enum State {
    /// Its command has been handed in, and the decision is its answer.
    HandedIn,
    /// Its command has been handed in, and the handler goes on from the decision.
    Waiting(Answering),
    /// It has its answer.
    Answered(LineAnswer),
}

/// A group on its way through the ledger.
struct Flight {
    begun: Vec<Begun>,
    decided: Decision,
}

enum Decision {
    Coming(oneshot::Receiver<Decided>),
    /// `None` when there was nothing to decide, or when nobody is left to decide.
    Here(Option<Decided>),
}

/// How far a handler went.
enum Step {
    Answered(LineAnswer),
    HandedIn { done: bool },
    WaitsToRead,
}

impl<I: Iterator<Item = Entry>> Intake<I> {
    /// An intake of these lines for this caller. The routes are ready.
    pub fn new(routes: Rc<Routes>, caller: Caller, entries: I, terms: Terms) -> Self {
        let (line_caller, gathering) = gathering_caller(&caller);
        Self {
            routes,
            caller,
            line_caller,
            gathering,
            terms,
            entries,
            group: Vec::new(),
            flights: VecDeque::new(),
            exhausted: false,
            stopped: None,
        }
    }

    /// The outcomes of the next group; when all stand or fall together, of all.
    pub async fn next(&mut self) -> Option<Vec<Outcome>> {
        while self.flights.len() < GROUPS_AT_ONCE && self.stopped.is_none() && !self.exhausted {
            self.make_ready().await;
        }
        let flight = self.flights.pop_front()?;
        let outcomes = self.land(flight).await;
        let lost = outcomes.iter().find_map(|outcome| {
            outcome.answer.result.as_ref().err().filter(|problem| problem.0.code == &UNAVAILABLE).cloned()
        });
        self.stopped = self.stopped.take().or(lost);
        Some(outcomes)
    }

    /// Why the intake stopped before its end, if it did.
    pub const fn stopped(&self) -> Option<&Problem> {
        self.stopped.as_ref()
    }

    /// How many lines are left; none unless the intake stopped.
    pub fn left(&mut self) -> usize {
        self.entries.by_ref().count()
    }

    /// Whether lines are recorded as they come.
    const fn in_groups(&self) -> bool {
        !self.terms.atomic && !self.terms.dry_run
    }

    /// Makes a group of lines ready and hands it in.
    async fn make_ready(&mut self) {
        if let Err(problem) = self.caller.require_still_valid().await {
            self.stopped = Some(problem);
            return;
        }
        let most = if self.in_groups() { GROUP_LINES } else { usize::MAX };
        for count in 1..=most {
            let Some(entry) = self.entries.next() else {
                self.exhausted = true;
                break;
            };
            self.begin(entry).await;
            if count % TURN_LINES == 0 {
                give_others_a_turn().await;
            }
        }
        self.hand_in();
    }

    async fn begin(&mut self, entry: Entry) {
        let Entry { number, key, command } = entry;
        let (path, state) = match command {
            Err(problem) => (String::new(), State::Answered(LineAnswer::refused(problem))),
            Ok(command) => (command.path.clone(), self.begin_command(command).await),
        };
        self.group.push(Begun { line: number, key, path, state });
    }

    async fn begin_command(&mut self, command: LineCommand) -> State {
        let mut answering = self.routes.begin(command, &self.line_caller);
        loop {
            match step(&mut answering, &self.gathering).await {
                Step::HandedIn { done: true } => return State::HandedIn,
                Step::HandedIn { done: false } => return State::Waiting(answering),
                // What answers without handing anything in records nothing.
                Step::Answered(LineAnswer { result: Ok(_), .. }) => {
                    return State::Answered(LineAnswer::refused(Problem::of(&NOT_A_COMMAND)));
                }
                Step::Answered(refused) => return State::Answered(refused),
                Step::WaitsToRead => {
                    if self.in_groups() {
                        self.hand_in();
                        for flight in &mut self.flights {
                            flight.decided.arrive().await;
                        }
                    }
                    self.gathering.let_read();
                }
            }
        }
    }

    /// Hands in what was gathered.
    fn hand_in(&mut self) {
        let (begun, submissions) = (std::mem::take(&mut self.group), self.gathering.take());
        if begun.is_empty() {
            return;
        }
        let mut terms = self.terms;
        // One line failed already: what the others would have come to is decided all the same, so that every fault is told at once.
        terms.dry_run |= terms.atomic && begun.iter().any(|line| matches!(line.state, State::Answered(_)));
        let decided = if submissions.is_empty() {
            Decision::Here(None)
        } else {
            match self.caller.service.ledger.submit_together(submissions, terms) {
                Ok(decided) => Decision::Coming(decided),
                Err(refusal) => {
                    self.stopped = Some(refusal.into());
                    Decision::Here(None)
                }
            }
        };
        self.flights.push_back(Flight { begun, decided });
    }

    /// Waits for what was decided and lets the handlers answer.
    async fn land(&mut self, mut flight: Flight) -> Vec<Outcome> {
        flight.decided.arrive().await;
        let decided = flight.decided.take();
        let written = decided.as_ref().is_some_and(|decided| decided.written);
        let answers = decided.map(|decided| decided.answers).unwrap_or_default();
        let handed_in = flight.begun.iter_mut().filter(|line| !matches!(line.state, State::Answered(_)));
        let mut met = Vec::new();
        for (line, (submission, answer)) in handed_in.zip(answers) {
            match line.state {
                State::Waiting(_) if written => submission.answer(answer),
                // Where nothing was written, no handler has anything to go on with.
                _ => {
                    let person = answer.result.as_ref().err().and_then(|refusal| refusal.met.as_deref().copied());
                    met.extend(person.map(|person| (submission.kind(), person)));
                    line.state = State::Answered(decided_only(answer));
                }
            }
        }
        self.record_met(met, &mut flight.begun).await;
        if written {
            self.answer(&mut flight.begun).await;
        }
        flight.begun.into_iter().map(|line| line.outcome(written)).collect()
    }

    /// Records whom refusals give away before they are told, those that were only tried included. Where that fails, or too many were found who
    /// are hidden from the sender, none is told and the intake stops.
    async fn record_met(&mut self, met: Vec<(&'static str, Met)>, begun: &mut [Begun]) {
        let hidden = met.iter().any(|(_, met)| met.hidden);
        let mut recorded = record_met(&self.caller, met).await;
        if hidden && recorded.is_ok() {
            recorded = self.caller.require_room_for_guesses();
        }
        let Err(problem) = recorded else { return };
        for line in begun {
            if let State::Answered(LineAnswer { result: Err(told), .. }) = &mut line.state
                && told.0.met.is_some()
            {
                *told = problem.clone();
            }
        }
        self.stopped = Some(problem);
    }

    /// Polls handlers until all have answered. One may hand in another command: an amendment that somebody else overtook is tried again.
    async fn answer(&self, begun: &mut [Begun]) {
        loop {
            let waiting = poll_fn(|context| {
                let mut waiting = false;
                for line in begun.iter_mut() {
                    if let State::Waiting(answering) = &mut line.state {
                        match answering.as_mut().poll(context) {
                            Poll::Ready(answer) => line.state = State::Answered(answer),
                            Poll::Pending => waiting = true,
                        }
                    }
                }
                let turn = !waiting || self.gathering.count() > 0 || self.gathering.waits_to_read();
                if turn { Poll::Ready(waiting) } else { Poll::Pending }
            })
            .await;
            if !waiting {
                return;
            }
            self.gathering.let_read();
            let again = self.gathering.take();
            if !again.is_empty()
                && let Ok(decided) = self.caller.service.ledger.submit_together(again, self.terms)
                && let Ok(decided) = decided.await
            {
                for (submission, answer) in decided.answers {
                    submission.answer(answer);
                }
            }
        }
    }
}

impl Begun {
    fn outcome(self, written: bool) -> Outcome {
        let answer = match self.state {
            State::Answered(answer) => answer,
            // Nobody decided it: the service is stopping.
            State::HandedIn | State::Waiting(_) => LineAnswer::refused(Problem::of(&UNAVAILABLE)),
        };
        Outcome { line: self.line, key: self.key, path: self.path, answer, written }
    }
}

impl Decision {
    async fn arrive(&mut self) {
        if let Self::Coming(decided) = self {
            *self = Self::Here(decided.await.ok());
        }
    }

    fn take(&mut self) -> Option<Decided> {
        match self {
            Self::Coming(_) => None,
            Self::Here(decided) => decided.take(),
        }
    }
}

fn decided_only(answer: Answer) -> LineAnswer {
    let recorded = answer.result.map(|done| Recorded {
        created: done.created,
        unchanged: done.unchanged,
        id: done.id.to_string(),
        version: done.version,
        position: done.position,
        answer: None,
    });
    LineAnswer { replayed: answer.replayed, result: recorded.map_err(Problem::from) }
}

/// Polls a handler until it has handed in its command, answered, or must read.
async fn step(answering: &mut Answering, gathering: &Gathering) -> Step {
    let before = gathering.count();
    poll_fn(|context| match answering.as_mut().poll(context) {
        Poll::Ready(_) if gathering.count() > before => Poll::Ready(Step::HandedIn { done: true }),
        Poll::Ready(answer) => Poll::Ready(Step::Answered(answer)),
        Poll::Pending if gathering.count() > before => Poll::Ready(Step::HandedIn { done: false }),
        Poll::Pending if gathering.waits_to_read() => Poll::Ready(Step::WaitsToRead),
        Poll::Pending => Poll::Pending,
    })
    .await
}

async fn give_others_a_turn() {
    let mut given = false;
    poll_fn(|context| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
