//! Apache Parquet, zstd. Row groups are bounded, so that memory is; nothing in the file tells when it was made.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::Sheet;
use crate::datasets::ColumnType;
use crate::datasets::row::{ColumnSpec, Value};
use crate::kernel::{Date, Money};

/// A row group ends with so many rows or bytes of values, whichever comes first.
const GROUP_ROWS: usize = 50_000;
const GROUP_BYTES: usize = 16 * 1024 * 1024;
/// Level of zstd; part of what makes the bytes what they are.
const ZSTD_LEVEL: i32 = 3;
/// Money: digits in all, digits after the point, and bytes that hold them.
const MONEY_PRECISION: i32 = 20;
const MONEY_SCALE: u32 = 2;
const MONEY_BYTES: usize = 9;

/// The values of a column in the present row group.
enum Values {
    Texts(Vec<ByteArray>),
    Integers(Vec<i64>),
    Booleans(Vec<bool>),
    Amounts(Vec<FixedLenByteArray>),
    Days(Vec<i32>),
}

struct Gathered {
    values: Values,
    /// For each row whether there is a value; empty for columns that always have one.
    present: Vec<i16>,
    required: bool,
}

pub(super) struct Parquet<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Gathered>,
    epoch: Date,
    rows: usize,
    bytes: usize,
}

fn failed(why: ParquetError) -> io::Error {
    match why {
        // What the sink says is worth more than that it said something.
        ParquetError::External(why) => match why.downcast::<io::Error>() {
            Ok(why) => *why,
            Err(why) => io::Error::other(why),
        },
        why => io::Error::other(why),
    }
}

/// A column's type in the schema.
fn field(column: &ColumnSpec) -> Result<TypePtr, ParquetError> {
    let (physical, logical, converted) = match column.column_type {
        ColumnType::Text | ColumnType::Decimal => {
            (Physical::BYTE_ARRAY, Some(LogicalType::String), ConvertedType::UTF8)
        }
        ColumnType::Integer => (Physical::INT64, Some(LogicalType::integer(64, true)), ConvertedType::INT_64),
        ColumnType::Boolean => (Physical::BOOLEAN, None, ConvertedType::NONE),
        ColumnType::Date => (Physical::INT32, Some(LogicalType::Date), ConvertedType::DATE),
        ColumnType::Instant => {
            let instant = LogicalType::timestamp(true, TimeUnit::MICROS);
            (Physical::INT64, Some(instant), ConvertedType::TIMESTAMP_MICROS)
        }
        ColumnType::Money => {
            let decimal = LogicalType::decimal(MONEY_SCALE.cast_signed(), MONEY_PRECISION);
            (Physical::FIXED_LEN_BYTE_ARRAY, Some(decimal), ConvertedType::DECIMAL)
        }
    };
    let repetition = if column.required { Repetition::REQUIRED } else { Repetition::OPTIONAL };
    let mut builder = Type::primitive_type_builder(&column.name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .with_converted_type(converted);
    if column.column_type == ColumnType::Money {
        builder = builder
            .with_length(i32::try_from(MONEY_BYTES).unwrap_or(i32::MAX))
            .with_precision(MONEY_PRECISION)
            .with_scale(MONEY_SCALE.cast_signed());
    }
    builder.build().map(Arc::new)
}

/// The unscaled value, big-endian, in the bytes that hold it.
fn amount_bytes(money: Money) -> Option<FixedLenByteArray> {
    let mut amount = money.amount();
    amount.rescale(MONEY_SCALE);
    let bytes = amount.mantissa().to_be_bytes();
    let (high, low) = bytes.split_at(bytes.len() - MONEY_BYTES);
    let sign = if amount.is_sign_negative() && !amount.is_zero() { 0xff } else { 0 };
    high.iter().all(|byte| *byte == sign).then(|| ByteArray::from(low.to_vec()).into())
}

impl Gathered {
    fn of(column: &ColumnSpec) -> Self {
        let values = match column.column_type {
            ColumnType::Text | ColumnType::Decimal => Values::Texts(Vec::new()),
            ColumnType::Integer | ColumnType::Instant => Values::Integers(Vec::new()),
            ColumnType::Boolean => Values::Booleans(Vec::new()),
            ColumnType::Money => Values::Amounts(Vec::new()),
            ColumnType::Date => Values::Days(Vec::new()),
        };
        Self { values, present: Vec::new(), required: column.required }
    }

    /// Takes a value; tells its bytes.
    fn push(&mut self, value: Value, epoch: Date) -> io::Result<usize> {
        if !self.required {
            self.present.push(i16::from(value != Value::Nothing));
        }
        match (&mut self.values, value) {
            (_, Value::Nothing) if !self.required => return Ok(0),
            (Values::Texts(values), Value::Text(text)) => {
                let bytes = text.len();
                values.push(ByteArray::from(text.into_bytes()));
                return Ok(bytes + size_of::<ByteArray>());
            }
            (Values::Integers(values), Value::Integer(number)) => values.push(number),
            (Values::Integers(values), Value::Instant(instant)) => values.push(instant.micros()),
            (Values::Booleans(values), Value::Boolean(yes)) => values.push(yes),
            (Values::Amounts(values), Value::Money(money)) => {
                let amount = amount_bytes(money).ok_or_else(|| io::Error::other("an amount of more than 20 digits"))?;
                values.push(amount);
                return Ok(MONEY_BYTES + size_of::<FixedLenByteArray>());
            }
            (Values::Days(values), Value::Date(day)) => values.push(epoch.days_until(day)),
            (_, value) => return Err(io::Error::other(format!("{value:?} in a column of another type"))),
        }
        Ok(size_of::<i64>())
    }

    fn write(&mut self, mut writer: SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        fn batch<T: DataType>(
            writer: &mut SerializedColumnWriter<'_>,
            values: &mut Vec<T::T>,
            present: Option<&[i16]>,
        ) -> Result<(), ParquetError> {
            writer.typed::<T>().write_batch(values, present, None)?;
            values.clear();
            Ok(())
        }
        let present = (!self.required).then_some(self.present.as_slice());
        match &mut self.values {
            Values::Texts(values) => batch::<ByteArrayType>(&mut writer, values, present)?,
            Values::Integers(values) => batch::<Int64Type>(&mut writer, values, present)?,
            Values::Booleans(values) => batch::<BoolType>(&mut writer, values, present)?,
            Values::Amounts(values) => batch::<FixedLenByteArrayType>(&mut writer, values, present)?,
            Values::Days(values) => batch::<Int32Type>(&mut writer, values, present)?,
        }
        self.present.clear();
        writer.close()
    }
}

impl<W: Write + Send> Parquet<W> {
    pub(super) fn begin(columns: &[ColumnSpec], about: &[(&str, String)], sink: W) -> io::Result<Self> {
        let epoch = Date::parse("1970-01-01").map_err(|why| io::Error::other(why.en))?;
        let begin = || {
            let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
            let schema = Type::group_type_builder("row").with_fields(fields).build()?;
            let about = about.iter().map(|(name, value)| KeyValue::new((*name).to_owned(), value.clone()));
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
                .set_created_by("lumbung".to_owned())
                .set_key_value_metadata(Some(about.collect()))
                .build();
            SerializedFileWriter::new(sink, Arc::new(schema), Arc::new(properties))
        };
        let writer = begin().map_err(failed)?;
        let columns = columns.iter().map(Gathered::of).collect();
        Ok(Self { writer, columns, epoch, rows: 0, bytes: 0 })
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            let writer = group.next_column()?;
            column.write(writer.ok_or_else(|| ParquetError::General("a column is missing".to_owned()))?)?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl<W: Write + Send> Sheet<W> for Parquet<W> {
    fn row(&mut self, values: Vec<Value>) -> io::Result<()> {
        for (column, value) in self.columns.iter_mut().zip(values) {
            self.bytes += column.push(value, self.epoch)?;
        }
        self.rows += 1;
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.end_group().map_err(failed)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<W> {
        self.end_group().map_err(failed)?;
        self.writer.into_inner().map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::*;
    use crate::datasets::row::text;
    use crate::kernel::{Rupiah, Timestamp};
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use sha2::{Digest, Sha256};

    const TYPES: [ColumnType; 7] = [
        ColumnType::Text,
        ColumnType::Decimal,
        ColumnType::Integer,
        ColumnType::Boolean,
        ColumnType::Money,
        ColumnType::Date,
        ColumnType::Instant,
    ];

    fn money(text: &str) -> Money {
        Money::idr(Rupiah::parse(text).unwrap().0)
    }

    /// A file with a row of values and a row of none, so many times.
    fn written(times: usize) -> Vec<u8> {
        let column =
            |column_type: ColumnType| ColumnSpec { name: column_type.to_string(), column_type, required: false };
        let columns = TYPES.map(column);
        let about = [("as_of_position", "7".to_owned())];
        let mut sheet = Format::Parquet.begin(&columns, &about, Vec::new()).unwrap();
        for number in 0..times {
            sheet
                .row(vec![
                    text(format!("KSP {number}")),
                    text("66.3212923543"),
                    Value::Integer(-5),
                    Value::Boolean(true),
                    Value::Money(money("-20000000.5")),
                    Value::Date(Date::parse("2014-02-24").unwrap()),
                    Value::Instant(Timestamp::from_micros(1_393_200_000_000_001)),
                ])
                .unwrap();
            sheet.row(TYPES.map(|_| Value::Nothing).to_vec()).unwrap();
        }
        sheet.finish().unwrap()
    }

    #[test]
    fn what_was_written_reads_back_and_groups_are_bounded() {
        let reader = SerializedFileReader::new(on_disk(&written(GROUP_ROWS / 2 + 1))).unwrap();
        assert_eq!(reader.metadata().num_row_groups(), 2);
        assert_eq!(usize::try_from(reader.metadata().row_group(0).num_rows()), Ok(GROUP_ROWS));
        let mut rows = reader.get_row_iter(None).unwrap();
        let row = rows.next().unwrap().unwrap().to_string();
        assert_eq!(
            row,
            "{text: \"KSP 0\", decimal: \"66.3212923543\", integer: -5, boolean: true, money: -20000000.50, \
             date: 2014-02-24, instant: 2014-02-24 00:00:00.000001 +00:00}"
        );
        assert!(rows.next().unwrap().unwrap().to_string().matches("null").count() == TYPES.len());
    }

    fn on_disk(bytes: &[u8]) -> std::fs::File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn amounts_fill_their_bytes_with_their_sign_and_too_large_ones_are_refused() {
        let bytes = |text| amount_bytes(money(text)).map(|bytes| bytes.data().to_vec());
        assert_eq!(bytes("0.01"), Some(vec![0, 0, 0, 0, 0, 0, 0, 0, 1]));
        assert_eq!(bytes("-0.01"), Some(vec![0xff; MONEY_BYTES]));
        let huge = Money::idr(rust_decimal::Decimal::from_i128_with_scale(1 << 90, 2));
        assert_eq!(amount_bytes(huge), None);
    }

    /// Who pulled a file months ago expects the same bytes of a newer release: should this fail after an upgrade of the library, say so in the
    /// change log.
    #[test]
    fn the_bytes_do_not_change_by_themselves() {
        let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(written(3)));
        assert_eq!(hash, "dd3f94e005da70cfb9cf06b072df96f582994f851dfcb046688b0d88311e396f");
    }
}
