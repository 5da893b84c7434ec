//! Proves a database.

use data_encoding::HEXLOWER;

use super::progress::Progress;
use crate::app::{Place, kinds};
use crate::storage::{
    Compared, Divergence, OpenError, ReadError, check_kinds, check_log, compare, head_position, pending,
};

/// Checks positions, versions, leaf hashes, the Merkle frontier, the triggers, and that every projection equals a replay. Tells what was
/// proved, with the root.
///
/// # Errors
/// The first fault.
pub fn verify(place: &Place) -> Result<String, OpenError> {
    let fault = |why: ReadError| OpenError(format!("not verified: {why}"));
    let mut reader = place.database.open_for_maintenance()?;
    if pending(&mut reader)? > 0 {
        return Err(OpenError("the schema is not up to date; run `lumbung migrate` first".to_owned()));
    }
    let kinds = kinds();
    check_kinds(&mut reader, &kinds.map(|kind| kind.name)).map_err(fault)?;
    let head = head_position(&mut reader).map_err(fault)?;
    let mut progress = Progress::new("checking hashes", head);
    let frontier = check_log(&place.database, |events| progress.advance(events)).map_err(fault)?;
    progress.finish();
    let mut listener = FirstFault { progress: Progress::new("replaying", head) };
    compare(&place.database, &kinds, &mut listener).map_err(fault)?;
    let (events, rate) = listener.progress.finish();
    let root = HEXLOWER.encode(&frontier.root());
    Ok(format!("verified: {} events, root {root}; {events} replayed at {rate} events/s", frontier.size()))
}

struct FirstFault {
    progress: Progress,
}

impl Compared for FirstFault {
    fn folded(&mut self, events: u64) {
        self.progress.advance(events);
    }

    fn diverges(&mut self, Divergence { kind, id, why, .. }: Divergence) -> Result<(), ReadError> {
        Err(ReadError::Corrupt(format!("{} {id}: {why}; `lumbung rebuild` makes its rows anew", kind.name)))
    }

    fn wrong_figures(&mut self, why: String) -> Result<(), ReadError> {
        Err(ReadError::Corrupt(format!("figures: {why}; `lumbung rebuild` sums them anew")))
    }
}
