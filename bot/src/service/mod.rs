//! The running service: settings in, everything composed. The only place that sees every crate.
//!
//! `serve` runs one; `demo` and the tests run the same one against stand-ins that the settings point at.

mod background;
mod handlers;
pub(crate) mod outside;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use chrono::TimeDelta;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::definitions::Definitions,
    engine::{
        Engine,
        gate::Gate,
        jobs::Runner,
        ledger::Ledger,
        log_key,
        record::Recorder,
        seal::Sealer,
        shadow::{
            self,
            vault::{MasterKey, Vault},
        },
    },
    ledger::key::SigningKey,
    ports::clock::Clock,
    store::calls::CallStore,
};

use crate::{
    chat::connect::Connection,
    config::Config,
    http::{
        router::{beside, router},
        state::{AppState, Tour},
    },
    jobs::schedule::Schedules,
    prices, storage,
};

/// What a start needs besides its settings.
pub struct Start {
    /// The settings.
    pub config: Arc<Config>,
    /// Time and randomness.
    pub clock: Arc<dyn Clock>,
    /// What a newcomer is told to click, in the demo.
    pub tour: Option<Tour>,
    /// Prometheus' text, where metrics are recorded: once a process.
    pub metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
    /// How shadow tests are run; the demo has its own figures here.
    pub shadow: shadow::Settings,
    /// The versions of the rules that are carried.
    pub definitions: Definitions,
}

impl Start {
    /// With the real clock and the settings' own limits.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            shadow: outside::shadow_settings(&config),
            clock: Arc::new(crate::clock::SystemClock),
            tour: None,
            metrics: None,
            definitions: Definitions::default(),
            config,
        }
    }
}

/// A service that runs until it is stopped.
pub struct Service {
    /// The one door.
    pub engine: Engine,
    /// Recorded calls.
    pub calls: CallStore,
    /// What the HTTP side can reach.
    pub state: AppState,
    /// Do the work of jobs.
    pub runners: Vec<Runner>,
    /// Takes reported calls in.
    pub recorder: Arc<Recorder>,
    /// The conversation, where a chat platform is configured.
    pub chat: Option<Connection>,
    /// Where it listens.
    pub address: SocketAddr,
    stop: CancellationToken,
    end: CancellationToken,
    // Dropping a set ends its tasks where they wait, as the end of the process would.
    work: JoinSet<()>,
    last: JoinSet<()>,
}

impl Service {
    /// Starts everything and answers once it listens.
    ///
    /// # Errors
    /// One sentence that names the setting, file, port or database, and the remedy.
    pub async fn start(start: Start) -> anyhow::Result<Self> {
        let Start {
            config,
            clock,
            tour,
            metrics,
            shadow,
            definitions,
        } = start;
        install_crypto();
        let listener = listen(config.server.listen).await?;
        let address = listener.local_addr()?;
        data_folder(&config)?;
        let db = storage::open(&config.database_url(), config.database.max_connections).await?;
        storage::migrate(&db).await?;
        let calls = storage::open_calls(&config, clock.clone()).await?;
        let engine = Engine::new(db.clone(), clock.clone()).with_definitions(definitions);
        let key = signing_key(&config, clock.as_ref())?;
        engine.key_in_use(key.public()).await?;
        let vault = vault(&config, &engine)?;
        let book = prices::book()?;
        let recorder = Arc::new(Recorder::new(engine.clone(), calls.clone(), book.clone()));
        let chat = Connection::open(&engine, &config, &public_url(&config, address))?;
        let ledger = Ledger::new(db.clone(), key.public().clone());
        let mut state = AppState::new(engine.clone(), ledger.clone(), config.clone())?;
        state.tour = tour.map(Arc::new);
        state.metrics = metrics;
        let gate = Gate::new(engine.clone(), recorder.clone());
        state.recorder = Some(recorder.clone());
        state.gate = Some(gate.clone());
        state.vault = Some(vault.clone());
        let runners = handlers::runners(handlers::Needs {
            engine: &engine,
            calls: &calls,
            config: &config,
            chat: chat.as_ref(),
            public_url: &public_url(&config, address),
            key: &key,
            ledger: &ledger,
            prices: &Arc::new(book),
            vault: &vault,
            shadow,
        })?;
        let (stop, end) = (CancellationToken::new(), CancellationToken::new());
        let (mut work, mut last) = (JoinSet::new(), JoinSet::new());
        background::spawn(
            &mut work,
            background::Needs {
                runners: runners.clone(),
                calls: calls.clone(),
                gate,
                chat: chat.clone(),
                schedules: Schedules::new(engine.clone(), &config.schedule)?,
                closing: state.closing.clone(),
                stop: stop.clone(),
            },
        );
        let app = app(&state, chat.as_ref());
        let sealer = Sealer::new(db, key, clock.new_id().to_string());
        background::seal(&mut last, sealer, &engine, &config, end.clone());
        last.spawn(answer(listener, app, end.clone()));
        Ok(Self {
            engine,
            calls,
            state,
            runners,
            recorder,
            chat,
            address,
            stop,
            end,
            work,
            last,
        })
    }

    /// Takes no new commands from now on, and says so: `/health/ready` answers 503. Questions are still answered.
    pub fn close(&self) {
        self.state.closing.cancel();
    }

    /// Stops within `server.stop_within_seconds`: takes no commands, finishes the jobs in hand or gives them back, then
    /// answers what is under way, seals what has happened, and ends.
    pub async fn stop(mut self) {
        self.close();
        self.stop.cancel();
        let within = Duration::from_secs(self.state.config.server.stop_within_seconds);
        let all = async {
            while self.work.join_next().await.is_some() {}
            self.end.cancel();
            while self.last.join_next().await.is_some() {}
        };
        if tokio::time::timeout(within, all).await.is_err() {
            tracing::warn!("some work did not end in time; others take it up once its leases have run out");
        }
    }
}

fn data_folder(config: &Config) -> anyhow::Result<()> {
    let folder = &config.server.data_dir;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("server.data_dir {} cannot be made", folder.display()))
}

/// Every route, with those of the chat platform where one is set up.
fn app(state: &AppState, chat: Option<&Connection>) -> axum::Router {
    let app = router(state.clone());
    match chat {
        Some(chat) => app.merge(beside(chat.router(), state)),
        None => app,
    }
}

/// Answers HTTP until `stop`, then what is under way.
async fn answer(listener: TcpListener, app: axum::Router, stop: CancellationToken) {
    let served = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = served.await {
        tracing::error!(error = %error, "the HTTP server ended");
    }
}

/// How people reach us, without a slash at the end.
fn public_url(config: &Config, address: SocketAddr) -> String {
    match config.server.public_url.trim_end_matches('/') {
        "" => format!("http://{address}"),
        given => given.to_owned(),
    }
}

/// rustls needs to be told once which crypto library it uses.
fn install_crypto() {
    // Already installed by an earlier service of this process: the same one.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; is another program there? Choose another with server.listen or --port")
    })
}

/// The configured key, or the one in the data directory, made at the first start.
fn signing_key(config: &Config, clock: &dyn Clock) -> anyhow::Result<Arc<SigningKey>> {
    let origin = &config.ledger.origin;
    let key = match &config.ledger.signing_key {
        Some(pem) => log_key::from_pem(pem, origin).context("ledger.signing_key")?,
        None => log_key::in_folder(&config.server.data_dir, origin, clock)?,
    };
    Ok(Arc::new(key))
}

/// Keeps what tests see, under the configured key or the one in the data directory.
fn vault(config: &Config, engine: &Engine) -> anyhow::Result<Vault> {
    let key = match &config.shadow.content_key {
        Some(digits) => MasterKey::parse(digits).context("shadow.content_key")?,
        None => MasterKey::in_folder(&config.server.data_dir, engine.clock().as_ref())?,
    };
    let keep = TimeDelta::days(config.shadow.content_days.into());
    Ok(Vault::new(engine.clone(), Arc::new(key), keep))
}
