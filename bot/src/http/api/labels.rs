//! `/api/v1/workflows/{id}/labels`: two blinded answers for a cleared person, and what they say of them.

use axum::{
    Json,
    extract::{Path, State},
};
use serde::{Deserialize, Serialize};
use workflow_engine::{
    engine::shadow::labels::ToLabel,
    shadow::judging::Choice,
    values::{PersonId, RunId, WorkflowId},
};

use super::Body;
use crate::http::{
    auth::{Caller, Permission},
    problem::{Code, Problem},
    state::AppState,
};

/// What a person says of a pair that they were shown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    run: String,
    trace_id: String,
    says: Choice,
}

/// What became of it.
#[derive(Debug, Serialize)]
pub(super) struct Kept {
    /// False where the pair had a label already, which stays.
    kept: bool,
}

/// `GET …/labels`: the next pair, and how far the workflow is. That the person saw it is on record first.
pub(super) async fn next(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ToLabel>, Problem> {
    caller.require(Permission::Read)?;
    let viewer = person(&caller)?;
    Ok(Json(state.vault()?.to_label(&viewer, &WorkflowId(id)).await?))
}

/// `POST …/labels`. The first label of a pair stays, so a repeat changes nothing.
pub(super) async fn say(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(said): Body<Said>,
) -> Result<Json<Kept>, Problem> {
    caller.require(Permission::Act)?;
    let viewer = person(&caller)?;
    let place = (RunId(said.run), said.trace_id);
    let vault = state.vault()?;
    let kept = vault.label(&viewer, &WorkflowId(id), place, said.says).await?;
    Ok(Json(Kept { kept }))
}

fn person(caller: &Caller) -> Result<PersonId, Problem> {
    caller.person.clone().ok_or_else(|| {
        Problem::new(
            Code::Forbidden,
            "This token stands for no person, and only cleared people read answers. \
             Make one with `governor token create --role member --person ID`.",
        )
    })
}
