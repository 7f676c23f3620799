//! `/api/v1/changes/{number}/packet`: the evidence packet, signed, to print, as pictures or as a table.

use axum::{
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use workflow_engine::{engine::queries::change_view::ChangeView, store, values::ChangeNumber};

use crate::{
    http::{
        auth::{Caller, Permission},
        console::change::print,
        problem::{Code, Problem},
        state::AppState,
    },
    packet::csv::csv,
};

/// As what it is wanted.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// The signed envelope.
    #[default]
    Json,
    /// A page to print.
    Html,
    /// The plots as one picture.
    Png,
    /// One row a pair.
    Csv,
}

/// `?format=`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    format: Format,
}

/// `GET …/packet?format=json|html|png|csv`; without a format the signed envelope, as `governor packet verify` takes it.
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(number): Path<u64>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    caller.require(Permission::Read)?;
    let number = ChangeNumber(number);
    let view = state.engine.change_view(number).await?;
    let view = view.ok_or_else(|| Problem::not_found("change", number))?;
    let catalog = state.catalog().await?;
    match wanted.format {
        Format::Json => envelope(&state, &view).await,
        Format::Html => Ok(print::document(&state.pages, &view, &catalog)?.into_response()),
        Format::Png => Ok((
            [(header::CONTENT_TYPE, "image/png")],
            print::pictures(&view, &catalog).await?,
        )
            .into_response()),
        Format::Csv => pairs(&state, number).await,
    }
}

async fn envelope(state: &AppState, view: &ChangeView) -> Result<Response, Problem> {
    let none = || {
        Problem::new(
            Code::NotFound,
            format!(
                "Change {} has no packet yet; it is sealed after the test.",
                view.number
            ),
        )
    };
    let digest = view.packet_sha256.ok_or_else(none)?;
    let packet = store::packets::by_digest(state.db(), digest)
        .await?
        .ok_or_else(none)?;
    Ok(file(
        "application/json",
        format!("packet-{}.dsse.json", view.number.0),
        packet.envelope,
    ))
}

async fn pairs(state: &AppState, number: ChangeNumber) -> Result<Response, Problem> {
    let loaded = store::changes::by_number(state.db(), number).await?;
    let change = loaded.ok_or_else(|| Problem::not_found("change", number))?.change;
    let pairs = state.engine.pairs(&change).await?;
    if pairs.is_empty() {
        return Err(Problem::new(
            Code::NotFound,
            format!("Change {number} has no replayed pairs, so there is no table of them."),
        ));
    }
    Ok(file(
        "text/csv; charset=utf-8",
        format!("pairs-{}.csv", number.0),
        csv(&pairs),
    ))
}

fn file(kind: &str, name: String, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, body).into_response()
}
