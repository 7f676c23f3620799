//! What every handler can reach. The composition root fills it; handlers only read.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    catalog::Catalog,
    engine::{Engine, gate::Gate, ledger::Ledger, record::Recorder, shadow::vault::Vault},
    store::db::Db,
};

use super::{
    auth::tokens::KnownTokens,
    console::pages::Pages,
    limits::Door,
    problem::{Code, Problem},
};
use crate::config::Config;

/// What every handler can reach; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The one door to changes, and views for reading.
    pub engine: Engine,
    /// The sealed ledger, for reading.
    pub ledger: Ledger,
    /// Settings.
    pub config: Arc<Config>,
    /// Templates of the console.
    pub pages: Arc<Pages>,
    /// Pace of callers.
    pub door: Door,
    /// Cancelled once the service is told to stop: from then on it takes no commands.
    pub closing: CancellationToken,
    /// Tokens that were seen lately.
    pub tokens: Arc<KnownTokens>,
    /// What a newcomer of the demo is told to click; none in a real installation.
    pub tour: Option<Arc<Tour>>,
    /// The way in for calls, and the calls themselves.
    pub recorder: Option<Arc<Recorder>>,
    /// The policy's answers to gateways.
    pub gate: Option<Gate>,
    /// What tests have seen, for cleared eyes.
    pub vault: Option<Vault>,
    /// Prometheus' text, where metrics are recorded.
    pub metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
}

/// The demo's welcome page.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Tour {
    /// Its heading.
    pub headline: String,
    /// One or two sentences below it.
    pub intro: String,
    /// What to click, in order.
    pub steps: Vec<TourStep>,
}

/// One thing to click.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct TourStep {
    /// What it is.
    pub title: String,
    /// What to see there.
    pub text: String,
    /// Where.
    pub link: Option<TourLink>,
}

/// Where a step of the tour leads.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct TourLink {
    /// Address, on this or on a stand-in's page.
    pub href: String,
    /// What the link says.
    pub title: String,
}

impl AppState {
    /// A state around `engine` and its `ledger`; the rest comes from `config`.
    ///
    /// # Errors
    /// When a built-in template cannot be read, which a test forbids.
    pub fn new(engine: Engine, ledger: Ledger, config: Arc<Config>) -> anyhow::Result<Self> {
        Ok(Self {
            engine,
            ledger,
            pages: Arc::new(Pages::built_in()?),
            door: Door::new(&config.server),
            closing: CancellationToken::new(),
            tokens: Arc::default(),
            tour: None,
            recorder: None,
            gate: None,
            vault: None,
            metrics: None,
            config,
        })
    }

    /// The database.
    #[must_use]
    pub fn db(&self) -> &Db {
        self.engine.db()
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.engine.clock().now()
    }

    /// The way in for calls.
    ///
    /// # Errors
    /// A problem for the caller when this process keeps no calls.
    pub fn recorder(&self) -> Result<&Recorder, Problem> {
        self.recorder.as_deref().ok_or_else(|| {
            Problem::new(
                Code::Unavailable,
                "This service was started without a database of calls.",
            )
        })
    }

    /// The policy's answers to gateways.
    ///
    /// # Errors
    /// A problem for the caller when this process gives none.
    pub fn gate(&self) -> Result<&Gate, Problem> {
        self.gate
            .as_ref()
            .ok_or_else(|| Problem::new(Code::Unavailable, "This service answers no gateways."))
    }

    /// What tests have seen.
    ///
    /// # Errors
    /// A problem for the caller when this process keeps none.
    pub fn vault(&self) -> Result<&Vault, Problem> {
        self.vault.as_ref().ok_or_else(|| {
            Problem::new(
                Code::Unavailable,
                "This service keeps nothing of what tests have seen.",
            )
        })
    }

    /// The catalog that holds now.
    ///
    /// # Errors
    /// A problem for the caller when the database does not answer.
    pub async fn catalog(&self) -> Result<Arc<Catalog>, Problem> {
        Ok(self.engine.catalog().await?.1)
    }

    /// 32 random bytes as hex: a secret nobody can guess.
    #[must_use]
    pub fn secret(&self) -> String {
        let mut bytes = [0; 32];
        self.engine.clock().random(&mut bytes);
        hex::encode(bytes)
    }
}
