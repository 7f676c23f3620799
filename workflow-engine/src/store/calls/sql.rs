//! Rows as plain values, so that one text of SQL serves SQLite and PostgreSQL alike.
//!
//! In the texts `?` stands for one value and `IN ??` for a list. On PostgreSQL a list is one array and many rows are
//! one `unnest`; on SQLite they are `VALUES` of at most 50 rows, which is five times as fast as row by row.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Postgres, Row, Sqlite};
use uuid::Uuid;

use super::codec::{bind_array, bind_postgres, bind_sqlite, read_postgres, read_sqlite, type_name};
use crate::store::error::StoreError;

/// Rows of one `VALUES` on SQLite.
const ROWS: usize = 50;
/// Values of one list on SQLite.
const LIST: usize = 512;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Time,
    Text,
    Real,
    Flag,
    Whole,
    Money,
    Blob,
}

/// A value, or its absence, of a known kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Id(Option<Uuid>),
    Time(Option<DateTime<Utc>>),
    Text(Option<String>),
    Real(Option<f64>),
    Flag(Option<bool>),
    Whole(Option<i64>),
    Money(Option<Decimal>),
    Blob(Option<Vec<u8>>),
}

/// A list for `IN ??`.
pub(super) enum List<'a> {
    Ids(&'a [Uuid]),
    Wholes(&'a [i64]),
}

/// A connection that is used by one task until it is dropped.
pub(super) enum Conn {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Conn {
    /// Runs a statement without values.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), StoreError> {
        self.execute(sql, &[]).await.map(|_| ())
    }

    /// Runs a statement; says how many rows it touched.
    pub(super) async fn execute(&mut self, sql: &str, binds: &[Value]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(conn) => {
                let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
                let query = binds.iter().cloned().fold(query, bind_sqlite);
                Ok(query.execute(&mut **conn).await?.rows_affected())
            }
            Self::Postgres(conn) => {
                let query = sqlx::query(AssertSqlSafe(numbered(sql)));
                let query = binds.iter().cloned().fold(query, bind_postgres);
                Ok(query.execute(&mut **conn).await?.rows_affected())
            }
        }
    }

    /// The rows that a query without a list finds.
    pub(super) async fn fetch(
        &mut self,
        sql: &str,
        binds: &[Value],
        kinds: &[Kind],
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        match self {
            Self::Sqlite(conn) => {
                let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
                let query = binds.iter().cloned().fold(query, bind_sqlite);
                let rows = query.fetch_all(&mut **conn).await?;
                rows.iter().map(|row| read_sqlite(row, kinds)).collect()
            }
            Self::Postgres(conn) => {
                let query = sqlx::query(AssertSqlSafe(numbered(sql)));
                let query = binds.iter().cloned().fold(query, bind_postgres);
                let rows = query.fetch_all(&mut **conn).await?;
                rows.iter().map(|row| read_postgres(row, kinds)).collect()
            }
        }
    }

    /// The rows that a query with a list (`IN ??`, the first of its values) finds.
    pub(super) async fn fetch_in(
        &mut self,
        sql: &str,
        list: List<'_>,
        binds: &[Value],
        kinds: &[Kind],
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        let mut out = Vec::new();
        match self {
            Self::Sqlite(conn) => {
                for chunk in chunks(&list) {
                    let holes = vec!["?"; chunk.len()].join(",");
                    let sql = sql.replace("IN ??", &format!("IN ({holes})"));
                    let query = sqlx::query(AssertSqlSafe(sql));
                    let query = chunk
                        .into_iter()
                        .chain(binds.iter().cloned())
                        .fold(query, bind_sqlite);
                    for row in &query.fetch_all(&mut **conn).await? {
                        out.push(read_sqlite(row, kinds)?);
                    }
                }
            }
            Self::Postgres(conn) => {
                let sql = numbered(&sql.replace("IN ??", "= ANY(?)"));
                let query = sqlx::query(AssertSqlSafe(sql));
                let query = match list {
                    List::Ids(ids) => query.bind(ids.to_vec()),
                    List::Wholes(numbers) => query.bind(numbers.to_vec()),
                };
                let query = binds.iter().cloned().fold(query, bind_postgres);
                for row in &query.fetch_all(&mut **conn).await? {
                    out.push(read_postgres(row, kinds)?);
                }
            }
        }
        Ok(out)
    }

    /// Deletes what a list names; `sql` ends in `IN ??` or goes on with more conditions.
    pub(super) async fn delete_in(
        &mut self,
        sql: &str,
        ids: &[Uuid],
        binds: &[Value],
    ) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        self.fetch_in(sql, List::Ids(ids), binds, &[]).await.map(|_| ())
    }

    /// Inserts rows of those columns. `tail` is the conflict clause; with `RETURNING id` the ids that went in come back.
    pub(super) async fn insert(
        &mut self,
        table: &str,
        columns: &[(&str, Kind)],
        rows: Vec<Vec<Value>>,
        tail: &str,
    ) -> Result<Vec<Uuid>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let head = format!("INSERT INTO {table} ({})", names.join(", "));
        match self {
            Self::Sqlite(conn) => insert_sqlite(conn, &head, tail, rows).await,
            Self::Postgres(conn) => insert_postgres(conn, &head, tail, columns, rows).await,
        }
    }
}

async fn insert_sqlite(
    conn: &mut PoolConnection<Sqlite>,
    head: &str,
    tail: &str,
    rows: Vec<Vec<Value>>,
) -> Result<Vec<Uuid>, StoreError> {
    let width = rows.first().map_or(0, Vec::len);
    let one = format!("({})", vec!["?"; width].join(","));
    let mut ids = Vec::new();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk: Vec<Vec<Value>> = rows.by_ref().take(ROWS).collect();
        let all = vec![one.as_str(); chunk.len()].join(",");
        let sql = format!("{head} VALUES {all} {tail}");
        let full = chunk.len() == ROWS;
        let query = sqlx::query(AssertSqlSafe(sql));
        let query = chunk
            .into_iter()
            .flatten()
            .fold(query, bind_sqlite)
            .persistent(full);
        for row in &query.fetch_all(&mut **conn).await? {
            ids.push(row.try_get::<Uuid, _>(0)?);
        }
    }
    Ok(ids)
}

async fn insert_postgres(
    conn: &mut PoolConnection<Postgres>,
    head: &str,
    tail: &str,
    columns: &[(&str, Kind)],
    rows: Vec<Vec<Value>>,
) -> Result<Vec<Uuid>, StoreError> {
    let arrays: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(n, (_, kind))| format!("${}::{}[]", n + 1, type_name(*kind)))
        .collect();
    let sql = format!("{head} SELECT * FROM unnest({}) {tail}", arrays.join(", "));
    let mut by_column: Vec<Vec<Value>> = columns.iter().map(|_| Vec::with_capacity(rows.len())).collect();
    for row in rows {
        for (column, value) in by_column.iter_mut().zip(row) {
            column.push(value);
        }
    }
    let query = sqlx::query(AssertSqlSafe(sql));
    let query = by_column
        .into_iter()
        .zip(columns)
        .fold(query, |query, (values, (_, kind))| {
            bind_array(query, *kind, values)
        });
    let rows = query.fetch_all(&mut **conn).await?;
    rows.iter().map(|row| Ok(row.try_get::<Uuid, _>(0)?)).collect()
}

/// `?` as `$1`, `$2`, …
fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    for (n, piece) in sql.split('?').enumerate() {
        if n > 0 {
            out.push_str(&format!("${n}"));
        }
        out.push_str(piece);
    }
    out
}

/// A list in pieces whose lengths are powers of two (the last value repeats), so that few statements are prepared.
fn chunks(list: &List<'_>) -> Vec<Vec<Value>> {
    let values: Vec<Value> = match list {
        List::Ids(ids) => ids.iter().map(|id| Value::Id(Some(*id))).collect(),
        List::Wholes(numbers) => numbers.iter().map(|n| Value::Whole(Some(*n))).collect(),
    };
    values
        .chunks(LIST)
        .map(|chunk| {
            let mut chunk = chunk.to_vec();
            if let Some(last) = chunk.last().cloned() {
                chunk.resize(chunk.len().next_power_of_two(), last);
            }
            chunk
        })
        .collect()
}

/// Takes typed values out of a row, in order.
pub(super) struct Reader(std::vec::IntoIter<Value>);

impl Reader {
    pub(super) fn of(row: Vec<Value>) -> Self {
        Self(row.into_iter())
    }

    pub(super) fn id(&mut self) -> Uuid {
        match self.0.next() {
            Some(Value::Id(Some(id))) => id,
            _ => Uuid::nil(),
        }
    }

    pub(super) fn time(&mut self) -> Option<DateTime<Utc>> {
        if let Some(Value::Time(at)) = self.0.next() {
            at
        } else {
            None
        }
    }

    pub(super) fn text(&mut self) -> Option<String> {
        if let Some(Value::Text(text)) = self.0.next() {
            text
        } else {
            None
        }
    }

    pub(super) fn real(&mut self) -> Option<f64> {
        if let Some(Value::Real(number)) = self.0.next() {
            number
        } else {
            None
        }
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        if let Some(Value::Flag(flag)) = self.0.next() {
            flag
        } else {
            None
        }
    }

    pub(super) fn whole(&mut self) -> Option<i64> {
        if let Some(Value::Whole(number)) = self.0.next() {
            number
        } else {
            None
        }
    }

    pub(super) fn money(&mut self) -> Option<Decimal> {
        if let Some(Value::Money(amount)) = self.0.next() {
            amount
        } else {
            None
        }
    }

    pub(super) fn blob(&mut self) -> Vec<u8> {
        match self.0.next() {
            Some(Value::Blob(Some(bytes))) => bytes,
            _ => Vec::new(),
        }
    }
}
