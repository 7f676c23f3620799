//! Gives the gateway the old route back after a rollback.

use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::{command::Command, effect::Effect, state::State},
    engine::{
        Engine,
        jobs::{Handler, JobError, report},
    },
    policy::change::is_of_policy,
    ports::gateway::GatewayError,
    store::queue::Job,
};

use super::{change_of, policy_change};
use crate::gateways::{Gateways, Place};

/// How often a gateway that we may only read is looked at.
const LOOK: Duration = Duration::from_secs(60);

/// Brings old routes back. Going back is the old route under a higher generation, so a late apply cannot undo it.
pub struct RestoreRoute {
    engine: Engine,
    gateways: Gateways,
}

impl RestoreRoute {
    /// At these gateways.
    #[must_use]
    pub fn new(engine: Engine, gateways: Gateways) -> Self {
        Self { engine, gateways }
    }
}

#[async_trait]
impl Handler for RestoreRoute {
    fn kinds(&self) -> &'static [&'static str] {
        &["restore_route"]
    }

    async fn run(&self, job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        let Effect::RestoreRoute { generation } =
            serde_json::from_str(&job.payload).map_err(JobError::permanent)?
        else {
            return Err(JobError::permanent("not a route to restore"));
        };
        let change = change_of(&self.engine, job).await?;
        let current = change
            .application
            .as_ref()
            .map(|application| application.generation);
        if change.state != State::RolledBack || current != Some(generation) {
            return Ok(());
        }
        if is_of_policy(&change) {
            let command = policy_change::restore(&self.engine, &change, generation).await?;
            return report(&self.engine, job, change.number, command).await;
        }
        let (_, catalog) = self.engine.catalog().await?;
        let Some(place) = self.gateways.place(&catalog, &change) else {
            return Err(JobError::permanent(
                "the catalog no longer has this workflow; restore its route by hand",
            ));
        };
        let Some(gateway) = &place.gateway else {
            let why = format!(
                "the governor has no access to {}; restore {} by hand",
                place.name, place.alias
            );
            return Err(JobError::permanent(why));
        };
        let approved = place.approved(&change, change.baseline.clone(), generation);
        let outcome = if place.may_apply {
            gateway.apply(&approved).await.map(|_| ())
        } else {
            restored_by_hand(&place, &approved.route).await?
        };
        match outcome {
            Ok(()) | Err(GatewayError::Superseded { .. }) => {
                report(
                    &self.engine,
                    job,
                    change.number,
                    Command::ConfirmRestored { generation },
                )
                .await
            }
            Err(GatewayError::Unavailable { gateway, why, after }) => Err(JobError::Retry {
                why: format!("{gateway} cannot be reached: {why}"),
                after,
            }),
            Err(error) => Err(JobError::permanent(error)),
        }
    }
}

/// Waits until somebody has put the old route back.
async fn restored_by_hand(
    place: &Place,
    route: &workflow_engine::values::Route,
) -> Result<Result<(), GatewayError>, JobError> {
    let Some(gateway) = &place.gateway else {
        return Ok(Ok(()));
    };
    match gateway.read_routes(&place.alias).await {
        Ok(live) if live.serves(route) => Ok(Ok(())),
        Ok(_) => Err(JobError::NotYet {
            why: format!(
                "{} still serves the new route; put the old one back by hand",
                place.name
            ),
            after: LOOK,
        }),
        Err(error) => Ok(Err(error)),
    }
}
