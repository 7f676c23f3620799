//! `/workflows/{id}/labels`: two blinded answers, which is better? So that a judge can be held against people.

use axum::{
    Form,
    extract::{Path, Query, State},
    http::HeaderMap,
    response::{Html, IntoResponse as _, Redirect, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use workflow_engine::{
    catalog::Workflow,
    engine::shadow::labels::{Blinded, ToLabel},
    shadow::judging::Choice,
    values::{RunId, WorkflowId},
};

use super::{
    parts::Empty,
    shell::{Framed, Shell, Visitor},
    workflows,
};
use crate::http::{auth::csrf, problem::Problem, state::AppState};

#[derive(Serialize)]
struct LabelPage {
    id: String,
    name: String,
    sentence: String,
    labels: u64,
    most: u64,
    /// What makes an answer good, as the judge is told too.
    good: Option<String>,
    pair: Option<Pair>,
    empty: Empty,
    /// The pair before, whose label can be taken back.
    last: Option<Last>,
}

/// A pair by its place.
#[derive(Debug, Serialize)]
struct Last {
    run: String,
    trace: String,
}

/// `?run=&trace=` of the address that follows on a label.
#[derive(Debug, Deserialize)]
pub(in crate::http) struct Before {
    run: Option<String>,
    trace: Option<String>,
}

#[derive(Serialize)]
struct Pair {
    run: String,
    trace: String,
    turns: Vec<Turn>,
    first: String,
    second: String,
}

#[derive(Serialize)]
struct Turn {
    role: String,
    text: String,
}

/// `GET /workflows/{id}/labels`.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(before): Query<Before>,
) -> Result<Html<String>, Problem> {
    let entry = visitor.catalog.workflow(&id);
    let entry = entry.ok_or_else(|| workflows::unknown(&visitor.catalog, &id))?;
    let next = state.vault()?.to_label(&visitor.person, &entry.id).await?;
    let page = LabelPage {
        id: entry.id.to_string(),
        name: entry.name.clone(),
        sentence: standing(&next, entry),
        labels: next.labels.min(next.needed),
        most: next.needed,
        good: entry.shadow.judge.as_ref().map(|card| card.instructions.clone()),
        pair: next.pair.map(pair),
        empty: Empty {
            title: "Nothing to compare",
            text: "Every pair of answers in words is labelled, or no test of this workflow kept one whose answers differ. The next test brings more.",
            action: None,
        },
        last: before
            .run
            .zip(before.trace)
            .map(|(run, trace)| Last { run, trace }),
    };
    let title = format!("Which answer is better? {}", entry.name);
    let shell = Shell::of(&state, &visitor, &title, "/workflows").await?;
    state.pages.render("labels", &Framed { shell, page })
}

/// What a person says of a pair.
#[derive(Debug, Deserialize)]
pub(in crate::http) struct Said {
    csrf: String,
    run: String,
    trace: String,
    /// None takes back what they said before.
    says: Option<Choice>,
}

/// `POST /workflows/{id}/labels`: leads to the next pair, or back to the one before.
pub(in crate::http) async fn say(
    State(state): State<AppState>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(said): Form<Said>,
) -> Result<Response, Problem> {
    csrf::check(&headers, &visitor.csrf, &said.csrf)?;
    let (workflow, vault) = (WorkflowId(id), state.vault()?);
    let last = Last {
        run: said.run.clone(),
        trace: said.trace.clone(),
    };
    let place = (RunId(said.run), said.trace);
    let page = format!("/workflows/{workflow}/labels");
    let Some(choice) = said.says else {
        vault.take_label_back(&visitor.person, &workflow, place).await?;
        return Ok(Redirect::to(&page).into_response());
    };
    vault.label(&visitor.person, &workflow, place, choice).await?;
    let last = serde_urlencoded::to_string(&last).map_err(|error| Problem::internal(&error))?;
    Ok(Redirect::to(&format!("{page}?{last}")).into_response())
}

/// How far the labels are, and what they are for.
fn standing(next: &ToLabel, entry: &Workflow) -> String {
    let judge = entry.shadow.judge.as_ref();
    let whose = judge.map_or_else(|| "a judge".to_owned(), |card| card.model.clone());
    let ToLabel {
        labels,
        decisive,
        needed,
        ..
    } = next;
    let done = match labels {
        0 => "No pair is labelled yet".to_owned(),
        1 => "1 pair is labelled".to_owned(),
        labels => format!("{labels} pairs are labelled"),
    };
    let far = match needed.saturating_sub(*labels) {
        0 => format!(
            "{done}, {decisive} of them for one of the answers. More labels narrow what {whose} can tell."
        ),
        still => format!("{done}; {whose} may not judge before {still} more are."),
    };
    match judge {
        Some(_) => far,
        None => format!("{far} The catalog names no judge for this workflow yet."),
    }
}

fn pair(pair: Blinded) -> Pair {
    Pair {
        run: pair.run.to_string(),
        trace: pair.trace_id,
        turns: turns(&pair.input.messages),
        first: pair.first,
        second: pair.second,
    }
}

fn turns(messages: &Value) -> Vec<Turn> {
    let text = |content: &Value| match content {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    messages
        .as_array()
        .into_iter()
        .flatten()
        .map(|message| Turn {
            role: message["role"].as_str().unwrap_or("user").to_owned(),
            text: text(&message["content"]),
        })
        .collect()
}
