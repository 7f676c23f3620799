//! `/hooks/…`: a gateway asks whether it may send a request on. Answered from memory; prompts in the body are not read.

use axum::{
    Json,
    extract::{Path, State},
};
use bytes::Bytes;
use integrations::gateways::litellm::guardrail::{self, Reply};
use serde::Serialize;
use workflow_engine::engine::gate::{GateAnswer, GateCall};

use crate::{
    http::{
        api::Body,
        auth::{Caller, Permission},
        problem::Problem,
        state::AppState,
    },
    telemetry::metrics,
};

/// The answer, with the status that a gateway may give to the application.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Said {
    #[serde(flatten)]
    answer: GateAnswer,
    /// 403 where the request may not be sent on.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

/// `POST /hooks/v1/decide`: for policy fragments, scripts of a gateway, and applications.
pub(super) async fn decide(
    State(state): State<AppState>,
    caller: Caller,
    Body(asked): Body<GateCall>,
) -> Result<Json<Said>, Problem> {
    let answer = ask(&state, &caller, &asked, "decide")?;
    let status = (!answer.allow).then_some(403);
    Ok(Json(Said { answer, status }))
}

/// `POST /hooks/litellm/{gateway}/beta/litellm_basic_guardrail_api`: LiteLLM's generic guardrail. A body that cannot be
/// read is let pass: any answer but 200 would stop the proxy's traffic.
pub(super) async fn litellm(
    State(state): State<AppState>,
    caller: Caller,
    Path(gateway): Path<String>,
    body: Bytes,
) -> Result<Json<Reply>, Problem> {
    caller.require(Permission::Hook)?;
    match guardrail::read(&body) {
        Ok(Some(asked)) => Ok(Json(Reply::from(&ask(&state, &caller, &asked, &gateway)?))),
        Ok(None) => Ok(Json(Reply::None)),
        Err(error) => {
            tracing::warn!(gateway, %error, "a question of the guardrail cannot be read; the request was let pass");
            Ok(Json(Reply::None))
        }
    }
}

fn ask(state: &AppState, caller: &Caller, asked: &GateCall, by: &str) -> Result<GateAnswer, Problem> {
    caller.require(Permission::Hook)?;
    let answer = state.gate()?.answer(&caller.source, asked);
    metrics::decision(answer.allow, !answer.findings.is_empty());
    if !answer.findings.is_empty() {
        tracing::info!(
            by,
            decision.id = %answer.decision_id,
            workflow = answer.workflow.as_ref().map(tracing::field::display),
            findings = answer.findings.join(" "),
            allow = answer.allow,
            "a request is outside the policy"
        );
    }
    Ok(answer)
}
