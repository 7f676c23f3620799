//! One pass over what a run still lacks: read, redact, ask, judge, keep.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::atomic::Ordering,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use tokio::sync::Mutex;

use super::{Halt, Tester, cost, examples::Prompt, replay::Shared, vault::RunKey};
use crate::{
    ports::model::{Completion, ModelError},
    shadow::{
        arm::{Arm, ArmResult},
        checks::Checks,
        plan::Sampled,
        privacy::redact::Redactor,
        recorded::RecordedCall,
        run::Task,
    },
    store::{
        self,
        shadow::{Answer, Run},
        shadow_content::{PROMPT, SealedText},
    },
    usage::price::PriceBook,
    values::Hop,
};

/// Traces whose content is read at a time.
const CHUNK: usize = 64;

/// One pass; everything in it is the run's.
pub(super) struct Pass<'run> {
    pub(super) tester: &'run Tester,
    pub(super) run: &'run Run,
    pub(super) prices: &'run PriceBook,
    pub(super) checks: Checks,
    pub(super) redactor: Option<Redactor>,
    pub(super) key: RunKey,
    pub(super) shared: Shared,
}

/// What is still to be asked.
struct Queue {
    unread: VecDeque<Task>,
    /// With their contents.
    ready: VecDeque<(Task, RecordedCall)>,
}

impl Pass<'_> {
    /// Asks `tasks`, so many at a time, until they are done or the pass is over.
    pub(super) async fn ask(&self, tasks: Vec<Task>) {
        let queue = Mutex::new(Queue {
            unread: tasks.into(),
            ready: VecDeque::new(),
        });
        let workers: Vec<BoxFuture<'_, ()>> = (0..self.run.plan.concurrency)
            .map(|_| self.work(&queue).boxed())
            .collect();
        join_all(workers).await;
    }

    async fn work(&self, queue: &Mutex<Queue>) {
        while let Some((task, call)) = self.next(queue).await {
            self.trace(&task, &call).await;
        }
    }

    /// The next trace; reads another chunk where none is ready.
    async fn next(&self, queue: &Mutex<Queue>) -> Option<(Task, RecordedCall)> {
        let mut queue = queue.lock().await;
        loop {
            if self.shared.is_over() {
                return None;
            }
            if let Some(work) = queue.ready.pop_front() {
                return Some(work);
            }
            let size = queue.unread.len().min(CHUNK);
            if size == 0 {
                return None;
            }
            let chunk: Vec<Task> = queue.unread.drain(..size).collect();
            queue.ready = self.read(chunk).await.into();
        }
    }

    /// The calls of a chunk, redacted once for all arms. One whose content was erased meanwhile is left out.
    async fn read(&self, chunk: Vec<Task>) -> Vec<(Task, RecordedCall)> {
        let ids: Vec<String> = chunk.iter().map(|task| task.sampled.trace_id.clone()).collect();
        let calls = match self.tester.calls.contents(&ids).await {
            Ok(calls) => calls,
            Err(error) => {
                self.shared.halt(error.into());
                return Vec::new();
            }
        };
        let mut calls: BTreeMap<String, RecordedCall> = calls
            .into_iter()
            .map(|call| (call.trace_id.clone(), self.redacted(call)))
            .collect();
        let mut work = Vec::with_capacity(chunk.len());
        for task in chunk {
            match calls.remove(&task.sampled.trace_id) {
                Some(call) => work.push((task, call)),
                None => self.shared.looks().gone(&task.sampled.trace_id),
            }
        }
        work
    }

    fn redacted(&self, call: RecordedCall) -> RecordedCall {
        match &self.redactor {
            Some(redactor) => redactor.call(call),
            None => call,
        }
    }

    /// Whether the recorded answers of those traces are right, as far as they are still kept.
    pub(super) async fn recorded(&self, sample: &[Sampled]) -> Result<BTreeMap<String, bool>, Halt> {
        let mut right = BTreeMap::new();
        for chunk in sample.chunks(256) {
            let ids: Vec<String> = chunk.iter().map(|sampled| sampled.trace_id.clone()).collect();
            for call in self.tester.calls.contents(&ids).await? {
                let call = self.redacted(call);
                right.insert(call.trace_id.clone(), ArmResult::recorded(&call, &self.checks).ok);
            }
        }
        Ok(right)
    }

    /// The arms of one trace, one after the other.
    async fn trace(&self, task: &Task, call: &RecordedCall) {
        for arm in &task.arms {
            let Ok(_permit) = self.tester.in_flight.acquire().await else {
                return;
            };
            if self.shared.is_over() || !self.shared.may_spend(self.run.plan.spend_cap_usd) {
                return;
            }
            if let Err(halt) = self.arm(*arm, call).await {
                return self.shared.halt(halt);
            }
        }
    }

    async fn arm(&self, arm: Arm, call: &RecordedCall) -> Result<(), Halt> {
        let hop = match arm {
            Arm::Candidate => &self.run.plan.candidate.primary,
            _ => &self.run.plan.baseline.primary,
        };
        let model = self.tester.models.get(&hop.provider);
        let model = model.ok_or_else(|| {
            Halt::Failed(format!(
                "The governor has no access to {} any more.",
                hop.provider
            ))
        })?;
        let (completion, trouble) = match model.complete(hop, &call.input).await {
            Ok(completion) => (Some(completion), None),
            Err(ModelError::Refused(why) | ModelError::Unreadable(why)) => (None, Some(why)),
            Err(ModelError::Retry { after, why }) => return Err(Halt::Later { why, after }),
            Err(ModelError::Permanent { why, remedy }) => {
                return Err(Halt::Failed(format!("{why}. {remedy}.")));
            }
        };
        let texts = self.sealed(arm, call, completion.as_ref())?;
        let answer = self.judged((arm, hop), call, completion, trouble);
        self.shared.spend(answer.result.cost_usd.unwrap_or_default());
        let at = self.tester.now_ms();
        if store::shadow::keep(self.tester.engine.db(), &self.run.id, &answer, texts, at).await? {
            self.shared.kept.fetch_add(1, Ordering::Relaxed);
        }
        self.shared
            .looks()
            .answered(&answer.trace_id, arm, answer.result.ok);
        Ok(())
    }

    /// What was asked and answered, encrypted; what was asked is stored once a trace.
    fn sealed(
        &self,
        arm: Arm,
        call: &RecordedCall,
        completion: Option<&Completion>,
    ) -> Result<Vec<SealedText>, Halt> {
        let (vault, trace) = (&self.tester.vault, call.trace_id.as_str());
        let prompt = Prompt {
            input: call.input.clone(),
            recorded: call.answer.clone(),
            reference: call.reference.clone(),
        };
        let mut texts = vec![vault.seal(&self.key, (trace, PROMPT), &prompt)?];
        if let Some(completion) = completion {
            texts.push(vault.seal(&self.key, (trace, arm.as_str()), completion)?);
        }
        Ok(texts)
    }

    fn judged(
        &self,
        (arm, hop): (Arm, &Hop),
        call: &RecordedCall,
        completion: Option<Completion>,
        trouble: Option<String>,
    ) -> Answer {
        let now = self.tester.engine.clock().now();
        let cost = completion
            .as_ref()
            .and_then(|answer| cost(self.prices, hop, answer, now));
        let defects = completion
            .as_ref()
            .map(|answer| &answer.defects)
            .filter(|defects| !defects.is_empty());
        let how = (&self.checks, &self.run.plan.latency);
        Answer {
            trace_id: call.trace_id.clone(),
            arm,
            result: ArmResult::replayed(call, completion.as_ref(), cost, how),
            hop: hop.clone(),
            attempts: completion.as_ref().map_or(1, |answer| answer.attempts),
            trouble: trouble.or_else(|| defects.and_then(|defects| serde_json::to_string(defects).ok())),
            response_model: completion
                .as_ref()
                .and_then(|answer| answer.response_model.clone()),
            response_id: completion.and_then(|answer| answer.response_id),
        }
    }
}
