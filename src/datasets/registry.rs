//! The registry: what there is, and what every column means.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::kernel::Text;
use crate::kernel::codelists::code_list;

crate::words! {
    /// What a column holds.
    ColumnType {
        /// Text.
        Text = "text",
        /// An exact decimal, written as it was recorded.
        Decimal = "decimal",
        /// A whole number.
        Integer = "integer",
        /// Yes or no.
        Boolean = "boolean",
        /// Rupiah with two decimals.
        Money = "money",
        /// A day.
        Date = "date",
        /// An instant in UTC.
        Instant = "instant",
    }
}

/// What a scale measures and in which unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// What is measured.
    pub ukuran: Text,
    /// The unit.
    pub satuan: Text,
}

/// What values are classified by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Classification {
    /// A code list, at `/v1/codes/{name}`.
    CodeList(String),
    /// These words.
    Words(Vec<String>),
}

/// A variable: what a column is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its name in the registry.
    pub id: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// Its name for readers.
    pub nama: Text,
    /// The concept it belongs to.
    pub konsep: String,
    /// What exactly it is.
    pub definisi: Text,
    /// What its values are classified by.
    pub klasifikasi: Option<Classification>,
    /// What it is measured by.
    pub skala: String,
}

/// A column of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name in the files.
    pub name: String,
    /// The variable it holds.
    pub variable: String,
    /// Whether it is never empty.
    pub required: bool,
}

/// A dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Its name, as in the address.
    pub name: String,
    /// Whether anyone may have it.
    pub public: bool,
    /// What it is called.
    pub judul: Text,
    /// What it holds.
    pub keterangan: Text,
    /// What it is at the end of a day in the world, `per_tanggal`.
    pub per_tanggal: Text,
    /// Key words.
    pub kata_kunci: Vec<Text>,
    /// The columns that tell its rows apart; none where figures are told apart by whatever they have.
    pub kunci: Vec<String>,
    /// Its columns, in the order of the files.
    pub kolom: Vec<Column>,
}

/// Everything the catalogue says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// The catalogue.
    pub catalogue: Catalogue,
    variables: BTreeMap<String, Variable>,
    concepts: BTreeMap<String, Text>,
    scales: BTreeMap<String, Scale>,
}

/// The catalogue: all datasets, and what holds for all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Version of the columns; a changed or removed column is a new version.
    pub version: u32,
    /// What it is called.
    pub judul: Text,
    /// What it holds.
    pub keterangan: Text,
    /// Who publishes.
    pub publisher: Text,
    /// What a reader of any file has to know.
    pub catatan: Vec<Text>,
    /// The datasets.
    pub dataset: Vec<Dataset>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariablesFile {
    konsep: BTreeMap<String, Text>,
    skala: BTreeMap<String, Scale>,
    variabel: Vec<Variable>,
}

impl Registry {
    /// Reads the two files and checks that they fit.
    ///
    /// # Errors
    /// What is wrong with them.
    fn read(datasets: &str, variables: &str) -> Result<Self, String> {
        let catalogue: Catalogue = serde_json::from_str(datasets).map_err(|why| why.to_string())?;
        let file: VariablesFile = serde_json::from_str(variables).map_err(|why| why.to_string())?;
        let count = file.variabel.len();
        let variables: BTreeMap<_, _> = file.variabel.into_iter().map(|it| (it.id.clone(), it)).collect();
        if variables.len() != count {
            return Err("a variable stands twice".to_owned());
        }
        for variable in variables.values() {
            if !file.konsep.contains_key(&variable.konsep) || !file.skala.contains_key(&variable.skala) {
                return Err(format!("{}: its concept or scale is unknown", variable.id));
            }
            if let Some(Classification::CodeList(list)) = &variable.klasifikasi
                && code_list(list).is_none()
            {
                return Err(format!("{}: there is no code list `{list}`", variable.id));
            }
        }
        for dataset in &catalogue.dataset {
            let names: BTreeSet<&str> = dataset.kolom.iter().map(|column| column.name.as_str()).collect();
            if names.len() != dataset.kolom.len() {
                return Err(format!("{}: two columns have one name", dataset.name));
            }
            if let Some(column) = dataset.kolom.iter().find(|column| !variables.contains_key(&column.variable)) {
                return Err(format!("{}/{}: there is no such variable", dataset.name, column.name));
            }
            if let Some(key) = dataset.kunci.iter().find(|key| !names.contains(key.as_str())) {
                return Err(format!("{}: its key `{key}` is no column", dataset.name));
            }
        }
        Ok(Self { catalogue, variables, concepts: file.konsep, scales: file.skala })
    }

    /// A dataset by its name.
    pub fn dataset(&self, name: &str) -> Option<&Dataset> {
        self.catalogue.dataset.iter().find(|dataset| dataset.name == name)
    }

    /// The columns of a dataset with their variables.
    pub fn columns<'a>(&'a self, dataset: &'a Dataset) -> impl Iterator<Item = (&'a Column, &'a Variable)> {
        dataset.kolom.iter().filter_map(|column| Some((column, self.variables.get(&column.variable)?)))
    }

    /// The concept a variable belongs to.
    pub fn concept(&self, variable: &Variable) -> Option<&Text> {
        self.concepts.get(&variable.konsep)
    }

    /// What a variable is measured by.
    pub fn scale(&self, variable: &Variable) -> Option<&Scale> {
        self.scales.get(&variable.skala)
    }
}

const DATASETS: &str = include_str!("registry/datasets.json");
const VARIABLES: &str = include_str!("registry/variables.json");

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let empty = || Registry {
        catalogue: Catalogue {
            version: 0,
            judul: Text::fixed("", ""),
            keterangan: Text::fixed("", ""),
            publisher: Text::fixed("", ""),
            catatan: Vec::new(),
            dataset: Vec::new(),
        },
        variables: BTreeMap::new(),
        concepts: BTreeMap::new(),
        scales: BTreeMap::new(),
    };
    Registry::read(DATASETS, VARIABLES)
        .inspect_err(|why| log::error!("the registry of datasets is broken error={why}"))
        .unwrap_or_else(|_| empty())
});

/// The registry.
pub fn registry() -> &'static Registry {
    &REGISTRY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessments::{AssessmentState, IndicatorState};
    use crate::certifications::CertificationState;
    use crate::cooperatives::{CooperativeStatus, HealthCategory};
    use crate::enterprises::{EnterpriseStatus, SizeClass, SizeRule};
    use crate::financing::{BeneficiaryKind, CollectibilityScheme, FinancingState};
    use crate::programmes::Measure;
    use utoipa::PartialSchema;

    fn words<T: PartialSchema>() -> Vec<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        serde_json::from_value(schema["enum"].clone()).unwrap()
    }

    #[test]
    fn the_files_fit_and_every_text_is_in_both_languages() {
        let registry = Registry::read(DATASETS, VARIABLES).unwrap();
        assert_eq!(registry.catalogue.dataset.len(), 9);
        let full = |text: &Text| !text.id.is_empty() && !text.en.is_empty();
        for variable in registry.variables.values() {
            assert!(full(&variable.nama) && full(&variable.definisi), "{}", variable.id);
        }
        for dataset in &registry.catalogue.dataset {
            assert!(
                full(&dataset.judul) && full(&dataset.keterangan) && full(&dataset.per_tanggal),
                "{}",
                dataset.name
            );
        }
        let used: BTreeSet<&str> =
            registry.catalogue.dataset.iter().flat_map(|it| &it.kolom).map(|it| it.variable.as_str()).collect();
        assert_eq!(used.len(), registry.variables.len(), "a variable that no dataset holds");
    }

    #[test]
    fn a_registry_that_does_not_fit_is_refused() {
        for (from, to) in [("\"region\"", "\"nowhere\""), ("\"kunci\": [\"id\"]", "\"kunci\": [\"nothing\"]")] {
            assert!(DATASETS.contains(from), "{from}");
            assert!(Registry::read(&DATASETS.replace(from, to), VARIABLES).is_err(), "{from}");
        }
        assert!(Registry::read(DATASETS, &VARIABLES.replace("\"regions\"", "\"no-such-list\"")).is_err());
    }

    #[test]
    fn the_words_of_a_classification_are_the_words_there_are() {
        let known = [
            ("cooperative_status", words::<CooperativeStatus>()),
            ("health_category", words::<HealthCategory>()),
            ("assessment_state", words::<AssessmentState>()),
            ("indicator_state", words::<IndicatorState>()),
            ("financing_state", words::<FinancingState>()),
            ("beneficiary_kind", words::<BeneficiaryKind>()),
            ("collectibility_scheme", words::<CollectibilityScheme>()),
            ("size_class", words::<SizeClass>()),
            ("size_rule", words::<SizeRule>()),
            ("enterprise_status", words::<EnterpriseStatus>()),
            ("target_measure", words::<Measure>()),
            ("certification_state", words::<CertificationState>()),
        ];
        for (variable, words) in known {
            let said = registry().variables[variable].klasifikasi.clone();
            assert_eq!(said, Some(Classification::Words(words)), "{variable}");
        }
    }
}
