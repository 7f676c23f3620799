//! Labels: a cleared person says which of two blinded answers is better, so that a judge can be held against people.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    examples::ExamplesError,
    texts::{CHUNK, Pair},
    vault::{Vault, VaultError},
};
use crate::{
    catalog::clearance::may_read,
    change::command::Command,
    engine::Request,
    ports::model::ReplayInput,
    shadow::{
        judging::{Choice, Order, Says},
        sample::digest,
        statistics::judge::LEAST_LABELS,
    },
    store::{
        self,
        judging::{Label, Place},
        shadow::Run,
    },
    values::{Actor, PersonId, RunId, WorkflowId},
};

/// Runs that are looked through for pairs, newest first.
const RUNS: u64 = 10;

/// A pair to label, and how far the workflow is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ToLabel {
    /// Labels that the workflow has …
    pub labels: u64,
    /// … those of them that prefer an answer …
    pub decisive: u64,
    /// … and how many a judge needs at least.
    pub needed: u64,
    /// The next pair; none where every pair is labelled or no text is kept.
    pub pair: Option<Blinded>,
}

/// Two answers without the names of their models, in an order of the viewer's own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Blinded {
    /// Of which run.
    pub run: RunId,
    /// Of which trace.
    pub trace_id: String,
    /// What both were asked.
    pub input: ReplayInput,
    /// The answer shown first.
    pub first: String,
    /// The answer shown second.
    pub second: String,
}

impl Vault {
    /// The next pair of `workflow` for `viewer`. That they see it is on record first.
    ///
    /// # Errors
    /// As [`Vault::examples`].
    pub async fn to_label(&self, viewer: &PersonId, workflow: &WorkflowId) -> Result<ToLabel, ExamplesError> {
        self.may_label(viewer, workflow).await?;
        let labels = store::judging::labels(self.engine.db(), workflow).await?;
        let decisive = labels.iter().filter(|label| label.says != Says::Tie).count();
        let mut next = ToLabel {
            labels: labels.len() as u64,
            decisive: decisive as u64,
            needed: LEAST_LABELS,
            pair: None,
        };
        let known: BTreeSet<Place> = labels.into_iter().map(|label| label.place).collect();
        for run in store::shadow::of_workflow(self.engine.db(), workflow, RUNS).await? {
            if let Some(pair) = self.open_pair(&run, &known).await? {
                self.seen(viewer, &run, &pair.trace).await?;
                next.pair = Some(blinded(viewer, run.id, pair));
                break;
            }
        }
        Ok(next)
    }

    /// Keeps what `viewer` says of a pair as it was shown to them; the first label of a pair stays. False if it had one.
    ///
    /// # Errors
    /// As [`Vault::examples`]; also where no test of the workflow has such a pair.
    pub async fn label(
        &self,
        viewer: &PersonId,
        workflow: &WorkflowId,
        place: Place,
        choice: Choice,
    ) -> Result<bool, ExamplesError> {
        self.may_label(viewer, workflow).await?;
        let run = store::shadow::by_id(self.engine.db(), &place.0).await?;
        let is_there = |run: &Run| {
            let sampled = run.sample.iter().any(|sampled| sampled.trace_id == place.1);
            run.plan.workflow == *workflow && sampled
        };
        if !run.is_some_and(|run| is_there(&run)) {
            return Err(ExamplesError::NoPair(workflow.clone()));
        }
        let label = Label {
            says: order(viewer, &place.1).means(choice),
            place,
            workflow: workflow.clone(),
            person: viewer.clone(),
        };
        let at = self.engine.clock().now().timestamp_millis();
        Ok(store::judging::label(self.engine.db(), label, at).await?)
    }

    /// Takes back what `viewer` said of a pair, which comes up again then.
    ///
    /// # Errors
    /// As [`Vault::examples`].
    pub async fn take_label_back(
        &self,
        viewer: &PersonId,
        workflow: &WorkflowId,
        place: Place,
    ) -> Result<(), ExamplesError> {
        self.may_label(viewer, workflow).await?;
        Ok(store::judging::take_back(self.engine.db(), place, viewer).await?)
    }

    async fn may_label(&self, viewer: &PersonId, workflow: &WorkflowId) -> Result<(), ExamplesError> {
        let (_, catalog) = self.engine.catalog().await?;
        let entry = catalog
            .workflow(workflow.as_str())
            .ok_or_else(|| ExamplesError::NoWorkflow(workflow.clone()))?;
        may_read(&catalog, entry, viewer).map_err(ExamplesError::NotCleared)
    }

    /// The first pair of a run with two different texts that nobody has labelled; the order of the sample is as good as drawn.
    async fn open_pair(&self, run: &Run, known: &BTreeSet<Place>) -> Result<Option<Pair>, ExamplesError> {
        let key = match self.existing(&run.id).await {
            Ok(key) => key,
            Err(VaultError::Erased) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut traces = self.undecided(run).await?;
        traces.retain(|trace| !known.contains(&(run.id.clone(), trace.clone())));
        for chunk in traces.chunks(CHUNK) {
            let pairs = self.pairs_in_words(&key, chunk).await?;
            if let Some(pair) = pairs.into_iter().find(|pair| !pair.same()) {
                return Ok(Some(pair));
            }
        }
        Ok(None)
    }

    async fn seen(&self, viewer: &PersonId, run: &Run, trace: &str) -> Result<(), ExamplesError> {
        let request = Request {
            actor: Actor::Person(viewer.clone()),
            key: format!("label:{viewer}:{}:{trace}", run.id),
            change: run.plan.change,
            command: Command::RecordViewing {
                run: run.id.clone(),
                traces: 1,
            },
            notes: Vec::new(),
            completes: None,
        };
        self.engine.handle(request).await?;
        Ok(())
    }
}

fn blinded(viewer: &PersonId, run: RunId, pair: Pair) -> Blinded {
    let [first, second] = order(viewer, &pair.trace).shown([pair.incumbent, pair.candidate]);
    Blinded {
        run,
        trace_id: pair.trace,
        input: pair.input,
        first,
        second,
    }
}

/// The order in which a person sees a pair: as good as a coin, and the same each time.
fn order(viewer: &PersonId, trace: &str) -> Order {
    if digest(trace.as_bytes(), viewer.as_str())[0].is_multiple_of(2) {
        Order::Forward
    } else {
        Order::Swapped
    }
}
