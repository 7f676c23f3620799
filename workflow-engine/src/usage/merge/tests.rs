//! Merging, on small made-up traces.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;
use crate::catalog::{Catalog, MappingRule};
use crate::usage::call::{ErrorClass, Status};
use crate::usage::report::{SpanNote, reports_of};

fn at(ms: i64) -> DateTime<Utc> {
    "2026-11-23T10:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::milliseconds(ms)
}

fn span(reporter: &str, id: &str, start: i64, end: i64) -> Call {
    let mut call = Call::new("app", &format!("t1:{id}"), at(start));
    call.end(at(end));
    call.trace_id = Some("t1".to_owned());
    call.span_id = Some(id.to_owned());
    call.call_group_id = Some("t1".to_owned());
    call.requested_alias = Some("gpt-4o".to_owned());
    call.beside.reporter = reporter.to_owned();
    call
}

fn gateway(id: &str, start: i64, group: &str, alias: &str) -> Call {
    let mut call = Call::new("litellm", id, at(start));
    call.end(at(start + 50));
    call.call_group_id = Some(group.to_owned());
    call.requested_alias = Some(alias.to_owned());
    call.route_model = Some(format!("{alias}-model"));
    call.beside.reporter = "litellm.callback".to_owned();
    call.beside.gateway = true;
    call
}

fn failed(mut call: Call) -> Call {
    call.status = Status::Failure;
    call.error_class = Some(ErrorClass::ServerError);
    call
}

fn answered(mut call: Call, id: &str) -> Call {
    call.response_id = Some(id.to_owned());
    call
}

fn note(span: &str, parent: Option<&str>, names: &[&str]) -> SpanNote {
    SpanNote {
        trace_id: "t1".to_owned(),
        span_id: span.to_owned(),
        parent_span_id: parent.map(str::to_owned),
        started_at: at(0),
        ended_at: at(10_000),
        tags: Vec::new(),
        names: names.iter().map(ToString::to_string).collect(),
        end_user: None,
    }
}

fn mapping() -> Mapping {
    let mut catalog: Catalog = toml::from_str("").unwrap();
    catalog.mapping = vec![MappingRule {
        name: "span".to_owned(),
        span_workflow: Some("*".to_owned()),
        workflow: "$1".to_owned(),
        ..MappingRule::default()
    }];
    Mapping::with_workflows(&catalog, ["answer", "triage"])
}

#[test]
fn a_gateways_row_and_an_applications_span_of_one_answer_are_one_row() {
    let mut row = answered(gateway("g1", 10, "lc-1", "support-chat"), "chatcmpl-1");
    row.cost_reported_usd = Some(crate::values::Usd("0.01".parse().unwrap()));
    row.response_model = Some("support-chat".to_owned());
    let mut app = answered(span("openai", "s1", 0, 70), "chatcmpl-1");
    app.requested_alias = Some("support-chat".to_owned());
    app.response_model = Some("support-chat".to_owned());
    app.beside.names = vec!["answer".to_owned()];
    app.end_user = Some("u1".to_owned());
    let rows = rows(vec![app, row.clone()], &[], &mapping());
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].id, row.id);
    assert_eq!(rows[0].workflow.as_ref().unwrap().as_str(), "answer");
    assert_eq!(rows[0].end_user.as_deref(), Some("u1"));
    assert_eq!(rows[0].route_model.as_deref(), Some("support-chat-model"));
    assert_eq!(rows[0].response_model, None, "an alias is not a model");
    assert_eq!(rows[0].span_id.as_deref(), Some("s1"));
    assert!(rows[0].cost_reported_usd.is_some());
}

#[test]
fn one_reporter_that_tells_an_answer_twice_tells_two_calls() {
    let first = answered(gateway("g1", 0, "lc-1", "a"), "chatcmpl-1");
    let again = answered(gateway("g2", 900, "lc-2", "a"), "chatcmpl-1");
    assert_eq!(rows(vec![first, again], &[], &mapping()).len(), 2);
}

#[test]
fn each_of_two_cached_answers_meets_its_own_span() {
    let first = answered(gateway("g1", 0, "lc-1", "a"), "x");
    let again = answered(gateway("g2", 900, "lc-2", "a"), "x");
    let mut app_again = answered(span("openai", "s2", 895, 960), "x");
    app_again.end_user = Some("second".to_owned());
    let rows = rows(vec![app_again, first, again.clone()], &[], &mapping());
    assert_eq!(rows.len(), 2);
    let merged = rows.iter().find(|row| row.end_user.is_some()).unwrap();
    assert_eq!(merged.id, again.id);
}

#[test]
fn a_call_span_inside_a_call_span_is_one_row_with_the_inner_spans_tokens() {
    let mut outer = answered(span("openllmetry", "s1", 0, 100), "msg-1");
    outer.output_tokens = Some(18);
    let mut inner = answered(span("anthropic-sdk", "s2", 1, 99), "msg-1");
    inner.beside.parent_span_id = Some("s1".to_owned());
    inner.output_tokens = Some(17);
    let rows = rows(vec![outer, inner], &[], &mapping());
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].output_tokens, Some(17));
}

#[test]
fn two_instrumentations_without_an_answer_id_meet_by_time() {
    let outer = failed(span("openllmetry", "s1", 0, 100));
    let inner = failed(span("anthropic-sdk", "s2", 10, 90));
    let later = failed(span("anthropic-sdk", "s3", 200, 290));
    assert_eq!(rows(vec![outer, inner, later], &[], &mapping()).len(), 2);
}

#[test]
fn a_fallback_knows_what_was_asked_for_first() {
    let one = failed(gateway("g1", 10, "lc-1", "flaky"));
    let two = answered(gateway("g2", 0, "lc-1", "claude"), "chatcmpl-2");
    let rows = rows(vec![two, one], &[], &mapping());
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert_eq!(row.requested_alias.as_deref(), Some("flaky"));
    }
    let fallback = rows.iter().find(|row| row.status == Status::Success).unwrap();
    assert_eq!(reports_of(fallback)[0].requested_alias.as_deref(), Some("claude"));
}

#[test]
fn the_nearest_span_above_names_the_workflow() {
    let mut call = span("openai", "s1", 0, 50);
    call.beside.parent_span_id = Some("http".to_owned());
    let notes = [
        note("root", None, &["triage"]),
        note("http", Some("mid"), &[]),
        note("mid", Some("root"), &["answer"]),
    ];
    let named = |notes: &[SpanNote]| {
        let rows = rows(vec![call.clone()], notes, &mapping());
        rows[0].workflow.as_ref().map(|id| id.0.clone())
    };
    assert_eq!(named(&notes).as_deref(), Some("answer"));
    assert_eq!(named(&notes[1..2]), None);
    let circle = [note("http", Some("http"), &[])];
    assert_eq!(named(&circle), None);
}

fn world() -> (Vec<Call>, Vec<SpanNote>) {
    let mut inner = span("anthropic-sdk", "s3", 22, 58);
    inner.beside.parent_span_id = Some("s2".to_owned());
    let mut outer = answered(span("openllmetry", "s2", 20, 60), "msg-1");
    outer.beside.parent_span_id = Some("mid".to_owned());
    let mut app = answered(span("openai", "s1", 0, 2000), "chatcmpl-9");
    app.requested_alias = Some("flaky".to_owned());
    app.beside.names = vec!["triage".to_owned()];
    let reports = vec![
        inner,
        outer,
        app,
        failed(gateway("g1", 5, "lc-1", "flaky")),
        answered(gateway("g2", 600, "lc-1", "claude"), "chatcmpl-9"),
        answered(gateway("g3", 900, "lc-2", "claude"), "chatcmpl-9"),
        failed(span("openai", "s8", 3000, 3100)),
        failed(span("langfuse", "s9", 2990, 3110)),
    ];
    let notes = vec![
        note("root", None, &["triage"]),
        note("mid", Some("root"), &["answer"]),
    ];
    (reports, notes)
}

proptest! {
    #[test]
    fn delivery_in_any_order_and_any_pieces_ends_in_the_same_rows(
        order in Just((0..8usize).collect::<Vec<_>>()).prop_shuffle(),
        cuts in proptest::collection::vec(any::<bool>(), 8),
        notes_late in any::<bool>(),
    ) {
        let (reports, notes) = world();
        let whole = rows(reports.clone(), &notes, &mapping());
        let mut stored: Vec<Call> = Vec::new();
        let mut batch = Vec::new();
        let known = if notes_late { &[][..] } else { &notes[..] };
        for (index, cut) in order.into_iter().zip(cuts) {
            batch.push(reports[index].clone());
            if cut {
                stored = step(&stored, std::mem::take(&mut batch), known);
            }
        }
        stored = step(&stored, batch, &notes);
        prop_assert_eq!(&stored, &whole);
        // Everything again changes nothing, even when the spans above are forgotten.
        prop_assert_eq!(&step(&stored, reports, &[]), &whole);
    }
}

/// What the store does: takes the stored rows apart, adds what came, and puts them together again.
fn step(stored: &[Call], came: Vec<Call>, notes: &[SpanNote]) -> Vec<Call> {
    let mut reports: Vec<Call> = stored.iter().flat_map(reports_of).collect();
    reports.extend(came);
    let mut known: Vec<SpanNote> = notes.to_vec();
    known.extend(stored.iter().flat_map(|row| row.beside.above.clone()));
    rows(reports, &known, &mapping())
}
