//! `/api/v1/policies/traffic`: calls that the policy does not allow, summed by where they went.

use axum::{
    Json,
    extract::{Query, State},
};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use workflow_engine::{
    policy::traffic::title,
    store::calls::findings::{Found, MOST},
};

use crate::http::{
    auth::{Caller, Permission},
    problem::{Code, Problem},
    state::AppState,
};

/// A day, when nothing is said.
const USUAL: i64 = 24;
/// Most hours that are looked at.
const WEEK: i64 = 168;

/// `?hours=`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    hours: Option<i64>,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Traffic {
    /// Hours that were looked at, until now.
    hours: i64,
    /// Whether the policy stops such requests where a gateway asks, or only watches.
    enforced: bool,
    /// The most calls first.
    items: Vec<Line>,
    /// Whether there are more than these.
    more: bool,
}

#[derive(Clone, Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    found: Found,
    /// What is not met, in words.
    unmet: Vec<&'static str>,
}

/// `GET /api/v1/policies/traffic?hours=`.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Traffic>, Problem> {
    caller.require(Permission::Read)?;
    let hours = wanted.hours.unwrap_or(USUAL);
    if !(1..=WEEK).contains(&hours) {
        return Err(Problem::new(
            Code::BadQuery,
            format!("`hours` must be 1 to {WEEK}."),
        ));
    }
    let since = state.now() - TimeDelta::hours(hours);
    let found = state.recorder()?.calls().found_by_policy(since).await?;
    let (_, catalog) = state.engine.catalog().await?;
    Ok(Json(Traffic {
        hours,
        enforced: catalog.policy.enforce_traffic,
        more: found.len() == MOST,
        items: found
            .into_iter()
            .map(|found| Line {
                unmet: found.findings.iter().map(|finding| title(finding)).collect(),
                found,
            })
            .collect(),
    }))
}
