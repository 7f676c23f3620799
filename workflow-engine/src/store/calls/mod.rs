//! Calls: one row a call, once each, durable when answered, with hourly sums that equal the rows.
//!
//! They live apart from governance: a file of their own on SQLite, a pool of their own on PostgreSQL. Reading order:
//! [`CallStore::record`] → `lane` (sharing commits) → `unit` (one commit) → `sums` (deltas) → `read`.

mod codec;
mod columns;
mod content;
pub mod findings;
mod keys;
mod lane;
mod partitions;
mod pool;
mod prune;
pub mod read;
mod sql;
mod sums;
pub mod traffic;
mod unit;
mod write;

use std::sync::Arc;

use chrono::TimeDelta;
use sea_orm::DatabaseConnection;
use tokio::sync::{Semaphore, mpsc, oneshot};

use self::lane::Waiting;
use self::pool::Pool;
use self::sql::Conn;
use crate::ports::clock::Clock;
use crate::store::error::StoreError;
use crate::usage::attribute::Rules;
use crate::usage::report::{Delivery, Recorded};

/// Bytes of bodies that may wait for their commit; beyond, senders are asked to come again.
const QUEUE_BYTES: usize = 64 * 1024 * 1024;
/// The grain in which those bytes are counted.
const GRAIN: usize = 1024;

/// How long what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Rows of calls.
    pub calls: TimeDelta,
    /// Prompts and answers.
    pub content: TimeDelta,
    /// Spans that are no calls: how late an ancestor may come.
    pub spans: TimeDelta,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            calls: TimeDelta::days(400),
            content: TimeDelta::days(30),
            spans: TimeDelta::hours(1),
        }
    }
}

/// A delivery that was not stored.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// More waits than may wait; nothing was lost that was acknowledged.
    #[error("too much waits to be stored; send it again in {retry_after_s} s")]
    Busy {
        /// When to come again.
        retry_after_s: u64,
    },
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The store of calls. Cheap to clone.
#[derive(Clone)]
pub struct CallStore {
    pool: Pool,
    clock: Arc<dyn Clock>,
    queue: mpsc::UnboundedSender<Waiting>,
    room: Arc<Semaphore>,
}

impl CallStore {
    /// Opens `sqlite://PATH` (made if absent) or `postgres://…`; then run the migrations and [`CallStore::prepare`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with what to check.
    pub async fn open(url: &str, connections: u32, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::with_room(url, connections, clock, QUEUE_BYTES).await
    }

    /// As [`CallStore::open`], with other room for what waits.
    ///
    /// # Errors
    /// As [`CallStore::open`].
    pub async fn with_room(
        url: &str,
        connections: u32,
        clock: Arc<dyn Clock>,
        queue_bytes: usize,
    ) -> Result<Self, StoreError> {
        let pool = Pool::open(url, connections).await?;
        let (queue, waiting) = mpsc::unbounded_channel();
        tokio::spawn(lane::serve(pool.clone(), clock.clone(), waiting));
        Ok(Self {
            pool,
            clock,
            queue,
            room: Arc::new(Semaphore::new(queue_bytes / GRAIN)),
        })
    }

    /// The connection that migrations run on.
    #[must_use]
    pub fn for_migrations(&self) -> DatabaseConnection {
        self.pool.for_migrations()
    }

    /// Makes the day partitions around now. After the migrations, and once an hour.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        self.alone(Chore::Prepare).await.map(|_| ())
    }

    /// Stores a delivery of `bytes` bytes and answers when it is on disk. Deliveries that wait share a commit.
    ///
    /// # Errors
    /// [`RecordError::Busy`] when too much waits, else what the database says. Nothing of the delivery is stored then.
    pub async fn record(
        &self,
        source: &str,
        delivery: Delivery,
        rules: Arc<Rules>,
        bytes: usize,
    ) -> Result<Recorded, RecordError> {
        let grains = u32::try_from(bytes / GRAIN + 1).unwrap_or(u32::MAX);
        let room = self.room.clone().try_acquire_many_owned(grains);
        let room = room.map_err(|_| RecordError::Busy { retry_after_s: 1 })?;
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            source: source.to_owned(),
            delivery,
            rules,
            reply,
            room,
        };
        let gone = || StoreError::Unavailable("the writer of calls has stopped".to_owned());
        self.queue.send(waiting).map_err(|_| gone())?;
        Ok(answer.await.map_err(|_| gone())??)
    }

    /// Folds what waits into the hourly sums, at most 20,000 deltas; says how many. Once a second, and at once again
    /// while it was the most.
    ///
    /// # Errors
    /// When the database does not answer; nothing is lost then.
    pub async fn fold(&self) -> Result<usize, StoreError> {
        self.alone(Chore::Fold).await
    }

    /// Forgets what is kept no longer. Once an hour.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn prune(&self, keep: Retention) -> Result<(), StoreError> {
        self.alone(Chore::Prune(keep)).await.map(|_| ())
    }

    async fn reader(&self) -> Result<Conn, StoreError> {
        self.pool.reader().await
    }

    /// Runs a chore in a transaction of its own, in a task that nobody cancels.
    async fn alone(&self, chore: Chore) -> Result<usize, StoreError> {
        let (pool, now) = (self.pool.clone(), self.clock.now());
        let task = tokio::spawn(async move {
            let mut conn = pool.begin().await?;
            let done = match chore {
                Chore::Prepare => partitions::ensure(&mut conn, now).await.map(|()| 0),
                Chore::Fold => sums::fold(&mut conn).await,
                Chore::Prune(keep) => prune::prune(&mut conn, now, keep).await.map(|()| 0),
            };
            pool.end(conn, done).await
        });
        task.await
            .map_err(|error| StoreError::Unavailable(error.to_string()))?
    }
}

/// What is done from time to time.
enum Chore {
    Prepare,
    Fold,
    Prune(Retention),
}
