//! Told to stop: no new commands, what has begun is finished, and the next one goes on.

use reqwest::Method;
use serde_json::json;
use tests::{
    clock::TestClock,
    db::{BOTH, fresh},
    replica::{Replica, set, start},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_told_to_stop_takes_no_commands_and_says_so() {
    for kind in BOTH {
        let Some(database) = fresh(kind).await else {
            continue;
        };
        let mut settings = start(&database, &TestClock::default());
        set(&mut settings, |config| {
            config.slack.mode = bot::config::SlackMode::Http;
            config.slack.bot_token = Some("xoxb-test".into());
            config.slack.signing_secret = Some("secret".into());
            config.slack.api_url = "http://127.0.0.1:9".to_owned();
        });
        let replica = Replica::start(settings).await;
        let token = replica.token().await;
        assert_eq!(replica.get("", "/health/ready").await.status, 200);

        replica.service.close();
        let ready = replica.get("", "/health/ready").await;
        assert_eq!(
            (ready.status.as_u16(), ready.body["status"].as_str()),
            (503, Some("stopping"))
        );
        assert_eq!(replica.get("", "/health/live").await.status, 200);
        assert_eq!(
            replica.get(&token, "/api/v1/changes").await.status,
            200,
            "reading goes on"
        );
        let body = json!({"workflow": "support-answer", "candidate": "gpt-4o-0806"});
        for (path, body) in [
            ("/api/v1/changes", Some(body)),
            ("/v1/traces", Some(json!({}))),
            ("/chat/slack/events", Some(json!({"type": "url_verification"}))),
        ] {
            let refused = replica.ask(&token, Method::POST, path, body).await;
            assert_eq!(
                (refused.status.as_u16(), refused.retry_after.as_deref()),
                (503, Some("2")),
                "{path}"
            );
            assert_eq!(refused.body["type"], "/errors/stopping");
            assert_eq!(
                refused.body["detail"],
                "This replica was told to stop and takes no new commands. Nothing was recorded; send it again."
            );
        }
        let address = replica.service.address;
        replica.service.stop().await;
        assert!(
            tokio::net::TcpStream::connect(address).await.is_err(),
            "nobody listens any more"
        );
        // On SQLite the next one may open the file: everything has let go of it.
        let next = Replica::start(start(&database, &TestClock::default())).await;
        assert_eq!(next.get("", "/health/ready").await.status, 200);
        next.service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_page_does_not_keep_it_from_stopping() {
    let Some(database) = fresh(BOTH[0]).await else {
        return;
    };
    let replica = Replica::start(start(&database, &TestClock::default())).await;
    let tests = workflow_engine::values::Actor::Service("tests".to_owned());
    let catalog = tests::catalog::small();
    replica
        .service
        .engine
        .apply_catalog(&catalog, &tests)
        .await
        .unwrap();
    let live = replica.open_page("/events").await;
    assert_eq!(live.status(), 200);
    replica.service.stop().await;
    live.bytes().await.unwrap();
}
