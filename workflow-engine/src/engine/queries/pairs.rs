//! The pairs of a change's test, as they were judged: for whoever wants to compute the report again.

use std::collections::BTreeMap;

use crate::{
    change::state::Change,
    engine::Engine,
    shadow::{
        analysis::pairs::{Arms, Pair},
        arm::{Arm, ArmResult},
        judging::correction,
    },
    store::{self, error::StoreError},
};

impl Engine {
    /// The pairs of the change's current test, in the order of the sample; traces without both answers are left out.
    ///
    /// # Errors
    /// When the database does not answer, or a row cannot be read.
    pub async fn pairs(&self, change: &Change) -> Result<Vec<Pair>, StoreError> {
        let Some(test) = &change.test else {
            return Ok(Vec::new());
        };
        let Some(run) = store::shadow::by_id(self.db(), &test.run).await? else {
            return Ok(Vec::new());
        };
        let scores = store::judging::scores(self.db(), &run).await?;
        let stored = store::shadow::answers(self.db(), &run.id).await?;
        let mut answers: BTreeMap<(String, Arm), ArmResult> = stored
            .into_iter()
            .map(|answer| ((answer.trace_id, answer.arm), answer.result))
            .collect();
        let mut arm =
            |trace: &str, arm: Arm| answers.remove(&(trace.to_owned(), arm)).map(ArmResult::into_arm);
        let mut pairs: Vec<Pair> = run
            .sample
            .into_iter()
            .filter_map(|sampled| {
                let trace = sampled.trace_id.as_str();
                Some(Pair {
                    arms: Arms {
                        incumbent: arm(trace, Arm::Incumbent)?,
                        candidate: arm(trace, Arm::Candidate)?,
                        recorded: arm(trace, Arm::Recorded),
                        incumbent_repeat: arm(trace, Arm::IncumbentRepeat),
                    },
                    stratum: Some(sampled.stratum),
                    cluster: sampled.cluster,
                    trace_id: sampled.trace_id,
                })
            })
            .collect();
        correction::score(&mut pairs, &scores);
        Ok(pairs)
    }
}
