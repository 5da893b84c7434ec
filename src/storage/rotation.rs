//! Another master key: every key it wraps is wrapped anew, in one transaction that holds the head as a batch does.
//!
//! Events do not change, nor does the key of the look-up hashes: nothing is sealed anew but keys. Whoever writes at the same time wraps the
//! key of a new person by the old master, which the store refuses; a running service then reads the new key from its file.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Binary, Text};

use super::master::{KeySource, MasterKey};
use super::schema::{head, secrets, subject_keys};
use super::vault::Vault;
use super::{AnyConnection, Database, OpenError, VaultError};
use crate::ledger::SubjectKey;

/// Keys wrapped anew at a time.
const SPAN_KEYS: i64 = 1000;

/// Wraps everything by the key that `wait` lets wait, and returns how many persons' keys there were. `wait` is called once nobody else writes.
///
/// # Errors
/// When the database cannot be used, or the present key was rotated meanwhile; then nothing has changed.
pub fn rewrap(
    database: &Database,
    vault: &Vault,
    new: &MasterKey,
    wait: impl FnOnce() -> Result<(), OpenError>,
) -> Result<usize, OpenError> {
    let mut connection = database.open_writer()?;
    let wrapped = match &mut connection {
        AnyConnection::Sqlite(sqlite) => sqlite.batch_execute("BEGIN IMMEDIATE"),
        AnyConnection::Postgres(postgres) => postgres
            .batch_execute("BEGIN")
            .and_then(|()| head::table.find(1).select(head::id).for_update().first::<i64>(postgres).map(|_| ())),
    };
    wrapped.map_err(OpenError::of)?;
    let count = rewrap_all(&mut connection, vault, new, wait)?;
    connection.batch_execute("COMMIT").map_err(OpenError::of)?;
    if let AnyConnection::Sqlite(sqlite) = &mut connection {
        // What the old key wrapped shall not live on in old frames; readers may hold this up, the next checkpoint does it then.
        sqlite.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").map_err(OpenError::of)?;
    }
    Ok(count)
}

fn rewrap_all(
    connection: &mut AnyConnection,
    vault: &Vault,
    new: &MasterKey,
    wait: impl FnOnce() -> Result<(), OpenError>,
) -> Result<usize, OpenError> {
    let sealing = |why: VaultError| OpenError(format!("the keys cannot be wrapped anew: {why}"));
    if !vault.is_current(connection).map_err(OpenError::of)? {
        return Err(OpenError(
            "the master key was rotated a moment ago by somebody else; nothing was changed".to_owned(),
        ));
    }
    wait()?;
    let (mut count, mut after) = (0, String::new());
    loop {
        let span: Vec<(String, Vec<u8>)> = subject_keys::table
            .filter(subject_keys::subject.gt(&after))
            .order(subject_keys::subject)
            .limit(SPAN_KEYS)
            .select((subject_keys::subject, subject_keys::wrapped))
            .load(connection)
            .map_err(OpenError::of)?;
        let Some((last, _)) = span.last() else { break };
        after.clone_from(last);
        count += span.len();
        let anew: Result<Vec<_>, _> = span
            .into_iter()
            .map(|(subject, wrapped)| Ok((vault.wrap_anew(&subject, &wrapped, new)?, subject)))
            .collect();
        write(connection, anew.map_err(sealing)?).map_err(OpenError::of)?;
    }
    let kept = secrets::table.filter(secrets::name.ne("lookup")).select((secrets::name, secrets::wrapped));
    for (name, wrapped) in kept.load::<(String, Vec<u8>)>(connection).map_err(OpenError::of)? {
        let anew = vault.wrap_kept(&name, &wrapped, new).map_err(sealing)?;
        let row = diesel::update(secrets::table.find(&name));
        row.set(secrets::wrapped.eq(anew)).execute(connection).map_err(OpenError::of)?;
    }
    let lookup = vault.wrap_lookup(new).map_err(sealing)?;
    diesel::update(secrets::table.find("lookup"))
        .set(secrets::wrapped.eq(lookup))
        .execute(connection)
        .map_err(OpenError::of)?;
    Ok(count)
}

fn write(connection: &mut AnyConnection, keys: Vec<(Vec<u8>, String)>) -> QueryResult<()> {
    match connection {
        AnyConnection::Sqlite(sqlite) => keys.into_iter().try_for_each(|(wrapped, subject)| {
            let key = diesel::update(subject_keys::table.find(subject));
            key.set(subject_keys::wrapped.eq(wrapped)).execute(sqlite).map(|_| ())
        }),
        AnyConnection::Postgres(postgres) => {
            let (wrapped, subjects): (Vec<Vec<u8>>, Vec<String>) = keys.into_iter().unzip();
            let update = "UPDATE subject_keys SET wrapped = anew.wrapped FROM unnest($1, $2) AS anew (subject, wrapped) \
                WHERE subject_keys.subject = anew.subject";
            let update = diesel::sql_query(update).bind::<Array<Text>, _>(subjects).bind::<Array<Binary>, _>(wrapped);
            update.execute(postgres).map(|_| ())
        }
    }
}

/// Refuses new keys that were wrapped by a master key which is not the present one any more.
pub(super) fn check_master<'a>(
    keys: impl Iterator<Item = &'a SubjectKey>,
    mark: impl FnOnce() -> QueryResult<Option<Vec<u8>>>,
) -> QueryResult<()> {
    let mut new = keys.filter(|key| key.is_new).peekable();
    if new.peek().is_none() {
        return Ok(());
    }
    match mark()? {
        Some(mark) if new.any(|key| key.wrapped_by != mark) => {
            Err(diesel::result::Error::QueryBuilderError("the master key was rotated meanwhile".into()))
        }
        _ => Ok(()),
    }
}

/// What a rotation came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Rotated {
    /// An earlier one had been interrupted after its last step in the database; the new key is in its place now.
    Finished,
    /// It is done, for so many persons' keys; the old key is kept in this file, if it came from one.
    Done(usize, Option<std::path::PathBuf>),
}

/// Rotates the master key to `new`, or to one made for the purpose.
///
/// # Errors
/// A sentence for the operator; the database then opens with the key in its place, or by running this again.
pub fn rotate_master(database: &Database, source: &KeySource, new: Option<MasterKey>) -> Result<Rotated, OpenError> {
    let mut connection = database.open_writer()?;
    if !Vault::is_set_up(&mut connection).map_err(OpenError::of)? {
        return Err(OpenError(
            "nothing has been sealed in this database yet; there is no master key to rotate".to_owned(),
        ));
    }
    let (vault, finished) = Vault::open_from(&mut connection, source, false)?;
    drop(connection);
    if finished {
        return Ok(Rotated::Finished);
    }
    let new = match (new, &source.given) {
        (Some(new), _) => new,
        (None, None) => MasterKey::new()?,
        (None, Some(_)) => {
            return Err(OpenError(
                "the master key comes from the environment, so the new one must be named with --new-master-key-file"
                    .to_owned(),
            ));
        }
    };
    if vault.opens_with(&new) {
        return Err(OpenError("the new master key is the present one; nothing was changed".to_owned()));
    }
    let filed = source.given.is_none();
    let wait = || if filed { source.set_pending(&new) } else { Ok(()) };
    let count = rewrap(database, &vault, &new, wait)?;
    if !filed {
        return Ok(Rotated::Done(count, None));
    }
    match source.adopt_pending() {
        Ok(kept) => Ok(Rotated::Done(count, Some(kept))),
        // A service that started meanwhile did it.
        Err(_) if source.read(false).is_ok_and(|key| key == new) => Ok(Rotated::Done(count, None)),
        Err(why) => Err(why),
    }
}
