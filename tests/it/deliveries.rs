//! Calls over HTTP: what senders send is stored, what they send wrongly is told, nothing is lost.

use axum::{body::Body, http::Request};
use serde_json::Value;
use tests::calls::{Calls, calls, catalog, requests, with_room};
use tests::db::{BOTH, Kind};
use tests::door::{Answer, Door, door};

async fn doors() -> Vec<Door> {
    let mut doors = Vec::new();
    for kind in BOTH {
        if let Some(calls) = calls(kind).await {
            doors.push(open(calls).await);
        }
    }
    doors
}

async fn open(calls: Calls) -> Door {
    door(calls, &catalog()).await
}

async fn small() -> Door {
    open(calls(Kind::Sqlite).await.unwrap()).await
}

/// Every call that the API lists, page by page, the newest first.
async fn listed(door: &Door) -> Vec<Value> {
    let mut out = Vec::new();
    let mut path = "/api/v1/calls?limit=5".to_owned();
    loop {
        let page = door.read(&path).await.json();
        out.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            return out;
        };
        path = format!("/api/v1/calls?limit=5&cursor={cursor}");
    }
}

fn problem(answer: &Answer) -> (u16, String, String) {
    assert_eq!(answer.kind, "application/problem+json");
    let json = answer.json();
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    (answer.status.as_u16(), text("type"), text("detail"))
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_requests_sent_twice_are_listed_once_with_their_workflows() {
    for corpus in [
        "litellm-generic-array",
        "litellm-generic-ndjson",
        "langfuse-sdk5",
        "aisdk5",
        "openllmetry",
    ] {
        let requests = requests(corpus);
        for door in doors().await {
            let mut first: Option<Vec<Value>> = None;
            for _ in 0..2 {
                for request in &requests {
                    let headers: Vec<_> = request
                        .headers
                        .iter()
                        .map(|(n, v)| (n.as_str(), v.as_str()))
                        .collect();
                    let answer = door
                        .deliver(&request.method, &request.path, &headers, request.body.clone())
                        .await;
                    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
                    assert!(
                        !headers
                            .iter()
                            .any(|(n, v)| *n == "content-type" && *v != answer.kind),
                        "{}",
                        answer.kind
                    );
                }
                let rows = listed(&door).await;
                assert_eq!(first.get_or_insert_with(|| rows.clone()), &rows, "{corpus}");
            }
            let rows = first.unwrap_or_default();
            let own = door.calls.rows().await;
            assert_eq!(rows.len(), own.len());
            assert!(
                requests.is_empty() || rows.iter().any(|row| !row["workflow"].is_null()),
                "{corpus}"
            );
            assert!(
                rows.iter().all(|row| row["source"] == "test"),
                "the source is the token's name"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_deliveries_logs_and_metrics_are_answered_in_their_encoding() {
    let door = small().await;
    for (method, path) in [
        ("POST", "/v1/traces"),
        ("PUT", "/v1/traces"),
        ("POST", "/v1/logs"),
        ("POST", "/v1/metrics"),
    ] {
        let answer = door
            .deliver(
                method,
                path,
                &[("content-type", "application/x-protobuf")],
                Vec::new(),
            )
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.kind.as_str(), answer.body.len()),
            (200, "application/x-protobuf", 0)
        );
        let answer = door
            .deliver(
                method,
                path,
                &[("content-type", "application/json")],
                b"{}".to_vec(),
            )
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()),
            (200, serde_json::json!({}))
        );
    }
    let answer = door.deliver("POST", "/ingest/litellm", &[], Vec::new()).await;
    assert_eq!(answer.json()["new"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_cannot_be_read_is_a_problem_that_says_what_and_where() {
    let door = small().await;
    let send = |path: &'static str, kind: &'static str, body: &'static [u8]| {
        let door = &door;
        async move {
            problem(
                &door
                    .deliver("POST", path, &[("content-type", kind)], body.to_vec())
                    .await,
            )
        }
    };
    let (status, code, detail) = send("/v1/traces", "application/json", b"{\"resourceSpans\":[7]}").await;
    assert_eq!((status, code.as_str()), (400, "/errors/bad-body"));
    insta::assert_snapshot!(detail, @"OTLP JSON cannot be read at line 1 column 19: invalid type: integer `7`, expected struct ResourceSpans at line 1 column 19; send an object with `resourceSpans`. Nothing of it was stored.");
    let (status, _, detail) = send("/v1/traces", "application/x-protobuf", b"hello").await;
    assert_eq!(status, 400);
    assert!(detail.contains("send an ExportTraceServiceRequest"), "{detail}");
    let (status, _, detail) = send("/ingest/litellm", "application/json", b"[{\"id\":1},").await;
    assert_eq!(status, 400);
    assert!(
        detail.starts_with("LiteLLM callback cannot be read at line 1 column 10"),
        "{detail}"
    );
    let gzip = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let answer = door
        .deliver("POST", "/v1/traces", &gzip, b"no gzip at all".to_vec())
        .await;
    assert_eq!(problem(&answer).0, 400);
    assert!(listed(&door).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_row_is_kept_and_told_while_its_neighbours_are_stored() {
    for door in doors().await {
        let good = r#"{"id":"a","startTime":1795404861.1,"endTime":1795404862.1,"model":"openai/gpt-4o-mini","api_base":"x"}"#;
        let body = format!("[{good},{{\"id\":[]}},7]");
        let answer = door
            .deliver("POST", "/ingest/litellm", &[], body.into_bytes())
            .await;
        let receipt = answer.json();
        assert_eq!((&receipt["new"], &receipt["rejected"]), (&1.into(), &2.into()));
        assert_eq!(receipt["rejects"][0]["place"], "row 1");
        let span = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":1}]}]}]}"#;
        let json = [("content-type", "application/json")];
        let answer = door
            .deliver("POST", "/v1/traces", &json, span.as_bytes().to_vec())
            .await;
        assert_eq!(answer.json()["partialSuccess"]["rejectedSpans"], "1");
        let rows =
            r#"{"record_id":"r1","started_at":"2026-11-24T08:00:00Z","workflow":"wf-bulk","input_tokens":5}"#;
        let answer = door
            .deliver("POST", "/ingest/calls", &json, rows.as_bytes().to_vec())
            .await;
        assert_eq!(answer.json()["new"], 1);
        let stored = listed(&door).await;
        assert_eq!(stored.len(), 2);
        assert_eq!(
            (&stored[0]["workflow"], &stored[0]["mapping_rule"]),
            (&"wf-bulk".into(), &"stated".into())
        );
        let kept = door
            .calls
            .store
            .rejected(chrono::DateTime::UNIX_EPOCH, 10)
            .await
            .unwrap();
        assert_eq!(kept.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_readers_giants_and_crowds_are_turned_away_with_the_remedy() {
    let door = small().await;
    let (status, code, _) = problem(
        &door
            .ask(Request::post("/v1/traces").body(Body::empty()).unwrap())
            .await,
    );
    assert_eq!((status, code.as_str()), (401, "/errors/unauthenticated"));
    let (status, _, detail) = problem(&door.deliver("GET", "/api/v1/calls", &[], Vec::new()).await);
    assert_eq!(status, 403);
    assert!(detail.contains("reader"), "{detail}");
    let mut small = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut small, &vec![b' '; 33 << 20]).unwrap();
    let gzip = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let (status, code, detail) = problem(
        &door
            .deliver("POST", "/ingest/litellm", &gzip, small.finish().unwrap())
            .await,
    );
    assert_eq!((status, code.as_str()), (413, "/errors/too-large"));
    assert!(detail.contains("smaller requests"), "{detail}");
    let door = open(with_room(Kind::Sqlite, 2048).await.unwrap()).await;
    let answer = door
        .deliver("POST", "/ingest/litellm", &[], vec![b' '; 4096])
        .await;
    assert_eq!(problem(&answer).0, 429);
    assert_eq!(answer.retry_after.as_deref(), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_filtered_and_found_and_wrong_questions_are_answered() {
    let door = small().await;
    let row = |id: &str, at: &str, workflow: &str| {
        format!(r#"{{"record_id":"{id}","started_at":"2026-11-{at}Z","workflow":"{workflow}"}}"#)
    };
    let rows = [
        row("a", "01T00:00:00", "wf-bulk"),
        row("b", "02T00:00:00", "wf-search"),
        row("c", "03T00:00:00", "wf-bulk"),
    ];
    door.deliver("POST", "/ingest/calls", &[], rows.join("\n").into_bytes())
        .await;
    let ids = |path: &'static str| {
        let door = &door;
        async move {
            let page = door.read(path).await.json();
            let items = page["items"].as_array().unwrap().clone();
            items
                .iter()
                .map(|row| row["record_id"].as_str().unwrap().to_owned())
                .collect::<String>()
        }
    };
    assert_eq!(ids("/api/v1/calls").await, "cba");
    assert_eq!(ids("/api/v1/calls?workflow=wf-bulk").await, "ca");
    assert_eq!(
        ids("/api/v1/calls?since=2026-11-02T00:00:00Z&until=2026-11-03T00:00:00Z").await,
        "b"
    );
    assert_eq!(ids("/api/v1/calls?source=other").await, "");
    let first = door.read("/api/v1/calls?limit=1").await.json()["items"][0].clone();
    let found = door
        .read(&format!("/api/v1/calls/{}", first["id"].as_str().unwrap()))
        .await;
    assert_eq!(found.json(), first);
    assert_eq!(problem(&door.read("/api/v1/calls/7").await).0, 404);
    let (status, code, detail) = problem(&door.read("/api/v1/calls?limit=many").await);
    assert_eq!(
        (status, code.as_str(), detail.as_str()),
        (400, "/errors/bad-query", "`limit` must be 1 to 1000.")
    );
}
