//! The stage of the demo: stand-ins on loopback, a folder with settings and catalog, and the real service between them.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use chrono::TimeDelta;
use integrations::{chat::slack::fake as slack, gateways::litellm::fake as litellm, models::fake as vendor};
use serde_json::json;
use workflow_engine::{
    catalog::load,
    ports::clock::Clock,
    shadow::plan::Latency,
    store::{
        db::Db,
        tokens::{self, ApiToken, TokenRole},
    },
    values::Actor,
};

use super::{
    figures::{AUGUST, Figures},
    tour, vendor as answers,
};
use crate::{
    clock::SystemClock,
    config::Config,
    http::auth::tokens::fresh,
    service::{Service, Start},
    storage,
};

/// The same sample in every demo, as a real plan draws its own.
const SEED: [u8; 16] = *b"governor demo 01";
const ADMIN_KEY: &str = "sk-stand-in-admin";
const VENDOR_KEY: &str = "stand-in-vendor-key";

/// The service and everything it talks to; all of it ends with this value.
pub struct Stage {
    /// The service.
    pub service: Service,
    /// The vendors that serve the company's region.
    pub vendors: vendor::FakeVendor,
    /// A vendor elsewhere, which must never be asked.
    pub elsewhere: vendor::FakeVendor,
    /// The gateway.
    pub gateway: litellm::FakeLiteLlm,
    /// The chat.
    pub slack: slack::Fake,
    /// Recorded figures.
    pub figures: Arc<Figures>,
    /// Token of the application that reports spans.
    pub spans_token: String,
    /// Token of the gateway that reports calls.
    pub gateway_token: String,
    /// Where the service listens.
    pub base: String,
    /// Where everything is kept.
    pub folder: PathBuf,
}

/// Builds the stage in `folder`; the console listens on `port`, 0 for any.
///
/// # Errors
/// One sentence: a port in use, a folder that cannot be written.
pub async fn set(folder: &Path, port: u16) -> anyhow::Result<Stage> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let figures = Arc::new(Figures::load()?);
    let clock = Arc::new(SystemClock);
    let port = if port == 0 { free_port()? } else { port };
    let base = format!("http://127.0.0.1:{port}");
    let vendors = vendor::FakeVendor::start(as_recorded(&figures)).await?;
    let elsewhere = vendor::FakeVendor::start(as_recorded(&figures)).await?;
    let slack = slack::Fake::start(workspace(port), clock.clone()).await?;
    let (spans_token, gateway_token) = prepare(folder).await?;
    let gateway = litellm::FakeLiteLlm::start(litellm::Setup {
        master_key: ADMIN_KEY.to_owned(),
        database: true,
        model_list: model_list(vendors.base_url()),
        fallbacks: json!([]),
        environment: BTreeMap::from([("VENDOR_KEY".to_owned(), VENDOR_KEY.to_owned())]),
        callback: Some((format!("{base}/ingest/litellm"), gateway_token.clone())),
        flush_every: Duration::from_millis(400),
        prices: BTreeMap::new(),
        clock: clock.clone(),
    })
    .await?;
    let settings = settings(folder, port, &slack, &vendors, &elsewhere);
    let file = folder.join("governor.toml");
    std::fs::write(&file, settings).with_context(|| format!("{} cannot be written", file.display()))?;
    let config = Arc::new(Config::load(Some(&file))?);
    apply_catalog(folder, &config, gateway.url()).await?;
    let mut start = Start::new(config);
    start.tour = Some(tour::tour(slack.base_url()));
    start.shadow.seed = Some(SEED);
    // The vendors tell the recorded time of each answer and do not make anybody wait for it.
    start.shadow.latency = Latency::Vendor;
    // The stand-ins answer the same prompt the same way, so asking twice would show nothing.
    start.shadow.repeats = 0;
    // All of last month, whatever today's date is.
    start.shadow.window = TimeDelta::days(62);
    let service = Service::start(start).await?;
    Ok(Stage {
        service,
        vendors,
        elsewhere,
        gateway,
        slack,
        figures,
        spans_token,
        gateway_token,
        base,
        folder: folder.to_owned(),
    })
}

/// Models of the vendors that the company may use.
fn as_recorded(figures: &Arc<Figures>) -> vendor::Setup {
    vendor::Setup {
        api_key: VENDOR_KEY.to_owned(),
        models: figures.models(AUGUST).map(str::to_owned).collect(),
        context_tokens: 128_000,
        answers: answers::answers(figures.clone(), AUGUST),
        latency_scale: 0.0,
    }
}

/// The people of the catalog, one channel for requests and one for finance.
fn workspace(port: u16) -> slack::Setup {
    let user = |id: &str, name: &str, title: &str| slack::world::User {
        id: id.to_owned(),
        name: name.to_owned(),
        title: title.to_owned(),
        ..slack::world::User::default()
    };
    let mut setup = slack::Setup::new(slack::Delivery::Sockets);
    // Beside the console's port if that is free, so that the address can be guessed.
    let beside = port
        .checked_add(1)
        .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    setup.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, beside.unwrap_or(0)));
    setup.team = "Northwind Insurance".to_owned();
    setup.users = vec![
        user("U0MAYA", "Maya K.", "engineer, files changes"),
        user("U0ANA", "Ana R.", "platform"),
        user("U0JONAS", "Jonas F.", "platform"),
        user("U0PRIYA", "Priya N.", "security"),
        user("U0NADIA", "Nadia B.", "security"),
        user("U0TOMAS", "Tomás L.", "finance"),
        user("U0LENA", "Lena H.", "owns the cost centres"),
        user("U0WEI", "Wei C.", "owns both workflows"),
    ];
    setup
}

/// What the gateway serves before any change.
fn model_list(vendor: &str) -> serde_json::Value {
    let serve = |alias: &str, model: &str| {
        json!({
            "model_name": alias,
            "litellm_params": {"model": format!("openai/{model}"), "api_base": vendor, "api_key": "os.environ/VENDOR_KEY"},
            "model_info": {"id": format!("dep-{alias}"), "db_model": true},
        })
    };
    json!([
        serve("support-answer", "gpt-4o-2024-05-13"),
        serve("claims-triage", "gpt-4-turbo-2024-04-09"),
    ])
}

/// The settings file: real settings that point at the stand-ins, and that every other command can be run with.
fn settings(
    folder: &Path,
    port: u16,
    slack: &slack::Fake,
    vendors: &vendor::FakeVendor,
    elsewhere: &vendor::FakeVendor,
) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let (data, slack, near, far) = (
        folder.display(),
        slack.base_url(),
        vendors.base_url(),
        elsewhere.base_url(),
    );
    format!(
        r#"# Written by `governor demo`: real settings that point at stand-ins on this machine.
[server]
listen = "127.0.0.1:{port}"
data_dir = "{data}"

[sign_in]
mode = "pick"

[slack]
mode = "socket"
bot_token = "xoxb-stand-in-bot"
app_token = "xapp-stand-in-app"
signing_secret = "stand-in-signing-secret"
api_url = "{slack}/api"

[shadow]
concurrency = 24

[gateways.litellm-main]
admin_key = "{ADMIN_KEY}"
upstreams.openai = {{ api_key = "os.environ/VENDOR_KEY", api_base = "{near}" }}
upstreams.anthropic = {{ api_key = "os.environ/VENDOR_KEY", api_base = "{near}" }}

[models.openai]
base_url = "{near}"
api_key = "{VENDOR_KEY}"

[models.anthropic]
protocol = "openai_chat"
base_url = "{near}"
api_key = "{VENDOR_KEY}"

[models."azure.ai.openai"]
protocol = "openai_chat"
base_url = "{far}"
api_key = "{VENDOR_KEY}"
"#
    )
}

/// Tokens for the two reporters.
async fn prepare(folder: &Path) -> anyhow::Result<(String, String)> {
    let db = storage::open(&format!("sqlite://{}", folder.join("governor.db").display()), 2).await?;
    storage::migrate(&db).await?;
    let spans = token(&db, "demo application", "app-otel").await?;
    let gateway = token(&db, "demo gateway", "litellm").await?;
    Ok((spans, gateway))
}

/// A token for the reporter `source`.
async fn token(db: &Db, name: &str, source: &str) -> anyhow::Result<String> {
    let (text, digest) = fresh(&SystemClock);
    let token = ApiToken {
        id: SystemClock.new_id().to_string(),
        name: name.to_owned(),
        role: TokenRole::Ingest,
        source: Some(source.to_owned()),
        person: None,
    };
    tokens::create(db, token, digest, SystemClock.now()).await?;
    Ok(text)
}

/// The example catalog with the gateway's address and with what differs in the story; kept beside the settings.
async fn apply_catalog(folder: &Path, config: &Config, gateway: &str) -> anyhow::Result<()> {
    let text = include_str!("../../../deploy/catalog.example.toml")
        .replace("http://127.0.0.1:4000", gateway)
        .replace("apply = false", "apply = true")
        // Budgets of the size of the recorded traffic, so that plots and thresholds have something to say.
        .replace("monthly_usd = \"25000\"", "monthly_usd = \"12\"")
        .replace("monthly_usd = \"60000\"", "monthly_usd = \"10\"")
        .replace("monthly_usd = \"40000\"", "monthly_usd = \"15\"");
    let file = folder.join("catalog.toml");
    std::fs::write(&file, &text).with_context(|| format!("{} cannot be written", file.display()))?;
    let catalog = load::load("catalog.toml", &text).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let db = storage::open(&config.database_url(), 2).await?;
    let engine = workflow_engine::engine::Engine::new(db, Arc::new(SystemClock));
    engine
        .apply_catalog(&catalog, &Actor::Service("demo".to_owned()))
        .await?;
    Ok(())
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
