//! Reads all rows as of one moment, while the service goes on.

use futures_util::TryStreamExt;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, IsolationLevel, Statement, StreamTrait, TransactionTrait,
};

use super::{
    super::{
        db::{Backend, Db},
        error::StoreError,
    },
    Column, Holds, Table,
};

/// One moment of the database; it ends when it is dropped.
#[derive(Debug)]
pub struct Snapshot {
    tx: DatabaseTransaction,
}

impl Snapshot {
    /// Takes it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take(db: &Db) -> Result<Self, StoreError> {
        // SQLite's transactions are snapshots by themselves.
        let postgres = db.backend() == Backend::Postgres;
        let level = postgres.then_some(IsolationLevel::RepeatableRead);
        let tx = db.reads().begin_with_config(level, None).await?;
        if postgres {
            tx.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
        }
        Ok(Self { tx })
    }

    /// Hands every row of `table` to `keep`, one line each; says how many there were.
    ///
    /// # Errors
    /// When the database does not answer, or `keep` fails.
    pub async fn lines<F>(&self, table: &Table, mut keep: F) -> Result<u64, StoreError>
    where
        F: FnMut(&str) -> std::io::Result<()>,
    {
        let backend = ConnectionTrait::get_database_backend(&self.tx);
        let postgres = backend == DbBackend::Postgres;
        let values: Vec<String> = table
            .columns
            .iter()
            .map(|column| value(column, postgres))
            .collect();
        let array = if postgres {
            format!("json_build_array({})::text", values.join(", "))
        } else {
            format!("json_array({})", values.join(", "))
        };
        let sql = format!("SELECT {array} AS line FROM {}", quoted(&table.name));
        let mut rows = self.tx.stream_raw(Statement::from_string(backend, sql)).await?;
        let mut count = 0;
        while let Some(row) = rows.try_next().await? {
            let line: String = row.try_get("", "line")?;
            keep(&line)
                .map_err(|why| StoreError::Unavailable(format!("the copy cannot be written: {why}")))?;
            count += 1;
        }
        Ok(count)
    }
}

fn value(column: &Column, postgres: bool) -> String {
    let name = quoted(&column.name);
    match (column.holds, postgres) {
        (Holds::Bytes, true) => format!("encode({name}, 'hex')"),
        // hex(NULL) is an empty text.
        (Holds::Bytes, false) => format!("CASE WHEN {name} IS NOT NULL THEN lower(hex({name})) END"),
        (Holds::Boolean, true) => format!("{name}::int"),
        _ => name,
    }
}

/// A name as SQL takes it; names come from a schema or from the manifest of a copy.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
