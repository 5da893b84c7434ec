//! Adding up, and the events behind a sum.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::area::StatisticsArea;
use super::wanted::{StatisticsParams, Wanted};
use crate::kernel::{Date, MeasureDefinition, Money, Month, OneOf, Scope, Timestamp};
use crate::storage::{AnyConnection, Apart, FigureRow, Figures, PostingRow, ReadError, figures, postings_of};
use crate::web::ReportPoint;

/// Figures of an area.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Statistics)]
pub struct StatisticsAnswer {
    /// The area.
    pub area: StatisticsArea,
    /// First month; null when there is no bound.
    pub from: Option<Month>,
    /// Last month, likewise.
    pub to: Option<Month>,
    /// What the figures are told apart by: as asked, and by `month` where a measure has a figure of its own for every month.
    pub by: Vec<String>,
    /// The log position the figures are as of.
    pub as_of_position: i64,
    /// The day the figures stand on in the world, when one was asked for.
    pub per_tanggal: Option<Date>,
    /// One row for each measure and each combination that occurs.
    pub figures: Vec<Figure>,
}

/// A figure.
#[derive(Debug, Serialize, ToSchema)]
pub struct Figure {
    /// What is counted; `GET /v1/metrics` defines it.
    pub measure: &'static str,
    /// Version of its definition.
    pub version: u32,
    /// How many.
    pub count: i64,
    /// How much, where the measure has an amount.
    pub amount: Option<Money>,
    /// Where the events behind it are listed.
    pub evidence: String,
    /// What it is told apart by, each under its own name; null where the measure has no such part, or was not asked by month.
    #[serde(flatten)]
    #[schema(additional_properties, value_type = Object)]
    pub apart: Map<String, Value>,
}

/// One event behind a figure.
#[derive(Debug, Serialize, ToSchema)]
pub struct FigureEvidence {
    /// What is counted.
    pub measure: String,
    /// The month it counts for.
    pub month: String,
    /// Where.
    pub region: String,
    /// Whose.
    pub organisation: String,
    /// How many more, or less.
    pub count: i64,
    /// How much more, or less, where the measure has an amount.
    pub amount: Option<Money>,
    /// The event.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// Its position.
    pub position: i64,
    /// The resource it is of.
    pub resource: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The parts of the value.
    #[serde(flatten)]
    #[schema(additional_properties, value_type = Object)]
    pub parts: Map<String, Value>,
}

fn rupiah(sen: i128) -> Money {
    Money::idr(Decimal::from_i128_with_scale(sen, 2))
}

fn names(measures: &[&'static MeasureDefinition]) -> Vec<&'static str> {
    measures.iter().map(|definition| definition.measure).collect()
}

fn asked<'a>(params: &StatisticsParams, measures: &'a [&'static str]) -> Figures<'a> {
    Figures {
        measures,
        from: params.from,
        to: params.last_month(),
        region: params.region,
        organisation: params.organisation.map(|id| id.0),
    }
}

/// Place of the measure among those asked for, and a value for each thing figures are told apart by.
type Combination = (usize, Vec<Option<String>>);

/// The figures that are asked for, as of a position.
///
/// # Errors
/// When the database cannot be read.
pub(super) fn statistics(
    connection: &mut AnyConnection,
    area: StatisticsArea,
    params: &StatisticsParams,
    wanted: &Wanted,
    point: ReportPoint,
) -> Result<StatisticsAnswer, ReadError> {
    let told_by = wanted.told_by();
    let rows = rows(connection, params, wanted, point.position)?;
    let mut sums: BTreeMap<Combination, (i64, i128)> = BTreeMap::new();
    for row in &rows {
        let place = wanted.measures.iter().position(|definition| definition.measure == row.measure);
        let Some((place, parts)) = place.and_then(|it| Some((it, wanted.parts_of(wanted.measures[it], &row.value)?)))
        else {
            continue;
        };
        let key = told_by.iter().map(|name| match name.as_str() {
            "month" => Some(row.month.clone()).filter(|month| !month.is_empty()),
            "region" => Some(row.region.clone()),
            "organisation" => Some(row.organisation.clone()),
            part => parts.get(part).map(|value| (*value).to_owned()),
        });
        let (count, sen) = sums.entry((place, key.collect())).or_default();
        *count += row.count;
        *sen += row.sen();
    }
    let figure = |((place, key), (count, sen)): (Combination, (i64, i128))| {
        let definition = wanted.measures[place];
        Figure {
            measure: definition.measure,
            version: definition.version,
            count,
            amount: definition.has_amount.then(|| rupiah(sen)),
            evidence: evidence_address(area, definition.measure, params, wanted, &key, point.position),
            apart: told_by.iter().cloned().zip(key.into_iter().map(Value::from)).collect(),
        }
    };
    let figures = sums.into_iter().filter(|(_, sum)| *sum != (0, 0)).map(figure).collect();
    Ok(StatisticsAnswer {
        area,
        from: params.from,
        to: params.last_month(),
        by: told_by.clone(),
        as_of_position: point.position,
        per_tanggal: point.per_tanggal,
        figures,
    })
}

/// The sums that are asked for; by month those that months must not be added up in.
fn rows(
    connection: &mut AnyConnection,
    params: &StatisticsParams,
    wanted: &Wanted,
    position: i64,
) -> Result<Vec<FigureRow>, ReadError> {
    let by = |name: &str| wanted.by.iter().any(|asked| asked == name);
    let (monthly, added): (Vec<_>, Vec<_>) = wanted.measures.iter().partition(|definition| definition.monthly);
    let mut rows = Vec::new();
    for (measures, month) in [(added, by("month")), (monthly, true)] {
        if measures.is_empty() {
            continue;
        }
        let apart = Apart { month, region: by("region"), organisation: by("organisation") };
        rows.extend(figures(connection, &asked(params, &names(&measures)), apart, position)?);
    }
    Ok(rows)
}

/// Every figure of a measure of an area as of a point, told apart by everything figures of the area can be told apart by; those of financing by
/// lender only where `lenders` says so.
///
/// # Errors
/// When the database cannot be read.
pub fn all_figures(
    connection: &mut AnyConnection,
    area: StatisticsArea,
    measure: &'static MeasureDefinition,
    point: ReportPoint,
    lenders: bool,
) -> Result<Vec<Figure>, ReadError> {
    let organisations = (lenders || area != StatisticsArea::Financing).then_some("organisation");
    let parts: BTreeSet<&str> = area.measures().iter().flat_map(|definition| definition.parts).copied().collect();
    let by = ["month", "region"].into_iter().chain(organisations).chain(parts).map(str::to_owned).collect();
    let wanted = Wanted { measures: vec![measure], by, parts: BTreeMap::new() };
    let params = StatisticsParams { per_tanggal: point.per_tanggal, ..StatisticsParams::default() };
    Ok(statistics(connection, area, &params, &wanted, point)?.figures)
}

fn evidence_address(
    area: StatisticsArea,
    measure: &str,
    params: &StatisticsParams,
    wanted: &Wanted,
    key: &[Option<String>],
    position: i64,
) -> String {
    let mut query: BTreeMap<&str, String> = wanted.parts.iter().map(|(name, value)| (*name, value.clone())).collect();
    let month = |month: Option<Month>| month.map(|month| month.to_string());
    let bounds = [("from", month(params.from)), ("to", month(params.last_month()))];
    let own = [
        ("region", params.region.map(|it| it.code().to_owned())),
        ("organisation", params.organisation.map(|it| it.0.to_string())),
    ];
    query.extend(bounds.into_iter().chain(own).filter_map(|(name, value)| Some((name, value?))));
    let told_by = wanted.told_by();
    for (name, value) in told_by.iter().zip(key) {
        match (name.as_str(), value) {
            ("month", Some(month)) => query.extend([("from", month.clone()), ("to", month.clone())]),
            (name, Some(value)) => query.extend([(name, value.clone())]),
            (_, None) => {}
        }
    }
    let mut address = format!("/v1/statistics/{}/evidence?measure={measure}&as_of={position}", area.word());
    // Months, codes, ids and words need no escaping.
    address.extend(query.into_iter().map(|(name, value)| format!("&{name}={value}")));
    address
}

/// The postings behind the figures that are asked for, within a scope; the first `limit` after a place in the log.
///
/// # Errors
/// When the database cannot be read.
pub(super) fn evidence(
    connection: &mut AnyConnection,
    params: &StatisticsParams,
    wanted: &Wanted,
    scope: Scope,
    (after, up_to, limit): ((i64, i64), i64, usize),
) -> Result<Vec<PostingRow>, ReadError> {
    let measures = names(&wanted.measures);
    let mut figures_asked = asked(params, &measures);
    let within = match scope {
        Scope::All => true,
        Scope::Nothing => false,
        Scope::Region(own) => {
            let asked = figures_asked.region.replace(own);
            asked.is_none_or(|asked| asked == own || asked.covers(own))
        }
        Scope::Organisation(own) => figures_asked.organisation.replace(own).is_none_or(|asked| asked == own),
    };
    if measures.is_empty() || !within {
        return Ok(Vec::new());
    }
    let mut values = None;
    if !wanted.parts.is_empty() {
        let rows = figures(connection, &figures_asked, Apart::default(), up_to)?;
        let fits = |row: &FigureRow| {
            let definition = wanted.measures.iter().find(|definition| definition.measure == row.measure);
            definition.is_some_and(|definition| wanted.parts_of(definition, &row.value).is_some())
        };
        values = Some(rows.into_iter().filter(fits).map(|row| row.value).collect::<Vec<_>>());
    }
    postings_of(connection, &figures_asked, values.as_deref(), (after, up_to), limit)
}

/// A posting as it is shown.
pub(super) fn shown(row: PostingRow, wanted: &Wanted) -> FigureEvidence {
    let definition = wanted.measures.iter().find(|definition| definition.measure == row.measure);
    let parts = definition.map_or(&[][..], |definition| definition.parts);
    FigureEvidence {
        parts: parts.iter().map(|part| (*part).to_owned()).zip(row.value.split('|').map(|it| json!(it))).collect(),
        amount: definition.filter(|it| it.has_amount).map(|_| rupiah(i128::from(row.sen))),
        measure: row.measure,
        month: row.month,
        region: row.region,
        organisation: row.organisation,
        count: row.count,
        event_id: row.event_id,
        event_type: row.event_type,
        position: row.position,
        resource: row.resource,
        occurred_at: Timestamp::from_micros(row.occurred_at),
        recorded_at: Timestamp::from_micros(row.recorded_at),
    }
}
