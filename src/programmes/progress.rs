//! Counting: distinct subjects among the facts that hold, in the window and region, as known at a position.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::Target;
use super::measures::Measure;
use super::state::Programme;
use crate::kernel::{Date, REGIONS, Timestamp};
use crate::storage::{AnyConnection, EventBrief, FactRow, ReadError, event_briefs, facts_of};
use crate::web::ReportPoint;

/// How far a programme is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Progress {
    /// The programme.
    pub programme: Uuid,
    /// Its first day.
    pub starts_on: Date,
    /// Its last day.
    pub ends_on: Date,
    /// The log position the figures are as of.
    pub as_of_position: i64,
    /// The day the figures stand on in the world, when one was asked for.
    pub per_tanggal: Option<Date>,
    /// Days left after that day, or the day it was known on; 0 when it is over.
    pub days_left: i32,
    /// Every target.
    pub targets: Vec<TargetProgress>,
}

/// How far a target is.
#[derive(Debug, Serialize, ToSchema)]
pub struct TargetProgress {
    /// What is counted.
    pub measure: Measure,
    /// Version of its definition.
    pub version: u32,
    /// How many are wanted.
    pub target: u32,
    /// How many there are.
    pub reached: usize,
    /// How many are missing; 0 when the target is met.
    pub remaining: usize,
    /// By regency and city, all ten; they add up to `reached`.
    pub per_regency: Vec<RegionCount>,
    /// By day on which something was first reached; `cumulative` ends at `reached`.
    pub per_day: Vec<DayCount>,
}

/// How many in a region.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegionCount {
    /// Dotted Kemendagri code.
    pub region: String,
    /// Its name.
    pub name: &'static str,
    /// How many.
    pub reached: usize,
}

/// How many on a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayCount {
    /// The day.
    pub day: String,
    /// How many were reached on it.
    pub reached: usize,
    /// How many by its end.
    pub cumulative: usize,
}

/// The events behind one number.
#[derive(Debug, Serialize, ToSchema)]
pub struct Evidence {
    /// What is counted.
    pub measure: Measure,
    /// Version of its definition.
    pub version: u32,
    /// How many; equals the distinct subjects in `data`.
    pub reached: usize,
    /// The log position the figures are as of.
    pub as_of_position: i64,
    /// The day the figures stand on in the world, when one was asked for.
    pub per_tanggal: Option<Date>,
    /// The very events that were counted.
    pub data: Vec<EvidenceItem>,
}

/// One counted event.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvidenceItem {
    /// What was counted.
    pub subject: String,
    /// Where.
    pub region: String,
    /// The day it counts for.
    pub occurred_on: String,
    /// The event.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// Its position.
    pub position: i64,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The resource whose event it is.
    pub resource: String,
    /// Whether it is what made the subject count, or a further event of a subject that counts already.
    pub counted: bool,
}

fn standing(
    connection: &mut AnyConnection,
    programme: &Programme,
    measure: Measure,
    point: ReportPoint,
) -> Result<Vec<FactRow>, ReadError> {
    let last = point.per_tanggal.map_or(programme.ends_on, |day| day.min(programme.ends_on));
    facts_of(connection, measure.facts(), programme.region, (programme.starts_on, last), point.position)
}

/// The first fact of each subject: what makes it count.
fn first_of_each(facts: &[FactRow]) -> Vec<&FactRow> {
    let mut seen = BTreeSet::new();
    facts.iter().filter(|fact| seen.insert(fact.subject.as_str())).collect()
}

/// Counts every target.
///
/// # Errors
/// When the database cannot be read.
pub fn progress(
    connection: &mut AnyConnection,
    programme: &Programme,
    point: ReportPoint,
) -> Result<Progress, ReadError> {
    let mut targets = Vec::new();
    for target in &programme.targets {
        let facts = standing(connection, programme, target.measure, point)?;
        targets.push(count(*target, &first_of_each(&facts)));
    }
    Ok(Progress {
        programme: programme.stamp.id,
        starts_on: programme.starts_on,
        ends_on: programme.ends_on,
        as_of_position: point.position,
        per_tanggal: point.per_tanggal,
        days_left: point.day().days_until(programme.ends_on).max(0),
        targets,
    })
}

fn count(target: Target, counted: &[&FactRow]) -> TargetProgress {
    let mut by_region: BTreeMap<&str, usize> = BTreeMap::new();
    let mut by_day: BTreeMap<&str, usize> = BTreeMap::new();
    for fact in counted {
        *by_region.entry(&fact.region).or_default() += 1;
        *by_day.entry(&fact.occurred_on).or_default() += 1;
    }
    let mut cumulative = 0;
    let per_day = by_day.into_iter().map(|(day, reached)| {
        cumulative += reached;
        DayCount { day: day.to_owned(), reached, cumulative }
    });
    // A cooperative of the whole province has the province's own code: shown when there is one.
    let regions = REGIONS.iter().filter(|entry| entry.code != "64" || by_region.contains_key("64"));
    TargetProgress {
        measure: target.measure,
        version: target.measure.definition().version,
        target: target.number,
        reached: counted.len(),
        remaining: usize::try_from(target.number).unwrap_or(usize::MAX).saturating_sub(counted.len()),
        per_regency: regions
            .map(|entry| RegionCount {
                region: entry.code.to_owned(),
                name: entry.name,
                reached: by_region.get(entry.code).copied().unwrap_or_default(),
            })
            .collect(),
        per_day: per_day.collect(),
    }
}

/// The events behind a number.
///
/// # Errors
/// When the database cannot be read.
pub fn evidence(
    connection: &mut AnyConnection,
    programme: &Programme,
    measure: Measure,
    point: ReportPoint,
) -> Result<Evidence, ReadError> {
    let facts = standing(connection, programme, measure, point)?;
    let counted: BTreeSet<&str> = first_of_each(&facts).into_iter().map(|fact| fact.event_id.as_str()).collect();
    let ids: Vec<String> = facts.iter().map(|fact| fact.event_id.clone()).collect();
    let briefs = event_briefs(connection, &ids)?;
    let briefs: BTreeMap<&str, &EventBrief> = briefs.iter().map(|brief| (brief.event_id.as_str(), brief)).collect();
    let item = |fact: &FactRow| {
        let missing = || ReadError::Corrupt(format!("the event {} behind a fact is missing", fact.event_id));
        let brief = briefs.get(fact.event_id.as_str()).ok_or_else(missing)?;
        Ok(EvidenceItem {
            subject: fact.subject.clone(),
            region: fact.region.clone(),
            occurred_on: fact.occurred_on.clone(),
            event_id: fact.event_id.clone(),
            event_type: brief.event_type.clone(),
            position: brief.position,
            occurred_at: Timestamp::from_micros(brief.occurred_at),
            recorded_at: Timestamp::from_micros(brief.recorded_at),
            resource: fact.resource.clone(),
            counted: counted.contains(fact.event_id.as_str()),
        })
    };
    Ok(Evidence {
        measure,
        version: measure.definition().version,
        reached: counted.len(),
        as_of_position: point.position,
        per_tanggal: point.per_tanggal,
        data: facts.iter().map(item).collect::<Result<_, ReadError>>()?,
    })
}
