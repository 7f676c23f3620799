//! Finished jobs leave together, and each that goes on is given the next of its lane.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::{
    engine::Engine,
    store::{
        claims,
        commit::JobTicket,
        error::StoreError,
        queue::{Job, Wanted},
        together::{Batch, Together},
    },
};

/// Most jobs in one statement.
const MOST: usize = 256;

/// The way out for finished jobs of one replica. Clones share it.
#[derive(Clone)]
pub(super) struct Completions {
    ending: Ending,
    together: Together<Ending>,
}

/// A job that is done.
struct Done {
    ticket: JobTicket,
    lane: Option<String>,
    goes_on: bool,
    lease_ms: i64,
}

impl Completions {
    /// The way out for a runner that takes what is `wanted`.
    pub(super) fn new(engine: Engine, wanted: Arc<Wanted>) -> Self {
        let ending = Ending {
            engine,
            wanted,
            turn: Arc::default(),
        };
        Self {
            together: Together::new(ending.clone()),
            ending,
        }
    }

    /// Marks the claim's job as done, if the claim holds. Answers after the commit; with the next job of its lane, claimed
    /// for `lease_ms`, when the caller `goes_on`.
    ///
    /// # Errors
    /// When the database does not answer: the lease runs out and the job is done again.
    pub(super) async fn complete(
        &self,
        job: &Job,
        goes_on: bool,
        lease_ms: i64,
    ) -> Result<Option<Job>, StoreError> {
        let done = Done {
            ticket: job.ticket.clone(),
            lane: job.lane.clone(),
            goes_on,
            lease_ms,
        };
        let given_up = || StoreError::Unavailable("the completion was given up".to_owned());
        self.together.write(done).await.ok_or_else(given_up)?
    }

    /// Moves the leases of `held` on while nothing is being completed; see [`claims::heartbeat`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn heartbeat(
        &self,
        held: &[JobTicket],
        lease_ms: i64,
    ) -> Result<Vec<JobTicket>, StoreError> {
        let _turn = self.ending.turn.lock().await;
        claims::heartbeat(self.ending.engine.db(), held, self.ending.now(), lease_ms).await
    }
}

#[derive(Clone)]
struct Ending {
    engine: Engine,
    wanted: Arc<Wanted>,
    // Statements that lock many rows of this replica's jobs take turns: two at once could wait for each other.
    turn: Arc<Mutex<()>>,
}

impl Ending {
    fn now(&self) -> i64 {
        self.engine.clock().now().timestamp_millis()
    }
}

#[async_trait]
impl Batch for Ending {
    type Ask = Done;
    type Answer = Result<Option<Job>, StoreError>;
    const UNDER_WAY: usize = 1;

    fn goes_with(&self, done: &Done, taken: &[Done]) -> bool {
        taken.len() < MOST && taken.first().is_none_or(|first| first.goes_on == done.goes_on)
    }

    async fn carry_out(&self, batch: Vec<Done>) -> Vec<Self::Answer> {
        let _turn = self.turn.lock().await;
        let tickets: Vec<JobTicket> = batch.iter().map(|done| done.ticket.clone()).collect();
        let nothing = Wanted::default();
        let (wanted, lease_ms) = match batch.first() {
            Some(first) if first.goes_on => (self.wanted.as_ref(), first.lease_ms),
            _ => (&nothing, 0),
        };
        let completed = claims::complete(self.engine.db(), &tickets, wanted, self.now(), lease_ms).await;
        match completed {
            Ok(completed) => {
                let mut next = completed.next;
                let own = |done: Done| {
                    let at = next.iter().position(|job| job.lane == done.lane);
                    Ok(at.map(|at| next.swap_remove(at)))
                };
                batch.into_iter().map(own).collect()
            }
            Err(error) => batch
                .iter()
                .map(|_| Err(StoreError::Unavailable(error.to_string())))
                .collect(),
        }
    }
}
