//! Vendors, models, gateways, routes and price overrides.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::values::{Hop, Route};

/// A company whose models are called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    /// OpenTelemetry's provider name (`openai`).
    pub provider: String,
    /// Shown to people.
    pub name: String,
    /// What is known of it, each with a source and an end date. A fact that is absent or past its date is unknown.
    #[serde(default)]
    pub facts: Vec<Fact>,
}

/// One dated statement about a vendor, from a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// What it is about: `training_use`, `retention_days`, `zero_data_retention`, `residency`, `contract`, or a certification.
    pub name: String,
    /// What it says (`none`, `30`, `true`, `us,eu`, `signed`).
    pub value: String,
    /// The document it comes from.
    pub source: String,
    /// When it was checked.
    pub as_of: NaiveDate,
    /// The last day on which it may be relied on.
    pub expires: NaiveDate,
}

impl Fact {
    /// The value as a list (`us,eu`).
    pub fn list(&self) -> impl Iterator<Item = &str> {
        self.value
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
    }
}

/// A model by its pinned name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The vendor's name with version (`gpt-4o-2024-08-06`).
    pub id: String,
    /// Whose it is.
    pub provider: String,
    /// Other names that stand for it in prices or traffic.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Whether the name always means the same weights; an alias such as `gpt-4o-latest` does not.
    #[serde(default = "yes")]
    pub pinned: bool,
    /// When the vendor takes it away.
    #[serde(default)]
    pub retires: Option<NaiveDate>,
    /// Longest prompt in tokens.
    #[serde(default)]
    pub context_tokens: Option<u64>,
    /// Whether it can call tools.
    #[serde(default = "yes")]
    pub tools: bool,
}

fn yes() -> bool {
    true
}

/// A gateway that serves routes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayEntry {
    /// Its name in routes and in the ledger (`litellm-main`).
    pub id: String,
    /// Which adapter speaks to it (`litellm`).
    pub kind: String,
    /// Its admin address.
    pub url: String,
    /// Whether the governor may change it. Off until its owner switches it on: instructions only.
    #[serde(default)]
    pub apply: bool,
}

/// A route as the catalog lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogRoute {
    /// Its name.
    pub id: String,
    /// Provider name of the first hop.
    pub provider: String,
    /// Model of the first hop.
    pub model: String,
    /// Region of the first hop.
    #[serde(default)]
    pub region: Option<String>,
    /// Deployment of the first hop.
    #[serde(default)]
    pub deployment: Option<String>,
    /// Parameters of the first hop.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Tried in order when the first fails.
    #[serde(default)]
    pub fallbacks: Vec<Hop>,
}

impl CatalogRoute {
    /// The route as changes and gateways speak of it.
    #[must_use]
    pub fn route(&self) -> Route {
        Route {
            id: self.id.clone(),
            primary: Hop {
                provider: self.provider.clone(),
                model: self.model.clone(),
                region: self.region.clone(),
                deployment: self.deployment.clone(),
                parameters: self.parameters.clone(),
            },
            fallbacks: self.fallbacks.clone(),
        }
    }
}

/// A price that goes before the vendor's list: a contract, or a correction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceOverride {
    /// Provider it holds for.
    pub provider: String,
    /// Model name in traffic and in the price map.
    pub model: String,
    /// `contract` goes before `override`, which goes before the list.
    #[serde(default = "override_kind")]
    pub kind: String,
    /// First day it holds, UTC.
    pub from: NaiveDate,
    /// Last day it holds.
    #[serde(default)]
    pub until: Option<NaiveDate>,
    /// The document it comes from.
    pub source: String,
    /// Prices under the price map's own keys (`input_cost_per_token`), exact decimals as text.
    pub prices: BTreeMap<String, Decimal>,
}

fn override_kind() -> String {
    "override".to_owned()
}
