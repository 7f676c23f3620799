//! How a job ends: done, tried again later, or given up with an event on its change.

use std::time::Duration;

use super::{Job, JobError, Runner, StoreError, millis, result::lost};
use crate::store;

/// First wait before another try; doubled each time, with full jitter.
const BASE: Duration = Duration::from_secs(1);
/// Longest wait before another try.
const CAP: Duration = Duration::from_secs(300);

impl Runner {
    /// Records what came of a job; gives the next of its lane if that may begin, and the caller `goes_on`.
    pub(super) async fn finish(
        &self,
        job: &Job,
        outcome: Result<(), JobError>,
        goes_on: bool,
    ) -> Result<Option<Job>, StoreError> {
        let (db, now) = (self.engine.db(), self.now());
        let held = match outcome {
            // What was reported has ended the job in its own commit, and holds nothing any more.
            Ok(()) => return self.completions.complete(job, goes_on, millis(self.lease)).await,
            Err(JobError::NotYet { why, after }) => {
                store::queue::wait(db, &job.ticket, now + millis(after), &why).await?
            }
            Err(JobError::Retry { why, after }) if job.attempts < job.max_attempts => {
                let wait = after.unwrap_or_else(|| self.backoff(job.attempts));
                self.engine.counts().retries.one();
                tracing::info!(job.kind = %job.kind, attempt = job.attempts, wait_ms = millis(wait), error = %why, "job will be tried again");
                store::queue::retry(db, &job.ticket, now + millis(wait), &why).await?
            }
            // In a box: it is seldom, and would be carried along by every job that is set to work.
            Err(JobError::Retry { why, .. } | JobError::Permanent { why }) => {
                Box::pin(self.give_up(job, &why)).await?
            }
        };
        if !held {
            lost(&self.engine, job);
        }
        Ok(None)
    }

    /// Buries a job and tells people; false if its claim is void.
    async fn give_up(&self, job: &Job, why: &str) -> Result<bool, StoreError> {
        let held = store::queue::bury(self.engine.db(), &job.ticket, self.now(), why).await?;
        if held {
            self.engine.counts().dead.one();
            tracing::error!(job.kind = %job.kind, job.id = %job.ticket.id, error = %why, "job given up");
            if let Some(handler) = self.handlers.get(job.kind.as_str()) {
                handler.gave_up(job, why).await;
            }
            self.engine.tell_dead(job, why).await?;
        }
        Ok(held)
    }

    fn backoff(&self, attempt: i32) -> Duration {
        let ceiling = BASE.saturating_mul(1 << attempt.clamp(0, 12)).min(CAP);
        ceiling.mul_f64(self.chance())
    }
}
