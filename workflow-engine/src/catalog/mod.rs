//! What is governed: workflows, people, routes, vendors' facts, margins, budgets and policy, as one document.

mod check;
pub mod clearance;
pub mod diff;
pub mod export;
pub mod fault;
pub mod load;
pub mod people;
pub mod policy;
pub mod routes;
#[cfg(test)]
pub(crate) mod sample;
mod scalar;
mod schema;
pub mod shadow;
mod shape;
mod stamp;
pub mod workflow;

use std::collections::BTreeSet;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::policy::controls::{self, Governance};

pub use diff::{Difference, DifferenceKind, diff};
pub use export::export;
pub use fault::{CatalogFault, CatalogFaults};
pub use load::load;
pub use people::{Away, Group, Person};
pub use policy::{ApprovalRules, PolicySettings, SlotRule, TierRule};
pub use routes::{CatalogRoute, Fact, GatewayEntry, Model, PriceOverride, Vendor};
pub use shadow::Testing;
pub use workflow::{Budget, CostCenter, DataClass, MappingRule, Margins, RiskTier, Workflow};

/// The whole catalog. Stored as versions; a change keeps the digest of the one it was submitted under.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Catalog {
    /// The company: name, time zone, channels.
    pub company: Company,
    /// People who may act.
    pub people: Vec<Person>,
    /// Approver groups.
    pub groups: Vec<Group>,
    /// Where money is charged to.
    pub cost_centers: Vec<CostCenter>,
    /// Data classes, least sensitive first: the ladder that rules compare by.
    pub data_classes: Vec<DataClass>,
    /// Vendors with dated facts.
    pub vendors: Vec<Vendor>,
    /// Models, pinned by version.
    pub models: Vec<Model>,
    /// Gateways that serve routes.
    pub gateways: Vec<GatewayEntry>,
    /// Routes with fallbacks.
    pub routes: Vec<CatalogRoute>,
    /// Governed AI uses.
    pub workflows: Vec<Workflow>,
    /// Ordered: the first rule that matches names the workflow of a call.
    pub mapping: Vec<MappingRule>,
    /// Prices that go before the vendor's list.
    pub prices: Vec<PriceOverride>,
    /// Monthly limits.
    pub budgets: Vec<Budget>,
    /// What the ten controls compare with.
    pub policy: PolicySettings,
    /// Who must agree, by risk tier.
    pub approval: ApprovalRules,
    /// Governance controls and their frameworks, as decisions cite them; empty means the shipped table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<Governance>,
}

/// Company-wide settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Company {
    /// Shown on pages and digests.
    pub name: String,
    /// Where a day and a month begin for finance (`Europe/Berlin`).
    pub time_zone: Tz,
    /// Where requests are posted (`#route-changes`, or a platform's channel id).
    pub approvals_channel: String,
    /// Where the weekly digest goes.
    pub finance_channel: String,
}

impl Default for Company {
    fn default() -> Self {
        Self {
            name: "Your company".to_owned(),
            time_zone: Tz::UTC,
            approvals_channel: "route-changes".to_owned(),
            finance_channel: "ai-spend".to_owned(),
        }
    }
}

impl Catalog {
    /// The workflow of that id.
    #[must_use]
    pub fn workflow(&self, id: &str) -> Option<&Workflow> {
        self.workflows.iter().find(|workflow| workflow.id.as_str() == id)
    }

    /// The route of that id.
    #[must_use]
    pub fn route(&self, id: &str) -> Option<&CatalogRoute> {
        self.routes.iter().find(|route| route.id == id)
    }

    /// The person of that id.
    #[must_use]
    pub fn person(&self, id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.id.as_str() == id)
    }

    /// The model of that vendor name behind that provider.
    #[must_use]
    pub fn model(&self, provider: &str, model: &str) -> Option<&Model> {
        self.models
            .iter()
            .find(|entry| entry.provider == provider && entry.id == model)
    }

    /// Every region that is named anywhere.
    #[must_use]
    pub fn regions(&self) -> BTreeSet<&str> {
        let classes = self.data_classes.iter().flat_map(|class| &class.regions);
        let workflows = self.workflows.iter().flat_map(|workflow| &workflow.regions);
        let hops = self.routes.iter().flat_map(|route| {
            route
                .region
                .iter()
                .chain(route.fallbacks.iter().filter_map(|hop| hop.region.as_ref()))
        });
        let facts = self.vendors.iter().flat_map(|vendor| &vendor.facts);
        let promised = facts.filter(|fact| fact.name == "residency").flat_map(Fact::list);
        classes
            .chain(workflows)
            .chain(hops)
            .map(String::as_str)
            .chain(promised)
            .collect()
    }

    /// The governance controls that decisions cite: its own table, or the shipped one.
    #[must_use]
    pub fn governance(&self) -> &[Governance] {
        match self.controls.as_slice() {
            [] => controls::shipped(),
            own => own,
        }
    }

    /// The vendor behind that provider.
    #[must_use]
    pub fn vendor(&self, provider: &str) -> Option<&Vendor> {
        self.vendors.iter().find(|vendor| vendor.provider == provider)
    }
}
