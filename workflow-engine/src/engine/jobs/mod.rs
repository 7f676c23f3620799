//! The job runner: claims due jobs, keeps their leases alive, tries again, gives up loudly.

mod completions;
mod ending;
mod handler;
mod result;

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use tokio::sync::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

pub use self::{
    handler::{Handler, JobError},
    result::report,
};

use self::completions::Completions;
use super::{Engine, door::trace_id};
use crate::store::{
    self,
    commit::JobTicket,
    error::StoreError,
    queue::{Job, Wanted},
};

/// How long a claim lasts without a heartbeat, unless [`Runner::leasing`] says otherwise. A third of it lies between two
/// heartbeats: one statement a replica.
const LEASE: Duration = Duration::from_secs(30);
/// How long the runner sleeps at least when nothing wakes it; at most twice that, at random, so that replicas do not look
/// together. What this process commits wakes it at once.
const POLL: Duration = Duration::from_millis(750);
/// How long the runner leaves more to gather after a claim of a few: a claim of many costs little more than a claim of one.
const GATHER: Duration = Duration::from_millis(20);
/// Less than this is a few.
const FEW: usize = 32;
/// Most jobs, each with those that follow in its lane, at work in one replica.
const AT_ONCE: usize = 256;
/// How long what is at work may take to end when the service stops, unless [`Runner::patient`] says otherwise.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs jobs until it is told to stop.
#[derive(Clone)]
pub struct Runner {
    engine: Engine,
    handlers: Arc<HashMap<&'static str, Arc<dyn Handler>>>,
    wanted: Arc<Wanted>,
    held: Arc<Mutex<HashMap<JobTicket, CancellationToken>>>,
    // Lanes at work; a job of no lane is one of its own.
    working: Arc<AtomicUsize>,
    completions: Completions,
    tasks: TaskTracker,
    lease: Duration,
    patience: Duration,
    // Cancelled when patience is at an end: work in hand is dropped where it waits.
    let_go: CancellationToken,
}

impl Runner {
    /// A runner of these handlers.
    #[must_use]
    pub fn new(engine: Engine, handlers: Vec<Arc<dyn Handler>>) -> Self {
        let mut by_kind: HashMap<&'static str, Arc<dyn Handler>> = HashMap::new();
        for handler in handlers {
            for kind in handler.kinds() {
                by_kind.insert(kind, handler.clone());
            }
        }
        let mut kinds: Vec<String> = by_kind.keys().map(|kind| (*kind).to_owned()).collect();
        kinds.sort();
        let definitions = engine.definitions().range();
        let wanted = Arc::new(Wanted { kinds, definitions });
        Self {
            completions: Completions::new(engine.clone(), wanted.clone()),
            engine,
            handlers: Arc::new(by_kind),
            wanted,
            held: Arc::default(),
            working: Arc::default(),
            tasks: TaskTracker::new(),
            lease: LEASE,
            patience: PATIENCE,
            let_go: CancellationToken::new(),
        }
    }

    /// The same with another lease: how soon others take over what this process has claimed, once it is gone or frozen.
    #[must_use]
    pub fn leasing(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// The same that gives what is at work so much time to end once it is told to stop.
    #[must_use]
    pub fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs until `stop` is cancelled, then waits for what is at work; what takes longer than its patience is dropped,
    /// and its claim given back so that another replica takes it up at once.
    pub async fn run(&self, stop: CancellationToken) {
        let beat = tokio::spawn(self.clone().keep_leases());
        while !stop.is_cancelled() {
            // Asked for before looking, so that what comes meanwhile wakes us.
            let woken = self.engine.wake().notified();
            match self.step(&stop).await {
                Ok(taken) if taken >= FEW => continue,
                Ok(taken) if taken > 0 => {
                    tokio::time::sleep(GATHER).await;
                    continue;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(error = %error, "cannot claim jobs"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = woken => {}
                () = tokio::time::sleep(POLL + POLL.mul_f64(self.chance())) => {}
            }
        }
        self.tasks.close();
        if tokio::time::timeout(self.patience, self.tasks.wait())
            .await
            .is_err()
        {
            self.give_back().await;
        }
        beat.abort();
    }

    async fn give_back(&self) {
        self.let_go.cancel();
        self.tasks.wait().await;
        let held: Vec<JobTicket> = self.held.lock().await.drain().map(|(ticket, _)| ticket).collect();
        match store::claims::release(self.engine.db(), &held).await {
            Ok(()) => tracing::warn!(
                jobs = held.len(),
                "stopped before they ended; others take them up now"
            ),
            Err(error) => {
                tracing::warn!(error = %error, "cannot give claims back; their leases will run out")
            }
        }
    }

    /// Claims what is due and sets it to work; says how many jobs that were. Tests step by hand and then [`Self::settle`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn step(&self, stop: &CancellationToken) -> Result<usize, StoreError> {
        let free = AT_ONCE.saturating_sub(self.working.load(Ordering::Relaxed));
        if free == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            return Ok(0);
        }
        let now = self.now();
        let limit = u32::try_from(free).unwrap_or(1);
        let jobs =
            store::claims::claim(self.engine.db(), &self.wanted, limit, now, millis(self.lease)).await?;
        let taken = jobs.len();
        for job in jobs {
            let token = self.hold(&job, stop).await;
            self.working.fetch_add(1, Ordering::Relaxed);
            self.tasks.spawn(self.clone().follow(job, token, stop.clone()));
        }
        Ok(taken)
    }

    /// Waits until everything that was set to work has ended.
    pub async fn settle(&self) {
        while !self.held.lock().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn hold(&self, job: &Job, stop: &CancellationToken) -> CancellationToken {
        let token = stop.child_token();
        self.held.lock().await.insert(job.ticket.clone(), token.clone());
        token
    }

    /// Does a job, and those that wait behind it in its lane.
    async fn follow(self, job: Job, token: CancellationToken, stop: CancellationToken) {
        let mut at_work = Some((job, token));
        while let Some((job, token)) = at_work {
            let next = self.work(&job, &token).instrument(span_of(&job)).await;
            at_work = match next {
                Some(next) => {
                    let token = self.hold(&next, &stop).await;
                    Some((next, token))
                }
                None => None,
            };
            // What was dropped where it waited is given back.
            if !self.let_go.is_cancelled() {
                self.held.lock().await.remove(&job.ticket);
            }
        }
        self.working.fetch_sub(1, Ordering::Relaxed);
        // There is room for another, and the next of its lane may be due now.
        self.engine.wake().notify_waiters();
    }

    /// Does one job and records what came of it; gives the next of its lane, if that is due.
    async fn work(&self, job: &Job, stop: &CancellationToken) -> Option<Job> {
        let outcome = tokio::select! {
            outcome = self.handle(job, stop) => outcome,
            () = self.let_go.cancelled() => return None,
        };
        if outcome.is_ok() {
            self.engine.counts().jobs_done.one();
        }
        match self.finish(job, outcome, !stop.is_cancelled()).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(job.kind = %job.kind, job.id = %job.ticket.id, error = %error, "cannot record a job's end; its lease will run out");
                None
            }
        }
    }

    async fn handle(&self, job: &Job, stop: &CancellationToken) -> Result<(), JobError> {
        let Some(handler) = self.handlers.get(job.kind.as_str()) else {
            return Err(JobError::permanent("this version has no handler for it"));
        };
        if job.attempts > job.max_attempts {
            return Err(JobError::permanent(
                "tried too often; the last try ended with its process",
            ));
        }
        // Its claim must not be kept alive for ever by a handler that is gone.
        AssertUnwindSafe(handler.run(job, stop))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| {
                Err(JobError::retry(
                    "its handler panicked; the service's log says where",
                ))
            })
    }

    /// One UPDATE for all held claims; whose claim is void is told to stop.
    async fn keep_leases(self) {
        loop {
            tokio::time::sleep(self.lease / 3).await;
            let held: Vec<JobTicket> = self.held.lock().await.keys().cloned().collect();
            if held.is_empty() {
                continue;
            }
            match self.completions.heartbeat(&held, millis(self.lease)).await {
                Ok(void) => {
                    self.engine.counts().leases_lost.add(void.len());
                    for ticket in void {
                        if let Some(token) = self.held.lock().await.get(&ticket) {
                            token.cancel();
                        }
                    }
                }
                Err(error) => tracing::warn!(error = %error, "cannot move leases on"),
            }
        }
    }

    /// From 0 to 1, at random.
    fn chance(&self) -> f64 {
        let mut random = [0; 2];
        self.engine.clock().random(&mut random);
        f64::from(u16::from_le_bytes(random)) / f64::from(u16::MAX)
    }

    fn now(&self) -> i64 {
        self.engine.clock().now().timestamp_millis()
    }
}

/// Log lines of a job have the trace of the command that asked for it.
fn span_of(job: &Job) -> tracing::Span {
    let trace = job.cause.as_deref().map(trace_id).unwrap_or_default();
    tracing::info_span!("job", job.kind = %job.kind, job.id = %job.ticket.id, trace_id = trace)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
