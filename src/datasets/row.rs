//! A row: values under the names of their columns.

use std::borrow::Cow;

use super::registry::{ColumnType, Dataset, Registry};
use crate::kernel::{Date, Money, Timestamp};

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// There is none.
    Nothing,
    /// Text, or a decimal as it was recorded.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
    /// Rupiah.
    Money(Money),
    /// A day.
    Date(Date),
    /// An instant.
    Instant(Timestamp),
}

impl Value {
    /// How text formats write it; nothing when there is none.
    pub(super) fn as_text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Nothing => return None,
            Self::Text(text) => Cow::Borrowed(text),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Boolean(yes) => Cow::Borrowed(if *yes { "true" } else { "false" }),
            Self::Money(money) => Cow::Owned(money.value.to_string()),
            Self::Date(day) => Cow::Owned(day.to_string()),
            Self::Instant(instant) => Cow::Owned(instant.to_string()),
        })
    }

    fn fits(&self, column: &ColumnSpec) -> bool {
        match (self, column.column_type) {
            (Self::Nothing, _) => !column.required,
            (Self::Text(_), ColumnType::Text | ColumnType::Decimal)
            | (Self::Integer(_), ColumnType::Integer)
            | (Self::Boolean(_), ColumnType::Boolean)
            | (Self::Money(_), ColumnType::Money)
            | (Self::Date(_), ColumnType::Date)
            | (Self::Instant(_), ColumnType::Instant) => true,
            _ => false,
        }
    }
}

/// A value of text, whatever shows as such.
#[allow(clippy::needless_pass_by_value, reason = "callers hand over words and numbers alike")]
pub(super) fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

/// A count or another number that the areas keep unsigned.
pub(super) fn number(value: impl TryInto<i64>) -> Value {
    Value::Integer(value.try_into().unwrap_or(i64::MAX))
}

/// A value that may be missing.
pub(super) fn maybe<T>(value: Option<T>, make: impl FnOnce(T) -> Value) -> Value {
    value.map_or(Value::Nothing, make)
}

/// The values of a row, each under the name of its column.
pub(super) type Row = Vec<(&'static str, Value)>;

/// What a format has to know of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ColumnSpec {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub column_type: ColumnType,
    /// Whether it is never empty.
    pub required: bool,
}

/// The columns of a dataset.
pub(super) fn columns_of(registry: &Registry, dataset: &Dataset) -> Vec<ColumnSpec> {
    let spec = |(column, variable): (&super::Column, &super::Variable)| ColumnSpec {
        name: column.name.clone(),
        column_type: variable.column_type,
        required: column.required,
    };
    registry.columns(dataset).map(spec).collect()
}

/// Holds a row to its columns and drops the names.
///
/// # Errors
/// Which column is not as the registry says.
pub(super) fn checked(row: Row, columns: &[ColumnSpec]) -> Result<Vec<Value>, String> {
    if row.len() != columns.len() {
        return Err(format!("a row of {} values where {} columns are", row.len(), columns.len()));
    }
    row.into_iter()
        .zip(columns)
        .map(|((name, value), column)| {
            if name == column.name && value.fits(column) {
                Ok(value)
            } else {
                Err(format!("the column `{}` does not hold {name}={value:?}", column.name))
            }
        })
        .collect()
}
