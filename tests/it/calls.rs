//! Calls on both databases: once each, whatever the order, with sums that equal the rows.

use std::collections::HashMap;

use chrono::TimeDelta;
use tests::calls::{Calls, calls, deliveries, with_room};
use tests::db::{BOTH, Kind};
use workflow_engine::store::calls::RecordError;
use workflow_engine::store::calls::read::Filter;
use workflow_engine::usage::call::{Call, Status};
use workflow_engine::usage::report::{Content, Delivery, Reject, Report, SpanNote};
use workflow_engine::values::WorkflowId;

const CORPORA: [&str; 10] = [
    "litellm-generic-array",
    "litellm-generic-ndjson",
    "litellm-mirror",
    "litellm-otel-v1",
    "litellm-otel-v2",
    "otel-openai-v2",
    "openllmetry",
    "openinference",
    "langfuse-sdk5",
    "aisdk5",
];

async fn stores() -> Vec<Calls> {
    let mut stores = Vec::new();
    for kind in BOTH {
        stores.extend(calls(kind).await);
    }
    stores
}

/// What the deliveries amount to without any database.
fn pure(calls: &Calls, deliveries: &[Delivery]) -> Vec<Call> {
    let reports = deliveries
        .iter()
        .flat_map(|d| d.reports.iter().map(|r| r.call.clone()))
        .collect();
    let notes: Vec<_> = deliveries.iter().flat_map(|d| d.notes.clone()).collect();
    let mut rows: Vec<Call> = calls.rules.rows(reports, &notes).into_values().collect();
    rows.sort_by_key(|row| row.id);
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_bodies_of_ten_programs_become_their_rows_in_any_order_and_once() {
    for corpus in CORPORA {
        let deliveries = deliveries(corpus);
        if deliveries.is_empty() {
            return;
        }
        for (kind, backwards) in [
            (Kind::Sqlite, false),
            (Kind::Sqlite, true),
            (Kind::Postgres, true),
        ] {
            if let Some(calls) = calls(kind).await {
                let mut order = deliveries.clone();
                if backwards {
                    order.reverse();
                }
                let mut new = 0;
                for delivery in order.clone() {
                    new += calls.record(delivery).await.new;
                }
                let rows = calls.rows().await;
                assert!(
                    rows == pure(&calls, &deliveries),
                    "{corpus}, backwards {backwards}"
                );
                assert_eq!(new, rows.len(), "{corpus}");
                calls.sums_equal_rows().await;
                for delivery in order {
                    let recorded = calls.record(delivery.clone()).await;
                    assert_eq!(
                        (recorded.new, recorded.completed),
                        (0, 0),
                        "{corpus}: {recorded:?}"
                    );
                    assert_eq!(recorded.duplicates, delivery.reports.len());
                }
                assert!(calls.rows().await == rows, "{corpus}: sent twice");
                calls.sums_equal_rows().await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_and_two_reports_of_its_gateway_meet_in_one_row_whoever_comes_first() {
    let (array, spans) = (deliveries("litellm-generic-array"), deliveries("otel-openai-v2"));
    if array.is_empty() {
        return;
    }
    // The corpora tell the same answers, hours apart: bring the spans to the gateway's time.
    let mut spans = spans;
    let by_answer: HashMap<String, Call> = array
        .iter()
        .flat_map(|d| &d.reports)
        .filter_map(|r| Some((r.call.response_id.clone()?, r.call.clone())))
        .collect();
    for report in spans.iter_mut().flat_map(|d| &mut d.reports) {
        let Some(row) = report.call.response_id.as_ref().and_then(|id| by_answer.get(id)) else {
            continue;
        };
        let record = report.call.record_id.clone();
        let moved = Call::new("test", &record, row.started_at - TimeDelta::milliseconds(1));
        report.call = Call {
            id: moved.id,
            started_at: moved.started_at,
            ..report.call.clone()
        };
    }
    let mut found: Vec<Vec<Call>> = Vec::new();
    for calls in stores().await {
        for delivery in spans.iter().chain(&array) {
            calls.record(delivery.clone()).await;
        }
        calls.sums_equal_rows().await;
        found.push(calls.rows().await);
    }
    for calls in stores().await {
        for delivery in array.iter().chain(spans.iter().rev()) {
            calls.record(delivery.clone()).await;
        }
        calls.sums_equal_rows().await;
        found.push(calls.rows().await);
    }
    let merged = found[0].iter().filter(|row| row.beside.parts.len() == 2).count();
    assert!(merged >= 6, "{merged} rows were merged");
    assert!(found.iter().all(|rows| *rows == found[0]));
}

fn span(id: &str, at: chrono::DateTime<chrono::Utc>, parent: Option<&str>) -> Report {
    let mut call = Call::new("test", &format!("t:{id}"), at);
    call.trace_id = Some("t".to_owned());
    call.span_id = Some(id.to_owned());
    call.beside.parent_span_id = parent.map(str::to_owned);
    call.beside.reporter = "openai".to_owned();
    call.provider = Some("openai".to_owned());
    call.response_model = Some("gpt-4o-2024-08-06".to_owned());
    call.input_tokens = Some(1000);
    call.output_tokens = Some(100);
    Report {
        call,
        content: Some(Content {
            messages: serde_json::json!([{"role": "user", "content": "hello"}]),
            ..Content::default()
        }),
    }
}

fn named(at: chrono::DateTime<chrono::Utc>) -> Delivery {
    Delivery {
        notes: vec![SpanNote {
            trace_id: "t".to_owned(),
            span_id: "root".to_owned(),
            parent_span_id: None,
            started_at: at - TimeDelta::seconds(1),
            ended_at: at + TimeDelta::seconds(2),
            tags: Vec::new(),
            names: vec!["wf-bulk".to_owned()],
            end_user: Some("u1".to_owned()),
        }],
        ..Delivery::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_above_that_comes_later_completes_the_row_and_moves_its_figures() {
    for calls in stores().await {
        let at = "2026-11-24T08:59:59.5Z".parse().unwrap();
        let recorded = calls
            .record(Delivery {
                reports: vec![span("s1", at, Some("root"))],
                ..Delivery::default()
            })
            .await;
        assert_eq!(recorded.new, 1);
        assert_eq!(calls.rows().await[0].workflow, None);
        while calls.store.fold().await.unwrap() > 0 {}
        calls.clock.advance(TimeDelta::minutes(14));
        assert_eq!(calls.record(named(at)).await.completed, 1);
        let rows = calls.rows().await;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].workflow, Some(WorkflowId::from("wf-bulk")));
        assert_eq!(rows[0].mapping_rule.as_deref(), Some("span"));
        assert_eq!(rows[0].end_user.as_deref(), Some("u1"));
        assert!(rows[0].cost_usd.is_some(), "the shipped prices know the model");
        calls.sums_equal_rows().await;
        let content = calls.store.content(&[rows[0].id]).await.unwrap();
        assert_eq!(content[&rows[0].id].messages[0]["content"], "hello");
        // Forgetting the span does not unlearn what it said.
        calls.clock.advance(TimeDelta::hours(2));
        calls
            .store
            .prune(workflow_engine::store::calls::Retention::default())
            .await
            .unwrap();
        let mut second = span("s2", at + TimeDelta::milliseconds(1), Some("s1"));
        second.call.beside.reporter = "anthropic".to_owned();
        calls
            .record(Delivery {
                reports: vec![second],
                ..Delivery::default()
            })
            .await;
        let rows = calls.rows().await;
        assert_eq!((rows.len(), rows[0].beside.parts.len()), (1, 2));
        assert_eq!(rows[0].workflow, Some(WorkflowId::from("wf-bulk")));
        assert_eq!(
            calls.store.content(&[rows[0].id]).await.unwrap().len(),
            1,
            "the content moved along"
        );
        calls.sums_equal_rows().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_trace_is_completed_as_a_whole_when_its_root_comes() {
    for calls in stores().await {
        let at: chrono::DateTime<chrono::Utc> = "2026-11-24T08:00:00Z".parse().unwrap();
        for part in 0..3 {
            let report = |n: i64| {
                let mut report = span(
                    &format!("s{part}-{n}"),
                    at + TimeDelta::milliseconds(n),
                    Some("root"),
                );
                report.call.response_id = Some(format!("chatcmpl-{part}-{n}"));
                report.content = None;
                report
            };
            let reports = (0..150).map(report).collect();
            calls
                .record(Delivery {
                    reports,
                    ..Delivery::default()
                })
                .await;
        }
        assert_eq!(calls.record(named(at)).await.completed, 450);
        let rows = calls.rows().await;
        assert!(
            rows.iter()
                .all(|row| row.workflow == Some(WorkflowId::from("wf-bulk")))
        );
        calls.sums_equal_rows().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_stored_is_kept_with_its_reason_and_its_neighbours_are_stored() {
    for calls in stores().await {
        let at = "2026-11-24T08:00:00Z".parse().unwrap();
        let mut odd = span("nul\0", at, None);
        odd.call.end_user = Some("a\0b".to_owned());
        odd.call.input_tokens = Some(u64::MAX);
        let delivery = Delivery {
            reports: vec![
                span("s1", at, None),
                odd,
                span("s3", at + TimeDelta::days(30), None),
            ],
            rejects: vec![Reject {
                place: "row 7".to_owned(),
                reason: "no id".to_owned(),
                body: b"{}".to_vec(),
            }],
            ..Delivery::default()
        };
        let recorded = calls.record(delivery).await;
        assert_eq!((recorded.new, recorded.rejected), (2, 2));
        let rejected = calls.store.rejected(at, 10).await.unwrap();
        let mut reasons: Vec<_> = rejected.iter().map(|r| r.reject.reason.as_str()).collect();
        reasons.sort_unstable();
        assert!(reasons[0].contains("check the sender's clock"), "{reasons:?}");
        assert_eq!((reasons[1], rejected[0].source.as_str()), ("no id", "test"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_any_age_find_a_place_and_a_day_that_gets_its_partition_late_keeps_them() {
    for calls in stores().await {
        let now: chrono::DateTime<chrono::Utc> = "2026-11-24T09:00:00Z".parse().unwrap();
        let ages = [0_i64, 3, 34, 36, 90, 399];
        let reports = ages
            .iter()
            .map(|days| span(&format!("d{days}"), now - TimeDelta::days(*days), None));
        let ahead = span("ahead", now + TimeDelta::hours(71), None);
        let reports = reports.chain([ahead]).collect();
        assert_eq!(
            calls
                .record(Delivery {
                    reports,
                    ..Delivery::default()
                })
                .await
                .new,
            7
        );
        calls.clock.advance(TimeDelta::days(9));
        calls.store.prepare().await.unwrap();
        calls.store.prepare().await.unwrap();
        assert_eq!(calls.rows().await.len(), 7);
        calls.sums_equal_rows().await;
        let keep = workflow_engine::store::calls::Retention {
            calls: TimeDelta::days(60),
            ..Default::default()
        };
        calls.store.prune(keep).await.unwrap();
        assert_eq!(calls.rows().await.len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_at_once_are_each_stored_and_answered() {
    for calls in stores().await {
        let at: chrono::DateTime<chrono::Utc> = "2026-11-24T08:00:00Z".parse().unwrap();
        let calls = std::sync::Arc::new(calls);
        let tasks: Vec<_> = (0..40)
            .map(|n| {
                let calls = calls.clone();
                tokio::spawn(async move {
                    // Every record is sent by two requests at once.
                    let mut report = span(&format!("s{}", n / 2), at + TimeDelta::milliseconds(n / 2), None);
                    report.call.trace_id = Some(format!("t{}", n / 2));
                    calls
                        .record(Delivery {
                            reports: vec![report],
                            ..Delivery::default()
                        })
                        .await
                })
            })
            .collect();
        let mut sum = (0, 0);
        for task in tasks {
            let recorded = task.await.unwrap();
            sum = (sum.0 + recorded.new, sum.1 + recorded.duplicates);
        }
        assert_eq!(sum, (20, 20));
        assert_eq!(calls.rows().await.len(), 20);
        calls.sums_equal_rows().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_may_wait_is_refused_with_a_time_to_come_again() {
    let calls = with_room(Kind::Sqlite, 8 * 1024).await.unwrap();
    let store = |bytes| {
        calls
            .store
            .record("test", Delivery::default(), calls.rules.clone(), bytes)
    };
    assert!(matches!(
        store(9 * 1024).await,
        Err(RecordError::Busy { retry_after_s: 1 })
    ));
    store(4 * 1024).await.unwrap();
    store(4 * 1024).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_tells_what_serves_a_workflow_and_what_can_be_replayed() {
    for calls in stores().await {
        let at: chrono::DateTime<chrono::Utc> = "2026-11-24T08:00:00Z".parse().unwrap();
        let report = |n: i64, model: &str| {
            let mut report = span(&format!("s{n}"), at + TimeDelta::seconds(n), None);
            report.call.trace_id = Some(format!("t{n}"));
            report.call.tags = vec!["workflow:wf-bulk".to_owned()];
            report.call.route_model = Some(model.to_owned());
            report
        };
        let mut failed = report(3, "gpt-4o");
        failed.call.status = Status::Failure;
        let mut mirror = report(4, "mirror");
        mirror.call.is_shadow = true;
        let reports = vec![
            report(0, "old"),
            report(1, "gpt-4o"),
            report(2, "gpt-4o"),
            failed,
            mirror,
        ];
        calls
            .record(Delivery {
                reports,
                ..Delivery::default()
            })
            .await;
        let workflow = WorkflowId::from("wf-bulk");
        let seen = calls
            .store
            .seen_on_route(&workflow, at + TimeDelta::milliseconds(500))
            .await
            .unwrap();
        assert_eq!(seen.len(), 1);
        assert_eq!(
            (seen[0].model.as_deref(), seen[0].calls, seen[0].failures),
            (Some("gpt-4o"), 3, 1)
        );
        let window = calls
            .store
            .recorded_window(&workflow, at, at + TimeDelta::minutes(1), 100)
            .await
            .unwrap();
        let spans: Vec<_> = window
            .iter()
            .map(|kept| (kept.call.span_id.clone().unwrap(), kept.has_content))
            .collect();
        assert_eq!(spans, ["s0", "s1", "s2", "s3"].map(|id| (id.to_owned(), true)));
        let filter = Filter {
            until: Some(at + TimeDelta::seconds(2)),
            workflow: Some(workflow),
            ..Filter::default()
        };
        let page = calls.store.list(&filter, None, 1).await.unwrap();
        assert_eq!(page.items[0].span_id.as_deref(), Some("s1"));
        let page = calls.store.list(&filter, page.next_cursor, 1).await.unwrap();
        assert_eq!(
            (page.items[0].span_id.as_deref(), page.next_cursor),
            (Some("s0"), None)
        );
    }
}
