//! The rows of a table that were refused, to be corrected and sent again.

use std::rc::Rc;

use super::collectibility::{BYTE_ORDER_MARK, REASON_COLUMNS, Table, name_of};
use super::outcome::{Outcome, Report, Summary};
use crate::web::{Language, Problem};

/// Refused rows as a table: their own columns and two more, in their order.
pub struct Rejects {
    table: Rc<Table>,
    language: Language,
    /// Columns that are given back.
    kept: Vec<usize>,
    /// The row the next outcome is about.
    next: usize,
    begun: bool,
}

impl Rejects {
    /// The refused rows of this table.
    pub fn of(table: Rc<Table>, language: Language) -> Self {
        let is_reason = |field: &[u8]| REASON_COLUMNS.contains(&name_of(field).as_str());
        let kept =
            table.header.iter().enumerate().filter(|(_, field)| !is_reason(field)).map(|(place, _)| place).collect();
        Self { table, language, kept, next: 0, begun: false }
    }

    fn write(&self, out: &mut Vec<u8>, record: &csv::ByteRecord, code: &str, reason: &str) {
        let mut writer = csv::WriterBuilder::new().delimiter(self.table.delimiter).flexible(true).from_writer(out);
        let fields = self.kept.iter().map(|place| record.get(*place).unwrap_or_default());
        let fields = fields.chain([code.as_bytes(), reason.as_bytes()]);
        // The memory it is written to does not refuse.
        let _ = writer.write_record(fields);
        let _ = writer.flush();
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.begun, true) {
            if self.table.marked {
                out.extend_from_slice(BYTE_ORDER_MARK);
            }
            let [code, reason] = REASON_COLUMNS;
            self.write(out, &self.table.header, code, reason);
        }
    }

    fn reject(&self, out: &mut Vec<u8>, row: usize, problem: &Problem) {
        let Some((_, record)) = self.table.rows.get(row) else { return };
        let refusal = &problem.0;
        let code = refusal.faults.first().map_or(refusal.code.name, |fault| fault.code.as_ref());
        let told: Vec<String> = refusal
            .faults
            .iter()
            .map(|fault| {
                let column = fault.pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
                format!("{column}: {}", self.language.of_text(&fault.detail))
            })
            .collect();
        let detail = self.language.of_text(&refusal.detail);
        self.write(out, record, code, &if told.is_empty() { detail.to_owned() } else { told.join(" ") });
    }
}

impl Report for Rejects {
    fn media_type(&self) -> &'static str {
        "text/csv; charset=utf-8; header=present"
    }

    fn outcome(&mut self, out: &mut Vec<u8>, outcome: &Outcome) {
        self.begin(out);
        let row = self.next;
        self.next += 1;
        if let Err(problem) = &outcome.answer.result {
            self.reject(out, row, problem);
        }
    }

    /// Rows that were not attempted are given back as well.
    fn end(&mut self, out: &mut Vec<u8>, _: &Summary, stopped: Option<&Problem>) {
        self.begin(out);
        if let Some(problem) = stopped {
            (self.next..self.table.rows.len()).for_each(|row| self.reject(out, row, problem));
        }
    }
}
