//! Any witness that speaks C2SP tlog-witness, such as `governor witness`, as the ledger's [`Witness`] port.
//!
//! There is no stand-in: tests run the real one (`bot::witness`) on loopback.

use async_trait::async_trait;
use http::StatusCode;
use workflow_engine::{
    ledger::{key::VerifierKey, note::Signature, witness::AddCheckpoint},
    ports::witness::{Witness, WitnessError},
};

use crate::http::{Answer, Http, snippet};

/// A witness at an address.
#[derive(Clone, Debug)]
pub struct Client {
    http: Http,
    url: String,
    key: VerifierKey,
}

impl Client {
    /// The witness whose submission prefix is `url` and whose cosignatures are checked with `key`.
    #[must_use]
    pub fn new(http: Http, url: &str, key: VerifierKey) -> Self {
        Self {
            http,
            url: url.trim_end_matches('/').to_owned(),
            key,
        }
    }
}

#[async_trait]
impl Witness for Client {
    fn key(&self) -> &VerifierKey {
        &self.key
    }

    async fn cosign(&self, asked: &AddCheckpoint) -> Result<Signature, WitnessError> {
        let (url, body) = (format!("{}/add-checkpoint", self.url), asked.to_text());
        let request = || self.http.client().post(&url).body(body.clone());
        // The same head twice is the same question, so it may be asked again.
        let answer = self.http.with_retries("the witness", request).await;
        let answer = answer.map_err(|error| WitnessError::Unreachable(error.to_string()))?;
        self.read(&answer)
    }
}

impl Client {
    fn read(&self, answer: &Answer) -> Result<Signature, WitnessError> {
        let text = std::str::from_utf8(&answer.body).unwrap_or_default();
        let odd =
            |what: &str| WitnessError::Unreachable(format!("it answered {} {what}", answer.status.as_u16()));
        match answer.status {
            // A witness with several keys sends a line for each; ours is the one we check with.
            StatusCode::OK => text
                .lines()
                .filter_map(|line| Signature::parse(line).ok())
                .find(|line| line.name == self.key.name() && line.key_id == self.key.id())
                .ok_or_else(|| odd("without a cosignature of its key")),
            StatusCode::CONFLICT => {
                let held = text
                    .trim()
                    .parse()
                    .map_err(|_| odd("without the size it holds"))?;
                Err(WitnessError::Holds(held))
            }
            StatusCode::UNPROCESSABLE_ENTITY => Err(WitnessError::Inconsistent),
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                Err(WitnessError::Stranger(snippet(&answer.body)))
            }
            _ => Err(odd(&snippet(&answer.body))),
        }
    }
}
