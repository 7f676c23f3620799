//! The pairs of a change's test, as they were judged: for whoever wants to compute the report again.

use std::collections::BTreeMap;

use crate::{
    change::state::Change,
    engine::Engine,
    shadow::{
        analysis::{
            pairs::{self, Arms, Pair},
            report::Report,
        },
        arm::{Arm, ArmResult},
        judging::correction,
    },
    store::{self, error::StoreError, shadow::Run},
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
        let judged = report_pairs(&run)?;
        let stored = store::shadow::answers(self.db(), &run.id).await?;
        let mut answers: BTreeMap<(String, Arm), ArmResult> = stored
            .into_iter()
            .map(|answer| ((answer.trace_id, answer.arm), answer.result))
            .collect();
        let may_stand_in = run.plan.first_block.is_some();
        let mut arm =
            |trace: &str, arm: Arm| answers.remove(&(trace.to_owned(), arm)).map(ArmResult::into_arm);
        let pairs = run.sample.into_iter().filter_map(|sampled| {
            let trace = sampled.trace_id.as_str();
            let recorded = arm(trace, Arm::Recorded);
            // After a first block without drift they stood in; a trace that nobody was asked about has no candidate either.
            let stand_in = recorded.as_ref().filter(|_| may_stand_in);
            Some(Pair {
                arms: Arms {
                    incumbent: arm(trace, Arm::Incumbent)
                        .or_else(|| stand_in.map(pairs::Arm::quality_only))?,
                    candidate: arm(trace, Arm::Candidate)?,
                    recorded,
                    incumbent_repeat: arm(trace, Arm::IncumbentRepeat),
                },
                stratum: Some(sampled.stratum),
                cluster: sampled.cluster,
                trace_id: sampled.trace_id,
            })
        });
        let mut pairs: Vec<Pair> = pairs.take(judged).collect();
        correction::score(&mut pairs, &scores);
        Ok(pairs)
    }
}

/// How many pairs the report is of: a test that ended early has answers beyond them.
fn report_pairs(run: &Run) -> Result<usize, StoreError> {
    let Some(report) = &run.report else {
        return Ok(usize::MAX);
    };
    let report: Report = serde_json::from_str(report)?;
    Ok(usize::try_from(report.n).unwrap_or(usize::MAX))
}
