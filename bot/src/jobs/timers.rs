//! Timers of a change: when they are due, they send their command.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::{
        command::Command,
        effect::Effect,
        state::{Change, State},
    },
    engine::{
        Engine,
        jobs::{Handler, JobError, report},
    },
    policy::change::is_of_policy,
    store::{self, queue::Job},
};

/// Sends `remind`, `escalate`, `expire`, `apply` and the emergency's `roll back` when their time has come. A timer of an
/// earlier revision is refused by the machine, and that is the end of it.
pub struct Timers {
    engine: Engine,
}

impl Timers {
    /// Timers of this engine's changes.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }
}

#[async_trait]
impl Handler for Timers {
    fn kinds(&self) -> &'static [&'static str] {
        &[
            "remind",
            "escalate",
            "expire",
            "start_apply",
            "review_break_glass",
        ]
    }

    async fn run(&self, job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        let effect: Effect = serde_json::from_str(&job.payload).map_err(JobError::permanent)?;
        let id = job.change_id.as_deref().unwrap_or_default();
        let loaded = store::changes::by_id(self.engine.db(), id)
            .await?
            .ok_or_else(|| JobError::permanent("its change is not there"))?;
        self.is_due(&effect, &loaded.change)?;
        let command = match effect {
            Effect::RemindAt { revision, .. } => Command::Remind { revision },
            Effect::EscalateAt { revision, .. } => Command::Escalate { revision },
            Effect::ExpireAt { revision, .. } => Command::Expire { revision },
            Effect::StartApply { .. } => Command::Apply {
                by_hand: self.by_hand(&loaded.change).await?,
            },
            Effect::ReviewBreakGlassAt { .. } => Command::RollBack { note: None },
            _ => return Err(JobError::permanent("not a timer")),
        };
        report(&self.engine, job, loaded.change.number, command).await
    }
}

impl Timers {
    /// A deadline that is not up waits for it: the clock was set back since this was claimed, or the deadline was moved.
    /// Sent all the same it would be refused, and nothing would end the change when its time has come.
    fn is_due(&self, effect: &Effect, change: &Change) -> Result<(), JobError> {
        let deadline = change
            .deadline_at
            .filter(|_| matches!(effect, Effect::ExpireAt { .. }) && change.state == State::AwaitingApproval);
        let left = deadline.map(|at| at - self.engine.clock().now());
        match left
            .and_then(|left| left.to_std().ok())
            .filter(|left| !left.is_zero())
        {
            Some(after) => Err(JobError::NotYet {
                why: "its time is not up yet".to_owned(),
                after,
            }),
            None => Ok(()),
        }
    }

    /// Whether the gateway's owner has not switched applying on: then people get instructions.
    async fn by_hand(&self, change: &Change) -> Result<bool, JobError> {
        if is_of_policy(change) {
            return Ok(false);
        }
        let (_, catalog) = self.engine.catalog().await?;
        let gateway = catalog
            .workflow(change.workflow.as_str())
            .and_then(|workflow| catalog.gateways.iter().find(|entry| entry.id == workflow.gateway));
        Ok(gateway.is_none_or(|gateway| !gateway.apply))
    }
}
