//! The sheet of Permen 14/2009 and Perdep 06/2016: seven aspects, 17 ratios, 38 questions.
//!
//! `sheet.json` holds what both share, the two other files their titles and categories. Ratios are classified exactly, by cross
//! multiplication; nothing is rounded before it is shown.

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

/// One regulation on the shared sheet.
struct Book {
    regulation: Regulation,
    sheet: Sheet,
    shown: Value,
}

/// The rule books of this folder. Data that does not parse yields none; a test holds that there are two.
pub fn books() -> Vec<Box<dyn RuleBook>> {
    let sheet = include_str!("sheet.json");
    let regulations = [include_str!("permen-14-2009.json"), include_str!("perdep-06-2016.json")];
    let book = |text: &str| -> Result<Box<dyn RuleBook>, serde_json::Error> {
        Ok(Box::new(Book {
            regulation: serde_json::from_str(text)?,
            sheet: serde_json::from_str(sheet)?,
            shown: regulation::shown(text, sheet)?,
        }))
    };
    regulations
        .iter()
        .filter_map(|text| book(text).inspect_err(|why| log::error!("a rule book is damaged error={why}")).ok())
        .collect()
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
        "seven_aspects"
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
