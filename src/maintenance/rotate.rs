//! Puts another master key in place.

use std::path::Path;

use crate::app::Place;
use crate::storage::{OpenError, Rotated, pending, read_key, rotate_master};

/// Rotates the master key to the one in `new`, or to one that is made. Tells what was done.
///
/// # Errors
/// A sentence for the operator.
pub fn rotate(place: &Place, new: Option<&Path>) -> Result<String, OpenError> {
    if pending(&mut place.database.open_for_maintenance()?)? > 0 {
        return Err(OpenError("the schema is not up to date; run `lumbung migrate` first".to_owned()));
    }
    let missing = |file: &Path| OpenError(format!("the new master key file {} is missing", file.display()));
    let new = new.map(|file| read_key(file)?.ok_or_else(|| missing(file))).transpose()?;
    Ok(match rotate_master(&place.database, &place.key_source(), new)? {
        Rotated::Finished => "an interrupted rotation was finished: the new master key is in its place".to_owned(),
        Rotated::Done(persons, Some(old)) => format!(
            "rotated: {persons} persons' keys are wrapped by the new master key in {}; the old one is kept in {} for older backups",
            place.master_key_file.display(),
            old.display()
        ),
        Rotated::Done(persons, None) => format!(
            "rotated: {persons} persons' keys are wrapped by the new master key; wherever LUMBUNG_MASTER_KEY holds the old one, set the new one and restart"
        ),
    })
}
