//! The connection to governance data: SQLite beside the program, or PostgreSQL.

use std::{
    fs::File,
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, Statement,
};
use sqlx::{
    Connection,
    sqlite::{SqliteJournalMode, SqliteSynchronous},
};

use super::{
    commit_postgres::Transitions,
    error::StoreError,
    pooler::{place, unmarked, with_session},
    statement::Text,
    warm::Warm,
    writer::{LeftOut, Writer},
};
use crate::values::ChangeNumber;

/// SQLite from 3.7.0 to 3.51.2 can corrupt a database when its write-ahead log is reset.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// Which database this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// One file, one process.
    Sqlite,
    /// Any number of processes.
    Postgres,
}

/// The connection: many readers, and writes that are durable when they are answered. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    backend: Backend,
    reads: DatabaseConnection,
    writer: Writer,
    // On PostgreSQL: for single statements, and for transitions.
    warm: Option<Warm>,
    transitions: Option<Transitions>,
    // On SQLite: the number last given to a change.
    last_number: Arc<tokio::sync::Mutex<Option<ChangeNumber>>>,
    // Keeps the operating system's lock on the SQLite file for as long as anybody uses it.
    _lock: Option<Arc<File>>,
}

/// One unit of writing: runs inside a transaction, all of it or nothing.
pub type UnitFuture<'tx, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'tx>>;

impl Db {
    /// Opens `sqlite://PATH` (made if absent) or `postgres://…` with at most `connections` to it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with a sentence that names the file or the server and what to do.
    pub async fn open(url: &str, connections: u32) -> Result<Self, StoreError> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            return open_sqlite(PathBuf::from(path), connections).await;
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return open_postgres(url, connections).await;
        }
        Err(StoreError::Unavailable(
            "database.url must begin with sqlite:// or postgres://".to_owned(),
        ))
    }

    /// Opens a database that a running service may be using, for one short write (making a token). SQLite's own locks
    /// keep the two apart; the service's lock on the file is left alone.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub async fn open_beside(url: &str) -> Result<Self, StoreError> {
        let Some(path) = url.strip_prefix("sqlite://") else {
            return Self::open(url, 2).await;
        };
        let path = PathBuf::from(path);
        let write = connect_sqlite(&path, 1, false).await?;
        new_enough(&write).await?;
        Ok(Self {
            backend: Backend::Sqlite,
            reads: connect_sqlite(&path, 2, true).await?,
            writer: Writer::sqlite(write, LeftOut::default()),
            warm: None,
            transitions: None,
            last_number: Arc::default(),
            _lock: None,
        })
    }

    /// Opens `sqlite://PATH` with a writer that lacks a guard, for the tests of the checker. A release build has no such
    /// thing.
    ///
    /// # Errors
    /// As [`Db::open`].
    #[cfg(debug_assertions)]
    pub async fn open_leaving_out(url: &str, left_out: LeftOut) -> Result<Self, StoreError> {
        let path = PathBuf::from(url.strip_prefix("sqlite://").unwrap_or(url));
        Ok(Self {
            writer: Writer::sqlite(connect_sqlite(&path, 1, false).await?, left_out),
            ..Self::open_beside(url).await?
        })
    }

    /// Opens a database that is there already, only to look at it; on SQLite also while a governor serves from it.
    ///
    /// # Errors
    /// As [`Db::open`], and when the SQLite file is not there.
    pub async fn open_for_reading(url: &str, connections: u32) -> Result<Self, StoreError> {
        let Some(path) = url.strip_prefix("sqlite://") else {
            return Self::open(url, connections).await;
        };
        let path = PathBuf::from(path);
        if !path.is_file() {
            return Err(StoreError::Unavailable(format!(
                "there is no database {}; name the configuration with --config, or set database.url",
                path.display()
            )));
        }
        let reads = connect_sqlite(&path, connections.max(2), true).await?;
        Ok(Self {
            backend: Backend::Sqlite,
            writer: Writer::sqlite(reads.clone(), LeftOut::default()),
            reads,
            warm: None,
            transitions: None,
            last_number: Arc::default(),
            _lock: None,
        })
    }

    /// Which database this is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// For reading. On SQLite these connections refuse to write.
    #[must_use]
    pub fn reads(&self) -> &DatabaseConnection {
        &self.reads
    }

    pub(super) fn warm(&self) -> Option<&Warm> {
        self.warm.as_ref()
    }

    pub(super) fn transitions(&self) -> Option<&Transitions> {
        self.transitions.as_ref()
    }

    pub(super) fn last_number(&self) -> &tokio::sync::Mutex<Option<ChangeNumber>> {
        &self.last_number
    }

    /// Runs `unit` as one durable transaction and answers after its commit.
    ///
    /// It runs in a task of its own, so a caller that goes away cannot leave it half done. On SQLite it shares a commit
    /// with others that wait; a unit that fails rolls back alone.
    ///
    /// # Errors
    /// What the unit says, or [`StoreError::Unavailable`] when the commit did not happen.
    pub async fn write<T, F>(&self, unit: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'tx> FnOnce(&'tx DatabaseTransaction) -> UnitFuture<'tx, T> + Send + 'static,
    {
        self.writer.write(unit).await
    }

    /// The connection that migrations run on: it may write, and nothing else may be under way.
    #[must_use]
    pub fn for_migrations(&self) -> &DatabaseConnection {
        self.writer.connection()
    }
}

/// How often the log was synced to disk so far: fewer syncs than commits means that commits share them. On SQLite, the
/// writer's commits.
///
/// # Errors
/// When the database does not answer.
pub async fn syncs(db: &Db) -> Result<f64, StoreError> {
    if db.backend == Backend::Sqlite {
        return Ok(db.writer.commits() as f64);
    }
    let rows = db
        .look(
            Text::same("SELECT wal_sync::float8 AS syncs FROM pg_stat_wal"),
            Vec::new(),
        )
        .await?;
    let row = rows
        .first()
        .ok_or_else(|| StoreError::Corrupt("no statistics of the log".to_owned()))?;
    Ok(row.try_get("", "syncs")?)
}

async fn open_postgres(url: &str, connections: u32) -> Result<Db, StoreError> {
    let (url, pooled) = unmarked(url);
    let place = place(&url);
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .test_before_acquire_if_idle_for(Duration::from_secs(30))
        .map_sqlx_postgres_opts(move |options| {
            let settings = [
                ("idle_in_transaction_session_timeout", "10s"),
                ("statement_timeout", "30s"),
                ("lock_timeout", "5s"),
                ("timezone", "UTC"),
                // Statements are planned once, on tables that may be empty then, and a plan that suits an empty table is kept
                // while it grows: a claim took forty times as long. Rows are looked up by an index here, in its order; what
                // has no index is read in full as before, but must not be compiled for its supposed cost.
                ("enable_seqscan", "off"),
                ("enable_bitmapscan", "off"),
                ("jit", "off"),
                // The ROLLBACK below warns each time that there was nothing to roll back, and that would be logged.
                ("client_min_messages", "error"),
            ];
            with_session(options, pooled, settings)
        })
        // SQLx 0.9.0 gives a connection whose `begin()` was cancelled back with its transaction open: the next user's
        // write would be acknowledged and lost. See docs/decisions.
        .map_sqlx_postgres_pool_opts(|pool| {
            pool.after_release(|connection, _| {
                Box::pin(async move {
                    sqlx::Executor::execute(&mut *connection, "ROLLBACK")
                        .await
                        .map(|_| true)
                })
            })
        });
    let connection = Database::connect(options).await.map_err(|error| {
        StoreError::Unavailable(format!(
            "cannot connect to PostgreSQL at {place} ({error}); check database.url, and that the server runs and lets this host in"
        ))
    })?;
    let warm = Warm::new(connection.get_postgres_connection_pool().clone(), connections);
    Ok(Db {
        backend: Backend::Postgres,
        writer: Writer::postgres(connection.clone()),
        transitions: Some(Transitions::new(warm.clone())),
        warm: Some(warm),
        reads: connection,
        last_number: Arc::default(),
        _lock: None,
    })
}

async fn open_sqlite(path: PathBuf, connections: u32) -> Result<Db, StoreError> {
    let lock = only_process(&path)?;
    let write = connect_sqlite(&path, 1, false).await?;
    new_enough(&write).await?;
    let reads = connect_sqlite(&path, connections.max(2), true).await?;
    Ok(Db {
        backend: Backend::Sqlite,
        reads,
        writer: Writer::sqlite(write, LeftOut::default()),
        warm: None,
        transitions: None,
        last_number: Arc::default(),
        _lock: Some(Arc::new(lock)),
    })
}

async fn connect_sqlite(path: &Path, limit: u32, read_only: bool) -> Result<DatabaseConnection, StoreError> {
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", path.display()));
    options
        .max_connections(limit)
        .min_connections(1)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_secs(10))
        .map_sqlx_sqlite_opts(move |options| {
            let options = options
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(10));
            if read_only {
                options.pragma("query_only", "on")
            } else {
                options
            }
        })
        // A commit that fails (full disk, I/O error) is rolled back by SQLite itself, yet SQLx goes on counting it as open:
        // what came next would be acknowledged inside a savepoint that nobody commits. Such a connection ends here.
        .map_sqlx_sqlite_pool_opts(|pool| {
            pool.after_release(|connection, _| {
                Box::pin(async move {
                    // What a dropped transaction still has to do is done by then.
                    connection.ping().await?;
                    Ok(!connection.is_in_transaction())
                })
            })
        });
    Database::connect(options).await.map_err(|error| {
        StoreError::Unavailable(format!(
            "cannot open {} ({error}); check that the folder exists and that this user may write there",
            path.display()
        ))
    })
}

/// A second process on the same file would not know of the first one's writer.
fn only_process(path: &Path) -> Result<File, StoreError> {
    let name = path.with_extension("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(|error| {
            StoreError::Unavailable(format!(
                "cannot write {} ({error}); check that the folder exists and that this user may write there",
                name.display()
            ))
        })?;
    file.try_lock().map_err(|_| {
        StoreError::Unavailable(format!(
            "another governor uses {}; SQLite serves one process, so stop that one or use PostgreSQL",
            path.display()
        ))
    })?;
    Ok(file)
}

async fn new_enough(connection: &DatabaseConnection) -> Result<(), StoreError> {
    let row = connection
        .query_one_raw(Statement::from_string(
            DbBackend::Sqlite,
            "SELECT sqlite_version() AS v",
        ))
        .await?;
    let version: String = row
        .map(|row| row.try_get("", "v"))
        .transpose()?
        .unwrap_or_default();
    if can_lose_data(&version) {
        return Err(StoreError::Unavailable(format!(
            "SQLite {version} can lose data when its log is reset; 3.51.3 or newer is needed"
        )));
    }
    Ok(())
}

fn can_lose_data(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next()) < OLDEST_SQLITE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_sqlite_that_can_lose_data_are_turned_away() {
        for old in ["3.7.0", "3.40.1", "3.51.2", ""] {
            assert!(can_lose_data(old), "{old}");
        }
        for new in ["3.51.3", "3.52.0", "4.0"] {
            assert!(!can_lose_data(new), "{new}");
        }
    }
}
