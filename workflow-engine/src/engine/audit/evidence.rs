//! What entries name and commit to, kept beside the ledger: packets, and the texts that people wrote.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::DatabaseTransaction;
use serde_json::Value;

use super::{Report, Stop};
use crate::{
    engine::{keyring::Keyring, request::commitment},
    evidence::{
        dsse::{Envelope, EnvelopeFault},
        statement::Statement,
    },
    ledger::notice::{Leaf, Notice},
    store,
    values::Digest,
};

/// Checks the packet that an event seals, and every text that it commits to.
pub(super) async fn named_by(
    tx: &DatabaseTransaction,
    ring: &Keyring,
    body: &[u8],
    index: u64,
    (report, erased): (&mut Report, &mut Erased),
) -> Result<(), Stop> {
    erased.told(body);
    let body: Value = serde_json::from_slice(body)
        .map_err(|why| Stop::at(Some(index), "event", format!("entry #{index} is not JSON: {why}")))?;
    if let Some(named) = sealed_packet(&body) {
        packet(tx, ring, named)
            .await?
            .map_err(|what| Stop::at(Some(index), "packet", what))?;
        report.packets += 1;
    }
    let mut notes = Vec::new();
    collect_notes(&body, &mut notes);
    for (id, promised) in notes {
        let there = note(tx, id, promised)
            .await?
            .map_err(|what| Stop::at(Some(index), "note", what))?;
        report.notes += u64::from(there);
        erased.seen(id, index, there);
    }
    Ok(())
}

/// Texts that are gone, against the entries that say so.
#[derive(Default)]
pub(super) struct Erased {
    gone: BTreeMap<String, u64>,
    there: BTreeSet<String>,
    told: BTreeSet<String>,
}

impl Erased {
    fn seen(&mut self, id: &str, index: u64, there: bool) {
        if there {
            self.there.insert(id.to_owned());
        } else {
            self.gone.insert(id.to_owned(), index);
        }
    }

    /// Takes in the next entry: one that tells of an erasure counts, also before it is sealed.
    pub(super) fn told(&mut self, body: &[u8]) {
        if let Ok(Leaf {
            event: Notice::Erased(erasure),
            ..
        }) = serde_json::from_slice(body)
        {
            self.told.extend(erasure.texts);
        }
    }

    /// Every text that is gone must have been erased on the record, and none that was may be there.
    pub(super) fn end(&self) -> Result<(), Stop> {
        if let Some((id, index)) = self.gone.iter().find(|(id, _)| !self.told.contains(*id)) {
            let what = format!("text {id} is empty, but no entry of the ledger says that it was erased");
            return Err(Stop::at(Some(*index), "note", what));
        }
        match self.told.iter().find(|id| self.there.contains(*id)) {
            Some(id) => {
                let what = format!("text {id} was erased on the record, but it is there again");
                Err(Stop::at(None, "note", what))
            }
            None => Ok(()),
        }
    }
}

/// The packet that an event seals, if it is one that seals.
fn sealed_packet(body: &Value) -> Option<&str> {
    let event = &body["event"];
    let seals = matches!(event["kind"].as_str(), Some("packet_sealed" | "policy_denied"));
    event["packet"].as_str().filter(|_| seals)
}

async fn packet(tx: &DatabaseTransaction, ring: &Keyring, named: &str) -> Result<Result<(), String>, Stop> {
    let Ok(digest) = named.parse::<Digest>() else {
        return Ok(Err(format!("{named} is not the digest of a packet")));
    };
    let Some(stored) = store::audit::envelope(tx, digest).await? else {
        return Ok(Err(format!(
            "packet {named} was sealed, but is gone from table packet"
        )));
    };
    let why = match Envelope::parse(stored.as_bytes()) {
        Err(fault) => fault.to_string(),
        Ok(envelope) => match opened(&envelope, ring).map(Statement::from_payload) {
            Err(fault) => fault.to_string(),
            Ok(Err(fault)) => fault.to_string(),
            Ok(Ok(_)) if envelope.digest() != digest => "it is another packet".to_owned(),
            Ok(Ok(_)) => return Ok(Ok(())),
        },
    };
    Ok(Err(format!("packet {named} is not as it was sealed: {why}")))
}

/// The payload, if one of the keys has signed it; else what is wrong with the trusted key's signature.
fn opened<'envelope>(
    envelope: &'envelope Envelope,
    ring: &Keyring,
) -> Result<&'envelope [u8], EnvelopeFault> {
    let mut fault = EnvelopeFault::BadSignature(String::new());
    for key in ring.keys().iter().rev() {
        match envelope.open(key) {
            Ok(payload) => return Ok(payload),
            Err(why) => fault = why,
        }
    }
    Err(fault)
}

/// Every commitment to a text, with the row that holds the text.
fn collect_notes<'a>(value: &'a Value, found: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::Object(fields) => {
            if let (Some(Value::String(id)), Some(Value::String(promised))) =
                (fields.get("id"), fields.get("commitment"))
            {
                found.push((id, promised));
            }
            fields.values().for_each(|value| collect_notes(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_notes(item, found)),
        _ => {}
    }
}

/// Whether the text is there, if it is the one committed to; an erased one keeps its row and says nothing.
async fn note(tx: &DatabaseTransaction, id: &str, promised: &str) -> Result<Result<bool, String>, Stop> {
    let Some(kept) = store::audit::note(tx, id).await? else {
        return Ok(Err(format!("text {id} is gone; an erased text keeps its row")));
    };
    let (Some(salt), Some(text)) = kept else {
        return Ok(Ok(false));
    };
    let salt: [u8; 32] = salt.try_into().unwrap_or_default();
    if commitment(&salt, &text).to_string() == promised {
        return Ok(Ok(true));
    }
    Ok(Err(format!(
        "text {id} is not the one that was committed to; it was changed afterwards"
    )))
}
