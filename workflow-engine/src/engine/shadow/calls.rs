//! The store of calls as the source of recorded calls and of traffic.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    ports::calls::{CallReader, CallsUnavailable, Served, Window},
    shadow::{
        mirror::{self, Answered, Seen},
        recorded::{self, CallHead, RecordedCall},
    },
    store::{calls::CallStore, error::StoreError},
    usage::call::CallId,
    values::WorkflowId,
};

/// Most calls of a window that a plan looks at, the newest.
const MOST: usize = 200_000;

impl From<StoreError> for CallsUnavailable {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

#[async_trait]
impl CallReader for CallStore {
    async fn heads(&self, window: &Window) -> Result<Vec<CallHead>, CallsUnavailable> {
        let kept = self
            .recorded_window(&window.workflow, window.from, window.until, MOST)
            .await?;
        let prefix = window.kind_prefix.as_deref();
        Ok(kept
            .iter()
            .map(|kept| recorded::head(&kept.call, kept.has_content, prefix))
            .collect())
    }

    async fn contents(&self, trace_ids: &[String]) -> Result<Vec<RecordedCall>, CallsUnavailable> {
        let ids: Vec<CallId> = trace_ids.iter().filter_map(|id| id.parse().ok()).collect();
        let contents = self.content(&ids).await?;
        let mut calls = Vec::with_capacity(contents.len());
        for (id, content) in &contents {
            let call = self.get(*id).await?;
            calls.extend(call.and_then(|call| recorded::recorded(&call, content)));
        }
        Ok(calls)
    }

    async fn seen(&self, window: &Window) -> Result<Vec<Seen>, CallsUnavailable> {
        let kept = self
            .mirrored_window(&window.workflow, window.from, window.until, MOST)
            .await?;
        let prefix = window.kind_prefix.as_deref();
        Ok(kept
            .iter()
            .map(|kept| mirror::seen(&kept.call, kept.has_content, prefix))
            .collect())
    }

    async fn answered(&self, ids: &[String]) -> Result<Vec<Answered>, CallsUnavailable> {
        let ids: Vec<CallId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let contents = self.content(&ids).await?;
        let mut arms = Vec::with_capacity(ids.len());
        for id in &ids {
            let call = self.get(*id).await?;
            arms.extend(call.map(|call| mirror::answered(&call, contents.get(id))));
        }
        Ok(arms)
    }

    async fn served(
        &self,
        workflow: &WorkflowId,
        since: DateTime<Utc>,
    ) -> Result<Vec<Served>, CallsUnavailable> {
        let seen = self.seen_on_route(workflow, since).await?;
        let answered = seen.into_iter().filter(|seen| seen.answered());
        Ok(answered
            .map(|seen| Served {
                provider: seen.provider,
                model: seen.model.unwrap_or_default(),
                region: None,
                deployment: None,
                calls: seen.calls - seen.failures,
                last_at: seen.last,
            })
            .collect())
    }
}
