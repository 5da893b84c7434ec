//! A stretch of the log summed up, to be held against what a reader has of it.

use std::collections::BTreeMap;

use data_encoding::{BASE64, HEXLOWER};
use deserr::Deserr;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::schemas;
use crate::kernel::{Actor, Faults, Refusal, Text};
use crate::ledger::Frontier;
use crate::storage::{AsOf, Sieve, head_position, leaves, position_at};
use crate::web::{Point, Problem, Service, read_point};

/// Positions summed up at most in one answer.
const POSITIONS_MAX: i64 = 1_000_000;
/// Positions read at a time.
const SPAN_POSITIONS: i64 = 10_000;

/// Which stretch.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SummaryParams {
    /// The first position, or an RFC 3339 instant: the first recorded after it. The beginning when nothing is said.
    #[deserr(default)]
    #[param(value_type = Option<Point>, inline, example = "1")]
    from: Option<String>,
    /// The last position, or an RFC 3339 instant: the last recorded by then. The head when nothing is said.
    #[deserr(default)]
    #[param(value_type = Option<Point>, inline, example = "2014-04-30T16:00:00Z")]
    to: Option<String>,
}

/// A stretch of the log summed up.
#[derive(Debug, Serialize, ToSchema)]
pub struct Summary {
    /// The first position.
    pub from: i64,
    /// The last position; less than `from` when the stretch is empty.
    pub to: i64,
    /// How many events of the stretch the caller may see.
    pub events: i64,
    /// How many of each type.
    pub counts: BTreeMap<String, i64>,
    /// SHA-256, hexadecimal, of one line for each of these events in the order of the log: its position without leading zeros, a space, its
    /// `leafhash`, a line feed.
    pub digest: String,
    /// Root, in base64, of the RFC 6962 tree whose leaves are the `leafhash` of every position of the stretch; from position 1 it is the root of
    /// the log itself at size `to`. Null for a caller from whom events are hidden.
    pub root: Option<String>,
    /// The last position there was.
    pub as_of_position: i64,
}

/// Sums up what the caller may see of a stretch.
///
/// # Errors
/// `invalid_parameter` for a stretch that has not come yet, or is too long for one answer.
pub async fn sum_up(service: &Service, actor: &Actor, params: &SummaryParams) -> Result<Summary, Problem> {
    let from = read_point(service, ("?from", "invalid_value"), params.from.as_deref()).await?;
    let to = read_point(service, ("?to", "invalid_value"), params.to.as_deref()).await?;
    let now = service.clock.now();
    let future = |point: Option<AsOf>| matches!(point, Some(AsOf::Instant(instant)) if instant > now);
    if let Some(name) =
        [("?from", from), ("?to", to)].into_iter().find_map(|(name, point)| future(point).then_some(name))
    {
        let why = Text::fixed("Waktu ini belum tiba.", "This instant has not come yet.");
        return Err(Refusal::parameter(name, "not_yet", why).into());
    }
    let bounds = service.read(move |connection| {
        let head = head_position(connection)?;
        let first = match from {
            None => 1,
            // The beginning is before the first position.
            Some(AsOf::Position(position)) => position.max(1),
            Some(AsOf::Instant(instant)) => position_at(connection, instant)? + 1,
        };
        let last = match to {
            None => head,
            Some(AsOf::Position(position)) => position,
            Some(AsOf::Instant(instant)) => position_at(connection, instant)?,
        };
        Ok((first, last, head))
    });
    let (first, last, head) = bounds.await?;
    if last > head || first > head + 1 {
        let why = text!("Posisi terakhir log sekarang {head}.", "The last position of the log is {head} now.");
        return Err(Refusal::parameter(if last > head { "?to" } else { "?from" }, "not_yet", why).into());
    }
    if last - first >= POSITIONS_MAX {
        let why = text!(
            "Paling banyak {POSITIONS_MAX} posisi sekali tanya; bagi rentangnya.",
            "At most {POSITIONS_MAX} positions at a time; ask for parts of the stretch."
        );
        return Err(Refusal::parameter("?from", "too_long", why).into());
    }
    let sieve = Sieve::of(actor, &schemas::kinds());
    let (mut events, mut counts, mut digest) = (0, BTreeMap::new(), Sha256::new());
    let mut tree = sieve.sees_all().then(Frontier::default);
    let mut after = first - 1;
    while after < last {
        let span = (after, last.min(after + SPAN_POSITIONS));
        let sifting = sieve.clone();
        for (position, event_type, leaf) in
            service.read(move |connection| Ok(leaves(connection, &sifting, span)?)).await?
        {
            events += 1;
            *counts.entry(event_type).or_insert(0) += 1;
            digest.update(format!("{position} {}\n", HEXLOWER.encode(&leaf)));
            if let (Some(tree), Ok(leaf)) = (&mut tree, leaf.try_into()) {
                tree.push(leaf);
            }
        }
        after = span.1;
    }
    let root = tree.map(|tree| BASE64.encode(&tree.root()));
    let digest = HEXLOWER.encode(&digest.finalize());
    Ok(Summary { from: first, to: last, events, counts, digest, root, as_of_position: head })
}
