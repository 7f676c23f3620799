//! Before anything is sent: may this workflow's data be shown to the candidate at all?

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::{command::Command, effect::Effect, state::State},
    engine::{
        Engine,
        jobs::{Handler, JobError, report},
    },
    policy::{Answer, Phase, Request, Rulebook, change::is_of_policy},
    store::{self, queue::Job},
};

use super::{policy_change, subject::Subject};

/// Asks the controls that need no measurement, for every hop of the candidate. A refusal ends the change with nothing sent.
pub struct Admission {
    engine: Engine,
}

impl Admission {
    /// Admission for this engine's changes.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }
}

#[async_trait]
impl Handler for Admission {
    fn kinds(&self) -> &'static [&'static str] {
        &["check_admission"]
    }

    async fn run(&self, job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        let Effect::CheckAdmission { revision } =
            serde_json::from_str(&job.payload).map_err(JobError::permanent)?
        else {
            return Err(JobError::permanent("not an admission check"));
        };
        let subject = Subject::load(&self.engine, job).await?;
        let change = &subject.change;
        if change.state != State::Submitted || change.revision != revision {
            return Ok(());
        }
        if is_of_policy(change) {
            let command = policy_change::admit(&self.engine, &subject).await?;
            return report(&self.engine, job, change.number, command).await;
        }
        let book = Rulebook::new(&subject.catalog);
        let at = (Phase::Admission, subject.today);
        let decision = book.decide(&Request::new(
            &subject.catalog,
            subject.workflow()?,
            &change.candidate,
            at,
        ));
        let millis = subject.now.timestamp_millis();
        let digest = store::decisions::insert(self.engine.db(), &change.id, &decision, millis).await?;
        let command = match decision.decision {
            Answer::Permit => Command::Admit { decision: digest },
            Answer::Deny => Command::RefuseAdmission {
                decision: digest,
                controls: decision.determining.clone(),
                why: format!("{} Nothing was sent.", decision.sentence()),
            },
        };
        report(&self.engine, job, change.number, command).await
    }
}
