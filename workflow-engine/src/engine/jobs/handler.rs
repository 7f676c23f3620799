//! What does the work of a job, and why it may not end.

use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{
    engine::HandleError,
    store::{error::StoreError, queue::Job},
};

/// What does the work of one kind of job. May run more than once for the same job: receivers fence.
#[async_trait]
pub trait Handler: Send + Sync {
    /// The kinds it serves.
    fn kinds(&self) -> &'static [&'static str];

    /// Does the work. `stop` is cancelled when the claim is lost or the service ends: then leave at the next safe point.
    async fn run(&self, job: &Job, stop: &CancellationToken) -> Result<(), JobError>;

    /// Called once when the job is given up, before people are told.
    async fn gave_up(&self, job: &Job, why: &str) {
        let _ = (job, why);
    }
}

/// Why a job did not end.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Trying again may work; `after` when the other side said so.
    #[error("{why}")]
    Retry {
        /// What happened.
        why: String,
        /// The other side's own wish.
        after: Option<Duration>,
    },
    /// Something is not there yet: look again later, without counting this try.
    #[error("{why}")]
    NotYet {
        /// What it waits for.
        why: String,
        /// When to look again.
        after: Duration,
    },
    /// Trying again would not help.
    #[error("{why}")]
    Permanent {
        /// What happened.
        why: String,
    },
}

impl JobError {
    /// Trying again may work.
    pub fn retry(why: impl std::fmt::Display) -> Self {
        Self::Retry {
            why: why.to_string(),
            after: None,
        }
    }

    /// Trying again would not help.
    pub fn permanent(why: impl std::fmt::Display) -> Self {
        Self::Permanent { why: why.to_string() }
    }
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::retry(error)
    }
}

impl From<HandleError> for JobError {
    /// A refusal ends the job: the change has moved on without it. The rest is tried again.
    fn from(error: HandleError) -> Self {
        match error {
            HandleError::Busy | HandleError::Store(_) => Self::retry(error),
            _ => Self::permanent(error),
        }
    }
}
