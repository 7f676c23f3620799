//! The Policy page's part on live traffic: calls of the last day that the policy does not allow.

use chrono::TimeDelta;
use serde::Serialize;
use workflow_engine::{policy::traffic::title, store::calls::findings::Found};

use super::parts::Time;
use crate::http::{problem::Problem, state::AppState};

/// Hours that are looked at.
const HOURS: i64 = 24;
/// Most lines of the page; the API has all of them.
const MOST: usize = 20;

/// What was found.
#[derive(Serialize)]
pub(super) struct Traffic {
    sentence: String,
    lines: Vec<Line>,
    /// Lines that are not shown.
    more: usize,
    enforced: bool,
}

#[derive(Serialize)]
struct Line {
    workflow: String,
    model: String,
    place: String,
    unmet: Vec<&'static str>,
    calls: u64,
    last: Time,
}

/// Traffic of the last day outside the policy; none where this process keeps no calls.
pub(super) async fn of(state: &AppState, enforced: bool) -> Result<Option<Traffic>, Problem> {
    let Ok(recorder) = state.recorder() else {
        return Ok(None);
    };
    let since = state.now() - TimeDelta::hours(HOURS);
    let found = recorder.calls().found_by_policy(since).await?;
    let calls: u64 = found.iter().map(|found| found.calls).sum();
    Ok(Some(Traffic {
        sentence: match calls {
            0 => {
                "Every call of the last 24 hours that belongs to a workflow was within the policy.".to_owned()
            }
            1 => "1 call of the last 24 hours was outside the policy.".to_owned(),
            _ => format!("{calls} calls of the last 24 hours were outside the policy."),
        },
        more: found.len().saturating_sub(MOST),
        lines: found.into_iter().take(MOST).map(line).collect(),
        enforced,
    }))
}

fn line(found: Found) -> Line {
    let unknown = || "not known".to_owned();
    Line {
        workflow: found.workflow.0,
        model: found.model.unwrap_or_else(unknown),
        place: [found.provider, found.region]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", "),
        unmet: found.findings.iter().map(|finding| title(finding)).collect(),
        calls: found.calls,
        last: found.last.into(),
    }
}
