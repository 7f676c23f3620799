//! The outside systems that the settings and the catalog name: model vendors, gateways.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use integrations::{
    gateways::litellm,
    http::{Http, Options},
    models::{
        anthropic::Messages,
        bedrock::{Access, Converse, Keys},
        client::Client,
        gemini::{Door, Generate},
        openai_compatible::{Chat, House},
        openai_responses::Responses,
    },
    timestamps, witness,
};
use secrecy::SecretString;
use workflow_engine::{
    catalog::GatewayEntry,
    engine::shadow,
    ports::{gateway::Gateway, model::ModelClient, timestamp::TimestampAuthority, witness::Witness},
};

use crate::{
    config::{self, Config, Protocol},
    gateways::Gateways,
};

/// Clients of the model vendors that have an address in the settings.
pub(super) fn models(config: &Config) -> anyhow::Result<BTreeMap<String, Arc<dyn ModelClient>>> {
    let http = Http::new(Options {
        timeout: Duration::from_secs(config.shadow.timeout_seconds),
        attempts: config.shadow.retries + 1,
        ..Options::default()
    })?;
    let clients = config.models.iter();
    clients
        .map(|(name, model)| Ok((name.clone(), model_client(&http, name, model)?)))
        .collect()
}

fn model_client(http: &Http, name: &str, model: &config::Model) -> anyhow::Result<Arc<dyn ModelClient>> {
    let base_url = model.base_url.clone();
    let api_key = model.api_key.clone().unwrap_or_default();
    let (http, named) = (http.clone(), name.to_owned());
    let chat = |house| Chat {
        base_url: base_url.clone(),
        api_key: api_key.clone(),
        house,
    };
    let generate = |door| Generate {
        base_url: base_url.clone(),
        api_key: api_key.clone(),
        door,
    };
    Ok(
        match model.protocol.unwrap_or_else(|| Protocol::of_provider(name)) {
            Protocol::OpenaiChat => Arc::new(Client::new(http, named, chat(House::OpenAi))),
            Protocol::AzureOpenai => Arc::new(Client::new(http, named, chat(House::Azure))),
            Protocol::OpenaiResponses => Arc::new(Client::new(http, named, Responses { base_url, api_key })),
            Protocol::Anthropic => Arc::new(Client::new(http, named, Messages { base_url, api_key })),
            Protocol::Gemini => Arc::new(Client::new(http, named, generate(Door::Gemini))),
            Protocol::Vertex => Arc::new(Client::new(http, named, generate(Door::Vertex))),
            Protocol::Bedrock => {
                let access = access(name, model)?;
                Arc::new(Client::new(http, named, Converse { base_url, access }))
            }
        },
    )
}

/// How AWS knows us: an API key, or an access key that signs.
fn access(name: &str, model: &config::Model) -> anyhow::Result<Access> {
    if let Some(key) = &model.api_key {
        return Ok(Access::ApiKey(key.clone()));
    }
    match (&model.access_key_id, &model.secret_access_key, &model.region) {
        (Some(id), Some(secret), Some(region)) => Ok(Access::Signed(Keys {
            id: id.clone(),
            secret: secret.clone(),
            session: model.session_token.clone(),
            region: region.clone(),
        })),
        _ => anyhow::bail!("models.{name}: set api_key, or access_key_id, secret_access_key and region"),
    }
}

/// Clients of the catalog's gateways whose credentials are in the settings; a gateway that a later catalog names is
/// known without a restart.
pub(crate) fn gateways(config: &Arc<Config>) -> anyhow::Result<Gateways> {
    let http = Http::new(Options::default())?;
    let config = config.clone();
    Ok(Gateways::opened_by(move |entry: &GatewayEntry| {
        let access = config.gateways.get(&entry.id)?;
        let client = litellm::LiteLlm::new(
            http.clone(),
            litellm::Config {
                name: entry.id.clone(),
                url: entry.url.clone(),
                admin_key: access.admin_key.clone().unwrap_or_else(|| SecretString::from("")),
                upstreams: access.upstreams.clone(),
            },
        );
        Some(Arc::new(client) as Arc<dyn Gateway>)
    }))
}

/// Clients of the ledger's witnesses.
pub(super) fn witnesses(config: &Config) -> anyhow::Result<Vec<Arc<dyn Witness>>> {
    let http = Http::new(Options {
        timeout: Duration::from_secs(10),
        attempts: 2,
        max_body_bytes: 64 << 10,
        ..Options::default()
    })?;
    let client = |one: &crate::config::WitnessAt| {
        let key = one.key().map_err(anyhow::Error::msg)?;
        Ok(Arc::new(witness::Client::new(http.clone(), &one.url, key)) as Arc<dyn Witness>)
    };
    config.ledger.witnesses.iter().map(client).collect()
}

/// The client of the time-stamp authority, if one is configured.
pub(super) fn authority(config: &Config) -> anyhow::Result<Option<Arc<dyn TimestampAuthority>>> {
    if config.ledger.timestamp_url.is_empty() {
        return Ok(None);
    }
    let http = Http::new(Options {
        timeout: Duration::from_secs(20),
        ..Options::default()
    })?;
    let client = timestamps::Client::new(http, &config.ledger.timestamp_url);
    Ok(Some(Arc::new(client)))
}

/// How shadow tests are run, by the settings.
pub(super) fn shadow_settings(config: &Config) -> shadow::Settings {
    let at_once = config.shadow.concurrency;
    shadow::Settings {
        concurrency: u32::try_from(at_once).unwrap_or(u32::MAX),
        in_flight: at_once,
        ..shadow::Settings::default()
    }
}
