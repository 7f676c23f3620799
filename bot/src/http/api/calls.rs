//! `/api/v1/calls`: the rows themselves, the newest first, page by page.

use axum::{
    Json,
    extract::{Path, RawQuery, State},
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use workflow_engine::{
    store::calls::read::{Filter, PAGE, Page},
    usage::call::{Call, CallId},
    values::WorkflowId,
};

use crate::http::{
    auth::{Caller, Permission},
    problem::{Code, Problem},
    state::AppState,
};

/// Calls of a page when nothing is said.
const USUAL: usize = 100;

/// `?limit=&cursor=&since=&until=&workflow=&source=`; everything may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Query {
    limit: Option<String>,
    cursor: Option<String>,
    since: Option<String>,
    until: Option<String>,
    workflow: Option<String>,
    source: Option<String>,
}

/// `GET /api/v1/calls`: without `since` and `until` it begins at the newest call and goes on to the oldest.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Page>, Problem> {
    caller.require(Permission::Read)?;
    let query: Query = serde_urlencoded::from_str(query.as_deref().unwrap_or_default())
        .map_err(|error| Problem::new(Code::BadQuery, format!("The query cannot be read: {error}.")))?;
    let (filter, cursor, limit) = read(query)?;
    Ok(Json(
        state.recorder()?.calls().list(&filter, cursor, limit).await?,
    ))
}

/// `GET /api/v1/calls/{id}`: also by an id that the row had before another report of the same call came.
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Call>, Problem> {
    caller.require(Permission::Read)?;
    let found = match id.parse::<CallId>() {
        Ok(id) => state.recorder()?.calls().get(id).await?,
        Err(_) => None,
    };
    found.map(Json).ok_or_else(|| Problem::not_found("call", id))
}

fn read(query: Query) -> Result<(Filter, Option<CallId>, usize), Problem> {
    let bad = |detail: String| Problem::new(Code::BadQuery, detail);
    let limit = query.limit.map_or(Ok(USUAL), |text| text.parse());
    let limit = limit
        .ok()
        .filter(|limit| (1..=PAGE).contains(limit))
        .ok_or_else(|| bad(format!("`limit` must be 1 to {PAGE}.")))?;
    let cursor = query.cursor.map(|text| text.parse::<CallId>()).transpose();
    let cursor =
        cursor.map_err(|_| bad("`cursor` must be the `next_cursor` of the previous page.".to_owned()))?;
    let time = |name: &str, text: Option<String>| {
        let parsed = text.map(|text| text.parse::<DateTime<Utc>>()).transpose();
        parsed.map_err(|_| bad(format!("`{name}` must be a time like 2026-11-01T00:00:00Z.")))
    };
    let filter = Filter {
        since: time("since", query.since)?,
        until: time("until", query.until)?,
        workflow: query.workflow.map(WorkflowId),
        source: query.source,
        ..Filter::default()
    };
    Ok((filter, cursor, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_that_cannot_be_says_which_part_and_what_would_do() {
        let detail = |query: &str| {
            let query = serde_urlencoded::from_str(query).unwrap();
            read(query)
                .map(|_| ())
                .map_err(|problem| problem.detail)
                .unwrap_err()
        };
        insta::assert_snapshot!(detail("limit=0"), @"`limit` must be 1 to 1000.");
        insta::assert_snapshot!(detail("cursor=7"), @"`cursor` must be the `next_cursor` of the previous page.");
        insta::assert_snapshot!(detail("since=yesterday"), @"`since` must be a time like 2026-11-01T00:00:00Z.");
        let (filter, cursor, limit) = read(Query::default()).unwrap();
        assert_eq!((filter, cursor, limit), (Filter::default(), None, 100));
    }
}
