//! Each change's events: an unbroken hash chain, told the same by the columns beside them, and leading to the change as
//! it is stored.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{DatabaseTransaction, QueryResult};

use super::{PAGE, Report, Stop, evidence::Erased};
use crate::{
    change::{machine, state::Change},
    engine::envelope::{Envelope, chained},
    ledger::notice::{Leaf, STREAM},
    store::{
        self,
        ledger::read::{self, SealedEvent},
    },
    values::Digest,
};

/// The streams of events so far.
#[derive(Default)]
pub(super) struct Changes(HashMap<String, Stream>);

/// The events of one change, or of something else that keeps events.
struct Stream {
    n: i32,
    head: Digest,
    /// The change as its events make it; none if the stream is not a change's.
    change: Option<Change>,
}

impl Changes {
    /// Follows the next event of its stream; `index` is its entry, if it is sealed.
    pub(super) fn follow(&mut self, event: &SealedEvent, index: Option<u64>) -> Result<(), Stop> {
        let fault = |what: String| Stop::at(index, "event", what);
        let change = &event.change_id;
        let before = self.0.remove(change);
        let (n, head) = before
            .as_ref()
            .map_or((0, Digest([0; 32])), |stream| (stream.n, stream.head));
        if event.n != n + 1 {
            return Err(fault(format!(
                "event {} of change {change} stands where event {} belongs; one is missing, doubled or moved",
                event.n,
                n + 1
            )));
        }
        let hash = chained(head, &event.body);
        if event.prev_hash != head.0 || event.hash != hash.0 {
            return Err(fault(format!(
                "event {} of change {change} does not follow from the one before it",
                event.n
            )));
        }
        let was = before.and_then(|stream| stream.change);
        let replayed = match serde_json::from_slice::<Envelope>(&event.body) {
            Ok(envelope) if columns_agree(event, &envelope) => {
                machine::evolve(was, &envelope.event, time(envelope.at))
            }
            Ok(_) => {
                let what = "its kind, actor or time stands differently in a column beside its text";
                return Err(fault(format!("event {} of change {change}: {what}", event.n)));
            }
            Err(_) if was.is_none() => match serde_json::from_slice::<Leaf>(&event.body) {
                Ok(leaf) if !notice_columns_agree(event, &leaf) => {
                    let what = "its kind, actor or time stands differently in a column beside its text";
                    return Err(fault(format!("entry {} of the ledger's own: {what}", event.n)));
                }
                _ => None,
            },
            Err(why) => {
                return Err(fault(format!(
                    "event {} of change {change} is not known to this program: {why}",
                    event.n
                )));
            }
        };
        self.0.insert(
            change.clone(),
            Stream {
                n: event.n,
                head: hash,
                change: replayed,
            },
        );
        Ok(())
    }

    /// Follows the events that are committed and not sealed yet; each must be waiting for the sealer.
    pub(super) async fn waiting(
        &mut self,
        tx: &DatabaseTransaction,
        erased: &mut Erased,
        report: &mut Report,
    ) -> Result<(), Stop> {
        let mut after = 0;
        loop {
            let page = read::unsealed(tx, after, PAGE).await?;
            for (seq, event, waits) in &page {
                self.follow(event, None)?;
                erased.told(&event.body);
                if !waits {
                    let what = format!(
                        "event {} of change {} is neither sealed nor waiting to be; its row in ledger_pending was removed",
                        event.n, event.change_id
                    );
                    return Err(Stop::at(None, "ledger_pending", what));
                }
                after = *seq;
                report.waiting += 1;
            }
            if page.len() < PAGE as usize {
                return Ok(());
            }
        }
    }

    /// Each change's row must be what its events make of it.
    pub(super) async fn end(&self, tx: &DatabaseTransaction, report: &mut Report) -> Result<(), Stop> {
        let mut after = String::new();
        loop {
            let page = store::audit::changes(tx, &after, i64::from(PAGE)).await?;
            for row in &page {
                after = row.try_get("", "id")?;
                self.row(&after, row)?;
                report.changes += 1;
            }
            if page.len() < PAGE as usize {
                break;
            }
        }
        let changes = self.0.values().filter(|stream| stream.change.is_some()).count() as u64;
        if report.changes == changes {
            return Ok(());
        }
        let rows = report.changes;
        let what = format!("there are events of {changes} changes, but {rows} changes; a row was removed");
        Err(Stop::at(None, "change", what))
    }

    fn row(&self, id: &str, row: &QueryResult) -> Result<(), Stop> {
        let number: i64 = row.try_get("", "number")?;
        let fault = |what: &str| Stop::at(None, "change", format!("change #{number} {what}"));
        let (n, head): (i32, Vec<u8>) = (row.try_get("", "event_n")?, row.try_get("", "head_hash")?);
        let stream = self
            .0
            .get(id)
            .filter(|stream| stream.n == n && stream.head.0.as_slice() == head);
        let stream = stream
            .ok_or_else(|| fault("does not end with its last event; events or its row were changed"))?;
        let stored: String = row.try_get("", "body")?;
        let stored: Option<Change> = serde_json::from_str(&stored).ok();
        let (Some(stored), Some(replayed)) = (stored, &stream.change) else {
            return Err(fault("cannot be read; its row was changed"));
        };
        let columns = row.try_get::<String>("", "state")? == replayed.state.as_str()
            && row.try_get::<String>("", "workflow")? == replayed.workflow.0
            && row.try_get::<String>("", "requester")? == replayed.requester.0
            && i64::from(row.try_get::<i32>("", "revision")?) == i64::from(replayed.revision.0)
            && number.unsigned_abs() == replayed.number.0
            && row.try_get::<Option<i64>>("", "deadline_at")?
                == replayed.deadline_at.map(|at| at.timestamp_millis());
        if columns && same(stored, replayed) {
            return Ok(());
        }
        Err(fault("is not what its events make of it; its row was changed"))
    }
}

/// Whether the columns that lists and searches read say the same as the event's bytes.
fn columns_agree(event: &SealedEvent, envelope: &Envelope) -> bool {
    event.change_id == envelope.change.0
        && i64::from(event.n) == i64::from(envelope.n)
        && event.kind == envelope.event.name()
        && event.actor == envelope.actor
        && event.at == envelope.at
}

fn notice_columns_agree(event: &SealedEvent, leaf: &Leaf) -> bool {
    event.change_id == STREAM
        && i64::from(event.n) == i64::from(leaf.n)
        && event.kind == leaf.event.name()
        && event.actor == leaf.actor
        && event.at == leaf.at
}

/// Whether a stored change is the replayed one. The times that come from the clock are in events to the millisecond.
fn same(mut stored: Change, replayed: &Change) -> bool {
    let millis = |at: DateTime<Utc>| at.timestamp_millis();
    if millis(stored.filed_at) != millis(replayed.filed_at)
        || millis(stored.updated_at) != millis(replayed.updated_at)
    {
        return false;
    }
    (stored.filed_at, stored.updated_at) = (replayed.filed_at, replayed.updated_at);
    stored == *replayed
}

fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}
