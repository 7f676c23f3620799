//! Values into statements and out of rows, for each of the two databases.

use chrono::DateTime;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Postgres, Row, Sqlite};

use super::sql::{Kind, Value};
use crate::store::error::StoreError;

pub(super) fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Id => "uuid",
        Kind::Time => "timestamptz",
        Kind::Text => "text",
        Kind::Real => "float8",
        Kind::Flag => "bool",
        Kind::Whole => "int8",
        Kind::Money => "numeric",
        Kind::Blob => "bytea",
    }
}

pub(super) type SqliteQuery<'q> = Query<'q, Sqlite, SqliteArguments>;
pub(super) type PostgresQuery<'q> = Query<'q, Postgres, PgArguments>;

pub(super) fn bind_sqlite(query: SqliteQuery<'_>, value: Value) -> SqliteQuery<'_> {
    match value {
        Value::Id(id) => query.bind(id),
        Value::Time(at) => query.bind(at.map(|at| at.timestamp_micros())),
        Value::Text(text) => query.bind(text),
        Value::Real(number) => query.bind(number),
        Value::Flag(flag) => query.bind(flag),
        Value::Whole(number) => query.bind(number),
        Value::Money(amount) => query.bind(amount.map(|amount| amount.normalize().to_string())),
        Value::Blob(bytes) => query.bind(bytes),
    }
}

pub(super) fn bind_postgres(query: PostgresQuery<'_>, value: Value) -> PostgresQuery<'_> {
    match value {
        Value::Id(id) => query.bind(id),
        Value::Time(at) => query.bind(at),
        Value::Text(text) => query.bind(text.map(without_nul)),
        Value::Real(number) => query.bind(number),
        Value::Flag(flag) => query.bind(flag),
        Value::Whole(number) => query.bind(number),
        Value::Money(amount) => query.bind(amount),
        Value::Blob(bytes) => query.bind(bytes),
    }
}

/// PostgreSQL's text cannot hold the character 0; one such row must not fail its neighbours.
fn without_nul(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    }
}

pub(super) fn bind_array(query: PostgresQuery<'_>, kind: Kind, values: Vec<Value>) -> PostgresQuery<'_> {
    // A value of another kind than its column's would be a mistake in this folder's tables; it becomes NULL.
    match kind {
        Kind::Id => query.bind(pick(values, |v| if let Value::Id(id) = v { id } else { None })),
        Kind::Time => query.bind(pick(values, |v| if let Value::Time(at) = v { at } else { None })),
        Kind::Text => query.bind(pick(values, |v| {
            if let Value::Text(t) = v {
                t.map(without_nul)
            } else {
                None
            }
        })),
        Kind::Real => query.bind(pick(values, |v| if let Value::Real(n) = v { n } else { None })),
        Kind::Flag => query.bind(pick(values, |v| if let Value::Flag(f) = v { f } else { None })),
        Kind::Whole => query.bind(pick(values, |v| if let Value::Whole(n) = v { n } else { None })),
        Kind::Money => query.bind(pick(values, |v| if let Value::Money(m) = v { m } else { None })),
        Kind::Blob => query.bind(pick(values, |v| if let Value::Blob(b) = v { b } else { None })),
    }
}

fn pick<T>(values: Vec<Value>, one: impl Fn(Value) -> Option<T>) -> Vec<Option<T>> {
    values.into_iter().map(one).collect()
}

pub(super) fn read_sqlite(row: &SqliteRow, kinds: &[Kind]) -> Result<Vec<Value>, StoreError> {
    let read = |(n, kind): (usize, &Kind)| {
        Ok(match kind {
            Kind::Id => Value::Id(row.try_get(n)?),
            Kind::Time => {
                let micros: Option<i64> = row.try_get(n)?;
                Value::Time(micros.and_then(DateTime::from_timestamp_micros))
            }
            Kind::Text => Value::Text(row.try_get(n)?),
            Kind::Real => Value::Real(row.try_get(n)?),
            Kind::Flag => Value::Flag(row.try_get(n)?),
            Kind::Whole => Value::Whole(row.try_get(n)?),
            Kind::Money => {
                let text: Option<String> = row.try_get(n)?;
                let amount = text
                    .map(|text| text.parse().map_err(|_| corrupt(&text)))
                    .transpose()?;
                Value::Money(amount)
            }
            Kind::Blob => Value::Blob(row.try_get(n)?),
        })
    };
    kinds.iter().enumerate().map(read).collect()
}

fn corrupt(text: &str) -> StoreError {
    StoreError::Corrupt(format!("`{text}` is no amount"))
}

pub(super) fn read_postgres(row: &PgRow, kinds: &[Kind]) -> Result<Vec<Value>, StoreError> {
    let read = |(n, kind): (usize, &Kind)| {
        Ok(match kind {
            Kind::Id => Value::Id(row.try_get(n)?),
            Kind::Time => Value::Time(row.try_get(n)?),
            Kind::Text => Value::Text(row.try_get(n)?),
            Kind::Real => Value::Real(row.try_get(n)?),
            Kind::Flag => Value::Flag(row.try_get(n)?),
            Kind::Whole => Value::Whole(row.try_get(n)?),
            Kind::Money => Value::Money(row.try_get(n)?),
            Kind::Blob => Value::Blob(row.try_get(n)?),
        })
    };
    kinds.iter().enumerate().map(read).collect()
}
