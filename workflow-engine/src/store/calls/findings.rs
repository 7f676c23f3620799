//! Traffic that the policy does not allow: calls with findings, summed by where they went.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::CallStore;
use super::sql::{Kind, Reader, Value};
use crate::store::error::StoreError;
use crate::usage::call::CallId;
use crate::values::WorkflowId;

/// Most sums that are given; the largest come first.
pub const MOST: usize = 200;

/// Calls of one workflow to one model that fail the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The workflow.
    pub workflow: WorkflowId,
    /// The vendor, if known.
    pub provider: Option<String>,
    /// The model sent upstream, or the one that answered where no gateway tells.
    pub model: Option<String>,
    /// Where, if the reporter says so.
    pub region: Option<String>,
    /// What they fail: ids of controls, or `own-rules`, `unapproved-route`.
    pub findings: Vec<String>,
    /// How many.
    pub calls: u64,
    /// Start of the first.
    pub first: DateTime<Utc>,
    /// Start of the last.
    pub last: DateTime<Utc>,
}

impl CallStore {
    /// What the policy found wrong with calls that began at or after `since`, the most calls first, at most [`MOST`] sums.
    /// Reads the rows that have findings, by an index of their own, and no others.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn found_by_policy(&self, since: DateTime<Utc>) -> Result<Vec<Found>, StoreError> {
        let sql = "SELECT workflow, provider, COALESCE(route_model, response_model), region, findings, COUNT(*), \
             MIN(started_at), MAX(started_at) FROM call \
             WHERE id >= ? AND started_at >= ? AND findings <> '[]' AND workflow IS NOT NULL \
             GROUP BY 1, 2, 3, 4, 5 ORDER BY 6 DESC, 1, 3 LIMIT ?";
        let binds = [
            Value::Id(Some(CallId::first_at(since).0)),
            Value::Time(Some(since)),
            Value::Whole(i64::try_from(MOST).ok()),
        ];
        let kinds = [
            Kind::Text,
            Kind::Text,
            Kind::Text,
            Kind::Text,
            Kind::Text,
            Kind::Whole,
            Kind::Time,
            Kind::Time,
        ];
        let rows = self.reader().await?.fetch(sql, &binds, &kinds).await?;
        let found = rows.into_iter().map(|row| {
            let mut row = Reader::of(row);
            Ok(Found {
                workflow: WorkflowId(row.text().unwrap_or_default()),
                provider: row.text(),
                model: row.text(),
                region: row.text(),
                findings: serde_json::from_str(&row.text().unwrap_or_default())?,
                calls: row
                    .whole()
                    .and_then(|n| u64::try_from(n).ok())
                    .unwrap_or_default(),
                first: row.time().unwrap_or_default(),
                last: row.time().unwrap_or_default(),
            })
        });
        found.collect()
    }
}
