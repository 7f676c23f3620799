//! Problems as pages: for people the same code and sentence, with a way on; and the page behind each `type`.

use axum::{
    extract::{Path, Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;

use super::shell::{Framed, Shell};
use crate::http::{
    problem::{Code, Problem},
    state::AppState,
};

#[derive(rust_embed::RustEmbed)]
#[folder = "../docs/errors"]
struct Explanations;

#[derive(Serialize)]
struct ErrorPage {
    status: u16,
    title: &'static str,
    detail: String,
    code: &'static str,
    request: Option<String>,
}

/// Layer: a problem becomes a page for whoever asked for a page.
pub(in crate::http) async fn as_page(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let wants_page = wants_page(request.headers());
    let is_head = request.method() == Method::HEAD;
    let id = request
        .headers()
        .get("x-request-id")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let response = next.run(request).await;
    if !wants_page || is_head {
        return response;
    }
    match response.extensions().get::<Problem>() {
        Some(problem) => render(&state, problem.clone(), id).await,
        None => response,
    }
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accept.contains("text/html")
}

async fn render(state: &AppState, problem: Problem, request: Option<String>) -> Response {
    // The catalog may be what does not answer; the page stands without it.
    let company = match state.catalog().await {
        Ok(catalog) => catalog.company.name.clone(),
        Err(_) => String::new(),
    };
    let page = ErrorPage {
        status: problem.status.as_u16(),
        title: problem.title,
        detail: problem.detail.clone(),
        code: problem.code,
        request,
    };
    let shell = Shell::bare(state, &company, problem.title);
    match state.pages.render("error", &Framed { shell, page }) {
        Ok(html) => (problem.status, html).into_response(),
        Err(_) => problem.into_response(),
    }
}

/// `GET /errors/{code}`: what a problem's `type` leads to, as the documentation has it.
pub(in crate::http) async fn explain(Path(code): Path<String>) -> Result<Response, Problem> {
    let file = Explanations::get(&format!("{code}.md"));
    let file = file.ok_or_else(|| Problem::new(Code::NotFound, format!("There is no error `{code}`.")))?;
    Ok((
        [(header::CONTENT_TYPE, "text/markdown; charset=utf-8")],
        file.data.into_owned(),
    )
        .into_response())
}
