//! A store of calls on a fresh database, and the recorded bodies of real programs.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use integrations::{gateways::litellm::ingest::Callback, traces::otlp};
use sea_orm_migration::MigratorTrait;
use workflow_engine::catalog::Catalog;
use workflow_engine::ports::trace_source::TraceSource;
use workflow_engine::store::calls::CallStore;
use workflow_engine::store::calls::read::{Filter, PAGE};
use workflow_engine::usage::attribute::Rules;
use workflow_engine::usage::call::Call;
use workflow_engine::usage::price::{PriceBook, SHIPPED, book::Origin};
use workflow_engine::usage::report::Delivery;

use crate::clock::TestClock;
use crate::db::{Fresh, Kind, fresh};

/// A store of calls, its clock and the folder it lives in.
pub struct Calls {
    /// The store.
    pub store: CallStore,
    /// Its clock.
    pub clock: TestClock,
    /// What its rows are made by.
    pub rules: Arc<Rules>,
    url: String,
    _database: Fresh,
}

/// A store on a fresh database of `kind`, with its clock set shortly after the recorded bodies were made.
pub async fn calls(kind: Kind) -> Option<Calls> {
    with_room(kind, 64 << 20).await
}

/// As [`calls`], with other room for what waits.
pub async fn with_room(kind: Kind, bytes: usize) -> Option<Calls> {
    let database = fresh(kind).await?;
    let clock = TestClock::default();
    clock.advance(chrono::TimeDelta::days(8));
    let url = match kind {
        Kind::Sqlite => format!("sqlite://{}", database.folder.path().join("calls.db").display()),
        Kind::Postgres => database.url.clone(),
    };
    let store = CallStore::with_room(&url, 8, Arc::new(clock.clone()), bytes)
        .await
        .expect("calls open");
    migrations::calls::Migrator::up(&store.for_migrations(), None)
        .await
        .expect("migrations run");
    store.prepare().await.expect("partitions are made");
    Some(Calls {
        store,
        clock,
        rules: Arc::new(rules()),
        url,
        _database: database,
    })
}

/// The catalog that the corpus page asks for, and the shipped prices.
fn rules() -> Rules {
    let mut prices = PriceBook::default();
    prices.add_map(Origin::List, SHIPPED).expect("shipped prices");
    Rules::of(&catalog(), prices)
}

/// The catalog that the corpus page asks for.
pub fn catalog() -> Catalog {
    let ids = [
        "wf-support-answer",
        "wf-claims-triage",
        "wf-kyc-summary",
        "wf-bulk",
        "wf-search",
    ];
    let workflow = |id: &&str| {
        serde_json::json!({"id": id, "name": id, "owner": "p", "cost_center": "c", "data_class": "internal",
            "gateway": "g", "alias": id, "route": "r"})
    };
    serde_json::from_value(serde_json::json!({
        "workflows": ids.iter().map(workflow).collect::<Vec<_>>(),
        "mapping": [
            {"name": "tag", "tag": "workflow:*", "workflow": "$1"},
            {"name": "span", "span_workflow": "*", "workflow": "$1"},
        ],
    }))
    .expect("a catalog")
}

impl Calls {
    /// Where it is kept.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stores a delivery under the source `test`.
    pub async fn record(&self, delivery: Delivery) -> workflow_engine::usage::report::Recorded {
        let stored = self
            .store
            .record("test", delivery, self.rules.clone(), 1000)
            .await;
        stored.expect("it is stored")
    }

    /// Every row, page by page, by id.
    pub async fn rows(&self) -> Vec<Call> {
        let mut out = Vec::new();
        let mut cursor = None;
        loop {
            let page = self
                .store
                .list(&Filter::default(), cursor, 7.min(PAGE))
                .await
                .expect("a page");
            out.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                out.reverse();
                return out;
            }
        }
    }

    /// Asserts that the sums equal the rows, before and after folding.
    pub async fn sums_equal_rows(&self) {
        let (from, until) = (
            DateTime::<Utc>::UNIX_EPOCH,
            "2100-01-01T00:00:00Z".parse().expect("a time"),
        );
        let rows = self.store.recount(from, until).await.expect("rows");
        assert_eq!(self.store.rollup(from, until).await.expect("sums"), rows);
        while self.store.fold().await.expect("it folds") > 0 {}
        assert_eq!(self.store.rollup(from, until).await.expect("sums"), rows);
    }
}

/// A recorded request.
pub struct Recorded {
    /// `POST` or `PUT`.
    pub method: String,
    /// Where it belongs.
    pub path: String,
    /// Content type and encoding.
    pub headers: Vec<(String, String)>,
    /// As it was sent.
    pub body: Vec<u8>,
}

impl Recorded {
    /// The body without its compression.
    fn plain(&self) -> Vec<u8> {
        if !self.headers.iter().any(|(_, value)| value == "gzip") {
            return self.body.clone();
        }
        let mut plain = Vec::new();
        std::io::Read::read_to_end(
            &mut flate2::read::GzDecoder::new(self.body.as_slice()),
            &mut plain,
        )
        .expect("gzip");
        plain
    }
}

/// The recorded requests of a corpus that carry calls; none, with a printed line, when it is not on this machine.
pub fn requests(corpus: &str) -> Vec<Recorded> {
    let Some(shared) = crate::shared() else {
        return Vec::new();
    };
    let folder = shared.join("corpus").join(corpus);
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .expect("a corpus")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(".http.json"))
        .collect();
    names.sort();
    let read = names.into_iter().map(|http| {
        let meta: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&http).expect("a file")).expect("JSON");
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let headers = meta["headers"].as_object().expect("headers");
        Recorded {
            method: text(&meta["method"]),
            path: text(&meta["path"]),
            headers: headers
                .iter()
                .filter(|(name, _)| name.starts_with("content-"))
                .map(|(name, value)| (name.clone(), text(value)))
                .collect(),
            body: std::fs::read(http.with_extension("").with_extension("body")).expect("a body"),
        }
    });
    read.filter(|request| request.path.starts_with("/v1/traces") || request.path.starts_with("/ingest/"))
        .collect()
}

/// What those requests hold.
pub fn deliveries(corpus: &str) -> Vec<Delivery> {
    let read = requests(corpus).into_iter().map(|request| {
        let json = request.headers.iter().any(|(_, value)| value.contains("json"));
        let source: &dyn TraceSource = match request.path.as_str() {
            "/ingest/litellm" => &Callback,
            _ if json => &otlp::Json,
            _ => &otlp::Protobuf,
        };
        source
            .receive("test", &Bytes::from(request.plain()))
            .expect("it is read")
    });
    read.collect()
}
