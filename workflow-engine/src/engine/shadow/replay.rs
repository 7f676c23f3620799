//! Asking both routes: so many at a time, each answer stored at once, halted cleanly.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use tokio_util::sync::CancellationToken;

use super::{Halt, Tester, cost};
use crate::{
    ports::model::{Completion, ModelError},
    shadow::{
        arm::{Arm, ArmResult},
        recorded::RecordedCall,
        run::{Stored, Task, pending},
    },
    store::{
        self,
        shadow::{Answer, Run},
    },
    usage::price::PriceBook,
    values::{ChangeNumber, Hop, Revision, Usd},
};

/// Traces whose content is read at a time.
const CHUNK: usize = 64;
/// How often is looked whether the test is still wanted.
const LOOK: Duration = Duration::from_millis(500);

/// One pass over what is still to be asked.
struct Pass<'a> {
    tester: &'a Tester,
    run: &'a Run,
    prices: &'a PriceBook,
    spent: Mutex<Usd>,
    halted: Mutex<Option<Halt>>,
    kept: AtomicU64,
}

impl Tester {
    /// Asks everything that the run still lacks; `kept` counts the answers that this pass has brought.
    pub(super) async fn replay(
        &self,
        (run, prices): (&Run, &PriceBook),
        (number, revision): (ChangeNumber, Revision),
        stop: &CancellationToken,
        kept: &mut u64,
    ) -> Result<(), Halt> {
        let answers = store::shadow::answers(self.engine.db(), &run.id).await?;
        let stored: Stored = answers
            .iter()
            .map(|answer| (answer.trace_id.clone(), answer.arm))
            .collect();
        let tasks = pending(&run.plan, &run.sample, &stored);
        let pass = Pass {
            tester: self,
            run,
            prices,
            spent: Mutex::new(answers.iter().filter_map(|answer| answer.result.cost_usd).sum()),
            halted: Mutex::new(None),
            kept: AtomicU64::new(0),
        };
        let watch = async {
            loop {
                tokio::select! {
                    () = stop.cancelled() => pass.halt(Halt::Stopping),
                    () = tokio::time::sleep(LOOK) => {}
                }
                if let Err(halt) = self.wanted(number, revision).await {
                    pass.halt(halt);
                }
                if pass.is_halted() {
                    // Calls in flight end by themselves: they are paid for.
                    return std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            () = pass.ask(&tasks) => {}
            () = watch => {}
        }
        *kept = pass.kept.load(Ordering::Relaxed);
        match pass.halted.into_inner().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(halt) => Err(halt),
        }
    }
}

impl Pass<'_> {
    async fn ask(&self, tasks: &[Task]) {
        let at_once = usize::try_from(self.run.plan.concurrency).unwrap_or(1);
        for chunk in tasks.chunks(CHUNK) {
            let ids: Vec<String> = chunk.iter().map(|task| task.sampled.trace_id.clone()).collect();
            let calls = match self.tester.calls.contents(&ids).await {
                Ok(calls) => calls,
                Err(error) => return self.halt(error.into()),
            };
            let calls: BTreeMap<&str, &RecordedCall> =
                calls.iter().map(|call| (call.trace_id.as_str(), call)).collect();
            // A call whose content was erased meanwhile is not replayed; the report counts it out.
            let work: Vec<BoxFuture<'_, ()>> = chunk
                .iter()
                .filter_map(|task| {
                    let call = calls.get(task.sampled.trace_id.as_str())?;
                    Some(self.trace(task, call).boxed())
                })
                .collect();
            stream::iter(work).buffer_unordered(at_once).collect::<()>().await;
            if self.is_halted() {
                return;
            }
        }
    }

    /// The arms of one trace, one after the other.
    async fn trace(&self, task: &Task, call: &RecordedCall) {
        for arm in &task.arms {
            let Ok(_permit) = self.tester.in_flight.acquire().await else {
                return;
            };
            if self.is_halted() || !self.may_spend() {
                return;
            }
            if let Err(halt) = self.arm(*arm, call).await {
                return self.halt(halt);
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
        let answer = self.judged((arm, hop), call, completion, trouble);
        let cost = answer.result.cost_usd.unwrap_or_default();
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner) += cost;
        let at = self.tester.now_ms();
        if store::shadow::keep(self.tester.engine.db(), &self.run.id, &answer, at).await? {
            self.kept.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
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
        Answer {
            trace_id: call.trace_id.clone(),
            arm,
            result: ArmResult::replayed(call, completion.as_ref(), cost, &self.run.plan.latency),
            hop: hop.clone(),
            attempts: completion.as_ref().map_or(1, |answer| answer.attempts),
            trouble: trouble.or_else(|| defects.and_then(|defects| serde_json::to_string(defects).ok())),
            response_model: completion
                .as_ref()
                .and_then(|answer| answer.response_model.clone()),
            response_id: completion.and_then(|answer| answer.response_id),
        }
    }

    /// Asked before each call: what is in flight when the cap is reached is all that can pass it.
    fn may_spend(&self) -> bool {
        let spent = *self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let cap = self.run.plan.spend_cap_usd;
        if spent < cap {
            return true;
        }
        self.halt(Halt::Failed(format!(
            "The test reached its spend cap of {cap} before it was complete. File the change again with a higher cap or fewer traces."
        )));
        false
    }

    /// The first reason counts, but for a failure: that is final.
    fn halt(&self, reason: Halt) {
        let mut halted = self.halted.lock().unwrap_or_else(PoisonError::into_inner);
        if halted.is_none() || matches!(reason, Halt::Failed(_)) {
            *halted = Some(reason);
        }
    }

    fn is_halted(&self) -> bool {
        self.halted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }
}
