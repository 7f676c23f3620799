//! `/spend/calls`: the calls behind Unallocated, and what gives them a place.

use axum::{
    extract::{Query, State},
    response::Html,
};
use serde::{Deserialize, Serialize};
use workflow_engine::{
    finance::{period::Period, words::money},
    store::calls::read::Filter,
    usage::call::{Call, CallId},
    values::WorkflowId,
};

use super::{
    parts::{Empty, Pager, Time},
    shell::{Framed, Shell, Visitor},
};
use crate::http::{
    problem::{Code, Problem},
    state::AppState,
};

/// Which calls.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Wanted {
    month: Option<String>,
    reason: Option<String>,
    workflow: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Calls {
    headline: String,
    advice: &'static str,
    rows: Vec<CallRow>,
    empty: Empty,
    pager: Option<Pager>,
    back: String,
}

#[derive(Serialize)]
struct CallRow {
    at: Time,
    caller: String,
    model: String,
    provider: String,
    cost: String,
    source: String,
}

/// `GET /spend/calls?month=&reason=no-workflow|unknown-workflow|no-price&workflow=`.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Result<Html<String>, Problem> {
    let bad = |what: &str| Problem::new(Code::BadQuery, what.to_owned());
    let month = wanted
        .month
        .as_deref()
        .and_then(Period::month)
        .ok_or_else(|| bad("`month` is written 2026-10."))?;
    let (since, until) = month.bounds(visitor.catalog.company.time_zone);
    let mut filter = Filter {
        since: Some(since),
        until: Some(until),
        ..Filter::default()
    };
    let reason = wanted.reason.as_deref().unwrap_or_default();
    let (what, advice) = match reason {
        "no-workflow" => {
            filter.no_workflow = true;
            (
                "Calls that name no workflow",
                "Give the caller a tag such as workflow:support-answer, or add a mapping rule to the catalog.",
            )
        }
        "unknown-workflow" => {
            filter.workflow = Some(WorkflowId(wanted.workflow.clone().unwrap_or_default()));
            (
                "Calls of a workflow that the catalog does not have",
                "Add the workflow to the catalog, or correct the tag.",
            )
        }
        "no-price" => {
            filter.unpriced = true;
            (
                "Calls without a price",
                "Add a price to the catalog: [[prices]] with provider, model and the document it comes from.",
            )
        }
        _ => return Err(bad("`reason` is no-workflow, unknown-workflow or no-price.")),
    };
    let cursor: Option<CallId> = match wanted.cursor.as_deref() {
        Some(text) => Some(text.parse().map_err(|_| bad("`cursor` is the id of a call."))?),
        None => None,
    };
    let found = state.recorder()?.calls().list(&filter, cursor, 50).await?;
    let key = month.key();
    let filters = [
        ("month", key.as_str()),
        ("reason", reason),
        ("workflow", wanted.workflow.as_deref().unwrap_or_default()),
    ];
    let next = found.next_cursor.map(|id| id.to_string());
    let page = Calls {
        headline: format!("{what}, {}", month.first.format("%B %Y")),
        advice,
        rows: found.items.iter().map(call_row).collect(),
        empty: Empty {
            title: "No such call",
            text: "Everything of this kind has found its place since.",
            action: None,
        },
        pager: Pager::of(
            "/spend/calls",
            &filters,
            wanted.cursor.as_deref(),
            next.as_deref(),
        ),
        back: format!("/spend?month={key}"),
    };
    let shell = Shell::of(&state, &visitor, what, "/spend").await?;
    state.pages.render("spend_calls", &Framed { shell, page })
}

fn call_row(call: &Call) -> CallRow {
    let caller = match (&call.beside.key_alias, &call.team) {
        (Some(key), _) => format!("key {key}"),
        (None, Some(team)) => format!("team {team}"),
        (None, None) => "not told".to_owned(),
    };
    CallRow {
        at: call.started_at.into(),
        caller,
        model: call.model().unwrap_or("none was reached").to_owned(),
        provider: call.provider.clone().unwrap_or_default(),
        cost: call.cost_usd.map_or_else(|| "no price".to_owned(), money),
        source: call.source.clone(),
    }
}
