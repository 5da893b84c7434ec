//! The measures: names, definitions, versions. Every figure names the one it was counted by.

use serde::Serialize;
use utoipa::ToSchema;

use crate::assessments::HEALTHY_KSP;
use crate::certifications::CERTIFIED_MANAGERS;
use crate::financing::{FINANCED_COOPERATIVES, FINANCED_ENTERPRISES};
use crate::kernel::Text;

crate::words! {
    /// What a target counts.
    Measure {
        /// Savings-and-loan cooperatives determined healthy.
        HealthyKsp = "healthy_ksp",
        /// Managers certified.
        CertifiedManagers = "certified_managers",
        /// Cooperatives financed.
        FinancedCooperatives = "financed_cooperatives",
        /// Enterprises financed.
        FinancedEnterprises = "financed_enterprises",
    }
}

/// A measure's definition.
#[derive(Debug, Serialize, ToSchema)]
#[allow(clippy::struct_field_names, reason = "`definition` is the term of Satu Data")]
pub struct Definition {
    /// Its name.
    pub measure: Measure,
    /// Version of the definition; a changed definition is a new version.
    pub version: u32,
    /// What is counted, in both languages.
    #[schema(value_type = Object)]
    pub definition: Text,
    /// How, precisely.
    pub formula: &'static str,
}

/// Every measure.
pub static DEFINITIONS: [Definition; 4] = [
    Definition {
        measure: Measure::HealthyKsp,
        version: 1,
        definition: Text::fixed(
            "Banyaknya koperasi simpan pinjam (KSP) berbeda yang ditetapkan `sehat` dalam masa program.",
            "Distinct savings-and-loan cooperatives (KSP) determined `sehat` within the window.",
        ),
        formula: "count(distinct cooperative) over standing determinations with category = sehat, kind = ksp, determined_on within the window, region within the programme's",
    },
    Definition {
        measure: Measure::CertifiedManagers,
        version: 1,
        definition: Text::fixed(
            "Banyaknya orang berbeda yang memegang jabatan manajer (manajer atau manajer cabang) ketika sertifikatnya terbit dalam masa program.",
            "Distinct people in a manager role (manajer or manajer cabang) whose certificate was issued within the window.",
        ),
        formula: "count(distinct manager) over certificates with role in (manajer, manajer_cabang) at issue, issued_on within the window; a later suspension, revocation or expiry does not unmake the issue",
    },
    Definition {
        measure: Measure::FinancedCooperatives,
        version: 1,
        definition: Text::fixed(
            "Banyaknya koperasi berbeda yang menerima pencairan pertama suatu pembiayaan dalam masa program.",
            "Distinct cooperatives with a first disbursement of a financing within the window.",
        ),
        formula: "count(distinct beneficiary) over financings of cooperatives, by their first standing disbursement, disbursed_on within the window; later tranches never add, a reversal takes away",
    },
    Definition {
        measure: Measure::FinancedEnterprises,
        version: 1,
        definition: Text::fixed(
            "Banyaknya UMKM berbeda yang menerima pencairan pertama suatu pembiayaan dalam masa program.",
            "Distinct enterprises with a first disbursement of a financing within the window.",
        ),
        formula: "count(distinct beneficiary) over financings of enterprises, by their first standing disbursement, disbursed_on within the window; later tranches never add, a reversal takes away",
    },
];

impl Measure {
    /// The measure of the facts it counts.
    pub const fn facts(self) -> &'static str {
        match self {
            Self::HealthyKsp => HEALTHY_KSP,
            Self::CertifiedManagers => CERTIFIED_MANAGERS,
            Self::FinancedCooperatives => FINANCED_COOPERATIVES,
            Self::FinancedEnterprises => FINANCED_ENTERPRISES,
        }
    }

    /// Its definition.
    pub fn definition(self) -> &'static Definition {
        match self {
            Self::HealthyKsp => &DEFINITIONS[0],
            Self::CertifiedManagers => &DEFINITIONS[1],
            Self::FinancedCooperatives => &DEFINITIONS[2],
            Self::FinancedEnterprises => &DEFINITIONS[3],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::OneOf;

    #[test]
    fn each_measure_finds_its_own_definition_and_counts_facts_of_its_own_name() {
        for definition in &DEFINITIONS {
            assert_eq!(definition.measure.definition().measure, definition.measure);
            assert_eq!(definition.measure.facts(), definition.measure.word());
        }
    }
}
