//! After the last answer: pairs, analysis, report.

use std::collections::BTreeMap;

use super::{Halt, Tester};
use crate::{
    change::{command::Command, state::TestVerdict},
    shadow::{
        analysis::{
            analyze,
            pairs::{Arms, Pair},
            report::Report,
        },
        arm::{Arm, ArmResult},
    },
    store::{self, shadow::Run},
    values::Digest,
};

impl Tester {
    /// Judges the stored answers of a complete run and keeps the report.
    pub(super) async fn concluded(&self, run: &Run) -> Result<Command, Halt> {
        let pairs = self.pairs(run).await?;
        if pairs.is_empty() {
            return Err(Halt::Failed(
                "No sampled call could be replayed on both routes; their prompts are no longer kept. File the change again."
                    .to_owned(),
            ));
        }
        let plan = run.plan.analysis();
        let report = tokio::task::spawn_blocking(move || analyze(&plan, &pairs))
            .await
            .map_err(|_| Halt::Stopping)?;
        let digest = self.keep(run, &report).await?;
        let outcome = serde_json::to_value(report.verdict).map_err(crate::store::error::StoreError::from)?;
        Ok(Command::SubmitEvidence {
            run: run.id.clone(),
            verdict: TestVerdict {
                outcome: outcome.as_str().unwrap_or("inconclusive").to_owned(),
                report: digest,
            },
        })
    }

    async fn keep(&self, run: &Run, report: &Report) -> Result<Digest, Halt> {
        let text = serde_json::to_string(report).map_err(crate::store::error::StoreError::from)?;
        let digest = Digest::of_json(report).map_err(crate::store::error::StoreError::from)?;
        store::shadow::finish(self.engine.db(), &run.id, text, digest, self.now_ms()).await?;
        Ok(digest)
    }

    /// The pairs as `governor analyze` reads them, in the order of the sample; traces without both answers are left out.
    ///
    /// What was recorded is judged by the same checks, and stands beside as an arm of its own.
    pub(super) async fn pairs(&self, run: &Run) -> Result<Vec<Pair>, Halt> {
        let mut answers: BTreeMap<(String, Arm), ArmResult> =
            store::shadow::answers(self.engine.db(), &run.id)
                .await?
                .into_iter()
                .map(|answer| ((answer.trace_id, answer.arm), answer.result))
                .collect();
        for chunk in run.sample.chunks(256) {
            let ids: Vec<String> = chunk.iter().map(|sampled| sampled.trace_id.clone()).collect();
            for call in self.calls.contents(&ids).await? {
                let recorded = ArmResult::recorded(&call);
                answers.insert((call.trace_id, Arm::Recorded), recorded);
            }
        }
        let mut arm =
            |trace: &str, arm: Arm| answers.remove(&(trace.to_owned(), arm)).map(ArmResult::into_arm);
        let pair = run.sample.iter().filter_map(|sampled| {
            Some(Pair {
                trace_id: sampled.trace_id.clone(),
                stratum: Some(sampled.stratum.clone()),
                cluster: sampled.cluster.clone(),
                arms: Arms {
                    incumbent: arm(&sampled.trace_id, Arm::Incumbent)?,
                    candidate: arm(&sampled.trace_id, Arm::Candidate)?,
                    recorded: arm(&sampled.trace_id, Arm::Recorded),
                    incumbent_repeat: arm(&sampled.trace_id, Arm::IncumbentRepeat),
                },
            })
        });
        Ok(pair.collect())
    }
}
