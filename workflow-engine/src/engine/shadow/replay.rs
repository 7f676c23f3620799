//! Asking both routes: so many at a time, each answer stored at once, halted cleanly.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{Halt, Tester, pass::Pass};
use crate::{
    shadow::{
        arm::Arm,
        checks::Checks,
        drift,
        looks::{Early, Looks},
        privacy::redact::Redactor,
        run::{Rest, Stored, pending, total},
    },
    store::{
        self,
        shadow::{Answer, Run},
    },
    usage::price::PriceBook,
    values::{ChangeNumber, Revision, Usd},
};

/// How often is looked whether the test is still wanted.
const LOOK: Duration = Duration::from_millis(500);

/// How a replay came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Played {
    /// What was asked of today's route after the first block.
    pub(super) rest: Rest,
    /// Why it ended before the last trace.
    pub(super) early: Option<Early>,
}

/// What all calls in flight share.
pub(super) struct Shared {
    spent: Mutex<Usd>,
    halted: Mutex<Option<Halt>>,
    looks: Mutex<Looks>,
    pub(super) kept: AtomicU64,
}

impl Tester {
    /// Asks everything that the run still lacks; `kept` counts the answers that this pass has brought.
    pub(super) async fn replay(
        &self,
        (run, prices): (&Run, &PriceBook),
        (number, revision): (ChangeNumber, Revision),
        stop: &CancellationToken,
        kept: &mut u64,
    ) -> Result<Played, Halt> {
        let mut answers = store::shadow::answers(self.engine.db(), &run.id).await?;
        // Judged at an end that was then interrupted: nobody was asked for them.
        answers.retain(|answer| answer.arm != Arm::Recorded);
        let pass = self.pass(run, prices, &answers).await?;
        let stored: Stored = answers
            .into_iter()
            .map(|answer| (answer.trace_id, answer.arm))
            .collect();
        let watch = async {
            loop {
                tokio::select! {
                    () = stop.cancelled() => pass.shared.halt(Halt::Stopping),
                    () = tokio::time::sleep(LOOK) => {}
                }
                if let Err(halt) = self.wanted(number, revision).await {
                    pass.shared.halt(halt);
                }
                if pass.shared.is_halted() {
                    // Calls in flight end by themselves: they are paid for.
                    return std::future::pending::<Rest>().await;
                }
            }
        };
        let rest = tokio::select! {
            rest = self.all_of(&pass, &stored) => rest,
            rest = watch => rest,
        };
        *kept = pass.shared.kept.load(Ordering::Relaxed);
        let early = pass.shared.looks().early();
        match pass
            .shared
            .halted
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
        {
            // Enough is known: whatever else came up does not matter any more.
            Some(halt) if early.is_none() => Err(halt),
            _ => Ok(Played { rest, early }),
        }
    }

    async fn pass<'run>(
        &'run self,
        run: &'run Run,
        prices: &'run PriceBook,
        answers: &[Answer],
    ) -> Result<Pass<'run>, Halt> {
        let key = self.vault.key(&run.id).await?;
        let broken = |why: String| Halt::Failed(format!("The plan cannot be carried out: {why}."));
        let redactor = run.plan.redaction.as_ref().map(|redaction| {
            Redactor::new(key.pseudonyms(), &redaction.names).map_err(|error| broken(error.to_string()))
        });
        let mut looks = Looks::new(&run.plan, &run.sample);
        for answer in answers {
            looks.answered(&answer.trace_id, answer.arm, answer.result.ok);
        }
        Ok(Pass {
            tester: self,
            run,
            prices,
            checks: Checks::of(&run.plan.own_checks).map_err(broken)?,
            redactor: redactor.transpose()?,
            key,
            shared: Shared {
                spent: Mutex::new(answers.iter().filter_map(|answer| answer.result.cost_usd).sum()),
                halted: Mutex::new(None),
                looks: Mutex::new(looks),
                kept: AtomicU64::new(0),
            },
        })
    }

    /// The first block, then the rest as the block allows; without a block all at once.
    async fn all_of(&self, pass: &Pass<'_>, stored: &Stored) -> Rest {
        let (plan, sample) = (&pass.run.plan, &pass.run.sample);
        let block = plan.first_block.unwrap_or(u64::MAX);
        let mut tasks = pending(plan, sample, stored, Rest::AskToo);
        let later = tasks.split_off(tasks.partition_point(|task| task.index < block));
        pass.ask(tasks).await;
        if pass.shared.is_over() || plan.first_block.is_none() || sample.len() as u64 <= block {
            return Rest::AskToo;
        }
        let rest = match self.rest(pass, block).await {
            Ok(rest) => rest,
            Err(halt) => {
                pass.shared.halt(halt);
                return Rest::AskToo;
            }
        };
        let later = match rest {
            Rest::AskToo => later,
            Rest::Recorded => {
                let mut tasks = pending(plan, sample, stored, rest);
                tasks.split_off(tasks.partition_point(|task| task.index < block))
            }
        };
        pass.ask(later).await;
        rest
    }

    /// Whether recorded answers may stand in after the first block. The same answers give the same word, also after a restart.
    async fn rest(&self, pass: &Pass<'_>, block: u64) -> Result<Rest, Halt> {
        let block = usize::try_from(block).unwrap_or(usize::MAX);
        let (block, later) = pass.run.sample.split_at(block.min(pass.run.sample.len()));
        let recorded = pass.recorded(block).await?;
        let answers = store::shadow::answers(self.engine.db(), &pass.run.id).await?;
        let same_route = answers
            .iter()
            .filter(|answer| answer.arm == Arm::Incumbent)
            .filter_map(|answer| Some((*recorded.get(&answer.trace_id)?, answer.result.ok)));
        if !drift::none_shown(&pass.run.plan, same_route) {
            return Ok(Rest::AskToo);
        }
        let planned = total(&pass.run.plan, &pass.run.sample, Rest::Recorded);
        store::shadow::set_total(self.engine.db(), &pass.run.id, planned).await?;
        for (trace, ok) in pass.recorded(later).await? {
            pass.shared.looks().answered(&trace, Arm::Recorded, ok);
        }
        Ok(Rest::Recorded)
    }
}

impl Shared {
    /// Asked before each call: what is in flight when the cap is reached is all that can pass it.
    pub(super) fn may_spend(&self, cap: Usd) -> bool {
        let spent = *self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent < cap {
            return true;
        }
        self.halt(Halt::Failed(format!(
            "The test reached its spend cap of {cap} before it was complete. File the change again with a higher cap or fewer traces."
        )));
        false
    }

    pub(super) fn spend(&self, cost: Usd) {
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner) += cost;
    }

    /// The first reason counts, but for a failure: that is final.
    pub(super) fn halt(&self, reason: Halt) {
        let mut halted = self.halted.lock().unwrap_or_else(PoisonError::into_inner);
        if halted.is_none() || matches!(reason, Halt::Failed(_)) {
            *halted = Some(reason);
        }
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    /// Whether no further call begins: halted, or enough is known.
    pub(super) fn is_over(&self) -> bool {
        self.is_halted() || self.looks().early().is_some()
    }

    pub(super) fn looks(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
