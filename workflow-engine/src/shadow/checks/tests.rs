//! Right and wrong answers, check by check.

use super::*;
use crate::ports::model::Defect;

fn input() -> ReplayInput {
    ReplayInput {
        messages: serde_json::json!([{"role": "user", "content": "Refund order 7 to jo@insurer.co.uk, please."}]),
        tools: None,
        parameters: BTreeMap::new(),
    }
}

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

fn judge_of(input: &ReplayInput, expected: Option<&[ToolCall]>, answer: Option<&Completion>) -> Judgement {
    Checks::default().judge(&Case {
        expected,
        reference_text: None,
        input,
        recorded: &RecordedAnswer {
            text: Some(
                "Your refund of order 7 is on its way; it takes three to five working days to reach you."
                    .to_owned(),
            ),
            ..RecordedAnswer::default()
        },
        answer,
    })
}

fn judged(expected: &[ToolCall], answer: &Completion) -> Judgement {
    judge_of(&input(), Some(expected), Some(answer))
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
    let judgement = judge_of(&input(), Some(&[]), None);
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

fn says(text: &str) -> Completion {
    Completion {
        text: Some(text.to_owned()),
        finish_reason: Some("stop".to_owned()),
        ..Completion::default()
    }
}

#[test]
fn an_address_that_nobody_gave_is_new_and_one_from_the_prompt_is_not() {
    let check = |text: &str| judged(&[], &says(text)).checks["new_personal_data"];
    assert!(check("We have written to jo@insurer.co.uk."));
    assert!(!check("We have written to amy.other@insurer.co.uk."));
    let call = calls(vec![call("notify", r#"{"to": "amy.other@insurer.co.uk"}"#)]);
    assert!(!judged(&[], &call).checks["new_personal_data"]);
}

#[test]
fn a_token_in_an_answer_is_a_leak() {
    let token = ["ghp_", &"x".repeat(36)].concat();
    let judgement = judged(&[], &says(&format!("Use {token}")));
    assert!(!judgement.checks["secret_leak"]);
    // Shown and gated apart: it does not make the answer wrong.
    assert!(judgement.ok);
}

#[test]
fn json_is_checked_where_it_was_asked_for_and_against_its_schema() {
    let mut asked = input();
    asked.parameters = BTreeMap::from([(
        "response_format".to_owned(),
        serde_json::json!({"type": "json_schema", "json_schema": {"name": "a",
            "schema": {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}}}),
    )]);
    let judge = |text: &str| {
        let judgement = judge_of(&asked, None, Some(&says(text)));
        (
            judgement.ok,
            judgement.checks["json"],
            judgement.checks["json_schema"],
        )
    };
    assert_eq!(judge(r#"{"total": 5}"#), (true, true, true));
    assert_eq!(judge(r#"{"total": "5"}"#), (false, true, false));
    assert_eq!(judge("Here you are: {}"), (false, false, false));
    assert!(!judged(&[], &says("text")).checks.contains_key("json"));
}

#[test]
fn an_answer_in_another_language_or_of_another_length_is_shown() {
    let german =
        "Ihre Erstattung für Bestellung 7 ist unterwegs und sollte in wenigen Tagen bei Ihnen ankommen.";
    let judgement = judged(&[], &says(german));
    assert_eq!(
        (judgement.checks["language"], judgement.checks["length"]),
        (false, true)
    );
    assert!(!judged(&[], &says("Done.")).checks["length"]);
}

#[test]
fn an_own_check_decides_where_the_catalog_says_so() {
    let own = |decides| OwnCheck {
        name: "cites_order".to_owned(),
        kind: crate::catalog::shadow::CheckKind::Pattern,
        value: Some("order [0-9]+".to_owned()),
        equals: None,
        decides,
    };
    for decides in [true, false] {
        let input = input();
        let judgement = Checks::of(&[own(decides)]).unwrap().judge(&Case {
            expected: None,
            reference_text: None,
            input: &input,
            recorded: &RecordedAnswer::default(),
            answer: Some(&says("Done.")),
        });
        assert_eq!((judgement.ok, judgement.checks["cites_order"]), (!decides, false));
    }
}
