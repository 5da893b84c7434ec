//! Commands: what is asked, what is known when it is decided, and what comes of it.

use tokio::sync::oneshot;
use uuid::Uuid;

use super::event::Draft;
use super::merkle::Hash;
use super::replay::{Step, steps};
use super::resource::Resource;
use super::store::SubjectKey;
use super::world::{Wants, World};
use crate::kernel::problem_codes::{INTERNAL, PRECONDITION_FAILED};
use crate::kernel::{Actor, Area, Refusal, Timestamp};

/// A command of one resource kind. Deciding is pure: no clock, randomness, database or network.
pub trait Decide: Send + 'static {
    /// The kind of resource it is about.
    type Resource: Resource;

    /// The area in which it writes.
    const AREA: Area = <Self::Resource as Resource>::AREA;

    /// Whether it creates its resource: answered 201, and refused when the id is taken.
    const CREATES: bool = false;

    /// Refuses a credential that is not to write there, before anything is decided or an earlier answer is repeated.
    ///
    /// # Errors
    /// `insufficient_scope`.
    fn require_scope(&self, actor: &Actor) -> Result<(), Refusal> {
        actor.require_scope(Self::AREA)
    }

    /// Names what else must be read. Called again after each reading, until it wants nothing new.
    fn reads(&self, _own: Option<&Self::Resource>, _world: &World, _wants: &mut Wants) {}

    /// The decision.
    ///
    /// # Errors
    /// The reason the command is not carried out.
    fn decide(&self, scene: &Scene<'_, Self::Resource>) -> Result<Decision<Self::Resource>, Refusal>;
}

/// What a decision sees.
pub struct Scene<'a, R> {
    /// The resource's id.
    pub id: Uuid,
    /// Its state, if it exists.
    pub state: Option<&'a R>,
    /// The other states that were read.
    pub world: &'a World,
    /// Who asks.
    pub actor: &'a Actor,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it is recorded.
    pub now: Timestamp,
}

impl<'a, R: Resource> Scene<'a, R> {
    /// The resource, when it exists and the actor may both see and write it.
    ///
    /// # Errors
    /// `not_found` when the actor cannot see it, `forbidden` when it may not write it.
    pub fn own(&self) -> Result<&'a R, Refusal> {
        self.own_in(R::AREA)
    }

    /// As [`Scene::own`], but writing needs the right of another area: determining needs more than submitting.
    ///
    /// # Errors
    /// As [`Scene::own`].
    pub fn own_in(&self, area: Area) -> Result<&'a R, Refusal> {
        let state = self.visible()?;
        let (region, owner) = state.home();
        self.actor.require_write(area, region, owner)?;
        Ok(state)
    }

    /// The resource, when it exists and the actor may see it.
    ///
    /// # Errors
    /// `not_found`.
    pub fn visible(&self) -> Result<&'a R, Refusal> {
        self.state
            .filter(|state| {
                let (region, owner) = state.home();
                crate::kernel::may_read(self.actor, R::AREA).admits(region, owner)
            })
            .ok_or_else(|| Refusal::not_found(R::KIND, self.id))
    }

    /// What happened to the resource so far, where the command wanted its past.
    ///
    /// # Errors
    /// `internal` when an event does not decode.
    pub fn steps(&self) -> Result<Vec<Step<'a, R>>, Refusal> {
        steps::<R>(self.world.past::<R>(self.id)).map_err(|why| {
            log::error!("a past could not be read kind={} id={} error={why}", R::KIND, self.id);
            Refusal::new(&INTERNAL, INTERNAL.advice.clone())
        })
    }

    /// Another resource named by a field.
    ///
    /// # Errors
    /// A rule refusal that points at the field.
    pub fn named<T: Resource>(&self, id: Uuid, pointer: &str) -> Result<&'a T, Refusal> {
        self.world.find::<T>(id).ok_or_else(|| {
            let kind = T::KIND;
            Refusal::rule(
                pointer,
                "unknown_reference",
                text!("Tidak ada `{kind}` dengan id {id}.", "There is no `{kind}` with id {id}."),
            )
        })
    }
}

/// What a decision wants written.
pub struct Decision<R: Resource> {
    /// Events of the resource itself.
    pub events: Vec<R::Event>,
    /// Events of other resources that the first event causes.
    pub caused: Vec<Draft>,
    /// Keys of persons whose data the events carry sealed.
    pub subject_keys: Vec<SubjectKey>,
    /// Persons whose keys are to be destroyed.
    pub destroyed: Vec<Uuid>,
}

impl<R: Resource> Decision<R> {
    /// One event.
    pub fn one(event: R::Event) -> Self {
        Self { events: vec![event], caused: Vec::new(), subject_keys: Vec::new(), destroyed: Vec::new() }
    }

    /// Nothing changes: the command asks for what already is.
    pub fn nothing() -> Self {
        Self { events: Vec::new(), caused: Vec::new(), subject_keys: Vec::new(), destroyed: Vec::new() }
    }

    /// Adds an event of another resource.
    ///
    /// # Errors
    /// When the event does not serialise.
    pub fn causing<T: Resource>(mut self, id: Uuid, event: T::Event) -> Result<Self, Refusal> {
        self.caused.push(draft::<T>(id, event)?);
        Ok(self)
    }

    /// Adds a person's key.
    #[must_use]
    pub fn with_key(mut self, key: Option<SubjectKey>) -> Self {
        self.subject_keys.extend(key);
        self
    }
}

pub(super) fn draft<R: Resource>(id: Uuid, event: R::Event) -> Result<Draft, Refusal> {
    Draft::of::<R>(id, event).map_err(|why| {
        log::error!("an event could not be encoded kind={} id={id} error={why}", R::KIND);
        Refusal::new(&INTERNAL, INTERNAL.advice.clone())
    })
}

/// What `If-Match` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// Any existing version (`*`).
    Any,
    /// One of these versions.
    Versions(Vec<i64>),
}

/// What comes with a command: inputs that a decision must not fetch itself.
#[derive(Clone, Debug)]
pub struct Context {
    /// Who asks.
    pub actor: Actor,
    /// When it happened, if the sender says.
    pub occurred_at: Option<Timestamp>,
    /// The request or trace.
    pub correlation_id: String,
    /// Idempotency-Key and fingerprint of the content.
    pub idempotency: Option<(String, Hash)>,
    /// The versions the sender has in mind.
    pub if_match: Option<IfMatch>,
    /// Whether the resource's id was made for this command, so that nobody can have used it and nothing needs to be looked up by it.
    pub id_is_new: bool,
    /// Whether the answer is to hold the resource's document.
    pub wants_document: bool,
}

impl Context {
    /// A context of the service's own doing.
    pub fn internal(actor: Actor, correlation_id: &str) -> Self {
        Self {
            actor,
            occurred_at: None,
            correlation_id: correlation_id.to_owned(),
            idempotency: None,
            if_match: None,
            id_is_new: false,
            wants_document: false,
        }
    }
}

/// The answer to a command, after it is on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Whether it is the stored first answer to a repeated key.
    pub replayed: bool,
    /// What came of it.
    pub result: Result<Done, Refusal>,
}

/// A command carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Whether the resource was created.
    pub created: bool,
    /// Whether it was so already, and no event was recorded.
    pub unchanged: bool,
    /// The resource.
    pub id: Uuid,
    /// Its version after the command.
    pub version: i64,
    /// Position of its last event.
    pub position: i64,
    /// Its document, if it was wanted; never on a replay, where it is folded anew as of `version`.
    pub doc: Option<String>,
}

/// A command on its way through the queue.
pub struct Submission {
    pub(super) command: Box<dyn AnyCommand>,
    pub(super) context: Context,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// A command of some kind, as the executor handles it.
pub(super) trait AnyCommand: Send {
    fn id(&self) -> Uuid;
    fn reads(&self, world: &World, wants: &mut Wants);
    fn decide(&self, world: &World, context: &Context, now: Timestamp) -> Result<Plan, Refusal>;
    fn kind(&self) -> &'static str;
    fn creates(&self) -> bool;
    fn require_scope(&self, actor: &Actor) -> Result<(), Refusal>;
}

/// A decision without its type parameter.
pub(super) struct Plan {
    pub drafts: Vec<Draft>,
    pub subject_keys: Vec<SubjectKey>,
    pub destroyed: Vec<Uuid>,
    pub destroyed_holders: Vec<Uuid>,
}

/// A command aimed at a resource.
pub struct Request<C> {
    /// The resource.
    pub id: Uuid,
    /// What is asked.
    pub command: C,
}

impl<C: Decide> AnyCommand for Request<C> {
    fn id(&self) -> Uuid {
        self.id
    }

    fn kind(&self) -> &'static str {
        C::Resource::KIND
    }

    fn creates(&self) -> bool {
        C::CREATES
    }

    fn require_scope(&self, actor: &Actor) -> Result<(), Refusal> {
        self.command.require_scope(actor)
    }

    fn reads(&self, world: &World, wants: &mut Wants) {
        wants.state::<C::Resource>(self.id);
        self.command.reads(world.find(self.id), world, wants);
    }

    fn decide(&self, world: &World, context: &Context, now: Timestamp) -> Result<Plan, Refusal> {
        let state = world.find::<C::Resource>(self.id);
        let occurred_at = context.occurred_at.unwrap_or(now);
        occurred_at.require_past(now, "/occurred_at")?;
        let scene = Scene { id: self.id, state, world, actor: &context.actor, occurred_at, now };
        let decided = self.command.decide(&scene);
        // Versions and taken ids are told only to who may see and write the resource.
        let hidden = |refusal: &Refusal| matches!(refusal.code.status, 403 | 404);
        let decision = match decided {
            Err(refusal) if hidden(&refusal) => return Err(refusal),
            decided => {
                check_version(state, context.if_match.as_ref())?;
                if C::CREATES && state.is_some() {
                    return Err(Refusal::duplicate("/id", "id", self.id));
                }
                decided?
            }
        };
        let mut drafts = Vec::with_capacity(decision.events.len() + decision.caused.len());
        for event in decision.events {
            drafts.push(draft::<C::Resource>(self.id, event)?);
        }
        drafts.extend(decision.caused);
        let destroyed_holders = if decision.destroyed.is_empty() { Vec::new() } else { vec![self.id] };
        Ok(Plan { drafts, subject_keys: decision.subject_keys, destroyed: decision.destroyed, destroyed_holders })
    }
}

fn check_version<R: Resource>(state: Option<&R>, wanted: Option<&IfMatch>) -> Result<(), Refusal> {
    let now = state.map(|state| state.stamp().version);
    match (wanted, now) {
        (None, _) | (Some(IfMatch::Any), Some(_)) => Ok(()),
        (Some(IfMatch::Versions(versions)), Some(version)) if versions.contains(&version) => Ok(()),
        _ => {
            let current = now.map_or_else(|| "-".to_owned(), |version| format!("\"{version}\""));
            Err(Refusal::new(
                &PRECONDITION_FAILED,
                text!(
                    "Versinya sekarang {current}, bukan yang disebut `If-Match`; baca lagi sebelum mengubah.",
                    "Its version is {current} now, not the one in `If-Match`; read it again before changing it."
                ),
            )
            .with("current", current))
        }
    }
}
