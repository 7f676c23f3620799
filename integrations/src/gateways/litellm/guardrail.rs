//! LiteLLM's generic guardrail: what it asks before it sends a request on, and what it understands as an answer.
//!
//! The proxy asks once, before routing, with the alias that the application named; the vendor's model is not known yet. It
//! sends headers only by an allow-list (`x-litellm-*` by default): others come as `[present]`. Measured on 1.106.2.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use workflow_engine::engine::gate::{GateAnswer, GateCall};

/// What stands in place of a header that is not on the allow-list.
const HIDDEN: &str = "[present]";
/// Headers in which an application may name its workflow.
const WORKFLOW: [&str; 2] = ["x-workflow-id", "x-workflow"];

/// What the proxy acts on. Any status but 200 would mean "the guardrail is broken" to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "UPPERCASE")]
pub enum Reply {
    /// Send it on.
    None,
    /// Answer the application with 400 and this text.
    Blocked {
        /// For the developer who reads it; ends with the decision's id.
        blocked_reason: String,
    },
}

#[derive(Deserialize)]
#[serde(default)]
struct Asked {
    input_type: String,
    model: Option<String>,
    request_data: Key,
    request_headers: BTreeMap<String, String>,
    additional_provider_specific_params: Extra,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Key {
    user_api_key_alias: Option<String>,
    user_api_key_team_alias: Option<String>,
}

/// What the proxy's own configuration, or the request, adds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Extra {
    workflow: Option<String>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            input_type: "request".to_owned(),
            model: None,
            request_data: Key::default(),
            request_headers: BTreeMap::new(),
            additional_provider_specific_params: Extra::default(),
        }
    }
}

/// The request that `body` asks about; none when it asks about an answer, which has been made and paid already. Prompts in
/// it are not looked at.
///
/// # Errors
/// When it is not what the proxy sends.
pub fn read(body: &[u8]) -> Result<Option<GateCall>, serde_json::Error> {
    let asked: Asked = serde_json::from_slice(body)?;
    if asked.input_type == "response" {
        return Ok(None);
    }
    let header = |name: &str| {
        let value = asked.request_headers.get(name);
        value.filter(|value| *value != HIDDEN).cloned()
    };
    let tags = header("x-litellm-tags").unwrap_or_default();
    Ok(Some(GateCall {
        workflow: asked
            .additional_provider_specific_params
            .workflow
            .or_else(|| WORKFLOW.into_iter().find_map(header)),
        tags: tags
            .split(',')
            .map(str::trim)
            .filter(|tag| !tag.is_empty())
            .map(str::to_owned)
            .collect(),
        team: asked.request_data.user_api_key_team_alias,
        key_alias: asked.request_data.user_api_key_alias,
        alias: asked.model,
        ..GateCall::default()
    }))
}

impl From<&GateAnswer> for Reply {
    fn from(answer: &GateAnswer) -> Self {
        if answer.allow {
            return Self::None;
        }
        Self::Blocked {
            blocked_reason: format!("{} [governor-{}]", answer.reason, answer.decision_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_by_its_alias_tags_key_and_team() {
        let body = r#"{"input_type":"request","litellm_call_id":"c-1","texts":["a secret question"],"tools":null,
            "request_data":{"user_api_key_alias":"support","user_api_key_team_alias":"care","user_api_key_hash":"h"},
            "request_headers":{"x-workflow-id":"[present]","x-litellm-tags":"env:prod, workflow:support-answer"},
            "additional_provider_specific_params":{"policy":"strict"},"model":"support-chat"}"#;
        let call = read(body.as_bytes()).unwrap().unwrap();
        let expected = GateCall {
            tags: vec!["env:prod".to_owned(), "workflow:support-answer".to_owned()],
            team: Some("care".to_owned()),
            key_alias: Some("support".to_owned()),
            alias: Some("support-chat".to_owned()),
            ..GateCall::default()
        };
        assert_eq!(call, expected);
    }

    #[test]
    fn an_answer_is_not_asked_about_and_another_body_is_no_request() {
        assert!(
            read(br#"{"input_type":"response","texts":["x"]}"#)
                .unwrap()
                .is_none()
        );
        assert!(read(b"<html>").is_err());
        let named = br#"{"input_type":"request","request_headers":{"x-workflow-id":"support-answer"}}"#;
        assert_eq!(
            read(named).unwrap().unwrap().workflow.as_deref(),
            Some("support-answer")
        );
    }
}
