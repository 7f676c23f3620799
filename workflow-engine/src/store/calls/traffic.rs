//! What traffic tells: which models serve a workflow, what can be replayed, which source delivers and what it gets wrong.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::read::{Filter, Order, select};
use super::sql::{Kind, List, Reader, Value};
use super::{CallStore, content};
use crate::store::error::StoreError;
use crate::usage::call::{Call, CallId, Status};
use crate::usage::report::{Content, Reject};
use crate::values::WorkflowId;

/// What served a workflow's production calls of some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The provider, if known.
    pub provider: Option<String>,
    /// The model sent upstream, or the one that answered where no gateway tells.
    pub model: Option<String>,
    /// Calls.
    pub calls: u64,
    /// Of these, not answered.
    pub failures: u64,
    /// Start of the first.
    pub first: DateTime<Utc>,
    /// Start of the last.
    pub last: DateTime<Utc>,
}

/// A recorded call and whether its prompt was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The call.
    pub call: Call,
    /// Whether [`CallStore::content`] knows it.
    pub has_content: bool,
}

/// A record that could not become a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// When it came.
    pub at: DateTime<Utc>,
    /// Who sent it.
    pub source: String,
    /// Where it stood and what is wrong with it; its body is left in the database.
    pub reject: Reject,
}

impl CallStore {
    /// Which provider and model served the workflow's production calls that began at or after `since`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn seen_on_route(
        &self,
        workflow: &WorkflowId,
        since: DateTime<Utc>,
    ) -> Result<Vec<Seen>, StoreError> {
        let sql = "SELECT provider, COALESCE(route_model, response_model), COUNT(*), \
             SUM(CASE WHEN status = 'success' THEN 0 ELSE 1 END), MIN(started_at), MAX(started_at) \
             FROM call WHERE workflow = ? AND id >= ? AND started_at >= ? AND NOT is_shadow AND NOT is_internal \
             AND COALESCE(cache_hit, FALSE) = FALSE GROUP BY 1, 2 ORDER BY 3 DESC";
        let binds = [
            Value::Text(Some(workflow.0.clone())),
            Value::Id(Some(CallId::first_at(since).0)),
            Value::Time(Some(since)),
        ];
        let kinds = [
            Kind::Text,
            Kind::Text,
            Kind::Whole,
            Kind::Whole,
            Kind::Time,
            Kind::Time,
        ];
        let rows = self.reader().await?.fetch(sql, &binds, &kinds).await?;
        let count = |number: Option<i64>| number.and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
        Ok(rows
            .into_iter()
            .map(|row| {
                let mut row = Reader::of(row);
                Seen {
                    provider: row.text(),
                    model: row.text(),
                    calls: count(row.whole()),
                    failures: count(row.whole()),
                    first: row.time().unwrap_or_default(),
                    last: row.time().unwrap_or_default(),
                }
            })
            .collect())
    }

    /// Every production call of the workflow from `since` until before `until`, the oldest first, at most `limit` of
    /// the newest, each with whether its prompt was kept.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn recorded_window(
        &self,
        workflow: &WorkflowId,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Kept>, StoreError> {
        let mut kept = self.mirrored_window(workflow, since, until, limit).await?;
        kept.retain(|kept| !kept.call.is_shadow);
        Ok(kept)
    }

    /// The same with the mirror calls among them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn mirrored_window(
        &self,
        workflow: &WorkflowId,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Kept>, StoreError> {
        let filter = Filter {
            since: Some(since),
            until: Some(until),
            workflow: Some(workflow.clone()),
            source: None,
            ..Filter::default()
        };
        let mut conn = self.reader().await?;
        let mut calls = select(&mut conn, &filter, Order::Newest(None), limit).await?;
        calls.retain(|call| !call.is_internal);
        calls.reverse();
        let ids: Vec<Uuid> = calls.iter().map(|call| call.id.0).collect();
        let found = match ids.as_slice() {
            [] => Vec::new(),
            ids => {
                conn.fetch_in(
                    "SELECT id FROM call_content WHERE id IN ??",
                    List::Ids(ids),
                    &[],
                    &[Kind::Id],
                )
                .await?
            }
        };
        let kept: HashSet<Uuid> = found.into_iter().map(|row| Reader::of(row).id()).collect();
        Ok(calls
            .into_iter()
            .map(|call| Kept {
                has_content: kept.contains(&call.id.0),
                call,
            })
            .collect())
    }

    /// Prompts and answers of those calls, as far as they were kept.
    ///
    /// # Errors
    /// When the database does not answer or what it holds cannot be unpacked.
    pub async fn content(&self, ids: &[CallId]) -> Result<HashMap<CallId, Content>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let sql = "SELECT id, body FROM call_content WHERE id IN ??";
        let mut conn = self.reader().await?;
        let rows = conn
            .fetch_in(sql, List::Ids(&ids), &[], &[Kind::Id, Kind::Blob])
            .await?;
        let mut out = HashMap::with_capacity(rows.len());
        for row in rows {
            let mut row = Reader::of(row);
            let id = CallId(row.id());
            out.insert(id, content::unpacked(&row.blob())?);
        }
        Ok(out)
    }

    /// What could not be read since `since`, the newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rejected(&self, since: DateTime<Utc>, limit: usize) -> Result<Vec<Rejected>, StoreError> {
        let sql = "SELECT at, source, place, reason FROM call_reject WHERE id >= ? ORDER BY id DESC LIMIT ?";
        let limit = Value::Whole(i64::try_from(limit).ok());
        let binds = [Value::Id(Some(CallId::first_at(since).0)), limit];
        let kinds = [Kind::Time, Kind::Text, Kind::Text, Kind::Text];
        let rows = self.reader().await?.fetch(sql, &binds, &kinds).await?;
        let rejected = rows.into_iter().map(|row| {
            let mut row = Reader::of(row);
            Rejected {
                at: row.time().unwrap_or_default(),
                source: row.text().unwrap_or_default(),
                reject: Reject {
                    place: row.text().unwrap_or_default(),
                    reason: row.text().unwrap_or_default(),
                    body: Vec::new(),
                },
            }
        });
        Ok(rejected.collect())
    }

    /// Failed, blocked and answered calls by source since `since`: whether a source still delivers.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn by_source(&self, since: DateTime<Utc>) -> Result<BTreeMap<String, u64>, StoreError> {
        let sql = "SELECT source, COUNT(*) FROM call WHERE id >= ? AND started_at >= ? GROUP BY source";
        let binds = [
            Value::Id(Some(CallId::first_at(since).0)),
            Value::Time(Some(since)),
        ];
        let rows = self
            .reader()
            .await?
            .fetch(sql, &binds, &[Kind::Text, Kind::Whole])
            .await?;
        let counted = rows.into_iter().map(|row| {
            let mut row = Reader::of(row);
            let source = row.text().unwrap_or_default();
            (
                source,
                row.whole()
                    .and_then(|n| u64::try_from(n).ok())
                    .unwrap_or_default(),
            )
        });
        Ok(counted.collect())
    }
}

impl Seen {
    /// Whether any of these calls was answered.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.calls > self.failures
    }
}

/// Whether the call is one that a shadow test may sample, as far as its row tells.
#[must_use]
pub fn replayable(call: &Call) -> bool {
    call.status == Status::Success && call.cache_hit != Some(true)
}
