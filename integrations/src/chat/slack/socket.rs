//! Socket Mode: our own listener, which acknowledges an envelope only once its interaction is stored.
//!
//! Slack does not repeat a click that was not acknowledged in time, and acknowledging before storing loses it. Every
//! envelope is taken up at once, whatever the one before is waiting for. Connection addresses hold a ticket and are
//! never logged.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt, stream::FuturesUnordered};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};
use tokio_util::sync::CancellationToken;
use workflow_engine::ports::chat::{Answer, ChatError, InteractionSink, Received};

use super::{Slack, inbound, wire};

/// Between two pings of ours.
const PING: Duration = Duration::from_secs(15);
/// Without any frame for this long a connection counts as dead.
const SILENCE: Duration = Duration::from_secs(60);
/// For opening a connection, and for finishing what was begun before closing one.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the sockets are doing, for the operations page and `governor doctor`.
#[derive(Debug, Default)]
pub struct Health {
    connected: AtomicU64,
    counted_by_slack: AtomicU64,
}

impl Health {
    /// Connections that are open now.
    #[must_use]
    pub fn connected(&self) -> u64 {
        self.connected.load(Ordering::Relaxed)
    }

    /// Connections of this app as Slack last counted them; more than ours are ghosts that swallow clicks.
    #[must_use]
    pub fn counted_by_slack(&self) -> u64 {
        self.counted_by_slack.load(Ordering::Relaxed)
    }
}

/// Keeps `sockets` connections open until `stop`.
pub async fn run(
    slack: Arc<Slack>,
    sink: Arc<dyn InteractionSink>,
    health: Arc<Health>,
    stop: CancellationToken,
) {
    let sockets: FuturesUnordered<_> = (0..slack.sockets())
        .map(|_| Socket {
            slack: slack.clone(),
            sink: sink.clone(),
            health: health.clone(),
            stop: stop.clone(),
        })
        .map(|socket| async move { socket.keep_open().await })
        .collect();
    sockets.collect::<()>().await;
}

/// Why a connection ended.
enum Ended {
    /// Slack asked for a new one.
    Refresh,
    /// It broke.
    Lost,
    /// Slack has too many of ours.
    TooMany,
    /// Not to be tried again.
    Final,
}

struct Socket {
    slack: Arc<Slack>,
    sink: Arc<dyn InteractionSink>,
    health: Arc<Health>,
    stop: CancellationToken,
}

type Wire = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Socket {
    async fn keep_open(&self) {
        let mut wait = Duration::from_secs(1);
        while !self.stop.is_cancelled() {
            match self.connect_and_serve().await {
                Ended::Refresh => {
                    wait = Duration::from_secs(1);
                    continue;
                }
                Ended::Final => return,
                Ended::TooMany => wait = Duration::from_secs(30),
                Ended::Lost => {}
            }
            tokio::select! {
                () = sleep(wait) => {}
                () = self.stop.cancelled() => return,
            }
            wait = (wait * 2).min(Duration::from_secs(30));
        }
    }

    async fn connect_and_serve(&self) -> Ended {
        let url = match self.slack.socket_url().await {
            Ok(url) => url,
            Err(ChatError::Permanent { code, remedy }) => {
                tracing::error!(code, remedy, "Slack refuses a Socket Mode connection");
                return if self.stop.is_cancelled() {
                    Ended::Final
                } else {
                    Ended::TooMany
                };
            }
            Err(error) => {
                tracing::warn!(%error, "no Socket Mode connection yet");
                return Ended::Lost;
            }
        };
        match timeout(PATIENCE, connect_async(url.expose_secret())).await {
            Ok(Ok((wire, _))) => {
                self.health.connected.fetch_add(1, Ordering::Relaxed);
                let ended = self.serve(wire).await;
                self.health.connected.fetch_sub(1, Ordering::Relaxed);
                ended
            }
            _ => {
                tracing::warn!("the Socket Mode connection could not be opened");
                Ended::Lost
            }
        }
    }

    async fn serve(&self, wire: Wire) -> Ended {
        let (mut out, mut inward) = wire.split();
        let mut working = FuturesUnordered::new();
        let mut ping = interval(PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let ended = loop {
            tokio::select! {
                frame = inward.next() => {
                    heard = Instant::now();
                    match frame {
                        Some(Ok(Message::Text(text))) => match self.frame(text.as_str()) {
                            Frame::Envelope(envelope) => working.push(self.take(envelope)),
                            Frame::Ends(ended) => break ended,
                            Frame::Nothing => {}
                        },
                        Some(Ok(Message::Close(_)) | Err(_)) | None => break Ended::Lost,
                        Some(Ok(_)) => {}
                    }
                }
                Some(acknowledgement) = working.next(), if !working.is_empty() => {
                    if let Some(text) = acknowledgement && out.send(Message::text(text)).await.is_err() {
                        break Ended::Lost;
                    }
                }
                _ = ping.tick() => {
                    let dead = heard.elapsed() > SILENCE || out.send(Message::Ping(Vec::new().into())).await.is_err();
                    if dead {
                        break Ended::Lost;
                    }
                }
                () = self.stop.cancelled() => break Ended::Final,
            }
        };
        // What was begun is finished and acknowledged before the connection goes.
        let finish = async {
            while let Some(acknowledgement) = working.next().await {
                if let Some(text) = acknowledgement {
                    let _ = out.send(Message::text(text)).await;
                }
            }
            let _ = out.close().await;
        };
        let _ = timeout(PATIENCE, finish).await;
        ended
    }

    fn frame(&self, text: &str) -> Frame {
        let Ok(frame) = serde_json::from_str::<Value>(text) else {
            tracing::warn!(length = text.len(), "a Socket Mode frame that is not JSON");
            return Frame::Nothing;
        };
        match frame["type"].as_str().unwrap_or("") {
            "hello" => {
                self.hello(frame["num_connections"].as_u64().unwrap_or(0));
                Frame::Nothing
            }
            "disconnect" => Frame::Ends(match frame["reason"].as_str().unwrap_or("") {
                "link_disabled" => {
                    tracing::error!("Socket Mode is switched off in the app's settings; no clicks arrive");
                    Ended::TooMany
                }
                "too_many_websockets" => Ended::TooMany,
                _ => Ended::Refresh,
            }),
            _ if frame["envelope_id"].is_string() => Frame::Envelope(frame),
            other => {
                tracing::debug!(kind = other, "a Socket Mode frame that is not for us");
                Frame::Nothing
            }
        }
    }

    fn hello(&self, counted: u64) {
        self.health.counted_by_slack.store(counted, Ordering::Relaxed);
        tracing::debug!(counted, "Socket Mode connection is up");
        if counted > u64::from(self.slack.sockets()) {
            let ours = self.slack.sockets();
            tracing::warn!(
                counted,
                ours,
                "Slack counts more connections than this replica opened; other replicas, or ghosts that swallow clicks"
            );
        }
    }

    /// Stores what the envelope holds and answers with its acknowledgement, or with none: then Slack sends it again.
    async fn take(&self, envelope: Value) -> Option<String> {
        let id = envelope["envelope_id"].as_str().unwrap_or_default();
        let payload = &envelope["payload"];
        let read = match envelope["type"].as_str().unwrap_or("") {
            "interactive" => wire::interactive(payload),
            "slash_commands" => wire::command(&fields(payload)),
            "events_api" => wire::event(payload),
            other => wire::Read::Other(format!("envelope `{other}`")),
        };
        let answer = match inbound::received(read) {
            Received::Interaction(interaction) => match self.sink.accept(*interaction).await {
                Ok(answer) => answer,
                Err(error) => {
                    tracing::error!(%error, "an envelope stays unacknowledged");
                    return None;
                }
            },
            Received::Ignored(what) => {
                tracing::debug!(what, "an envelope that is not for us");
                Answer::Taken
            }
            Received::Echo(_) => Answer::Taken,
        };
        let takes_payload = envelope["accepts_response_payload"] == true;
        let body = super::answer_body(&answer).filter(|_| takes_payload);
        Some(match body {
            Some(body) => json!({"envelope_id": id, "payload": body}).to_string(),
            None => json!({"envelope_id": id}).to_string(),
        })
    }
}

enum Frame {
    Envelope(Value),
    Ends(Ended),
    Nothing,
}

/// The fields of a slash command, which Socket Mode sends as JSON.
fn fields(payload: &Value) -> std::collections::BTreeMap<String, String> {
    let object = payload.as_object().into_iter().flatten();
    object
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}
