//! The packet's envelope: DSSE, an Ed25519 signature over the payload's type and bytes.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};

use crate::{
    ledger::key::{SigningKey, VerifierKey},
    values::Digest,
};

/// The type of every payload that this governor signs: an in-toto statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// Why an envelope does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    /// The bytes are not a DSSE envelope.
    #[error("the packet is not a DSSE envelope: {0}")]
    Malformed(String),
    /// The payload is of a type that is not a statement.
    #[error("the packet's payload has type {0:?}, not {PAYLOAD_TYPE:?}")]
    PayloadType(String),
    /// No signature is by the key.
    #[error(
        "no signature on the packet is by the key with fingerprint {0}; the packet was changed or another key signed it"
    )]
    BadSignature(String),
}

/// A signed payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    payload: Vec<u8>,
    signatures: Vec<Line>,
}

impl Envelope {
    /// Signs `payload`, the bytes of a statement.
    pub fn seal(payload: Vec<u8>, key: &SigningKey) -> Self {
        let sig = BASE64.encode(key.sign(&signed_bytes(&payload)));
        Self {
            signatures: vec![Line {
                keyid: key.public().fingerprint(),
                sig,
            }],
            payload,
        }
    }

    /// Reads `packet.dsse.json`. Base64 may be of either alphabet, as DSSE demands of readers.
    pub fn parse(json: &[u8]) -> Result<Self, EnvelopeFault> {
        let wire: Wire =
            serde_json::from_slice(json).map_err(|error| EnvelopeFault::Malformed(error.to_string()))?;
        if wire.payload_type != PAYLOAD_TYPE {
            return Err(EnvelopeFault::PayloadType(wire.payload_type));
        }
        let payload = decode(&wire.payload)
            .ok_or_else(|| EnvelopeFault::Malformed("`payload` is not base64".to_owned()))?;
        Ok(Self {
            payload,
            signatures: wire.signatures,
        })
    }

    /// The file's bytes.
    pub fn to_json(&self) -> String {
        let wire = Wire {
            payload_type: PAYLOAD_TYPE.to_owned(),
            payload: BASE64.encode(&self.payload),
            signatures: self.signatures.clone(),
        };
        serde_json::json!(wire).to_string()
    }

    /// Checks that `key` signed the payload and returns the payload. The `keyid` is only a hint and is not trusted.
    pub fn open(&self, key: &VerifierKey) -> Result<&[u8], EnvelopeFault> {
        let message = signed_bytes(&self.payload);
        let signed = |line: &Line| decode(&line.sig).is_some_and(|sig| key.verifies(&message, &sig));
        if self.signatures.iter().any(signed) {
            return Ok(&self.payload);
        }
        Err(EnvelopeFault::BadSignature(key.fingerprint()))
    }

    /// The payload, if it is the one that `packet` names: bound by the ledger and the votes, whoever signed it.
    pub fn payload_of(&self, packet: Digest) -> Option<&[u8]> {
        (self.digest() == packet).then_some(self.payload.as_slice())
    }

    /// The packet's digest, SHA-256 of the payload: what approvers' votes and the ledger name as `packet_sha256`.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.payload)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    expecting = "an object of payloadType, payload and signatures"
)]
struct Wire {
    payload_type: String,
    payload: String,
    signatures: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    #[serde(default)]
    keyid: String,
    sig: String,
}

/// DSSE's pre-authentication encoding: what is signed, with every length spelled out so that nothing can shift.
fn signed_bytes(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

fn decode(base64: &str) -> Option<Vec<u8>> {
    BASE64.decode(base64.replace('-', "+").replace('_', "/")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::key::KeyKind;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed("governor.example/ledger", KeyKind::Note, &[seed; 32]).unwrap()
    }

    #[test]
    fn what_is_signed_spells_out_every_length() {
        assert_eq!(
            signed_bytes(b"{\"a\":1}"),
            b"DSSEv1 28 application/vnd.in-toto+json 7 {\"a\":1}"
        );
    }

    #[test]
    fn an_envelope_survives_its_file_and_opens() {
        let envelope = Envelope::seal(b"{\"a\":1}".to_vec(), &key(1));
        let read = Envelope::parse(envelope.to_json().as_bytes()).unwrap();
        assert_eq!(read.open(key(1).public()).unwrap(), b"{\"a\":1}");
        assert_eq!(read.digest(), Digest::of(b"{\"a\":1}"));
    }

    #[test]
    fn readers_accept_the_url_alphabet() {
        let envelope = Envelope::seal(vec![0xfb, 0xef, 0xff], &key(1));
        let json = envelope.to_json().replace("++//", "--__");
        assert!(json.contains("--__"));
        Envelope::parse(json.as_bytes())
            .unwrap()
            .open(key(1).public())
            .unwrap();
    }

    #[test]
    fn faults_are_told_in_words() {
        let json = Envelope::seal(b"{}".to_vec(), &key(1)).to_json();
        let read = |json: &str| {
            Envelope::parse(json.as_bytes()).and_then(|e| e.open(key(1).public()).map(<[u8]>::to_vec))
        };
        assert!(read(&json).is_ok());
        assert!(matches!(
            read(&json.replace("e30=", "e31=")),
            Err(EnvelopeFault::Malformed(_))
        ));
        assert!(matches!(
            read(&json.replace("e30=", "W10=")),
            Err(EnvelopeFault::BadSignature(_))
        ));
        let other = json.replace("in-toto", "in-moto");
        insta::assert_snapshot!(read(&other).unwrap_err(), @r#"the packet's payload has type "application/vnd.in-moto+json", not "application/vnd.in-toto+json""#);
        insta::assert_snapshot!(read("[]").unwrap_err(), @"the packet is not a DSSE envelope: invalid length 0, expected an object of payloadType, payload and signatures at line 1 column 2");
        let stranger = Envelope::parse(json.as_bytes())
            .unwrap()
            .open(key(2).public())
            .unwrap_err();
        assert!(matches!(stranger, EnvelopeFault::BadSignature(_)));
    }
}
