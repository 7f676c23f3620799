//! Recorded calls as the shadow test and the check of traffic read them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    shadow::{
        mirror::{Answered, Seen},
        recorded::{CallHead, RecordedCall},
    },
    values::WorkflowId,
};

/// Reads stored calls; the store of calls answers, tests answer from memory.
#[async_trait]
pub trait CallReader: Send + Sync {
    /// What the plan needs to know of every call in `window`, oldest first.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn heads(&self, window: &Window) -> Result<Vec<CallHead>, CallsUnavailable>;

    /// The calls with these trace ids that have content, in any order; the others are left out.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn contents(&self, trace_ids: &[String]) -> Result<Vec<RecordedCall>, CallsUnavailable>;

    /// Every call in `window`, mirror calls among them, oldest first.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn seen(&self, window: &Window) -> Result<Vec<Seen>, CallsUnavailable>;

    /// The calls of these ids as arms of pairs, with content where it was kept, in any order.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn answered(&self, ids: &[String]) -> Result<Vec<Answered>, CallsUnavailable>;

    /// What served `workflow` since `since`: production calls that were answered, by model.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn served(
        &self,
        workflow: &WorkflowId,
        since: DateTime<Utc>,
    ) -> Result<Vec<Served>, CallsUnavailable>;
}

/// Which recorded calls are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Of this workflow.
    pub workflow: WorkflowId,
    /// Begun from here …
    pub from: DateTime<Utc>,
    /// … to here, exclusive.
    pub until: DateTime<Utc>,
    /// The tag that begins with this names the kind of request (`kind:`).
    pub kind_prefix: Option<String>,
}

/// One model seen in traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// OpenTelemetry's provider name.
    pub provider: Option<String>,
    /// The model that was asked upstream.
    pub model: String,
    /// Where it was processed, if reported.
    pub region: Option<String>,
    /// The gateway's deployment, if reported.
    pub deployment: Option<String>,
    /// How many calls.
    pub calls: u64,
    /// When the last of them began.
    pub last_at: DateTime<Utc>,
}

/// The store of calls does not answer; trying again may work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("recorded calls cannot be read: {0}")]
pub struct CallsUnavailable(pub String);
