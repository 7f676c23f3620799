//! The stage of a soak: a database, stand-ins, replicas of the real program between them, and calls recorded beforehand.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, ensure};
use bot::{
    clock::SystemClock,
    demo::{figures::JULY, prompts::Desk, traffic::Recording},
};
use chrono::{DateTime, TimeDelta, Utc};
use workflow_engine::{ports::clock::Clock, store::db::Db};

use super::{
    company::{self, ROUTES, WORKFLOWS},
    observer,
    receivers::{Receivers, USERS},
    replica::Replica,
};
use crate::db::{Cluster, Kind, server_binaries};

/// Connections that the soak's PostgreSQL takes.
const CONNECTIONS: u32 = 60;

/// The replicas' common clock: the system's, and the hours that were let pass.
#[derive(Clone, Debug, Default)]
pub struct SoakClock(Arc<AtomicI64>);

impl SoakClock {
    /// By how many seconds it is ahead of the system's.
    #[must_use]
    pub fn ahead(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Lets time pass.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for SoakClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + TimeDelta::seconds(self.ahead())
    }

    fn random(&self, bytes: &mut [u8]) {
        SystemClock.random(bytes);
    }
}

/// What a stage is built of.
#[derive(Clone, Debug)]
pub struct Setting<'plan> {
    /// The program `governor`.
    pub program: &'plan Path,
    /// Which database.
    pub kind: Kind,
    /// How many replicas; one on SQLite.
    pub replicas: usize,
    /// Where logs, settings and the SQLite file are written.
    pub home: &'plan Path,
}

/// Everything that runs.
pub struct Stage {
    /// The replicas, started or not.
    pub replicas: Vec<Replica>,
    /// Chat, gateway, vendor.
    pub receivers: Receivers,
    /// The cluster, on PostgreSQL.
    pub cluster: Option<Cluster>,
    /// The database's address.
    pub url: String,
    /// The time by which changes expire.
    pub clock: SoakClock,
    /// API tokens by person, and `calls` for reporters of calls.
    pub tokens: BTreeMap<String, String>,
    /// An HTTP client.
    pub client: reqwest::Client,
    /// Where everything is written.
    pub home: PathBuf,
}

impl Stage {
    /// Sets it up and starts every replica; none when this machine has no PostgreSQL.
    ///
    /// # Errors
    /// When something cannot be started, with its last words.
    pub async fn set(setting: &Setting<'_>) -> anyhow::Result<Option<Self>> {
        let clock = SoakClock::default();
        let (cluster, url) = match setting.kind {
            Kind::Sqlite => (
                None,
                format!("sqlite://{}", setting.home.join("governor.db").display()),
            ),
            Kind::Postgres => {
                let Some(bin) = server_binaries() else {
                    return Ok(None);
                };
                let cluster = Cluster::start_with(&bin, &format!("-c max_connections={CONNECTIONS}"));
                let url = format!("{}/postgres", cluster.url);
                (Some(cluster), url)
            }
        };
        let receivers = Receivers::start(Arc::new(clock.clone())).await?;
        let key = setting.home.join("ledger.key");
        let replicas = (1..=setting.replicas)
            .map(|number| Replica::new(setting.program, setting.home, &format!("r{number}"), &key))
            .collect::<anyhow::Result<Vec<_>>>()?;
        for replica in &replicas {
            std::fs::write(replica.settings(), company::settings(replica, &url, &receivers))?;
        }
        let mut stage = Self {
            replicas,
            receivers,
            cluster,
            url,
            clock,
            tokens: BTreeMap::new(),
            client: crate::talk::client(),
            home: setting.home.to_owned(),
        };
        stage.prepare(&key).await?;
        for replica in &stage.replicas {
            replica.start()?;
        }
        for replica in &stage.replicas {
            replica.ready(&stage.client, Duration::from_secs(60)).await?;
        }
        stage.record().await?;
        Ok(Some(stage))
    }

    /// Schema, key, catalog and tokens, by the program's own commands, as somebody who installs it would.
    async fn prepare(&mut self, key: &Path) -> anyhow::Result<()> {
        let first = &self.replicas[0];
        let catalog = self.home.join("catalog.toml");
        std::fs::write(&catalog, company::catalog(self.receivers.gateway.url()))?;
        std::fs::write(key, "")?;
        let made = first.command(&["ledger", "keygen", "--origin", "soak.test/ledger"]);
        std::fs::write(key, made.context("the ledger's key")?)?;
        first.command(&["migrate"])?;
        first.command(&["catalog", "apply", &catalog.display().to_string()])?;
        for (person, _) in USERS {
            let token = first.command(&[
                "token", "create", "--name", person, "--role", "member", "--person", person,
            ])?;
            self.tokens.insert(person.to_owned(), token.trim().to_owned());
        }
        let token = first.command(&["token", "create", "--name", "calls", "--role", "ingest"])?;
        self.tokens.insert("calls".to_owned(), token.trim().to_owned());
        observer::install(&self.open(false).await?).await
    }

    /// The database, to look at or to prepare.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn open(&self, to_read: bool) -> anyhow::Result<Db> {
        Ok(match to_read {
            true => Db::open_for_reading(&self.url, 2).await?,
            false => Db::open_beside(&self.url).await?,
        })
    }

    /// A few calls of each workflow, prompts included, for its tests to replay.
    async fn record(&self) -> anyhow::Result<()> {
        for number in 0..WORKFLOWS {
            let recording = Recording {
                desk: Desk::Support,
                workflow: company::workflow(number),
                alias: company::workflow(number),
                provider: "openai".to_owned(),
                model: ROUTES[0].1.to_owned(),
                run: JULY,
                first: self.clock.now() - TimeDelta::days(2),
                every: TimeDelta::minutes(7),
                per_category: 1,
            };
            let calls = recording.calls(&self.receivers.figures)?;
            let answer = self
                .client
                .post(format!("{}/v1/traces", self.replicas[0].base))
                .bearer_auth(&self.tokens["calls"])
                .json(&recording.as_otlp(&calls))
                .send()
                .await?;
            let status = answer.status();
            ensure!(
                status.is_success(),
                "recorded calls were answered {status}: {}",
                answer.text().await?
            );
        }
        Ok(())
    }
}
