//! A test on mirrored calls: both answers are read where the gateway left them. Nobody is asked, nothing is paid.

use std::collections::HashMap;

use super::{Halt, Tester, examples::Prompt, replay::Played, vault::RunKey};
use crate::{
    shadow::{
        arm::{Arm, ArmResult},
        checks::Checks,
        mirror::{Answered, completion, judge},
        plan::Sampled,
        run::Rest,
    },
    store::{
        self,
        shadow::{Answer, Run},
        shadow_content::{PROMPT, SealedText},
    },
};

/// Pairs that are read and kept at a time.
const CHUNK: usize = 128;

impl Tester {
    /// Reads and judges every sampled pair. May be killed and started again: what is kept is kept once.
    pub(super) async fn mirrored(&self, run: &Run) -> Result<Played, Halt> {
        let key = self.vault.key(&run.id).await?;
        let checks = Checks::of(&run.plan.own_checks).map_err(Halt::Failed)?;
        for chunk in run.sample.chunks(CHUNK) {
            let partners = chunk.iter().filter_map(|sampled| sampled.mirror.as_deref());
            let ids: Vec<String> = chunk
                .iter()
                .map(|sampled| sampled.trace_id.as_str())
                .chain(partners)
                .map(str::to_owned)
                .collect();
            let read = self.calls.answered(&ids).await?;
            let read: HashMap<&str, &Answered> = read.iter().map(|call| (call.id.as_str(), call)).collect();
            let (mut answers, mut texts) = (Vec::new(), Vec::new());
            for sampled in chunk {
                let partner = sampled.mirror.as_deref().and_then(|id| read.get(id));
                // Calls whose retention has ended meanwhile are left out, both arms of them.
                let Some((live, mirror)) = read.get(sampled.trace_id.as_str()).zip(partner) else {
                    continue;
                };
                let results = judge(live, mirror, &checks);
                for ((arm, call), result) in [(Arm::Incumbent, live), (Arm::Candidate, mirror)]
                    .into_iter()
                    .zip(results)
                {
                    answers.push(answer(run, (sampled, arm), result, call));
                }
                texts.extend(self.texts(&key, sampled, [live, mirror])?);
            }
            store::shadow_read::keep_read(self.engine.db(), &run.id, &answers, texts, self.now_ms()).await?;
        }
        Ok(Played {
            rest: Rest::AskToo,
            early: None,
        })
    }

    /// What was asked and answered, where both were kept, for those who may read it.
    fn texts(
        &self,
        key: &RunKey,
        sampled: &Sampled,
        [live, mirror]: [&Answered; 2],
    ) -> Result<Vec<SealedText>, Halt> {
        let Some(asked) = live.call.as_ref().filter(|_| mirror.call.is_some()) else {
            return Ok(Vec::new());
        };
        let prompt = Prompt {
            input: asked.input.clone(),
            recorded: asked.answer.clone(),
            reference: asked.reference.clone(),
        };
        let trace = sampled.trace_id.as_str();
        Ok(vec![
            self.vault.seal(key, (trace, PROMPT), &prompt)?,
            self.vault
                .seal(key, (trace, Arm::Incumbent.as_str()), &completion(live))?,
            self.vault
                .seal(key, (trace, Arm::Candidate.as_str()), &completion(mirror))?,
        ])
    }
}

fn answer(run: &Run, (sampled, arm): (&Sampled, Arm), result: ArmResult, call: &Answered) -> Answer {
    let route = match arm {
        Arm::Candidate => &run.plan.candidate,
        _ => &run.plan.baseline,
    };
    Answer {
        trace_id: sampled.trace_id.clone(),
        arm,
        result,
        hop: route.primary.clone(),
        // The gateway had it answered once; the test has sent nothing.
        attempts: 0,
        response_model: None,
        response_id: None,
        trouble: (!call.answered).then(|| "the gateway recorded no answer".to_owned()),
    }
}
