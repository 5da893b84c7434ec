//! Contested readings: what a rule book offers, and what an assessor chose of it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Readings;
use crate::kernel::{Faults, Text, shown};

/// A contested reading; `R` is how an option departs from the table, in the words of its rule book.
#[derive(Deserialize)]
pub struct Reading<R> {
    pub key: String,
    /// The indicator it is about.
    pub indicator: String,
    pub default: String,
    pub options: Vec<ReadingOption<R>>,
}

/// One way to read it.
#[derive(Deserialize)]
pub struct ReadingOption<R> {
    pub key: String,
    pub rule: R,
}

/// The rule an option brings to an indicator.
pub struct Choice<'a, R> {
    pub indicator: &'a str,
    pub option: &'a str,
    pub rule: &'a R,
}

/// The readings that apply, with the rules they bring.
pub struct Chosen<'a, R> {
    pub names: BTreeMap<String, String>,
    rules: Vec<Choice<'a, R>>,
}

impl<'a, R> Chosen<'a, R> {
    /// The rules about one indicator.
    pub fn about(&self, indicator: &str) -> impl Iterator<Item = &Choice<'a, R>> {
        self.rules.iter().filter(move |rule| rule.indicator == indicator)
    }
}

/// Takes the chosen readings and the defaults of the rest; an unknown name or option is a fault.
pub fn choose<'a, R>(offered: &'a [Reading<R>], readings: &Readings, faults: &mut Faults) -> Chosen<'a, R> {
    let mut chosen = Chosen { names: BTreeMap::new(), rules: Vec::new() };
    for reading in offered {
        let name = readings.get(&reading.key).unwrap_or(&reading.default);
        let Some(option) = reading.options.iter().find(|option| option.key == *name) else {
            let known = reading.options.iter().map(|option| option.key.as_str()).collect::<Vec<_>>().join(", ");
            faults.add(
                format!("/readings/{}", reading.key),
                "unknown_reading",
                text!("Pilih salah satu: {known}.", "Choose one of: {known}."),
            );
            continue;
        };
        chosen.names.insert(reading.key.clone(), option.key.clone());
        chosen.rules.push(Choice { indicator: &reading.indicator, option: &option.key, rule: &option.rule });
    }
    for unknown in readings.keys().filter(|key| !offered.iter().any(|reading| reading.key == **key)) {
        let unknown = shown(unknown);
        let known = offered.iter().map(|reading| reading.key.as_str()).collect::<Vec<_>>().join(", ");
        faults.add(
            format!("/readings/{unknown}"),
            "unknown_reading",
            text!(
                "Bacaan `{unknown}` tidak ada; yang ada: {known}.",
                "There is no reading `{unknown}`; there are: {known}."
            ),
        );
    }
    chosen
}

/// Tells that a reading gave a value.
pub fn by_reading(option: &str) -> Text {
    text!("Nilai menurut bacaan `{option}`, bukan tabel.", "By the reading `{option}`, not by the table.")
}
