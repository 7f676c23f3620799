//! After the last answer: pairs, analysis, report.

use std::collections::BTreeMap;

use super::{Halt, Tester, replay::Played};
use crate::{
    catalog::shadow::Source,
    change::{command::Command, state::TestVerdict},
    shadow::{
        analysis::{
            analyze,
            pairs::{self, Arms, Pair},
            plan::Mode,
            report::Report,
        },
        arm::{Arm, ArmResult},
        checks::Checks,
        ending,
        judging::correction::{self, Work},
        plan::Sampled,
        run::Rest,
    },
    store::{self, shadow::Run},
    values::Digest,
};

impl Tester {
    /// Judges the stored answers of a run and keeps the report.
    pub(super) async fn concluded(
        &self,
        run: &Run,
        played: Played,
        work: Option<Work>,
    ) -> Result<Command, Halt> {
        let pairs = self.pairs(run, played).await?;
        if pairs.is_empty() {
            return Err(Halt::Failed(
                "No sampled call could be replayed on both routes; their prompts are no longer kept. File the change again."
                    .to_owned(),
            ));
        }
        let mut plan = run.plan.analysis();
        if played.early.is_some() {
            // The interval of a fixed sample means nothing where one has stopped at a look.
            plan.mode = Mode::Sequential;
        }
        let analysis = plan.clone();
        let (mut report, pairs) = tokio::task::spawn_blocking(move || (analyze(&plan, &pairs), pairs))
            .await
            .map_err(|_| Halt::Stopping)?;
        if let Some(work) = work {
            correction::apply(&mut report, &analysis, work);
        }
        report.mirrored = run.plan.source == Source::Mirror;
        if let Some(early) = played.early {
            ending::ended_early(&mut report, early, run.sample.len() as u64);
        }
        let (_, catalog) = self.engine.catalog().await?;
        let workflow = catalog.workflow(run.plan.workflow.as_str());
        let waivers = workflow
            .map(|own| own.shadow.waivers.as_slice())
            .unwrap_or_default();
        let today = self.engine.clock().now().date_naive();
        ending::apply(&mut report, ending::counters(&pairs, waivers, today));
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
    pub(super) async fn pairs(&self, run: &Run, played: Played) -> Result<Vec<Pair>, Halt> {
        let counted = played
            .early
            .and_then(|early| usize::try_from(early.after).ok())
            .unwrap_or(run.sample.len());
        let sample = run.sample.get(..counted).unwrap_or(&run.sample);
        let mut answers: BTreeMap<(String, Arm), ArmResult> =
            store::shadow::answers(self.engine.db(), &run.id)
                .await?
                .into_iter()
                .map(|answer| ((answer.trace_id, answer.arm), answer.result))
                .collect();
        let checks = Checks::of(&run.plan.own_checks).map_err(Halt::Failed)?;
        let mut recorded = Vec::new();
        // A mirrored pair's live call is its incumbent already.
        let asked_again = sample.iter().filter(|sampled| sampled.mirror.is_none());
        for chunk in asked_again.collect::<Vec<_>>().chunks(256) {
            let ids: Vec<String> = chunk.iter().map(|sampled| sampled.trace_id.clone()).collect();
            for call in self.calls.contents(&ids).await? {
                recorded.push((call.trace_id.clone(), ArmResult::recorded(&call, &checks)));
            }
        }
        // The calls go when their own retention ends; what was judged stays with the run.
        store::shadow_read::keep_recorded(self.engine.db(), run, &recorded, self.now_ms()).await?;
        for (trace, result) in recorded {
            answers.insert((trace, Arm::Recorded), result);
        }
        let mut pairs: Vec<Pair> = sample
            .iter()
            .filter_map(|sampled| pair(sampled, &mut answers, played.rest))
            .collect();
        correction::score(&mut pairs, &store::judging::scores(self.engine.db(), run).await?);
        Ok(pairs)
    }
}

fn pair(sampled: &Sampled, answers: &mut BTreeMap<(String, Arm), ArmResult>, rest: Rest) -> Option<Pair> {
    let mut arm = |arm: Arm| {
        answers
            .remove(&(sampled.trace_id.clone(), arm))
            .map(ArmResult::into_arm)
    };
    let recorded = arm(Arm::Recorded);
    let stand_in = recorded
        .as_ref()
        .filter(|_| rest == Rest::Recorded)
        .map(pairs::Arm::quality_only);
    Some(Pair {
        trace_id: sampled.trace_id.clone(),
        stratum: Some(sampled.stratum.clone()),
        cluster: sampled.cluster.clone(),
        arms: Arms {
            incumbent: arm(Arm::Incumbent).or(stand_in)?,
            candidate: arm(Arm::Candidate)?,
            recorded,
            incumbent_repeat: arm(Arm::IncumbentRepeat),
        },
    })
}
