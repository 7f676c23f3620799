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

/// Every trace that still lacks an answer. The two arms of a trace are asked one after the other, in an order
/// that the seed decides for each trace, so that neither profits from a quiet minute or a warm cache.
#[must_use]
pub fn pending(plan: &ShadowPlan, sample: &[Sampled], stored: &Stored) -> Vec<Task> {
    let seed = hex::decode(&plan.seed_hex).unwrap_or_default();
    let repeats = usize::try_from(plan.repeats).unwrap_or(usize::MAX);
    sample
        .iter()
        .enumerate()
        .map(|(index, sampled)| {
            let mut arms = vec![Arm::Incumbent, Arm::Candidate];
            if index < repeats {
                arms.push(Arm::IncumbentRepeat);
            }
            let turn = usize::from(digest(&seed, &format!("order {}", sampled.trace_id))[0]) % arms.len();
            arms.rotate_left(turn);
            arms.retain(|arm| !stored.contains(&(sampled.trace_id.clone(), *arm)));
            Task {
                sampled: sampled.clone(),
                arms,
            }
        })
        .filter(|task| !task.arms.is_empty())
        .collect()
}

/// Answers that the plan asks for in all.
#[must_use]
pub fn total(plan: &ShadowPlan, sample: &[Sampled]) -> u64 {
    let traces = sample.len() as u64;
    traces * 2 + plan.repeats.min(traces)
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

    use chrono::DateTime;

    use super::*;
    use crate::{
        catalog::Margins,
        shadow::{
            plan::{Limits, Terms},
            recorded::CallHead,
        },
        values::{ChangeNumber, Revision, WorkflowId},
    };

    fn frozen() -> (ShadowPlan, Vec<Sampled>) {
        let calls: Vec<CallHead> = (0..80)
            .map(|index| CallHead {
                trace_id: format!("t{index}"),
                at: DateTime::UNIX_EPOCH,
                kind: None,
                cluster: None,
                unfit: None,
            })
            .collect();
        let route = |model: &str| {
            serde_json::from_value(serde_json::json!({"id": model, "provider": "openai", "model": model}))
                .unwrap()
        };
        let terms = Terms {
            change: ChangeNumber(1),
            revision: Revision(1),
            workflow: WorkflowId::from("w"),
            baseline: route("a"),
            candidate: route("b"),
            from: DateTime::UNIX_EPOCH,
            until: DateTime::UNIX_EPOCH,
            immaterial: vec![],
            margins: Margins::default(),
            claims_savings: false,
            seed: [7; 16],
            limits: Limits {
                repeats: 10,
                ..Limits::default()
            },
        };
        ShadowPlan::freeze(terms, &calls)
    }

    #[test]
    fn both_orders_occur_and_the_same_seed_gives_the_same_order() {
        let (plan, sample) = frozen();
        let tasks = pending(&plan, &sample, &Stored::new());
        let mut first: BTreeMap<Arm, u32> = BTreeMap::new();
        for task in &tasks[10..] {
            *first.entry(task.arms[0]).or_default() += 1;
        }
        assert!(
            first[&Arm::Incumbent] > 20 && first[&Arm::Candidate] > 20,
            "{first:?}"
        );
        assert_eq!(tasks, pending(&plan, &sample, &Stored::new()));
        assert_eq!(
            tasks.iter().map(|task| task.arms.len() as u64).sum::<u64>(),
            total(&plan, &sample)
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
        let tasks = pending(&plan, &sample, &stored);
        assert!(tasks.iter().all(|task| task.arms == [Arm::Candidate]));
        assert_eq!(tasks.len(), 80);
    }

    #[test]
    fn the_time_left_counts_only_what_was_asked_since_the_start() {
        assert_eq!(seconds_left(150, 100, 200, 10_000), Some(10));
        assert_eq!(seconds_left(100, 100, 200, 10_000), None);
        assert_eq!(seconds_left(200, 100, 200, 10_000), Some(0));
    }
}
