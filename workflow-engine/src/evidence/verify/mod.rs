//! Checks an evidence packet without any database: who signed it, that the ledger holds it, who approved exactly it.

use serde_json::Value;

use super::{
    dsse::{Envelope, EnvelopeFault},
    statement::{Statement, StatementFault},
};
use crate::{
    ledger::{
        key::VerifierKey,
        merkle::Head,
        proof::{Proof, ProofFault},
    },
    values::Digest,
};

/// The fields by which an entry of the ledger names a packet: in a batch's or another program's entry, and in an event.
const FIELDS: [&str; 2] = ["packet_sha256", "packet"];

/// Why a packet, or an approval of it, does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketFault {
    /// The envelope is broken or signed by another.
    #[error(transparent)]
    Envelope(#[from] EnvelopeFault),
    /// What is signed is not an evidence packet.
    #[error(transparent)]
    Statement(#[from] StatementFault),
    /// The entry is not in the ledger.
    #[error(transparent)]
    Proof(#[from] ProofFault),
    /// The entry is not one of this ledger's, so it names nothing.
    #[error("the ledger entry is not a JSON object: {0}")]
    Entry(String),
    /// The entry speaks of no packet.
    #[error("the ledger entry names no packet, so it says nothing about packet {0}")]
    Unnamed(String),
    /// The entry speaks of another packet: an approval that was given to something else.
    #[error(
        "the ledger entry is about packet {named}, not about packet {held}; it belongs to other evidence"
    )]
    Replayed {
        /// The digest the entry names.
        named: String,
        /// The digest of the packet at hand.
        held: String,
    },
}

/// An entry of the ledger with the proof that it is there.
#[derive(Clone, Copy, Debug)]
pub struct Witnessed<'a> {
    /// The entry's bytes, as they stand in the ledger.
    pub entry: &'a [u8],
    /// The text of its tlog-proof.
    pub proof: &'a str,
}

/// A packet that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// The packet's digest, which the ledger entry names.
    pub packet: Digest,
    /// What the packet says.
    pub statement: Statement,
    /// The entry's place in the ledger, from 0.
    pub index: u64,
    /// The signed head that the proof leads to.
    pub head: Head,
}

/// Checks the envelope's signature, that its subject names its content, that `sealed` names the packet's digest and
/// that it stands in the ledger of `log`. Stops at the first fault.
///
/// # Errors
/// The fault, as one sentence for a person.
pub fn verify_packet(
    envelope: &[u8],
    key: &VerifierKey,
    sealed: Witnessed<'_>,
    log: &VerifierKey,
) -> Result<Verified, PacketFault> {
    let envelope = Envelope::parse(envelope)?;
    let statement = Statement::from_payload(envelope.open(key)?)?;
    let packet = envelope.digest();
    let (index, head) = verify_entry(packet, sealed, log)?;
    Ok(Verified {
        packet,
        statement,
        index,
        head,
    })
}

/// Checks that an entry, for example a vote, is about exactly this packet and stands in the ledger of `log`; returns
/// its place and the signed head.
///
/// # Errors
/// The fault, as one sentence for a person.
pub fn verify_entry(
    packet: Digest,
    witnessed: Witnessed<'_>,
    log: &VerifierKey,
) -> Result<(u64, Head), PacketFault> {
    let entry: Value =
        serde_json::from_slice(witnessed.entry).map_err(|e| PacketFault::Entry(e.to_string()))?;
    let held = packet.to_string();
    let named = named(&entry);
    match named.iter().find(|digest| **digest != held) {
        Some(other) => {
            return Err(PacketFault::Replayed {
                named: (*other).to_owned(),
                held,
            });
        }
        None if named.is_empty() => return Err(PacketFault::Unnamed(held)),
        None => {}
    }
    let proof = Proof::parse(witnessed.proof)?;
    let head = proof.verify(witnessed.entry, log)?;
    Ok((proof.index, head))
}

/// Whether an entry is about this packet and no other; says nothing about the ledger.
pub fn is_about(entry: &[u8], packet: Digest) -> bool {
    let Ok(entry) = serde_json::from_slice::<Value>(entry) else {
        return false;
    };
    let named = named(&entry);
    !named.is_empty() && named.iter().all(|digest| *digest == packet.to_string())
}

/// The packets that an entry names at the outermost level where it names any. Deeper ones are history, such as a vote
/// kept from an earlier edition; an entry that names two on one level is about neither.
fn named(entry: &Value) -> Vec<&str> {
    let mut level = vec![entry];
    while !level.is_empty() {
        let fields = level.iter().filter_map(|value| value.as_object()).flatten();
        let found: Vec<&str> = fields
            .filter(|(name, _)| FIELDS.contains(&name.as_str()))
            .filter_map(|(_, value)| value.as_str())
            .collect();
        if !found.is_empty() {
            return found;
        }
        level = level.into_iter().flat_map(children).collect();
    }
    Vec::new()
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
