//! Posts a message once, however often its job is tried and whoever takes the job over.
//!
//! Chat has no way to post only once. So whoever may come second looks for the message's mark first, and whoever came
//! first asks, with nothing left to wait for but the post itself, whether the job is still theirs: a process that stood
//! still on its way here finds out and leaves the message to whoever has the job by then. One that stood still in the
//! middle of the post itself finds out afterwards: of two messages with one mark, whoever posted the later takes it back.

use std::time::{Duration, Instant};

use workflow_engine::{
    engine::{Engine, jobs::JobError},
    ports::chat::{Card, ChatError, ChatPlatform, MessageRef, Place},
    store::{claims, queue::Job},
};

use super::say::trouble;

/// How long the answer that a claim holds is good for. The shortest lease that can be configured is 3 seconds.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// Whose message it is, and where it goes.
pub struct Once<'job> {
    /// The engine whose job it is.
    pub engine: &'job Engine,
    /// The platform.
    pub platform: &'job dyn ChatPlatform,
    /// The job that says it.
    pub job: &'job Job,
}

/// Where the message stands.
#[derive(Debug)]
pub enum Posted {
    /// It was posted just now.
    Now(MessageRef),
    /// An earlier try or an earlier worker had posted it: what it shows may be of an earlier state.
    Before(MessageRef),
}

impl Once<'_> {
    /// Posts `card` under `mark` unless it is there already. Every claim but the job's first looks: tries would not do,
    /// since some are not counted.
    ///
    /// # Errors
    /// To be tried again when the platform or the database does not answer, or the claim is lost.
    pub async fn post(&self, to: &Place, card: &Card, mark: &str) -> Result<Posted, JobError> {
        // Waiting comes first, so that looking, asking and posting follow at once.
        let turn = self.platform.turn(to).await;
        turn.map_err(|error| trouble(&error))?;
        if self.job.ticket.token > 1 {
            let found = self.platform.find(to, mark).await;
            if let Some(message) = found.map_err(|error| trouble(&error))? {
                return Ok(Posted::Before(message));
            }
        }
        let asked = Instant::now();
        if !claims::holds(self.engine.db(), &self.job.ticket).await? || asked.elapsed() > GOOD_FOR {
            return Err(JobError::retry("the job may be somebody else's by now"));
        }
        match self.platform.post(to, card, mark).await {
            Ok(message) if self.job.ticket.token > 1 || asked.elapsed() > GOOD_FOR => {
                self.first_of(to, mark, message).await
            }
            Ok(message) => Ok(Posted::Now(message)),
            // The thread's first message was deleted under us: the next refresh posts it anew.
            Err(error @ ChatError::MessageGone { .. }) => Err(JobError::retry(error)),
            Err(error) => Err(trouble(&error)),
        }
    }

    /// `posted`, unless somebody else's message of that mark stands before it: then ours is taken back.
    async fn first_of(&self, to: &Place, mark: &str, posted: MessageRef) -> Result<Posted, JobError> {
        let found = self.platform.find(to, mark).await;
        match found.map_err(|error| trouble(&error))? {
            Some(first) if first.message < posted.message => {
                tracing::info!(mark, "a message stood twice; the later one is taken back");
                let taken = self.platform.take_back(&posted).await;
                taken.map_err(|error| trouble(&error))?;
                Ok(Posted::Before(first))
            }
            _ => Ok(Posted::Now(posted)),
        }
    }
}
