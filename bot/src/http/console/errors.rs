//! Problems as pages: for people the same code and sentence, with a way on; and the page behind each `type`.

use axum::{
    extract::{Path, Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;

use super::shell::{Framed, Shell};
use crate::{
    http::{
        problem::{Code, Problem},
        state::AppState,
    },
    plots::svg::escaped,
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

/// `GET /errors/{code}`: what a problem's `type` leads to, as the documentation has it: a page for browsers, its Markdown
/// for programs.
pub(in crate::http) async fn explain(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    let file = Explanations::get(&format!("{code}.md"));
    let file = file.ok_or_else(|| Problem::new(Code::NotFound, format!("There is no error `{code}`.")))?;
    let bytes = file.data.into_owned();
    if !wants_page(&headers) {
        return Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], bytes).into_response());
    }
    let page = Explained::read(&String::from_utf8_lossy(&bytes));
    let shell = Shell::bare(&state, &state.catalog().await?.company.name, &page.title);
    Ok(state
        .pages
        .render("explanation", &Framed { shell, page })?
        .into_response())
}

/// A page of `docs/errors`: a title, a line with code and status, paragraphs.
#[derive(Serialize)]
struct Explained {
    title: String,
    /// HTML, as the paragraphs.
    code: String,
    paragraphs: Vec<String>,
}

impl Explained {
    fn read(markdown: &str) -> Self {
        let (head, text) = markdown.split_once("\n\n").unwrap_or((markdown, ""));
        let (title, code) = head.split_once('\n').unwrap_or((head, ""));
        Self {
            title: title.trim_start_matches("# ").to_owned(),
            code: html(code),
            paragraphs: text.trim().split("\n\n").map(html).collect(),
        }
    }
}

/// One paragraph with its `code` and **strong** words; these pages use no more of Markdown.
fn html(markdown: &str) -> String {
    let marked = |text: &str, mark: &str, tag: &str| -> String {
        let parts = text.split(mark).enumerate();
        parts
            .map(|(index, part)| match index % 2 {
                1 => format!("<{tag}>{part}</{tag}>"),
                _ => part.to_owned(),
            })
            .collect()
    };
    marked(&marked(&escaped(markdown), "**", "strong"), "`", "code")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_explanation_reads_as_a_page() {
        for name in Explanations::iter() {
            let file = Explanations::get(&name).unwrap();
            let page = Explained::read(&String::from_utf8_lossy(&file.data));
            let whole = format!("{}{}{}", page.title, page.code, page.paragraphs.concat());
            let code = name.trim_end_matches(".md");
            assert!(
                page.code.starts_with(&format!("<code>{code}</code>")),
                "{name}: {whole}"
            );
            assert!(page.paragraphs.len() >= 2, "{name}: {whole}");
            assert!(!whole.contains(['`', '*', '|']), "{name}: {whole}");
        }
        assert_eq!(
            html("`<b>` **and**"),
            "<code>&lt;b&gt;</code> <strong>and</strong>"
        );
    }
}
