//! A test bench of shadow tests: recorded July calls in a real store, a stand-in vendor with August's figures, the engine.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bot::demo::{
    figures::{AUGUST, Figures, JULY},
    prompts::Desk as HelpDesk,
    traffic::{RecordedCall, Recording},
    vendor::answers,
};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use integrations::{
    gateways::litellm::ingest::Callback,
    http::{Http, Options},
    models::{
        client::Client,
        fake::{FakeVendor, Setup},
        openai_compatible::{Chat, House},
    },
    traces::otlp,
};
use sea_orm_migration::MigratorTrait;
use secrecy::SecretString;
use serde_json::Value;
use workflow_engine::{
    catalog::{Catalog, CatalogRoute, Testing},
    change::state::Change,
    engine::{
        Engine,
        jobs::JobError,
        shadow::{Parts, Settings, Tester, vault::Vault},
    },
    ports::{clock::Clock, model::ModelClient, trace_source::TraceSource},
    shadow::plan::Latency,
    store::calls::CallStore,
    usage::{
        attribute::Rules,
        price::{PriceBook, SHIPPED, book::Origin},
    },
    values::{Actor, ChangeNumber},
};

use crate::{
    catalog,
    clock::TestClock,
    db::{Fresh, Kind, fresh, open},
    desk::Desk,
};

/// The bench.
pub struct Lab {
    /// The engine with its database.
    pub desk: Desk,
    /// Recorded calls.
    pub calls: CallStore,
    /// The vendor that answers both routes.
    pub vendor: FakeVendor,
    /// What rows of calls are made by.
    pub rules: Arc<Rules>,
    prices: Arc<PriceBook>,
    _calls_home: Fresh,
}

/// How recorded calls reach the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// LiteLLM's callback.
    LiteLlm,
    /// Spans of the application.
    Otlp,
}

/// Today's model and the proposed one.
#[derive(Clone, Copy, Debug)]
pub struct Models {
    /// Serves `support-answer` today; its July calls are recorded.
    pub incumbent: &'static str,
    /// Proposed.
    pub candidate: &'static str,
}

impl Models {
    /// gpt-4o of May against gpt-4o of August.
    pub const CLEAN: Self = Self {
        incumbent: "gpt-4o-2024-05-13",
        candidate: "gpt-4o-2024-08-06",
    };
    /// gpt-4-turbo against gpt-4o-mini.
    pub const CHEAP: Self = Self {
        incumbent: "gpt-4-turbo-2024-04-09",
        candidate: "gpt-4o-mini-2024-07-18",
    };
}

/// A bench on databases of `kind`, with the July calls of the incumbent, `per_category` of each kind.
pub async fn lab(kind: Kind, models: Models, via: Via, per_category: usize) -> Option<Lab> {
    let (lab, figures) = bench(kind, models).await?;
    let recording = lab.recording(models, per_category);
    let calls = recording.calls(&figures).expect("figures");
    lab.record(&recording, &calls, via).await;
    Some(lab)
}

/// A bench on SQLite with the calls of one kind, so many of them: those that no tool answers, but words.
pub async fn lab_in_words(models: Models, calls: usize) -> Lab {
    let (lab, figures) = bench(Kind::Sqlite, models).await.expect("SQLite is always there");
    let recording = lab.recording(models, calls);
    let mut calls = recording.calls(&figures).expect("figures");
    calls.retain(|call| call.kind == "relevance");
    lab.record(&recording, &calls, Via::LiteLlm).await;
    lab
}

async fn bench(kind: Kind, models: Models) -> Option<(Lab, Arc<Figures>)> {
    let home = fresh(kind).await?;
    let db = open(&home).await;
    let clock = TestClock::default();
    let catalog = company(models);
    let engine = Engine::new(db, Arc::new(clock.clone()));
    let tests = Actor::Service("tests".to_owned());
    let applied = engine.apply_catalog(&catalog, &tests).await;
    applied.expect("the catalog is stored");
    let mut prices = PriceBook::default();
    prices.add_map(Origin::List, SHIPPED).expect("shipped prices");
    let figures = Arc::new(Figures::load().expect("figures"));
    let calls_home = fresh(kind).await?;
    let calls = call_store(kind, &calls_home, &clock).await;
    let lab = Lab {
        desk: Desk {
            engine,
            clock,
            fresh: home,
        },
        calls,
        vendor: vendor(&figures, models).await,
        rules: Arc::new(Rules::of(&catalog, prices.clone())),
        prices: Arc::new(prices),
        _calls_home: calls_home,
    };
    Some((lab, figures))
}

/// The small company, its workflow served by the incumbent and its kinds of request named by a tag.
fn company(models: Models) -> Catalog {
    let mut catalog = catalog::small();
    let route = |id: &str, model: &str| CatalogRoute {
        id: id.to_owned(),
        provider: "openai".to_owned(),
        model: model.to_owned(),
        region: None,
        deployment: None,
        parameters: BTreeMap::new(),
        fallbacks: Vec::new(),
    };
    catalog.routes = vec![
        route("today", models.incumbent),
        route("proposed", models.candidate),
    ];
    for workflow in &mut catalog.workflows {
        workflow.route = "today".to_owned();
        workflow.strata.tag_prefix = Some("kind:".to_owned());
    }
    catalog
}

async fn call_store(kind: Kind, home: &Fresh, clock: &TestClock) -> CallStore {
    let url = match kind {
        Kind::Sqlite => format!("sqlite://{}", home.folder.path().join("calls.db").display()),
        Kind::Postgres => home.url.clone(),
    };
    let store = CallStore::open(&url, 8, Arc::new(clock.clone()))
        .await
        .expect("calls open");
    migrations::calls::Migrator::up(&store.for_migrations(), None)
        .await
        .expect("migrations run");
    store.prepare().await.expect("partitions are made");
    store
}

async fn vendor(figures: &Arc<Figures>, models: Models) -> FakeVendor {
    FakeVendor::start(Setup {
        api_key: "vendor-key".to_owned(),
        models: vec![models.incumbent.to_owned(), models.candidate.to_owned()],
        context_tokens: 10_000,
        answers: answers(Arc::clone(figures), AUGUST),
        latency_scale: 0.0,
    })
    .await
    .expect("a port is free")
}

fn recording(model: &str, first: DateTime<Utc>, per_category: usize) -> Recording {
    Recording {
        desk: HelpDesk::Support,
        workflow: "support-answer".to_owned(),
        alias: "support-answer".to_owned(),
        provider: "openai".to_owned(),
        model: model.to_owned(),
        run: JULY,
        first,
        every: TimeDelta::minutes(3),
        per_category,
    }
}

impl Lab {
    fn recording(&self, models: Models, per_category: usize) -> Recording {
        let first = self.desk.clock.now() - TimeDelta::days(20);
        recording(models.incumbent, first, per_category)
    }

    async fn record(&self, recording: &Recording, calls: &[RecordedCall], via: Via) {
        for chunk in calls.chunks(200) {
            let body = match via {
                Via::LiteLlm => recording.as_litellm(chunk),
                Via::Otlp => recording.as_otlp(chunk),
            };
            self.deliver(&body, via).await;
        }
    }

    /// The gateway had mirrored the recorded calls to the candidate: at once, in the same trace, under its flag. `edit`
    /// may change the row of the nth mirror, or leave it out (false).
    pub async fn mirror(
        &self,
        models: Models,
        per_category: usize,
        edit: impl Fn(usize, &mut Value) -> bool,
    ) {
        let figures = Figures::load().expect("figures");
        let first = self.desk.clock.now() - TimeDelta::days(20);
        let live = recording(models.incumbent, first, per_category);
        let candidate = Recording {
            run: AUGUST,
            ..recording(models.candidate, first, per_category)
        };
        let asked = |call: &RecordedCall| format!("{} {}", call.kind, call.request.messages);
        let answers = candidate.calls(&figures).expect("figures");
        let mut answers: BTreeMap<String, RecordedCall> =
            answers.into_iter().map(|call| (asked(&call), call)).collect();
        let mut rows = Vec::new();
        for (index, call) in live.calls(&figures).expect("figures").iter().enumerate() {
            let mut mirror = answers.remove(&asked(call)).expect("the same prompt");
            mirror.started_at = call.started_at + TimeDelta::milliseconds(30);
            let mut row = candidate.as_litellm(&[mirror])[0].clone();
            row["trace_id"] = live.as_litellm(std::slice::from_ref(call))[0]["trace_id"].clone();
            row["metadata"]["is_silent_experiment"] = true.into();
            if edit(index, &mut row) {
                rows.push(row);
            }
        }
        for chunk in rows.chunks(200) {
            self.deliver(&chunk.into(), Via::LiteLlm).await;
        }
    }

    /// A client of the vendor with `key`, quick to try again.
    pub fn client(&self, key: &str) -> Arc<dyn ModelClient> {
        let http = Http::new(Options {
            timeout: Duration::from_secs(5),
            attempts: 3,
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(20),
            ..Options::default()
        });
        let chat = Chat {
            base_url: self.vendor.base_url().to_owned(),
            api_key: SecretString::from(key),
            house: House::OpenAi,
        };
        Arc::new(Client::new(http.expect("a client"), "openai".to_owned(), chat))
    }

    /// A tester that asks `model`.
    pub fn tester_asking(&self, model: Arc<dyn ModelClient>) -> Tester {
        self.tester_of(BTreeMap::from([("openai".to_owned(), model)]))
    }

    /// A tester that asks these models, by provider.
    pub fn tester_of(&self, models: BTreeMap<String, Arc<dyn ModelClient>>) -> Tester {
        Tester::new(Parts {
            engine: self.desk.engine.clone(),
            calls: Arc::new(self.calls.clone()),
            models,
            prices: Arc::clone(&self.prices),
            vault: self.vault(),
            settings: Settings {
                concurrency: 4,
                latency: Latency::Vendor,
                repeats: 0,
                seed: Some(*b"governor-shown-1"),
                ..Settings::default()
            },
        })
    }

    /// A tester with a good key.
    pub fn tester(&self) -> Tester {
        self.tester_asking(self.client("vendor-key"))
    }

    /// Keeps what tests see for 90 days.
    pub fn vault(&self) -> Vault {
        self.desk.vault()
    }

    /// Edits the catalog, before the change is filed.
    pub async fn edit(&self, edit: impl FnOnce(&mut Catalog)) {
        let (_, now) = self.desk.engine.catalog().await.expect("a catalog");
        let mut catalog = Catalog::clone(&now);
        edit(&mut catalog);
        let tests = Actor::Service("tests".to_owned());
        let applied = self.desk.engine.apply_catalog(&catalog, &tests).await;
        applied.expect("the catalog is stored");
    }

    /// The workflow `support-answer` with another way of testing.
    pub async fn testing(&self, edit: impl FnOnce(&mut Testing)) {
        self.edit(|catalog| {
            let own = catalog
                .workflows
                .iter_mut()
                .find(|own| own.id.as_str() == "support-answer");
            edit(&mut own.expect("the workflow").shadow);
        })
        .await;
    }

    /// Maya files and submits the change.
    pub async fn filed(&self) -> Change {
        let filing = workflow_engine::engine::file::Filing {
            candidate: "proposed".to_owned(),
            ..crate::desk::filing(&self.desk.clock.new_id().to_string())
        };
        let filed = self.desk.engine.file(filing).await.expect("it is filed");
        self.desk.change(filed.number).await
    }

    /// Maya files and submits the change; it is admitted.
    pub async fn admitted(&self) -> Change {
        let filed = self.filed().await;
        self.desk.to_test(filed.number).await
    }

    /// Runs the test and sends its command through the door; the command's name.
    pub async fn run(&self, tester: &Tester, number: ChangeNumber) -> Result<Option<&'static str>, JobError> {
        let revision = self.desk.change(number).await.revision;
        let command = tester
            .run(number, revision, &tokio_util::sync::CancellationToken::new())
            .await?;
        let Some(command) = command else { return Ok(None) };
        let name = command.name();
        self.desk
            .service(number, command)
            .await
            .expect("the machine takes it");
        Ok(Some(name))
    }

    /// The application reports a call of the workflow that `model` has answered just now.
    pub async fn call_on(&self, model: &str) {
        let figures = Figures::load().expect("figures");
        let recording = recording(model, self.desk.clock.now(), 1);
        let calls = recording.calls(&figures).expect("figures");
        self.deliver(&recording.as_otlp(&calls[..1]), Via::Otlp).await;
    }

    async fn deliver(&self, body: &serde_json::Value, via: Via) {
        let body = Bytes::from(body.to_string());
        let delivery = match via {
            Via::LiteLlm => Callback.receive("litellm", &body),
            Via::Otlp => otlp::Json.receive("app", &body),
        };
        let delivery = delivery.expect("the body is read");
        assert!(delivery.rejects.is_empty(), "{:?}", delivery.rejects);
        self.calls
            .record("test", delivery, Arc::clone(&self.rules), body.len())
            .await
            .expect("calls are stored");
    }
}
