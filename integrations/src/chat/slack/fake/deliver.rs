//! How the stand-in tells the app what people did: by Socket Mode, or by HTTP signed exactly as Slack signs it.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    extract::{
        Path, State,
        ws::{Message as Frame, WebSocket, WebSocketUpgrade},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures_util::{SinkExt, StreamExt};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{Delivery, Shared, world::Link};
use crate::chat::slack::signature;

/// Slack waits three seconds for an acknowledgement.
const WAITS: Duration = Duration::from_secs(3);

/// What came of a delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Acknowledged, with the body if there was one.
    Acknowledged(Option<Value>),
    /// Not acknowledged in time, or turned away with that status.
    Failed(u16),
}

/// What is delivered.
#[derive(Clone, Debug)]
pub(super) enum Parcel {
    Event(Value),
    Interactive(Value),
    Command(BTreeMap<String, String>),
}

impl Shared {
    /// Delivers, and for events delivers again when it was not acknowledged, as Slack does.
    pub(super) async fn deliver(&self, parcel: &Parcel) -> Outcome {
        let attempts = if matches!(parcel, Parcel::Event(_)) { 3 } else { 1 };
        let mut outcome = Outcome::Failed(0);
        let envelope = format!("envelope-{}", self.world().next_serial());
        for attempt in 0..attempts {
            outcome = match &self.setup.delivery {
                Delivery::Sockets => self.by_socket(&envelope, parcel, attempt).await,
                Delivery::Http(base_url) => self.by_http(base_url, parcel, attempt).await,
            };
            let mut world = self.world();
            if matches!(outcome, Outcome::Acknowledged(_)) && world.faults.lose_acks > 0 {
                world.faults.lose_acks -= 1;
                outcome = Outcome::Failed(0);
                continue;
            }
            if matches!(outcome, Outcome::Acknowledged(_)) {
                break;
            }
        }
        outcome
    }

    async fn by_socket(&self, envelope: &str, parcel: &Parcel, attempt: u32) -> Outcome {
        let (kind, payload) = match parcel {
            Parcel::Event(body) => ("events_api", body.clone()),
            Parcel::Interactive(payload) => ("interactive", payload.clone()),
            Parcel::Command(fields) => ("slash_commands", json!(fields)),
        };
        let frame = json!({
            "type": kind, "envelope_id": envelope, "payload": payload, "accepts_response_payload": kind != "events_api",
            "retry_attempt": attempt, "retry_reason": if attempt > 0 { "timeout" } else { "" },
        });
        let (sender, receiver) = oneshot::channel();
        {
            // Each frame goes to one connection; which one is Slack's affair.
            let mut world = self.world();
            world.links.retain(|link| !link.out.is_closed());
            let turn = usize::try_from(world.next_serial()).unwrap_or(0);
            let count = world.links.len();
            if count == 0 {
                return Outcome::Failed(0);
            }
            world.waiting.insert(envelope.to_owned(), sender);
            let _ = world.links[turn % count].out.send(frame.to_string());
        }
        match timeout(WAITS, receiver).await {
            Ok(Ok(ack)) => {
                Outcome::Acknowledged(Some(ack["payload"].clone()).filter(|payload| !payload.is_null()))
            }
            _ => Outcome::Failed(0),
        }
    }

    async fn by_http(&self, base_url: &str, parcel: &Parcel, attempt: u32) -> Outcome {
        let (endpoint, kind, body) = match parcel {
            Parcel::Event(body) => ("events", "application/json", body.to_string()),
            Parcel::Interactive(payload) => {
                let form = BTreeMap::from([("payload", payload.to_string())]);
                (
                    "interactions",
                    FORM,
                    serde_urlencoded::to_string(form).unwrap_or_default(),
                )
            }
            Parcel::Command(fields) => (
                "commands",
                FORM,
                serde_urlencoded::to_string(fields).unwrap_or_default(),
            ),
        };
        let stamp = (self.now_micros() / 1_000_000).to_string();
        let secret = SecretString::from(self.setup.signing_secret.clone());
        let mut request = self
            .http
            .client()
            .post(format!(
                "{}/chat/slack/{endpoint}",
                base_url.trim_end_matches('/')
            ))
            .header("content-type", kind)
            .header("x-slack-request-timestamp", &stamp)
            .header(
                "x-slack-signature",
                signature::sign(&secret, &stamp, body.as_bytes()),
            );
        if attempt > 0 {
            request = request
                .header("x-slack-retry-num", attempt)
                .header("x-slack-retry-reason", "http_timeout");
        }
        match self.http.once("the app", request.body(body).timeout(WAITS)).await {
            Ok(answer) if answer.status == StatusCode::OK => {
                Outcome::Acknowledged(serde_json::from_slice(&answer.body).ok())
            }
            Ok(answer) => Outcome::Failed(answer.status.as_u16()),
            Err(_) => Outcome::Failed(0),
        }
    }

    pub(super) fn new_socket_url(&self, world: &mut super::world::World) -> String {
        let ticket = format!("ticket-{}", world.next_serial());
        world.tickets.push(ticket.clone());
        format!("{}/link/{ticket}", self.base_url().replacen("http", "ws", 1))
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

/// A Socket Mode connection; its ticket is good once.
pub(super) async fn link(
    State(shared): State<Shared>,
    Path(ticket): Path<String>,
    ws: WebSocketUpgrade,
) -> Response {
    let known = {
        let mut world = shared.world();
        let before = world.tickets.len();
        world.tickets.retain(|other| *other != ticket);
        world.tickets.len() < before
    };
    if !known {
        return StatusCode::NOT_FOUND.into_response();
    }
    ws.on_upgrade(move |socket| hold(shared, socket))
}

async fn hold(shared: Shared, socket: WebSocket) {
    let (mut out, mut inward) = socket.split();
    let (sender, mut frames) = mpsc::unbounded_channel();
    let (id, count) = {
        let mut world = shared.world();
        let id = world.next_serial();
        world.links.push(Link { id, out: sender });
        (id, world.links.len())
    };
    let hello = json!({"type": "hello", "num_connections": count, "connection_info": {"app_id": "A001"}});
    let _ = out.send(Frame::Text(hello.to_string().into())).await;
    loop {
        tokio::select! {
            frame = frames.recv() => match frame {
                Some(text) if text.is_empty() => break,
                Some(text) => if out.send(Frame::Text(text.into())).await.is_err() { break },
                None => break,
            },
            frame = inward.next() => match frame {
                Some(Ok(Frame::Text(text))) => shared.acknowledged(text.as_str()),
                Some(Ok(Frame::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    shared.world().links.retain(|link| link.id != id);
}

impl Shared {
    fn acknowledged(&self, text: &str) {
        let ack: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        let id = ack["envelope_id"].as_str().unwrap_or("");
        let waiting = self.world().waiting.remove(id);
        if let Some(sender) = waiting {
            let _ = sender.send(ack);
        }
    }
}
