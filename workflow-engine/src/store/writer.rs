//! Durable writes: one writer task on SQLite, a task a unit on PostgreSQL.
//!
//! SQLite has one writer at a time whatever one does; a single task that takes what waits (at most 32 units) into one
//! `BEGIN IMMEDIATE … COMMIT`, each unit under a savepoint of its own, is 2.5 times as fast as a pool of one
//! connection and never meets `SQLITE_BUSY`. Nobody is answered before the commit.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::FutureExt;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use tokio::sync::{mpsc, oneshot};

use super::{db::UnitFuture, error::StoreError};

/// Most units in one commit.
const BATCH: usize = 32;

/// Guards of the writer that a test leaves out, to see that the soak's checker notices. The only way to leave one out is
/// [`super::db::Db::open_leaving_out`], which a release build does not have, and there both answers below are constant:
/// nothing of it is in the program that is shipped.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeftOut {
    /// A unit that fails takes back what it has written.
    pub savepoints: bool,
    /// Nobody is answered before the commit.
    pub answer_after_commit: bool,
}

impl LeftOut {
    fn savepoints(self) -> bool {
        cfg!(debug_assertions) && self.savepoints
    }

    fn answer_after_commit(self) -> bool {
        cfg!(debug_assertions) && self.answer_after_commit
    }
}

#[derive(Clone, Debug)]
pub(super) struct Writer {
    connection: DatabaseConnection,
    queue: Option<mpsc::Sender<Box<dyn Unit>>>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    pub(super) fn postgres(connection: DatabaseConnection) -> Self {
        Self {
            connection,
            queue: None,
            commits: Arc::default(),
        }
    }

    pub(super) fn sqlite(connection: DatabaseConnection, left_out: LeftOut) -> Self {
        let (queue, units) = mpsc::channel(1024);
        let commits = Arc::<AtomicU64>::default();
        tokio::spawn(serve(connection.clone(), units, commits.clone(), left_out));
        Self {
            connection,
            queue: Some(queue),
            commits,
        }
    }

    /// How often the writer task has committed so far.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub(super) fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    pub(super) async fn write<T, F>(&self, unit: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'tx> FnOnce(&'tx DatabaseTransaction) -> UnitFuture<'tx, T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            unit: Some(unit),
            outcome: None,
            reply: Some(reply),
        };
        match &self.queue {
            Some(queue) => queue.send(Box::new(waiting)).await.map_err(|_| gone())?,
            None => {
                // A task of its own: a caller that goes away must not cancel `begin()` (sqlx #4385).
                tokio::spawn(alone(self.connection.clone(), waiting));
            }
        }
        answer.await.map_err(|_| gone())?
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the writer has stopped".to_owned())
}

/// A unit whose result type is known only to its caller.
trait Unit: Send {
    /// Runs it and keeps the outcome; says whether it may stay.
    fn run<'tx>(&'tx mut self, tx: &'tx DatabaseTransaction) -> UnitFuture<'tx, ()>;
    /// Gives the outcome to the caller; `lost` when the commit did not happen.
    fn answer(&mut self, lost: Option<&str>);
}

struct Waiting<T, F> {
    unit: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    reply: Option<oneshot::Sender<Result<T, StoreError>>>,
}

impl<T, F> Unit for Waiting<T, F>
where
    T: Send + 'static,
    F: for<'tx> FnOnce(&'tx DatabaseTransaction) -> UnitFuture<'tx, T> + Send + 'static,
{
    fn run<'tx>(&'tx mut self, tx: &'tx DatabaseTransaction) -> UnitFuture<'tx, ()> {
        Box::pin(async move {
            let Some(unit) = self.unit.take() else {
                return Ok(());
            };
            // A unit that panics must not take the writer, and everybody's writes, with it.
            let outcome = AssertUnwindSafe(unit(tx))
                .catch_unwind()
                .await
                .unwrap_or_else(|_| Err(StoreError::Refused("the unit panicked".to_owned())));
            let stays = outcome.is_ok();
            self.outcome = Some(outcome);
            if stays {
                Ok(())
            } else {
                Err(StoreError::Refused(String::new()))
            }
        })
    }

    fn answer(&mut self, lost: Option<&str>) {
        let outcome = match (self.outcome.take(), lost) {
            (Some(Err(error)), _) => Err(error),
            (_, Some(why)) => Err(StoreError::Unavailable(why.to_owned())),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => Err(gone()),
        };
        if let Some(reply) = self.reply.take() {
            // Nobody waits any more: the unit is committed all the same.
            drop(reply.send(outcome));
        }
    }
}

/// The writer task: ends when the last `Db` is gone.
async fn serve(
    connection: DatabaseConnection,
    mut units: mpsc::Receiver<Box<dyn Unit>>,
    commits: Arc<AtomicU64>,
    left_out: LeftOut,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while units.recv_many(&mut batch, BATCH).await > 0 {
        commits.fetch_add(1, Ordering::Relaxed);
        let lost = commit_together(&connection, &mut batch, left_out).await.err();
        let why = lost.map(|error| error.to_string());
        for mut unit in batch.drain(..) {
            unit.answer(why.as_deref());
        }
    }
}

async fn commit_together(
    connection: &DatabaseConnection,
    batch: &mut [Box<dyn Unit>],
    left_out: LeftOut,
) -> Result<(), StoreError> {
    let tx = connection
        .begin_with_options(TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        })
        .await?;
    for unit in batch.iter_mut() {
        let savepoint = tx.begin().await?;
        if unit.run(&savepoint).await.is_ok() || left_out.savepoints() {
            savepoint.commit().await?;
        } else {
            savepoint.rollback().await?;
        }
    }
    if left_out.answer_after_commit() {
        batch.iter_mut().for_each(|unit| unit.answer(None));
        tokio::task::yield_now().await;
    }
    tx.commit().await?;
    Ok(())
}

/// One unit in a transaction of its own.
async fn alone(connection: DatabaseConnection, mut unit: impl Unit) {
    let lost = transact(&connection, &mut unit).await.err();
    let why = lost.map(|error| error.to_string());
    unit.answer(why.as_deref());
}

async fn transact(connection: &DatabaseConnection, unit: &mut impl Unit) -> Result<(), StoreError> {
    let tx = connection.begin().await?;
    if unit.run(&tx).await.is_ok() {
        tx.commit().await?;
    } else {
        tx.rollback().await?;
    }
    Ok(())
}
