//! Makes the projections anew.

use super::progress::Progress;
use crate::app::{Place, kinds};
use crate::storage::{Compared, Divergence, OpenError, ReadError, Staging, compare, head_position, renew_nodes};

/// Folds the whole log anew into fresh rows beside the live ones, while the service runs; what differs takes the place of the live rows in
/// one transaction. Ending it early leaves nothing behind. Tells what was done.
///
/// # Errors
/// When the database cannot be used, or holds an event that does not fit; then nothing has changed.
pub fn rebuild(place: &Place) -> Result<String, OpenError> {
    let failed = |why: ReadError| OpenError(format!("not rebuilt: {why}"));
    let kinds = kinds();
    let head = head_position(&mut place.database.open_for_maintenance()?).map_err(failed)?;
    let staging = Staging::open(&place.database, &kinds).map_err(failed)?;
    let mut listener =
        Renewal { staging, progress: Progress::new("rebuilding", head), resources: 0, summed_anew: false };
    let compared = compare(&place.database, &kinds, &mut listener).map_err(failed)?;
    let Renewal { staging, progress, resources, summed_anew } = listener;
    staging.swap(&compared).map_err(failed)?;
    let (events, rate) = progress.finish();
    let nodes = match renew_nodes(&place.database).map_err(failed)? {
        0 => String::new(),
        number => format!("; hashes of the log's tree that were replaced: {number}"),
    };
    let figures = if summed_anew { "; the figures were summed anew" } else { "" };
    Ok(format!(
        "rebuilt from {events} events at {rate} events/s; resources whose rows were replaced: {resources}{figures}{nodes}"
    ))
}

struct Renewal {
    staging: Staging,
    progress: Progress,
    resources: u64,
    summed_anew: bool,
}

impl Compared for Renewal {
    fn folded(&mut self, events: u64) {
        self.progress.advance(events);
    }

    fn diverges(&mut self, divergence: Divergence) -> Result<(), ReadError> {
        self.resources += 1;
        log::debug!("rows are replaced kind={} id={} why={}", divergence.kind.name, divergence.id, divergence.why);
        self.staging.stage(divergence)
    }

    fn wrong_figures(&mut self, why: String) -> Result<(), ReadError> {
        log::debug!("the figures are summed anew why={why}");
        self.summed_anew = true;
        self.staging.sum_anew();
        Ok(())
    }
}
