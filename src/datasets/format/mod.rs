//! The formats. Each writes rows of the same columns; none knows a dataset.

mod csv;
mod ndjson;
mod parquet;

use std::io::{self, Write};

use super::row::{ColumnSpec, Value};

crate::words! {
    /// How a dataset is written.
    Format {
        /// RFC 4180 with a header row.
        Csv = "csv",
        /// One JSON object a line.
        Ndjson = "ndjson",
        /// Apache Parquet, compressed with zstd.
        Parquet = "parquet",
    }
}

/// Every format.
pub(super) const FORMATS: [Format; 3] = [Format::Csv, Format::Ndjson, Format::Parquet];

impl Format {
    /// Its media type.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Begins a file. `about` goes into files that can hold it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn begin<W: Write + Send + 'static>(
        self,
        columns: &[ColumnSpec],
        about: &[(&str, String)],
        sink: W,
    ) -> io::Result<Box<dyn Sheet<W>>> {
        Ok(match self {
            Self::Csv => Box::new(csv::Csv::begin(columns, sink)?),
            Self::Ndjson => Box::new(ndjson::Ndjson::begin(columns, sink)?),
            Self::Parquet => Box::new(parquet::Parquet::begin(columns, about, sink)?),
        })
    }
}

/// A file that takes rows.
pub(super) trait Sheet<W> {
    /// One more row; its values are of the columns' types.
    ///
    /// # Errors
    /// When it cannot be written.
    fn row(&mut self, values: Vec<Value>) -> io::Result<()>;

    /// The end. Gives back what was written to.
    ///
    /// # Errors
    /// When the rest cannot be written.
    fn finish(self: Box<Self>) -> io::Result<W>;
}
