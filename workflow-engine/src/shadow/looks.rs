//! Looks at a test while it runs: harm ends it early, and so does a good result where the plan allows that.
//!
//! Traces count in the order of the sample, so that whoever looks at the same answers stops at the same trace, also after
//! a restart. The betting e-process holds at every look (evidence.md §1.4, 7).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    analysis::plan::Mode,
    arm::Arm,
    plan::{Sampled, ShadowPlan},
    statistics::sequential::EProcess,
};

/// Traces between two looks.
const EVERY: usize = 20;

/// Why a test ended before its last trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Early {
    /// Traces of the sample that count.
    pub after: u64,
    /// Whether the candidate was shown to be worse than allowed, or to be good enough.
    pub harm: bool,
}

/// What is known so far of one trace.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    incumbent: Option<bool>,
    candidate: Option<bool>,
    gone: bool,
}

/// The looks at one run.
#[derive(Debug)]
pub struct Looks {
    order: Vec<String>,
    known: BTreeMap<String, Known>,
    /// Traces taken so far, those that are gone included.
    taken: usize,
    /// Pairs among them.
    pairs: usize,
    worse: EProcess,
    better: Option<EProcess>,
    early: Option<Early>,
}

impl Looks {
    /// Looks at a run of `plan` over `sample`, of which nothing is known yet.
    #[must_use]
    pub fn new(plan: &ShadowPlan, sample: &[Sampled]) -> Self {
        let margin = plan.margins.quality;
        Self {
            order: sample.iter().map(|sampled| sampled.trace_id.clone()).collect(),
            known: BTreeMap::new(),
            taken: 0,
            pairs: 0,
            worse: EProcess::inferior(margin, plan.alpha),
            better: (plan.mode == Mode::Sequential).then(|| EProcess::non_inferior(margin, plan.alpha)),
            early: None,
        }
    }

    /// An arm of a trace is answered; whether the test may end now, and why.
    pub fn answered(&mut self, trace_id: &str, arm: Arm, ok: bool) -> Option<Early> {
        let known = self.known.entry(trace_id.to_owned()).or_default();
        match arm {
            Arm::Incumbent => known.incumbent = Some(ok),
            Arm::Candidate => known.candidate = Some(ok),
            // A recorded answer stands in where today's route is not asked again.
            Arm::Recorded => known.incumbent = known.incumbent.or(Some(ok)),
            Arm::IncumbentRepeat => {}
        }
        self.advance()
    }

    /// A trace will not be answered: its content is gone.
    pub fn gone(&mut self, trace_id: &str) {
        self.known.entry(trace_id.to_owned()).or_default().gone = true;
        self.advance();
    }

    /// Whether the test may end now, and why.
    #[must_use]
    pub fn early(&self) -> Option<Early> {
        self.early
    }

    fn advance(&mut self) -> Option<Early> {
        while self.early.is_none() {
            let Some(known) = self.order.get(self.taken).and_then(|next| self.known.get(next)) else {
                break;
            };
            match (known.incumbent, known.candidate) {
                (Some(incumbent), Some(candidate)) => {
                    let d = f64::from(i8::from(candidate) - i8::from(incumbent));
                    self.worse.push(d);
                    if let Some(better) = &mut self.better {
                        better.push(d);
                    }
                    self.taken += 1;
                    self.pairs += 1;
                    self.look();
                }
                _ if known.gone => self.taken += 1,
                _ => break,
            }
        }
        self.early
    }

    fn look(&mut self) {
        if !self.pairs.is_multiple_of(EVERY) || self.taken == self.order.len() {
            return;
        }
        let harm = self.worse.first().is_some();
        let good = self
            .better
            .as_ref()
            .is_some_and(|better| better.first().is_some());
        if harm || good {
            self.early = Some(Early {
                after: self.taken as u64,
                harm,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow::{
        freeze::Pool,
        samples::{head, terms},
    };

    fn run(mode: Mode) -> (Looks, Vec<String>) {
        let calls: Vec<_> = (0..400).map(|index| head(&format!("t{index}"))).collect();
        let mut terms = terms();
        terms.limits.mode = mode;
        let pool = Pool::draw(&terms, &calls);
        let look = crate::shadow::features::Look {
            unfit: None,
            tools: "one_call",
            language: "eng",
        };
        let looks = pool.ids().into_iter().map(|id| (id, look.clone())).collect();
        let (plan, sample) = ShadowPlan::freeze(terms, pool, &looks);
        let order = sample.iter().map(|sampled| sampled.trace_id.clone()).collect();
        (Looks::new(&plan, &sample), order)
    }

    /// The candidate fails on every third trace, where the incumbent is right; asked in the order of `turns`.
    fn harmful(looks: &mut Looks, order: &[String], turns: impl Iterator<Item = usize>) {
        for turn in turns {
            looks.answered(&order[turn], Arm::Candidate, turn % 3 != 0);
            looks.answered(&order[turn], Arm::Incumbent, true);
        }
    }

    #[test]
    fn a_harmful_candidate_ends_the_test_at_a_look() {
        let (mut looks, order) = run(Mode::Fixed);
        harmful(&mut looks, &order, 0..400);
        let early = looks.early().unwrap();
        assert!(
            early.harm && early.after % 20 == 0 && early.after < 120,
            "{early:?}"
        );
    }

    #[test]
    fn the_end_does_not_depend_on_the_order_in_which_answers_come() {
        let (mut forward, order) = run(Mode::Fixed);
        harmful(&mut forward, &order, 0..400);
        let (mut backward, order) = run(Mode::Fixed);
        harmful(&mut backward, &order, (0..400).rev());
        assert_eq!(forward.early(), backward.early());
    }

    #[test]
    fn a_good_candidate_ends_only_a_test_whose_plan_allows_it() {
        for (mode, ends) in [(Mode::Fixed, false), (Mode::Sequential, true)] {
            let (mut looks, order) = run(mode);
            for trace in &order {
                looks.answered(trace, Arm::Candidate, true);
                looks.answered(trace, Arm::Incumbent, true);
            }
            assert_eq!(looks.early().is_some_and(|early| !early.harm), ends);
        }
    }

    #[test]
    fn a_trace_whose_content_is_gone_does_not_hold_the_looks_up() {
        let (mut looks, order) = run(Mode::Fixed);
        looks.gone(&order[0]);
        harmful(&mut looks, &order, 1..400);
        assert!(looks.early().is_some());
    }
}
