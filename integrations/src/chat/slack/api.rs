//! Slack's web API: one way to call it, with a time limit, the pace per channel, and errors that hold no body.
//!
//! slack-morphism carries the requests. Its errors print whole response bodies, which hold people's data and
//! sometimes tokens, so they are turned into codes here and never shown.

use std::{collections::HashMap, io, sync::Mutex, time::Duration};

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use slack_morphism::{errors::SlackClientError, prelude::*};
use tokio::time::{Instant, sleep_until, timeout};
use workflow_engine::ports::chat::ChatError;

/// Longer than any healthy answer, shorter than a job's lease.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// A post that would have to wait longer for its turn goes back to the queue instead.
const PATIENCE: Duration = Duration::from_secs(5);

type Client = SlackClient<SlackClientHyperHttpsConnector>;
type HttpResult<T> = Result<T, SlackClientError>;

/// The web API of one workspace.
pub(super) struct Api {
    client: Client,
    bot: SlackApiToken,
    app: Option<SlackApiToken>,
    pace: Pace,
}

impl Api {
    /// Talks to `base_url` (`https://slack.com/api`, or a stand-in on loopback).
    pub(super) fn new(config: &super::Config) -> io::Result<Self> {
        let base_url = config.api_base_url.trim_end_matches('/');
        let connector = connector(base_url)?.with_slack_api_url(base_url);
        let token =
            |secret: &SecretString| SlackApiToken::new(SlackApiTokenValue(secret.expose_secret().to_owned()));
        Ok(Self {
            client: SlackClient::new(connector),
            bot: token(&config.bot_token),
            app: config.app_token.as_ref().map(token),
            pace: Pace::new(config.post_gap),
        })
    }

    /// Calls a method that takes JSON.
    pub(super) async fn post<T>(&self, method: &str, body: &Value) -> Result<T, ChatError>
    where
        T: DeserializeOwned + Send,
    {
        let session = self.client.open_session(&self.bot);
        within(session.http_session_api.http_post(method, body, None)).await
    }

    /// Calls a method that takes only query parameters.
    pub(super) async fn fetch<T>(&self, method: &str, query: &[(&str, Option<&str>)]) -> Result<T, ChatError>
    where
        T: DeserializeOwned + Send,
    {
        let session = self.client.open_session(&self.bot);
        let query: Vec<(&str, Option<String>)> = query
            .iter()
            .map(|(name, value)| (*name, value.map(str::to_owned)))
            .collect();
        within(session.http_session_api.http_get(method, &query, None)).await
    }

    /// Sends a file to the address that `files.getUploadURLExternal` gave.
    pub(super) async fn put_file(&self, url: &str, bytes: &[u8]) -> Result<(), ChatError> {
        #[derive(serde::Deserialize)]
        struct Stored {}
        let url = url.parse().map_err(|_| retry("unreadable_answer"))?;
        let session = self.client.open_session(&self.bot);
        let kind = "application/octet-stream".to_owned();
        let call = session
            .http_session_api
            .http_post_uri_binary(url, kind, bytes, None);
        within(call).await.map(|Stored {}| ())
    }

    /// Waits for this channel's turn: Slack takes one post a second in each.
    pub(super) async fn turn(&self, channel: &str) -> Result<(), ChatError> {
        self.pace.turn(channel).await
    }

    /// The address of a fresh Socket Mode connection. It holds a ticket: never log it.
    pub(super) async fn socket_url(&self) -> Result<SecretString, ChatError> {
        #[derive(serde::Deserialize)]
        struct Opened {
            url: String,
        }
        let app = self
            .app
            .as_ref()
            .ok_or_else(|| permanent("not_allowed_token_type"))?;
        let session = self.client.open_session(app);
        let body = serde_json::json!({});
        let opened: Opened = within(
            session
                .http_session_api
                .http_post("apps.connections.open", &body, None),
        )
        .await?;
        Ok(SecretString::from(opened.url))
    }
}

/// HTTPS with the system's roots; plain HTTP (a stand-in on loopback) needs no roots at all.
fn connector(base_url: &str) -> io::Result<SlackClientHyperHttpsConnector> {
    let builder = hyper_rustls::HttpsConnectorBuilder::new();
    let provider = aws_lc_rs::default_provider();
    let builder = if base_url.starts_with("https://") {
        builder.with_provider_and_native_roots(provider)?
    } else {
        let config = ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        builder.with_tls_config(config)
    };
    let https = builder.https_or_http().enable_http1().enable_http2().build();
    Ok(SlackClientHyperConnector::with_connector(https))
}

async fn within<T>(call: impl Future<Output = HttpResult<T>>) -> Result<T, ChatError> {
    match timeout(TIME_LIMIT, call).await {
        Ok(answer) => answer.map_err(|error| outcome(&error)),
        Err(_) => Err(retry("timeout")),
    }
}

/// What an error of the client means for us.
fn outcome(error: &SlackClientError) -> ChatError {
    match error {
        SlackClientError::ApiError(error) => of_code(&error.code),
        SlackClientError::RateLimitError(error) => ChatError::Retry {
            after: error.retry_after,
            code: "ratelimited".to_owned(),
        },
        SlackClientError::HttpError(error) if error.status_code.is_server_error() => {
            retry(&format!("http_{}", error.status_code.as_u16()))
        }
        SlackClientError::HttpError(error) => permanent(&format!("http_{}", error.status_code.as_u16())),
        SlackClientError::ProtocolError(_) => retry("unreadable_answer"),
        _ => retry("unreachable"),
    }
}

/// What an error code of Slack means for us.
pub(super) fn of_code(code: &str) -> ChatError {
    match code {
        "ratelimited"
        | "rate_limited"
        | "internal_error"
        | "fatal_error"
        | "service_unavailable"
        | "request_timeout"
        | "team_added_to_org" => retry(code),
        "message_not_found" | "cant_update_message" | "edit_window_closed" | "thread_not_found" => {
            ChatError::MessageGone {
                code: code.to_owned(),
            }
        }
        "expired_trigger_id"
        | "trigger_expired"
        | "exchanged_trigger_id"
        | "trigger_exchanged"
        | "invalid_trigger_id" => ChatError::FormExpired {
            code: code.to_owned(),
        },
        other => permanent(other),
    }
}

fn retry(code: &str) -> ChatError {
    ChatError::Retry {
        after: None,
        code: code.to_owned(),
    }
}

fn permanent(code: &str) -> ChatError {
    ChatError::Permanent {
        code: code.to_owned(),
        remedy: remedy(code),
    }
}

/// What a person does about it.
fn remedy(code: &str) -> &'static str {
    match code {
        "not_in_channel" => "invite the app into the channel (`/invite @governor`)",
        "channel_not_found" => {
            "check the channel's name or id in the catalog; into a private channel the app must be invited"
        }
        "is_archived" => "the channel is archived: name another one in the catalog",
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            "put a valid bot token (xoxb-…) into the configuration; `governor doctor` checks it"
        }
        "not_allowed_token_type" => {
            "Socket Mode needs an app token (xapp-…) with the scope connections:write"
        }
        "missing_scope" => "add the scopes of deploy/slack-manifest.yaml to the app and install it again",
        "invalid_blocks"
        | "msg_blocks_too_long"
        | "invalid_arguments"
        | "no_text"
        | "invalid_attachments" => {
            "the message breaks a limit of Slack: `governor chat preview` shows which, and it is a defect to report"
        }
        "user_not_found" | "users_not_found" | "user_not_visible" => {
            "this user is not in the workspace; check people[].slack in the catalog"
        }
        "link_disabled" => "switch Socket Mode on in the app's settings, or set the mode to http",
        _ => "look the code up in Slack's documentation of the method",
    }
}

/// One post a channel each so often.
struct Pace {
    gap: Duration,
    next: Mutex<HashMap<String, Instant>>,
}

impl Pace {
    fn new(gap: Duration) -> Self {
        Self {
            gap,
            next: Mutex::new(HashMap::new()),
        }
    }

    async fn turn(&self, channel: &str) -> Result<(), ChatError> {
        if self.gap.is_zero() {
            return Ok(());
        }
        let at = self.reserve(channel, Instant::now())?;
        sleep_until(at).await;
        Ok(())
    }

    /// The moment of this post, and the next one's moved behind it; or how long to come back after.
    fn reserve(&self, channel: &str, now: Instant) -> Result<Instant, ChatError> {
        let mut next = self
            .next
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        next.retain(|_, at| *at > now);
        let at = next.get(channel).copied().unwrap_or(now).max(now);
        if at - now > PATIENCE {
            return Err(ChatError::Retry {
                after: Some(at - now),
                code: "our_own_pace".to_owned(),
            });
        }
        next.insert(channel.to_owned(), at + self.gap);
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_to_one_channel_queue_up_and_other_channels_do_not_wait() {
        let pace = Pace::new(Duration::from_secs(1));
        let now = Instant::now();
        let second = Duration::from_secs(1);
        assert_eq!(pace.reserve("a", now), Ok(now));
        assert_eq!(pace.reserve("a", now), Ok(now + second));
        assert_eq!(pace.reserve("b", now), Ok(now));
        for _ in 0..4 {
            pace.reserve("a", now).unwrap();
        }
        assert!(
            matches!(pace.reserve("a", now), Err(ChatError::Retry { after: Some(wait), .. }) if wait == 6 * second)
        );
    }

    #[test]
    fn codes_become_what_to_do_next() {
        assert!(matches!(
            of_code("message_not_found"),
            ChatError::MessageGone { .. }
        ));
        assert!(matches!(
            of_code("expired_trigger_id"),
            ChatError::FormExpired { .. }
        ));
        assert!(matches!(of_code("fatal_error"), ChatError::Retry { .. }));
        assert_eq!(
            of_code("not_in_channel").to_string(),
            "the chat platform refuses this with `not_in_channel`: invite the app into the channel (`/invite @governor`)"
        );
    }
}
