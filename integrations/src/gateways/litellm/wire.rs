//! LiteLLM's JSON for deployments and fallbacks, and what it means in our terms.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use workflow_engine::{
    ports::gateway::{LiveHop, LiveRoute},
    values::Hop,
};

/// LiteLLM's provider prefix beside OpenTelemetry's name.
const PROVIDERS: &[(&str, &str)] = &[
    ("openai", "openai"),
    ("azure", "azure.ai.openai"),
    ("azure_ai", "azure.ai.inference"),
    ("anthropic", "anthropic"),
    ("bedrock", "aws.bedrock"),
    ("vertex_ai", "gcp.vertex_ai"),
    ("gemini", "gcp.gemini"),
    ("cohere", "cohere"),
    ("cohere_chat", "cohere"),
    ("mistral", "mistral_ai"),
    ("groq", "groq"),
    ("deepseek", "deepseek"),
    ("perplexity", "perplexity"),
    ("xai", "x_ai"),
    ("watsonx", "ibm.watsonx.ai"),
    ("moonshot", "moonshot_ai"),
];

/// Parameters that change an answer. Everything else in `litellm_params` says how to reach the vendor or is LiteLLM's own.
pub(super) const SAMPLING: &[&str] = &[
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "max_completion_tokens",
    "reasoning_effort",
    "verbosity",
    "seed",
    "stop",
    "presence_penalty",
    "frequency_penalty",
    "parallel_tool_calls",
    "tool_choice",
    "response_format",
    "service_tier",
    "thinking",
];

/// A deployment as `/model/new` takes it and `/model/info` gives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Deployment {
    /// The alias, or the name of a fallback group.
    pub(super) model_name: String,
    pub(super) litellm_params: Params,
    #[serde(default)]
    pub(super) model_info: Info,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Params {
    /// `openai/gpt-4o-2024-08-06`.
    pub(super) model: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) region_name: Option<String>,
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Info {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// The pinned model, where `model` names a deployment (Azure).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) base_model: Option<String>,
    #[serde(default, skip_serializing)]
    pub(super) db_model: bool,
    #[serde(default, skip_serializing)]
    pub(super) litellm_provider: Option<String>,
}

impl Deployment {
    pub(super) fn id(&self) -> &str {
        self.model_info.id.as_deref().unwrap_or_default()
    }

    /// Whether both ask the same upstream the same way. Secrets are not reported, so they are not compared.
    pub(super) fn same_params(&self, other: &Self) -> bool {
        self.model_name == other.model_name && self.hop() == other.hop()
    }

    /// What it asks upstream.
    pub(super) fn hop(&self) -> Hop {
        let (prefix, name) = match self.litellm_params.model.split_once('/') {
            Some((prefix, name)) => (Some(prefix), name),
            None => (None, self.litellm_params.model.as_str()),
        };
        let provider = prefix
            .or(self.model_info.litellm_provider.as_deref())
            .unwrap_or("openai");
        let deployment = self.model_info.base_model.as_ref().map(|_| name.to_owned());
        Hop {
            provider: provider_name(provider),
            model: self
                .model_info
                .base_model
                .clone()
                .unwrap_or_else(|| name.to_owned()),
            region: self.litellm_params.region_name.clone(),
            deployment,
            parameters: sampling(&self.litellm_params.rest),
        }
    }

    fn live(&self) -> LiveHop {
        LiveHop {
            hop: self.hop(),
            id: self.id().to_owned(),
            ours: generation(self.id()).is_some(),
            editable: self.model_info.db_model,
        }
    }
}

/// OpenTelemetry's name of a LiteLLM provider; unknown ones keep their own.
fn provider_name(prefix: &str) -> String {
    let known = PROVIDERS.iter().find(|(litellm, _)| *litellm == prefix);
    known.map_or(prefix, |(_, name)| name).to_owned()
}

/// LiteLLM's prefix of an OpenTelemetry provider name.
pub(super) fn provider_prefix(name: &str) -> &str {
    let known = PROVIDERS.iter().find(|(_, otel)| *otel == name);
    known.map_or(name, |(litellm, _)| litellm)
}

/// As routes keep parameters: text, numbers without a needless `.0`.
fn sampling(params: &Map<String, Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number
            .as_f64()
            .map_or_else(|| number.to_string(), |double| double.to_string()),
        other => other.to_string(),
    };
    params
        .iter()
        .filter(|(name, value)| SAMPLING.contains(&name.as_str()) && !value.is_null())
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

/// The generation in `governor-<workflow>-g<N>` or `…-g<N>-f<K>`; none for a deployment of somebody else.
pub(super) fn generation(id: &str) -> Option<u64> {
    let own = id.strip_prefix("governor-")?;
    let own = match own.rsplit_once("-f") {
        Some((rest, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            rest
        }
        _ => own,
    };
    own.rsplit_once("-g")?.1.parse().ok()
}

/// What serves `alias`, of all deployments and the names of its fallback groups.
pub(super) fn live_route(alias: &str, all: &[Deployment], fallbacks: &[String]) -> LiveRoute {
    let group = |name: &str| {
        let mut hops: Vec<LiveHop> = all
            .iter()
            .filter(|deployment| deployment.model_name == name)
            .map(Deployment::live)
            .collect();
        hops.sort_by(|a, b| a.id.cmp(&b.id));
        hops
    };
    let deployments = group(alias);
    LiveRoute {
        alias: alias.to_owned(),
        generation: deployments.iter().filter_map(|live| generation(&live.id)).max(),
        deployments,
        fallbacks: fallbacks.iter().flat_map(|name| group(name)).collect(),
    }
}

/// Names of the fallback groups that `generation` put there for `alias`, in order.
pub(super) fn fallbacks_of(alias: &str, of: u64, live: &[Deployment]) -> Vec<String> {
    let group = format!("{alias}.fallback-");
    let mut own: Vec<(usize, &str)> = live
        .iter()
        .filter(|other| generation(other.id()) == Some(of))
        .filter_map(|other| {
            let index = other.model_name.strip_prefix(&group)?.parse().ok()?;
            Some((index, other.model_name.as_str()))
        })
        .collect();
    own.sort_unstable();
    own.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// Deployments that serve the alias or were put there by us for it, and are not wanted any more.
pub(super) fn outlived<'a>(
    alias: &str,
    live: &'a [Deployment],
    fallbacks: &[String],
    wanted: &[Deployment],
) -> Vec<&'a str> {
    let of_ours = |other: &Deployment| {
        generation(other.id()).is_some()
            && (fallbacks.contains(&other.model_name)
                || wanted.iter().any(|own| own.model_name == other.model_name))
    };
    live.iter()
        .filter(|other| other.model_info.db_model)
        .filter(|other| other.model_name == alias || of_ours(other))
        .filter(|other| !wanted.iter().any(|own| own.id() == other.id()))
        .map(Deployment::id)
        .collect()
}

/// The answer of `/model/info`.
#[derive(Deserialize)]
pub(super) struct ModelInfo {
    pub(super) data: Vec<Deployment>,
}

/// The answer of `/router/settings`.
#[derive(Deserialize)]
pub(super) struct RouterSettings {
    pub(super) current_values: CurrentValues,
}

#[derive(Deserialize)]
pub(super) struct CurrentValues {
    /// `[{"alias": ["fallback", …]}]`; entries may be objects of another kind in newer versions.
    #[serde(default)]
    pub(super) fallbacks: Option<Vec<Value>>,
}

impl RouterSettings {
    /// Names of the fallback groups of `alias`, in order.
    pub(super) fn fallbacks(&self, alias: &str) -> Vec<String> {
        let all = self.current_values.fallbacks.as_deref().unwrap_or_default();
        let own = all.iter().find_map(|entry| entry.get(alias)?.as_array());
        own.into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(name: &str) -> Option<String> {
        let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
        let roots = [
            std::env::var_os("GOVERNOR_SHARED").unwrap_or_default(),
            beside.into(),
            "/work/shared".into(),
        ];
        let path = roots
            .iter()
            .map(|root| {
                std::path::Path::new(root)
                    .join("corpus/litellm-readback")
                    .join(name)
            })
            .find(|path| path.exists());
        if path.is_none() {
            println!("skipped: no corpus/litellm-readback/{name}");
        }
        std::fs::read_to_string(path?).ok()
    }

    #[test]
    fn what_a_real_proxy_says_of_itself_is_read() {
        let (Some(info), Some(settings)) = (corpus("model_info.json"), corpus("router_settings.json")) else {
            return;
        };
        let info: ModelInfo = serde_json::from_str(&info).unwrap();
        let settings: RouterSettings = serde_json::from_str(&settings).unwrap();
        let live = live_route("broken", &info.data, &settings.fallbacks("broken"));
        assert_eq!(live.deployments[0].hop.model, "gpt-4o");
        assert_eq!(live.fallbacks.len(), 1);
        assert!(!live.deployments[0].editable && !live.deployments[0].ours);
        let shared = live_route(
            "support-copilot",
            &info.data,
            &settings.fallbacks("support-copilot"),
        );
        let models: Vec<&str> = shared
            .deployments
            .iter()
            .map(|live| live.hop.provider.as_str())
            .collect();
        assert_eq!(models, ["openai", "anthropic"]);
        assert_eq!(shared.deployments[0].hop.parameters, BTreeMap::new());
    }

    #[test]
    fn the_generation_is_read_from_our_names_and_from_no_others() {
        assert_eq!(generation("governor-support-answer-g7"), Some(7));
        assert_eq!(generation("governor-support-answer-g12-f2"), Some(12));
        assert_eq!(generation("governor-wf-f1-g3"), Some(3));
        assert_eq!(generation("dep-support-a"), None);
        assert_eq!(generation("governor-support"), None);
    }
}
