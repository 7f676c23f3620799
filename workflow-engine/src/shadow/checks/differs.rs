//! What differed where a check failed: one plain line for whoever looks at the two answers.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Case, as_numbers, canonical};
use crate::{
    catalog::shadow::{CheckKind, OwnCheck},
    ports::model::ToolCall,
};

/// Longest value that is quoted, in characters.
const QUOTED: usize = 60;
/// Most differences that are named; the answers themselves stand beside.
const MOST: usize = 3;

/// What the failed `check` saw in `case`. `own` are the workflow's own checks, for those that are not built in.
#[must_use]
pub fn differs(check: &str, case: &Case<'_>, own: &[OwnCheck]) -> String {
    let Some(answer) = case.answer else {
        return "no readable answer came".to_owned();
    };
    let given = answer.tool_calls.as_slice();
    let expected = case.expected.unwrap_or_default();
    let characters = |text: Option<&str>| text.unwrap_or_default().chars().count();
    match check {
        "transport" => format!(
            "it stopped before its end ({})",
            answer.finish_reason.as_deref().unwrap_or("no reason given")
        ),
        "served_by" => format!(
            "{} answered, not the model that was asked",
            answer.response_model.as_deref().unwrap_or("another model")
        ),
        "no_refusal" => "it refuses to answer".to_owned(),
        "arguments" => listed(
            given
                .iter()
                .filter(|call| canonical(call).is_none())
                .map(|call| format!("the arguments of {} are no JSON", call.name)),
        ),
        "abstention" => format!("it calls {} where no tool applies", names(given)),
        "number_of_calls" => format!("{} where {} right", calls(given.len()), were(expected.len())),
        "tool_calls" => tool_calls(given, expected),
        "json" => "the text is no JSON".to_owned(),
        "json_schema" => "the text does not satisfy the schema that came with the call".to_owned(),
        "length" => format!(
            "{} characters where {} were recorded",
            characters(answer.text.as_deref()),
            characters(case.recorded.text.as_deref())
        ),
        "language" => "it speaks another language than the recorded answer".to_owned(),
        "new_personal_data" => "it names personal data that the prompt does not hold".to_owned(),
        "secret_leak" => "it says a key or a token".to_owned(),
        name => own
            .iter()
            .find(|own| own.name == name)
            .map_or_else(|| "it does not hold".to_owned(), own_words),
    }
}

fn own_words(check: &OwnCheck) -> String {
    let value = check.value.as_deref().map(short).unwrap_or_default();
    match check.kind {
        CheckKind::Pattern => format!("the text does not match {value}"),
        CheckKind::Forbidden => format!("the text matches {value}, which is forbidden"),
        CheckKind::Schema => "the text does not satisfy the workflow’s schema".to_owned(),
        CheckKind::Path => format!("what stands at {value} is not what it should be"),
        CheckKind::Reference => "the text is not the reference answer".to_owned(),
    }
}

/// Which tools differ, or else which of their arguments.
fn tool_calls(given: &[ToolCall], expected: &[ToolCall]) -> String {
    let sorted = |calls: &[ToolCall]| {
        let mut names: Vec<String> = calls.iter().map(|call| call.name.clone()).collect();
        names.sort();
        names
    };
    if sorted(given) != sorted(expected) {
        return format!("it calls {} where {} right", names(given), was(expected));
    }
    // Calls that are alike are no difference, in whatever order; the rest is compared name by name.
    let wanted: BTreeSet<_> = expected.iter().filter_map(canonical).collect();
    let offered: BTreeSet<_> = given.iter().filter_map(canonical).collect();
    let mut missing: Vec<&ToolCall> = expected
        .iter()
        .filter(|call| canonical(call).is_none_or(|call| !offered.contains(&call)))
        .collect();
    let mut found = Vec::new();
    for call in given {
        if canonical(call).is_some_and(|call| wanted.contains(&call)) {
            continue;
        }
        let Some(place) = missing.iter().position(|other| other.name == call.name) else {
            continue;
        };
        found.extend(arguments(call, missing.remove(place)));
    }
    if found.is_empty() {
        return "the calls are not the same".to_owned();
    }
    listed(found.into_iter())
}

fn arguments(given: &ToolCall, expected: &ToolCall) -> Vec<String> {
    let (Some(offered), Some(wanted)) = (object(given), object(expected)) else {
        return vec![format!("the arguments of {} are no JSON", given.name)];
    };
    let keys: BTreeSet<&String> = offered.keys().chain(wanted.keys()).collect();
    let said = |key: &String| match (offered.get(key), wanted.get(key)) {
        (Some(one), Some(other)) if one == other => None,
        (Some(one), Some(other)) => Some(format!(
            "{key} of {} is {} where {} was right",
            given.name,
            short(&one.to_string()),
            short(&other.to_string())
        )),
        (Some(one), None) => Some(format!(
            "{} has {key} {} too much",
            given.name,
            short(&one.to_string())
        )),
        _ => Some(format!("{} lacks {key}", given.name)),
    };
    keys.into_iter().filter_map(said).collect()
}

fn object(call: &ToolCall) -> Option<Map<String, Value>> {
    let mut arguments: Map<String, Value> = serde_json::from_str(&call.arguments).ok()?;
    arguments.values_mut().for_each(as_numbers);
    Some(arguments)
}

fn names(calls: &[ToolCall]) -> String {
    if calls.is_empty() {
        return "no tool".to_owned();
    }
    let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    names.join(", ")
}

fn was(calls: &[ToolCall]) -> String {
    let verb = if calls.len() > 1 { "were" } else { "was" };
    format!("{} {verb}", names(calls))
}

fn calls(count: usize) -> String {
    match count {
        0 => "no call".to_owned(),
        1 => "1 call".to_owned(),
        more => format!("{more} calls"),
    }
}

fn were(count: usize) -> String {
    let verb = if count > 1 { "were" } else { "was" };
    format!(
        "{} {verb}",
        if count == 0 {
            "none".to_owned()
        } else {
            count.to_string()
        }
    )
}

fn listed(found: impl Iterator<Item = String>) -> String {
    let found: Vec<String> = found.collect();
    let mut text = found.iter().take(MOST).cloned().collect::<Vec<_>>().join("; ");
    if found.len() > MOST {
        text.push_str(&format!("; and {} more", found.len() - MOST));
    }
    text
}

fn short(text: &str) -> String {
    if text.chars().count() <= QUOTED {
        return text.to_owned();
    }
    let start: String = text.chars().take(QUOTED).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        ports::model::{Completion, ReplayInput},
        shadow::recorded::RecordedAnswer,
    };

    fn call(name: &str, arguments: &Value) -> ToolCall {
        ToolCall {
            name: name.to_owned(),
            arguments: arguments.to_string(),
        }
    }

    fn said(check: &str, given: Vec<ToolCall>, expected: &[ToolCall]) -> String {
        let input = ReplayInput {
            messages: json!([]),
            tools: None,
            parameters: std::collections::BTreeMap::new(),
        };
        let answer = Completion {
            tool_calls: given,
            ..Completion::default()
        };
        let recorded = RecordedAnswer::default();
        let case = Case {
            expected: Some(expected),
            reference_text: None,
            input: &input,
            recorded: &recorded,
            answer: Some(&answer),
        };
        differs(check, &case, &[])
    }

    #[test]
    fn a_failed_check_says_what_differed() {
        let area = |base: f64| call("area", &json!({"base": base, "unit": "cm"}));
        let cases = [
            ("tool_calls", vec![area(5.0)], vec![area(7.0)]),
            ("tool_calls", vec![area(5.0)], vec![call("volume", &json!({}))]),
            (
                "tool_calls",
                vec![call("area", &json!({"unit": "cm", "x": 1}))],
                vec![area(7.0)],
            ),
            (
                "tool_calls",
                vec![area(1.0), area(3.0)],
                vec![area(2.0), area(1.0)],
            ),
            ("number_of_calls", vec![area(5.0), area(5.0)], vec![area(5.0)]),
            ("number_of_calls", vec![], vec![area(5.0)]),
            ("abstention", vec![area(5.0)], vec![]),
            (
                "arguments",
                vec![ToolCall {
                    name: "area".to_owned(),
                    arguments: "{1 // one".to_owned(),
                }],
                vec![],
            ),
        ];
        let lines: Vec<String> = cases
            .into_iter()
            .map(|(check, given, expected)| said(check, given, &expected))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        base of area is 5.0 where 7.0 was right
        it calls area where volume was right
        area lacks base; area has x 1.0 too much
        base of area is 3.0 where 2.0 was right
        2 calls where 1 was right
        no call where 1 was right
        it calls area where no tool applies
        the arguments of area are no JSON
        ");
    }
}
