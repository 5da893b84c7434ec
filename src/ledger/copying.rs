//! Events that another log recorded, taken over as they are: placed where they stood, folded by the same code that folds our own.

use uuid::Uuid;

use super::batch::Work;
use super::event::{Draft, Event};
use super::resource::Kind;
use super::store::{Head, Store, StoreError};
use super::world::{LoadError, Wants, World};

/// Appends events that follow the log, in one transaction, and folds them into states, claims, facts and figures; tells the head after
/// them. The events must have been verified: what they say is not judged here.
///
/// # Errors
/// When the database cannot be used, or the events do not follow what it holds; then nothing has changed.
pub fn take_over(store: &mut dyn Store, kinds: &[Kind], events: Vec<Event>) -> Result<Head, StoreError> {
    let head = store.begin()?;
    let taken = fold(store, kinds, events, head).and_then(|work| {
        let (batch, _) = work.into_batch()?;
        store.commit(&batch)?;
        store.tidy()?;
        Ok(batch.head)
    });
    if taken.is_err() {
        store.rollback();
    }
    taken
}

fn fold(store: &mut dyn Store, kinds: &[Kind], events: Vec<Event>, head: Head) -> Result<Work, StoreError> {
    let (mut wants, mut drafts, mut due) = (Wants::default(), Vec::with_capacity(events.len()), head.position);
    for event in events {
        due += 1;
        let unfit = |why: &str| StoreError::new(format!("event at position {}: {why}", event.envelope.position));
        if event.envelope.position != due {
            return Err(unfit(&format!("the next one is {due}; somebody else writes this database")));
        }
        let kind = kinds.iter().find(|kind| kind.name == event.envelope.stream_kind).copied().ok_or_else(|| {
            unfit(&format!("this program does not know the kind `{}`; take a newer one", event.envelope.stream_kind))
        })?;
        let decoded = (kind.recorded)(&event).map_err(StoreError::new)?;
        let id: Uuid = event.envelope.stream_id;
        wants.state_of(kind, id);
        if (kind.undoes)(&*decoded) {
            wants.past_of(kind, id);
        }
        let Event { envelope, data, .. } = event;
        let draft = Draft {
            kind,
            stream_id: id,
            event_type: envelope.event_type.clone(),
            schema_version: envelope.schema_version,
            data,
            event: decoded,
        };
        drafts.push((draft, envelope));
    }
    let mut world = World::default();
    world.load(wants, &[], store).map_err(|why| match why {
        LoadError::Store(error) => error,
        LoadError::Corrupt(why) => StoreError::new(why),
    })?;
    let mut work = Work::of_recorded(head, world);
    for (draft, envelope) in drafts {
        work.take_over(draft, envelope, store)?;
    }
    Ok(work)
}
