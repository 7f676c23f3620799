//! A workflow's own checks: pattern, schema, place in the JSON, reference answer; as the catalog gives them.

use regex::Regex;
use serde_json::Value;
use serde_json_path::JsonPath;

use super::{CHECKS, Case, as_numbers};
use crate::catalog::shadow::{CheckKind, OwnCheck};

/// Names of figures in the report, and of what the console shows beside the checks.
const FIGURES: [&str; 9] = [
    "quality",
    "quality_weighted",
    "stratum_quality",
    "score",
    "judge",
    "cost",
    "cost_ratio",
    "latency",
    "latency_p95_ratio",
];

/// An own check, ready to run.
#[derive(Debug)]
pub struct Own {
    pub(super) name: String,
    pub(super) decides: bool,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Matches(Regex),
    MatchesNot(Regex),
    Schema(Box<jsonschema::Validator>),
    Path(Box<JsonPath>, Option<Value>),
    Reference,
}

/// Whether a check may not be called that.
#[must_use]
pub fn is_taken(name: &str) -> bool {
    FIGURES.contains(&name) || CHECKS.iter().any(|check| check.name == name)
}

impl Own {
    /// Makes a check ready.
    ///
    /// # Errors
    /// What is wrong with its value, in words.
    pub fn compile(check: &OwnCheck) -> Result<Self, String> {
        let value = check.value.as_deref().unwrap_or_default();
        if value.is_empty() != (check.kind == CheckKind::Reference) {
            return Err(match check.kind {
                CheckKind::Reference => {
                    "must be left out: the reference answer comes with each call".to_owned()
                }
                _ => "must be given: the pattern, the schema or the path".to_owned(),
            });
        }
        let test = match check.kind {
            CheckKind::Pattern => Test::Matches(pattern(value)?),
            CheckKind::Forbidden => Test::MatchesNot(pattern(value)?),
            CheckKind::Schema => Test::Schema(Box::new(schema(value)?)),
            CheckKind::Path => Test::Path(Box::new(path(value)?), expected(check)?),
            CheckKind::Reference => Test::Reference,
        };
        Ok(Self {
            name: check.name.clone(),
            decides: check.decides,
            test,
        })
    }

    pub(super) fn run(&self, case: &Case<'_>) -> Option<bool> {
        let answer = case.answer?;
        let text = answer.text.as_deref().unwrap_or_default();
        match &self.test {
            Test::Matches(pattern) => Some(pattern.is_match(text)),
            Test::MatchesNot(pattern) => Some(!pattern.is_match(text)),
            Test::Schema(schema) => {
                let json: Result<Value, _> = serde_json::from_str(text);
                Some(json.is_ok_and(|json| schema.is_valid(&json)))
            }
            Test::Path(path, expected) => {
                let wanted = match expected {
                    Some(value) => vec![value.clone()],
                    None => at(path, case.recorded.text.as_deref()?)?,
                };
                Some(at(path, text) == Some(wanted))
            }
            Test::Reference => {
                let reference = case.reference_text?;
                Some(plain(text) == plain(reference))
            }
        }
    }
}

/// What an error says, without its picture of the pattern: that stands in the last line.
pub(crate) fn last_line(error: &str) -> &str {
    error
        .lines()
        .next_back()
        .unwrap_or_default()
        .trim_start_matches("error: ")
}

fn pattern(value: &str) -> Result<Regex, String> {
    Regex::new(value).map_err(|error| format!("is no regular expression: {}", last_line(&error.to_string())))
}

fn schema(value: &str) -> Result<jsonschema::Validator, String> {
    let schema: Value = serde_json::from_str(value).map_err(|error| format!("is no JSON: {error}"))?;
    jsonschema::validator_for(&schema).map_err(|error| format!("is no JSON Schema: {error}"))
}

fn path(value: &str) -> Result<JsonPath, String> {
    JsonPath::parse(value).map_err(|error| format!("is no JSONPath (RFC 9535): {error}"))
}

fn expected(check: &OwnCheck) -> Result<Option<Value>, String> {
    let parse = |text: &String| {
        let mut value: Value = serde_json::from_str(text).map_err(|_| {
            format!("equals must be JSON text, such as \"\\\"paid\\\"\" or \"12\", not `{text}`")
        })?;
        as_numbers(&mut value);
        Ok(value)
    };
    check.equals.as_ref().map(parse).transpose()
}

/// What stands at `path` of a JSON text; none if it is no JSON.
fn at(path: &JsonPath, text: &str) -> Option<Vec<Value>> {
    let mut json: Value = serde_json::from_str(text).ok()?;
    as_numbers(&mut json);
    Some(path.query(&json).all().into_iter().cloned().collect())
}

/// Text without differences that nobody sees: runs of white space are one space.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ports::model::{Completion, ReplayInput},
        shadow::recorded::RecordedAnswer,
    };

    fn own(kind: CheckKind, value: Option<&str>, equals: Option<&str>) -> OwnCheck {
        OwnCheck {
            name: "own".to_owned(),
            kind,
            value: value.map(str::to_owned),
            equals: equals.map(str::to_owned),
            decides: false,
        }
    }

    fn run(check: &OwnCheck, answer: &str) -> Option<bool> {
        let input = ReplayInput {
            messages: serde_json::json!([]),
            tools: None,
            parameters: std::collections::BTreeMap::new(),
        };
        let recorded = RecordedAnswer {
            text: Some(r#"{"status": "paid", "amount": 5}"#.to_owned()),
            ..RecordedAnswer::default()
        };
        let answer = Completion {
            text: Some(answer.to_owned()),
            ..Completion::default()
        };
        Own::compile(check).unwrap().run(&Case {
            expected: None,
            reference_text: Some("Berlin,  Germany"),
            input: &input,
            recorded: &recorded,
            answer: Some(&answer),
        })
    }

    #[test]
    fn each_kind_tells_right_from_wrong() {
        let pattern = own(CheckKind::Pattern, Some("(?i)order #[0-9]+"), None);
        assert_eq!(
            (run(&pattern, "Order #7"), run(&pattern, "it")),
            (Some(true), Some(false))
        );
        let forbidden = own(CheckKind::Forbidden, Some("guarantee"), None);
        assert_eq!(run(&forbidden, "We guarantee it"), Some(false));
        let schema = own(
            CheckKind::Schema,
            Some(r#"{"type": "object", "required": ["status"]}"#),
            None,
        );
        assert_eq!(
            (
                run(&schema, r#"{"status": 1}"#),
                run(&schema, "{}"),
                run(&schema, "{,}")
            ),
            (Some(true), Some(false), Some(false))
        );
        let place = own(CheckKind::Path, Some("$.amount"), Some("5.0"));
        assert_eq!(
            (run(&place, r#"{"amount": 5}"#), run(&place, "{}")),
            (Some(true), Some(false))
        );
        let as_recorded = own(CheckKind::Path, Some("$.status"), None);
        assert_eq!(run(&as_recorded, r#"{"status": "paid"}"#), Some(true));
        let reference = own(CheckKind::Reference, None, None);
        assert_eq!(
            (run(&reference, "Berlin, Germany "), run(&reference, "Bonn")),
            (Some(true), Some(false))
        );
    }

    #[test]
    fn what_cannot_run_is_refused_in_words() {
        let told: Vec<String> = [
            own(CheckKind::Pattern, Some("order ("), None),
            own(CheckKind::Schema, Some("{"), None),
            own(CheckKind::Schema, Some(r#"{"type": "colour"}"#), None),
            own(CheckKind::Path, Some("status"), None),
            own(CheckKind::Path, Some("$.a"), Some("paid")),
            own(CheckKind::Pattern, None, None),
            own(CheckKind::Reference, Some("x"), None),
        ]
        .iter()
        .map(|check| Own::compile(check).unwrap_err())
        .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        is no regular expression: unclosed group
        is no JSON: EOF while parsing an object at line 1 column 1
        is no JSON Schema: "colour" is not valid under any of the schemas listed in the 'anyOf' keyword
        is no JSONPath (RFC 9535): at position 0, parser error
        equals must be JSON text, such as "\"paid\"" or "12", not `paid`
        must be given: the pattern, the schema or the path
        must be left out: the reference answer comes with each call
        "#);
    }
}
