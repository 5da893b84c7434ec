//! Rows of figures, from the functions that answer for them elsewhere.

use super::super::row::{Row, Value, maybe, number, text};
use crate::kernel::Date;
use crate::programmes::{Programme, Progress};
use crate::statistics::{Figure, StatisticsArea};

/// The targets of a programme: each as a whole, by region, and by day.
///
/// # Errors
/// When a day does not read.
pub(in crate::datasets) fn progress_rows(programme: &Programme, progress: &Progress) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for target in &progress.targets {
        let row = |breakdown: &str, reached: usize, apart: [Value; 5]| {
            let [region, day, wanted, remaining, cumulative] = apart;
            vec![
                ("programme", text(progress.programme)),
                ("programme_name", text(&programme.name)),
                ("starts_on", Value::Date(progress.starts_on)),
                ("ends_on", Value::Date(progress.ends_on)),
                ("measure", text(target.measure)),
                ("measure_version", number(target.version)),
                ("breakdown", text(breakdown)),
                ("region", region),
                ("day", day),
                ("target", wanted),
                ("reached", number(reached)),
                ("remaining", remaining),
                ("cumulative", cumulative),
            ]
        };
        let none = || Value::Nothing;
        let whole = [none(), none(), number(target.target), number(target.remaining), none()];
        rows.push(row("all", target.reached, whole));
        for count in &target.per_regency {
            rows.push(row("region", count.reached, [text(&count.region), none(), none(), none(), none()]));
        }
        for count in &target.per_day {
            let day = Date::parse(&count.day).map_err(|why| why.en)?;
            let apart = [none(), Value::Date(day), none(), none(), number(count.cumulative)];
            rows.push(row("day", count.reached, apart));
        }
    }
    Ok(rows)
}

/// What a figure may be told apart by beside month, region and organisation, in the order of the columns.
const PARTS: [&str; 10] = [
    "scheme",
    "beneficiary_kind",
    "state",
    "collectibility_scheme",
    "class",
    "regulation",
    "category",
    "book_year",
    "result",
    "outcome",
];

/// A figure.
pub(in crate::datasets) fn statistics_row(area: StatisticsArea, figure: &Figure) -> Row {
    let apart = |name: &str| maybe(figure.apart.get(name).and_then(serde_json::Value::as_str), text);
    let first = [
        ("area", text(area)),
        ("measure", text(figure.measure)),
        ("measure_version", number(figure.version)),
        ("month", apart("month")),
        ("region", apart("region")),
        ("organisation", apart("organisation")),
    ];
    let parts = PARTS.map(|part| (part, apart(part)));
    let last = [("count", Value::Integer(figure.count)), ("amount", maybe(figure.amount, Value::Money))];
    first.into_iter().chain(parts).chain(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::ALL_MEASURES;

    #[test]
    fn every_part_of_a_measure_has_a_column() {
        for part in ALL_MEASURES.into_iter().flatten().flat_map(|definition| definition.parts) {
            assert!(PARTS.contains(part), "{part}");
        }
    }
}
