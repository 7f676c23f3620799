//! Examples of a run, both answers side by side: for cleared eyes only, and each look is on record.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::vault::{Vault, VaultError, open};
use crate::{
    catalog::{clearance::may_read, shadow::OwnCheck},
    change::{command::Command, state::Change},
    engine::{HandleError, Request},
    ports::model::{Completion, ReplayInput},
    shadow::{
        arm::{Arm, ArmResult, case},
        checks::differs::differs,
        plan::Sampled,
        recorded::{RecordedAnswer, Reference},
    },
    store::{
        self,
        error::StoreError,
        shadow::{Answer, Run},
        shadow_content::PROMPT,
    },
    values::{Actor, ChangeNumber, PersonId, RunId, WorkflowId},
};

/// Most examples on a page.
pub const MOST: usize = 50;

/// Which examples are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// A check by its name; none stands for the answer as a whole.
    pub check: Option<String>,
    /// Only of this kind of request.
    pub stratum: Option<String>,
    /// How the answers compare.
    pub show: Show,
    /// How many to pass over.
    pub skip: usize,
    /// How many on a page, at most [`MOST`]; 0 stands for 10.
    pub limit: usize,
}

/// How the answers of an example compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Show {
    /// Only the candidate fails.
    #[default]
    Worse,
    /// Only the incumbent fails.
    Better,
    /// Both fail.
    BothFail,
    /// Every replayed pair.
    Every,
}

/// A page of examples, those that differ in most checks first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Examples {
    /// Of which run.
    pub run: RunId,
    /// Whether it still goes on, so that more may come.
    pub running: bool,
    /// The checks that can be asked for.
    pub checks: Vec<String>,
    /// The kinds of request that can be asked for.
    pub strata: Vec<String>,
    /// How many there are in all.
    pub total: usize,
    /// This page.
    pub items: Vec<Example>,
    /// What to pass over for the next page; none on the last.
    pub next_skip: Option<usize>,
}

/// One trace with both answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Example {
    /// The recorded call.
    pub trace_id: String,
    /// Its kind of request.
    pub stratum: String,
    /// What both were asked; none where it is no longer kept.
    pub input: Option<ReplayInput>,
    /// What was answered in production.
    pub recorded: Option<RecordedAnswer>,
    /// What should have been answered, where somebody has said so.
    pub reference: Option<Reference>,
    /// Today's route, asked again.
    pub incumbent: Side,
    /// The proposed route.
    pub candidate: Side,
}

/// One answer with its marks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// The answer; none where nothing readable came.
    pub answer: Option<Completion>,
    /// Verdict, checks, cost, times.
    pub result: ArmResult,
    /// The checks that it failed, with what differed.
    pub failed: Vec<Failed>,
    /// What was wrong with it, if anything.
    pub trouble: Option<String>,
}

/// A failed check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// Its name.
    pub check: String,
    /// What differed, in words; none where the prompt is no longer kept.
    pub differs: Option<String>,
}

/// What was asked in a trace, as it is kept beside the answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Prompt {
    pub(super) input: ReplayInput,
    pub(super) recorded: RecordedAnswer,
    pub(super) reference: Option<Reference>,
}

/// Why no examples are shown.
#[derive(Debug, thiserror::Error)]
pub enum ExamplesError {
    /// There is no such change, or it has no test.
    #[error("there is no test of change {0} to show examples of")]
    NotFound(ChangeNumber),
    /// There is no such workflow.
    #[error("there is no workflow {0}")]
    NoWorkflow(WorkflowId),
    /// No test of the workflow has that pair.
    #[error("no test of {0} has that pair; take run and trace_id from the pair that you were shown")]
    NoPair(WorkflowId),
    /// The viewer is not cleared for this data.
    #[error("{0}")]
    NotCleared(String),
    /// The look could not be put on record, so nothing is shown.
    #[error(transparent)]
    NotRecorded(#[from] HandleError),
    /// Erased, or not readable.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One replayed pair before its texts are opened.
struct Found {
    sampled: Sampled,
    incumbent: Answer,
    candidate: Answer,
}

impl Vault {
    /// Examples of the current test of `number` for `viewer`. That they looked is in the ledger before they see anything;
    /// the same page within the same hour counts once.
    ///
    /// # Errors
    /// [`ExamplesError`]; nothing is shown then.
    pub async fn examples(
        &self,
        viewer: &PersonId,
        number: ChangeNumber,
        asked: &Asked,
    ) -> Result<Examples, ExamplesError> {
        let (change, run) = self.tested(number).await?;
        self.cleared(viewer, &change).await?;
        let mut found = self.found(&run, asked).await?;
        let total = found.len();
        let limit = if asked.limit == 0 {
            10
        } else {
            asked.limit.min(MOST)
        };
        let page: Vec<Found> = found.drain(asked.skip.min(total)..).take(limit).collect();
        if !page.is_empty() {
            self.on_record(viewer, (number, &run.id), asked, page.len())
                .await?;
        }
        let shown = asked.skip.min(total) + page.len();
        Ok(Examples {
            items: self.opened(&run, page).await?,
            running: run.finished_at.is_none(),
            checks: run.plan.checks,
            strata: run.plan.strata.into_keys().collect(),
            run: run.id,
            total,
            next_skip: (shown < total).then_some(shown),
        })
    }

    async fn tested(&self, number: ChangeNumber) -> Result<(Change, Run), ExamplesError> {
        let nothing = || ExamplesError::NotFound(number);
        let change = store::changes::by_number(self.engine.db(), number).await?;
        let change = change.ok_or_else(nothing)?.change;
        let run = self.engine.test_run(&change).await?.ok_or_else(nothing)?;
        Ok((change, run))
    }

    /// Clearance is asked of the catalog as it stands now.
    pub(super) async fn cleared(&self, viewer: &PersonId, change: &Change) -> Result<(), ExamplesError> {
        let (_, catalog) = self.engine.catalog().await?;
        let workflow = catalog
            .workflow(change.workflow.as_str())
            .ok_or(ExamplesError::NotFound(change.number))?;
        may_read(&catalog, workflow, viewer).map_err(ExamplesError::NotCleared)
    }

    /// What fits, those that differ in most checks first, else in the order of the sample.
    async fn found(&self, run: &Run, asked: &Asked) -> Result<Vec<Found>, StoreError> {
        let stored = store::shadow::answers(self.engine.db(), &run.id).await?;
        let mut answers: HashMap<(String, Arm), Answer> = stored
            .into_iter()
            .map(|answer| ((answer.trace_id.clone(), answer.arm), answer))
            .collect();
        let mut found: Vec<Found> = run
            .sample
            .iter()
            .filter(|sampled| named(&asked.stratum).is_none_or(|kind| kind == sampled.stratum))
            .filter_map(|sampled| {
                Some(Found {
                    incumbent: answers.remove(&(sampled.trace_id.clone(), Arm::Incumbent))?,
                    candidate: answers.remove(&(sampled.trace_id.clone(), Arm::Candidate))?,
                    sampled: sampled.clone(),
                })
            })
            .filter(|pair| pair.fits(asked))
            .collect();
        found.sort_by_key(|pair| std::cmp::Reverse(pair.lost_checks()));
        Ok(found)
    }

    async fn on_record(
        &self,
        viewer: &PersonId,
        (change, run): (ChangeNumber, &RunId),
        asked: &Asked,
        traces: usize,
    ) -> Result<(), HandleError> {
        let hour = self.engine.clock().now().format("%Y%m%d%H");
        let page = serde_json::to_string(asked).map_err(StoreError::from)?;
        self.engine
            .handle(Request {
                actor: Actor::Person(viewer.clone()),
                key: format!("view:{viewer}:{run}:{hour}:{page}"),
                change,
                command: Command::RecordViewing {
                    run: run.clone(),
                    traces: u32::try_from(traces).unwrap_or(u32::MAX),
                },
                notes: Vec::new(),
                completes: None,
            })
            .await?;
        Ok(())
    }

    async fn opened(&self, run: &Run, page: Vec<Found>) -> Result<Vec<Example>, ExamplesError> {
        if page.is_empty() {
            return Ok(Vec::new());
        }
        let key = self.existing(&run.id).await?;
        let ids: Vec<String> = page.iter().map(|pair| pair.sampled.trace_id.clone()).collect();
        let mut texts = BTreeMap::new();
        for text in store::shadow_content::texts(self.engine.db(), &run.id, &ids).await? {
            texts.insert((text.trace_id.clone(), text.arm.clone()), text);
        }
        let mut take = |trace: &str, arm: &str| texts.remove(&(trace.to_owned(), arm.to_owned()));
        let mut items = Vec::with_capacity(page.len());
        for pair in page {
            let trace = pair.sampled.trace_id;
            let prompt: Option<Prompt> = take(&trace, PROMPT).map(|text| open(&key, text)).transpose()?;
            let mut side = |stored: Answer| -> Result<Side, VaultError> {
                let text = take(&trace, stored.arm.as_str());
                let answer = text.map(|text| open(&key, text)).transpose()?;
                Ok(Side {
                    failed: failed(
                        &stored.result,
                        prompt.as_ref(),
                        answer.as_ref(),
                        &run.plan.own_checks,
                    ),
                    answer,
                    result: stored.result,
                    trouble: stored.trouble,
                })
            };
            let (incumbent, candidate) = (side(pair.incumbent)?, side(pair.candidate)?);
            let (input, recorded, reference) = match prompt {
                Some(prompt) => (Some(prompt.input), Some(prompt.recorded), prompt.reference),
                None => (None, None, None),
            };
            items.push(Example {
                trace_id: trace,
                stratum: pair.sampled.stratum,
                input,
                recorded,
                reference,
                incumbent,
                candidate,
            });
        }
        Ok(items)
    }
}

/// An empty field of a form names nothing.
fn named(field: &Option<String>) -> Option<&str> {
    field.as_deref().filter(|name| !name.is_empty())
}

fn failed(
    result: &ArmResult,
    prompt: Option<&Prompt>,
    answer: Option<&Completion>,
    own: &[OwnCheck],
) -> Vec<Failed> {
    let failed = result.checks.iter().filter(|(_, passed)| !**passed);
    failed
        .map(|(check, _)| Failed {
            check: check.clone(),
            differs: prompt.map(|prompt| {
                let reference = prompt.reference.as_ref();
                differs(
                    check,
                    &case((&prompt.input, &prompt.recorded, reference), answer),
                    own,
                )
            }),
        })
        .collect()
}

impl Found {
    fn fits(&self, asked: &Asked) -> bool {
        let passed = |answer: &Answer| match named(&asked.check) {
            None => Some(answer.result.ok),
            Some(check) => answer.result.checks.get(check).copied(),
        };
        let (Some(before), Some(after)) = (passed(&self.incumbent), passed(&self.candidate)) else {
            return false;
        };
        match asked.show {
            Show::Worse => before && !after,
            Show::Better => !before && after,
            Show::BothFail => !before && !after,
            Show::Every => true,
        }
    }

    /// Checks that the incumbent passes and the candidate does not.
    fn lost_checks(&self) -> usize {
        let after = &self.candidate.result.checks;
        let lost = |(name, passed): &(&String, &bool)| **passed && after.get(*name) == Some(&false);
        self.incumbent.result.checks.iter().filter(lost).count()
    }
}
