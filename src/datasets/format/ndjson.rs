//! NDJSON: one object a line with every column, null where there is no value.

use std::io::{self, Write};

use super::Sheet;
use crate::datasets::row::{ColumnSpec, Value};

pub(super) struct Ndjson<W> {
    /// `"name":` of every column.
    names: Vec<String>,
    line: Vec<u8>,
    sink: W,
}

impl<W: Write> Ndjson<W> {
    pub(super) fn begin(columns: &[ColumnSpec], sink: W) -> io::Result<Self> {
        let name = |column: &ColumnSpec| Ok::<_, io::Error>(serde_json::to_string(&column.name)? + ":");
        let names = columns.iter().map(name).collect::<Result<_, _>>()?;
        Ok(Self { names, line: Vec::new(), sink })
    }
}

impl<W: Write> Sheet<W> for Ndjson<W> {
    fn row(&mut self, values: Vec<Value>) -> io::Result<()> {
        self.line.clear();
        for (place, (name, value)) in self.names.iter().zip(&values).enumerate() {
            self.line.push(if place == 0 { b'{' } else { b',' });
            self.line.extend_from_slice(name.as_bytes());
            match (value, value.as_text()) {
                (_, None) => self.line.extend_from_slice(b"null"),
                (Value::Integer(_) | Value::Boolean(_), Some(text)) => self.line.extend_from_slice(text.as_bytes()),
                (_, Some(text)) => serde_json::to_writer(&mut self.line, &text)?,
            }
        }
        self.line.extend_from_slice(b"}\n");
        self.sink.write_all(&self.line)
    }

    fn finish(self: Box<Self>) -> io::Result<W> {
        Ok(self.sink)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use crate::datasets::ColumnType;
    use crate::datasets::row::{ColumnSpec, Value, text};

    #[test]
    fn a_line_has_every_column() {
        let column = |name: &str, column_type| ColumnSpec { name: name.to_owned(), column_type, required: false };
        let columns =
            [column("a", ColumnType::Text), column("b", ColumnType::Integer), column("c", ColumnType::Boolean)];
        let mut sheet = Format::Ndjson.begin(&columns, &[], Vec::new()).unwrap();
        sheet.row(vec![text("baris \"satu\"\n"), Value::Integer(-7), Value::Nothing]).unwrap();
        let written = String::from_utf8(sheet.finish().unwrap()).unwrap();
        assert_eq!(written, "{\"a\":\"baris \\\"satu\\\"\\n\",\"b\":-7,\"c\":null}\n");
    }
}
