//! The sheet of KKPKK: four aspects of checklists and ratios, nilai 1 to 4, pooled and weighted.
//!
//! `sheet.json` holds the 60 indicators for a conventional savings-and-loan cooperative as they stood in 2020–2021, each bound marked `certain`
//! or `contested`; `kkpkk-2020.json` the title and categories. An indicator's ratio is classified exactly; `skor = 5 − nilai`; an aspect is
//! Σ skor ÷ (4 × indicators), an indicator that could not be scored adding nothing; the total is the weighted sum.

mod improve;
mod score;
mod sheet;

use rust_decimal::Decimal;
use serde_json::Value;

use self::sheet::Sheet;
use super::regulation::{self, Regulation};
use super::{Readings, RuleBook, Scoring, Validity, form, readings};
use crate::cooperatives::{CooperativeKind, HealthCategory};
use crate::kernel::Faults;

/// One regulation on the sheet.
struct Book {
    regulation: Regulation,
    sheet: Sheet,
    shown: Value,
}

/// The rule books of this folder. Data that does not parse yields none; a test holds that there is one.
pub fn books() -> Vec<Box<dyn RuleBook>> {
    let (text, sheet) = (include_str!("kkpkk-2020.json"), include_str!("sheet.json"));
    let book = || -> Result<Box<dyn RuleBook>, serde_json::Error> {
        Ok(Box::new(Book {
            regulation: serde_json::from_str(text)?,
            sheet: serde_json::from_str(sheet)?,
            shown: regulation::shown(text, sheet)?,
        }))
    };
    book().inspect_err(|why| log::error!("a rule book is damaged error={why}")).into_iter().collect()
}

impl RuleBook for Book {
    fn id(&self) -> &str {
        &self.regulation.id
    }
    fn title(&self) -> &str {
        &self.regulation.title
    }
    fn validity(&self) -> &Validity {
        &self.regulation.validity
    }
    fn kinds(&self) -> &[CooperativeKind] {
        &self.regulation.kinds
    }
    fn sheet(&self) -> &'static str {
        "kkpkk_2020"
    }
    fn describe(&self) -> Value {
        self.shown.clone()
    }
    fn categories(&self) -> Vec<HealthCategory> {
        self.regulation.words()
    }
    fn category(&self, total: Decimal) -> Option<HealthCategory> {
        self.regulation.category(total)
    }
    fn score(&self, worksheet: &Value, readings: &Readings) -> Result<Scoring, Faults> {
        let mut faults = Faults::default();
        let inputs = form::read(&self.sheet.form, &self.sheet.questions(), worksheet, &mut faults);
        let chosen = readings::choose(&self.sheet.readings, readings, &mut faults);
        if !faults.0.is_empty() {
            return Err(faults);
        }
        Ok(score::score(&self.regulation, &self.sheet, &inputs, &chosen))
    }
}
