//! What Slack posts to us: verify, then read.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde_json::Value;
use workflow_engine::ports::chat::{HttpDelivery, Received, Rejected};

use super::{
    signature,
    wire::{self, Read},
};

/// Verifies and reads one request to `/chat/slack/{events,interactions,commands}`.
pub(super) fn receive(secret: &SecretString, delivery: &HttpDelivery<'_>) -> Result<Received, Rejected> {
    let fields =
        || -> BTreeMap<String, String> { serde_urlencoded::from_bytes(delivery.body).unwrap_or_default() };
    // Slack's certificate check comes unsigned and asks for nothing.
    if delivery.endpoint != "events" && fields().contains_key("ssl_check") {
        return Ok(Received::Ignored("ssl_check".to_owned()));
    }
    let header = |name: &str| (delivery.header)(name).ok_or(Rejected::Signature);
    let stamp = header("x-slack-request-timestamp")?;
    let given = header("x-slack-signature")?;
    signature::verify(secret, &stamp, delivery.body, &given, delivery.at)?;
    match delivery.endpoint {
        "commands" => Ok(received(wire::command(&fields()))),
        "interactions" => {
            let payload = fields()
                .remove("payload")
                .ok_or_else(|| malformed("no field `payload`"))?;
            Ok(received(wire::interactive(&json(payload.as_bytes())?)))
        }
        "events" => events(&json(delivery.body)?),
        other => Err(malformed(&format!("no endpoint `{other}`"))),
    }
}

fn events(body: &Value) -> Result<Received, Rejected> {
    if body["type"] == "url_verification" {
        let challenge = body["challenge"]
            .as_str()
            .ok_or_else(|| malformed("no `challenge`"))?;
        return Ok(Received::Echo(challenge.to_owned()));
    }
    Ok(received(wire::event(body)))
}

pub(super) fn received(read: Read) -> Received {
    match read {
        Read::Done(interaction) => Received::Interaction(interaction),
        Read::Other(what) => Received::Ignored(what),
    }
}

fn json(bytes: &[u8]) -> Result<Value, Rejected> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        malformed(&format!("not JSON at line {line}, column {column}"))
    })
}

fn malformed(what: &str) -> Rejected {
    Rejected::Malformed(what.to_owned())
}
