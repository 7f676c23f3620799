//! `[slack]`, `[shadow]`, `[schedule]`, `[telemetry]`, `[gateways]`, `[models]`: what the service works with.

use std::{collections::BTreeMap, str::FromStr as _};

use integrations::gateways::litellm::Upstream;
use secrecy::SecretString;
use serde::Deserialize;

use super::{Problem, secret};

/// Slack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// How events arrive.
    pub mode: SlackMode,
    /// `xoxb-…`.
    #[serde(deserialize_with = "secret::optional")]
    pub bot_token: Option<SecretString>,
    /// `xapp-…`, for socket mode.
    #[serde(deserialize_with = "secret::optional")]
    pub app_token: Option<SecretString>,
    /// For http mode.
    #[serde(deserialize_with = "secret::optional")]
    pub signing_secret: Option<SecretString>,
    /// Slack's web API.
    pub api_url: String,
}

/// How Slack's events arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlackMode {
    /// Slack is not used.
    Off,
    /// Over a WebSocket that we open.
    Socket,
    /// As signed requests to `/chat/slack/…`.
    Http,
}

impl Slack {
    pub(super) fn problem(&self) -> Problem {
        let needed = match self.mode {
            SlackMode::Off => return None,
            SlackMode::Socket => ("slack.app_token", &self.app_token, "socket"),
            SlackMode::Http => ("slack.signing_secret", &self.signing_secret, "http"),
        };
        for (key, value, mode) in [("slack.bot_token", &self.bot_token, needed.2), needed] {
            if value.is_none() {
                let why = format!("mode {mode} needs it; set it or its …_FILE in the environment");
                return Some((key, why));
            }
        }
        None
    }
}

/// Replays.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    /// Replays at the same time, over all tests.
    pub concurrency: usize,
    /// Seconds after which a model has failed.
    pub timeout_seconds: u64,
    /// How often a replay is tried again.
    pub retries: usize,
    /// Wraps the keys of what tests see; none means a key that is made once in the data directory.
    #[serde(deserialize_with = "secret::optional")]
    pub content_key: Option<SecretString>,
    /// Days after which what a test saw is erased.
    pub content_days: u32,
}

/// Cron lines: second, minute, hour, day, month, weekday.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Weekly digest, in the company's time zone.
    pub weekly_digest: String,
    /// Budget thresholds.
    pub budgets: String,
    /// Old sessions, inbox rows and links.
    pub housekeeping: String,
    /// The ledger's newest head goes to chat and to the time-stamp authority.
    pub checkpoint: String,
    /// Calls and decisions of the hours that are over are sealed.
    pub seal_rows: String,
}

impl Schedule {
    pub(super) fn problem(&self) -> Problem {
        let lines = [
            ("schedule.weekly_digest", &self.weekly_digest),
            ("schedule.budgets", &self.budgets),
            ("schedule.housekeeping", &self.housekeeping),
            ("schedule.checkpoint", &self.checkpoint),
            ("schedule.seal_rows", &self.seal_rows),
        ];
        for (key, line) in lines {
            if cron::Schedule::from_str(line).is_err() {
                let why = format!(
                    "`{line}` is no cron line of second minute hour day month weekday (0 0 9 * * Mon)"
                );
                return Some((key, why));
            }
        }
        None
    }
}

/// Logs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// What is logged, as in `RUST_LOG`.
    pub log: String,
    /// `text` or `json`.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Credentials of one gateway of the catalog.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Reads routes, and changes them where the catalog lets it.
    #[serde(default, deserialize_with = "secret::optional")]
    pub admin_key: Option<SecretString>,
    /// How the gateway itself reaches each provider, by OpenTelemetry's name: references to keys that it keeps.
    #[serde(default)]
    pub upstreams: BTreeMap<String, Upstream>,
}

/// One model vendor: where it is, how it speaks, how it knows us.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Where its API begins.
    pub base_url: String,
    /// Its key; on Vertex an access token.
    #[serde(default, deserialize_with = "secret::optional")]
    pub api_key: Option<SecretString>,
    /// How it speaks; when left out, as the provider of that name does, and else as OpenAI's chat completions.
    #[serde(default)]
    pub protocol: Option<Protocol>,
    /// An AWS access key instead of `api_key`.
    #[serde(default)]
    pub access_key_id: Option<String>,
    /// Its secret.
    #[serde(default, deserialize_with = "secret::optional")]
    pub secret_access_key: Option<SecretString>,
    /// The token of a temporary one.
    #[serde(default, deserialize_with = "secret::optional")]
    pub session_token: Option<SecretString>,
    /// The AWS region that requests are signed for.
    #[serde(default)]
    pub region: Option<String>,
}

/// How a vendor speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// `/chat/completions`, which most servers copy.
    OpenaiChat,
    /// `/responses`.
    OpenaiResponses,
    /// Chat completions of an Azure resource.
    AzureOpenai,
    /// Anthropic's messages.
    Anthropic,
    /// Google's generateContent with an API key.
    Gemini,
    /// The same with an access token.
    Vertex,
    /// Amazon Bedrock's Converse.
    Bedrock,
}

impl Protocol {
    /// As the provider with this name in OpenTelemetry speaks.
    #[must_use]
    pub fn of_provider(name: &str) -> Self {
        match name {
            "azure.ai.openai" => Self::AzureOpenai,
            "anthropic" => Self::Anthropic,
            "gcp.gemini" | "gcp.gen_ai" => Self::Gemini,
            "gcp.vertex_ai" => Self::Vertex,
            "aws.bedrock" => Self::Bedrock,
            _ => Self::OpenaiChat,
        }
    }
}
