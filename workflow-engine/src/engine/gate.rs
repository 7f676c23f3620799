//! The policy's answer to one request before a gateway sends it on: from memory, never from the database.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Engine, record::Recorder};
use crate::{
    catalog::Catalog,
    finance::budgets::Standing,
    policy::{
        BudgetFacts, BudgetState, Flags,
        traffic::{Called, title},
    },
    store::{self, error::StoreError},
    usage::{attribute::Rules, call::Call},
    values::{Digest, Route, WorkflowId},
};

/// The finding of a request that no mapping rule gives a workflow. It is let pass: nothing is known that could forbid it.
pub const UNKNOWN_WORKFLOW: &str = "unknown-workflow";

/// A request as a gateway describes it; what it does not know it leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct GateCall {
    /// The workflow, where the application says it.
    pub workflow: Option<String>,
    /// Tags of the request.
    pub tags: Vec<String>,
    /// The team as the gateway knows it.
    pub team: Option<String>,
    /// The alias of the virtual key.
    pub key_alias: Option<String>,
    /// The model that the application asked for.
    pub alias: Option<String>,
    /// The vendor, where it is chosen already.
    pub provider: Option<String>,
    /// The model, where it is chosen already; otherwise the workflow's route is asked about.
    pub model: Option<String>,
    /// Where it would be processed.
    pub region: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GateAnswer {
    /// Whether the request may be sent on.
    pub allow: bool,
    /// What the caller may quote; the log has it too.
    pub decision_id: Uuid,
    /// The workflow that it was taken for.
    pub workflow: Option<WorkflowId>,
    /// What it fails, by name; also where it is allowed because the policy only watches.
    pub findings: Vec<&'static str>,
    /// One sentence for people; empty when nothing was found.
    pub reason: String,
    /// The rules that were asked; none before they were read for the first time.
    pub policy_sha256: Option<Digest>,
}

/// What the answers come from. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct Gate {
    engine: Engine,
    recorder: Arc<Recorder>,
    held: Arc<RwLock<Option<Arc<Held>>>>,
}

struct Held {
    rules: Arc<Rules>,
    budgets: HashMap<String, Flags>,
    routes: HashMap<WorkflowId, Route>,
}

impl Gate {
    /// A gate that knows nothing yet: [`Gate::refresh`] it first.
    #[must_use]
    pub fn new(engine: Engine, recorder: Arc<Recorder>) -> Self {
        Self {
            engine,
            recorder,
            held: Arc::default(),
        }
    }

    /// Reads catalog, live routes and budgets anew.
    ///
    /// # Errors
    /// When a database does not answer; the gate then goes on with what it knew.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let rules = self.recorder.rules().await?;
        let (_, catalog) = self.engine.catalog().await?;
        let standings = self.engine.budgets(self.recorder.calls()).await?.standings;
        let moved = store::routes::all_live(self.engine.db()).await?;
        let held = Held {
            rules,
            budgets: budgets(&catalog, &standings),
            routes: routes(&catalog, moved),
        };
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(held));
        Ok(())
    }

    /// Answers one request of `source`. Whatever is in doubt is let pass and named: a gateway must not stop because we do.
    #[must_use]
    pub fn answer(&self, source: &str, asked: &GateCall) -> GateAnswer {
        let decision_id = self.engine.clock().new_id();
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(held) = held else {
            return GateAnswer {
                allow: true,
                decision_id,
                workflow: None,
                findings: Vec::new(),
                reason: "The policy was not read yet.".to_owned(),
                policy_sha256: None,
            };
        };
        let call = asked.as_call(source, self.engine.clock().now());
        let workflow = held.rules.workflow(&call).map(|mapped| mapped.workflow);
        let findings = match &workflow {
            Some(workflow) => held.findings(workflow, asked),
            None => vec![UNKNOWN_WORKFLOW],
        };
        let enforce = held.rules.policy().is_some_and(|policy| policy.enforce);
        let stopped = enforce && workflow.is_some() && !findings.is_empty();
        GateAnswer {
            allow: !stopped,
            decision_id,
            reason: reason(workflow.as_ref(), &findings, stopped),
            workflow,
            findings,
            policy_sha256: held.rules.policy().map(|policy| policy.policy_sha256),
        }
    }
}

impl GateCall {
    /// As a call that is about to be made, for the mapping rules.
    fn as_call(&self, source: &str, at: chrono::DateTime<chrono::Utc>) -> Call {
        let mut call = Call::new(source, "", at);
        call.tags.clone_from(&self.tags);
        call.team.clone_from(&self.team);
        call.requested_alias.clone_from(&self.alias);
        call.beside.key_alias.clone_from(&self.key_alias);
        call.beside.stated.clone_from(&self.workflow);
        call
    }
}

impl Held {
    /// What the request fails: on the model that was chosen, else on the first of the workflow's route.
    fn findings(&self, workflow: &WorkflowId, asked: &GateCall) -> Vec<&'static str> {
        let flags = self.budgets.get(workflow.as_str()).copied().unwrap_or_default();
        let Some(policy) = self.rules.policy() else {
            return Vec::new();
        };
        let chosen = asked.model.as_deref().map(|model| Called {
            provider: asked.provider.as_deref().unwrap_or_default(),
            models: [Some(model), None],
            region: asked.region.as_deref(),
        });
        let usual = self.routes.get(workflow).map(|route| Called {
            provider: &route.primary.provider,
            models: [Some(&route.primary.model), None],
            region: route.primary.region.as_deref(),
        });
        let called = chosen.or(usual);
        called.map_or_else(Vec::new, |called| {
            policy.findings(workflow.as_str(), &called, flags)
        })
    }
}

fn reason(workflow: Option<&WorkflowId>, findings: &[&str], stopped: bool) -> String {
    let Some(workflow) = workflow else {
        return "No mapping rule gives this request a workflow, so the policy cannot be asked.".to_owned();
    };
    if findings.is_empty() {
        return String::new();
    }
    let unmet: Vec<_> = findings.iter().map(|finding| title(finding)).collect();
    let what = if stopped {
        "may not be sent"
    } else {
        "is outside the policy, which only watches"
    };
    format!(
        "This request of {workflow} {what}. Not met: {}.",
        unmet.join("; ")
    )
}

/// Where the budgets of each workflow stand, as the compiled policy asks for it.
fn budgets(catalog: &Catalog, standings: &[Standing]) -> HashMap<String, Flags> {
    let state = |key: String| {
        let standing = standings.iter().find(|standing| standing.key == key)?;
        let facts = BudgetFacts {
            limit: standing.limit,
            spent: standing.spent,
        };
        Some(facts.state())
    };
    let flags = |state: Option<BudgetState>, warns: Flags, exhausted: Flags| match state {
        Some(BudgetState::Exhausted) => exhausted,
        Some(BudgetState::Warn) => warns,
        _ => Flags::default(),
    };
    let entries = catalog.workflows.iter().map(|entry| {
        let own = state(format!("workflow:{}", entry.id));
        let center = state(format!("cost-center:{}", entry.cost_center));
        let own = flags(own, Flags::BUDGET_WARNS, Flags::BUDGET_EXHAUSTED);
        let center = flags(center, Flags::CENTER_WARNS, Flags::CENTER_EXHAUSTED);
        (entry.id.to_string(), own.and(center))
    });
    entries.collect()
}

/// What serves each workflow: where a change has moved it, that; else what the catalog says.
fn routes(catalog: &Catalog, moved: Vec<(WorkflowId, Route)>) -> HashMap<WorkflowId, Route> {
    let listed = catalog.workflows.iter().filter_map(|entry| {
        let route = catalog.route(&entry.route)?;
        Some((entry.id.clone(), route.route()))
    });
    listed.chain(moved).collect()
}
