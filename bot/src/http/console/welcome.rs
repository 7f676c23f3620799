//! `/welcome`: the demo's first page. What a newcomer clicks, in order, and how the story's changes stand.

use axum::{extract::State, response::Html};
use serde::Serialize;
use workflow_engine::store::views::Filter;

use super::{
    parts::Row,
    shell::{Framed, Shell, Visitor},
};
use crate::http::{
    problem::Problem,
    state::{AppState, Tour},
};

#[derive(Serialize)]
struct Welcome {
    #[serde(flatten)]
    tour: Tour,
    stories: Vec<Row>,
}

/// `GET /welcome`.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
) -> Result<Html<String>, Problem> {
    let tour = state
        .tour
        .as_deref()
        .ok_or_else(|| Problem::not_found("page", "/welcome"))?;
    let lines = state.engine.change_lines(&Filter::default(), 12).await?;
    let page = Welcome {
        tour: tour.clone(),
        stories: lines.items.iter().rev().map(|line| Row::of(line, None)).collect(),
    };
    let shell = Shell::of(&state, &visitor, "Start here", "/welcome").await?;
    state.pages.render("welcome", &Framed { shell, page })
}
