//! Making a file: the log is read block by block, folded, made rows, and written. Memory holds a block, whatever the log holds; of figures those
//! of one measure, whose number goes by months and regions and not by events.

use std::io;
use std::path::Path;
use std::time::Instant;

use super::content::{self, Name, Reach};
use super::format::Format;
use super::points::Points;
use super::registry::registry;
use super::row::{Row, checked, columns_of};
use super::spool::{Spool, Spooled};
use crate::assessments::Assessment;
use crate::certifications::Certification;
use crate::cooperatives::Cooperative;
use crate::enterprises::Enterprise;
use crate::financing::Financing;
use crate::kernel::{Date, OneOf, Timestamp};
use crate::ledger::{Event, Resource, fold_on, fold_stream};
use crate::programmes::{Programme, progress};
use crate::statistics::{StatisticsArea, all_figures};
use crate::storage::{AnyConnection, OpenError, ReadError, Readers, Streams, in_one_state};
use crate::web::ReportPoint;

/// Events read at a time. Those of assessments have some twenty kilobytes each.
const BLOCK_EVENTS: i64 = 1000;

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// Of which dataset.
    pub name: Name,
    /// In which format.
    pub format: Format,
    /// As of when.
    pub points: Points,
    /// For whom.
    pub reach: Reach,
}

/// Why a file could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The database cannot be read at present.
    Database(String),
    /// The file cannot be written, or what is recorded does not make rows.
    Other(String),
}

impl From<ReadError> for Failure {
    fn from(why: ReadError) -> Self {
        match why {
            ReadError::Database(why) => Self::Database(why),
            ReadError::Corrupt(why) => Self::Other(why),
        }
    }
}
impl From<OpenError> for Failure {
    fn from(why: OpenError) -> Self {
        Self::Database(why.0)
    }
}
impl From<io::Error> for Failure {
    fn from(why: io::Error) -> Self {
        Self::Other(why.to_string())
    }
}

type Take<'a> = dyn FnMut(Row) -> Result<(), Failure> + 'a;

/// Makes a file in a folder.
///
/// # Errors
/// When the database cannot be read or the file cannot be written.
pub(super) fn make(order: &Order, readers: &Readers, folder: &Path, bytes_max: u64) -> Result<Spooled, Failure> {
    let started = Instant::now();
    let (registry, name) = (registry(), order.name.word());
    let dataset = registry.dataset(name).ok_or_else(|| Failure::Other(format!("the registry lacks `{name}`")))?;
    let columns = columns_of(registry, dataset);
    let about = [
        ("dataset", name.to_owned()),
        ("as_of_position", order.points.position.to_string()),
        ("schema_version", registry.catalogue.version.to_string()),
    ];
    let day = order.points.per_tanggal.map(|day| ("per_tanggal", day.to_string()));
    let about: Vec<_> = about.into_iter().chain(day).collect();
    let mut rows = 0;
    let mut sheet = order.format.begin(&columns, &about, Spool::new(folder, bytes_max)?)?;
    rows_of(order, readers, &mut |row| {
        rows += 1;
        Ok(sheet.row(checked(row, &columns).map_err(Failure::Other)?)?)
    })?;
    let made = sheet.finish()?.finish(rows)?;
    log::info!(
        "made a dataset's file dataset={name} format={} {} rows={rows} bytes={} duration_ms={}",
        order.format,
        order.points.logged(),
        made.bytes,
        started.elapsed().as_millis()
    );
    Ok(made)
}

/// Hands over every row of a dataset, in an order that depends on nothing but what was recorded.
fn rows_of(order: &Order, readers: &Readers, take: &mut Take<'_>) -> Result<(), Failure> {
    let (reach, Points { position, per_tanggal: day }) = (order.reach, order.points);
    match order.name {
        Name::Cooperatives => {
            folded(order, day, readers, take, |own: &Cooperative, _| Ok(vec![content::cooperative(own)]))
        }
        Name::Assessments => {
            folded(order, day, readers, take, |own: &Assessment, _| Ok(vec![content::assessment(own, reach)]))
        }
        Name::Indicators => {
            folded(order, day, readers, take, |own: &Assessment, _| Ok(content::indicators(own, reach)))
        }
        Name::Certifications => {
            folded(order, day, readers, take, |own: &Certification, _| Ok(vec![content::certification(own)]))
        }
        Name::Enterprises => {
            folded(order, day, readers, take, |own: &Enterprise, _| Ok(vec![content::enterprise(own)]))
        }
        Name::Financings => folded(order, day, readers, take, |own: &Financing, _| Ok(vec![content::financing(own)])),
        // What a report says of the financing never changes: the day only chooses among the reports.
        Name::Collectibility => {
            folded(order, None, readers, take, |own: &Financing, events| content::reports(own, events, day))
        }
        Name::ProgrammeProgress => folded_with_reader(order, readers, take, |own: &Programme, connection| {
            let point = ReportPoint { position, known_on: own.ends_on, per_tanggal: day };
            let reached = progress(connection, own, point)?;
            content::progress_rows(own, &reached).map_err(ReadError::Corrupt)
        }),
        Name::Statistics => statistics_rows(order, readers, take),
    }
}

/// Every figure of every area, measure by measure.
fn statistics_rows(order: &Order, readers: &Readers, take: &mut Take<'_>) -> Result<(), Failure> {
    let Points { position, per_tanggal } = order.points;
    // Sums by month do not depend on the day something was known on.
    let point = ReportPoint { position, known_on: Timestamp::default().day(), per_tanggal };
    for area in [StatisticsArea::Assessments, StatisticsArea::Certifications, StatisticsArea::Financing] {
        for measure in area.measures() {
            let figures = read(readers, |connection| {
                in_one_state(connection, |connection| {
                    all_figures(connection, area, measure, point, order.reach.lenders)
                })
            })?;
            figures.iter().try_for_each(|figure| take(content::statistics_row(area, figure)))?;
        }
    }
    Ok(())
}

/// Reads with a reader that is given back at once, so that making a file keeps nobody waiting for one.
fn read<T>(readers: &Readers, read: impl FnOnce(&mut AnyConnection) -> Result<T, ReadError>) -> Result<T, Failure> {
    let mut reader = readers.get()?;
    let result = read(&mut reader);
    if result.is_err() && !reader.answers() {
        readers.broke();
    }
    Ok(result?)
}

/// The rows of every resource of a kind that is within reach, in the order of their ids: as known, or as it was at the end of a day in the world.
fn folded<R: Resource>(
    order: &Order,
    day: Option<Date>,
    readers: &Readers,
    take: &mut Take<'_>,
    rows: impl Fn(&R, &[Event]) -> Result<Vec<Row>, String>,
) -> Result<(), Failure> {
    let mut streams = Streams::of(R::KIND, order.points.position, BLOCK_EVENTS);
    while !streams.is_done() {
        for events in read(readers, |connection| streams.next(connection))? {
            let state = day.map_or_else(|| fold_stream::<R>(&events), |day| fold_on(&events, day));
            let Some(state) = state.map_err(Failure::Other)? else { continue };
            let (region, owner) = state.home();
            if order.reach.scope.admits(region, owner) {
                rows(&state, &events).map_err(Failure::Other)?.into_iter().try_for_each(&mut *take)?;
            }
        }
    }
    Ok(())
}

/// As [`folded`], for rows that need more than the resource: they are read in one state of the database each.
fn folded_with_reader<R: Resource>(
    order: &Order,
    readers: &Readers,
    take: &mut Take<'_>,
    rows: impl Fn(&R, &mut AnyConnection) -> Result<Vec<Row>, ReadError>,
) -> Result<(), Failure> {
    let mut streams = Streams::of(R::KIND, order.points.position, BLOCK_EVENTS);
    while !streams.is_done() {
        for events in read(readers, |connection| streams.next(connection))? {
            let Some(state) = fold_stream::<R>(&events).map_err(Failure::Other)? else { continue };
            let made = read(readers, |connection| in_one_state(connection, |connection| rows(&state, connection)))?;
            made.into_iter().try_for_each(&mut *take)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_and_the_code_know_the_same_datasets() {
        for dataset in &registry().catalogue.dataset {
            let name: Name = serde_json::from_value(dataset.name.clone().into()).unwrap();
            assert_eq!(name.area().is_none(), dataset.public, "{name}");
        }
        assert_eq!(registry().catalogue.dataset.len(), 9);
    }
}
