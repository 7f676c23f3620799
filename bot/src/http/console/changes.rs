//! `/changes`: every change by workflow and state; `/changes/new`: the form that files one.

use axum::{
    Form,
    extract::{Query, State},
    http::HeaderMap,
    response::{Html, IntoResponse as _, Redirect, Response},
};
use serde::{Deserialize, Serialize};
use workflow_engine::{
    catalog::Catalog, change::state::State as ChangeState, engine::file::Filing, evidence::figures::model,
    store::views::Filter, values::WorkflowId,
};

use super::{
    parts::{Choice, Empty, Link, Pager, Row},
    shell::{Framed, Notice, Shell, Visitor},
};
use crate::http::{
    auth::csrf,
    commands::written,
    problem::{Code, Problem},
    state::AppState,
};

/// Rows on a page.
const LIMIT: u64 = 25;

/// Filters of the list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Wanted {
    workflow: String,
    state: String,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct List {
    rows: Vec<Row>,
    empty: Empty,
    pager: Option<Pager>,
    workflows: Vec<Choice>,
    states: Vec<Choice>,
}

/// `GET /changes`.
pub(in crate::http) async fn list(
    State(state): State<AppState>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Result<Html<String>, Problem> {
    let bad = |what: String| Problem::new(Code::BadQuery, what);
    let states = match wanted.state.as_str() {
        "" => Vec::new(),
        word => vec![word.parse().map_err(bad)?],
    };
    let cursor = wanted.cursor.as_deref();
    let filter = Filter {
        workflow: (!wanted.workflow.is_empty()).then(|| wanted.workflow.clone()),
        states,
        requester: None,
        before: cursor
            .map(str::parse)
            .transpose()
            .map_err(|_| bad("Take the cursor from the link to the next page.".to_owned()))?,
    };
    let lines = state.engine.change_lines(&filter, LIMIT).await?;
    let filters = [
        ("workflow", wanted.workflow.as_str()),
        ("state", wanted.state.as_str()),
    ];
    let page = List {
        rows: lines.items.iter().map(|line| Row::of(line, None)).collect(),
        empty: empty(&wanted),
        pager: Pager::of("/changes", &filters, cursor, lines.next_cursor.as_deref()),
        workflows: workflows(&visitor.catalog, &wanted.workflow),
        states: ChangeState::ALL
            .into_iter()
            .map(|it| Choice {
                id: it.as_str().to_owned(),
                title: it.title().to_owned(),
                selected: it.as_str() == wanted.state,
            })
            .collect(),
    };
    let shell = Shell::of(&state, &visitor, "Changes", "/changes").await?;
    state.pages.render("changes", &Framed { shell, page })
}

fn empty(wanted: &Wanted) -> Empty {
    if wanted.workflow.is_empty() && wanted.state.is_empty() {
        return Empty {
            title: "No change has been filed yet",
            text: "A change asks to move one workflow to another model. Your own recorded calls are the test.",
            action: Some(Link {
                href: "/changes/new".to_owned(),
                title: "File the first one".to_owned(),
            }),
        };
    }
    Empty {
        title: "Nothing passes this filter",
        text: "Choose another workflow or state.",
        action: Some(Link {
            href: "/changes".to_owned(),
            title: "Show all".to_owned(),
        }),
    }
}

fn workflows(catalog: &Catalog, selected: &str) -> Vec<Choice> {
    let choice = |entry: &workflow_engine::catalog::Workflow| Choice {
        id: entry.id.to_string(),
        title: entry.name.clone(),
        selected: entry.id.as_str() == selected,
    };
    catalog.workflows.iter().map(choice).collect()
}

#[derive(Serialize)]
struct NewChange {
    key: String,
    workflows: Vec<Choice>,
    routes: Vec<Choice>,
    reason: String,
    claims_savings: bool,
}

/// What the form sends, or what its link fills in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Proposal {
    csrf: String,
    key: String,
    workflow: String,
    candidate: String,
    reason: String,
    claims_savings: Option<String>,
}

/// `GET /changes/new`.
pub(in crate::http) async fn form(
    State(state): State<AppState>,
    visitor: Visitor,
    Query(proposal): Query<Proposal>,
) -> Result<Html<String>, Problem> {
    write_form(&state, &visitor, &proposal, None).await
}

async fn write_form(
    state: &AppState,
    visitor: &Visitor,
    proposal: &Proposal,
    notice: Option<Notice>,
) -> Result<Html<String>, Problem> {
    let route = |entry: &workflow_engine::catalog::CatalogRoute| Choice {
        id: entry.id.clone(),
        title: format!(
            "{} · {}{}",
            model(&entry.model),
            entry.provider,
            entry
                .region
                .as_ref()
                .map(|region| format!(", {region}"))
                .unwrap_or_default()
        ),
        selected: entry.id == proposal.candidate,
    };
    let page = NewChange {
        key: state.secret(),
        workflows: workflows(&visitor.catalog, &proposal.workflow),
        routes: visitor.catalog.routes.iter().map(route).collect(),
        reason: proposal.reason.clone(),
        claims_savings: proposal.claims_savings.is_some() || proposal.key.is_empty(),
    };
    let shell = Shell::of(state, visitor, "File a route change", "/changes")
        .await?
        .notice(notice);
    state.pages.render("new_change", &Framed { shell, page })
}

/// `POST /changes`.
pub(in crate::http) async fn file(
    State(state): State<AppState>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(proposal): Form<Proposal>,
) -> Result<Response, Problem> {
    csrf::check(&headers, &visitor.csrf, &proposal.csrf)?;
    let key: String = proposal.key.chars().take(120).collect();
    let filing = Filing {
        requester: visitor.person.clone(),
        key: format!("form:{}:{key}", visitor.person),
        workflow: WorkflowId(proposal.workflow.clone()),
        candidate: proposal.candidate.clone(),
        claims_savings: proposal.claims_savings.is_some(),
        co_authors: std::collections::BTreeSet::new(),
        reason: written(&state, &proposal.reason),
        cites: None,
        submit: true,
    };
    match state.engine.file(filing).await.map_err(Problem::from) {
        Ok(outcome) => Ok(Redirect::to(&format!("/changes/{}?done=filed", outcome.number.0)).into_response()),
        Err(problem) if problem.status.is_server_error() => Err(problem),
        Err(problem) => {
            let notice = Notice::bad(format!("Nothing was recorded. {}", problem.detail));
            let page = write_form(&state, &visitor, &proposal, Some(notice)).await?;
            Ok((problem.status, page).into_response())
        }
    }
}
