//! What is reached over the network: chat, the catalog's gateways, model vendors.

use std::{sync::Arc, time::Duration};

use workflow_engine::{
    catalog::Catalog,
    ports::{chat::ChatPlatform, gateway::GatewayError},
};

use super::{Finding, Severity};
use crate::{
    chat::connect::platform,
    config::{Config, SlackMode},
    service::outside::gateways,
};

/// How long each of them has to answer.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) async fn examine(config: &Config, catalog: Option<&Catalog>) -> Vec<Finding> {
    let mut findings = vec![chat(config).await];
    if let Some(catalog) = catalog {
        findings.extend(gateways_of(config, catalog).await);
        findings.extend(vendors(config, catalog));
    }
    findings
}

async fn chat(config: &Config) -> Finding {
    const AREA: &str = "chat";
    if config.slack.mode == SlackMode::Off {
        let fix = "set [slack], as docs/integrations/slack.md says; the console works without";
        return Finding::new(AREA, Severity::Note, "no chat platform is set up", fix);
    }
    let slack = match platform(config) {
        Ok(Some(slack)) => slack,
        Ok(None) => {
            return Finding::new(
                AREA,
                Severity::Fault,
                "slack.bot_token is not set",
                "set it, or slack.mode = \"off\"",
            );
        }
        Err(error) => {
            return Finding::new(
                AREA,
                Severity::Fault,
                format!("{error:#}"),
                "install ca-certificates",
            );
        }
    };
    match tokio::time::timeout(PATIENCE, slack.check()).await {
        Ok(Ok(us)) => match us.warnings.first() {
            Some(warning) => Finding::new(
                AREA,
                Severity::Note,
                warning.clone(),
                "see docs/integrations/slack.md",
            ),
            None => Finding::ok(
                AREA,
                format!("Slack knows us as {} in {}", us.bot_user, us.workspace),
            ),
        },
        Ok(Err(error)) => {
            let fix = "check slack.bot_token and the app's scopes (docs/integrations/slack.md)";
            Finding::new(AREA, Severity::Fault, error.to_string(), fix)
        }
        Err(_) => Finding::new(
            AREA,
            Severity::Fault,
            "Slack did not answer in 15 s",
            "check the way out to slack.com",
        ),
    }
}

async fn gateways_of(config: &Config, catalog: &Catalog) -> Vec<Finding> {
    let mut findings = Vec::new();
    let clients = match gateways(&Arc::new(config.clone())) {
        Ok(clients) => clients,
        Err(error) => {
            return vec![Finding::new(
                "gateways",
                Severity::Fault,
                format!("{error:#}"),
                "install ca-certificates",
            )];
        }
    };
    for entry in &catalog.gateways {
        let area = format!("gateway {}", entry.id);
        let Some(client) = clients.client(entry) else {
            let (severity, what) = if entry.apply {
                (
                    Severity::Fault,
                    "the catalog lets us apply routes, but we have no access to it",
                )
            } else {
                (
                    Severity::Note,
                    "we have no access to it: routes are handed over to people",
                )
            };
            let fix = format!("set [gateways.{}] admin_key", entry.id);
            findings.push(Finding::new(&area, severity, what, fix));
            continue;
        };
        let alias = catalog
            .workflows
            .iter()
            .find(|workflow| workflow.gateway == entry.id);
        let alias = alias.map_or("", |workflow| workflow.alias.as_str());
        let read = tokio::time::timeout(PATIENCE, client.read_routes(alias)).await;
        findings.push(gateway(&area, &entry.url, read.ok()));
    }
    findings
}

fn gateway<T>(area: &str, url: &str, read: Option<Result<T, GatewayError>>) -> Finding {
    let fix =
        "check the address in the catalog and the admin key in the settings (docs/integrations/litellm.md)";
    match read {
        Some(Ok(_)) => Finding::ok(area, format!("answers at {url} and lets us read its routes")),
        Some(Err(error)) => Finding::new(area, Severity::Fault, error.to_string(), fix),
        None => Finding::new(
            area,
            Severity::Fault,
            format!("{url} did not answer in 15 s"),
            fix,
        ),
    }
}

/// Providers that the catalog's routes name and nobody can replay on.
fn vendors(config: &Config, catalog: &Catalog) -> Vec<Finding> {
    let mut named: Vec<&str> = catalog
        .routes
        .iter()
        .map(|route| route.provider.as_str())
        .collect();
    named.sort_unstable();
    named.dedup();
    let missing = named
        .into_iter()
        .filter(|provider| !config.models.contains_key(*provider));
    missing
        .map(|provider| {
            let what = format!("no client for {provider}: shadow tests cannot replay on its routes");
            // A name with dots is one key of TOML only in quotes.
            let table = if provider.contains('.') {
                format!("[models.\"{provider}\"]")
            } else {
                format!("[models.{provider}]")
            };
            Finding::new(
                "models",
                Severity::Note,
                what,
                format!("set {table} base_url and api_key"),
            )
        })
        .collect()
}
