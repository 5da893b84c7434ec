//! What the public is told of figures about other people's business.
//!
//! Figures of financing are made of what each bank reports. Whoever may not read the financings themselves is told them with three reservations:
//! as of ends of days, so that two answers do not enclose a single report; not by lender; and a cell stands only when enough lenders stand
//! behind it (primary suppression). A withheld cell must not be told from a sum and the other cells of its line either, so as many of those are
//! withheld as it takes (complementary suppression). Withheld are amounts, and counts too unless they are told apart by region and month alone.
//! All of it is decided on the whole table before anything is filtered: otherwise a filter would show what the table withholds.

use std::collections::{BTreeMap, BTreeSet};

use super::area::StatisticsArea;
use super::figures::{Combination, Sum};
use super::wanted::{StatisticsParams, Wanted};
use crate::kernel::problem_codes::{FORBIDDEN, INVALID_PARAMETER, UNAUTHENTICATED};
use crate::kernel::{Actor, Fault, Faults, Refusal, Region, Scope, Text, Timestamp, may_read};
use crate::storage::{AnyConnection, AsOf};
use crate::web::{Problem, point_in_time};

/// Lenders that stand behind a cell at least: of two, each could tell the other's part.
const LENDERS_MIN: usize = 3;

/// How much a caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Every figure: the caller may read what is behind it, or nothing behind it is anybody's own business.
    Whole,
    /// What is public.
    Public,
}

impl Sight {
    /// What this caller is told of what is asked.
    ///
    /// # Errors
    /// `unauthenticated` or `forbidden` when single organisations are asked for and the caller may not know of them.
    pub(super) fn of(
        actor: Option<&Actor>,
        area: StatisticsArea,
        params: &StatisticsParams,
        wanted: &Wanted,
    ) -> Result<Self, Refusal> {
        let asked = (params.region, params.organisation.map(|id| id.0));
        let whole = match actor.map_or(Scope::Nothing, |actor| may_read(actor, area.rights())) {
            Scope::All => true,
            Scope::Region(own) => asked.0.is_some_and(|region| own.covers(region)),
            Scope::Organisation(own) => asked.1 == Some(own),
            Scope::Nothing => false,
        };
        if whole || !area.is_business_of_others() {
            return Ok(Self::Whole);
        }
        if asked.1.is_none() && !wanted.by.iter().any(|name| name == "organisation") {
            return Ok(Self::Public);
        }
        let code = if actor.is_some() { &FORBIDDEN } else { &UNAUTHENTICATED };
        let why = Text::fixed(
            "Angka per pemberi pembiayaan hanya untuk yang berhak membaca pembiayaan itu; sebuah bank untuk miliknya sendiri (`organisation`).",
            "Figures by lender are for those who may read the financings behind them; a bank for its own (`organisation`).",
        );
        Err(Refusal::new(code, why))
    }
}

/// The position that the public is told figures as of: what was recorded before the last midnight in East Kalimantan by `as_of`, or by now.
///
/// # Errors
/// `invalid_parameter` for a position of the log, or a point that has not come.
pub(super) fn end_of_day(connection: &mut AnyConnection, as_of: Option<AsOf>, now: Timestamp) -> Result<i64, Problem> {
    let instant = match as_of {
        None => now,
        Some(AsOf::Instant(instant)) => instant,
        Some(AsOf::Position(_)) => {
            let why = Text::fixed(
                "Tanpa hak membaca pembiayaan, angka tersedia per akhir hari: kirim waktu RFC 3339, bukan posisi log.",
                "Without the right to read financings, figures are to be had as of ends of days: send an RFC 3339 instant, not a position of the log.",
            );
            return Err(Refusal::faults(
                &INVALID_PARAMETER,
                Faults(vec![Fault::new("?as_of", "ends_of_days_only", why)]),
            )
            .into());
        }
    };
    // A point to come is refused, though the midnight before it has passed.
    point_in_time(connection, AsOf::Instant(instant), now)?;
    // What was recorded at midnight belongs to the day that begins.
    let end = Timestamp::from_micros(instant.day().start().micros() - 1);
    Ok(point_in_time(connection, AsOf::Instant(end), now)?.0)
}

/// The whole table in which what is asked lies: told apart also by whatever is filtered by, and not filtered.
pub(super) fn whole_table(params: &StatisticsParams, wanted: &Wanted) -> Wanted {
    let bounded = params.from.is_some() || params.to.is_some();
    let filtered = [("month", bounded), ("region", region_asked(params).is_some())];
    let filtered = filtered.into_iter().filter_map(|(name, is)| is.then_some(name)).chain(wanted.parts.keys().copied());
    let mut by = wanted.by.clone();
    for name in filtered {
        if !by.iter().any(|known| known == name) {
            by.push(name.to_owned());
        }
    }
    Wanted { measures: wanted.measures.clone(), by, parts: BTreeMap::new() }
}

fn region_asked(params: &StatisticsParams) -> Option<Region> {
    params.region.filter(|region| !region.is_province())
}

/// Whether counts stand where amounts are withheld: by region and period the contract makes them public, and programmes tell as much.
pub(super) fn counts_stand(params: &StatisticsParams, wanted: &Wanted) -> bool {
    whole_table(params, wanted).by.iter().all(|name| ["month", "region"].contains(&name.as_str()))
}

/// Marks the cells that are withheld.
pub(super) fn withhold(table: &mut BTreeMap<Combination, Sum>) {
    for sum in table.values_mut() {
        sum.withheld = sum.organisations.len() < LENDERS_MIN;
    }
    loop {
        let more = complements(table);
        if more.is_empty() {
            return;
        }
        for combination in more {
            table.entry(combination).and_modify(|sum| sum.withheld = true);
        }
    }
}

/// What the cells of a line have in common: the measure, and everything they are told apart by but one thing.
type Others<'a> = (usize, Vec<&'a Option<String>>);

/// For each line of the table in which too few lenders stand behind all that is withheld together: its smallest cell that still stands.
fn complements(table: &BTreeMap<Combination, Sum>) -> BTreeSet<Combination> {
    let dimensions = table.keys().next().map_or(0, |(_, key)| key.len());
    let mut more = BTreeSet::new();
    for dimension in 0..dimensions {
        let mut lines: BTreeMap<Others<'_>, Vec<(&Combination, &Sum)>> = BTreeMap::new();
        for (combination, sum) in table {
            let others = combination.1.iter().enumerate().filter(|(at, _)| *at != dimension).map(|(_, value)| value);
            lines.entry((combination.0, others.collect())).or_default().push((combination, sum));
        }
        for line in lines.into_values() {
            let hidden = || line.iter().filter(|(_, sum)| sum.withheld);
            let behind: BTreeSet<&String> = hidden().flat_map(|(_, sum)| &sum.organisations).collect();
            if hidden().next().is_none() || behind.len() >= LENDERS_MIN {
                continue;
            }
            let standing = line.iter().filter(|(_, sum)| !sum.withheld);
            more.extend(
                standing.min_by_key(|(_, sum)| (sum.sen, sum.count)).map(|(combination, _)| (*combination).clone()),
            );
        }
    }
    more
}

/// What is asked, out of the whole table: a sum with a withheld cell in it is withheld.
pub(super) fn narrow(
    table: BTreeMap<Combination, Sum>,
    whole: &Wanted,
    params: &StatisticsParams,
    wanted: &Wanted,
) -> BTreeMap<Combination, Sum> {
    let mut sums: BTreeMap<Combination, Sum> = BTreeMap::new();
    for ((place, key), sum) in table {
        let told: BTreeMap<&str, &Option<String>> = whole.by.iter().map(String::as_str).zip(&key).collect();
        let value = |name: &str| told.get(name).and_then(|value| value.as_deref());
        // A month as text sorts as it passes.
        let month = value("month").unwrap_or_default();
        let fits = wanted.parts.iter().all(|(name, asked)| value(name) == Some(asked.as_str()))
            && region_asked(params).is_none_or(|region| value("region") == Some(region.code()))
            && params.from.is_none_or(|from| from.to_string().as_str() <= month)
            && params.to.is_none_or(|to| month <= to.to_string().as_str());
        if fits {
            let key = wanted.by.iter().map(|name| value(name).map(str::to_owned)).collect();
            sums.entry((place, key)).or_default().add(sum);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cell(region: &str, scheme: &str, sen: i128, lenders: &[&str]) -> (Combination, Sum) {
        let key = vec![Some(region.to_owned()), Some(scheme.to_owned())];
        let organisations = lenders.iter().map(|lender| (*lender).to_owned()).collect();
        ((0, key), Sum { count: 1, sen, organisations, withheld: false })
    }

    fn withheld(mut table: BTreeMap<Combination, Sum>) -> Vec<String> {
        withhold(&mut table);
        let withheld = table.into_iter().filter(|(_, sum)| sum.withheld);
        withheld.map(|((_, key), _)| key.into_iter().flatten().collect::<Vec<_>>().join("/")).collect()
    }

    #[test]
    fn a_cell_of_few_lenders_is_withheld_with_what_would_tell_it() {
        let all = ["a", "b", "c"];
        let table = [
            cell("64.71", "kur", 5, &["a"]),
            cell("64.72", "kur", 9, &all),
            cell("64.74", "kur", 7, &all),
            cell("64.71", "lpdb", 8, &all),
            cell("64.72", "lpdb", 3, &all),
            cell("64.74", "lpdb", 2, &all),
        ];
        // Beside it the smallest of its row and of its column, and what would tell those: nothing, three lenders stand behind each.
        assert_eq!(withheld(table.into()), ["64.71/kur", "64.71/lpdb", "64.74/kur"]);
        let clear = [cell("64.71", "kur", 5, &all), cell("64.72", "kur", 5, &all)];
        assert!(withheld(clear.into()).is_empty());
        assert_eq!(withheld([cell("64.71", "kur", 5, &["a", "b"])].into()), ["64.71/kur"]);
    }

    proptest! {
        /// Whatever the table, no line leaves the withheld part of fewer lenders than the minimum to be told by subtraction, unless all of the line
        /// is withheld.
        #[test]
        fn no_line_tells_what_it_withholds(cells in proptest::collection::btree_map((0u8..4, 0u8..4), (0i128..50, proptest::collection::btree_set("[a-e]", 1..5)), 1..16)) {
            let mut table: BTreeMap<Combination, Sum> = cells.iter().map(|((row, column), (sen, lenders))| {
                let lenders: Vec<&str> = lenders.iter().map(String::as_str).collect();
                cell(&row.to_string(), &column.to_string(), *sen, &lenders)
            }).collect();
            withhold(&mut table);
            prop_assert!(table.values().all(|sum| sum.withheld || sum.organisations.len() >= LENDERS_MIN));
            for dimension in 0..2 {
                for value in 0u8..4 {
                    let value = Some(value.to_string());
                    let line: Vec<&Sum> = table.iter().filter(|((_, key), _)| key[dimension] == value).map(|(_, sum)| sum).collect();
                    let behind: BTreeSet<&String> = line.iter().filter(|sum| sum.withheld).flat_map(|sum| &sum.organisations).collect();
                    prop_assert!(behind.is_empty() || behind.len() >= LENDERS_MIN || line.iter().all(|sum| sum.withheld));
                }
            }
        }
    }
}
