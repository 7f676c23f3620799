//! Runs the shadow test of an admitted change.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::{command::Command, effect::Effect, state::State},
    engine::{
        Engine,
        jobs::{Handler, JobError, report},
        shadow::Tester,
    },
    store::queue::Job,
    values::Revision,
};

use super::{change_of, tell_given_up};

/// Runs shadow tests; started again, it goes on where it was.
pub struct RunShadow {
    engine: Engine,
    tester: Tester,
}

impl RunShadow {
    /// With this tester.
    #[must_use]
    pub fn new(engine: Engine, tester: Tester) -> Self {
        Self { engine, tester }
    }
}

impl RunShadow {
    /// Two replicas that both began a test, because one stood still, may each have frozen a plan: evidence of the plan
    /// that lost is refused, and the one that won must still be run.
    async fn is_over(&self, job: &Job, revision: Revision) -> Result<(), JobError> {
        let change = change_of(&self.engine, job).await?;
        let waits = change.state == State::ShadowTesting && change.revision == revision;
        let paused = change.test.as_ref().is_some_and(|test| test.paused);
        if waits && !paused {
            return Err(JobError::retry("another plan of this test was frozen meanwhile"));
        }
        Ok(())
    }
}

#[async_trait]
impl Handler for RunShadow {
    fn kinds(&self) -> &'static [&'static str] {
        &["run_test"]
    }

    async fn run(&self, job: &Job, stop: &CancellationToken) -> Result<(), JobError> {
        let Effect::RunTest { revision } = serde_json::from_str(&job.payload).map_err(JobError::permanent)?
        else {
            return Err(JobError::permanent("not a test"));
        };
        let change = change_of(&self.engine, job).await?;
        match self.tester.run(change.number, revision, stop).await? {
            Some(command) => {
                report(&self.engine, job, change.number, command).await?;
                self.is_over(job, revision).await
            }
            None => Ok(()),
        }
    }

    /// A test that was given up ends its change, so that nobody waits for evidence that will not come.
    async fn gave_up(&self, job: &Job, why: &str) {
        let why = format!("The test was given up: {why}. File the change again when that is mended.");
        tell_given_up(&self.engine, job, Command::FailTest { why }).await;
    }
}
