//! Reading the lists.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::kernel::{Date, Text};

/// A code list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeList {
    /// Its name, as in the address.
    pub id: String,
    /// What it lists.
    #[schema(value_type = Object)]
    pub title: Text,
    /// How it is to be read.
    #[schema(value_type = Option<Object>)]
    pub note: Option<Text>,
    /// Its entries; the same code may stand several times for periods that do not overlap.
    pub entries: Vec<CodeEntry>,
}

/// An entry of a code list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CodeEntry {
    /// The code.
    pub id: String,
    /// What it means.
    #[schema(value_type = Object)]
    pub name: Text,
    /// Its first day; null when it was always so, or no beginning is known.
    pub valid_from: Option<Date>,
    /// Its last day; null while it is in force.
    pub valid_to: Option<Date>,
    /// Who says so.
    pub source: String,
    /// Whether the source was read and says so.
    pub verified: bool,
    /// What this list tells beside.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl CodeEntry {
    /// Whether it is in force on a day.
    pub fn holds_on(&self, day: Date) -> bool {
        day.is_within(self.valid_from, self.valid_to)
    }

    fn overlaps(&self, other: &Self) -> bool {
        let begins_by_the_end_of = |one: &Self, other: &Self| match (one.valid_from, other.valid_to) {
            (Some(from), Some(to)) => from <= to,
            _ => true,
        };
        self.id == other.id && begins_by_the_end_of(self, other) && begins_by_the_end_of(other, self)
    }
}

impl CodeList {
    /// The entry of a code on a day.
    pub fn on(&self, id: &str, day: Date) -> Option<&CodeEntry> {
        self.entries.iter().find(|entry| entry.id == id && entry.holds_on(day))
    }

    /// The list as it is on a day.
    #[must_use]
    pub fn valid_on(&self, day: Date) -> Self {
        let entries = self.entries.iter().filter(|entry| entry.holds_on(day)).cloned().collect();
        Self { entries, ..self.clone() }
    }

    /// Reads a list and checks it.
    ///
    /// # Errors
    /// What is wrong with the file.
    fn read(text: &str) -> Result<Self, String> {
        let list: Self = serde_json::from_str(text).map_err(|why| why.to_string())?;
        if list.entries.is_empty() {
            return Err(format!("{}: no entries", list.id));
        }
        for (index, entry) in list.entries.iter().enumerate() {
            let at = format!("{}/{}", list.id, entry.id);
            if entry.id.is_empty() || entry.name.id.is_empty() || entry.name.en.is_empty() || entry.source.is_empty() {
                return Err(format!("{at}: a code has an id, a name in both languages and a source"));
            }
            if entry.valid_from.zip(entry.valid_to).is_some_and(|(from, to)| to < from) {
                return Err(format!("{at}: it ends before it begins"));
            }
            if list.entries[..index].iter().any(|earlier| earlier.overlaps(entry)) {
                return Err(format!("{at}: two entries hold on the same day"));
            }
        }
        Ok(list)
    }
}

/// The files, in the order of the index.
const FILES: [&str; 8] = [
    include_str!("schemes.json"),
    include_str!("collectibility.json"),
    include_str!("enterprise-sizes.json"),
    include_str!("bank-codes.json"),
    include_str!("kbli.json"),
    include_str!("roles.json"),
    include_str!("kinds.json"),
    include_str!("regions.json"),
];

static LISTS: LazyLock<Vec<CodeList>> = LazyLock::new(|| {
    let read = |text: &&str| CodeList::read(text).inspect_err(|why| log::error!("a code list is broken: {why}")).ok();
    FILES.iter().filter_map(read).collect()
});

/// Every list.
pub fn code_lists() -> &'static [CodeList] {
    &LISTS
}

/// A list by its name.
pub fn code_list(id: &str) -> Option<&'static CodeList> {
    LISTS.iter().find(|list| list.id == id)
}

/// Whether a code of a list carries a mark, such as `counts_as_manager` of a role.
pub fn is_marked(list: &str, id: &str, mark: &str) -> bool {
    let entry = code_list(list).and_then(|list| list.entries.iter().find(|entry| entry.id == id));
    entry.and_then(|entry| entry.more.get(mark)).and_then(Value::as_bool).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_reads_and_is_sound() {
        for text in FILES {
            CodeList::read(text).unwrap();
        }
        assert_eq!(code_lists().len(), FILES.len());
    }

    #[test]
    fn periods_that_overlap_end_early_or_have_no_source_are_refused() {
        let list = |entries: &str| {
            let entry = |text: &str| {
                let parts: Vec<&str> = text.split(' ').collect();
                serde_json::json!({"id": parts[0], "name": {"id": "n", "en": "n"}, "verified": true, "source": parts[3],
                    "valid_from": (parts[1] != "-").then_some(parts[1]), "valid_to": (parts[2] != "-").then_some(parts[2])})
            };
            let entries: Vec<_> = entries.split(", ").map(entry).collect();
            let text =
                serde_json::json!({"id": "l", "title": {"id": "l", "en": "l"}, "note": null, "entries": entries});
            CodeList::read(&text.to_string())
        };
        assert!(list("a - 2014-12-31 s, a 2015-01-01 - s, b 2014-01-01 - s").is_ok());
        for wrong in ["a - 2014-12-31 s, a 2014-12-31 - s", "a - - s, a - - s", "a 2015-01-01 2014-01-01 s"] {
            assert!(list(wrong).is_err(), "{wrong}");
        }
        assert!(CodeList::read(r#"{"id":"l","title":{"id":"","en":""},"note":null,"entries":[]}"#).is_err());
    }

    #[test]
    fn the_regions_of_the_list_are_the_regions_of_the_code() {
        let list = code_list("regions").unwrap();
        let today = Date::parse("2014-02-24").unwrap();
        let listed: Vec<(&str, &str, &str)> = list
            .entries
            .iter()
            .filter(|entry| entry.holds_on(today))
            .map(|entry| (entry.id.as_str(), entry.more["bps_code"].as_str().unwrap(), entry.name.id.as_ref()))
            .collect();
        let known = crate::kernel::REGIONS.iter().map(|entry| (entry.code, entry.bps_code, entry.name));
        assert_eq!(listed, known.collect::<Vec<_>>());
    }
}
