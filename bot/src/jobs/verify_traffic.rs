//! Looks whether what runs is what was approved: the gateway's routes, and the calls themselves.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::{
        command::Command,
        effect::Effect,
        state::{Change, State},
    },
    engine::{
        Engine, HandleError, Request,
        jobs::{Handler, JobError, report},
    },
    policy::change::is_of_policy,
    ports::{
        calls::{CallReader, Served},
        gateway::LiveRoute,
    },
    store::queue::Job,
    values::{Actor, Hop},
};

use super::{change_of, policy_change};
use crate::gateways::Gateways;

/// A call on the old route within the grace period may be a straggler; so long after it nobody waits for more.
const QUIET: TimeDelta = TimeDelta::minutes(10);

/// Verifies applied changes.
pub struct VerifyTraffic {
    engine: Engine,
    gateways: Gateways,
    calls: Arc<dyn CallReader>,
    look_every: Duration,
}

/// What was found at one look.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    /// So many calls on the new route and none on another.
    Verified(u64),
    /// What runs is not what was approved.
    Mismatch(String),
    /// It cannot be told yet.
    Waiting(String),
}

impl VerifyTraffic {
    /// With these gateways and calls; a change that cannot be verified yet is looked at again after `look_every`.
    #[must_use]
    pub fn new(engine: Engine, gateways: Gateways, calls: Arc<dyn CallReader>, look_every: Duration) -> Self {
        Self {
            engine,
            gateways,
            calls,
            look_every,
        }
    }

    async fn look(&self, change: &Change, since: DateTime<Utc>) -> Result<Finding, JobError> {
        if is_of_policy(change) {
            let in_force = policy_change::in_force(&self.engine, change).await?;
            return Ok(in_force.map_or_else(Finding::Mismatch, |()| Finding::Verified(0)));
        }
        let (_, catalog) = self.engine.catalog().await?;
        let mut live = None;
        if let Some(place) = self.gateways.place(&catalog, change)
            && let Some(gateway) = &place.gateway
        {
            let read = gateway.read_routes(&place.alias).await.map_err(JobError::retry)?;
            let differences = read.differences(&change.candidate);
            if !differences.is_empty() {
                return Ok(Finding::Mismatch(format!(
                    "{} says: {}.",
                    place.name,
                    differences.join("; ")
                )));
            }
            live = Some(read);
        }
        let served = self
            .calls
            .served(&change.workflow, since)
            .await
            .map_err(JobError::retry)?;
        let grace = TimeDelta::hours(catalog.approval.grace_hours);
        Ok(judge(
            &served,
            change,
            live.as_ref(),
            (since, grace, self.engine.clock().now()),
        ))
    }

    /// Says a mismatch on the change; the same one once.
    async fn tell(&self, change: &Change, job: &Job, why: &str) -> Result<(), JobError> {
        let request = Request {
            actor: Actor::Service("verify_traffic".to_owned()),
            key: format!("mismatch:{}:{}", job.key(), job.attempts),
            change: change.number,
            command: Command::ReportMismatch { why: why.to_owned() },
            notes: Vec::new(),
            completes: None,
        };
        match self.engine.handle(request).await {
            Ok(_) | Err(HandleError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[async_trait]
impl Handler for VerifyTraffic {
    fn kinds(&self) -> &'static [&'static str] {
        &["verify_traffic"]
    }

    async fn run(&self, job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        let Effect::VerifyTraffic { generation } =
            serde_json::from_str(&job.payload).map_err(JobError::permanent)?
        else {
            return Err(JobError::permanent("not a route to verify"));
        };
        let change = change_of(&self.engine, job).await?;
        let Some(application) = change
            .application
            .as_ref()
            .filter(|_| change.state == State::Verifying)
        else {
            return Ok(());
        };
        if application.generation != generation {
            return Ok(());
        }
        let why = match self.look(&change, application.since).await? {
            Finding::Verified(calls_seen) => {
                return report(
                    &self.engine,
                    job,
                    change.number,
                    Command::ConfirmVerified { calls_seen },
                )
                .await;
            }
            Finding::Mismatch(why) => {
                self.tell(&change, job, &why).await?;
                why
            }
            Finding::Waiting(why) => why,
        };
        Err(JobError::NotYet {
            why,
            after: self.look_every,
        })
    }
}

/// What the calls since the route was applied say.
fn judge(
    served: &[Served],
    change: &Change,
    live: Option<&LiveRoute>,
    (since, grace, now): (DateTime<Utc>, TimeDelta, DateTime<Utc>),
) -> Finding {
    let approved: Vec<&Hop> = change.candidate.hops().collect();
    let (new, other): (Vec<&Served>, Vec<&Served>) =
        served.iter().partition(|seen| is_on(seen, &approved, live));
    let late = other.iter().find(|seen| seen.last_at > since + grace);
    if let Some(seen) = late {
        return Finding::Mismatch(format!(
            "Calls of {} are still answered by {}, which is not approved for it.",
            change.workflow, seen.model
        ));
    }
    let calls: u64 = new.iter().map(|seen| seen.calls).sum();
    let straggler = other
        .iter()
        .map(|seen| seen.last_at)
        .max()
        .filter(|last| now - *last < QUIET);
    match (calls, straggler) {
        (0, _) if now > since + grace => Finding::Mismatch(format!(
            "No call of {} has been seen on the new route since it was applied.",
            change.workflow
        )),
        (0, _) => Finding::Waiting("no call has been seen on the new route yet".to_owned()),
        (_, Some(_)) => Finding::Waiting("calls still arrive on the old route".to_owned()),
        (calls, None) => Finding::Verified(calls),
    }
}

/// By deployment where the gateway names them, else by model, provider and region as far as they were reported.
fn is_on(seen: &Served, approved: &[&Hop], live: Option<&LiveRoute>) -> bool {
    let ids = live
        .into_iter()
        .flat_map(|live| live.deployments.iter().chain(&live.fallbacks));
    if let Some(deployment) = &seen.deployment
        && ids.clone().any(|hop| hop.ours)
    {
        return ids.clone().any(|hop| hop.id == *deployment);
    }
    let agrees = |reported: &Option<String>, wanted: Option<&String>| match (reported, wanted) {
        (Some(reported), Some(wanted)) => reported == wanted,
        _ => true,
    };
    approved.iter().any(|hop| {
        hop.model == seen.model
            && agrees(&seen.provider, Some(&hop.provider))
            && agrees(&seen.region, hop.region.as_ref())
    })
}
