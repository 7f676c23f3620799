//! Every route, and the layers around all of them.

use std::time::Duration;

use axum::{Router, extract::DefaultBodyLimit, middleware};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    decompression::RequestDecompressionLayer,
    limit::RequestBodyLimitLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    trace::{DefaultMakeSpan, TraceLayer},
};

use super::{api, console, hooks, limits, state::AppState};

/// The service's one router. Others add their routes by one line in [`open`] or [`api::routes`].
pub fn router(state: AppState) -> Router {
    let most = state.config.server.max_body_bytes();
    let patience = Duration::from_secs(state.config.server.timeout_seconds);
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(TraceLayer::new_for_http().make_span_with(DefaultMakeSpan::new().include_headers(false)))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(middleware::from_fn(limits::headers))
        .layer(CompressionLayer::new().gzip(true))
        .layer(middleware::from_fn_with_state(state.door.clone(), limits::pace))
        .layer(middleware::from_fn_with_state(
            state.closing.clone(),
            limits::closing,
        ))
        .layer(middleware::from_fn_with_state(patience, limits::patience))
        .layer(middleware::from_fn_with_state(most, limits::plain_errors))
        .layer(CatchPanicLayer::custom(limits::panicked))
        .layer(
            RequestDecompressionLayer::new()
                .gzip(true)
                .pass_through_unaccepted(false),
        );
    open(&state)
        // Per route, so that it knows the pattern.
        .route_layer(middleware::from_fn(limits::measured))
        .with_state(state)
        // After decompression, so that a small body cannot become a large one unseen.
        .layer(RequestBodyLimitLayer::new(most))
        .layer(DefaultBodyLimit::max(most))
        .layer(layers)
}

/// `routes` of a conversation, which stand beside the others' layers: they too are closed once the service is told to
/// stop.
pub fn beside(routes: Router, state: &AppState) -> Router {
    routes.layer(middleware::from_fn_with_state(
        state.closing.clone(),
        limits::closing,
    ))
}

/// Every route by its part of the service.
fn open(state: &AppState) -> Router<AppState> {
    Router::new()
        .merge(api::routes())
        .merge(api::health::routes())
        .merge(hooks::routes())
        .merge(console::routes(state.clone()))
}
