//! Google's JSON: written strictly, read tolerantly. Source: ai.google.dev, "GenerateContent".

use serde::Deserialize;
use serde_json::{Map, Value, json};
use workflow_engine::ports::model::{Completion, Defect, Usage};

use super::super::{
    answer::{self, Counts, checked, some_text, tool_call},
    client::Gathered,
    conversation::{Choice, Conversation, ONLY_OPENAI, Part, Turn},
    sse::Event,
};

/// The body of a request.
pub(super) fn request(mut turn: Conversation) -> Value {
    let contents: Vec<Value> = turn.turns.iter().map(content).collect();
    let mut body = json!({"contents": contents});
    if !turn.system.is_empty() {
        body["systemInstruction"] = json!({"parts": [{"text": turn.system}]});
    }
    if !turn.tools.is_empty() {
        let declarations: Vec<Value> = turn
            .tools
            .iter()
            .map(|tool| {
                json!({"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters})
            })
            .collect();
        body["tools"] = json!([{"functionDeclarations": declarations}]);
        body["toolConfig"]["functionCallingConfig"] = match &turn.choice {
            Choice::Auto => json!({"mode": "AUTO"}),
            Choice::None => json!({"mode": "NONE"}),
            Choice::Required => json!({"mode": "ANY"}),
            Choice::Only(name) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
        };
    }
    let settings = generation(&mut turn);
    if !settings.is_empty() {
        body["generationConfig"] = Value::Object(settings);
    }
    // What is left is the route's own in this vendor's words (safetySettings, labels).
    turn.without(&ONLY_OPENAI);
    for (name, value) in turn.parameters {
        body[name] = value;
    }
    body
}

fn generation(turn: &mut Conversation) -> Map<String, Value> {
    let mut settings = turn.renamed(&[
        (&["max_tokens", "max_completion_tokens"], "maxOutputTokens"),
        (&["temperature"], "temperature"),
        (&["top_p"], "topP"),
        (&["top_k"], "topK"),
        (&["seed"], "seed"),
        (&["frequency_penalty"], "frequencyPenalty"),
        (&["presence_penalty"], "presencePenalty"),
    ]);
    if let Some(words) = turn.stop_words(&["stop"]) {
        settings.insert("stopSequences".to_owned(), words);
    }
    let format = turn.parameter(&["response_format"]).unwrap_or_default();
    if matches!(format["type"].as_str(), Some("json_object" | "json_schema")) {
        settings.insert("responseMimeType".to_owned(), json!("application/json"));
        if let Some(schema) = format.pointer("/json_schema/schema") {
            settings.insert("responseJsonSchema".to_owned(), schema.clone());
        }
    }
    settings
}

fn content(turn: &Turn) -> Value {
    let (role, parts) = match turn {
        Turn::User(parts) => ("user", parts),
        Turn::Assistant(parts) => ("model", parts),
    };
    let parts: Vec<Value> = parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => json!({"text": text}),
            Part::Image { media, base64 } => json!({"inlineData": {"mimeType": media, "data": base64}}),
            Part::Call { name, arguments, .. } => json!({"functionCall": {"name": name, "args": arguments}}),
            Part::Result { name, text, .. } => {
                json!({"functionResponse": {"name": name, "response": {"result": text}}})
            }
        })
        .collect();
    json!({"role": role, "parts": parts})
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    candidates: Vec<Value>,
    #[serde(default)]
    usage_metadata: Value,
    #[serde(default)]
    prompt_feedback: Value,
    model_version: Option<String>,
    response_id: Option<String>,
}

/// Reads a whole answer.
pub(super) fn completion(asked: &str, bytes: &[u8]) -> Result<Completion, String> {
    let body: Body = answer::json(bytes)?;
    let blocked = body.prompt_feedback["blockReason"].as_str().map(str::to_owned);
    if body.candidates.is_empty() && blocked.is_none() {
        return Err("the answer has no candidate".to_owned());
    }
    let candidate = body.candidates.first().unwrap_or(&Value::Null);
    let (mut text, mut tool_calls) = (String::new(), Vec::new());
    for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
        if let Some(call) = part.get("functionCall") {
            tool_calls.push(tool_call(
                call["name"].as_str().unwrap_or_default(),
                &call["args"],
            ));
        } else if part["thought"] != true {
            text.push_str(part["text"].as_str().unwrap_or_default());
        }
    }
    let word = candidate["finishReason"].as_str();
    let filtered = word.filter(|word| ["SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII"].contains(word));
    let read = Completion {
        refusal: blocked.clone().or_else(|| filtered.map(str::to_owned)),
        finish_reason: match (&blocked, word) {
            (Some(_), _) => Some("content_filter".to_owned()),
            (None, Some("STOP")) if !tool_calls.is_empty() => Some("tool_calls".to_owned()),
            (None, word) => word.map(finish_reason),
        },
        text: some_text(text),
        tool_calls,
        response_model: body.model_version,
        response_id: body.response_id,
        defects: (body.candidates.len() > 1)
            .then_some(Defect::ManyChoices)
            .into_iter()
            .collect(),
        ..Completion::default()
    };
    Ok(checked(
        asked,
        read,
        usage(&body.usage_metadata),
        body.usage_metadata,
    ))
}

/// In OpenAI's words, which the checks read.
fn finish_reason(word: &str) -> String {
    match word {
        "STOP" => "stop".to_owned(),
        "MAX_TOKENS" => "length".to_owned(),
        "SAFETY" | "PROHIBITED_CONTENT" | "BLOCKLIST" | "SPII" | "RECITATION" => "content_filter".to_owned(),
        other => other.to_lowercase(),
    }
}

/// Thinking is beside the candidates' tokens; tool-use prompts are beside the prompt's.
fn usage(raw: &Value) -> Result<Usage, Defect> {
    let counts = Counts::of(raw)?;
    let thoughts = counts.optional("/thoughtsTokenCount")?;
    Ok(Usage {
        input_tokens: counts.required("/promptTokenCount")? + counts.optional("/toolUsePromptTokenCount")?,
        cached_input_tokens: counts.optional("/cachedContentTokenCount")?,
        output_tokens: counts.optional("/candidatesTokenCount")? + thoughts,
        reasoning_tokens: thoughts,
    })
}

/// A streamed answer: each event is an answer with the next parts; the last one has the usage.
pub(super) fn whole(events: &[Event<'_>]) -> Gathered {
    let (mut body, mut parts, mut first) = (json!({}), Vec::new(), None);
    for event in events {
        let Ok(Value::Object(said)) = serde_json::from_str::<Value>(event.data) else {
            continue;
        };
        for (name, value) in said {
            if name != "candidates" {
                body[name] = value;
                continue;
            }
            let more = value[0]["content"]["parts"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            if more.iter().any(|part| part["thought"] != true) {
                first = first.or(Some(event.end));
            }
            parts.extend(more);
            if value[0]["finishReason"].is_string() {
                body["finish"] = value[0]["finishReason"].clone();
            }
        }
    }
    let finish = body["finish"].take();
    if !parts.is_empty() || finish.is_string() {
        body["candidates"] = json!([{"content": {"parts": parts}, "finishReason": finish}]);
    }
    Gathered { body, first }
}

#[cfg(test)]
mod tests {
    use super::super::super::{
        conversation::tests::{hop, rich},
        sse::events,
    };
    use super::*;

    #[test]
    fn a_recorded_turn_is_asked_in_googles_words() {
        let turn = Conversation::read("gemini", &hop("gcp.gemini", "m"), &rich()).unwrap();
        assert_eq!(
            request(turn),
            json!({
                "systemInstruction": {"parts": [{"text": "Be brief."}]},
                "generationConfig": {"maxOutputTokens": 300, "temperature": 0.2, "seed": 7, "stopSequences": ["END"]},
                "tools": [{"functionDeclarations": [{"name": "price", "description": "Looks up a price",
                    "parametersJsonSchema": {"type": "object", "properties": {"sku": {"type": "integer"}}}}]}],
                "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
                "contents": [
                    {"role": "user", "parts": [{"text": "Which of these?"},
                        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]},
                    {"role": "model", "parts": [
                        {"functionCall": {"name": "price", "args": {"sku": 7}}},
                        {"functionCall": {"name": "stock", "args": {}}}]},
                    {"role": "user", "parts": [
                        {"functionResponse": {"name": "price", "response": {"result": "12 EUR"}}},
                        {"functionResponse": {"name": "stock", "response": {"result": "none"}}},
                        {"text": "Then the other."}]}]
            })
        );
    }

    #[test]
    fn thinking_is_output_that_is_not_shown() {
        let body = json!({"modelVersion": "gemini-2.5-pro", "candidates": [{"finishReason": "STOP",
            "content": {"parts": [{"text": "hm", "thought": true}, {"text": "12"}]}}],
            "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 2, "thoughtsTokenCount": 30, "cachedContentTokenCount": 8}});
        let read = completion("gemini-2.5-pro", body.to_string().as_bytes()).unwrap();
        assert_eq!(
            (read.text.as_deref(), read.finish_reason.as_deref()),
            (Some("12"), Some("stop"))
        );
        let usage = Usage {
            input_tokens: 20,
            cached_input_tokens: 8,
            output_tokens: 32,
            reasoning_tokens: 30,
        };
        assert_eq!(read.usage, Some(usage));
    }

    #[test]
    fn a_blocked_prompt_is_a_refusal_and_not_a_broken_answer() {
        let body = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}});
        let read = completion("gemini-2.5-pro", body.to_string().as_bytes()).unwrap();
        assert_eq!(read.refusal.as_deref(), Some("PROHIBITED_CONTENT"));
        assert_eq!(completion("g", b"{}").unwrap_err(), "the answer has no candidate");
    }

    #[test]
    fn streamed_parts_become_one_answer() {
        let body = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Good \"}]}}],\"modelVersion\":\"g\"}\n\n\
            data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"day.\"}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":2}}\n\n";
        let gathered = whole(&events(body));
        let read = completion("g", gathered.body.to_string().as_bytes()).unwrap();
        assert_eq!((read.text.as_deref(), read.defects), (Some("Good day."), vec![]));
        assert!(gathered.first.unwrap() < body.len());
    }
}
