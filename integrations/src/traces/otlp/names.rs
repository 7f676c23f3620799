//! Who a span is about: workflow names, tags, users, teams, under every spelling.

use serde_json::Value;

use super::span::Attrs;

/// Workflow names on the span itself, the most telling first.
pub(super) fn workflows(attrs: &Attrs) -> Vec<String> {
    let mut out = Vec::new();
    let mut push = |name: Option<String>| out.extend(name.filter(|name| !name.is_empty()));
    for key in [
        "gen_ai.workflow.name",
        "traceloop.workflow.name",
        "workflow.id",
        "ai.telemetry.metadata.workflow",
        "ai.settings.context.workflow",
        "traceloop.association.properties.workflow",
    ] {
        push(attrs.text(&[key]).map(str::to_owned));
    }
    push(
        attrs
            .json(&["metadata"])
            .and_then(|metadata| plain(metadata.get("workflow")?)),
    );
    push(attrs.text(&["langfuse.trace.metadata.workflow"]).map(unquoted));
    for key in ["ai.telemetry.functionId", "gen_ai.agent.name"] {
        push(attrs.text(&[key]).map(str::to_owned));
    }
    out.dedup();
    out
}

/// A text that may be JSON in text.
fn unquoted(text: &str) -> String {
    serde_json::from_str::<Value>(text)
        .ok()
        .and_then(|value| plain(&value))
        .unwrap_or_else(|| text.to_owned())
}

fn plain(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Tags on the span.
pub(super) fn tags(attrs: &Attrs) -> Vec<String> {
    let tags = attrs.texts(&["tag.tags", "langfuse.trace.tags", "ai.telemetry.metadata.tags"]);
    if !tags.is_empty() {
        return tags;
    }
    attrs
        .json(&["metadata.requester_metadata"])
        .map(|metadata| requester_tags(&metadata))
        .unwrap_or_default()
}

/// LiteLLM's tags: in the client's metadata as a list or one text, or in the client's header.
fn requester_tags(metadata: &Value) -> Vec<String> {
    let texts = |list: &Vec<Value>| list.iter().filter_map(plain).collect();
    match metadata.get("tags") {
        Some(Value::Array(list)) => texts(list),
        Some(Value::String(one)) => vec![one.clone()],
        _ => {
            let header = metadata
                .pointer("/headers/x-litellm-tags")
                .and_then(Value::as_str);
            let split = header
                .unwrap_or_default()
                .split(',')
                .map(|tag| tag.trim().to_owned());
            split.filter(|tag| !tag.is_empty()).collect()
        }
    }
}

/// The user of the application.
pub(super) fn end_user(attrs: &Attrs) -> Option<String> {
    let keys = [
        "enduser.id",
        "gen_ai.user",
        "langfuse.user.id",
        "user.id",
        "ai.telemetry.metadata.userId",
        "litellm.end_user.id",
        "litellm.metadata.user_api_key_end_user_id",
        "metadata.user_api_key_end_user_id",
        "llm.user",
    ];
    attrs.text(&keys).map(str::to_owned)
}

/// The team.
pub(super) fn team(attrs: &Attrs, resource: &Attrs) -> Option<String> {
    let keys = [
        "litellm.team.alias",
        "metadata.user_api_key_team_alias",
        "litellm.team.id",
        "metadata.user_api_key_team_id",
        "team",
    ];
    attrs
        .text(&keys)
        .or_else(|| resource.text(&["team"]))
        .map(str::to_owned)
}
