//! The console: pages that are rendered here and work without script. One file a page.

pub mod change;
mod changes;
mod errors;
mod inbox;
mod labels;
mod ledger;
pub(in crate::http) mod operations;
pub mod pages;
pub mod parts;
mod policy;
pub mod shell;
mod spend;
mod spend_calls;
mod traffic;
mod welcome;
pub(in crate::http) mod workflows;

use axum::{
    Router, middleware,
    routing::{get, post},
};

use super::{auth::sign_in, sse, state::AppState};

/// The pages' routes. A new page is its file and its line here.
pub(super) fn routes(state: AppState) -> Router<AppState> {
    Router::new()
        .route("/", get(inbox::show))
        .route("/welcome", get(welcome::show))
        .route("/changes", get(changes::list).post(changes::file))
        .route("/changes/new", get(changes::form))
        .route("/changes/{number}", get(change::show))
        .route("/changes/{number}/examples", get(change::examples::show))
        .route("/changes/{number}/packet.html", get(change::print::show))
        .route("/changes/{number}/{verb}", post(change::forms::act))
        .route("/workflows", get(workflows::list))
        .route("/workflows/{id}", get(workflows::show))
        .route("/policy", get(policy::show))
        .route("/policy/try", post(policy::try_out))
        .route("/policy/propose", post(policy::propose))
        .route("/workflows/{id}/labels", get(labels::show).post(labels::say))
        .route("/spend", get(spend::show))
        .route("/spend/calls", get(spend_calls::show))
        .route("/ledger", get(ledger::show))
        .route("/operations", get(operations::show))
        .route("/operations/jobs/{id}/requeue", post(operations::requeue))
        .route("/auth/login", get(sign_in::page).post(sign_in::pick))
        .route("/auth/callback", get(sign_in::link).post(sign_in::use_link))
        .route("/auth/logout", post(sign_in::sign_out))
        .route("/events", get(sse::stream))
        .route("/errors/{code}", get(errors::explain))
        .route("/assets/{name}", get(pages::asset))
        .fallback(no_page)
        .layer(middleware::from_fn_with_state(state, errors::as_page))
}

async fn no_page() -> super::problem::Problem {
    super::problem::Problem::new(super::problem::Code::NotFound, "There is no such page or path.")
}
