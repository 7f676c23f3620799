//! A gateway that serves routes: what it serves now, how an approved route is written for it, and how it is put there.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::values::{ChangeNumber, Digest, Hop, Route, WorkflowId};

/// A gateway in front of the models. Every write carries a generation: a later one is never undone by an earlier one.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Its name in the catalog (`litellm-main`).
    fn name(&self) -> &str;

    /// What serves `alias` now.
    ///
    /// # Errors
    /// When the gateway cannot be reached or refuses us.
    async fn read_routes(&self, alias: &str) -> Result<LiveRoute, GatewayError>;

    /// The approved route in the gateway's own language, for people or a pull request. Pure: asks nobody.
    ///
    /// # Errors
    /// [`GatewayError::Unsupported`] when this gateway cannot serve such a route.
    fn render(&self, approved: &ApprovedRoute) -> Result<Artifact, GatewayError>;

    /// Makes `approved` what serves its alias and reads it back. Applying the same generation again changes nothing.
    ///
    /// To go back, apply the former route under a higher generation.
    ///
    /// # Errors
    /// When nothing or not everything could be written; the error says which, and applying again completes it.
    async fn apply(&self, approved: &ApprovedRoute) -> Result<Applied, GatewayError>;
}

/// A route that was approved for an alias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApprovedRoute {
    /// The workflow it serves.
    pub workflow: WorkflowId,
    /// The name callers ask the gateway for.
    pub alias: String,
    /// What shall serve it.
    pub route: Route,
    /// Counts applied routes of this workflow; a higher one goes before a lower one.
    pub generation: u64,
    /// The change that approved it.
    pub change: ChangeNumber,
}

/// What serves an alias, in terms that do not depend on the gateway.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveRoute {
    /// The name callers ask for.
    pub alias: String,
    /// Deployments that answer it, sorted by id; several share the load.
    pub deployments: Vec<LiveHop>,
    /// Deployments of each fallback in order.
    pub fallbacks: Vec<LiveHop>,
    /// The highest generation of ours that is live; none if we never applied one.
    pub generation: Option<u64>,
}

/// One live deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveHop {
    /// What is asked upstream.
    pub hop: Hop,
    /// The gateway's id of the deployment.
    pub id: String,
    /// Whether we put it there.
    pub ours: bool,
    /// Whether the gateway's admin interface can change it; false for one from a configuration file.
    pub editable: bool,
}

impl LiveRoute {
    /// Whether exactly `route` is live: one deployment of the first hop, then its fallbacks in order.
    ///
    /// Region and deployment names that the gateway does not report are not compared.
    #[must_use]
    pub fn serves(&self, route: &Route) -> bool {
        self.differences(route).is_empty()
    }

    /// Every difference between what is live and `route`, one plain sentence each.
    #[must_use]
    pub fn differences(&self, route: &Route) -> Vec<String> {
        let mut found = Vec::new();
        match self.deployments.as_slice() {
            [] => found.push(format!("nothing serves {}", self.alias)),
            [one] => found.extend(difference(&self.alias, &one.hop, &route.primary)),
            many => found.push(format!(
                "{} deployments share {}, one is approved: {}",
                many.len(),
                self.alias,
                many.iter()
                    .map(|live| live.hop.model.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
        }
        if self.fallbacks.len() != route.fallbacks.len() {
            found.push(format!(
                "{} fallbacks are live, {} are approved",
                self.fallbacks.len(),
                route.fallbacks.len()
            ));
        }
        for (index, (live, wanted)) in self.fallbacks.iter().zip(&route.fallbacks).enumerate() {
            found.extend(difference(&format!("fallback {}", index + 1), &live.hop, wanted));
        }
        found
    }

    /// The digest of what is live: changes when and only when what is served changes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let hops = |live: &[LiveHop]| live.iter().map(|live| live.hop.clone()).collect::<Vec<_>>();
        Digest::of_json(&(&self.alias, hops(&self.deployments), hops(&self.fallbacks)))
            .unwrap_or_else(|_| Digest::of(self.alias.as_bytes()))
    }
}

fn difference(place: &str, live: &Hop, wanted: &Hop) -> Option<String> {
    if live.provider != wanted.provider || live.model != wanted.model {
        return Some(format!(
            "{place} is served by {}/{}, approved is {}/{}",
            live.provider, live.model, wanted.provider, wanted.model
        ));
    }
    let regions = live.region.as_ref().zip(wanted.region.as_ref());
    if let Some((live, wanted)) = regions.filter(|(live, wanted)| live != wanted) {
        return Some(format!("{place} runs in {live}, approved is {wanted}"));
    }
    (live.parameters != wanted.parameters).then(|| {
        format!(
            "{place} has parameters {:?}, approved are {:?}",
            live.parameters, wanted.parameters
        )
    })
}

/// The approved route in the gateway's own language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    /// A patch of the gateway's configuration file.
    pub patch: String,
    /// The file format of the patch (`yaml`).
    pub format: String,
    /// The same as calls of the admin interface, in order; secrets are references.
    pub calls: Vec<AdminCall>,
    /// What a person does with it, numbered steps.
    pub instructions: String,
}

/// One call of a gateway's admin interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdminCall {
    /// HTTP method.
    pub method: String,
    /// Path below the gateway's address.
    pub path: String,
    /// JSON body; null for none.
    pub body: Value,
}

/// What became of applying.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// What served the alias before the first write.
    pub before: LiveRoute,
    /// What was read back afterwards.
    pub after: LiveRoute,
    /// Whether anything had to be written.
    pub changed: bool,
}

/// Why a gateway did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// Not reachable or overloaded: try again later.
    #[error("{gateway} cannot be reached: {why}")]
    Unavailable {
        /// The gateway's name.
        gateway: String,
        /// What happened, without secrets.
        why: String,
        /// How long it asked to be left alone.
        after: Option<Duration>,
    },
    /// It answered and said no; trying again will not help until somebody has done what `remedy` says.
    #[error("{gateway} refused: {why}. {remedy}")]
    Refused {
        /// The gateway's name.
        gateway: String,
        /// What it said, without secrets.
        why: String,
        /// What to do.
        remedy: String,
    },
    /// A later generation is live already: this one must not undo it.
    #[error("{gateway} already serves generation {live}; generation {ours} is older and was not applied")]
    Superseded {
        /// The gateway's name.
        gateway: String,
        /// What is live.
        live: u64,
        /// What was asked.
        ours: u64,
    },
    /// Written, but what was read back is something else.
    #[error("{gateway} does not serve what was written: {}", differences.join("; "))]
    NotServed {
        /// The gateway's name.
        gateway: String,
        /// One sentence each.
        differences: Vec<String>,
    },
    /// This gateway cannot serve such a route.
    #[error("{gateway} cannot serve this route: {why}")]
    Unsupported {
        /// The gateway's name.
        gateway: String,
        /// Which part, and what to change.
        why: String,
    },
}
