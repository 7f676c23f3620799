//! The run of a plan: what is still to be asked, in which order, and how far it has come.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    arm::Arm,
    plan::{Sampled, ShadowPlan},
    sample::digest,
};
use crate::values::Usd;

/// Answers that are stored: trace and arm.
pub type Stored = BTreeSet<(String, Arm)>;

/// One trace with the arms that are still to be asked, in the order in which to ask them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its place in the sample.
    pub index: u64,
    /// The sampled trace.
    pub sampled: Sampled,
    /// Arms without a stored answer.
    pub arms: Vec<Arm>,
}

/// How far a run has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Answers stored.
    pub done: u64,
    /// Answers planned.
    pub total: u64,
    /// Spent on them.
    pub spent_usd: Usd,
    /// The most that may be spent.
    pub cap_usd: Usd,
    /// Seconds until it is done, if it goes on as so far; none before anything is known.
    pub seconds_left: Option<u64>,
}

/// What is asked of today's route after the first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// The same as in the block.
    AskToo,
    /// Nothing: its recorded answers stand in, because the block has shown no drift.
    Recorded,
}

/// Every trace that still lacks an answer. The arms of a trace are asked one after the other, in an order that the seed
/// decides for each trace, so that none profits from a quiet minute or a warm cache.
#[must_use]
pub fn pending(plan: &ShadowPlan, sample: &[Sampled], stored: &Stored, rest: Rest) -> Vec<Task> {
    let seed = hex::decode(&plan.seed_hex).unwrap_or_default();
    sample
        .iter()
        .enumerate()
        .map(|(index, sampled)| {
            let mut arms = arms(plan, index as u64, rest);
            let turn = usize::from(digest(&seed, &format!("order {}", sampled.trace_id))[0]) % arms.len();
            arms.rotate_left(turn);
            arms.retain(|arm| !stored.contains(&(sampled.trace_id.clone(), *arm)));
            Task {
                index: index as u64,
                sampled: sampled.clone(),
                arms,
            }
        })
        .filter(|task| !task.arms.is_empty())
        .collect()
}

fn arms(plan: &ShadowPlan, index: u64, rest: Rest) -> Vec<Arm> {
    if rest == Rest::Recorded && plan.first_block.is_some_and(|block| index >= block) {
        return vec![Arm::Candidate];
    }
    let mut arms = vec![Arm::Incumbent, Arm::Candidate];
    if index < plan.repeats {
        arms.push(Arm::IncumbentRepeat);
    }
    arms
}

/// Answers that the plan asks for in all.
#[must_use]
pub fn total(plan: &ShadowPlan, sample: &[Sampled], rest: Rest) -> u64 {
    let of = |index: usize| arms(plan, index as u64, rest).len() as u64;
    (0..sample.len()).map(of).sum()
}

/// Seconds left when `done` of `total` answers took `elapsed_ms`, of which `resumed` were there at the start.
#[must_use]
pub fn seconds_left(done: u64, resumed: u64, total: u64, elapsed_ms: u64) -> Option<u64> {
    let fresh = done.checked_sub(resumed).filter(|fresh| *fresh > 0)?;
    let left = total.saturating_sub(done);
    Some((elapsed_ms.saturating_mul(left) / fresh).div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::shadow::{
        freeze::Pool,
        plan::Terms,
        samples::{head, terms},
    };

    fn frozen() -> (ShadowPlan, Vec<Sampled>) {
        let calls: Vec<_> = (0..400).map(|index| head(&format!("t{index}"))).collect();
        let mut terms = Terms {
            reuse_recorded: true,
            ..terms()
        };
        terms.limits.repeats = 10;
        let pool = Pool::draw(&terms, &calls);
        let look = crate::shadow::features::Look {
            unfit: None,
            tools: "one_call",
            language: "eng",
        };
        let looks = pool.ids().into_iter().map(|id| (id, look.clone())).collect();
        ShadowPlan::freeze(terms, pool, &looks)
    }

    #[test]
    fn both_orders_occur_and_the_same_seed_gives_the_same_order() {
        let (plan, sample) = frozen();
        let tasks = pending(&plan, &sample, &Stored::new(), Rest::AskToo);
        let mut first: BTreeMap<Arm, u32> = BTreeMap::new();
        for task in &tasks[10..] {
            *first.entry(task.arms[0]).or_default() += 1;
        }
        assert!(
            first[&Arm::Incumbent] > 20 && first[&Arm::Candidate] > 20,
            "{first:?}"
        );
        assert_eq!(tasks, pending(&plan, &sample, &Stored::new(), Rest::AskToo));
        assert_eq!(
            tasks.iter().map(|task| task.arms.len() as u64).sum::<u64>(),
            total(&plan, &sample, Rest::AskToo)
        );
    }

    #[test]
    fn what_is_stored_is_not_asked_again() {
        let (plan, sample) = frozen();
        let stored: Stored = sample
            .iter()
            .flat_map(|sampled| {
                [
                    (sampled.trace_id.clone(), Arm::Incumbent),
                    (sampled.trace_id.clone(), Arm::IncumbentRepeat),
                ]
            })
            .collect();
        let tasks = pending(&plan, &sample, &stored, Rest::AskToo);
        assert!(tasks.iter().all(|task| task.arms == [Arm::Candidate]));
        assert_eq!(tasks.len(), 400);
    }

    #[test]
    fn after_a_block_without_drift_only_the_candidate_is_asked() {
        let (plan, sample) = frozen();
        let block = usize::try_from(plan.first_block.unwrap()).unwrap();
        let tasks = pending(&plan, &sample, &Stored::new(), Rest::Recorded);
        assert!(
            tasks[..block]
                .iter()
                .all(|task| task.arms.contains(&Arm::Incumbent))
        );
        assert!(tasks[block..].iter().all(|task| task.arms == [Arm::Candidate]));
        assert_eq!(
            total(&plan, &sample, Rest::Recorded),
            total(&plan, &sample, Rest::AskToo) - (400 - block as u64)
        );
    }

    #[test]
    fn the_time_left_counts_only_what_was_asked_since_the_start() {
        assert_eq!(seconds_left(150, 100, 200, 10_000), Some(10));
        assert_eq!(seconds_left(100, 100, 200, 10_000), None);
        assert_eq!(seconds_left(200, 100, 200, 10_000), Some(0));
    }
}
