//! `/operations`: is it well. Jobs that are due, jobs that were given up, and their way back.

use axum::{
    Form,
    extract::{Path, State},
    http::HeaderMap,
    response::{Html, Redirect},
};
use serde::{Deserialize, Serialize};
use workflow_engine::{
    engine::queries::list::JobView,
    evidence::figures::count,
    store::{self, views::Fate},
    values::{Actor, Digest, JobId, Role},
};

use super::{
    parts::{Empty, Time},
    shell::{Framed, Shell, Visitor},
};
use crate::http::{
    auth::csrf,
    problem::{Code, Problem},
    state::AppState,
};

#[derive(Serialize)]
struct Operations {
    headline: String,
    figures: Vec<Figure>,
    dead: Vec<Job>,
    dead_empty: Empty,
    jobs: Vec<Job>,
    jobs_empty: Empty,
    may_requeue: bool,
}

#[derive(Serialize)]
struct Figure {
    name: &'static str,
    value: String,
    note: Option<String>,
}

#[derive(Serialize)]
struct Job {
    id: String,
    kind: String,
    change: Option<u64>,
    at: Time,
    attempts: String,
    error: String,
    again: Option<String>,
}

/// `GET /operations`.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
) -> Result<Html<String>, Problem> {
    let now = state.now().timestamp_millis();
    let (open, due, dead) = store::gauges::job_counts(state.db(), now).await?;
    let head = state.ledger.checkpoint().await?.map(|note| note.checkpoint.head);
    let page = Operations {
        headline: match dead {
            0 => "Everything is well".to_owned(),
            1 => "One job was given up".to_owned(),
            more => format!("{more} jobs were given up"),
        },
        figures: vec![
            figure("Due now", due, None),
            figure(
                "Waiting for their time",
                open.saturating_sub(due),
                Some("reminders, deadlines, checks".to_owned()),
            ),
            figure("Given up", dead, None),
            figure(
                "Ledger entries",
                head.as_ref().map_or(0, |head| head.size),
                head.map(|head| format!("root {}", Digest(head.root).short())),
            ),
        ],
        dead: jobs(&state, Fate::Dead).await?,
        dead_empty: Empty {
            title: "No dead letters",
            text: "A job that fails for good stands here with its reason, until somebody sends it again.",
            action: None,
        },
        jobs: jobs(&state, Fate::Next).await?,
        jobs_empty: Empty {
            title: "Nothing is open",
            text: "Every effect of every decision was delivered.",
            action: None,
        },
        may_requeue: visitor.has_role(Role::Platform),
    };
    let shell = Shell::of(&state, &visitor, "Operations", "/operations").await?;
    state.pages.render("operations", &Framed { shell, page })
}

fn figure(name: &'static str, value: u64, note: Option<String>) -> Figure {
    Figure {
        name,
        value: count(value),
        note,
    }
}

async fn jobs(state: &AppState, fate: Fate) -> Result<Vec<Job>, Problem> {
    let job = |view: JobView| Job {
        id: view.id,
        kind: view.kind.replace('_', " "),
        change: view.change,
        at: view.at.into(),
        attempts: format!("{} of {}", view.attempts, view.max_attempts),
        error: view
            .last_error
            .unwrap_or_else(|| "no reason was recorded".to_owned()),
        again: view.sent_again_by.map(|who| who.name),
    };
    Ok(state
        .engine
        .job_views(fate, None, 50)
        .await?
        .items
        .into_iter()
        .map(job)
        .collect())
}

/// The form's secret.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Requeue {
    csrf: String,
}

/// `POST /operations/jobs/{id}/requeue`.
pub(in crate::http) async fn requeue(
    State(state): State<AppState>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Requeue>,
) -> Result<Redirect, Problem> {
    csrf::check(&headers, &visitor.csrf, &form.csrf)?;
    if !visitor.has_role(Role::Platform) {
        let who = "Only people of a platform group send jobs again. Ask one of them.";
        return Err(Problem::new(Code::Forbidden, who));
    }
    send_again(&state, &JobId(id), &Actor::Person(visitor.person)).await?;
    Ok(Redirect::to("/operations"))
}

/// Puts a dead letter back into the queue, by a person or a token with a name.
///
/// # Errors
/// 404 when there is no such dead letter.
pub(in crate::http) async fn send_again(state: &AppState, id: &JobId, by: &Actor) -> Result<(), Problem> {
    if state.engine.send_again(id, by).await? {
        return Ok(());
    }
    Err(Problem::not_found("dead letter", id))
}
