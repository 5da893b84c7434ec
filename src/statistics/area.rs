//! The areas that have statistics, and their measures.

use crate::kernel::{Actor, Area, MeasureDefinition, Scope, may_read};
use crate::{assessments, certifications, financing};

crate::words! {
    /// An area that has statistics.
    StatisticsArea {
        /// Health assessments.
        Assessments = "assessments",
        /// Competence certificates.
        Certifications = "certifications",
        /// Financing.
        Financing = "financing",
    }
}

/// Every measure of the statistics.
pub static ALL_MEASURES: [&[MeasureDefinition]; 3] =
    [assessments::MEASURES, certifications::MEASURES, financing::MEASURES];

impl StatisticsArea {
    /// Its measures.
    pub fn measures(self) -> &'static [MeasureDefinition] {
        match self {
            Self::Assessments => ALL_MEASURES[0],
            Self::Certifications => ALL_MEASURES[1],
            Self::Financing => ALL_MEASURES[2],
        }
    }

    /// The area whose readers may see the events behind its figures.
    pub const fn rights(self) -> Area {
        match self {
            Self::Assessments => Area::Assessments,
            Self::Certifications => Area::Certificates,
            Self::Financing => Area::Financings,
        }
    }
}

/// Whether somebody is told figures of financing by lender, whichever: what each bank lends is its own business.
pub fn lenders_told_to(actor: Option<&Actor>) -> bool {
    actor.is_some_and(|actor| may_read(actor, StatisticsArea::Financing.rights()) == Scope::All)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_measures_have_one_name_and_no_value_has_an_unnamed_part() {
        let all: Vec<_> = ALL_MEASURES.into_iter().flatten().collect();
        let names: BTreeSet<_> = all.iter().map(|definition| definition.measure).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.iter().all(|definition| definition.parts.iter().all(|part| !part.is_empty())));
    }
}
