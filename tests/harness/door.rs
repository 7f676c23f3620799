//! The HTTP side on a fresh database, asked without a socket.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use bot::{
    config::Config,
    http::{auth::tokens, router::router, state::AppState},
    prices,
};
use serde_json::Value;
use tower::ServiceExt;
use workflow_engine::{
    catalog::Catalog,
    engine::{Engine, gate::Gate, ledger::Ledger, record::Recorder},
    ledger::key::{KeyKind, SigningKey},
    ports::clock::Clock,
    store::{
        self,
        tokens::{ApiToken, TokenRole},
    },
    values::Actor,
};

use crate::{
    calls::Calls,
    db::{Fresh, Kind, fresh, open},
};

/// The HTTP side and what it stands on.
pub struct Door {
    router: Router,
    /// The engine behind it.
    pub engine: Engine,
    /// The calls behind it.
    pub calls: Calls,
    /// The policy's answers to gateways; refresh it when something has changed.
    pub gate: Gate,
    ingest: String,
    hook: String,
    reader: String,
    _database: Fresh,
}

/// An answer.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its content type.
    pub kind: String,
    /// Seconds after which to come again.
    pub retry_after: Option<String>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// A door with `catalog`, whose calls are stored in `calls`.
pub async fn door(calls: Calls, catalog: &Catalog) -> Door {
    let database = fresh(Kind::Sqlite).await.expect("SQLite is always there");
    let db = open(&database).await;
    let clock: Arc<dyn Clock> = Arc::new(calls.clock.clone());
    let engine = Engine::new(db.clone(), clock.clone());
    let tests = Actor::Service("tests".to_owned());
    engine
        .apply_catalog(catalog, &tests)
        .await
        .expect("the catalog is stored");
    let key = SigningKey::from_seed("governor.test", KeyKind::Note, &[7; 32]).expect("a key");
    let config = Arc::new(Config::defaults().expect("defaults"));
    let mut state = AppState::new(
        engine.clone(),
        Ledger::new(db.clone(), key.public().clone()),
        config,
    )
    .expect("templates");
    let recorder = Arc::new(Recorder::new(
        engine.clone(),
        calls.store.clone(),
        prices::book().expect("prices"),
    ));
    let gate = Gate::new(engine.clone(), recorder.clone());
    gate.refresh().await.expect("the gate reads the policy");
    state.recorder = Some(recorder);
    state.gate = Some(gate.clone());
    let mut made = Vec::new();
    for (name, role) in [
        ("test", TokenRole::Ingest),
        ("gateway", TokenRole::Hook),
        ("reading", TokenRole::Reader),
    ] {
        let (text, digest) = tokens::fresh(clock.as_ref());
        let token = ApiToken {
            id: name.to_owned(),
            name: name.to_owned(),
            role,
            source: None,
            person: None,
        };
        store::tokens::create(&db, token, digest, clock.now())
            .await
            .expect("a token");
        made.push(text);
    }
    let reader = made.pop().unwrap_or_default();
    let hook = made.pop().unwrap_or_default();
    Door {
        router: router(state),
        gate,
        hook,
        engine,
        calls,
        ingest: made.pop().unwrap_or_default(),
        reader,
        _database: database,
    }
}

impl Door {
    /// Sends a body with the ingest token.
    pub async fn deliver(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.ingest));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request.body(Body::from(body)).expect("a request")).await
    }

    /// Asks as a gateway whether a request may go on.
    pub async fn hook(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-api-key", &self.hook);
        self.ask(request.body(body.into()).expect("a request")).await
    }

    /// Reads a path with the reader's token.
    pub async fn read(&self, path: &str) -> Answer {
        let request = Request::builder()
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.reader));
        self.ask(request.body(Body::empty()).expect("a request")).await
    }

    /// Asks as it stands.
    pub async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let text = |name| {
            response
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap_or_default().to_owned())
        };
        let (kind, retry_after) = (
            text(header::CONTENT_TYPE).unwrap_or_default(),
            text(header::RETRY_AFTER),
        );
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 64 << 20)
            .await
            .expect("a body");
        Answer {
            status,
            kind,
            retry_after,
            body: body.to_vec(),
        }
    }
}
