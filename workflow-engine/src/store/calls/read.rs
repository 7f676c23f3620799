//! Reading calls: page by page, one by one, and their sums.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::sql::{Conn, Kind, Reader, Value};
use super::{CallStore, columns, sums, unit};
use crate::store::error::StoreError;
use crate::usage::call::{Call, CallId};
use crate::usage::rollup::Fold;
use crate::values::WorkflowId;

/// Most calls of one page.
pub const PAGE: usize = 1_000;

/// Which calls to list; everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// From this start on.
    pub since: Option<DateTime<Utc>>,
    /// Before this start.
    pub until: Option<DateTime<Utc>>,
    /// Of that workflow.
    pub workflow: Option<WorkflowId>,
    /// From that source.
    pub source: Option<String>,
    /// Of no workflow.
    pub no_workflow: bool,
    /// Answered, but without a cost of ours.
    pub unpriced: bool,
}

/// A page of calls, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The calls.
    pub items: Vec<Call>,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<CallId>,
}

impl CallStore {
    /// A page of calls, the newest first, from `cursor` on (that one left out).
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(
        &self,
        filter: &Filter,
        cursor: Option<CallId>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let limit = limit.clamp(1, PAGE);
        let mut conn = self.reader().await?;
        let mut items = select(&mut conn, filter, Order::Newest(cursor), limit + 1).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(|call| call.id);
        Ok(Page { items, next_cursor })
    }

    /// As [`CallStore::list`], the oldest first: for files.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_oldest(
        &self,
        filter: &Filter,
        cursor: Option<CallId>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let limit = limit.clamp(1, PAGE);
        let mut conn = self.reader().await?;
        let mut items = select(&mut conn, filter, Order::Oldest(cursor), limit + 1).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(|call| call.id);
        Ok(Page { items, next_cursor })
    }

    /// The call of that id, also if it was stored under it before it was merged into another row.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn get(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        let mut conn = self.reader().await?;
        if let Some(call) = unit::by_ids(&mut conn, &[id.0]).await?.pop() {
            return Ok(Some(call));
        }
        let part = Value::Id(Some(id.0));
        let found = conn
            .fetch("SELECT id FROM call_part WHERE part = ?", &[part], &[Kind::Id])
            .await?;
        let Some(row) = found.into_iter().next() else {
            return Ok(None);
        };
        Ok(unit::by_ids(&mut conn, &[Reader::of(row).id()]).await?.pop())
    }

    /// The hourly sums from `since` until before `until`, with what waits to be folded.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rollup(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> Result<Fold, StoreError> {
        let mut conn = self.reader().await?;
        let names = sums::names();
        // One statement, one snapshot: a delta is seen in exactly one of the two tables.
        let sql = format!(
            "SELECT {names} FROM call_rollup WHERE hour >= ? AND hour < ? \
             UNION ALL SELECT {names} FROM rollup_delta WHERE hour >= ? AND hour < ?"
        );
        let binds = [since, until, since, until].map(|at| Value::Time(Some(at)));
        let mut fold = Fold::default();
        for row in conn.fetch(&sql, &binds, &sums::kinds()).await? {
            let (key, sums) = sums::read(row);
            fold.add(key, &sums);
        }
        fold.tidy();
        Ok(fold)
    }

    /// What the rows themselves sum up to from `since` until before `until`: the check of [`CallStore::rollup`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn recount(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> Result<Fold, StoreError> {
        let filter = Filter {
            since: Some(since),
            until: Some(until),
            ..Filter::default()
        };
        let mut fold = Fold::default();
        let mut cursor = None;
        loop {
            let page = self.list(&filter, cursor, PAGE).await?;
            page.items.iter().for_each(|call| fold.put(call));
            cursor = page.next_cursor;
            if cursor.is_none() {
                fold.tidy();
                return Ok(fold);
            }
        }
    }
}

/// Which end to begin at, and the call after which a page begins.
#[derive(Clone, Copy)]
pub(super) enum Order {
    Newest(Option<CallId>),
    Oldest(Option<CallId>),
}

pub(super) async fn select(
    conn: &mut Conn,
    filter: &Filter,
    order: Order,
    limit: usize,
) -> Result<Vec<Call>, StoreError> {
    let mut conditions = vec!["1 = 1"];
    if filter.no_workflow {
        conditions.push("workflow IS NULL");
    }
    if filter.unpriced {
        conditions.push("status = 'success' AND cost_usd IS NULL");
    }
    let mut binds = Vec::new();
    let mut add = |condition, value| {
        conditions.push(condition);
        binds.push(value);
    };
    if let Some(since) = filter.since {
        add("id >= ?", Value::Id(Some(CallId::first_at(since).0)));
        add("started_at >= ?", Value::Time(Some(since)));
    }
    if let Some(until) = filter.until {
        add(
            "id < ?",
            Value::Id(Some(CallId::first_at(until + TimeDelta::milliseconds(1)).0)),
        );
        add("started_at < ?", Value::Time(Some(until)));
    }
    // The second condition lets PostgreSQL leave out the days on the other side.
    match order {
        Order::Newest(Some(cursor)) => {
            add("id < ?", Value::Id(Some(cursor.0)));
            let until = cursor.at() + TimeDelta::milliseconds(1);
            add("started_at < ?", Value::Time(Some(until)));
        }
        Order::Oldest(Some(cursor)) => {
            add("id > ?", Value::Id(Some(cursor.0)));
            add("started_at >= ?", Value::Time(Some(cursor.at())));
        }
        Order::Newest(None) | Order::Oldest(None) => {}
    }
    if let Some(workflow) = &filter.workflow {
        add("workflow = ?", Value::Text(Some(workflow.0.clone())));
    }
    if let Some(source) = &filter.source {
        add("source = ?", Value::Text(Some(source.clone())));
    }
    let sql = format!(
        "SELECT {} FROM call WHERE {} ORDER BY id {} LIMIT ?",
        columns::names(),
        conditions.join(" AND "),
        if matches!(order, Order::Newest(_)) {
            "DESC"
        } else {
            "ASC"
        }
    );
    binds.push(Value::Whole(i64::try_from(limit).ok()));
    let rows = conn.fetch(&sql, &binds, &columns::kinds()).await?;
    rows.into_iter().map(columns::call).collect()
}
