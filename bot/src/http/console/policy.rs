//! `/policy`: which workflow may use which route and why not, facts that end soon, the rules; trying and proposing others.

use axum::{
    extract::{Form, Query, State},
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse as _, Redirect, Response},
};
use serde::{Deserialize, Serialize};
use workflow_engine::{
    catalog::Catalog,
    engine::policy::PolicyProposal,
    policy::{
        Answer, Phase, Rulebook,
        change::Review,
        facts::{StatedFact, ending},
        what_if::{Cell, what_if},
    },
};

use super::{
    parts::{Empty, Link, Pager},
    shell::{Framed, Notice, Shell, Visitor},
    traffic::{self, Traffic},
};
use crate::http::{
    api::policies::{today, with_rules},
    auth::csrf,
    commands::written,
    problem::Problem,
    state::AppState,
};

/// Workflows on one page of the matrix.
const PAGE: usize = 25;

/// What is looked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Wanted {
    /// Part of a workflow's id or name.
    workflow: String,
    /// Part of a route's id.
    route: String,
    /// Only workflows that some route is denied to.
    denied: Option<String>,
    /// The first workflow of the page, by its place.
    cursor: Option<usize>,
}

/// What the form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Draft {
    csrf: String,
    key: String,
    rules: String,
    reason: String,
}

#[derive(Serialize)]
struct Page {
    sentence: String,
    workflow: String,
    route: String,
    denied: bool,
    routes: Vec<String>,
    rows: Vec<Line>,
    pager: Option<Pager>,
    empty: Empty,
    warnings: Vec<String>,
    traffic: Option<Traffic>,
    facts: Vec<Fact>,
    policy_short: String,
    controls: usize,
    own_rules: usize,
    needs_approval: bool,
    key: String,
    rules: String,
    reason: String,
    review: Option<Tried>,
}

#[derive(Serialize)]
struct Line {
    id: String,
    name: String,
    cells: Vec<Answered>,
}

#[derive(Serialize)]
struct Answered {
    route: String,
    permitted: bool,
    listed: bool,
    why: String,
    by: String,
}

#[derive(Serialize)]
struct Fact {
    vendor: String,
    name: String,
    value: String,
    source: String,
    when: String,
    expired: bool,
}

#[derive(Serialize)]
struct Tried {
    what: String,
    meaning: String,
    lines: Vec<String>,
    warnings: Vec<String>,
}

/// `GET /policy`.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Result<Html<String>, Problem> {
    let draft = Draft {
        rules: visitor.catalog.policy.rules.clone(),
        ..Draft::default()
    };
    page(&state, &visitor, (&wanted, &draft), None, None).await
}

/// `POST /policy/try`: what these rules would decide differently; nothing is recorded.
pub(in crate::http) async fn try_out(
    State(state): State<AppState>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(draft): Form<Draft>,
) -> Result<Response, Problem> {
    csrf::check(&headers, &visitor.csrf, &draft.csrf)?;
    let wanted = Wanted::default();
    let (notice, review) = match with_rules(&visitor.catalog, &draft.rules) {
        Ok(parts) => {
            let review = state
                .engine
                .policy_review(&parts.in_place_of(&visitor.catalog))
                .await?;
            (None, Some(tried(&review)))
        }
        Err(faults) => (Some(Notice::bad(faults)), None),
    };
    let status = if notice.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let html = page(&state, &visitor, (&wanted, &draft), notice, review).await?;
    Ok((status, html).into_response())
}

/// `POST /policy/propose`: files the change that asks for these rules.
pub(in crate::http) async fn propose(
    State(state): State<AppState>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(draft): Form<Draft>,
) -> Result<Response, Problem> {
    csrf::check(&headers, &visitor.csrf, &draft.csrf)?;
    let refused = match with_rules(&visitor.catalog, &draft.rules) {
        Err(faults) => faults,
        Ok(parts) => {
            let key: String = draft.key.chars().take(120).collect();
            let proposal = PolicyProposal {
                requester: visitor.person.clone(),
                key: format!("form:{}:{key}", visitor.person),
                parts,
                reason: written(&state, &draft.reason),
            };
            match state.engine.propose_policy(proposal).await.map_err(Problem::from) {
                Ok(outcome) => {
                    let there = format!("/changes/{}?done=filed", outcome.number.0);
                    return Ok(Redirect::to(&there).into_response());
                }
                Err(problem) if problem.status.is_server_error() => return Err(problem),
                Err(problem) => problem.detail,
            }
        }
    };
    let notice = Notice::bad(format!("Nothing was recorded. {refused}"));
    let html = page(&state, &visitor, (&Wanted::default(), &draft), Some(notice), None).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, html).into_response())
}

async fn page(
    state: &AppState,
    visitor: &Visitor,
    (wanted, draft): (&Wanted, &Draft),
    notice: Option<Notice>,
    review: Option<Tried>,
) -> Result<Html<String>, Problem> {
    let catalog = visitor.catalog.clone();
    let day = today(state, &catalog);
    let asked = catalog.clone();
    let said = tokio::task::spawn_blocking(move || what_if(None, &asked, (Phase::Admission, day))).await;
    let said = said.map_err(|error| Problem::internal(&error))?;
    let denied = said
        .cells
        .iter()
        .filter(|cell| cell.now.decision == Answer::Deny)
        .count();
    let kept = rows(&catalog, &said.cells, wanted);
    let from = wanted.cursor.unwrap_or_default();
    let next = (kept.len() > from + PAGE).then(|| (from + PAGE).to_string());
    let cursor = wanted.cursor.map(|cursor| cursor.to_string());
    let filters = [
        ("workflow", wanted.workflow.as_str()),
        ("route", wanted.route.as_str()),
        ("denied", wanted.denied.as_deref().unwrap_or_default()),
    ];
    let rows: Vec<Line> = kept.into_iter().skip(from).take(PAGE).collect();
    let book = Rulebook::new(&catalog);
    let page = Page {
        sentence: format!(
            "{} workflows on {} routes: {} of {} pairs are not allowed.",
            catalog.workflows.len(),
            catalog.routes.len(),
            denied,
            said.cells.len()
        ),
        workflow: wanted.workflow.clone(),
        route: wanted.route.clone(),
        denied: wanted.denied.is_some(),
        routes: rows
            .first()
            .map(|row| row.cells.iter().map(|cell| cell.route.clone()).collect())
            .unwrap_or_default(),
        pager: Pager::of("/policy", &filters, cursor.as_deref(), next.as_deref()),
        rows,
        empty: empty(&catalog),
        warnings: said.warnings,
        traffic: traffic::of(state, catalog.policy.enforce_traffic).await?,
        facts: ending(&catalog, day).into_iter().map(fact).collect(),
        policy_short: book.policy_sha256().short(),
        controls: workflow_engine::policy::Control::ALL.len(),
        own_rules: book.own_rules().len(),
        needs_approval: catalog.policy.change_needs_approval,
        key: state.secret(),
        rules: draft.rules.clone(),
        reason: draft.reason.clone(),
        review,
    };
    let shell = Shell::of(state, visitor, "Policy", "/policy")
        .await?
        .notice(notice);
    state.pages.render("policy", &Framed { shell, page })
}

/// The workflows that pass the filter, each with its answer for every route that does.
fn rows(catalog: &Catalog, cells: &[Cell], wanted: &Wanted) -> Vec<Line> {
    let matches =
        |text: &str, part: &str| part.is_empty() || text.to_lowercase().contains(&part.to_lowercase());
    let lines = catalog.workflows.iter().filter_map(|entry| {
        let id = entry.id.as_str();
        if !matches(id, &wanted.workflow) && !matches(&entry.name, &wanted.workflow) {
            return None;
        }
        let own = cells
            .iter()
            .filter(|cell| cell.workflow == id && matches(&cell.route, &wanted.route));
        let cells: Vec<Answered> = own.map(answered).collect();
        let some_denied = cells.iter().any(|cell| !cell.permitted);
        (!cells.is_empty() && (wanted.denied.is_none() || some_denied)).then(|| Line {
            id: id.to_owned(),
            name: entry.name.clone(),
            cells,
        })
    });
    lines.collect()
}

fn answered(cell: &Cell) -> Answered {
    Answered {
        route: cell.route.clone(),
        permitted: cell.now.decision == Answer::Permit,
        listed: cell.listed,
        why: cell.now.why.clone(),
        by: cell.now.determining.join(", "),
    }
}

fn empty(catalog: &Catalog) -> Empty {
    if catalog.workflows.is_empty() || catalog.routes.is_empty() {
        return Empty {
            title: "Nothing to ask about yet",
            text: "The policy is asked about workflows and routes. Write them into a catalog file and apply it: governor catalog apply catalog.toml",
            action: None,
        };
    }
    Empty {
        title: "Nothing passes this filter",
        text: "Look for another part of a name.",
        action: Some(Link {
            href: "/policy".to_owned(),
            title: "Show all".to_owned(),
        }),
    }
}

fn fact(stated: StatedFact) -> Fact {
    Fact {
        when: match stated.expired {
            true => format!("ended on {}: unknown, so denied", stated.expires),
            false => format!("until {}", stated.expires),
        },
        vendor: stated.vendor,
        name: stated.name.replace('_', " "),
        value: stated.value,
        source: stated.source,
        expired: stated.expired,
    }
}

fn tried(review: &Review) -> Tried {
    Tried {
        what: review.what(),
        meaning: review.meaning(),
        lines: review.lines().map(|(line, _)| line).collect(),
        warnings: review.warnings.clone(),
    }
}
