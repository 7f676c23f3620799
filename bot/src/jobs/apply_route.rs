//! Gives the gateway the approved route, or the old one back.

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
    ports::gateway::{Applied, GatewayError},
    store::queue::Job,
};

use super::{change_of, policy_change, tell_given_up};
use crate::gateways::{Gateways, Place};

/// Gives gateways their approved routes.
pub struct ApplyRoute {
    engine: Engine,
    gateways: Gateways,
}

impl ApplyRoute {
    /// At these gateways.
    #[must_use]
    pub fn new(engine: Engine, gateways: Gateways) -> Self {
        Self { engine, gateways }
    }

    async fn apply(&self, change: &Change, generation: u64) -> Result<Option<Command>, JobError> {
        let Some(application) = change
            .application
            .as_ref()
            .filter(|_| change.state == State::Applying)
        else {
            return Ok(None);
        };
        // By hand: people have the instructions, and say so when they are done.
        if application.generation != generation || application.by_hand {
            return Ok(None);
        }
        if is_of_policy(change) {
            return policy_change::apply(&self.engine, change, generation)
                .await
                .map(Some);
        }
        let (_, catalog) = self.engine.catalog().await?;
        let place = self.gateways.place(&catalog, change);
        let Some(place) = place.filter(|place| place.may_apply) else {
            let why = "Its owner has switched applying off at the gateway since. Apply it by hand, or try again once it is on.";
            return Ok(Some(Command::FailApply { why: why.to_owned() }));
        };
        let command = match give(&place, change, generation).await {
            Ok(applied) => Command::ConfirmApplied {
                generation,
                read_back: Some(applied.after.digest()),
            },
            Err(GatewayError::Unavailable { gateway, why, after }) => {
                let why = format!("{gateway} cannot be reached: {why}");
                return Err(JobError::Retry { why, after });
            }
            Err(error) => Command::FailApply {
                why: format!("{error}."),
            },
        };
        Ok(Some(command))
    }
}

/// The candidate at the gateway.
async fn give(place: &Place, change: &Change, generation: u64) -> Result<Applied, GatewayError> {
    let approved = place.approved(change, change.candidate.clone(), generation);
    match &place.gateway {
        Some(gateway) => gateway.apply(&approved).await,
        None => Err(GatewayError::Refused {
            gateway: place.name.clone(),
            why: "the governor has no admin key for it".to_owned(),
            remedy: format!(
                "Set [gateways.{}] admin_key, or switch applying off in the catalog",
                place.name
            ),
        }),
    }
}

#[async_trait]
impl Handler for ApplyRoute {
    fn kinds(&self) -> &'static [&'static str] {
        &["apply_route"]
    }

    async fn run(&self, job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        let Effect::ApplyRoute { generation } =
            serde_json::from_str(&job.payload).map_err(JobError::permanent)?
        else {
            return Err(JobError::permanent("not a route to apply"));
        };
        let change = change_of(&self.engine, job).await?;
        match self.apply(&change, generation).await? {
            Some(command) => report(&self.engine, job, change.number, command).await,
            None => Ok(()),
        }
    }

    /// People must look: the gateway did not answer for too long.
    async fn gave_up(&self, job: &Job, why: &str) {
        let why = format!("{why}. Look at the gateway, then try again.");
        tell_given_up(&self.engine, job, Command::FailApply { why }).await;
    }
}
