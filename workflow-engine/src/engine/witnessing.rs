//! Asks witnesses to cosign the newest head, keeps what they sign, and notices when one of them knows better.

use chrono::{DateTime, Utc};

use super::ledger::{Ledger, LedgerError};
use crate::{
    ledger::{
        note::{Signature, SignedCheckpoint},
        witness::AddCheckpoint,
    },
    ports::witness::{Witness, WitnessError},
    store::ledger::witnesses::{self, Standing},
};

/// How often one head is offered anew when the witness or the ledger has moved in between.
const ROUNDS: usize = 4;

/// What came of asking.
enum Said {
    Cosigned(u64),
    Trouble(String),
    Alarm(String),
}

impl Ledger {
    /// Offers the newest signed head to `witness` and keeps its cosignature; gives where the witness stands now, none
    /// while nothing is sealed.
    ///
    /// # Errors
    /// Only when the database does not answer; what is wrong with the witness is in its standing.
    pub async fn ask(
        &self,
        witness: &dyn Witness,
        now: DateTime<Utc>,
    ) -> Result<Option<Standing>, LedgerError> {
        let before = witnesses::of(self.db.reads(), witness.key()).await?;
        let Some(said) = self
            .offer(witness, before.as_ref().map_or(0, |one| one.size))
            .await?
        else {
            return Ok(None);
        };
        let (at, before) = (now.timestamp_millis(), before.as_ref());
        let mut standing = Standing {
            vkey: witness.key().to_string(),
            size: before.map_or(0, |one| one.size),
            cosigned_at: before.and_then(|one| one.cosigned_at),
            asked_at: at,
            trouble: None,
            alarm: false,
        };
        match said {
            Said::Cosigned(size) => (standing.size, standing.cosigned_at) = (size, Some(at)),
            // A witness that cannot be reached takes nothing back of what it said before.
            Said::Trouble(why) => {
                standing.alarm = before.is_some_and(|one| one.alarm);
                let alarm = before.filter(|one| one.alarm).and_then(|one| one.trouble.clone());
                standing.trouble = Some(alarm.unwrap_or(why));
            }
            Said::Alarm(why) => (standing.trouble, standing.alarm) = (Some(why), true),
        }
        witnesses::save(&self.db, standing.clone()).await?;
        Ok(Some(standing))
    }

    /// Offers heads, each with the proof from what the witness is believed to hold, until it signs or cannot.
    async fn offer(&self, witness: &dyn Witness, believed: u64) -> Result<Option<Said>, LedgerError> {
        let mut old = believed;
        for _ in 0..ROUNDS {
            let Some(note) = self.checkpoint().await? else {
                return Ok(None);
            };
            let size = note.checkpoint.head.size;
            if old > size {
                return Ok(Some(Said::Alarm(ahead(old, size))));
            }
            let proof = self.consistency(old, size).await?.unwrap_or_default();
            let asked = AddCheckpoint { old, proof, note };
            let said = match witness.cosign(&asked).await {
                Ok(line) => self.keep(witness, asked.note, line).await?,
                Err(WitnessError::Holds(held)) if held == old && held == size => Said::Alarm(format!(
                    "it holds another ledger of {held} entries: ours was rewritten and signed anew, or the key is \
                     used elsewhere too"
                )),
                // Either side may have moved: the newest head is read anew and proven from what it holds.
                Err(WitnessError::Holds(held)) => {
                    old = held;
                    continue;
                }
                Err(WitnessError::Inconsistent) => Said::Alarm(format!(
                    "the {old} entries it holds are not the beginning of ours: the past was rewritten and signed \
                     anew, or the key is used elsewhere too"
                )),
                Err(other) => Said::Trouble(other.to_string()),
            };
            return Ok(Some(said));
        }
        Ok(Some(Said::Trouble("it moved each time it was asked".to_owned())))
    }

    /// Keeps a cosignature, if it is one of this witness over this head.
    async fn keep(
        &self,
        witness: &dyn Witness,
        note: SignedCheckpoint,
        line: Signature,
    ) -> Result<Said, LedgerError> {
        let head = note.checkpoint.head;
        let mut signed = SignedCheckpoint {
            signatures: vec![line.clone()],
            ..note
        };
        if let Err(fault) = signed.cosigned(witness.key()) {
            return Ok(Said::Trouble(format!(
                "it answered with no cosignature of its own: {fault}"
            )));
        }
        for _ in 0..ROUNDS {
            let row = crate::store::ledger::read::checkpoint(self.db.reads(), head.size).await?;
            let before = SignedCheckpoint::parse(&row.and_then(|row| row.note).unwrap_or_default())?;
            signed.signatures.clone_from(&before.signatures);
            // One line a witness: the newest says when it last saw this head.
            signed
                .signatures
                .retain(|other| other.key_id != line.key_id || other.name != line.name);
            signed.signatures.push(line.clone());
            if witnesses::cosigned(&self.db, head, &before, &signed).await? {
                break;
            }
        }
        Ok(Said::Cosigned(head.size))
    }
}

fn ahead(held: u64, ours: u64) -> String {
    format!(
        "it holds {held} entries, but our ledger has {ours}: an older copy of the database was restored, or its end \
         was cut off"
    )
}
