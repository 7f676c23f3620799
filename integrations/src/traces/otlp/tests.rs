//! Spans of real instrumentations become the rows that their corpus asks for.

use super::*;
use crate::corpus::{deliveries, differences, rows};

fn source(_path: &str, content_type: &str) -> Box<dyn TraceSource> {
    if content_type.contains("json") {
        Box::new(Json)
    } else {
        Box::new(Protobuf)
    }
}

fn every_row_is_right(corpus: &str) {
    let deliveries = deliveries(corpus, source);
    if deliveries.is_empty() {
        return;
    }
    let wrong = differences(corpus, &rows(&deliveries));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn opentelemetrys_openai_instrumentation() {
    every_row_is_right("otel-openai-v2");
}

#[test]
fn openllmetry_beside_anthropics_own_spans() {
    every_row_is_right("openllmetry");
}

#[test]
fn openinference_around_anthropics_own_spans() {
    every_row_is_right("openinference");
}

#[test]
fn langfuses_sdk() {
    every_row_is_right("langfuse-sdk5");
}

#[test]
fn vercels_ai_sdk() {
    every_row_is_right("aisdk5");
}

#[test]
fn litellms_first_integration() {
    every_row_is_right("litellm-otel-v1");
}

#[test]
fn litellms_second_integration() {
    every_row_is_right("litellm-otel-v2");
}

#[test]
fn an_empty_body_is_an_empty_delivery() {
    assert!(Protobuf.receive("s", &Bytes::new()).unwrap().reports.is_empty());
    assert!(
        Json.receive("s", &Bytes::from_static(b"{}"))
            .unwrap()
            .reports
            .is_empty()
    );
}

#[test]
fn what_is_no_otlp_is_refused_with_place_and_remedy() {
    let error = Json
        .receive("s", &Bytes::from_static(b"{\n \"resourceSpans\": [}"))
        .unwrap_err();
    insta::assert_snapshot!(error.place, @"line 2 column 20");
    let error = Protobuf
        .receive("s", &Bytes::from_static(b"hello there"))
        .unwrap_err();
    assert!(error.why.contains("send an ExportTraceServiceRequest"), "{error}");
}

#[test]
fn one_bad_span_leaves_its_neighbours_alone() {
    let body = r#"{"resource_spans":[{"scope_spans":[{"scope":{"name":"x"},"spans":[
        {"trace_id":"ABCDEF","span_id":"any text","name":"chat m","kind":"SPAN_KIND_CLIENT",
         "start_time_unix_nano":1795413454309074667,"end_time_unix_nano":"1795413454327266470",
         "attributes":[{"key":"gen_ai.operation.name","value":{"string_value":"chat"}},
                       {"key":"gen_ai.usage.input_tokens","value":{"int_value":"22"}}]},
        {"trace_id":7},
        {"traceId":"t","spanId":"s","kind":3,"startTimeUnixNano":"0",
         "attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}}]}]}]}]}"#;
    let delivery = Json.receive("s", &Bytes::from(body)).unwrap();
    assert_eq!(delivery.reports.len(), 1);
    let call = &delivery.reports[0].call;
    assert_eq!(
        (call.trace_id.as_deref(), call.input_tokens),
        (Some("abcdef"), Some(22))
    );
    let reasons: Vec<_> = delivery
        .rejects
        .iter()
        .map(|r| (r.place.as_str(), r.reason.as_str()))
        .collect();
    assert_eq!(reasons.len(), 2);
    assert_eq!(
        reasons[1],
        (
            "resourceSpans[0].scopeSpans[0].spans[2]",
            "a span needs a start time in nanoseconds since 1970"
        )
    );
}

#[test]
fn prompts_come_in_the_shape_of_openais_chat_api() {
    let Some(delivery) = deliveries("openllmetry", source).into_iter().next() else {
        return;
    };
    let tool = delivery
        .reports
        .iter()
        .find(|r| r.call.response_id.as_deref() == Some("chatcmpl-503ed5adce35ecc37dc20788aa0dd"));
    let content = tool.unwrap().content.as_ref().unwrap();
    assert_eq!(content.messages[0]["role"], "system");
    assert_eq!(
        content.messages[1]["content"],
        "How do I reset my card pin? {c:tool}{tool}"
    );
    assert_eq!(
        content.response["tool_calls"][0]["function"]["arguments"],
        r#"{"city":"Oslo"}"#
    );
    assert_eq!(content.tools[0]["name"], "get_weather");
}
