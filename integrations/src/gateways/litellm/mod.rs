//! LiteLLM proxy: reads its routes, writes approved ones through its admin API or as a patch of `config.yaml`.
//!
//! A deployment that we put there is called `governor-<workflow>-g<generation>`, its fallbacks `…-f1`, `…-f2`. The name
//! is the fence: before a write the live names are read, and a lower generation is never written over a higher one.

mod admin;
#[cfg(feature = "fakes")]
pub mod fake;
pub mod guardrail;
pub mod ingest;
mod ingest_row;
mod render;
mod wire;

use std::collections::BTreeMap;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Deserialize;
use workflow_engine::ports::gateway::{Applied, ApprovedRoute, Artifact, Gateway, GatewayError, LiveRoute};

use self::{admin::Admin, wire::Deployment};
use crate::http::Http;

/// One LiteLLM proxy.
#[derive(Debug)]
pub struct LiteLlm {
    admin: Admin,
    upstreams: BTreeMap<String, Upstream>,
}

/// Where the proxy is and how it reaches the vendors.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name in the catalog.
    pub name: String,
    /// Its address, without a path.
    pub url: String,
    /// A master or admin key.
    pub admin_key: SecretString,
    /// By OpenTelemetry provider name: what a deployment of that provider needs besides its model.
    pub upstreams: BTreeMap<String, Upstream>,
}

/// How the proxy reaches one provider. Keys are references that the proxy resolves; a key itself never passes through us.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Upstream {
    /// `os.environ/OPENAI_API_KEY`.
    pub api_key: Option<String>,
    /// The proxy's name of a stored credential, instead of `api_key`.
    pub credential: Option<String>,
    /// Address, where it is not the provider's usual one.
    pub api_base: Option<String>,
}

impl LiteLlm {
    /// A client of that proxy.
    #[must_use]
    pub fn new(http: Http, config: Config) -> Self {
        Self {
            admin: Admin::new(http, config.name, &config.url, config.admin_key),
            upstreams: config.upstreams,
        }
    }

    /// Puts what is missing, mends what differs, leaves alone what is right.
    async fn write(&self, wanted: &[Deployment], live: &[Deployment]) -> Result<(), GatewayError> {
        for deployment in wanted {
            match live.iter().find(|other| other.id() == deployment.id()) {
                None => self.admin.add(deployment).await?,
                Some(other) if !other.same_params(deployment) => self.admin.update(deployment).await?,
                Some(_) => {}
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Gateway for LiteLlm {
    fn name(&self) -> &str {
        self.admin.name()
    }

    async fn read_routes(&self, alias: &str) -> Result<LiveRoute, GatewayError> {
        let all = self.admin.deployments().await?;
        let fallbacks = self.admin.fallbacks(alias).await?;
        Ok(wire::live_route(alias, &all, &fallbacks))
    }

    fn render(&self, approved: &ApprovedRoute) -> Result<Artifact, GatewayError> {
        render::artifact(self.name(), approved, &self.upstreams)
    }

    async fn apply(&self, approved: &ApprovedRoute) -> Result<Applied, GatewayError> {
        let wanted = render::deployments(self.name(), approved, &self.upstreams)?;
        let alias = approved.alias.as_str();
        let live = self.admin.deployments().await?;
        let fallbacks = self.admin.fallbacks(alias).await?;
        let before = wire::live_route(alias, &live, &fallbacks);
        self.must_not_be_newer(&before, (approved, &wanted)).await?;
        if before.generation == Some(approved.generation) && before.serves(&approved.route) {
            return Ok(Applied {
                after: before.clone(),
                before,
                changed: false,
            });
        }
        self.must_be_editable(&before)?;

        self.write(&wanted, &live).await?;
        let names: Vec<String> = wanted.iter().skip(1).map(|own| own.model_name.clone()).collect();
        if names != fallbacks {
            self.admin.set_fallbacks(alias, &names).await?;
        }
        for other in wire::outlived(alias, &live, &fallbacks, &wanted) {
            self.admin.delete(other).await?;
        }

        let after = self.read_routes(alias).await?;
        self.must_not_be_newer(&after, (approved, &wanted)).await?;
        let differences = after.differences(&approved.route);
        if differences.is_empty() {
            return Ok(Applied {
                before,
                after,
                changed: true,
            });
        }
        Err(GatewayError::NotServed {
            gateway: self.name().to_owned(),
            differences,
        })
    }
}

impl LiteLlm {
    /// Never back to an older generation: where a later one is live, it goes on alone.
    async fn must_not_be_newer(
        &self,
        live: &LiveRoute,
        (approved, wanted): (&ApprovedRoute, &[Deployment]),
    ) -> Result<(), GatewayError> {
        let Some(newer) = live.generation.filter(|live| *live > approved.generation) else {
            return Ok(());
        };
        self.give_way(&approved.alias, newer, wanted).await?;
        Err(GatewayError::Superseded {
            gateway: self.name().to_owned(),
            live: newer,
            ours: approved.generation,
        })
    }

    /// Takes away what we wrote while a later generation was being applied, and lets its own fallbacks serve.
    async fn give_way(&self, alias: &str, newer: u64, wanted: &[Deployment]) -> Result<(), GatewayError> {
        let live = self.admin.deployments().await?;
        let names = wire::fallbacks_of(alias, newer, &live);
        if self.admin.fallbacks(alias).await? != names {
            self.admin.set_fallbacks(alias, &names).await?;
        }
        for late in wanted
            .iter()
            .filter(|own| live.iter().any(|it| it.id() == own.id()))
        {
            self.admin.delete(late.id()).await?;
        }
        Ok(())
    }

    /// A deployment from `config.yaml` would go on sharing the load, and the admin API cannot take it away.
    fn must_be_editable(&self, live: &LiveRoute) -> Result<(), GatewayError> {
        let fixed: Vec<&str> = live
            .deployments
            .iter()
            .filter(|deployment| !deployment.editable)
            .map(|deployment| deployment.id.as_str())
            .collect();
        if fixed.is_empty() {
            return Ok(());
        }
        Err(GatewayError::Refused {
            gateway: self.name().to_owned(),
            why: format!(
                "{} is served from its config.yaml ({})",
                live.alias,
                fixed.join(", ")
            ),
            remedy: format!(
                "Merge the patch into config.yaml and restart, or take {} out of config.yaml so that it can be managed through the admin API",
                live.alias
            ),
        })
    }
}
