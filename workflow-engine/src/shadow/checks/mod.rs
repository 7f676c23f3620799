//! Deterministic checks of an answer, cheapest first; one file a check. Together they decide `ok`.
//!
//! To add one: a file with a function from [`Case`] to `Option<bool>` (none: does not apply), and its line in [`CHECKS`].

mod abstention;
mod arguments;
mod number_of_calls;
mod refusal;
mod served_by;
mod tool_calls;
mod transport;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::ports::model::{Completion, ToolCall};

/// An answer beside what it should have been.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The tools that should have been called; none where nothing is known of a right answer.
    pub expected: Option<&'a [ToolCall]>,
    /// What came; none where nothing readable came.
    pub answer: Option<&'a Completion>,
}

/// What the checks say of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it is right: every check that decides, passed.
    pub ok: bool,
    /// Each check that applied; true passed.
    pub checks: BTreeMap<String, bool>,
}

struct Check {
    name: &'static str,
    /// Whether a failure makes the answer wrong, or is only shown.
    decides: bool,
    run: fn(&Case<'_>) -> Option<bool>,
}

/// Every check, cheapest first.
const CHECKS: &[Check] = &[
    Check {
        name: "transport",
        decides: true,
        run: transport::check,
    },
    Check {
        name: "served_by",
        decides: true,
        run: served_by::check,
    },
    Check {
        name: "no_refusal",
        decides: false,
        run: refusal::check,
    },
    Check {
        name: "arguments",
        decides: true,
        run: arguments::check,
    },
    Check {
        name: "abstention",
        decides: true,
        run: abstention::check,
    },
    Check {
        name: "number_of_calls",
        decides: true,
        run: number_of_calls::check,
    },
    Check {
        name: "tool_calls",
        decides: true,
        run: tool_calls::check,
    },
];

/// The names of all checks, as they stand in a plan.
#[must_use]
pub fn names() -> Vec<String> {
    CHECKS.iter().map(|check| check.name.to_owned()).collect()
}

/// Runs every check on one answer.
#[must_use]
pub fn judge(case: &Case<'_>) -> Judgement {
    let mut ok = true;
    let mut checks = BTreeMap::new();
    for check in CHECKS {
        let Some(passed) = (check.run)(case) else { continue };
        ok &= passed || !check.decides;
        checks.insert(check.name.to_owned(), passed);
    }
    Judgement { ok, checks }
}

/// A call with its arguments in canonical form (RFC 8785: keys sorted, `5.0` and `5` the same number); none if they are no JSON object.
fn canonical(call: &ToolCall) -> Option<(String, Vec<u8>)> {
    let mut arguments: Map<String, Value> = serde_json::from_str(&call.arguments).ok()?;
    arguments.values_mut().for_each(as_numbers);
    let bytes = crate::values::digest::canonical_json(&arguments).ok()?;
    Some((call.name.clone(), bytes))
}

/// RFC 8785 writes every number as a double; whole numbers that serde kept apart (5 and 5.0) become the same.
fn as_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(double) = number.as_f64().and_then(serde_json::Number::from_f64) {
                *number = double;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(as_numbers),
        Value::Object(fields) => fields.values_mut().for_each(as_numbers),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::model::Defect;

    pub(super) fn call(name: &str, arguments: &str) -> ToolCall {
        ToolCall {
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        }
    }

    fn calls(tool_calls: Vec<ToolCall>) -> Completion {
        Completion {
            finish_reason: Some("tool_calls".to_owned()),
            tool_calls,
            ..Completion::default()
        }
    }

    fn judged(expected: &[ToolCall], answer: &Completion) -> Judgement {
        judge(&Case {
            expected: Some(expected),
            answer: Some(answer),
        })
    }

    #[test]
    fn order_of_calls_keys_and_the_form_of_numbers_do_not_matter() {
        let expected = [call("refund", r#"{"order":7,"amount":5}"#), call("notify", "{}")];
        let answer = calls(vec![
            call("notify", "{ }"),
            call("refund", r#"{"amount": 5.0, "order": 7}"#),
        ]);
        assert!(judged(&expected, &answer).ok);
    }

    #[test]
    fn a_call_made_twice_is_wrong_because_its_effect_would_happen_twice() {
        let expected = [call("refund", r#"{"order":7}"#)];
        let answer = calls(vec![expected[0].clone(), expected[0].clone()]);
        let judgement = judged(&expected, &answer);
        assert!(!judgement.ok);
        assert!(!judgement.checks["number_of_calls"]);
        assert!(judgement.checks["arguments"]);
    }

    #[test]
    fn a_comment_in_the_arguments_is_no_json() {
        let expected = [call("plot", r#"{"end_range":6.2832}"#)];
        let answer = calls(vec![call("plot", "{\"end_range\": 6.2832,  // 2 * pi\n}")]);
        let judgement = judged(&expected, &answer);
        assert_eq!((judgement.ok, judgement.checks["arguments"]), (false, false));
    }

    #[test]
    fn calling_a_tool_where_none_applies_fails_abstention_and_nothing_else_but_the_calls() {
        let judgement = judged(&[], &calls(vec![call("refund", "{}")]));
        let failed: Vec<&String> = judgement
            .checks
            .iter()
            .filter(|check| !check.1)
            .map(|check| check.0)
            .collect();
        assert_eq!(failed, ["abstention", "number_of_calls", "tool_calls"]);
    }

    #[test]
    fn text_where_no_tool_applies_is_right() {
        let answer = Completion {
            text: Some("Which order do you mean?".to_owned()),
            finish_reason: Some("stop".to_owned()),
            ..Completion::default()
        };
        assert!(judged(&[], &answer).ok);
    }

    #[test]
    fn an_answer_that_was_cut_or_came_from_another_model_is_wrong() {
        let expected = [call("refund", "{}")];
        let mut answer = calls(expected.to_vec());
        answer.finish_reason = Some("length".to_owned());
        assert!(!judged(&expected, &answer).ok);
        let mut answer = calls(expected.to_vec());
        answer.defects = vec![Defect::OtherModel];
        assert!(!judged(&expected, &answer).ok);
    }

    #[test]
    fn no_readable_answer_is_a_wrong_answer() {
        let judgement = judge(&Case {
            expected: Some(&[]),
            answer: None,
        });
        assert!(!judgement.ok);
        assert_eq!(
            judgement.checks,
            BTreeMap::from([("transport".to_owned(), false)])
        );
    }

    #[test]
    fn a_refusal_is_shown_whether_structured_or_in_words() {
        let refused = |text: Option<&str>, refusal: Option<&str>| {
            let answer = Completion {
                text: text.map(str::to_owned),
                refusal: refusal.map(str::to_owned),
                finish_reason: Some("stop".to_owned()),
                ..Completion::default()
            };
            !judged(&[], &answer).checks["no_refusal"]
        };
        assert!(refused(None, Some("I can't help with that.")));
        assert!(refused(
            Some("I’m sorry, but I can’t assist with that request."),
            None
        ));
        assert!(!refused(
            Some("Sorry to hear that your parcel is late. Which order is it?"),
            None
        ));
    }
}
