//! Statements for `PostgreSQL` over arrays: many rows in one go, prepared once for each text.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text};

/// Values of one column of many rows.
pub(super) enum Column<'a> {
    Text(Vec<Cow<'a, str>>),
    MaybeText(Vec<Option<Cow<'a, str>>>),
    Int(Vec<i64>),
    MaybeInt(Vec<Option<i64>>),
    Bool(Vec<bool>),
    MaybeBool(Vec<Option<bool>>),
    Bytes(Vec<&'a [u8]>),
}

/// Text and columns in turn: `… unnest($1, $2) …`. Prepared once for each text.
#[derive(Default)]
pub(super) struct Statement<'a> {
    parts: Vec<Part<'a>>,
}

pub(super) enum Part<'a> {
    Sql(Cow<'static, str>),
    Column(Column<'a>),
    Int(i64),
    Bytes(Vec<u8>),
}

impl<'a> Statement<'a> {
    pub fn sql(&mut self, text: impl Into<Cow<'static, str>>) {
        self.parts.push(Part::Sql(text.into()));
    }

    /// `unnest(…)` over columns, each bound as one array.
    pub fn unnest(&mut self, columns: Vec<Column<'a>>) {
        self.sql("unnest(");
        for (index, column) in columns.into_iter().enumerate() {
            if index > 0 {
                self.sql(", ");
            }
            self.parts.push(Part::Column(column));
        }
        self.sql(")");
    }

    /// A value by itself.
    pub fn bind(&mut self, value: Part<'a>) {
        self.parts.push(value);
    }

    /// `name AS (INSERT INTO table (names) SELECT unnest($1), … then),` as a part of the one statement. In `FROM`, the server would write
    /// every column into a store of its own before it made rows of them.
    pub fn insert(&mut self, name: &str, table: &str, names: &str, columns: Vec<Column<'a>>, then: &str) {
        self.sql(format!("{name} AS (INSERT INTO {table} ({names}) SELECT "));
        for (index, column) in columns.into_iter().enumerate() {
            self.sql(if index > 0 { ", unnest(" } else { "unnest(" });
            self.parts.push(Part::Column(column));
            self.sql(")");
        }
        self.sql(format!("{then}), "));
    }
}

impl QueryId for Statement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for part in &self.parts {
            match part {
                Part::Sql(text) => out.push_sql(text),
                Part::Int(value) => out.push_bind_param::<BigInt, _>(value)?,
                Part::Bytes(value) => out.push_bind_param::<Binary, _>(value)?,
                Part::Column(Column::Text(values)) => out.push_bind_param::<Array<Text>, _>(values)?,
                Part::Column(Column::MaybeText(values)) => out.push_bind_param::<Array<Nullable<Text>>, _>(values)?,
                Part::Column(Column::Int(values)) => out.push_bind_param::<Array<BigInt>, _>(values)?,
                Part::Column(Column::MaybeInt(values)) => out.push_bind_param::<Array<Nullable<BigInt>>, _>(values)?,
                Part::Column(Column::Bool(values)) => out.push_bind_param::<Array<Bool>, _>(values)?,
                Part::Column(Column::MaybeBool(values)) => out.push_bind_param::<Array<Nullable<Bool>>, _>(values)?,
                Part::Column(Column::Bytes(values)) => out.push_bind_param::<Array<Binary>, _>(values)?,
            }
        }
        Ok(())
    }
}

impl diesel::query_builder::Query for Statement<'_> {
    type SqlType = (Text, Text);
}
impl RunQueryDsl<PgConnection> for Statement<'_> {}

pub(super) fn text<'a, T: ToString>(values: impl Iterator<Item = T>) -> Column<'a> {
    Column::Text(values.map(|value| Cow::Owned(value.to_string())).collect())
}

pub(super) fn borrowed<'a>(values: impl Iterator<Item = &'a str>) -> Column<'a> {
    Column::Text(values.map(Cow::Borrowed).collect())
}

/// A [`Statement`] that answers with other columns.
pub(super) struct Answering<'a, Columns>(pub Statement<'a>, pub PhantomData<Columns>);

impl<Columns> QueryId for Answering<'_, Columns> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
impl<Columns> QueryFragment<Pg> for Answering<'_, Columns> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}
impl<Columns> diesel::query_builder::Query for Answering<'_, Columns> {
    type SqlType = Columns;
}
impl<Columns> RunQueryDsl<PgConnection> for Answering<'_, Columns> {}
