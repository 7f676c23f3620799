//! `/api/v1/changes/{number}/evidence`: results of other tools beside the test. They are shown, and decide nothing.

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use integrations::evaluations::{self, Files};
use serde::Deserialize;
use serde_json::{Value, json};
use workflow_engine::{
    change::attached::{Attached, Format},
    engine::attach::{AttachError, Attachment},
    store,
    values::ChangeNumber,
};

use super::{Body, changes::person};
use crate::http::{
    auth::{Caller, Permission},
    problem::{Code, Problem},
    state::AppState,
};

/// A file of results.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEvidence {
    format: Format,
    file: String,
    #[serde(default)]
    candidate_file: Option<String>,
    #[serde(default)]
    incumbent: Option<String>,
    #[serde(default)]
    candidate: Option<String>,
    #[serde(default)]
    metric: Option<String>,
}

/// `GET …/evidence`: what is attached, oldest first.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(number): Path<u64>,
) -> Result<Json<Value>, Problem> {
    caller.require(Permission::Read)?;
    let view = state.engine.change_view(ChangeNumber(number)).await?;
    let view = view.ok_or_else(|| Problem::not_found("change", ChangeNumber(number)))?;
    Ok(Json(json!({"items": view.supporting, "next_cursor": null})))
}

/// `POST …/evidence`: 201 with digests and counts; the same file again changes nothing.
pub(super) async fn attach(
    State(state): State<AppState>,
    caller: Caller,
    Path(number): Path<u64>,
    Body(new): Body<NewEvidence>,
) -> Result<(StatusCode, Json<Attached>), Problem> {
    caller.require(Permission::Act)?;
    let by = person(&caller)?;
    let files = Files {
        format: new.format,
        file: &new.file,
        candidate_file: new.candidate_file.as_deref(),
        incumbent: new.incumbent.as_deref(),
        candidate: new.candidate.as_deref(),
        metric: new.metric.as_deref(),
    };
    let converted = evaluations::read(&files).map_err(|error| unusable(&error.to_string()))?;
    let attachment = Attachment {
        change: ChangeNumber(number),
        by,
        format: new.format,
        sha256: files.sha256(),
        pairs: converted.pairs,
        unpaired: converted.unpaired as u64,
        models: files.models(),
    };
    Ok((StatusCode::CREATED, Json(state.engine.attach(attachment).await?)))
}

/// `GET …/evidence/{sha256}`: the pairs that were read from the file of that digest, one JSON object a line.
pub(super) async fn pairs(
    State(state): State<AppState>,
    caller: Caller,
    Path((number, sha256)): Path<(u64, String)>,
) -> Result<Response, Problem> {
    caller.require(Permission::Read)?;
    let attached = state.engine.supporting(ChangeNumber(number)).await?;
    let file = attached
        .into_iter()
        .find(|it| it.file.sha256.to_string() == sha256);
    let file = file
        .ok_or_else(|| Problem::not_found("attached file", &sha256))?
        .file;
    let pairs = store::supporting::pairs(state.db(), &file.pairs_sha256).await?;
    let pairs = pairs.ok_or_else(|| Problem::not_found("attached file", &sha256))?;
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], pairs).into_response())
}

fn unusable(why: &str) -> Problem {
    Problem::new(Code::BadBody, format!("These results cannot be used: {why}."))
}

impl From<AttachError> for Problem {
    fn from(error: AttachError) -> Self {
        match error {
            AttachError::Unusable(why) => unusable(&why),
            AttachError::Handle(error) => error.into(),
            AttachError::Store(error) => error.into(),
        }
    }
}
