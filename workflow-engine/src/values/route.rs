//! A route: what serves a workflow's calls, with every fallback hop.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Digest;

/// What serves a workflow: the model asked first, then the fallbacks in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The catalog's name for it (`gpt-4o-0806-us`).
    pub id: String,
    /// The first hop.
    #[serde(flatten)]
    pub primary: Hop,
    /// Tried in order when the first fails; each is held to the policy like the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<Hop>,
}

/// One model behind one provider, pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// OpenTelemetry's provider name (`openai`, `azure.ai.openai`, `anthropic`, …).
    pub provider: String,
    /// The vendor's model name, with its version (`gpt-4o-2024-08-06`).
    pub model: String,
    /// Where it is processed (`us`, `eu`), if the vendor promises one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The gateway's deployment id, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// Sampling parameters as the gateway takes them; values are text so that a route hashes the same everywhere.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
}

impl Route {
    /// Every hop, the first one first.
    pub fn hops(&self) -> impl Iterator<Item = &Hop> {
        std::iter::once(&self.primary).chain(&self.fallbacks)
    }

    /// The digest of the whole route: two routes with the same digest serve the same way.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // A route is text and maps of text, which always have a JSON form.
        Digest::of_json(self).unwrap_or_else(|_| Digest::of(self.id.as_bytes()))
    }
}
