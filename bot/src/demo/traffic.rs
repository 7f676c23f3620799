//! Recorded traffic of the demo: July's calls as a gateway's callback and as an application's spans report them.

use chrono::{DateTime, TimeDelta, Utc};
use integrations::gateways::litellm::fake::payload::{Attempt, row};
use serde_json::{Value, json};
use workflow_engine::{ports::model::ToolCall, values::Digest};

use super::{
    figures::{Figure, Figures},
    prompts::{Desk, Request, request},
    vendor::answer,
};

/// Which traffic.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Whose prompts.
    pub desk: Desk,
    /// The workflow that the calls are tagged with.
    pub workflow: String,
    /// The name that was asked for.
    pub alias: String,
    /// OpenTelemetry's provider name.
    pub provider: String,
    /// The model that answered.
    pub model: String,
    /// The run whose figures they have.
    pub run: &'static str,
    /// Start of the first call.
    pub first: DateTime<Utc>,
    /// From one call to the next.
    pub every: TimeDelta,
    /// Prompts of each category, from index 0; all there are by default.
    pub per_category: usize,
}

/// One recorded call.
#[derive(Clone, Debug)]
pub struct RecordedCall {
    /// Category of its prompt: the kind of request.
    pub kind: String,
    /// What was asked.
    pub request: Request,
    /// Text of the answer.
    pub text: Option<String>,
    /// Calls of the answer.
    pub tool_calls: Vec<ToolCall>,
    /// Its figures.
    pub figure: Figure,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// The same in each run of the demo.
    pub id: String,
}

impl Recording {
    /// Its calls, oldest first; kinds are mixed as they would come in.
    ///
    /// # Errors
    /// When there are no such figures.
    pub fn calls(&self, figures: &Figures) -> anyhow::Result<Vec<RecordedCall>> {
        let figures = figures.run(self.run, &self.model)?;
        let mut calls: Vec<RecordedCall> = figures
            .iter()
            .filter(|((_, index), _)| *index < self.per_category)
            .map(|((kind, index), figure)| {
                let request = request(self.desk, kind, *index, figure.expected_calls);
                let (text, tool_calls) = answer(&request, figure);
                let id = Digest::of(format!("{} {} {kind} {index}", self.workflow, self.model).as_bytes())
                    .to_string();
                RecordedCall {
                    kind: kind.clone(),
                    request,
                    text,
                    tool_calls,
                    figure: *figure,
                    started_at: self.first,
                    id,
                }
            })
            .collect();
        calls.sort_by(|a, b| a.id.cmp(&b.id));
        let mut at = self.first;
        for call in &mut calls {
            call.started_at = at;
            at += self.every;
        }
        Ok(calls)
    }

    /// `calls` as the body of one delivery of LiteLLM's callback.
    #[must_use]
    pub fn as_litellm(&self, calls: &[RecordedCall]) -> Value {
        calls.iter().map(|call| row(&self.attempt(call))).collect()
    }

    /// `calls` as one OTLP/JSON export of the application.
    #[must_use]
    pub fn as_otlp(&self, calls: &[RecordedCall]) -> Value {
        let spans: Vec<Value> = calls.iter().map(|call| self.span(call)).collect();
        json!({"resourceSpans": [{
            "resource": {"attributes": [text("service.name", &self.alias)]},
            "scopeSpans": [{"scope": {"name": "opentelemetry.instrumentation.openai_v2", "version": "2.4b0"}, "spans": spans}],
        }]})
    }

    fn attempt(&self, call: &RecordedCall) -> Attempt {
        let prefix = self.provider.split('.').next().unwrap_or(&self.provider);
        Attempt {
            response: Some(self.response(call)),
            failure: None,
            call_id: format!("{}-{}", &call.id[..8], &call.id[8..20]),
            deployment: format!("dep-{}", self.alias),
            group: self.alias.clone(),
            model: format!("{prefix}/{}", self.model),
            api_base: format!("https://api.{prefix}.com/v1"),
            request: json!({
                "model": self.alias,
                "messages": call.request.messages,
                "tools": call.request.tools,
                "metadata": {"reference_tool_calls": reference(call)},
            }),
            tags: self.tags(call),
            started_at: call.started_at,
            ended_at: ended_at(call),
            cost_usd: None,
        }
    }

    fn response(&self, call: &RecordedCall) -> Value {
        let calls: Vec<Value> = call.tool_calls.iter().map(openai_call).collect();
        let finish = if calls.is_empty() { "stop" } else { "tool_calls" };
        let mut message = json!({"role": "assistant", "content": call.text});
        if !calls.is_empty() {
            message["tool_calls"] = Value::Array(calls);
        }
        let (input, output) = (call.figure.input_tokens, call.figure.output_tokens);
        json!({
            "id": format!("chatcmpl-{}", &call.id[..28]),
            "object": "chat.completion",
            "created": call.started_at.timestamp(),
            "model": self.model,
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output},
        })
    }

    fn tags(&self, call: &RecordedCall) -> Vec<String> {
        vec![
            format!("workflow:{}", self.workflow),
            format!("kind:{}", call.kind),
        ]
    }

    fn span(&self, call: &RecordedCall) -> Value {
        let answer = match call.tool_calls.is_empty() {
            true => json!([{"type": "text", "content": call.text}]),
            false => call
                .tool_calls
                .iter()
                .map(|own| json!({"type": "tool_call", "name": own.name, "arguments": own.arguments}))
                .collect(),
        };
        let output = json!([{"role": "assistant", "parts": answer}]);
        let tags = json!(self.tags(call));
        json!({
            "traceId": &call.id[..32],
            "spanId": &call.id[32..48],
            "name": format!("chat {}", self.model),
            "kind": 3,
            "startTimeUnixNano": nanos(call.started_at),
            "endTimeUnixNano": nanos(ended_at(call)),
            "status": {"code": 0},
            "attributes": [
                text("gen_ai.operation.name", "chat"),
                text("gen_ai.provider.name", &self.provider),
                text("gen_ai.request.model", &self.model),
                text("gen_ai.response.model", &self.model),
                text("gen_ai.response.id", &format!("chatcmpl-{}", &call.id[..28])),
                text("gen_ai.workflow.name", &self.workflow),
                text("tag.tags", &tags.to_string()),
                number("gen_ai.usage.input_tokens", call.figure.input_tokens),
                number("gen_ai.usage.output_tokens", call.figure.output_tokens),
                text("gen_ai.input.messages", &call.request.messages.to_string()),
                text("gen_ai.tool.definitions", &call.request.tools.to_string()),
                text("gen_ai.output.messages", &output.to_string()),
                text("governor.reference_tool_calls", &reference(call).to_string()),
            ],
        })
    }
}

fn reference(call: &RecordedCall) -> Value {
    call.request
        .reference
        .iter()
        .map(|own| json!({"name": own.name, "arguments": own.arguments}))
        .collect()
}

fn openai_call(call: &ToolCall) -> Value {
    json!({"id": "call_0", "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
}

fn ended_at(call: &RecordedCall) -> DateTime<Utc> {
    call.started_at + TimeDelta::from_std(call.figure.latency).unwrap_or_default()
}

fn nanos(at: DateTime<Utc>) -> String {
    at.timestamp_nanos_opt().unwrap_or_default().to_string()
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn number(key: &str, value: u64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}
