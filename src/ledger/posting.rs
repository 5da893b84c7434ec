//! What events add to the figures. A figure is the sum of its postings, so nothing is ever taken out of it but by a posting of the
//! opposite sign: a figure as of any position is a sum up to there.

use std::any::Any;

use uuid::Uuid;

use super::event::{Envelope, Event};
use super::replay::recorded;
use super::resource::{AnyState, Resource};
use crate::kernel::{Date, Money, Month, Region};

/// What is summed apart from everything else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// What is counted, such as `financings_disbursed`.
    pub measure: &'static str,
    /// The month it happened in.
    pub month: Month,
    /// Where.
    pub region: Region,
    /// Whose: the lender, the certifier, who submitted.
    pub organisation: Uuid,
    /// What more it is told apart by; the measure's definition names the parts, which `|` separates.
    pub value: String,
}

/// So much more, or less, in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Where it is summed.
    pub cell: Cell,
    /// How many.
    pub count: i64,
    /// How much, in sen.
    pub sen: i64,
}

impl Posting {
    /// One more in the month of a day.
    pub fn one(measure: &'static str, day: Date, region: Region, organisation: Uuid, value: &[&str]) -> Self {
        let cell = Cell { measure, month: day.month(), region, organisation, value: value.join("|") };
        Self { cell, count: 1, sen: 0 }
    }

    /// The same, with an amount.
    #[must_use]
    pub fn of(mut self, amount: Money) -> Self {
        self.sen = amount.sen();
        self
    }

    /// So many times over; −1 takes it back.
    #[must_use]
    pub fn times(mut self, sign: i64) -> Self {
        self.count *= sign;
        self.sen *= sign;
        self
    }
}

/// What one event changes in the figures: what it adds by itself (or takes away, when it undoes another), and what the state stands for
/// now instead of what it `stood` for before.
pub(super) fn postings<R: Resource>(
    stood: Vec<Posting>,
    after: &R,
    (event, envelope): (&R::Event, &Envelope),
    past: &[Event],
) -> Vec<Posting> {
    let mut all: Vec<Posting> = match R::undoes(event) {
        None => after.adds(event, envelope),
        Some(undone) => {
            let target = past.iter().find(|event| event.envelope.event_id == undone);
            let added = target.and_then(|target| Some(after.adds(&recorded::<R>(target).ok()?, &target.envelope)));
            added.unwrap_or_default().into_iter().map(|it| it.times(-1)).collect()
        }
    };
    // What it stands for mostly grows at the end: what stays as it was needs no adding up.
    let stands = after.stands_for();
    let same = stood.iter().zip(&stands).take_while(|(before, after)| before == after).count();
    all.extend(stood.into_iter().skip(same).map(|it| it.times(-1)));
    all.extend(stands.into_iter().skip(same));
    let mut sums: Vec<Posting> = Vec::with_capacity(all.len());
    for posting in all {
        match sums.iter_mut().find(|sum| sum.cell == posting.cell) {
            Some(sum) => {
                sum.count += posting.count;
                sum.sen += posting.sen;
            }
            None => sums.push(posting),
        }
    }
    sums.retain(|sum| sum.count != 0 || sum.sen != 0);
    sums
}

/// [`postings`] without its type parameter.
pub(super) type Postings = fn(Option<&dyn AnyState>, &dyn AnyState, (&dyn Any, &Envelope), &[Event]) -> Vec<Posting>;

pub(super) fn of_any<R: Resource>(
    before: Option<&dyn AnyState>,
    after: &dyn AnyState,
    (event, envelope): (&dyn Any, &Envelope),
    past: &[Event],
) -> Vec<Posting> {
    let before = before.and_then(|state| state.as_any().downcast_ref::<R>());
    match (after.as_any().downcast_ref::<R>(), event.downcast_ref::<R::Event>()) {
        (Some(after), Some(event)) => {
            postings(before.map_or_else(Vec::new, Resource::stands_for), after, (event, envelope), past)
        }
        _ => Vec::new(),
    }
}
