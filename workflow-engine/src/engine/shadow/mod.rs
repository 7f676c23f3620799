//! The shadow test as a run: freeze the plan, replay what is not stored yet, judge, report.
//!
//! May be killed and started again at any moment: the plan is in the ledger before the first prompt is sent, each answer
//! is stored as soon as it is there, and what is stored is neither asked nor paid for again.

mod calls;
mod conclude;
pub mod examples;
mod judge;
pub mod labels;
mod mirrored;
mod pass;
mod prepare;
mod replay;
mod texts;
pub mod vault;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::{
    replay::Played,
    vault::{Vault, VaultError},
};
use super::{Engine, HandleError, jobs::JobError};
use crate::{
    catalog::shadow::Source,
    change::{
        command::Command,
        state::{Change, State},
    },
    ports::{
        calls::{CallReader, CallsUnavailable},
        model::{Completion, ModelClient},
    },
    shadow::{plan::Latency, run::Progress},
    store::{self, error::StoreError, shadow::Run},
    usage::price::{AnsweredBy, CallTokens, PriceBook},
    values::{ChangeNumber, Hop, Revision, Usd},
};

/// Runs shadow tests. Cheap to clone.
#[derive(Clone)]
pub struct Tester {
    engine: Engine,
    calls: Arc<dyn CallReader>,
    models: BTreeMap<String, Arc<dyn ModelClient>>,
    prices: Arc<PriceBook>,
    vault: Vault,
    settings: Settings,
    in_flight: Arc<Semaphore>,
}

/// What a tester works with.
pub struct Parts {
    /// The engine.
    pub engine: Engine,
    /// Recorded calls.
    pub calls: Arc<dyn CallReader>,
    /// Who can be asked, by OpenTelemetry provider name.
    pub models: BTreeMap<String, Arc<dyn ModelClient>>,
    /// List prices; the catalog's own go before them.
    pub prices: Arc<PriceBook>,
    /// Keeps what runs see.
    pub vault: Vault,
    /// Settings.
    pub settings: Settings,
}

/// Settings of shadow tests; what may be spent and how much is replayed stands in the catalog.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Calls in flight of one run.
    pub concurrency: u32,
    /// Calls in flight over all runs of this process.
    pub in_flight: usize,
    /// How latency is taken.
    pub latency: Latency,
    /// Calls on which today's route is asked twice, where the workflow names no other number.
    pub repeats: u64,
    /// How far back recorded calls are taken.
    pub window: TimeDelta,
    /// A fixed seed instead of a random one, so that a demonstration draws the same sample each time.
    pub seed: Option<[u8; 16]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 8,
            in_flight: 16,
            latency: Latency::Wall { scale: 1.0 },
            repeats: 40,
            window: TimeDelta::days(45),
            seed: None,
        }
    }
}

/// Why a run stands still or ends without evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Halt {
    /// The service ends, or the job was taken over.
    Stopping,
    /// A person paused it, or the change has moved on: this job is done.
    NotWanted,
    /// A vendor or a store cannot answer now.
    Later { why: String, after: Option<Duration> },
    /// It will not work; the sentence people read.
    Failed(String),
}

impl From<CallsUnavailable> for Halt {
    fn from(error: CallsUnavailable) -> Self {
        Self::Later {
            why: error.to_string(),
            after: None,
        }
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Later {
            why: error.to_string(),
            after: None,
        }
    }
}

impl From<VaultError> for Halt {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Store(error) => error.into(),
            other => Self::Failed(format!("The test cannot keep what it sees: {other}.")),
        }
    }
}

impl From<HandleError> for Halt {
    fn from(error: HandleError) -> Self {
        match error {
            HandleError::Refused(_) | HandleError::NotFound(_) => Self::NotWanted,
            other => Self::Later {
                why: other.to_string(),
                after: None,
            },
        }
    }
}

impl Tester {
    /// A tester of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            engine: parts.engine,
            calls: parts.calls,
            models: parts.models,
            prices: parts.prices,
            vault: parts.vault,
            in_flight: Arc::new(Semaphore::new(parts.settings.in_flight.max(1))),
            settings: parts.settings,
        }
    }

    /// Takes the test of `number` in edition `revision` as far as it goes, and says with which command it ends; none
    /// when it is paused or not wanted any more.
    ///
    /// # Errors
    /// [`JobError`] when it has to go on later.
    pub async fn run(
        &self,
        number: ChangeNumber,
        revision: Revision,
        stop: &CancellationToken,
    ) -> Result<Option<Command>, JobError> {
        let mut kept = 0;
        match self.to_the_end(number, revision, stop, &mut kept).await {
            Ok(command) => Ok(Some(command)),
            Err(Halt::NotWanted) => Ok(None),
            Err(Halt::Failed(why)) => Ok(Some(Command::FailTest { why })),
            Err(Halt::Stopping) => Err(JobError::NotYet {
                why: "the service is ending".to_owned(),
                after: Duration::ZERO,
            }),
            // A try that has brought answers does not count against the job.
            Err(Halt::Later { why, after }) if kept > 0 => Err(JobError::NotYet {
                why,
                after: after.unwrap_or(Duration::from_secs(5)),
            }),
            Err(Halt::Later { why, after }) => Err(JobError::Retry { why, after }),
        }
    }

    async fn to_the_end(
        &self,
        number: ChangeNumber,
        revision: Revision,
        stop: &CancellationToken,
        kept: &mut u64,
    ) -> Result<Command, Halt> {
        let change = self.wanted(number, revision).await?;
        let catalog = match change.catalog {
            Some(digest) => self.engine.catalog_of(digest).await?,
            None => self.engine.catalog().await?.1,
        };
        let mut prices = PriceBook::clone(&self.prices);
        prices.add_overrides(&catalog.prices);
        let run = self.prepared(&change, &catalog, &prices).await?;
        let played = match run.plan.source {
            Source::Replay => self.replay((&run, &prices), (number, revision), stop, kept).await,
            Source::Mirror => self.mirrored(&run).await,
        };
        let outcome = match played {
            Ok(played) => self.compared((&run, &prices), played, stop, kept).await,
            Err(halt) => Err(halt),
        };
        if matches!(outcome, Err(Halt::Failed(_))) {
            store::shadow::give_up(self.engine.db(), &run.id, self.now_ms()).await?;
        }
        outcome
    }

    /// What comes after the last answer: a judge where the plan has one, and the report.
    async fn compared(
        &self,
        (run, prices): (&Run, &PriceBook),
        played: Played,
        stop: &CancellationToken,
        kept: &mut u64,
    ) -> Result<Command, Halt> {
        let work = self.judged((run, prices), played, stop, kept).await?;
        self.concluded(run, played, work).await
    }

    /// The change, if it is still being tested in that edition and nobody has paused the test.
    async fn wanted(&self, number: ChangeNumber, revision: Revision) -> Result<Change, Halt> {
        let loaded = store::changes::by_number(self.engine.db(), number).await?;
        let change = loaded.ok_or(Halt::NotWanted)?.change;
        let paused = change.test.as_ref().is_some_and(|test| test.paused);
        if change.state != State::ShadowTesting || change.revision != revision || paused {
            return Err(Halt::NotWanted);
        }
        Ok(change)
    }

    fn now_ms(&self) -> i64 {
        self.engine.clock().now().timestamp_millis()
    }
}

/// What an answer costs; none where tokens or price are unknown.
fn cost(prices: &PriceBook, hop: &Hop, answer: &Completion, at: DateTime<Utc>) -> Option<Usd> {
    let usage = answer.usage?;
    let tokens = CallTokens {
        input: Some(usage.input_tokens),
        cached_input: Some(usage.cached_input_tokens),
        cache_write: None,
        output: Some(usage.output_tokens),
        reasoning: Some(usage.reasoning_tokens),
    };
    let by = AnsweredBy {
        provider: &hop.provider,
        model: &hop.model,
        service_tier: hop.parameters.get("service_tier").map(String::as_str),
        at,
    };
    let priced = prices.price_call(&by, &tokens)?;
    Some(priced.cost)
}

impl Engine {
    /// How far the current test of a change has come; none before its plan is frozen.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn test_progress(&self, change: &Change) -> Result<Option<Progress>, StoreError> {
        let Some(test) = &change.test else { return Ok(None) };
        store::shadow::progress(self.db(), &test.run, self.clock().now().timestamp_millis()).await
    }

    /// The current test of a change with its plan, sample and report; none before its plan is frozen.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn test_run(&self, change: &Change) -> Result<Option<Run>, StoreError> {
        match &change.test {
            Some(test) => store::shadow::by_id(self.db(), &test.run).await,
            None => Ok(None),
        }
    }
}

/// How often each model was shown a prompt in a run, by `provider/model`; the judge was shown what it compared.
///
/// # Errors
/// When the database does not answer.
pub async fn prompts_sent(engine: &Engine, run: &Run) -> Result<BTreeMap<String, u64>, StoreError> {
    let mut sent = BTreeMap::new();
    for answer in store::shadow::answers(engine.db(), &run.id).await? {
        let name = format!("{}/{}", answer.hop.provider, answer.hop.model);
        *sent.entry(name).or_default() += u64::from(answer.attempts);
    }
    if let Some(card) = &run.plan.judge {
        let questions = store::judging::questions_sent(engine.db(), &run.id).await?;
        *sent.entry(card.name()).or_default() += questions;
    }
    Ok(sent)
}
