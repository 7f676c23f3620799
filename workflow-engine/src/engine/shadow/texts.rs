//! Pairs of answers in words: which of a run's there are, opened for a judge or for a cleared person.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    examples::Prompt,
    vault::{RunKey, Vault, VaultError, open},
};
use crate::{
    ports::model::{Completion, ReplayInput},
    shadow::{arm::Arm, judging::comparable},
    store::{self, error::StoreError, shadow::Run, shadow_content::PROMPT},
};

/// Traces whose texts are opened at a time.
pub(super) const CHUNK: usize = 32;

/// Two answers in words to the same prompt.
pub(super) struct Pair {
    pub(super) trace: String,
    pub(super) input: ReplayInput,
    pub(super) incumbent: String,
    pub(super) candidate: String,
}

impl Pair {
    /// Both answers are the same text.
    pub(super) fn same(&self) -> bool {
        self.incumbent == self.candidate
    }
}

impl Vault {
    /// The traces of a run that checks cannot decide, in the order of its sample: both arms passed.
    pub(super) async fn undecided(&self, run: &Run) -> Result<Vec<String>, StoreError> {
        let right: BTreeSet<(String, Arm)> = store::shadow::answers(self.engine.db(), &run.id)
            .await?
            .into_iter()
            .filter(|answer| answer.result.ok)
            .map(|answer| (answer.trace_id, answer.arm))
            .collect();
        let both = |trace: &str| {
            [Arm::Incumbent, Arm::Candidate]
                .into_iter()
                .all(|arm| right.contains(&(trace.to_owned(), arm)))
        };
        let traces = run.sample.iter().map(|sampled| &sampled.trace_id);
        Ok(traces.filter(|trace| both(trace)).cloned().collect())
    }

    /// Those of `traces` on which both arms answered in words, in their order.
    pub(super) async fn pairs_in_words(
        &self,
        key: &RunKey,
        traces: &[String],
    ) -> Result<Vec<Pair>, VaultError> {
        let mut prompts: BTreeMap<String, Prompt> = BTreeMap::new();
        let mut answers: BTreeMap<(String, String), String> = BTreeMap::new();
        for text in store::shadow_content::texts(self.engine.db(), key.run(), traces).await? {
            let (trace, arm) = (text.trace_id.clone(), text.arm.clone());
            if arm == PROMPT {
                prompts.insert(trace, open(key, text)?);
                continue;
            }
            let answer: Completion = open(key, text)?;
            if let Some(said) = comparable(&answer) {
                answers.insert((trace, arm), said.to_owned());
            }
        }
        let mut take = |trace: &str, arm: Arm| answers.remove(&(trace.to_owned(), arm.as_str().to_owned()));
        Ok(traces
            .iter()
            .filter_map(|trace| {
                Some(Pair {
                    incumbent: take(trace, Arm::Incumbent)?,
                    candidate: take(trace, Arm::Candidate)?,
                    input: prompts.remove(trace)?.input,
                    trace: trace.clone(),
                })
            })
            .collect())
    }
}
