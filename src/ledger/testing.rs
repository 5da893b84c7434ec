//! Given / when / then for decisions: no database, no thread, no clock.

use uuid::Uuid;

use super::command::{AnyCommand, Context, Decide, Plan, Request};
use super::event::{Draft, Envelope, Event, decode, encode};
use super::resource::{BoxedState, Kind, Resource};
use super::world::World;
use crate::kernel::{Actor, Refusal, Timestamp};

/// The id of the resource a story is about.
pub const SUBJECT: Uuid = Uuid::from_u128(0x00C0_FFEE);

/// The time in every story: a morning within the programme of 2014.
pub fn now() -> Timestamp {
    Timestamp::parse("2014-03-12T09:00:00+08:00").unwrap()
}

/// What has happened, to whom, and who asks.
pub struct Story<R: Resource> {
    world: World,
    actor: Actor,
    kind: std::marker::PhantomData<R>,
}

impl<R: Resource> Story<R> {
    /// These events happened to the resource.
    pub fn given(events: impl IntoIterator<Item = R::Event>) -> Self {
        let world = World::default();
        Self { world, actor: Actor::service(), kind: std::marker::PhantomData }.and_of::<R>(SUBJECT, events)
    }

    /// These events happened to another resource.
    pub fn knowing<T: Resource, const N: usize>(self, id: Uuid, events: [T::Event; N]) -> Self {
        self.and_of::<T>(id, events)
    }

    fn and_of<T: Resource>(mut self, id: Uuid, events: impl IntoIterator<Item = T::Event>) -> Self {
        for event in events {
            let held = self.world.states.get(&(T::KIND, id)).and_then(Option::as_ref);
            let (state, event) = fold::<T>(id, held, event, self.world.past::<T>(id));
            self.world.states.insert((T::KIND, id), Some(state));
            self.world.pasts.entry(T::KIND).or_default().entry(id).or_default().push(event);
        }
        self
    }

    /// Someone other than the provincial office asks.
    pub fn by(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// The command.
    #[allow(clippy::needless_pass_by_value, reason = "a story reads better so")]
    pub fn when<C: Decide<Resource = R>>(self, command: C) -> Told<R> {
        let request = Request { id: SUBJECT, command };
        let context = Context::internal(self.actor, "story");
        Told { plan: request.decide(&self.world, &context, now()), kind: self.kind }
    }

    /// The state after the given events.
    pub fn state(&self) -> &R {
        self.world.find(SUBJECT).unwrap()
    }
}

fn fold<T: Resource>(id: Uuid, held: Option<&BoxedState>, event: T::Event, past: &[Event]) -> (BoxedState, Event) {
    let version = held.map_or(0, |state| state.stamp().version) + 1;
    let draft = Draft::of::<T>(id, event).unwrap();
    let envelope = Envelope {
        position: version,
        event_id: event_id(version),
        stream_kind: T::KIND.to_owned(),
        stream_id: id,
        version,
        event_type: draft.event_type.clone(),
        schema_version: draft.schema_version,
        actor: Uuid::nil(),
        organisation: Uuid::nil(),
        occurred_at: now(),
        recorded_at: now(),
        correlation_id: "story".to_owned(),
        causation_id: None,
        region: None,
        owner: None,
    };
    let state = (Kind::of::<T>().fold)(held.map(|state| &**state), &*draft.event, &envelope, past)
        .unwrap_or_else(|| panic!("{} does not follow what was given", draft.event_type));
    (state, Event::seal(envelope, draft.data).unwrap())
}

/// The id of the n-th given event.
pub fn event_id(version: i64) -> Uuid {
    Uuid::from_u128(0xE000 + u128::try_from(version).unwrap())
}

/// How the command was decided.
pub struct Told<R> {
    plan: Result<Plan, Refusal>,
    kind: std::marker::PhantomData<R>,
}

impl<R: Resource> Told<R> {
    /// Exactly these events of the resource itself.
    #[allow(clippy::needless_pass_by_value, reason = "a story reads better so")]
    pub fn then<const N: usize>(self, events: [R::Event; N]) {
        let expected: Vec<(String, String)> = events.iter().map(|event| encode(event).unwrap()).collect();
        assert_eq!(self.types_and_data(|draft| draft.stream_id == SUBJECT), expected);
    }

    /// The events of the resource itself, for the story to go on.
    pub fn events(self) -> Vec<R::Event> {
        let told = self.types_and_data(|draft| draft.stream_id == SUBJECT);
        told.into_iter().map(|(name, data)| decode(&name, &data).unwrap()).collect()
    }

    /// The types of all events, those of other resources included.
    pub fn then_types(self, types: &[&str]) {
        let found: Vec<String> = self.types_and_data(|_| true).into_iter().map(|(name, _)| name).collect();
        assert_eq!(found, types);
    }

    fn types_and_data(self, wanted: impl Fn(&Draft) -> bool) -> Vec<(String, String)> {
        let plan = self.plan.unwrap_or_else(|refusal| panic!("refused: {refusal:?}"));
        plan.drafts.into_iter().filter(|draft| wanted(draft)).map(|draft| (draft.event_type, draft.data)).collect()
    }

    /// Refused with this code.
    pub fn refused(self, code: &str) {
        let refusal = self.plan.err().unwrap_or_else(|| panic!("not refused"));
        assert_eq!(refusal.code.name, code, "{}", refusal.detail.en);
    }

    /// Refused with this code, pointing at this place.
    pub fn refused_at(self, code: &str, pointer: &str) {
        let refusal = self.plan.err().unwrap_or_else(|| panic!("not refused"));
        assert_eq!(refusal.code.name, code, "{}", refusal.detail.en);
        assert!(refusal.faults.iter().any(|fault| fault.pointer == pointer), "{:?}", refusal.faults);
    }
}
