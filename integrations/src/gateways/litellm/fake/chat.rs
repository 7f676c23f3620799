//! Chat completions of the stand-in: alias to deployment to vendor, fallbacks when the vendor fails, one report an attempt.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State as Shared,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    super::wire::Deployment,
    Inner, error,
    payload::{Attempt, row},
};
use crate::http::Answer;

pub(super) async fn completions(
    Shared(inner): Shared<Arc<Inner>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if let Err(refused) = inner.authorised(&headers) {
        return refused;
    }
    let alias = body["model"].as_str().unwrap_or_default().to_owned();
    let call_id = inner.setup.clock.new_id().to_string();
    let groups = groups(&inner, &alias);
    if groups.is_empty() {
        let why = format!(
            "Invalid model name passed in model={alias}. Call `/v1/models` to view available models for your key."
        );
        return error(StatusCode::BAD_REQUEST, &why, "invalid_request_error");
    }
    let tags = tags(&headers, &body);
    let mut last = None;
    for group in groups {
        let Some(deployment) = pick(&inner, &group) else {
            continue;
        };
        let outcome = attempt(&inner, &deployment, &body, (&call_id, &tags)).await;
        match outcome {
            Ok(response) => return answered(&alias, &deployment, &call_id, response),
            Err(refused) => last = Some(refused),
        }
    }
    last.unwrap_or_else(|| {
        error(
            StatusCode::SERVICE_UNAVAILABLE,
            "No deployments available",
            "None",
        )
    })
}

/// The alias itself, then its fallbacks.
fn groups(inner: &Inner, alias: &str) -> Vec<String> {
    let state = inner.state();
    if !state
        .deployments
        .iter()
        .any(|held| held.deployment.model_name == alias)
    {
        return Vec::new();
    }
    let fallbacks = state
        .fallbacks
        .iter()
        .filter(|entry| entry.0 == alias)
        .flat_map(|entry| entry.1.clone());
    std::iter::once(alias.to_owned()).chain(fallbacks).collect()
}

/// Deployments of one group take turns.
fn pick(inner: &Inner, group: &str) -> Option<Deployment> {
    let mut state = inner.state();
    let of_group: Vec<Deployment> = state
        .deployments
        .iter()
        .filter(|held| held.deployment.model_name == group)
        .map(|held| held.deployment.clone())
        .collect();
    state.turn += 1;
    let turn = state.turn % of_group.len().max(1);
    of_group.into_iter().nth(turn)
}

async fn attempt(
    inner: &Inner,
    deployment: &Deployment,
    body: &Value,
    (call_id, tags): (&str, &[String]),
) -> Result<Value, Response> {
    let params = &deployment.litellm_params;
    let own = |name: &str| params.rest.get(name).and_then(|value| inner.resolve(value));
    let api_base = own("api_base").unwrap_or_else(|| "https://api.openai.com/v1".to_owned());
    let model = params
        .model
        .split_once('/')
        .map_or(params.model.as_str(), |split| split.1);
    let mut asked = body.clone();
    asked["model"] = json!(model);
    if let Some(fields) = asked.as_object_mut() {
        fields.remove("metadata");
        fields.extend(deployment.hop().parameters.into_iter().map(|(name, text)| {
            let value = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
            (name, value)
        }));
    }
    let started_at = inner.setup.clock.now();
    let request = inner
        .http
        .client()
        .post(format!("{api_base}/chat/completions"))
        .bearer_auth(own("api_key").unwrap_or_default())
        .json(&asked);
    let answer = inner.http.once("vendor", request).await;
    let took = answer.as_ref().ok().map_or_else(chrono::Duration::zero, duration);
    let (response, failure) = match answer {
        Ok(answer) if answer.status.is_success() => (serde_json::from_slice(&answer.body).ok(), None),
        Ok(answer) => (
            None,
            Some((answer.status.as_u16(), crate::http::snippet(&answer.body))),
        ),
        Err(error) => (None, Some((500, error.to_string()))),
    };
    let report = Attempt {
        cost_usd: response
            .as_ref()
            .and_then(|response| cost(inner, model, response)),
        response: response.clone(),
        failure: failure.clone(),
        call_id: call_id.to_owned(),
        deployment: deployment.id().to_owned(),
        group: deployment.model_name.clone(),
        model: params.model.clone(),
        api_base,
        request: body.clone(),
        tags: tags.to_vec(),
        started_at,
        ended_at: started_at + took,
    };
    inner.state().reports.push(row(&report));
    let (status, message) = failure.unwrap_or_else(|| (502, "no answer".to_owned()));
    response.ok_or_else(|| {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        error(status, &message, "None")
    })
}

/// The vendor's own processing time where it tells one: a stand-in that answers at once still took as long as recorded.
fn duration(answer: &Answer) -> chrono::Duration {
    let told = answer
        .headers
        .get("openai-processing-ms")
        .and_then(|value| value.to_str().ok()?.parse::<f64>().ok());
    let millis = told.unwrap_or(answer.elapsed.as_secs_f64() * 1000.0);
    chrono::Duration::microseconds((millis * 1000.0).round() as i64)
}

fn cost(inner: &Inner, model: &str, response: &Value) -> Option<f64> {
    let (input, output) = inner.setup.prices.get(model)?;
    let count = |name: &str| response["usage"][name].as_f64();
    Some(count("prompt_tokens")? * input + count("completion_tokens")? * output)
}

/// From the header, else from the body's metadata.
fn tags(headers: &HeaderMap, body: &Value) -> Vec<String> {
    if let Some(list) = headers
        .get("x-litellm-tags")
        .and_then(|value| value.to_str().ok())
    {
        return list.split(',').map(|tag| tag.trim().to_owned()).collect();
    }
    serde_json::from_value(body["metadata"]["tags"].clone()).unwrap_or_default()
}

fn answered(alias: &str, deployment: &Deployment, call_id: &str, mut response: Value) -> Response {
    response["model"] = json!(alias);
    let headers = [
        ("x-litellm-call-id", call_id.to_owned()),
        ("x-litellm-model-id", deployment.id().to_owned()),
        ("x-litellm-model-group", deployment.model_name.clone()),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, Body::from(response.to_string())).into_response()
}
