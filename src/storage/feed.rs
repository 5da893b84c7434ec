//! The log read in the order of its positions, sifted: by what a reader may see, and by what was asked for.

use diesel::dsl::{count_star, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use super::reader::head_position;
use super::schema::events;
use super::{AnyConnection, ReadError};
use crate::kernel::{Actor, Area, Region, Scope, may_follow, may_read};

/// An event as it is stored, with all that a reader of the log is told.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = events)]
pub struct FeedRow {
    /// Place in the log.
    pub position: i64,
    /// The event's id.
    pub event_id: String,
    /// Kind of its resource.
    pub stream_kind: String,
    /// Its resource.
    pub stream_id: String,
    /// Place in its resource's stream.
    pub version: i64,
    /// `area.verb_past`.
    pub event_type: String,
    /// Version of the data's form.
    pub schema_version: i64,
    /// Canonical JSON.
    pub data: String,
    /// The organisation that acted.
    pub organisation: String,
    /// When it happened, in microseconds since 1970 UTC.
    pub occurred_at: i64,
    /// When it was recorded, likewise.
    pub recorded_at: i64,
    /// The request or trace.
    pub correlation_id: String,
    /// The event that caused it.
    pub causation_id: Option<String>,
    /// Leaf of the Merkle tree.
    pub leaf_hash: Vec<u8>,
    /// Where its resource is.
    pub region: Option<String>,
    /// Whose its resource is.
    pub owner: Option<String>,
}

/// What rights let through of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sight {
    organisation: String,
    /// Kinds of resources of which everything is seen …
    whole: Vec<&'static str>,
    /// … of which one region is seen …
    regional: Vec<(&'static str, Region)>,
    /// … of which the organisation's own are seen …
    owned: Vec<&'static str>,
    /// … and of which it sees at least what it recorded.
    recorded: Vec<&'static str>,
}

/// Which events a reader is given: those it may see, and among them those it asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sieve {
    /// Nothing when everything is seen.
    sight: Option<Sight>,
    /// These types; empty for all.
    pub types: Vec<String>,
    /// Of this kind of resource.
    pub kind: Option<String>,
    /// Of this resource of the kind.
    pub resource: Option<Uuid>,
    /// Of this region; the province is every region.
    pub region: Option<Region>,
    /// Recorded by this organisation.
    pub organisation: Option<Uuid>,
}

impl Sieve {
    /// Lets through what an organisation may see; `kinds` are all kinds of resources there are.
    pub fn of(actor: &Actor, kinds: &[(&'static str, Area)]) -> Self {
        let mut sight = Sight {
            organisation: actor.organisation.to_string(),
            whole: Vec::new(),
            regional: Vec::new(),
            owned: Vec::new(),
            recorded: Vec::new(),
        };
        for (kind, area) in kinds.iter().copied() {
            // What the organisation recorded is hidden from a key of its own that may not read there.
            if may_read(actor, area) != Scope::Nothing {
                sight.recorded.push(kind);
            }
            match may_follow(actor, area) {
                Scope::Nothing => {}
                Scope::Region(region) => sight.regional.push((kind, region)),
                Scope::Organisation(_) => sight.owned.push(kind),
                Scope::All => sight.whole.push(kind),
            }
        }
        let sight = (sight.whole.len() < kinds.len()).then_some(sight);
        Self { sight, ..Self::default() }
    }

    /// Whether the reader may see every event there is.
    pub const fn sees_all(&self) -> bool {
        self.sight.is_none()
    }

    /// Whether every event is let through.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an event is let through.
    pub fn admits(&self, row: &FeedRow) -> bool {
        let region = self.region.filter(|region| !region.is_province());
        self.sight.as_ref().is_none_or(|sight| sight.reaches(row))
            && (self.types.is_empty() || self.types.contains(&row.event_type))
            && self.kind.as_ref().is_none_or(|kind| *kind == row.stream_kind)
            && self.resource.is_none_or(|id| row.stream_id == id.to_string())
            && region.is_none_or(|region| row.region.as_deref() == Some(region.code()))
            && self.organisation.is_none_or(|id| row.organisation == id.to_string())
    }
}

impl Sight {
    /// Whoever recorded an event sees it, where it may read at all.
    fn reaches(&self, row: &FeedRow) -> bool {
        let kind = row.stream_kind.as_str();
        let here = |(regional, region): &(&str, Region)| {
            *regional == kind && (region.is_province() || row.region.as_deref() == Some(region.code()))
        };
        (self.recorded.contains(&kind) && row.organisation == self.organisation)
            || self.whole.contains(&kind)
            || self.regional.iter().any(here)
            || (self.owned.contains(&kind) && row.owner.as_ref() == Some(&self.organisation))
    }

    /// The same as a condition: words of ours, codes of regions and an id, none of which needs quoting.
    fn condition(&self) -> String {
        let mut parts = Vec::new();
        for (own, kinds) in [("organisation", &self.recorded), ("owner", &self.owned)] {
            if !kinds.is_empty() {
                parts.push(format!("({own} = '{}' AND stream_kind IN ('{}'))", self.organisation, kinds.join("', '")));
            }
        }
        if !self.whole.is_empty() {
            parts.push(format!("stream_kind IN ('{}')", self.whole.join("', '")));
        }
        for (kind, region) in &self.regional {
            let there = if region.is_province() { String::new() } else { format!(" AND region = '{region}'") };
            parts.push(format!("(stream_kind = '{kind}'{there})"));
        }
        if parts.is_empty() { "1 = 0".to_owned() } else { format!("({})", parts.join(" OR ")) }
    }
}

/// The events after a position, up to another, that the sieve lets through. Written once, put together for each database by itself: on the
/// enumeration of both, every value of every row would take a detour.
macro_rules! sifted {
    ($backend:ty, $sieve:expr, $span:expr) => {{
        let sieve: &Sieve = $sieve;
        let mut query = events::table
            .filter(events::position.gt($span.0))
            .filter(events::position.le($span.1))
            .into_boxed::<$backend>();
        if let Some(sight) = &sieve.sight {
            query = query.filter(sql::<Bool>(&sight.condition()));
        }
        if !sieve.types.is_empty() {
            query = query.filter(events::event_type.eq_any(&sieve.types));
        }
        if let Some(kind) = &sieve.kind {
            query = query.filter(events::stream_kind.eq(kind));
        }
        if let Some(id) = sieve.resource {
            query = query.filter(events::stream_id.eq(id.to_string()));
        }
        if let Some(region) = sieve.region.filter(|region| !region.is_province()) {
            query = query.filter(events::region.eq(region.code()));
        }
        if let Some(id) = sieve.organisation {
            query = query.filter(events::organisation.eq(id.to_string()));
        }
        query
    }};
}

/// Runs a query on whichever database it is.
macro_rules! on_either {
    ($connection:expr, $sieve:expr, $span:expr, |$query:ident| $made:expr) => {
        match $connection {
            AnyConnection::Sqlite(sqlite) => {
                let $query = sifted!(Sqlite, $sieve, $span);
                $made.load(sqlite)
            }
            AnyConnection::Postgres(postgres) => {
                let $query = sifted!(Pg, $sieve, $span);
                $made.load(postgres)
            }
        }
    };
}

/// A stretch of the log: every position after where it began, up to `through`, was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// What the sieve let through, in the order of the log.
    pub rows: Vec<FeedRow>,
    /// The last position that was looked at.
    pub through: i64,
    /// The last position there was.
    pub head: i64,
}

/// Reads on after a position: at most `limit` events, looking at no more than `positions_max` positions unless one resource is asked for, whose
/// own index leads there at once.
///
/// # Errors
/// When the database cannot be read.
pub fn read_stretch(
    connection: &mut AnyConnection,
    sieve: &Sieve,
    after: i64,
    limit: i64,
    positions_max: i64,
) -> Result<Stretch, ReadError> {
    // The head first: what is committed afterwards is beyond it, and is not looked at.
    let head = head_position(connection)?;
    let one_stream = sieve.resource.is_some() && sieve.kind.is_some();
    let up_to = if one_stream { head } else { head.min(after.saturating_add(positions_max)) };
    if up_to <= after {
        return Ok(Stretch { rows: Vec::new(), through: after, head });
    }
    let span = (after, up_to);
    // Within one stream versions stand in the order of positions, and its index is in their order.
    let rows: Vec<FeedRow> = if one_stream {
        on_either!(connection, sieve, span, |query| query
            .order(events::version)
            .limit(limit)
            .select(FeedRow::as_select()))?
    } else {
        on_either!(connection, sieve, span, |query| query
            .order(events::position)
            .limit(limit)
            .select(FeedRow::as_select()))?
    };
    let full = i64::try_from(rows.len()).is_ok_and(|count| count >= limit);
    let through = rows.last().filter(|_| full).map_or(up_to, |row| row.position);
    Ok(Stretch { rows, through, head })
}

/// An event by its id, if the sieve lets it through.
///
/// # Errors
/// When the database cannot be read.
pub fn feed_event(connection: &mut AnyConnection, sieve: &Sieve, id: Uuid) -> Result<Option<FeedRow>, ReadError> {
    let found: Vec<FeedRow> = on_either!(connection, sieve, (0_i64, i64::MAX), |query| query
        .filter(events::event_id.eq(id.to_string()))
        .select(FeedRow::as_select()))?;
    Ok(found.into_iter().next())
}

/// Position, type and leaf hash of the events after a position, up to another.
///
/// # Errors
/// When the database cannot be read.
pub fn leaves(
    connection: &mut AnyConnection,
    sieve: &Sieve,
    span: (i64, i64),
) -> Result<Vec<(i64, String, Vec<u8>)>, ReadError> {
    Ok(on_either!(connection, sieve, span, |query| query.order(events::position).select((
        events::position,
        events::event_type,
        events::leaf_hash
    )))?)
}

/// What counted events have in common: kind, type, who recorded them, region and owner.
pub type Counted = (String, String, String, Option<String>, Option<String>);

/// How many events there are after a position, up to another.
///
/// # Errors
/// When the database cannot be read.
pub fn count_events(connection: &mut AnyConnection, span: (i64, i64)) -> Result<Vec<(Counted, i64)>, ReadError> {
    let within = events::table.filter(events::position.gt(span.0)).filter(events::position.le(span.1));
    let alike = (events::stream_kind, events::event_type, events::organisation, events::region, events::owner);
    let counts = within.group_by(alike).select((alike, count_star()));
    Ok(match connection {
        AnyConnection::Sqlite(sqlite) => counts.load(sqlite)?,
        AnyConnection::Postgres(postgres) => counts.load(postgres)?,
    })
}

impl Sieve {
    /// Whether events that have this in common are let through.
    pub fn admits_counted(&self, counted: &Counted) -> bool {
        let (kind, event_type, organisation, region, owner) = counted.clone();
        self.admits(&FeedRow {
            position: 0,
            event_id: String::new(),
            stream_kind: kind,
            stream_id: String::new(),
            version: 0,
            event_type,
            schema_version: 0,
            data: String::new(),
            organisation,
            occurred_at: 0,
            recorded_at: 0,
            correlation_id: String::new(),
            causation_id: None,
            leaf_hash: Vec::new(),
            region,
            owner,
        })
    }
}
