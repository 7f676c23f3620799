//! The gateway against its stand-in: apply, read back, fence, roll back, refusals, traffic.

use secrecy::SecretString;
use workflow_engine::{
    ports::gateway::{ApprovedRoute, Gateway, GatewayError},
    values::{ChangeNumber, Route, WorkflowId},
};

use super::*;
use crate::{
    gateways::litellm::{Config, LiteLlm, Upstream},
    models::fake as vendor,
};

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        chrono::DateTime::from_timestamp(1_795_500_000, 0).unwrap()
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn setup(database: bool, vendor_url: &str) -> Setup {
    Setup {
        master_key: "sk-master".to_owned(),
        database,
        model_list: json!([{
            "model_name": "support-chat",
            "litellm_params": {"model": "openai/gpt-4o-2024-05-13", "api_base": vendor_url, "api_key": "os.environ/KEY"},
            "model_info": {"id": "dep-support", "db_model": true},
        }]),
        fallbacks: json!([]),
        environment: BTreeMap::from([("KEY".to_owned(), "vendor-key".to_owned())]),
        callback: None,
        flush_every: Duration::from_secs(3_600),
        prices: BTreeMap::new(),
        clock: Arc::new(Still),
    }
}

fn gateway(proxy: &FakeLiteLlm, key: &str, vendor_url: &str) -> LiteLlm {
    let upstream = Upstream {
        api_key: Some("os.environ/KEY".to_owned()),
        api_base: Some(vendor_url.to_owned()),
        ..Upstream::default()
    };
    let http = Http::new(Options {
        attempts: 2,
        first_wait: Duration::from_millis(1),
        ..Options::default()
    })
    .unwrap();
    LiteLlm::new(
        http,
        Config {
            name: "litellm-main".to_owned(),
            url: proxy.url().to_owned(),
            admin_key: SecretString::from(key),
            upstreams: BTreeMap::from([("openai".to_owned(), upstream)]),
        },
    )
}

fn route(model: &str, fallbacks: &[&str]) -> Route {
    let hop = |model: &&str| json!({"provider": "openai", "model": model});
    serde_json::from_value(json!({"id": model, "provider": "openai", "model": model,
        "fallbacks": fallbacks.iter().map(hop).collect::<Vec<_>>()}))
    .unwrap()
}

fn approved(model: &str, fallbacks: &[&str], generation: u64) -> ApprovedRoute {
    ApprovedRoute {
        workflow: WorkflowId::from("support-answer"),
        alias: "support-chat".to_owned(),
        route: route(model, fallbacks),
        generation,
        change: ChangeNumber(2),
    }
}

const NEW: &str = "gpt-4o-2024-08-06";
const OLD: &str = "gpt-4o-2024-05-13";

#[tokio::test]
async fn an_approved_route_is_written_read_back_and_written_only_once() {
    let proxy = FakeLiteLlm::start(setup(true, "http://127.0.0.1:9/v1"))
        .await
        .unwrap();
    let gateway = gateway(&proxy, "sk-master", "http://127.0.0.1:9/v1");
    let before = gateway.read_routes("support-chat").await.unwrap();
    assert!(before.serves(&route(OLD, &[])));

    let applied = gateway
        .apply(&approved(NEW, &["gpt-4o-mini-2024-07-18"], 5))
        .await
        .unwrap();
    assert!(applied.changed && applied.after.serves(&route(NEW, &["gpt-4o-mini-2024-07-18"])));
    assert_eq!((applied.before, applied.after.generation), (before, Some(5)));
    insta::assert_snapshot!(proxy.writes().join("\n"), @r"
    POST /model/new governor-support-answer-g5
    POST /model/new governor-support-answer-g5-f1
    POST /fallback support-chat
    POST /model/delete dep-support
    ");

    let again = gateway
        .apply(&approved(NEW, &["gpt-4o-mini-2024-07-18"], 5))
        .await
        .unwrap();
    assert!(!again.changed);
    assert_eq!(proxy.writes().len(), 4);
}

#[tokio::test]
async fn an_older_generation_never_undoes_a_newer_one_and_rollback_is_a_newer_one() {
    let proxy = FakeLiteLlm::start(setup(true, "http://127.0.0.1:9/v1"))
        .await
        .unwrap();
    let gateway = gateway(&proxy, "sk-master", "http://127.0.0.1:9/v1");
    gateway
        .apply(&approved(NEW, &["gpt-4o-mini-2024-07-18"], 8))
        .await
        .unwrap();
    let late = gateway
        .apply(&approved("gpt-4-turbo-2024-04-09", &[], 7))
        .await
        .unwrap_err();
    insta::assert_snapshot!(late, @"litellm-main already serves generation 8; generation 7 is older and was not applied");

    let back = gateway.apply(&approved(OLD, &[], 9)).await.unwrap();
    assert!(back.after.serves(&route(OLD, &[])));
    assert_eq!(back.after.deployments.len(), 1);
    assert!(
        proxy
            .writes()
            .contains(&"DELETE /fallback/support-chat".to_owned())
    );
    assert!(
        proxy
            .writes()
            .contains(&"POST /model/delete governor-support-answer-g8-f1".to_owned())
    );
}

#[tokio::test]
async fn an_apply_that_breaks_off_is_completed_by_applying_again() {
    let proxy = FakeLiteLlm::start(setup(true, "http://127.0.0.1:9/v1"))
        .await
        .unwrap();
    let gateway = gateway(&proxy, "sk-master", "http://127.0.0.1:9/v1");
    let wanted = approved(NEW, &["gpt-4o-mini-2024-07-18"], 5);
    for _ in 0..2 {
        proxy.fail_next_writes(1);
        let error = gateway.apply(&wanted).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unavailable { .. }), "{error}");
    }
    assert!(gateway.apply(&wanted).await.unwrap().after.serves(&wanted.route));
}

#[tokio::test]
async fn what_somebody_changed_by_hand_is_mended_under_the_same_generation() {
    let proxy = FakeLiteLlm::start(setup(true, "http://127.0.0.1:9/v1"))
        .await
        .unwrap();
    let gateway = gateway(&proxy, "sk-master", "http://127.0.0.1:9/v1");
    gateway.apply(&approved(NEW, &[], 5)).await.unwrap();
    for held in &mut proxy.inner.state().deployments {
        held.deployment.litellm_params.model = "openai/gpt-4o-mini-2024-07-18".to_owned();
    }
    let live = gateway.read_routes("support-chat").await.unwrap();
    insta::assert_snapshot!(live.differences(&route(NEW, &[])).join("\n"), @"support-chat is served by openai/gpt-4o-mini-2024-07-18, approved is openai/gpt-4o-2024-08-06");
    assert!(
        gateway
            .apply(&approved(NEW, &[], 5))
            .await
            .unwrap()
            .after
            .serves(&route(NEW, &[]))
    );
}

#[tokio::test]
async fn every_refusal_says_what_to_do() {
    let proxy = FakeLiteLlm::start(setup(false, "http://127.0.0.1:9/v1"))
        .await
        .unwrap();
    let stranger = gateway(&proxy, "sk-wrong", "http://127.0.0.1:9/v1");
    insta::assert_snapshot!(stranger.read_routes("support-chat").await.unwrap_err(), @"litellm-main refused: the admin key is not accepted. Set gateways.<id>.admin_key to a master or proxy-admin key");

    let owner = gateway(&proxy, "sk-master", "http://127.0.0.1:9/v1");
    insta::assert_snapshot!(owner.apply(&approved(NEW, &[], 5)).await.unwrap_err(), @"litellm-main refused: support-chat is served from its config.yaml (dep-support). Merge the patch into config.yaml and restart, or take support-chat out of config.yaml so that it can be managed through the admin API");
    let mut fresh = approved(NEW, &[], 5);
    fresh.alias = "another".to_owned();
    insta::assert_snapshot!(owner.apply(&fresh).await.unwrap_err(), @"litellm-main refused: it keeps its models in config.yaml only. Start LiteLLM with a database and STORE_MODEL_IN_DB=True, or merge the patch by hand");
    assert!(proxy.writes().is_empty());
}

#[tokio::test]
async fn a_proxy_that_says_yes_and_serves_the_old_route_is_found_out() {
    let proxy = FakeLiteLlm::start(setup(true, "http://127.0.0.1:9/v1"))
        .await
        .unwrap();
    proxy.freeze();
    let error = gateway(&proxy, "sk-master", "http://127.0.0.1:9/v1")
        .apply(&approved(NEW, &[], 5))
        .await
        .unwrap_err();
    insta::assert_snapshot!(error, @"litellm-main does not serve what was written: support-chat is served by openai/gpt-4o-2024-05-13, approved is openai/gpt-4o-2024-08-06");
}

#[tokio::test]
async fn calls_go_to_the_new_route_and_each_attempt_is_reported() {
    let upstream = vendor::FakeVendor::start(vendor::Setup {
        api_key: "vendor-key".to_owned(),
        models: vec![OLD.to_owned(), NEW.to_owned()],
        context_tokens: 10_000,
        answers: Arc::new(|_| None),
        latency_scale: 0.0,
    })
    .await
    .unwrap();
    let proxy = FakeLiteLlm::start(setup(true, upstream.base_url()))
        .await
        .unwrap();
    let gateway = gateway(&proxy, "sk-master", upstream.base_url());
    gateway.apply(&approved(NEW, &[OLD], 5)).await.unwrap();

    upstream.fail_next(1, vendor::Fault::Status(500));
    let http = Http::new(Options::default()).unwrap();
    let body = json!({"model": "support-chat", "messages": [{"role": "user", "content": "hi"}]});
    let request = http.client().post(format!("{}/v1/chat/completions", proxy.url()));
    let request = request
        .bearer_auth("sk-master")
        .header("x-litellm-tags", "workflow:support-answer");
    let answer = http.once("proxy", request.json(&body)).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(
        serde_json::from_slice::<Value>(&answer.body).unwrap()["model"],
        "support-chat"
    );
    assert_eq!(
        (upstream.prompts_received(NEW), upstream.prompts_received(OLD)),
        (1, 1)
    );

    let reports = proxy.inner.state().reports.clone();
    let told: Vec<Value> = reports
        .iter()
        .map(|row| json!([row["status"], row["model"], row["model_group"], row["model_id"]]))
        .collect();
    assert_eq!(
        json!(told),
        json!([
            [
                "failure",
                "openai/gpt-4o-2024-08-06",
                "support-chat",
                "governor-support-answer-g5"
            ],
            [
                "success",
                "openai/gpt-4o-2024-05-13",
                "support-chat.fallback-1",
                "governor-support-answer-g5-f1"
            ],
        ])
    );
    assert_eq!(reports[0]["litellm_call_id"], reports[1]["litellm_call_id"]);
    assert_eq!(reports[1]["request_tags"], json!(["workflow:support-answer"]));
}

#[tokio::test]
async fn of_two_applies_at_once_the_older_gives_way_and_leaves_nothing_behind() {
    let proxy = FakeLiteLlm::start(setup(true, "http://127.0.0.1:9"))
        .await
        .unwrap();
    let gateway = gateway(&proxy, "sk-master", "http://127.0.0.1:9");
    let (older, newer) = (
        approved("gpt-4o-2024-08-06", &["gpt-4.1"], 7),
        approved("gpt-4o-mini", &["gpt-4.1-mini"], 8),
    );
    // The older one has looked, found nothing newer, and is on its way to write.
    proxy.hold_next_new();
    let late = async {
        let refused = gateway.apply(&older).await;
        let Err(GatewayError::Superseded { live, ours, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((live, ours), (8, 7));
    };
    let overtaking = async {
        proxy.until_held().await;
        gateway.apply(&newer).await.unwrap();
        proxy.let_go();
    };
    tokio::join!(late, overtaking);
    let live = gateway.read_routes("support-chat").await.unwrap();
    assert_eq!(live.differences(&newer.route), Vec::<String>::new());
    assert_eq!(live.generation, Some(8));
    // However often the older one is repeated.
    assert!(gateway.apply(&older).await.is_err());
    let live = gateway.read_routes("support-chat").await.unwrap();
    assert!(live.serves(&newer.route));
}
