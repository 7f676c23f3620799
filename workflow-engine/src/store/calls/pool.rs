//! Connections to the database of calls: one writer and many readers on SQLite, one pool on PostgreSQL.

use std::path::Path;
use std::time::Duration;

use sea_orm::{DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::sql::Conn;
use crate::store::error::StoreError;
use crate::store::pooler::{place, unmarked, with_session};

/// How long somebody waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub(super) enum Pool {
    Sqlite { write: SqlitePool, read: SqlitePool },
    Postgres(PgPool),
}

impl Pool {
    pub(super) async fn open(url: &str, connections: u32) -> Result<Self, StoreError> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            return sqlite(Path::new(path), connections).await;
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return postgres(url, connections).await;
        }
        let why = "database.calls_url must begin with sqlite:// or postgres://";
        Err(StoreError::Unavailable(why.to_owned()))
    }

    pub(super) fn for_migrations(&self) -> DatabaseConnection {
        match self {
            Self::Sqlite { write, .. } => SqlxSqliteConnector::from_sqlx_sqlite_pool(write.clone()),
            Self::Postgres(pool) => SqlxPostgresConnector::from_sqlx_postgres_pool(pool.clone()),
        }
    }

    /// A connection for reading.
    pub(super) async fn reader(&self) -> Result<Conn, StoreError> {
        Ok(match self {
            Self::Sqlite { read, .. } => Conn::Sqlite(read.acquire().await?),
            Self::Postgres(pool) => Conn::Postgres(pool.acquire().await?),
        })
    }

    /// A connection with a transaction open on it. Only for tasks that are not cancelled.
    pub(super) async fn begin(&self) -> Result<Conn, StoreError> {
        let mut conn = match self {
            Self::Sqlite { write, .. } => Conn::Sqlite(write.acquire().await?),
            Self::Postgres(pool) => Conn::Postgres(pool.acquire().await?),
        };
        let begin = match conn {
            Conn::Sqlite(_) => "BEGIN IMMEDIATE",
            Conn::Postgres(_) => "BEGIN",
        };
        conn.run(begin).await?;
        Ok(conn)
    }

    /// Commits what went well and rolls back what did not.
    pub(super) async fn end<T>(&self, mut conn: Conn, done: Result<T, StoreError>) -> Result<T, StoreError> {
        match done {
            Ok(value) => {
                if let Err(error) = conn.run("COMMIT").await {
                    roll_back(conn).await;
                    return Err(error);
                }
                Ok(value)
            }
            Err(error) => {
                roll_back(conn).await;
                Err(error)
            }
        }
    }
}

async fn roll_back(mut conn: Conn) {
    if conn.run("ROLLBACK").await.is_ok() {
        return;
    }
    // A connection of unknown state must not go back to the others.
    match conn {
        Conn::Sqlite(conn) => drop(conn.detach()),
        Conn::Postgres(conn) => drop(conn.detach()),
    }
}

async fn sqlite(path: &Path, connections: u32) -> Result<Pool, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(PATIENCE)
        .pragma("cache_size", "-65536");
    let pool = |limit: u32| {
        SqlitePoolOptions::new()
            .max_connections(limit)
            .acquire_timeout(PATIENCE)
    };
    let write = pool(1).connect_with(options.clone()).await.map_err(|error| {
        StoreError::Unavailable(format!(
            "cannot open {} ({error}); check that the folder exists and that this user may write there",
            path.display()
        ))
    })?;
    let read = pool(connections.max(2)).connect_lazy_with(options.pragma("query_only", "on"));
    Ok(Pool::Sqlite { write, read })
}

async fn postgres(url: &str, connections: u32) -> Result<Pool, StoreError> {
    let place = place(url);
    let explain = |error: sqlx::Error| {
        StoreError::Unavailable(format!(
            "cannot connect to PostgreSQL for calls at {place} ({error}); check database.calls_url, and that the server runs"
        ))
    };
    let (url, pooled) = unmarked(url);
    let options: PgConnectOptions = url.parse().map_err(explain)?;
    let settings = [
        ("idle_in_transaction_session_timeout", "30s"),
        ("statement_timeout", "60s"),
        ("lock_timeout", "30s"),
        ("timezone", "UTC"),
        // Acknowledged calls survive a crash of the server: 4 % at large commits (docs/benchmarks.md).
        ("synchronous_commit", "on"),
    ];
    let options = with_session(options, pooled, settings);
    let pool = PgPoolOptions::new()
        .max_connections(connections.max(3))
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        // A transaction that a cancelled task left open must not be inherited.
        .after_release(|conn, _| {
            Box::pin(async move {
                sqlx::Executor::execute(&mut *conn, "ROLLBACK")
                    .await
                    .map(|_| true)
            })
        })
        .connect_with(options)
        .await
        .map_err(explain)?;
    Ok(Pool::Postgres(pool))
}
