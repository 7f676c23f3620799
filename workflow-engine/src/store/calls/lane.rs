//! One lane into the database: requests that wait share a commit, and nobody is answered before it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::pool::Pool;
use super::unit::{Batch, store};
use crate::ports::clock::Clock;
use crate::store::error::StoreError;
use crate::usage::attribute::Rules;
use crate::usage::report::{Delivery, Recorded};

/// Most reports and notes of one commit, unless one delivery alone has more.
const ROWS: usize = 2_000;

/// A delivery that waits for its commit.
pub(super) struct Waiting {
    pub(super) source: String,
    pub(super) delivery: Delivery,
    pub(super) rules: Arc<Rules>,
    pub(super) reply: oneshot::Sender<Result<Recorded, StoreError>>,
    /// Its share of the queue's bytes.
    pub(super) room: OwnedSemaphorePermit,
}

impl Waiting {
    /// Gives the room back and then answers: whoever has the answer finds the room free. A caller that has gone away
    /// does not mind.
    fn answer(self, recorded: Result<Recorded, StoreError>) {
        drop(self.room);
        let _ = self.reply.send(recorded);
    }

    fn rows(&self) -> usize {
        self.delivery.reports.len() + self.delivery.notes.len() + self.delivery.rejects.len()
    }
}

/// Serves the queue until every sender is gone. What queues up during one commit goes into the next together, so
/// a lone request waits for nobody and a crowd pays for few commits.
pub(super) async fn serve(pool: Pool, clock: Arc<dyn Clock>, mut queue: mpsc::UnboundedReceiver<Waiting>) {
    let mut next = queue.recv().await;
    while let Some(first) = next.take() {
        let mut rows = first.rows();
        let mut batch = vec![first];
        while rows < ROWS
            && let Ok(waiting) = queue.try_recv()
        {
            rows += waiting.rows();
            batch.push(waiting);
        }
        answer(&pool, clock.as_ref(), batch).await;
        next = queue.recv().await;
    }
}

async fn answer(pool: &Pool, clock: &dyn Clock, batch: Vec<Waiting>) {
    match commit(pool, clock, &batch).await {
        Ok(answers) => {
            for (waiting, recorded) in batch.into_iter().zip(answers) {
                waiting.answer(Ok(recorded));
            }
        }
        Err(StoreError::Refused(_) | StoreError::Corrupt(_)) if batch.len() > 1 => {
            // One delivery may hold what the database does not take; its neighbours must not suffer for it.
            for waiting in batch {
                let recorded = commit(pool, clock, std::slice::from_ref(&waiting)).await;
                let alone = recorded.map(|answers| answers.into_iter().next().unwrap_or_default());
                waiting.answer(alone);
            }
        }
        Err(error) => {
            let text = error.to_string();
            tracing::warn!(error = %text, requests = batch.len(), "calls were not stored");
            let mut error = Some(error);
            for waiting in batch {
                let own = error
                    .take()
                    .unwrap_or_else(|| StoreError::Unavailable(text.clone()));
                waiting.answer(Err(own));
            }
        }
    }
}

async fn commit(pool: &Pool, clock: &dyn Clock, waiting: &[Waiting]) -> Result<Vec<Recorded>, StoreError> {
    let batch = Batch {
        deliveries: waiting.iter().map(|w| (w.source.as_str(), &w.delivery)).collect(),
        now: clock.now(),
    };
    let Some(rules) = waiting.last().map(|w| w.rules.clone()) else {
        return Ok(Vec::new());
    };
    let mut conn = pool.begin().await?;
    // One delivery that trips over a bug must not stop the lane for all others.
    let stored = AssertUnwindSafe(store(&mut conn, &batch, &rules))
        .catch_unwind()
        .await;
    let stored =
        stored.unwrap_or_else(|_| Err(StoreError::Refused("a call could not be handled".to_owned())));
    pool.end(conn, stored).await
}
