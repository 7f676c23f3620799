//! The outside systems that the settings and the catalog name: model vendors, gateways.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use integrations::{
    gateways::litellm,
    http::{Http, Options},
    models::openai_compatible as openai,
    witness,
};
use secrecy::SecretString;
use workflow_engine::{
    catalog::GatewayEntry,
    engine::shadow,
    ports::{gateway::Gateway, model::ModelClient, witness::Witness},
};

use crate::{config::Config, gateways::Gateways};

/// Clients of the model vendors that have an address in the settings.
pub(super) fn models(config: &Config) -> anyhow::Result<BTreeMap<String, Arc<dyn ModelClient>>> {
    let http = Http::new(Options {
        timeout: Duration::from_secs(config.shadow.timeout_seconds),
        attempts: config.shadow.retries + 1,
        ..Options::default()
    })?;
    let client = |(name, model): (&String, &crate::config::Model)| {
        let client = openai::Client::new(
            http.clone(),
            openai::Config {
                name: name.clone(),
                base_url: model.base_url.clone(),
                api_key: model.api_key.clone().unwrap_or_else(|| SecretString::from("")),
            },
        );
        (name.clone(), Arc::new(client) as Arc<dyn ModelClient>)
    };
    Ok(config.models.iter().map(client).collect())
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

/// How shadow tests are run, by the settings.
pub(super) fn shadow_settings(config: &Config) -> shadow::Settings {
    let at_once = config.shadow.concurrency;
    shadow::Settings {
        concurrency: u32::try_from(at_once).unwrap_or(u32::MAX),
        in_flight: at_once,
        ..shadow::Settings::default()
    }
}
