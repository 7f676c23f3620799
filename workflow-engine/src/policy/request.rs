//! What the controls are asked about, as plain values: nothing is looked up while they decide.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{budget::BudgetFacts, evidence::Measured};
use crate::{
    catalog::{Catalog, DataClass, Fact, RiskTier, Workflow},
    values::{Digest, Hop, Route, Usd},
};

/// Which question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before anything is sent: may this workflow's data be shown to the candidate at all?
    Admission,
    /// After the test: may the route be changed?
    Full,
    /// On each call: does it stay within the policy?
    Traffic,
}

/// One question with everything that its answer depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Which question.
    pub phase: Phase,
    /// The day of the question, in the company's time zone.
    pub today: NaiveDate,
    /// What the workflow needs and allows.
    pub workflow: WorkflowFacts,
    /// The route's name.
    pub route: String,
    /// Its digest: its version.
    pub route_sha256: Digest,
    /// Whether the workflow's entry lets this route be proposed; never asked of traffic.
    pub proposable: bool,
    /// Every hop, the first one first.
    pub hops: Vec<HopFacts>,
    /// A model that retires within so many days may not be chosen.
    pub min_days_to_retirement: i64,
    /// The workflow's budget; none means no limit.
    pub budget: Option<BudgetFacts>,
    /// The budget of its cost centre, where the policy asks for it; none means no limit.
    pub cost_center_budget: Option<BudgetFacts>,
    /// What a month costs on today's route; none when it is not known.
    pub monthly_now: Option<Usd>,
    /// Whether the change is filed to save money.
    pub claims_savings: bool,
    /// What the shadow test measured.
    pub measured: Option<Measured>,
    /// The candidate's list price of input divided by today's, where both are known.
    pub list_input: Option<f64>,
    /// Whether a used-up budget of the cost centre counts like the workflow's own.
    pub asks_cost_center: bool,
    /// How old that may be, in days.
    pub evidence_days: i64,
    /// Whether a test that cannot tell yet may go to the approvers in this workflow's tier.
    pub accept_inconclusive: bool,
    /// Whether people may decide in this workflow's tier although the test says no.
    pub accept_not_eligible: bool,
}

/// What a workflow needs and allows.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowFacts {
    /// Its id.
    pub id: String,
    /// Digest of its entry in the catalog, whoever edited it: its version.
    pub sha256: Digest,
    /// The owning team.
    pub team: Option<String>,
    /// Where its calls are charged.
    pub cost_center: String,
    /// Who answers for it: an opaque id.
    pub owner: String,
    /// How much harm a wrong answer does.
    pub risk: RiskTier,
    /// Its data class; none when the catalog has none of that name.
    pub class: Option<DataClass>,
    /// Place of the class in the catalog's ladder, 0 the least sensitive.
    pub class_rank: usize,
    /// Where its data may be processed beside what its class says; empty means wherever the class allows.
    pub regions: Vec<String>,
    /// Whether its calls need tools.
    pub needs_tools: bool,
    /// Tokens that its longest prompts take.
    pub needs_context_tokens: Option<u64>,
    /// 95 of 100 calls must be answered within this.
    pub latency_p95_ms: Option<u64>,
    /// Each kind of request in a person's words.
    pub words: BTreeMap<String, String>,
}

/// What is known of one hop.
#[derive(Clone, Debug, PartialEq)]
pub struct HopFacts {
    /// 0 for the model asked first.
    pub index: usize,
    /// The hop itself.
    pub hop: Hop,
    /// The vendor's name as people read it.
    pub vendor: String,
    /// Whether the policy allows the provider.
    pub provider_allowed: bool,
    /// The model's entry, if the catalog lists it by this very name.
    pub model: Option<ModelFacts>,
    /// Whether the policy forbids the model.
    pub forbidden: bool,
    /// Days for which the vendor keeps data; 0 under zero data retention.
    pub retention_days: Known<u32>,
    /// Whether the vendor trains on data unless told not to.
    pub trains: Known<bool>,
    /// Where the vendor promises to process.
    pub residency: Known<Vec<String>>,
    /// Whether there is a signed contract.
    pub contract: Known<bool>,
    /// Certifications by name, and whether the vendor has them.
    pub certifications: BTreeMap<String, Known<bool>>,
}

/// What the catalog lists of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFacts {
    /// Whether the name always means the same weights.
    pub pinned: bool,
    /// When the vendor takes it away.
    pub retires: Option<NaiveDate>,
    /// Longest prompt.
    pub context_tokens: Option<u64>,
    /// Whether it can call tools.
    pub tools: bool,
}

/// A fact, or why it may not be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known<T> {
    /// It is so, says that document.
    Is(T, String),
    /// It was so until that day.
    Expired(NaiveDate, String),
    /// Nothing is on record.
    Unknown,
}

/// What a change or a call adds to what the catalog knows.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The workflow's budget.
    pub budget: Option<BudgetFacts>,
    /// The budget of its cost centre; looked at only where `policy.cost_center_budgets` is on.
    pub cost_center_budget: Option<BudgetFacts>,
    /// What a month costs on today's route; none when it is not known.
    pub monthly_now: Option<Usd>,
    /// Whether the change is filed to save money.
    pub claims_savings: bool,
    /// What the shadow test measured.
    pub measured: Option<Measured>,
    /// The candidate's list price of input divided by today's, where both are known.
    pub list_input: Option<f64>,
}

impl Request {
    /// The question whether `workflow` may be served by `route`, with what `catalog` knows on the day `today`.
    #[must_use]
    pub fn new(
        catalog: &Catalog,
        workflow: &Workflow,
        route: &Route,
        (phase, today): (Phase, NaiveDate),
    ) -> Self {
        let policy = &catalog.policy;
        let class = catalog
            .data_classes
            .iter()
            .enumerate()
            .find(|(_, class)| class.id == workflow.data_class);
        let candidates = &workflow.candidates;
        Self {
            phase,
            today,
            workflow: WorkflowFacts {
                id: workflow.id.to_string(),
                sha256: workflow.digest(),
                team: workflow.team.clone(),
                cost_center: workflow.cost_center.clone(),
                owner: workflow.owner.to_string(),
                risk: workflow.risk,
                class: class.map(|(_, class)| class.clone()),
                class_rank: class.map_or(usize::MAX, |(rank, _)| rank),
                regions: workflow.regions.clone(),
                needs_tools: workflow.needs_tools,
                needs_context_tokens: workflow.needs_context_tokens,
                latency_p95_ms: workflow.latency_p95_ms,
                words: workflow.strata.words.clone(),
            },
            route: route.id.clone(),
            route_sha256: route.digest(),
            proposable: phase == Phase::Traffic || candidates.is_empty() || candidates.contains(&route.id),
            hops: route
                .hops()
                .enumerate()
                .map(|(index, hop)| HopFacts::new(catalog, index, hop, today))
                .collect(),
            min_days_to_retirement: policy.min_days_to_retirement,
            budget: None,
            cost_center_budget: None,
            asks_cost_center: policy.cost_center_budgets,
            monthly_now: None,
            claims_savings: false,
            measured: None,
            list_input: None,
            evidence_days: policy.evidence_days,
            accept_inconclusive: policy.accept_inconclusive.contains(&workflow.risk),
            accept_not_eligible: policy.accept_not_eligible.contains(&workflow.risk),
        }
    }

    /// The same question with what a change or a call adds.
    #[must_use]
    pub fn with(mut self, asked: Asked) -> Self {
        self.budget = asked.budget;
        self.cost_center_budget = asked.cost_center_budget.filter(|_| self.asks_cost_center);
        self.monthly_now = asked.monthly_now;
        self.claims_savings = asked.claims_savings;
        self.measured = asked.measured;
        self.list_input = asked.list_input;
        self
    }
}

impl HopFacts {
    /// What `catalog` knows of `hop` on the day `today`.
    #[must_use]
    pub fn new(catalog: &Catalog, index: usize, hop: &Hop, today: NaiveDate) -> Self {
        let vendor = catalog.vendor(&hop.provider);
        let facts: &[Fact] = vendor.map_or(&[], |vendor| &vendor.facts);
        let model = catalog.model(&hop.provider, &hop.model);
        let fact = |name: &str| facts.iter().find(|fact| fact.name == name);
        let allowed = &catalog.policy.allowed_providers;
        let asked = catalog
            .data_classes
            .iter()
            .flat_map(|class| &class.certifications);
        Self {
            index,
            hop: hop.clone(),
            vendor: vendor.map_or_else(|| hop.provider.clone(), |vendor| vendor.name.clone()),
            provider_allowed: vendor.is_some() && (allowed.is_empty() || allowed.contains(&hop.provider)),
            model: model.map(|model| ModelFacts {
                pinned: model.pinned && !hop.model.ends_with("-latest"),
                retires: model.retires,
                context_tokens: model.context_tokens,
                tools: model.tools,
            }),
            forbidden: catalog
                .policy
                .forbidden_models
                .iter()
                .any(|name| *name == hop.model || model.is_some_and(|model| model.aliases.contains(name))),
            retention_days: retention(&fact, today),
            trains: known(fact("training_use"), today, |value| Some(value == "always")),
            residency: known(fact("residency"), today, |_| Some(())).map(|()| {
                fact("residency")
                    .map(|fact| fact.list().map(str::to_owned).collect())
                    .unwrap_or_default()
            }),
            contract: known(fact("contract"), today, |value| Some(value == "signed")),
            certifications: asked
                .map(|name| {
                    (
                        name.clone(),
                        known(fact(name), today, |value| Some(!is_no(value))),
                    )
                })
                .collect(),
        }
    }
}

/// Zero data retention goes before a number of days, as long as it holds.
fn retention<'a>(fact: &impl Fn(&str) -> Option<&'a Fact>, today: NaiveDate) -> Known<u32> {
    let zero = known(fact("zero_data_retention"), today, |value| {
        value.parse::<bool>().ok()
    });
    match zero {
        Known::Is(true, source) => Known::Is(0, source),
        _ => known(fact("retention_days"), today, |value| value.parse().ok()),
    }
}

fn is_no(value: &str) -> bool {
    matches!(value.to_lowercase().as_str(), "no" | "none" | "false")
}

/// A fact as it may be relied on that day; what cannot be read is unknown.
fn known<T>(fact: Option<&Fact>, today: NaiveDate, read: impl Fn(&str) -> Option<T>) -> Known<T> {
    match fact {
        None => Known::Unknown,
        Some(fact) if fact.expires < today => Known::Expired(fact.expires, fact.source.clone()),
        Some(fact) => read(&fact.value).map_or(Known::Unknown, |value| Known::Is(value, fact.source.clone())),
    }
}

impl<T> Known<T> {
    /// The fact, if it may be relied on.
    #[must_use]
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Is(value, _) => Some(value),
            _ => None,
        }
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::Is(value, source) => Known::Is(change(value), source),
            Self::Expired(day, source) => Known::Expired(day, source),
            Self::Unknown => Known::Unknown,
        }
    }
}
