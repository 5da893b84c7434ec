//! CSV as RFC 4180 has it: UTF-8, lines ending in CR LF, a header row, quotation marks where they are needed.

use std::io::{self, Write};

use csv::{Terminator, Writer, WriterBuilder};

use super::Sheet;
use crate::datasets::row::{ColumnSpec, Value};

pub(super) struct Csv<W: Write> {
    writer: Writer<W>,
}

impl<W: Write> Csv<W> {
    pub(super) fn begin(columns: &[ColumnSpec], sink: W) -> io::Result<Self> {
        let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(sink);
        writer.write_record(columns.iter().map(|column| &column.name))?;
        Ok(Self { writer })
    }
}

impl<W: Write> Sheet<W> for Csv<W> {
    fn row(&mut self, values: Vec<Value>) -> io::Result<()> {
        for value in &values {
            self.writer.write_field(value.as_text().unwrap_or_default().as_bytes())?;
        }
        Ok(self.writer.write_record(None::<&[u8]>)?)
    }

    fn finish(self: Box<Self>) -> io::Result<W> {
        self.writer.into_inner().map_err(|why| io::Error::new(why.error().kind(), why.error().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use crate::datasets::ColumnType;
    use crate::datasets::row::{ColumnSpec, Value, text};

    fn column(name: &str) -> ColumnSpec {
        ColumnSpec { name: name.to_owned(), column_type: ColumnType::Text, required: false }
    }

    #[test]
    fn lines_end_in_cr_lf_and_only_what_needs_it_is_quoted() {
        let mut sheet = Format::Csv.begin(&[column("a"), column("b")], &[], Vec::new()).unwrap();
        sheet.row(vec![text("KSP \"Maju\", Samarinda"), Value::Nothing]).unwrap();
        sheet.row(vec![text("=1+1"), text("dua\nbaris")]).unwrap();
        let written = String::from_utf8(sheet.finish().unwrap()).unwrap();
        assert_eq!(written, "a,b\r\n\"KSP \"\"Maju\"\", Samarinda\",\r\n=1+1,\"dua\nbaris\"\r\n");
    }
}
