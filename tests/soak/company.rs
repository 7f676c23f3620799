//! What the soak's company is governed by: its catalog and the settings of its replicas.

use std::fmt::Write as _;

use super::{receivers::Receivers, replica::Replica};

/// Workflows of the company.
pub const WORKFLOWS: usize = 6;
/// Seconds after which others take over from a replica that died or froze.
pub const LEASE_SECONDS: u64 = 4;
/// Models that answer, by the id of their route.
pub const ROUTES: [(&str, &str); 3] = [
    ("may", "gpt-4o-2024-05-13"),
    ("august", "gpt-4o-2024-08-06"),
    ("mini", "gpt-4o-mini-2024-07-18"),
];
/// What opens the stand-in gateway.
pub const ADMIN_KEY: &str = "sk-soak";
/// What opens the stand-in vendor.
pub const VENDOR_KEY: &str = "soak-vendor";

/// The name of the workflow of that number.
#[must_use]
pub fn workflow(number: usize) -> String {
    format!("flow-{}", number + 1)
}

/// The catalog.
#[must_use]
pub fn catalog(gateway: &str) -> String {
    let mut text = include_str!("company.toml").replace("GATEWAY", gateway);
    for number in 0..WORKFLOWS {
        let id = workflow(number);
        let _ = write!(
            text,
            r#"
[[workflows]]
id = "{id}"
name = "{id}"
owner = "wei"
cost_center = "CC-1"
data_class = "public"
gateway = "litellm-main"
alias = "{id}"
route = "may"
risk = "low"

  [workflows.strata]
  tag_prefix = "kind:"
"#
        );
    }
    text
}

/// The settings of one replica: real ones, that point at the stand-ins.
#[must_use]
pub fn settings(replica: &Replica, database: &str, receivers: &Receivers) -> String {
    let (listen, data) = (
        replica.base.trim_start_matches("http://"),
        replica.folder.display(),
    );
    let (slack, vendor) = (receivers.slack.base_url(), receivers.vendor.base_url());
    format!(
        r#"[server]
listen = "{listen}"
data_dir = "{data}"
timeout_seconds = 10
requests_per_second = 5000
burst = 5000

[database]
url = "{database}"
max_connections = 8
calls_max_connections = 4

[ledger]
origin = "soak.test/ledger"

[jobs]
lease_seconds = {LEASE_SECONDS}

[slack]
mode = "socket"
bot_token = "xoxb-stand-in-bot"
app_token = "xapp-stand-in-app"
signing_secret = "stand-in-signing-secret"
api_url = "{slack}/api"

[shadow]
timeout_seconds = 5

[gateways.litellm-main]
admin_key = "{ADMIN_KEY}"
upstreams.openai = {{ api_key = "os.environ/VENDOR_KEY", api_base = "{vendor}" }}

[models.openai]
base_url = "{vendor}"
api_key = "{VENDOR_KEY}"
"#
    )
}
