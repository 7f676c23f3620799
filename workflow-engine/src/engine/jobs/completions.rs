//! Finished jobs leave together: whoever comes first writes for all who wait, and each is told of its own job.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Turn, oneshot};

use crate::{
    engine::Engine,
    store::{commit::JobTicket, error::StoreError, queue},
};

/// Most jobs in one statement.
const TOGETHER: usize = 64;

/// The way out for finished jobs of one replica. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Completions {
    waiting: Arc<Mutex<Vec<Waiting>>>,
    // Statements that lock many rows of this replica's jobs take turns: two at once could wait for each other.
    turn: Arc<Turn<()>>,
}

struct Waiting {
    ticket: JobTicket,
    reply: oneshot::Sender<Result<bool, StoreError>>,
}

impl Completions {
    /// Marks the claim's job as done; answers after the commit, and false if the claim was void.
    ///
    /// # Errors
    /// When the database does not answer: the lease runs out and the job is done again.
    pub(super) async fn complete(&self, engine: &Engine, ticket: &JobTicket) -> Result<bool, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.waiting().push(Waiting {
            ticket: ticket.clone(),
            reply,
        });
        {
            let _turn = self.turn.lock().await;
            // Whoever had the turn before may have taken ours along; then there may be others', or nothing.
            self.write(engine).await;
        }
        answer
            .await
            .map_err(|_| StoreError::Unavailable("the completion was given up".to_owned()))?
    }

    /// Moves the leases of `held` on while nothing is being completed; see [`queue::heartbeat`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn heartbeat(
        &self,
        engine: &Engine,
        held: &[JobTicket],
        lease_ms: i64,
    ) -> Result<Vec<JobTicket>, StoreError> {
        let _turn = self.turn.lock().await;
        let now = engine.clock().now().timestamp_millis();
        queue::heartbeat(engine.db(), held, now, lease_ms).await
    }

    async fn write(&self, engine: &Engine) {
        let batch: Vec<Waiting> = {
            let mut waiting = self.waiting();
            let some = waiting.len().min(TOGETHER);
            waiting.drain(..some).collect()
        };
        if batch.is_empty() {
            return;
        }
        let tickets: Vec<JobTicket> = batch.iter().map(|waiting| waiting.ticket.clone()).collect();
        let now = engine.clock().now().timestamp_millis();
        let outcome = queue::complete(engine.db(), &tickets, now).await;
        for Waiting { ticket, reply } in batch {
            let own = match &outcome {
                Ok(accepted) => Ok(accepted.contains(&ticket)),
                Err(error) => Err(StoreError::Unavailable(error.to_string())),
            };
            // Nobody waits any more: the job is done all the same.
            drop(reply.send(own));
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
