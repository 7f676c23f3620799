//! The outside world in the driver's own process: stand-ins for chat, gateway and vendor that keep all they were sent.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context;
use bot::demo::{
    figures::{AUGUST, Figures},
    vendor::answers,
};
use integrations::{
    chat::slack::fake::{Delivery, Fake, Setup as SlackSetup, User},
    gateways::litellm::{
        Config, LiteLlm,
        fake::{FakeLiteLlm, Setup as GatewaySetup},
    },
    http::{Http, Options},
    models::fake::{FakeVendor, Setup as VendorSetup},
};
use secrecy::SecretString;
use serde_json::json;
use workflow_engine::ports::{clock::Clock, gateway::Gateway as _};

use super::{
    company::{ADMIN_KEY, ROUTES, VENDOR_KEY, WORKFLOWS, workflow},
    facts::Effects,
};

/// Where requests are posted.
pub const CHANNEL: &str = "route-changes";
/// Chat users of the company's people.
pub const USERS: [(&str, &str); 6] = [
    ("maya", "U0MAYA"),
    ("ana", "U0ANA"),
    ("jonas", "U0JONAS"),
    ("priya", "U0PRIYA"),
    ("tomas", "U0TOMAS"),
    ("wei", "U0WEI"),
];

/// The stand-ins. They outlive every replica, as the real ones would.
pub struct Receivers {
    /// Chat.
    pub slack: Fake,
    /// The gateway.
    pub gateway: FakeLiteLlm,
    /// The vendor of all models.
    pub vendor: FakeVendor,
    /// Recorded answers.
    pub figures: Arc<Figures>,
}

impl Receivers {
    /// Starts them on loopback.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let figures = Arc::new(Figures::load()?);
        let vendor = FakeVendor::start(VendorSetup {
            api_key: VENDOR_KEY.to_owned(),
            models: ROUTES.iter().map(|(_, model)| (*model).to_owned()).collect(),
            context_tokens: 128_000,
            answers: answers(figures.clone(), AUGUST),
            latency_scale: 0.0,
        })
        .await?;
        let gateway = FakeLiteLlm::start(gateway(vendor.base_url(), clock.clone())).await?;
        let mut setup = SlackSetup::new(Delivery::Sockets);
        setup.users = USERS
            .iter()
            .map(|(name, id)| User {
                id: (*id).to_owned(),
                name: (*name).to_owned(),
                ..User::default()
            })
            .collect();
        Ok(Self {
            slack: Fake::start(setup, clock).await?,
            gateway,
            vendor,
            figures,
        })
    }

    /// What they received, and what they would serve now.
    ///
    /// # Errors
    /// When the gateway's stand-in does not answer.
    pub async fn effects(&self) -> anyhow::Result<Effects> {
        let posts = self.slack.messages(CHANNEL);
        let marks = posts
            .iter()
            .filter_map(|post| post.metadata.pointer("/event_payload/mark"));
        let client = LiteLlm::new(
            Http::new(Options::default())?,
            Config {
                name: "litellm-main".to_owned(),
                url: self.gateway.url().to_owned(),
                admin_key: SecretString::from(ADMIN_KEY),
                upstreams: BTreeMap::new(),
            },
        );
        let mut serving = BTreeMap::new();
        for number in 0..WORKFLOWS {
            let alias = workflow(number);
            let live = client.read_routes(&alias).await.context("the gateway's routes")?;
            let names = live.deployments.iter().map(|hop| hop.id.clone()).collect();
            serving.insert(alias, names);
        }
        Ok(Effects {
            posts: marks
                .filter_map(|mark| mark.as_str())
                .map(str::to_owned)
                .collect(),
            writes: self.gateway.writes(),
            serving,
        })
    }
}

fn gateway(vendor: &str, clock: Arc<dyn Clock>) -> GatewaySetup {
    let serve = |alias: String| {
        json!({
            "model_name": alias,
            "litellm_params": {"model": "openai/gpt-4o-2024-05-13", "api_base": vendor, "api_key": "os.environ/VENDOR_KEY"},
            "model_info": {"id": format!("dep-{alias}"), "db_model": true},
        })
    };
    GatewaySetup {
        master_key: ADMIN_KEY.to_owned(),
        database: true,
        model_list: (0..WORKFLOWS).map(|number| serve(workflow(number))).collect(),
        fallbacks: json!([]),
        environment: BTreeMap::from([("VENDOR_KEY".to_owned(), VENDOR_KEY.to_owned())]),
        callback: None,
        flush_every: Duration::from_secs(3_600),
        prices: BTreeMap::new(),
        clock,
    }
}
