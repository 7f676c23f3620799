//! The API over real HTTP: tokens and roles, bad input, idempotency, paging, and the change as surfaces.md §2 writes it.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{
    evidence::report,
    web::{Web, web, web_with},
};
use workflow_engine::{store::tokens::TokenRole, values::RunId};

async fn member(web: &Web, person: &str) -> String {
    web.token(TokenRole::Member, Some(person)).await
}

/// The problem's code, and that it has the shape of RFC 9457.
fn code((status, body): &(StatusCode, Value)) -> String {
    assert_eq!(body["status"], status.as_u16(), "{body}");
    assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
    let kind = body["type"].as_str().unwrap();
    kind.strip_prefix("/errors/").unwrap().to_owned()
}

#[tokio::test]
async fn a_change_goes_from_filing_to_approval_over_http() {
    let web = web().await;
    let maya = member(&web, "maya").await;
    let new = json!({"workflow": "support-answer", "candidate": "gpt-4o-0806", "reason": "Cheaper.", "submit": false});
    let (status, filed) = web.call(&maya, "POST", "/api/v1/changes", Some(new)).await;
    assert_eq!(status, StatusCode::CREATED, "{filed}");
    assert_eq!(
        (filed["state"].as_str(), filed["stage"].as_str()),
        (Some("draft"), None)
    );
    let (status, _) = web.call(&maya, "POST", "/api/v1/changes/1/submit", None).await;
    assert_eq!(status, StatusCode::OK);

    let change = web.desk.to_review(workflow_engine::values::ChangeNumber(1)).await;
    web.desk
        .keep_evidence(&change, &RunId::from("run-1"), Some(report("eligible")))
        .await;
    for person in ["ana", "priya", "tomas"] {
        let vote = json!({"revision": 1, "packet_sha256": change.packet, "grade": "approve"});
        let (status, answer) = web
            .call(
                &member(&web, person).await,
                "POST",
                "/api/v1/changes/1/votes",
                Some(vote),
            )
            .await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    web.seal().await;
    let (_, view) = web.call(&maya, "GET", "/api/v1/changes/1", None).await;
    assert_eq!(view["state"], "approved");
    assert_eq!(view["requester"], json!({"person": "maya", "name": "Maya O."}));
    assert_eq!(view["slots"][1]["have"], 1);
    assert_eq!(view["slots"][1]["votes"][0]["by"]["name"], "Priya S.");
    assert_eq!(view["verdict"]["verdict"], "eligible");
    assert_eq!(view["policy"]["decision"], "permit");
    assert_eq!(view["cost"]["ratio"], 0.571);
    assert_eq!(view["ledger"]["sealed"], true);
    let leaf = view["ledger"]["packet_leaf"].as_u64().unwrap();
    let (status, proof) = web
        .call(&maya, "GET", &format!("/api/v1/ledger/proof/{leaf}"), None)
        .await;
    assert_eq!(status, StatusCode::OK, "{proof}");
    assert!(
        proof["checkpoint"]
            .as_str()
            .unwrap()
            .starts_with("governor.test/ledger\n")
    );
    let (status, envelope) = web.call(&maya, "GET", "/api/v1/changes/1/packet", None).await;
    assert_eq!(
        (status, envelope["signatures"].as_array().map(Vec::len)),
        (StatusCode::OK, Some(1))
    );
}

#[tokio::test]
async fn a_token_is_needed_must_be_known_and_reaches_as_far_as_its_role() {
    let web = web().await;
    let none = web.call("", "GET", "/api/v1/changes", None).await;
    assert_eq!(
        (none.0, code(&none).as_str()),
        (StatusCode::UNAUTHORIZED, "unauthenticated")
    );
    let wrong = web.call("gov_00", "GET", "/api/v1/changes", None).await;
    assert_eq!(code(&wrong), "unauthenticated");
    let reader = web.token(TokenRole::Reader, None).await;
    assert_eq!(
        web.call(&reader, "GET", "/api/v1/changes", None).await.0,
        StatusCode::OK
    );
    let refused = web.call(&reader, "GET", "/api/v1/events", None).await;
    assert_eq!(
        (refused.0, code(&refused).as_str()),
        (StatusCode::FORBIDDEN, "forbidden")
    );
    let auditor = web.token(TokenRole::Auditor, None).await;
    assert_eq!(
        web.call(&auditor, "GET", "/api/v1/events", None).await.0,
        StatusCode::OK
    );
    let ingest = web.token(TokenRole::Ingest, None).await;
    assert_eq!(
        web.call(&ingest, "GET", "/api/v1/changes", None).await.0,
        StatusCode::FORBIDDEN
    );
    // A program that stands for nobody files nothing.
    let program = web.token(TokenRole::Member, None).await;
    let new = json!({"workflow": "support-answer", "candidate": "gpt-4o-0806"});
    let refused = web.call(&program, "POST", "/api/v1/changes", Some(new)).await;
    assert!(
        refused.1["detail"]
            .as_str()
            .unwrap()
            .contains("stands for no person")
    );
}

#[tokio::test]
async fn bad_input_is_answered_with_what_is_wrong_and_records_nothing() {
    let web = web().await;
    let maya = member(&web, "maya").await;
    let post = |body: &'static str, kind: &'static str| {
        let request = web
            .request(&maya, "POST", "/api/v1/changes", None)
            .header("content-type", kind)
            .body(body);
        async move {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            let status = answer.status();
            (status, answer.json::<Value>().await.unwrap())
        }
    };
    let cases = [
        post("{\"workflow\": ", "application/json").await,
        post("{\"workflow\": \"support-answer\"}", "application/json").await,
        post(
            "{\"workflow\": \"support-answer\", \"candidate\": \"x\", \"colour\": 1}",
            "application/json",
        )
        .await,
        post("{}", "text/plain").await,
        post(
            "{\"workflow\": \"support-anser\", \"candidate\": \"gpt-4o-0806\"}",
            "application/json",
        )
        .await,
        post(
            "{\"workflow\": \"support-answer\", \"candidate\": \"gpt-4o-0807\"}",
            "application/json",
        )
        .await,
        web.call(&maya, "GET", "/api/v1/changes/9", None).await,
        web.call(&maya, "GET", "/api/v1/changes?state=sleeping", None)
            .await,
        web.call(&maya, "GET", "/api/v1/changes?limit=0", None).await,
        web.call(&maya, "GET", "/api/v1/changes?cursor=x", None).await,
        web.call(&maya, "GET", "/api/v1/nothing", None).await,
        web.call(&maya, "DELETE", "/api/v1/changes", None).await,
        web.call(&maya, "GET", "/api/v1/ledger/proof/5", None).await,
    ];
    let said: Vec<_> = cases
        .iter()
        .map(|case| {
            format!(
                "{} {}: {}",
                case.0.as_u16(),
                code(case),
                case.1["detail"].as_str().unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    400 bad-body: The body cannot be read: workflow: EOF while parsing a value at line 1 column 13.
    400 bad-body: The body cannot be read: missing field `candidate` at line 1 column 30.
    400 bad-body: The body cannot be read: colour: unknown field `colour`, expected one of `workflow`, `candidate`, `reason`, `claims_savings`, `co_authors`, `cites`, `submit` at line 1 column 57.
    415 unsupported-media-type: Send JSON, with Content-Type: application/json.
    404 not-found: There is no workflow `support-anser`. Did you mean `support-answer`?
    400 bad-body: The catalog has no route `gpt-4o-0807`; did you mean `gpt-4o-0806`?
    404 not-found: There is no change #9.
    400 bad-query: `sleeping` is no state of a change.
    400 bad-query: `limit` must be 1 to 200.
    400 bad-query: `cursor` must be the `next_cursor` of the previous page.
    404 not-found: There is no such page or path.
    405 method-not-allowed: The `Allow` header names the methods this path takes.
    404 not-found: Entry #5 is not sealed yet; the signed ledger has 0 entries, and sealing takes about a second.
    ");
    assert_eq!(
        web.call(&maya, "GET", "/api/v1/changes", None).await.1,
        json!({"items": [], "next_cursor": null})
    );
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_also_when_it_was_small_before_decompression() {
    use std::io::Write as _;
    let web = web_with(|config| config.server.max_body_mib = 1).await;
    let maya = member(&web, "maya").await;
    let text = json!({"text": "x".repeat(1_200_000)}).to_string();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(text.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 10_000);
    for (body, encoding) in [(text.into_bytes(), "identity"), (packed, "gzip")] {
        let request = web.request(&maya, "POST", "/api/v1/changes/1/comments", None);
        let request = request
            .header("content-type", "application/json")
            .header("content-encoding", encoding);
        let answer = request.body(body).send().await.unwrap();
        let problem = (answer.status(), answer.json::<Value>().await.unwrap());
        assert_eq!(
            (problem.0, code(&problem).as_str()),
            (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
            "{encoding}"
        );
        assert!(
            problem.1["detail"]
                .as_str()
                .unwrap()
                .contains("server.max_body_mib"),
            "{encoding}"
        );
    }
}

#[tokio::test]
async fn a_request_repeated_under_its_key_is_recorded_once_and_a_key_is_for_one_thing() {
    let web = web().await;
    let maya = member(&web, "maya").await;
    let file = |body: Value| {
        let request = web
            .request(&maya, "POST", "/api/v1/changes", Some(body))
            .header("idempotency-key", "k-1");
        async move {
            let answer = request.send().await.unwrap();
            (answer.status(), answer.json::<Value>().await.unwrap())
        }
    };
    let new = json!({"workflow": "support-answer", "candidate": "gpt-4o-0806"});
    assert_eq!(file(new.clone()).await.1["number"], 1);
    assert_eq!(file(new).await.1["number"], 1);
    let other = file(json!({"workflow": "claims-triage", "candidate": "gpt-4o-0806"})).await;
    assert_eq!(
        (other.0, code(&other).as_str()),
        (StatusCode::CONFLICT, "key-reused")
    );
}

#[tokio::test]
async fn refusals_of_the_engine_keep_their_code_and_sentence() {
    let web = web().await;
    let number = web.desk.file("a").await.unwrap().number;
    let change = web.desk.to_review(number).await;
    let vote = |grade: &str, revision: u32| json!({"revision": revision, "packet_sha256": change.packet, "grade": grade});
    let path = "/api/v1/changes/1/votes";
    let own = web
        .call(
            &member(&web, "maya").await,
            "POST",
            path,
            Some(vote("approve", 1)),
        )
        .await;
    assert_eq!(
        (own.0, code(&own).as_str()),
        (StatusCode::FORBIDDEN, "own-request")
    );
    let priya = member(&web, "priya").await;
    let stale = web.call(&priya, "POST", path, Some(vote("approve", 7))).await;
    assert_eq!((stale.0, code(&stale).as_str()), (StatusCode::CONFLICT, "stale"));
    let mute = web.call(&priya, "POST", path, Some(vote("deny", 1))).await;
    assert_eq!(
        (mute.0, code(&mute).as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "reason-needed")
    );
    let stranger = web
        .call(&member(&web, "wei").await, "POST", path, Some(vote("approve", 1)))
        .await;
    assert_eq!(code(&stranger), "not-eligible");
    let empty = web
        .call(&priya, "POST", path, Some(vote("approve_with_conditions", 1)))
        .await;
    assert_eq!(code(&empty), "bad-body");
    let early = web
        .call(
            &member(&web, "ana").await,
            "POST",
            "/api/v1/changes/1/apply",
            None,
        )
        .await;
    assert_eq!(code(&early), "wrong-state");
}

#[tokio::test]
async fn callers_that_come_too_often_are_told_when_to_come_back() {
    let web = web_with(|config| (config.server.requests_per_second, config.server.burst) = (1, 3)).await;
    let reader = web.token(TokenRole::Reader, None).await;
    for _ in 0..3 {
        assert_eq!(
            web.call(&reader, "GET", "/api/v1/changes", None).await.0,
            StatusCode::OK
        );
    }
    let answer = web
        .request(&reader, "GET", "/api/v1/changes", None)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["retry-after"], "1");
    let problem = (answer.status(), answer.json::<Value>().await.unwrap());
    assert_eq!(
        (problem.0, code(&problem).as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "rate-limited")
    );
    let other = web.token(TokenRole::Reader, None).await;
    assert_eq!(
        web.call(&other, "GET", "/api/v1/changes", None).await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_repeat_and_the_audit_stream_goes_on_from_its_cursor() {
    let web = web().await;
    for index in 0..5 {
        web.desk.file(&format!("k{index}")).await.unwrap();
    }
    let admin = web.token(TokenRole::Admin, None).await;
    let mut seen = Vec::new();
    let mut path = "/api/v1/changes?limit=2".to_owned();
    loop {
        let (_, page) = web.call(&admin, "GET", &path, None).await;
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["number"].as_u64().unwrap()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/changes?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);

    let (_, first) = web.call(&admin, "GET", "/api/v1/events?limit=7", None).await;
    let after = first["next_cursor"].as_str().unwrap();
    let (_, rest) = web
        .call(&admin, "GET", &format!("/api/v1/events?after={after}"), None)
        .await;
    let kinds = |page: &Value| page["items"].as_array().unwrap().len();
    assert_eq!((kinds(&first), kinds(&rest)), (7, 3), "{rest}");
    assert_eq!(first["items"][0]["kind"], "filed");
}

#[tokio::test]
async fn probes_and_the_description_need_no_token_and_the_description_names_every_route() {
    let web = web().await;
    assert_eq!(
        web.call("", "GET", "/health/live", None).await.1,
        json!({"status": "live"})
    );
    assert_eq!(
        web.call("", "GET", "/health/ready", None).await.1["status"],
        "ready"
    );
    let (_, document) = web.call("", "GET", "/openapi.json", None).await;
    let described: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    let mut routed = Vec::new();
    let folders = ["bot/src/http/api", "bot/src/http/hooks"].map(|folder| tests::root().join(folder));
    for file in folders.iter().flat_map(|folder| rust_files(folder)) {
        let text = std::fs::read_to_string(file).unwrap();
        let routes = text
            .split(".route(")
            .skip(1)
            .filter_map(|rest| rest.split('"').nth(1));
        routed.extend(routes.map(str::to_owned));
    }
    assert!(routed.len() > 15, "the routes are read from the source");
    // Slack's endpoints are described by Slack.
    for path in routed.iter().filter(|path| !path.starts_with("/chat/")) {
        assert!(
            described.contains(path),
            "docs/openapi.json does not describe {path}"
        );
    }
    for path in &described {
        assert!(
            routed.contains(path),
            "docs/openapi.json describes {path}, which is no route"
        );
    }
}

fn rust_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                rust_files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[tokio::test]
async fn dead_letters_are_listed_and_sent_again_by_an_administrator_only() {
    let web = web().await;
    web.desk.file("a").await.unwrap();
    let db = web.desk.engine.db();
    let now = workflow_engine::ports::clock::Clock::now(&web.desk.clock).timestamp_millis();
    let wanted = workflow_engine::store::queue::Wanted {
        kinds: vec!["check_admission".to_owned()],
        definitions: (1, 1),
    };
    let job = workflow_engine::store::claims::claim(db, &wanted, 1, now, 1_000)
        .await
        .unwrap()
        .pop()
        .unwrap();
    workflow_engine::store::queue::bury(db, &job.ticket, now, "the policy file is broken")
        .await
        .unwrap();
    let admin = web.token(TokenRole::Admin, None).await;
    let (_, page) = web.call(&admin, "GET", "/api/v1/jobs", None).await;
    assert_eq!(page["items"][0]["last_error"], "the policy file is broken");
    assert_eq!(page["items"][0]["change"], 1);
    let path = format!("/api/v1/jobs/{}/requeue", job.ticket.id);
    let reader = web.token(TokenRole::Reader, None).await;
    assert_eq!(
        web.call(&reader, "POST", &path, None).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        web.call(&admin, "POST", &path, None).await.0,
        StatusCode::NO_CONTENT
    );
    let again = web.call(&admin, "POST", &path, None).await;
    assert_eq!(code(&again), "not-found");
    let (_, change) = web.call(&admin, "GET", "/api/v1/changes/1", None).await;
    let told = change["events"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&told["kind"], &told["actor"]["name"]),
        (&json!("job_sent_again"), &json!("the token \"test admin\""))
    );
    let (_, open) = web.call(&admin, "GET", "/api/v1/jobs?fate=open", None).await;
    let again = open["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["id"] == job.ticket.id.as_str());
    assert_eq!(again.unwrap()["sent_again_by"]["service"], "token:test admin");
    assert_eq!(
        web.call(&admin, "GET", "/api/v1/jobs", None).await.1["items"],
        json!([])
    );
}

#[tokio::test]
async fn open_jobs_come_page_by_page_and_each_once() {
    let web = web().await;
    for key in ["a", "b", "c", "d", "e"] {
        web.desk.file(key).await.unwrap();
    }
    let reader = web.token(TokenRole::Reader, None).await;
    let (_, all) = web
        .call(&reader, "GET", "/api/v1/jobs?fate=open&limit=200", None)
        .await;
    let ids = |page: &serde_json::Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|job| job["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let (mut paged, mut path) = (Vec::new(), "/api/v1/jobs?fate=open&limit=2".to_owned());
    loop {
        let (_, page) = web.call(&reader, "GET", &path, None).await;
        paged.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/jobs?fate=open&limit=2&cursor={cursor}");
    }
    assert!(paged.len() > 4);
    assert_eq!(paged, ids(&all));
}
