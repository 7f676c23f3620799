//! The admin API of the stand-in: what it holds, what it refuses, in LiteLLM's words.

#![expect(
    clippy::result_large_err,
    reason = "a refusal is a whole response, made once for each refused request"
)]

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State as Shared},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{super::wire::Deployment, Held, Inner, Setup, State, error};

/// The state that a proxy has after reading its config file.
pub(super) fn from_config(setup: &Setup) -> Result<State, serde_json::Error> {
    let deployments: Vec<Deployment> = serde_json::from_value(setup.model_list.clone())?;
    let fallbacks: Vec<std::collections::BTreeMap<String, Vec<String>>> =
        serde_json::from_value(setup.fallbacks.clone())?;
    let held = deployments
        .into_iter()
        .enumerate()
        .map(|(index, mut deployment)| {
            // A config entry without an id gets a hash of its content; any stable name will do here.
            let id = deployment.model_info.id.take();
            deployment.model_info.id = Some(id.unwrap_or_else(|| format!("config-{index}")));
            let database = setup.database && deployment.model_info.db_model;
            Held { deployment, database }
        });
    Ok(State {
        deployments: held.collect(),
        fallbacks: fallbacks.into_iter().flatten().collect(),
        ..State::default()
    })
}

pub(super) async fn model_info(Shared(inner): Shared<Arc<Inner>>, headers: HeaderMap) -> Response {
    if let Err(refused) = inner.authorised(&headers) {
        return refused;
    }
    let state = inner.state();
    let data: Vec<Value> = state.deployments.iter().map(shown).collect();
    Json(json!({"data": data})).into_response()
}

/// Without the key, with the flags that LiteLLM adds.
fn shown(held: &Held) -> Value {
    let mut value = json!(held.deployment);
    if let Some(params) = value["litellm_params"].as_object_mut() {
        params.remove("api_key");
        params.insert("use_in_pass_through".to_owned(), json!(false));
        params.insert("merge_reasoning_content_in_choices".to_owned(), json!(false));
    }
    value["model_info"]["db_model"] = json!(held.database);
    value
}

pub(super) async fn router_settings(Shared(inner): Shared<Arc<Inner>>, headers: HeaderMap) -> Response {
    if let Err(refused) = inner.authorised(&headers) {
        return refused;
    }
    let state = inner.state();
    let fallbacks: Vec<Value> = state
        .fallbacks
        .iter()
        .map(|(alias, names)| json!({alias: names}))
        .collect();
    Json(json!({
        "fields": [],
        "current_values": {"routing_strategy": "simple-shuffle", "num_retries": 0, "fallbacks": fallbacks,
                           "context_window_fallbacks": null, "content_policy_fallbacks": null, "model_group_alias": {}},
    }))
    .into_response()
}

/// The common beginning of every write: key, injected fault, database. None: go on; false inside: answer 200 and do nothing.
fn may_write(inner: &Inner, headers: &HeaderMap, fallback: bool) -> Result<bool, Response> {
    inner.authorised(headers)?;
    let mut state = inner.state();
    if state.fail_writes > 0 {
        state.fail_writes -= 1;
        return Err(error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Internal Server Error",
            "internal_server_error",
        ));
    }
    if inner.setup.database {
        return Ok(!state.frozen);
    }
    Err(if fallback {
        let why = "Database storage not enabled. Set 'STORE_MODEL_IN_DB=True' in your environment to use this feature.";
        (StatusCode::BAD_REQUEST, Json(json!({"detail": {"error": why}}))).into_response()
    } else {
        let why = "{'error': \"Set `'STORE_MODEL_IN_DB='True'` in your env to enable this feature.\"}";
        error(StatusCode::INTERNAL_SERVER_ERROR, why, "auth_error")
    })
}

fn detail(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({"detail": {"error": why}}))).into_response()
}

pub(super) async fn new(
    Shared(inner): Shared<Arc<Inner>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    inner.hold().await;
    let real = match may_write(&inner, &headers, false) {
        Ok(real) => real,
        Err(refused) => return refused,
    };
    let Ok(deployment) = serde_json::from_value::<Deployment>(body.clone()) else {
        return detail(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Field required: model_name, litellm_params.model",
        );
    };
    let mut state = inner.state();
    if state
        .deployments
        .iter()
        .any(|held| held.deployment.id() == deployment.id())
    {
        let why = "Internal Server Error, Unique constraint failed on the fields: (`model_id`)";
        return error(StatusCode::INTERNAL_SERVER_ERROR, why, "auth_error");
    }
    state.writes.push(format!("POST /model/new {}", deployment.id()));
    if real {
        state.deployments.push(Held {
            deployment,
            database: true,
        });
    }
    Json(body).into_response()
}

pub(super) async fn update(
    Shared(inner): Shared<Arc<Inner>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let real = match may_write(&inner, &headers, false) {
        Ok(real) => real,
        Err(refused) => return refused,
    };
    let Ok(deployment) = serde_json::from_value::<Deployment>(body.clone()) else {
        return detail(StatusCode::UNPROCESSABLE_ENTITY, "litellm_params is no object");
    };
    let mut state = inner.state();
    let found = state
        .deployments
        .iter_mut()
        .find(|held| held.database && held.deployment.id() == id);
    let Some(held) = found else {
        return error(
            StatusCode::NOT_FOUND,
            &format!("Model {id} not found on proxy."),
            "not_found_error",
        );
    };
    if real {
        held.deployment = deployment;
    }
    state.writes.push(format!("PATCH /model/{id}/update"));
    Json(body).into_response()
}

pub(super) async fn delete(
    Shared(inner): Shared<Arc<Inner>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let real = match may_write(&inner, &headers, false) {
        Ok(real) => real,
        Err(refused) => return refused,
    };
    let id = body["id"].as_str().unwrap_or_default();
    let mut state = inner.state();
    let place = state
        .deployments
        .iter()
        .position(|held| held.database && held.deployment.id() == id);
    let Some(place) = place else {
        let why = format!("{{'error': 'Model with id={id} not found in db'}}");
        return error(StatusCode::BAD_REQUEST, &why, "auth_error");
    };
    if real {
        state.deployments.remove(place);
    }
    state.writes.push(format!("POST /model/delete {id}"));
    Json(json!({"message": format!("Model: {id} deleted successfully")})).into_response()
}

pub(super) async fn set_fallback(
    Shared(inner): Shared<Arc<Inner>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if let Err(refused) = inner.authorised(&headers) {
        return refused;
    }
    let alias = body["model"].as_str().unwrap_or_default().to_owned();
    let names: Vec<String> = serde_json::from_value(body["fallback_models"].clone()).unwrap_or_default();
    // The real one looks at the names before it looks at its database.
    {
        let state = inner.state();
        let known = |name: &String| {
            state
                .deployments
                .iter()
                .any(|held| held.deployment.model_name == *name)
        };
        if !known(&alias) {
            return detail(
                StatusCode::NOT_FOUND,
                &format!("Model '{alias}' not found in router"),
            );
        }
        if let Some(name) = names.iter().find(|name| !known(name)) {
            return detail(
                StatusCode::BAD_REQUEST,
                &format!("Invalid fallback models: ['{name}']"),
            );
        }
        if names.contains(&alias) {
            return detail(
                StatusCode::BAD_REQUEST,
                &format!("Model '{alias}' cannot be its own fallback"),
            );
        }
    }
    let real = match may_write(&inner, &headers, true) {
        Ok(real) => real,
        Err(refused) => return refused,
    };
    let mut state = inner.state();
    if real {
        state.fallbacks.retain(|entry| entry.0 != alias);
        state.fallbacks.push((alias.clone(), names.clone()));
    }
    state.writes.push(format!("POST /fallback {alias}"));
    Json(
        json!({"model": alias, "fallback_models": names, "fallback_type": "general",
                "message": "Fallback configuration updated successfully"}),
    )
    .into_response()
}

pub(super) async fn fallback(
    Shared(inner): Shared<Arc<Inner>>,
    Path(model): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Err(refused) = inner.authorised(&headers) {
        return refused;
    }
    let state = inner.state();
    match state.fallbacks.iter().find(|entry| entry.0 == model) {
        Some((_, names)) => {
            Json(json!({"model": model, "fallback_models": names, "fallback_type": "general"}))
                .into_response()
        }
        None => no_fallbacks(&model),
    }
}

pub(super) async fn delete_fallback(
    Shared(inner): Shared<Arc<Inner>>,
    Path(model): Path<String>,
    headers: HeaderMap,
) -> Response {
    let real = match may_write(&inner, &headers, true) {
        Ok(real) => real,
        Err(refused) => return refused,
    };
    let mut state = inner.state();
    let Some(place) = state.fallbacks.iter().position(|entry| entry.0 == model) else {
        return no_fallbacks(&model);
    };
    if real {
        state.fallbacks.remove(place);
    }
    state.writes.push(format!("DELETE /fallback/{model}"));
    Json(json!({"model": model, "fallback_type": "general", "message": "Fallback configuration deleted successfully"}))
        .into_response()
}

fn no_fallbacks(model: &str) -> Response {
    detail(
        StatusCode::NOT_FOUND,
        &format!("No general fallbacks configured for model '{model}'"),
    )
}
