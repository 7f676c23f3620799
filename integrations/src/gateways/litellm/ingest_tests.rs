//! Callbacks of a real proxy become the rows that their corpus asks for.

use super::*;
use crate::corpus::{deliveries, differences, rows as merged};

fn every_row_is_right(corpus: &str) {
    let deliveries = deliveries(corpus, |_, _| Box::new(Callback));
    if deliveries.is_empty() {
        return;
    }
    let wrong = differences(corpus, &merged(&deliveries));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn arrays() {
    every_row_is_right("litellm-generic-array");
}

#[test]
fn ndjson() {
    every_row_is_right("litellm-generic-ndjson");
}

#[test]
fn mirrors_and_guardrails() {
    every_row_is_right("litellm-mirror");
}

#[test]
fn one_object_alone() {
    let body = br#" {"id":"x","status":"success","startTime":1795404861.135105,"model":"openai/gpt-4o","prompt_tokens":"7"}"#;
    let delivery = Callback.receive("s", &Bytes::from_static(body)).unwrap();
    let call = &delivery.reports[0].call;
    assert_eq!(
        (call.route_model.as_deref(), call.input_tokens),
        (Some("gpt-4o"), Some(7))
    );
    assert_eq!(call.provider.as_deref(), Some("openai"));
}

#[test]
fn one_bad_row_leaves_its_neighbours_alone() {
    let good = r#"{"id":"a","startTime":1795404861.1,"request_tags":"one","metadata":"redacted"}"#;
    let array = format!("[{good},{{\"id\":[]}},7,{}]", good.replace("\"a\"", "\"b\""));
    let delivery = Callback.receive("s", &Bytes::from(array)).unwrap();
    assert_eq!(delivery.reports.len(), 2);
    assert_eq!(delivery.reports[0].call.tags, ["one"]);
    let shown: Vec<_> = delivery
        .rejects
        .iter()
        .map(|r| format!("{}: {}", r.place, r.reason))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    row 1: a row needs `id` or `litellm_call_id`
    row 2: not a LiteLLM row: invalid type: integer `7`, expected struct Row at line 1 column 1
    ");
    let lines = format!("{good}\nnot json\n");
    let delivery = Callback.receive("s", &Bytes::from(lines)).unwrap();
    assert_eq!((delivery.reports.len(), delivery.rejects.len()), (1, 1));
    assert_eq!(delivery.rejects[0].place, "line 2");
}

#[test]
fn what_is_no_json_at_all_is_refused_as_a_whole() {
    for body in ["hello", "[{\"id\":1},"] {
        assert!(Callback.receive("s", &Bytes::from(body)).is_err(), "{body}");
    }
    assert!(Callback.receive("s", &Bytes::new()).unwrap().reports.is_empty());
}
