//! What the entries say: each change's hash chain, the packets they name, the texts they commit to.

use std::collections::HashMap;

use sea_orm::{DatabaseTransaction, QueryResult};
use serde_json::Value;

use super::{PAGE, Report, Stop};
use crate::{
    engine::{envelope::chained, request::commitment},
    evidence::{dsse::Envelope, statement::Statement},
    ledger::key::VerifierKey,
    store::ledger::read::{self, EntryRow, SealedEvent},
    values::Digest,
};

/// The last event of each change so far.
pub(super) struct Changes<'key> {
    log: &'key VerifierKey,
    last: HashMap<String, (i32, Digest)>,
}

impl<'key> Changes<'key> {
    pub(super) fn new(log: &'key VerifierKey) -> Self {
        Self {
            log,
            last: HashMap::new(),
        }
    }

    /// Follows a sealed event, whose own hash was found right.
    pub(super) async fn sealed(
        &mut self,
        tx: &DatabaseTransaction,
        event: &SealedEvent,
        row: &EntryRow,
        report: &mut Report,
    ) -> Result<(), Stop> {
        let index = Some(row.pos.unsigned_abs());
        self.follow(event, index)?;
        let body: Value = serde_json::from_slice(&event.body)
            .map_err(|why| Stop::at(index, "event", format!("entry #{} is not JSON: {why}", row.pos)))?;
        if let Some(packet) = sealed_packet(&body) {
            self.packet(tx, packet, index).await?;
            report.packets += 1;
        }
        let mut notes = Vec::new();
        collect_notes(&body, &mut notes);
        for (id, promised) in notes {
            report.notes += u64::from(note(tx, id, promised, index).await?);
        }
        Ok(())
    }

    fn follow(&mut self, event: &SealedEvent, index: Option<u64>) -> Result<(), Stop> {
        let (n, head) = self
            .last
            .get(&event.change_id)
            .copied()
            .unwrap_or((0, Digest([0; 32])));
        let change = &event.change_id;
        if event.n != n + 1 {
            let what = format!(
                "event {} of change {change} stands where event {} belongs; one is missing, doubled or moved",
                event.n,
                n + 1
            );
            return Err(Stop::at(index, "event", what));
        }
        let hash = chained(head, &event.body);
        if event.prev_hash != head.0 || event.hash != hash.0 {
            let what = format!(
                "event {} of change {change} does not follow from the one before it",
                event.n
            );
            return Err(Stop::at(index, "event", what));
        }
        self.last.insert(change.clone(), (event.n, hash));
        Ok(())
    }

    async fn packet(&self, tx: &DatabaseTransaction, named: &str, index: Option<u64>) -> Result<(), Stop> {
        let fault = |what: String| Stop::at(index, "packet", what);
        let Ok(digest) = named.parse::<Digest>() else {
            return Ok(());
        };
        let sql = "SELECT envelope FROM packet WHERE sha256 = $1";
        let Some(row) = read::one(tx, sql, vec![digest.0.to_vec().into()]).await? else {
            return Err(fault(format!(
                "packet {named} was sealed, but is gone from table packet"
            )));
        };
        let stored: String = row.try_get("", "envelope")?;
        let checked = Envelope::parse(stored.as_bytes())
            .map_err(|why| why.to_string())
            .and_then(|envelope| {
                let payload = envelope.open(self.log).map_err(|why| why.to_string())?;
                Statement::from_payload(payload).map_err(|why| why.to_string())?;
                if envelope.digest() == digest {
                    Ok(())
                } else {
                    Err("it is another packet".to_owned())
                }
            });
        checked.map_err(|why| fault(format!("packet {named} is not as it was sealed: {why}")))
    }

    /// Follows the events that are committed and not sealed yet; each must be waiting for the sealer.
    pub(super) async fn waiting(
        &mut self,
        tx: &DatabaseTransaction,
        report: &mut Report,
    ) -> Result<(), Stop> {
        let sql =
            "SELECT e.seq, e.change_id, e.n, e.body, e.prev_hash, e.hash, p.event_seq AS waits FROM event e
                   LEFT JOIN ledger l ON l.event_seq = e.seq LEFT JOIN ledger_pending p ON p.event_seq = e.seq
                   WHERE l.pos IS NULL AND e.seq > $1 ORDER BY e.seq LIMIT $2";
        let mut after = 0_i64;
        loop {
            let page = read::all(tx, sql, vec![after.into(), i64::from(PAGE).into()]).await?;
            for row in &page {
                let event = unsealed(row)?;
                self.follow(&event, None)?;
                if row.try_get::<Option<i64>>("", "waits")?.is_none() {
                    let what = format!(
                        "event {} of change {} is neither sealed nor waiting to be; its row in ledger_pending was removed",
                        event.n, event.change_id
                    );
                    return Err(Stop::at(None, "ledger_pending", what));
                }
                after = row.try_get("", "seq")?;
                report.waiting += 1;
            }
            if page.len() < PAGE as usize {
                return Ok(());
            }
        }
    }

    /// Each change's row must end where its events end.
    pub(super) async fn end(&self, tx: &DatabaseTransaction, report: &mut Report) -> Result<(), Stop> {
        let sql = "SELECT id, number, event_n, head_hash FROM change WHERE id > $1 ORDER BY id LIMIT $2";
        let mut after = String::new();
        loop {
            let page = read::all(tx, sql, vec![after.as_str().into(), i64::from(PAGE).into()]).await?;
            for row in &page {
                after = row.try_get("", "id")?;
                let (number, n): (i64, i32) = (row.try_get("", "number")?, row.try_get("", "event_n")?);
                let head: Vec<u8> = row.try_get("", "head_hash")?;
                let agrees = self
                    .last
                    .get(&after)
                    .is_some_and(|(last, hash)| *last == n && head == hash.0);
                if !agrees {
                    let what = format!(
                        "change #{number} does not end with its last event; events or its row were changed"
                    );
                    return Err(Stop::at(None, "change", what));
                }
                report.changes += 1;
            }
            if page.len() < PAGE as usize {
                break;
            }
        }
        if report.changes == self.last.len() as u64 {
            return Ok(());
        }
        let (events, rows) = (self.last.len(), report.changes);
        Err(Stop::at(
            None,
            "change",
            format!("there are events of {events} changes, but {rows} changes; a row was removed"),
        ))
    }
}

fn unsealed(row: &QueryResult) -> Result<SealedEvent, sea_orm::DbErr> {
    Ok(SealedEvent {
        change_id: row.try_get("", "change_id")?,
        n: row.try_get("", "n")?,
        body: row.try_get("", "body")?,
        prev_hash: row.try_get("", "prev_hash")?,
        hash: row.try_get("", "hash")?,
    })
}

/// The packet that an event seals, if it is one that seals.
fn sealed_packet(body: &Value) -> Option<&str> {
    let event = &body["event"];
    let seals = matches!(event["kind"].as_str(), Some("packet_sealed" | "policy_denied"));
    event["packet"].as_str().filter(|_| seals)
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

/// Whether the text is there and is the one committed to; an erased one keeps its row and says nothing.
async fn note(tx: &DatabaseTransaction, id: &str, promised: &str, index: Option<u64>) -> Result<bool, Stop> {
    let fault = |what: String| Stop::at(index, "note", what);
    let Some(row) = read::one(tx, "SELECT salt, body FROM note WHERE id = $1", vec![id.into()]).await? else {
        return Err(fault(format!("text {id} is gone; an erased text keeps its row")));
    };
    let salt: Option<Vec<u8>> = row.try_get("", "salt")?;
    let text: Option<String> = row.try_get("", "body")?;
    let (Some(salt), Some(text)) = (salt, text) else {
        return Ok(false);
    };
    let salt: [u8; 32] = salt.try_into().unwrap_or_default();
    if commitment(&salt, &text).to_string() == promised {
        return Ok(true);
    }
    Err(fault(format!(
        "text {id} is not the one that was committed to; it was changed afterwards"
    )))
}
