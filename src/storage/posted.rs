//! All postings read once, in the order of the log: held against their sums, and reduced to fingerprints that a replay can be held against
//! without looking anything up.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::mpsc::Sender;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::figures::{SPAN_BITS, ordinals};
use super::schema::{postings, tallies};
use super::{AnyConnection, Database, ReadError, head_position};
use crate::ledger::Posting;

/// Positions that share a fingerprint, and are read together; a part of a span.
const STRETCH_BITS: i64 = 12;

/// A posting as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Queryable, Selectable)]
#[diesel(table_name = postings)]
pub(super) struct Posted {
    pub position: i64,
    ordinal: i64,
    measure: String,
    month: String,
    region: String,
    organisation: String,
    value: String,
    count: i64,
    sen: i64,
}

impl Posted {
    /// What postings are as rows.
    pub fn all_of(made: &[(i64, Posting)]) -> impl Iterator<Item = Self> + '_ {
        made.iter().zip(ordinals(made)).map(|((position, posting), ordinal)| Self {
            position: *position,
            ordinal,
            measure: posting.cell.measure.to_owned(),
            month: posting.cell.month.to_string(),
            region: posting.cell.region.code().to_owned(),
            organisation: posting.cell.organisation.to_string(),
            value: posting.cell.value.clone(),
            count: posting.count,
            sen: posting.sen,
        })
    }
}

/// What the postings of each stretch of the log amount to: the sum of hashes under a key of the moment, in which order does not matter.
/// Different postings agree by chance only, and nobody who could write them knows the key.
#[derive(Clone, Default)]
pub(super) struct Fingerprints {
    key: RandomState,
    stretches: Vec<u64>,
}

impl Fingerprints {
    pub fn add(&mut self, posted: &Posted) {
        let number = usize::try_from(posted.position >> STRETCH_BITS).unwrap_or_default();
        if self.stretches.len() <= number {
            self.stretches.resize(number + 1, 0);
        }
        let sum = &mut self.stretches[number];
        *sum = sum.wrapping_add(self.key.hash_one(posted));
    }

    /// The stretches, as positions from and up to, where it is not as here.
    pub fn differences(&self, other: &Self) -> Vec<(i64, i64)> {
        let of = |some: &Self, number: usize| some.stretches.get(number).copied().unwrap_or(0);
        let differs = |number: &usize| of(self, *number) != of(other, *number);
        let bounds = |number: usize| {
            let first = i64::try_from(number).unwrap_or(i64::MAX) << STRETCH_BITS;
            (first, first + (1 << STRETCH_BITS) - 1)
        };
        (0..self.stretches.len().max(other.stretches.len())).filter(differs).map(bounds).collect()
    }
}

/// The rows of postings between two positions, the ends included.
pub(super) fn posted_between(
    connection: &mut AnyConnection,
    (first, last): (i64, i64),
) -> Result<Vec<Posted>, ReadError> {
    let rows = postings::table.filter(postings::position.ge(first)).filter(postings::position.le(last));
    Ok(rows.order((postings::position, postings::ordinal)).select(Posted::as_select()).load(connection)?)
}

/// What reading all postings came to.
pub(super) struct Reading {
    /// Of the postings up to the position that was asked for.
    pub fingerprints: Fingerprints,
    /// What is wrong with the figures by themselves: a posting without an event, or a sum that is not what the postings add up to.
    pub fault: Option<String>,
}

/// Reads all postings as of one moment, which is not before `position`. Ends early, with nothing, when `listener` hears no more.
pub(super) fn read_postings(
    database: &Database,
    position: i64,
    mut fingerprints: Fingerprints,
    listener: &Sender<()>,
) -> Result<Option<Reading>, ReadError> {
    let mut connection = database.open_for_maintenance()?;
    connection.batch_execute("BEGIN")?;
    let head = head_position(&mut connection)?;
    let mut fault = stray(&mut connection, head)?;
    for span in 0..=head >> SPAN_BITS {
        let mut sums = Sums::new();
        let stretches = 1 << (SPAN_BITS - STRETCH_BITS);
        for stretch in (span * stretches)..((span + 1) * stretches) {
            if listener.send(()).is_err() {
                return Ok(None);
            }
            let first = stretch << STRETCH_BITS;
            for posted in posted_between(&mut connection, (first, first + (1 << STRETCH_BITS) - 1))? {
                if posted.position <= position {
                    fingerprints.add(&posted);
                }
                sum_up(&mut sums, posted);
            }
        }
        fault = fault.or(wrong_sum(&mut connection, span, sums)?);
    }
    Ok(Some(Reading { fingerprints, fault }))
}

/// Postings and sums where there is no event.
fn stray(connection: &mut AnyConnection, head: i64) -> Result<Option<String>, ReadError> {
    let outside = postings::position.lt(1).or(postings::position.gt(head));
    let posting = postings::table.filter(outside).select(postings::position).first::<i64>(connection).optional()?;
    let outside = tallies::span.lt(0).or(tallies::span.gt(head >> SPAN_BITS));
    let sum = tallies::table.filter(outside).select(tallies::measure).first::<String>(connection).optional()?;
    let posting = posting.map(|position| format!("a posting at position {position}, where no event is"));
    Ok(posting.or_else(|| sum.map(|measure| format!("a sum of `{measure}` of positions where no event is"))))
}

/// Count and sen, by measure, month, region, organisation and value.
type Sums = HashMap<(String, String, String, String, String), (i64, i64)>;

fn sum_up(sums: &mut Sums, posted: Posted) {
    let cell = (posted.measure, posted.month, posted.region, posted.organisation, posted.value);
    let (count, sen) = sums.entry(cell).or_default();
    // What somebody meddled with may exceed all bounds; then it differs from the sum all the same.
    (*count, *sen) = (count.wrapping_add(posted.count), sen.wrapping_add(posted.sen));
}

/// Holds the sums of a span against what its postings add up to.
fn wrong_sum(connection: &mut AnyConnection, span: i64, mut sums: Sums) -> Result<Option<String>, ReadError> {
    let cell = (tallies::measure, tallies::month, tallies::region, tallies::organisation, tallies::value);
    let rows = tallies::table.filter(tallies::span.eq(span)).select((cell, (tallies::count, tallies::sen)));
    let wrong = |(measure, month, region, organisation, value): (String, String, String, String, String)| {
        format!(
            "the sum of `{measure} {span} {month} {region} {organisation} {value}` is not what its postings add up to"
        )
    };
    for (cell, sum) in rows.load::<((String, String, String, String, String), (i64, i64))>(connection)? {
        if sums.remove(&cell) != Some(sum) {
            return Ok(Some(wrong(cell)));
        }
    }
    Ok(sums.into_keys().next().map(wrong))
}
