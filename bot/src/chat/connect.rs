//! Slack as the configuration names it: the adapter, the conversation over it, and how what people do comes in.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::Router;
use integrations::chat::slack::{self, Slack, socket};
use tokio_util::sync::CancellationToken;
use workflow_engine::engine::Engine;

use super::{ButtonKey, Chat, Settings};
use crate::{
    config::{Config, SlackMode},
    http::hooks,
};

/// A conversation with its way in.
#[derive(Clone)]
pub struct Connection {
    /// The conversation; its jobs are served by `Chat::handlers`.
    pub chat: Arc<Chat>,
    /// How the sockets are doing; zeros where requests come over HTTP.
    pub health: Arc<socket::Health>,
    slack: Arc<Slack>,
    mode: SlackMode,
}

impl Connection {
    /// The conversation that `config` names; none when Slack is off.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn open(engine: &Engine, config: &Config, public_url: &str) -> anyhow::Result<Option<Self>> {
        let Some(slack) = platform(config)? else {
            return Ok(None);
        };
        let bot_token = config.slack.bot_token.clone().unwrap_or_default();
        let chat = Chat::new(
            engine.clone(),
            slack.clone(),
            Settings {
                command: "/route".to_owned(),
                public_url: public_url.to_owned(),
                key: ButtonKey::derived_from(&bot_token),
            },
        );
        Ok(Some(Self {
            chat,
            health: Arc::default(),
            slack,
            mode: config.slack.mode,
        }))
    }

    /// The endpoints that Slack posts to; empty in socket mode, where nobody signs what comes there.
    pub fn router(&self) -> Router {
        match self.mode {
            SlackMode::Http => hooks::chat::router(self.chat.clone()),
            SlackMode::Socket | SlackMode::Off => Router::new(),
        }
    }

    /// Keeps the sockets open until `stop`; returns at once in http mode.
    pub async fn run(&self, stop: CancellationToken) {
        if self.mode == SlackMode::Socket {
            socket::run(self.slack.clone(), self.chat.clone(), self.health.clone(), stop).await;
        }
    }
}

/// Slack as `config` names it; none when it is off or has no token.
///
/// # Errors
/// When the system's certificates cannot be read.
pub(crate) fn platform(config: &Config) -> anyhow::Result<Option<Arc<Slack>>> {
    let token = config.slack.bot_token.clone();
    let Some(bot_token) = token.filter(|_| config.slack.mode != SlackMode::Off) else {
        return Ok(None);
    };
    let signing_secret = config.slack.signing_secret.clone().unwrap_or_default();
    let mut settings = slack::Config::new(bot_token, config.slack.app_token.clone(), signing_secret);
    settings.api_base_url.clone_from(&config.slack.api_url);
    // A stand-in on loopback has no pace of Slack's to keep.
    if config.slack.api_url.starts_with("http://127.0.0.1") {
        settings.post_gap = Duration::ZERO;
    }
    let slack =
        Slack::new(&settings).context("Slack cannot be set up: the system's certificates cannot be read")?;
    Ok(Some(Arc::new(slack)))
}
