//! The figures: postings as the events make them, their sums span by span of the log, and what is asked of both.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use uuid::Uuid;

use super::{AnyConnection, ReadError, head_position};
use crate::kernel::{Month, Region};
use crate::ledger::{Posting, PostingCell};

/// Positions in a span. A figure as of a position is read from the sums of the spans before it and the postings of its own. With amounts of at
/// most 10¹⁴ sen, what one span adds up to in a cell always fits 64 bits.
pub(super) const SPAN_BITS: i64 = 16;
/// Amounts are added in two parts, so that no sum of them overflows.
const PART: i64 = 1_000_000_000;

/// The span a position lies in.
const fn span_of(position: i64) -> i64 {
    position >> SPAN_BITS
}

pub(super) const POSTING_COLUMNS: &str = "position, ordinal, measure, month, region, organisation, value, count, sen";
pub(super) const TALLY_COLUMNS: &str = "measure, span, month, region, organisation, value, count, sen";
/// What becomes of a sum that is there already.
pub(super) const TALLY_MORE: &str = " ON CONFLICT (measure, span, month, region, organisation, value) \
    DO UPDATE SET count = tallies.count + excluded.count, sen = tallies.sen + excluded.sen";

/// Number of each posting among those of its event.
pub(super) fn ordinals(postings: &[(i64, Posting)]) -> impl Iterator<Item = i64> + '_ {
    let mut last = (0, 0);
    postings.iter().map(move |(position, _)| {
        last = if last.0 == *position { (*position, last.1 + 1) } else { (*position, 0) };
        last.1
    })
}

/// What postings add to the sums.
pub(super) fn tallies(postings: &[(i64, Posting)]) -> Vec<(&PostingCell, i64, i64, i64)> {
    let mut sums: BTreeMap<(&PostingCell, i64), (i64, i64)> = BTreeMap::new();
    for (position, posting) in postings {
        let (count, sen) = sums.entry((&posting.cell, span_of(*position))).or_default();
        *count += posting.count;
        *sen += posting.sen;
    }
    sums.into_iter().map(|((cell, span), (count, sen))| (cell, span, count, sen)).collect()
}

/// The sums made anew from all postings.
pub(super) fn make_tallies_anew() -> String {
    format!(
        "DELETE FROM tallies; INSERT INTO tallies ({TALLY_COLUMNS}) \
         SELECT measure, position >> {SPAN_BITS}, month, region, organisation, value, sum(count), sum(sen) FROM postings \
         GROUP BY measure, position >> {SPAN_BITS}, month, region, organisation, value"
    )
}

/// Which figures, and what they are told apart by.
#[derive(Clone, Debug)]
pub struct Figures<'a> {
    /// The measures.
    pub measures: &'a [&'static str],
    /// First month.
    pub from: Option<Month>,
    /// Last month.
    pub to: Option<Month>,
    /// One region; the province stands for all.
    pub region: Option<Region>,
    /// One organisation.
    pub organisation: Option<Uuid>,
}

impl Figures<'_> {
    /// The condition on a table's columns in SQL. Everything in it was read as a word, a month, a code or an id, so it stands there as it is.
    fn condition(&self, table: &str) -> String {
        let mut all = vec![format!("{table}.measure IN ('{}')", self.measures.join("','"))];
        all.extend(self.from.map(|from| format!("{table}.month >= '{from}'")));
        all.extend(self.to.map(|to| format!("{table}.month <= '{to}'")));
        let region = self.region.filter(|region| !region.is_province());
        all.extend(region.map(|region| format!("{table}.region = '{}'", region.code())));
        all.extend(self.organisation.map(|organisation| format!("{table}.organisation = '{organisation}'")));
        all.join(" AND ")
    }
}

/// A sum.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct FigureRow {
    /// What was counted.
    #[diesel(sql_type = Text)]
    pub measure: String,
    /// The month; empty when not asked to be told apart.
    #[diesel(sql_type = Text)]
    pub month: String,
    /// The region, likewise.
    #[diesel(sql_type = Text)]
    pub region: String,
    /// The organisation, likewise.
    #[diesel(sql_type = Text)]
    pub organisation: String,
    /// The value.
    #[diesel(sql_type = Text)]
    pub value: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    #[diesel(sql_type = BigInt)]
    high: i64,
    #[diesel(sql_type = BigInt)]
    low: i64,
}

impl FigureRow {
    /// How much, in sen.
    pub fn sen(&self) -> i128 {
        i128::from(self.high) * i128::from(PART) + i128::from(self.low)
    }
}

/// What figures are told apart by, beside measure and value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Apart {
    /// By month.
    pub month: bool,
    /// By region.
    pub region: bool,
    /// By organisation.
    pub organisation: bool,
}

/// The sums as of a position, told apart by measure, value and whatever is asked.
///
/// # Errors
/// When the database cannot be read.
pub fn figures(
    connection: &mut AnyConnection,
    wanted: &Figures<'_>,
    apart: Apart,
    position: i64,
) -> Result<Vec<FigureRow>, ReadError> {
    let column = |name: &'static str, kept: bool| if kept { name.to_owned() } else { format!("'' AS {name}") };
    let kept =
        [column("month", apart.month), column("region", apart.region), column("organisation", apart.organisation)]
            .join(", ");
    let (summed, posted) = (wanted.condition("tallies"), wanted.condition("postings"));
    // As of now the sums hold everything; as of an earlier position, everything but the span it lies in.
    let now = position >= head_position(connection)?;
    let span = if now { i64::MAX } else { span_of(position + 1) };
    let parts = format!("value, count, sen / {PART} AS high, sen % {PART} AS low");
    let begins = span_of(position + 1) << SPAN_BITS;
    let own_span = format!(
        " UNION ALL SELECT measure, {kept}, {parts} FROM postings WHERE {posted} AND position >= {begins} AND position <= {position}"
    );
    let own_span = if now { "" } else { own_span.as_str() };
    let query = format!(
        "SELECT measure, month, region, organisation, value, CAST(sum(count) AS BIGINT) AS count, \
         CAST(sum(high) AS BIGINT) AS high, CAST(sum(low) AS BIGINT) AS low FROM (\
         SELECT measure, {kept}, {parts} FROM tallies WHERE {summed} AND span < {span}{own_span}\
         ) AS parts GROUP BY measure, month, region, organisation, value"
    );
    let rows = diesel::sql_query(query).load::<FigureRow>(connection)?;
    Ok(rows.into_iter().filter(|row| row.count != 0 || row.sen() != 0).collect())
}

/// One posting with the event that made it.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct PostingRow {
    /// Position of the event.
    #[diesel(sql_type = BigInt)]
    pub position: i64,
    /// Number among the event's postings.
    #[diesel(sql_type = BigInt)]
    pub ordinal: i64,
    /// The measure.
    #[diesel(sql_type = Text)]
    pub measure: String,
    /// The month.
    #[diesel(sql_type = Text)]
    pub month: String,
    /// Where.
    #[diesel(sql_type = Text)]
    pub region: String,
    /// Whose.
    #[diesel(sql_type = Text)]
    pub organisation: String,
    /// What more.
    #[diesel(sql_type = Text)]
    pub value: String,
    /// How many more, or less.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// How much more, or less, in sen.
    #[diesel(sql_type = BigInt)]
    pub sen: i64,
    /// The event.
    #[diesel(sql_type = Text)]
    pub event_id: String,
    /// Its type.
    #[diesel(sql_type = Text)]
    pub event_type: String,
    /// The resource it is of.
    #[diesel(sql_type = Text)]
    pub resource: String,
    /// When it happened, in microseconds since 1970 UTC.
    #[diesel(sql_type = BigInt)]
    pub occurred_at: i64,
    /// When it was recorded, likewise.
    #[diesel(sql_type = BigInt)]
    pub recorded_at: i64,
}

/// The postings behind a figure, in the order of the log, after a position and number.
///
/// # Errors
/// When the database cannot be read.
pub fn postings_of(
    connection: &mut AnyConnection,
    wanted: &Figures<'_>,
    values: Option<&[String]>,
    (after, up_to): ((i64, i64), i64),
    limit: usize,
) -> Result<Vec<PostingRow>, ReadError> {
    if values.is_some_and(<[String]>::is_empty) {
        return Ok(Vec::new());
    }
    let quoted = |value: &String| format!("'{}'", value.replace('\'', "''"));
    let values = values
        .map(|values| format!(" AND postings.value IN ({})", values.iter().map(quoted).collect::<Vec<_>>().join(", ")));
    let query = format!(
        "SELECT postings.position, ordinal, measure, month, postings.region, postings.organisation, value, count, sen, event_id, \
         events.type AS event_type, stream_id AS resource, occurred_at, recorded_at \
         FROM postings JOIN events ON events.position = postings.position \
         WHERE {} AND (postings.position, ordinal) > ({}, {}) AND postings.position <= {up_to}{} \
         ORDER BY postings.position, ordinal LIMIT {limit}",
        wanted.condition("postings"),
        after.0,
        after.1,
        values.unwrap_or_default(),
    );
    Ok(diesel::sql_query(query).load(connection)?)
}
