//! One statement on its own, in the words of either database.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};

use super::{
    db::Db,
    error::StoreError,
    warm::{Bound, Warm},
};

/// A statement in both dialects. Both take the same values in the same places; lists are one JSON text, so that the
/// text never changes and each connection prepares it once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    pub(super) postgres: &'static str,
    pub(super) sqlite: &'static str,
}

impl Text {
    /// The same words for both.
    pub(super) const fn same(text: &'static str) -> Self {
        Self {
            postgres: text,
            sqlite: text,
        }
    }
}

impl Db {
    /// Looks, and changes nothing.
    pub(super) async fn look(&self, text: Text, values: Vec<Value>) -> Result<Vec<QueryResult>, StoreError> {
        match self.warm() {
            Some(warm) => on_postgres(warm, text, values).await,
            None => {
                let statement = Statement::from_sql_and_values(DbBackend::Sqlite, text.sqlite, values);
                Ok(self.reads().query_all_raw(statement).await?)
            }
        }
    }

    /// One durable statement: autocommitted on PostgreSQL, a unit of the writer on SQLite. It gives the rows of its
    /// `RETURNING`.
    pub(super) async fn single(
        &self,
        text: Text,
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>, StoreError> {
        match self.warm() {
            Some(warm) => on_postgres(warm, text, values).await,
            None => {
                let statement = Statement::from_sql_and_values(DbBackend::Sqlite, text.sqlite, values);
                self.write(move |tx| Box::pin(async move { Ok(tx.query_all_raw(statement).await?) }))
                    .await
            }
        }
    }
}

async fn on_postgres(warm: &Warm, text: Text, values: Vec<Value>) -> Result<Vec<QueryResult>, StoreError> {
    let mut statement = sqlx::query(text.postgres);
    for value in values {
        statement = bind(statement, value)?;
    }
    let rows = warm.rows(statement).await?;
    Ok(rows.into_iter().map(QueryResult::from).collect())
}

/// The kinds of values that single statements take.
fn bind(statement: Bound, value: Value) -> Result<Bound, StoreError> {
    match value {
        Value::Int(number) => Ok(statement.bind(number)),
        Value::BigInt(number) => Ok(statement.bind(number)),
        Value::String(text) => Ok(statement.bind(text)),
        Value::Bytes(bytes) => Ok(statement.bind(bytes)),
        other => Err(StoreError::Refused(format!(
            "no single statement takes a value like {other:?}"
        ))),
    }
}
