//! A recorded turn in terms that any vendor can be asked in: who said what, which tools, which parameters.

use serde_json::{Map, Value, json};
use workflow_engine::{
    ports::model::{ModelError, ReplayInput},
    values::Hop,
};

/// A turn to be asked for.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// What the application told the model, in one text; empty for nothing.
    pub(super) system: String,
    /// What was said, in order.
    pub(super) turns: Vec<Turn>,
    /// Tools that may be proposed.
    pub(super) tools: Vec<Tool>,
    /// Whether they must be.
    pub(super) choice: Choice,
    /// The recorded call's parameters with the route's own over them, by OpenAI's names.
    pub(super) parameters: Map<String, Value>,
}

/// One side's words.
#[derive(Debug)]
pub(super) enum Turn {
    /// The user's, and results of tools, which vendors take from the user's side.
    User(Vec<Part>),
    /// The model's.
    Assistant(Vec<Part>),
}

/// A piece of a turn.
#[derive(Debug)]
pub(super) enum Part {
    /// Words.
    Text(String),
    /// A picture that came with the call.
    Image {
        /// Its type (`image/png`).
        media: String,
        /// Its bytes in base64.
        base64: String,
    },
    /// A tool that the model wanted called.
    Call {
        /// The call's id.
        id: String,
        /// The tool.
        name: String,
        /// A JSON object.
        arguments: Value,
    },
    /// What the tool answered then.
    Result {
        /// The call's id.
        id: String,
        /// The tool.
        name: String,
        /// Its answer.
        text: String,
    },
}

/// A tool's definition.
#[derive(Debug)]
pub(super) struct Tool {
    /// Its name.
    pub(super) name: String,
    /// What it is for; empty for nothing said.
    pub(super) description: String,
    /// JSON Schema of its arguments.
    pub(super) parameters: Value,
}

/// Whether tools are proposed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Choice {
    /// As the model likes.
    #[default]
    Auto,
    /// Never.
    None,
    /// At least one.
    Required,
    /// This one.
    Only(String),
}

/// Parameters of OpenAI's that other vendors have no word for, unless they took them out before.
pub(super) const ONLY_OPENAI: [&str; 15] = [
    "n",
    "stream",
    "stream_options",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "response_format",
    "parallel_tool_calls",
    "reasoning_effort",
    "user",
    "store",
    "metadata",
];

impl Conversation {
    /// Reads a recorded turn for `hop`; `vendor` is named in what cannot be asked.
    ///
    /// # Errors
    /// [`ModelError::Refused`] when the turn holds what this vendor cannot be shown.
    pub(super) fn read(vendor: &str, hop: &Hop, input: &ReplayInput) -> Result<Self, ModelError> {
        let mut read = Self {
            parameters: parameters(hop, input),
            ..Self::default()
        };
        for message in input.messages.as_array().into_iter().flatten() {
            read.take(message)
                .map_err(|what| ModelError::Refused(format!("{vendor} cannot be shown {what}")))?;
        }
        for tool in input
            .tools
            .as_ref()
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let function = &tool["function"];
            read.tools.push(Tool {
                name: text(&function["name"]),
                description: text(&function["description"]),
                parameters: match &function["parameters"] {
                    Value::Null => json!({"type": "object", "properties": {}}),
                    schema => schema.clone(),
                },
            });
        }
        let choice = read.parameters.remove("tool_choice").unwrap_or_default();
        read.choice = match (choice.as_str(), choice.pointer("/function/name")) {
            (Some("none"), _) => Choice::None,
            (Some("required" | "any"), _) => Choice::Required,
            (_, Some(name)) => Choice::Only(text(name)),
            _ => Choice::Auto,
        };
        Ok(read)
    }

    fn take(&mut self, message: &Value) -> Result<(), String> {
        let content = &message["content"];
        match message["role"].as_str().unwrap_or_default() {
            "system" | "developer" => {
                if !self.system.is_empty() {
                    self.system.push_str("\n\n");
                }
                self.system.push_str(&words(content));
            }
            "assistant" => {
                let mut parts: Vec<Part> = match words(content) {
                    text if text.is_empty() => Vec::new(),
                    text => vec![Part::Text(text)],
                };
                for call in message["tool_calls"].as_array().into_iter().flatten() {
                    parts.push(proposed(call)?);
                }
                self.say(Turn::Assistant(parts));
            }
            "tool" => {
                let id = text(&message["tool_call_id"]);
                let name = self.name_of(&id).unwrap_or_else(|| text(&message["name"]));
                let text = words(content);
                self.say(Turn::User(vec![Part::Result { id, name, text }]));
            }
            _ => {
                let parts = user_parts(content)?;
                self.say(Turn::User(parts));
            }
        }
        Ok(())
    }

    /// Vendors want the two sides to take turns: what one side says twice in a row is one turn.
    fn say(&mut self, turn: Turn) {
        match (self.turns.last_mut(), turn) {
            (Some(Turn::User(said)), Turn::User(more)) => said.extend(more),
            (Some(Turn::Assistant(said)), Turn::Assistant(more)) => said.extend(more),
            (_, turn) => self.turns.push(turn),
        }
    }

    fn name_of(&self, wanted: &str) -> Option<String> {
        self.turns.iter().rev().find_map(|turn| match turn {
            Turn::Assistant(parts) => parts.iter().find_map(|part| match part {
                Part::Call { id, name, .. } if id == wanted => Some(name.clone()),
                _ => None,
            }),
            Turn::User(_) => None,
        })
    }

    /// Takes a parameter out, by the first of its names that is there.
    pub(super) fn parameter(&mut self, names: &[&str]) -> Option<Value> {
        names
            .iter()
            .filter_map(|name| self.parameters.remove(*name))
            .find(|value| !value.is_null())
    }

    /// Takes the words out that end an answer: one or several in OpenAI's calls, a list with everybody else.
    pub(super) fn stop_words(&mut self, names: &[&str]) -> Option<Value> {
        match self.parameter(names)? {
            Value::String(one) => Some(json!([one])),
            list => Some(list),
        }
    }

    /// Takes parameters out, each by its names here and under the vendor's own.
    pub(super) fn renamed(&mut self, names: &[(&[&str], &str)]) -> Map<String, Value> {
        let own = names.iter();
        own.filter_map(|(names, own)| Some(((*own).to_owned(), self.parameter(names)?)))
            .collect()
    }

    /// Takes parameters out that this vendor has no word for.
    pub(super) fn without(&mut self, names: &[&str]) {
        for name in names {
            self.parameters.remove(*name);
        }
    }
}

/// Whether the recorded call was streamed: then its replay is, too, and has a time to the first token.
pub(super) fn streamed(hop: &Hop, input: &ReplayInput) -> bool {
    parameters(hop, input).get("stream") == Some(&json!(true))
}

/// The recorded call's parameters with the route's own over them.
pub(super) fn parameters(hop: &Hop, input: &ReplayInput) -> Map<String, Value> {
    let mut all = Map::new();
    all.extend(input.parameters.clone());
    let own = hop.parameters.iter();
    all.extend(own.map(|(name, text)| (name.clone(), parameter(text))));
    all
}

/// Routes keep parameters as text so that they hash the same everywhere; vendors want numbers and flags.
fn parameter(text: &str) -> Value {
    serde_json::from_str(text)
        .ok()
        .filter(|value: &Value| !value.is_string())
        .unwrap_or_else(|| json!(text))
}

fn proposed(call: &Value) -> Result<Part, String> {
    let function = &call["function"];
    let arguments = match &function["arguments"] {
        Value::String(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        other => other.clone(),
    };
    if !arguments.is_object() {
        return Err("a recorded tool call whose arguments are no JSON object".to_owned());
    }
    Ok(Part::Call {
        id: text(&call["id"]),
        name: text(&function["name"]),
        arguments,
    })
}

fn user_parts(content: &Value) -> Result<Vec<Part>, String> {
    let Value::Array(parts) = content else {
        return Ok(vec![Part::Text(words(content))]);
    };
    parts
        .iter()
        .map(|part| match part["type"].as_str() {
            Some("image_url") => image(part["image_url"]["url"].as_str().unwrap_or_default()),
            Some("text" | "input_text") | None => Ok(Part::Text(text(&part["text"]))),
            Some(other) => Err(format!("a part of type {other}")),
        })
        .collect()
}

fn image(url: &str) -> Result<Part, String> {
    let data = url
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"));
    let (media, base64) =
        data.ok_or("a picture by its address; only pictures inside the call can be replayed")?;
    Ok(Part::Image {
        media: media.to_owned(),
        base64: base64.to_owned(),
    })
}

/// Content is text, or a list of parts of which the texts count.
pub(super) fn words(content: &Value) -> String {
    match content {
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        other => text(other),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
pub(in crate::models) mod tests {
    use super::*;

    /// A turn with everything in it: a system prompt, a picture, two parallel calls and their results.
    pub(in crate::models) fn rich() -> ReplayInput {
        ReplayInput {
            messages: json!([
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [
                    {"type": "text", "text": "Which of these?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "price", "arguments": "{\"sku\":7}"}},
                    {"id": "c2", "type": "function", "function": {"name": "stock", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "12 EUR"},
                {"role": "tool", "tool_call_id": "c2", "content": "none"},
                {"role": "user", "content": "Then the other."}
            ]),
            tools: Some(
                json!([{"type": "function", "function": {"name": "price", "description": "Looks up a price",
                "parameters": {"type": "object", "properties": {"sku": {"type": "integer"}}}}}]),
            ),
            parameters: [
                ("temperature".to_owned(), json!(0.2)),
                ("max_tokens".to_owned(), json!(300)),
                ("stop".to_owned(), json!(["END"])),
                ("seed".to_owned(), json!(7)),
                ("tool_choice".to_owned(), json!("required")),
            ]
            .into(),
        }
    }

    pub(in crate::models) fn hop(provider: &str, model: &str) -> Hop {
        Hop {
            provider: provider.to_owned(),
            model: model.to_owned(),
            region: None,
            deployment: None,
            parameters: std::collections::BTreeMap::default(),
        }
    }

    #[test]
    fn the_two_sides_take_turns_and_results_know_their_tool() {
        let read = Conversation::read("v", &hop("v", "m"), &rich()).unwrap();
        assert_eq!(
            (read.system.as_str(), read.turns.len(), read.choice),
            ("Be brief.", 3, Choice::Required)
        );
        let Turn::User(last) = &read.turns[2] else {
            panic!("the user has the last word")
        };
        let said: Vec<String> = last
            .iter()
            .map(|part| match part {
                Part::Result { name, text, .. } => format!("{name}: {text}"),
                Part::Text(text) => text.clone(),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(said, ["price: 12 EUR", "stock: none", "Then the other."]);
    }

    #[test]
    fn what_a_vendor_cannot_be_shown_is_named() {
        for (content, what) in [
            (
                json!([{"type": "input_audio", "input_audio": {}}]),
                "a part of type input_audio",
            ),
            (
                json!([{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]),
                "a picture by its address",
            ),
        ] {
            let input = ReplayInput {
                messages: json!([{"role": "user", "content": content}]),
                tools: None,
                parameters: std::collections::BTreeMap::default(),
            };
            let refused = Conversation::read("gemini", &hop("g", "m"), &input)
                .unwrap_err()
                .to_string();
            assert!(
                refused.starts_with(&format!("refused: gemini cannot be shown {what}")),
                "{refused}"
            );
        }
    }
}
