//! What is in the datasets: for each a pure function from a folded resource, or from figures, to rows.

mod assessments;
mod certifications;
mod cooperatives;
mod enterprises;
mod figures;
mod financings;

pub(super) use assessments::{assessment, indicators};
pub(super) use certifications::certification;
pub(super) use cooperatives::cooperative;
pub(super) use enterprises::enterprise;
pub(super) use figures::{progress_rows, statistics_row};
pub(super) use financings::{financing, reports};

use super::row::{Row, Value, text};
use crate::kernel::{Action, Actor, Area, Scope, reach};
use crate::ledger::Stamp;
use crate::statistics::lenders_told_to;

crate::words! {
    /// The datasets.
    Name {
        /// Cooperatives.
        Cooperatives = "cooperatives",
        /// Health assessments.
        Assessments = "assessments",
        /// Their indicators.
        Indicators = "assessment-indicators",
        /// Certifications.
        Certifications = "certifications",
        /// Enterprises.
        Enterprises = "enterprises",
        /// Financings.
        Financings = "financings",
        /// Every report of collectibility.
        Collectibility = "collectibility",
        /// Targets and what was reached.
        ProgrammeProgress = "programme-progress",
        /// Figures.
        Statistics = "statistics",
    }
}

impl Name {
    /// The dataset of a name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        serde_json::from_value(name.into()).ok()
    }

    /// The area whose readers may have it; nothing when anyone may have it, though not all of it.
    pub(super) const fn area(self) -> Option<Area> {
        match self {
            Self::Cooperatives => Some(Area::Cooperatives),
            Self::Assessments | Self::Indicators => Some(Area::Assessments),
            Self::Certifications => Some(Area::Certificates),
            Self::Enterprises => Some(Area::Enterprises),
            Self::Financings | Self::Collectibility => Some(Area::Financings),
            Self::ProgrammeProgress | Self::Statistics => None,
        }
    }
}

/// Which rows, and what of them, somebody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// The resources.
    pub scope: Scope,
    /// The assessments whose worksheets, and what was computed from them, are shown.
    pub worksheets: Scope,
    /// Whether figures of financing are told by lender.
    pub lenders: bool,
}

impl Reach {
    /// What an actor sees of an area.
    pub(super) fn of(actor: &Actor, area: Area) -> Self {
        Self {
            scope: reach(actor, Action::Read, area),
            worksheets: reach(actor, Action::SeeWorksheet, Area::Assessments),
            lenders: false,
        }
    }

    /// What somebody sees of what anyone may have.
    pub(super) fn of_public(actor: Option<&Actor>) -> Self {
        Self { scope: Scope::All, worksheets: Scope::Nothing, lenders: lenders_told_to(actor) }
    }
}

/// What most datasets end with: by whom and when it was recorded.
fn recorded(stamp: &Stamp) -> [(&'static str, Value); 5] {
    [
        ("recorded_by", text(stamp.recorded_by)),
        ("recorded_at", Value::Instant(stamp.recorded_at)),
        ("updated_at", Value::Instant(stamp.updated_at)),
        ("version", Value::Integer(stamp.version)),
        ("position", Value::Integer(stamp.position)),
    ]
}

/// A row that ends with [`recorded`].
fn row_of<const N: usize>(stamp: &Stamp, own: [(&'static str, Value); N]) -> Row {
    own.into_iter().chain(recorded(stamp)).collect()
}
