//! What only the content of a recorded call tells: whether it can be asked again, and what kind of request it is.

use regex::RegexSet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    privacy::{secrets, texts},
    recorded::{RecordedCall, Unfit},
};
use crate::{catalog::Workflow, ports::model::ReplayInput};

/// Shortest text whose language is told, in characters.
const TELLING: usize = 40;

/// What a call's content tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Why it cannot be asked again.
    pub unfit: Option<Unfit>,
    /// How its answer used its tools.
    pub tools: &'static str,
    /// Language of the user's last message (ISO 639-3), where the text is long enough to tell.
    pub language: &'static str,
}

/// What a workflow's calls must have to be asked again.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    system_prompt: bool,
    tools: bool,
    time_dependent: Option<RegexSet>,
}

impl Needs {
    /// The workflow's; a pattern that is none, which the catalog refuses, matches nothing.
    #[must_use]
    pub fn of(workflow: &Workflow) -> Self {
        let patterns = &workflow.shadow.time_dependent;
        Self {
            system_prompt: workflow.shadow.needs_system_prompt,
            tools: workflow.needs_tools,
            time_dependent: RegexSet::new(patterns).ok().filter(|set| !set.is_empty()),
        }
    }

    /// Looks at one call.
    #[must_use]
    pub fn look(&self, call: &RecordedCall) -> Look {
        let offers = call.input.tools.is_some();
        Look {
            unfit: self.unfit(&call.input),
            tools: match call.answer.tool_calls.len() {
                _ if !offers => "no_tools",
                0 => "none_called",
                1 => "one_call",
                _ => "several_calls",
            },
            language: asked_last(&call.input)
                .as_deref()
                .and_then(language)
                .unwrap_or("unknown"),
        }
    }

    fn unfit(&self, input: &ReplayInput) -> Option<Unfit> {
        let mut all = String::new();
        texts(&input.messages, &mut all);
        let has_system = messages(input)
            .iter()
            .any(|message| matches!(message["role"].as_str(), Some("system" | "developer")));
        let depends = self
            .time_dependent
            .as_ref()
            .is_some_and(|patterns| patterns.is_match(&all));
        let reasons = [
            (secrets::holds_secret(&all), Unfit::Secret),
            (self.system_prompt && !has_system, Unfit::NoSystemPrompt),
            (self.tools && input.tools.is_none(), Unfit::NoTools),
            (messages(input).iter().any(has_lost_file), Unfit::Attachment),
            (depends, Unfit::TimeDependent),
        ];
        reasons
            .into_iter()
            .find(|(holds, _)| *holds)
            .map(|(_, reason)| reason)
    }
}

fn messages(input: &ReplayInput) -> &[Value] {
    input.messages.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A file by its id at the first vendor, or behind a signed address that has run out, cannot be shown to another.
fn has_lost_file(message: &Value) -> bool {
    let parts = message["content"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    parts.iter().any(|part| {
        let address = part["image_url"]["url"].as_str().unwrap_or_default();
        let signed = ["X-Amz-Signature=", "X-Goog-Signature=", "&sig="]
            .iter()
            .any(|mark| address.contains(mark));
        signed || part["file"]["file_id"].is_string() || part["file_id"].is_string()
    })
}

/// The user's last words.
pub(super) fn asked_last(input: &ReplayInput) -> Option<String> {
    let last = messages(input)
        .iter()
        .rev()
        .find(|message| message["role"] == "user")?;
    let mut text = String::new();
    texts(&last["content"], &mut text);
    Some(text)
}

/// The language of a text (ISO 639-3), if it is long enough to tell and whatlang is sure.
pub(super) fn language(text: &str) -> Option<&'static str> {
    if text.chars().count() < TELLING {
        return None;
    }
    let told = whatlang::detect(text)?;
    told.is_reliable().then(|| told.lang().code())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(messages: Value, tools: Option<Value>) -> RecordedCall {
        RecordedCall {
            trace_id: "t".to_owned(),
            input: ReplayInput {
                messages,
                tools,
                parameters: std::collections::BTreeMap::new(),
            },
            answer: crate::shadow::recorded::RecordedAnswer::default(),
            reference: None,
        }
    }

    fn needs() -> Needs {
        Needs {
            system_prompt: true,
            tools: true,
            time_dependent: RegexSet::new(["(?i)right now"]).ok(),
        }
    }

    #[test]
    fn what_cannot_be_asked_again_says_why() {
        let system = json!({"role": "system", "content": "Be brief."});
        let user = |content: Value| json!([system, {"role": "user", "content": content}]);
        let tools = Some(json!([{"type": "function"}]));
        let key = ["AKIA", "IOSFODNN7EXAMPLE"].concat();
        let cases = [
            (user(json!("Where is order 7?")), tools.clone(), None),
            (
                user(json!(format!("Use {key}"))),
                tools.clone(),
                Some(Unfit::Secret),
            ),
            (
                json!([{"role": "user", "content": "Hi"}]),
                tools.clone(),
                Some(Unfit::NoSystemPrompt),
            ),
            (user(json!("Hi")), None, Some(Unfit::NoTools)),
            (
                user(json!([{"type": "file", "file": {"file_id": "file-1"}}])),
                tools.clone(),
                Some(Unfit::Attachment),
            ),
            (
                user(json!("What is open right now?")),
                tools,
                Some(Unfit::TimeDependent),
            ),
        ];
        for (messages, tools, expected) in cases {
            assert_eq!(
                needs().look(&call(messages.clone(), tools)).unfit,
                expected,
                "{messages}"
            );
        }
    }

    #[test]
    fn the_language_is_that_of_the_users_last_words() {
        let german = "Ich habe vor drei Wochen einen Schaden gemeldet und noch keine Antwort bekommen.";
        let look = Needs::default().look(&call(
            json!([{"role": "system", "content": "You answer insurance questions politely."},
                   {"role": "user", "content": german}]),
            None,
        ));
        assert_eq!((look.language, look.tools), ("deu", "no_tools"));
        assert_eq!(language("OK"), None);
    }
}
