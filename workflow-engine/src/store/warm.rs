//! Single statements on PostgreSQL: on connections that stay out of the pool in between.
//!
//! A connection that goes back to the pool costs two more round trips each time: the guard's `ROLLBACK` (see
//! [`super::db`]) and SQLx's ping. One that has only ever run single, autocommitted statements, each to its end, has
//! nothing to roll back and has just answered. It is kept here for the next statement.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{
    PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use tokio::sync::Semaphore;

use super::error::StoreError;

/// Connections of the pool that single statements leave alone: for units with a transaction, pages and the sealer, which
/// would never get one otherwise while single statements come without a pause.
const LEFT_TO_OTHERS: u32 = 4;
/// How long a statement waits for its turn, as the pool has it.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection goes through the pool, its guards and its limits on a connection's age, this often.
const OUT: Duration = Duration::from_secs(60);
/// One that has been idle for longer goes back: the server or something between may have closed it.
const IDLE: Duration = Duration::from_secs(20);

/// A statement with its values.
pub(super) type Bound = Query<'static, Postgres, PgArguments>;

/// Connections out of the pool and ready; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Warm {
    pool: PgPool,
    kept: Arc<Kept>,
    keeps: bool,
    turns: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Kept(Mutex<Vec<Connection>>);

#[derive(Debug)]
struct Connection {
    inner: PoolConnection<Postgres>,
    out_since: Instant,
    used_at: Instant,
}

impl Warm {
    /// Keeps connections of `pool`, which gives at most `limit`; of a small pool, none.
    pub(super) fn new(pool: PgPool, limit: u32) -> Self {
        let keeps = limit > LEFT_TO_OTHERS;
        let most = if keeps { limit - LEFT_TO_OTHERS } else { limit };
        Self {
            pool,
            kept: Arc::default(),
            keeps,
            turns: Arc::new(Semaphore::new(most.max(1) as usize)),
        }
    }

    /// Runs one statement to its end, also when the caller goes away, and gives its rows.
    ///
    /// The text must be one statement that opens no transaction.
    pub(super) async fn rows(&self, statement: Bound) -> Result<Vec<PgRow>, StoreError> {
        let warm = self.clone();
        tokio::spawn(async move { warm.to_its_end(statement).await })
            .await
            .map_err(|_| StoreError::Unavailable("the statement's task ended early".to_owned()))?
    }

    async fn to_its_end(&self, statement: Bound) -> Result<Vec<PgRow>, StoreError> {
        let late = || StoreError::Unavailable("no free connection in time".to_owned());
        let turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await;
        let _turn = turn.map_err(|_| late())?.map_err(|_| late())?;
        let mut connection = self.take().await?;
        let rows = statement.fetch_all(&mut *connection.inner).await;
        match &rows {
            Ok(_) | Err(sqlx::Error::Database(_)) => self.keep(connection),
            // The pool looks at this one and closes it; what happened to it has likely happened to the others.
            Err(_) => self.kept.give_back(|_| true),
        }
        Ok(rows?)
    }

    /// How many are kept now.
    pub(super) fn ready(&self) -> u64 {
        self.kept.lock().len() as u64
    }

    async fn take(&self) -> Result<Connection, StoreError> {
        self.kept.give_back(|kept| kept.used_at.elapsed() > IDLE);
        let kept = self.kept.lock().pop();
        if let Some(connection) = kept {
            return Ok(connection);
        }
        let now = Instant::now();
        Ok(Connection {
            inner: self.pool.acquire().await?,
            out_since: now,
            used_at: now,
        })
    }

    fn keep(&self, mut connection: Connection) {
        if self.keeps && connection.out_since.elapsed() < OUT {
            connection.used_at = Instant::now();
            self.kept.lock().push(connection);
        }
    }
}

impl Kept {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, which: impl Fn(&Connection) -> bool) {
        self.lock().retain(|connection| !which(connection));
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SQLx needs a runtime to take a connection back. Without one, the server sees it close.
        if tokio::runtime::Handle::try_current().is_err() {
            for connection in self.lock().drain(..) {
                drop(connection.inner.leak());
            }
        }
    }
}
