//! A change on its way to a gateway: the lab, a stand-in LiteLLM whose callback reaches the store of calls, and the jobs.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{Router, body::Bytes, routing::post};
use bot::{
    gateways::Gateways,
    jobs::{
        apply_route::ApplyRoute, restore_route::RestoreRoute, timers::Timers, verify_traffic::VerifyTraffic,
    },
};
use chrono::TimeDelta;
use integrations::{
    gateways::litellm::{
        Config, LiteLlm, Upstream,
        fake::{FakeLiteLlm, Setup},
        ingest::Callback,
    },
    http::{Http, Options},
};
use secrecy::SecretString;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::{command::Command, state::Change},
    engine::jobs::{Handler, Runner},
    ports::{gateway::Gateway, trace_source::TraceSource},
    values::{Actor, ChangeNumber},
};

use crate::{
    db::Kind,
    lab::{Lab, Models, Via, lab},
};

/// The stage.
pub struct Stage {
    /// Engine, calls, vendor.
    pub lab: Lab,
    /// The gateway's stand-in.
    pub proxy: FakeLiteLlm,
    /// Our client of it.
    pub gateway: Arc<dyn Gateway>,
    runner: Runner,
    callback: tokio::task::JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.callback.abort();
    }
}

/// A stage on `kind`; the proxy keeps its models in a database, and its owner lets us apply or not.
pub async fn stage(kind: Kind, may_apply: bool) -> Option<Stage> {
    let lab = lab(kind, Models::CLEAN, Via::LiteLlm, 0).await?;
    let (_, catalog) = lab.desk.engine.catalog().await.expect("a catalog");
    let mut catalog = (*catalog).clone();
    catalog.gateways[0].apply = may_apply;
    let tests = Actor::Service("tests".to_owned());
    lab.desk
        .engine
        .apply_catalog(&catalog, &tests)
        .await
        .expect("the catalog is stored");
    let (callback_url, callback) = receiver(&lab).await;
    let proxy = FakeLiteLlm::start(setup(&lab, callback_url))
        .await
        .expect("a port is free");
    let gateway: Arc<dyn Gateway> = Arc::new(client(&lab, &proxy));
    let gateways = Gateways::new(BTreeMap::from([(
        "litellm-main".to_owned(),
        Arc::clone(&gateway),
    )]));
    let engine = lab.desk.engine.clone();
    let handlers: Vec<Arc<dyn Handler>> = vec![
        Arc::new(Timers::new(engine.clone())),
        Arc::new(ApplyRoute::new(engine.clone(), gateways.clone())),
        Arc::new(RestoreRoute::new(engine.clone(), gateways.clone())),
        Arc::new(VerifyTraffic::new(
            engine.clone(),
            gateways,
            Arc::new(lab.calls.clone()),
            Duration::from_secs(30),
        )),
    ];
    Some(Stage {
        runner: Runner::new(engine, handlers),
        lab,
        proxy,
        gateway,
        callback,
    })
}

fn setup(lab: &Lab, callback_url: String) -> Setup {
    Setup {
        master_key: "sk-master".to_owned(),
        database: true,
        model_list: json!([{
            "model_name": "support-answer",
            "litellm_params": {"model": "openai/gpt-4o-2024-05-13", "api_base": lab.vendor.base_url(), "api_key": "os.environ/KEY"},
            "model_info": {"id": "dep-support", "db_model": true},
        }]),
        fallbacks: json!([]),
        environment: BTreeMap::from([("KEY".to_owned(), "vendor-key".to_owned())]),
        callback: Some((callback_url, "token".to_owned())),
        flush_every: Duration::from_secs(3_600),
        prices: BTreeMap::new(),
        clock: Arc::new(lab.desk.clock.clone()),
    }
}

fn client(lab: &Lab, proxy: &FakeLiteLlm) -> LiteLlm {
    let upstream = Upstream {
        api_key: Some("os.environ/KEY".to_owned()),
        api_base: Some(lab.vendor.base_url().to_owned()),
        ..Upstream::default()
    };
    let http = Http::new(Options {
        attempts: 1,
        ..Options::default()
    });
    LiteLlm::new(
        http.expect("a client"),
        Config {
            name: "litellm-main".to_owned(),
            url: proxy.url().to_owned(),
            admin_key: SecretString::from("sk-master"),
            upstreams: BTreeMap::from([("openai".to_owned(), upstream)]),
        },
    )
}

/// Takes the callback's deliveries into the store of calls, as `/ingest/litellm` does.
async fn receiver(lab: &Lab) -> (String, tokio::task::JoinHandle<()>) {
    let (calls, rules) = (lab.calls.clone(), Arc::clone(&lab.rules));
    let take = move |body: Bytes| {
        let (calls, rules) = (calls.clone(), Arc::clone(&rules));
        async move {
            let delivery = Callback
                .receive("litellm", &body)
                .expect("the callback's body is read");
            calls
                .record("litellm", delivery, rules, body.len())
                .await
                .expect("calls are stored");
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let url = format!(
        "http://{}/ingest/litellm",
        listener.local_addr().expect("an address")
    );
    let app = Router::new().route("/ingest/litellm", post(take));
    let task = tokio::spawn(async move {
        let _ = axum::serve(listener, app).await;
    });
    (url, task)
}

impl Stage {
    /// Maya's change, tested and approved by all three.
    pub async fn approved(&self) -> Change {
        let filed = self.lab.filed().await;
        let change = self.lab.desk.to_review(filed.number).await;
        for person in ["ana", "priya", "tomas"] {
            self.lab.desk.approve(person, &change).await.expect("a vote");
        }
        self.lab.desk.change(filed.number).await
    }

    /// Does every job that is due, and those that follow from them.
    pub async fn work(&self) {
        let stop = CancellationToken::new();
        while self.runner.step(&stop).await.expect("jobs are claimed") > 0 {
            self.runner.settle().await;
        }
    }

    /// Lets half a minute pass, so that what was not yet there is looked at again.
    pub async fn later(&self) {
        self.lab.desk.clock.advance(TimeDelta::seconds(31));
        self.work().await;
    }

    /// A customer's question through the gateway, and its report delivered.
    pub async fn call(&self) {
        let http = Http::new(Options::default()).expect("a client");
        let body = json!({"model": "support-answer", "messages": [{"role": "user", "content": "Where is my parcel?"}]});
        let request = http
            .client()
            .post(format!("{}/v1/chat/completions", self.proxy.url()))
            .bearer_auth("sk-master")
            .header("x-litellm-tags", "workflow:support-answer")
            .json(&body);
        let answer = http.once("the gateway", request).await.expect("an answer");
        assert_eq!(answer.status, 200);
        assert_eq!(self.proxy.flush().await, 1, "the report is delivered");
    }

    /// The change as it stands.
    pub async fn change(&self, number: ChangeNumber) -> Change {
        self.lab.desk.change(number).await
    }

    /// Ana, of the platform, does something.
    pub async fn ana(&self, number: ChangeNumber, command: Command) {
        self.lab
            .desk
            .person("ana", number, command)
            .await
            .expect("Ana may");
    }
}
