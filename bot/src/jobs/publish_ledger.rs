//! Puts the ledger's word where others keep it: heads into chat, proofs into the thread of a decided change, and heads
//! before an outside clock.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::state::Change,
    engine::{
        Engine,
        jobs::{Handler, JobError},
        ledger::Ledger,
        timestamping::StampingError,
    },
    evidence::figures::count,
    ledger::note::SignedCheckpoint,
    ports::{
        chat::{Attachment, Card, MessageRef, Part, Place, Span, Text, Tone},
        timestamp::{StampError, TimestampAuthority},
    },
    store::{self, commit::JobRow, error::StoreError, messages::Copy, queue::Job},
    values::JobId,
};

use crate::chat::{
    Chat,
    once::{Once, Posted},
    say::trouble,
};

/// Posts the newest head to chat and writes it to the log.
pub const POST: &str = "post_checkpoint";
/// Has the newest head stamped.
pub const STAMP: &str = "stamp_checkpoint";
/// Attaches the proof of a change's packet to its thread.
const PROVE: &str = "attach_proof";
/// How long a proof waits for a witness's signature before it goes without.
const PATIENCE_MS: i64 = 60_000;

/// What the jobs work with.
pub struct PublishLedger {
    /// The one door.
    pub engine: Engine,
    /// The ledger.
    pub ledger: Ledger,
    /// The conversation, where there is one.
    pub chat: Option<Arc<Chat>>,
    /// The channel for heads; empty: the approvals channel.
    pub channel: String,
    /// Whether witnesses cosign heads.
    pub witnessed: bool,
    /// The outside clock, where one is configured.
    pub authority: Option<Arc<dyn TimestampAuthority>>,
}

#[derive(Serialize, Deserialize)]
struct Decided {
    change: String,
    at: i64,
}

/// Asks for what follows from an event of a change: a decided one gets its proof, a completed one has the head posted.
///
/// # Errors
/// When the database does not answer.
pub async fn after(engine: &Engine, change_id: &str, event: u32) -> Result<(), StoreError> {
    let events = store::changes::events(engine.db(), change_id).await?;
    let Some(event) = events.into_iter().find(|stored| stored.n == event) else {
        return Ok(());
    };
    let (kind, payload) = match event.kind.as_str() {
        "approved" | "rejected" | "policy_denied" => {
            let decided = Decided {
                change: change_id.to_owned(),
                at: event.at,
            };
            (PROVE, serde_json::to_string(&decided)?)
        }
        "verified" => (POST, "{}".to_owned()),
        _ => return Ok(()),
    };
    let now = engine.clock().now().timestamp_millis();
    let row = JobRow {
        id: JobId(engine.clock().new_id().to_string()),
        event_n: 0,
        kind,
        // Two at once would both find no message of this head, and post it twice.
        lane: (kind == POST).then(|| POST.to_owned()),
        dedup: Some(format!("{kind}:{change_id}:{}", event.n)),
        payload,
        due_at: now,
        max_attempts: 8,
    };
    store::queue::enqueue(engine.db(), row, now).await?;
    Ok(())
}

#[async_trait]
impl Handler for PublishLedger {
    fn kinds(&self) -> &'static [&'static str] {
        &[POST, STAMP, PROVE]
    }

    async fn run(&self, job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        match job.kind.as_str() {
            POST => self.post(job).await,
            STAMP => self.stamp().await,
            _ => {
                let decided: Decided = serde_json::from_str(&job.payload).map_err(JobError::permanent)?;
                self.prove(&decided).await
            }
        }
    }
}

impl PublishLedger {
    async fn post(&self, job: &Job) -> Result<(), JobError> {
        let Some(note) = self.ledger.checkpoint().await.map_err(JobError::retry)? else {
            return Ok(());
        };
        let (size, root) = (
            note.checkpoint.head.size,
            BASE64.encode(note.checkpoint.head.root),
        );
        tracing::info!(size, root, "checkpoint of the ledger");
        let Some(chat) = &self.chat else {
            return Ok(());
        };
        let channel = self.channel().await?;
        let mark = format!("checkpoint:{size}");
        let to = Place::channel(&channel);
        let platform = chat.platform();
        if platform
            .find(&to, &mark)
            .await
            .map_err(|error| trouble(&error))?
            .is_some()
        {
            return Ok(());
        }
        let once = Once {
            engine: &self.engine,
            platform: platform.as_ref(),
            job,
        };
        let Posted::Now(message) = once.post(&to, &card(&note), &mark).await? else {
            return Ok(());
        };
        let file = Attachment {
            name: format!("checkpoint-{size}"),
            title: "The signed head, for `governor ledger verify --checkpoint`".to_owned(),
            bytes: note.to_text().into_bytes(),
        };
        // The message alone says size and root; the file saves typing them.
        if let Err(error) = platform.upload(&message.thread(), &file).await {
            tracing::warn!(%error, "the signed head could not be attached");
        }
        Ok(())
    }

    async fn channel(&self) -> Result<String, JobError> {
        let (_, catalog) = self.engine.catalog().await?;
        let channel = match self.channel.as_str() {
            "" => &catalog.company.approvals_channel,
            own => own,
        };
        Ok(channel.trim_start_matches('#').to_owned())
    }

    async fn stamp(&self) -> Result<(), JobError> {
        let Some(authority) = &self.authority else {
            return Ok(());
        };
        match self
            .ledger
            .stamp(authority.as_ref(), self.engine.clock().as_ref())
            .await
        {
            Ok(Some((size, at))) => {
                tracing::info!(size, %at, "the ledger's head was stamped");
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(error @ StampingError::Authority(StampError::Refused(_))) => Err(JobError::permanent(error)),
            Err(error) => Err(JobError::retry(error)),
        }
    }

    /// Attaches the proof once its entry is sealed, and cosigned where there are witnesses.
    async fn prove(&self, decided: &Decided) -> Result<(), JobError> {
        let (Some(chat), Some(loaded)) = (
            &self.chat,
            store::changes::by_id(self.engine.db(), &decided.change).await?,
        ) else {
            return Ok(());
        };
        let change = loaded.change;
        let Some(packet) = change.packet else {
            return Ok(());
        };
        let not_yet = |why: &str| JobError::NotYet {
            why: why.to_owned(),
            after: Duration::from_secs(1),
        };
        let place = self.ledger.place_of_packet(&change.id, packet).await;
        let Some(index) = place.map_err(JobError::retry)? else {
            return Err(not_yet("the packet's entry is not sealed yet"));
        };
        let proof = self.ledger.proof(index).await.map_err(JobError::retry)?;
        let waited = self.engine.clock().now().timestamp_millis() - decided.at;
        if self.witnessed && proof.checkpoint.signatures.len() < 2 && waited < PATIENCE_MS {
            return Err(not_yet("no witness has cosigned it yet"));
        }
        let Some(root) = chat.outbox().root(&change).await? else {
            return Err(JobError::retry("the thread has no first message yet"));
        };
        self.attach(chat, &change, &root, proof.to_text()).await
    }

    async fn attach(
        &self,
        chat: &Chat,
        change: &Change,
        root: &MessageRef,
        proof: String,
    ) -> Result<(), JobError> {
        let (db, platform) = (self.engine.db(), chat.platform());
        let purpose = format!("proof:{}.{}", change.number.0, change.revision.0);
        let place = format!("{}/{}", root.channel, root.message);
        if store::messages::find(db, platform.name(), &place, &purpose)
            .await?
            .is_some()
        {
            return Ok(());
        }
        let file = Attachment {
            name: format!("packet-{}.tlog-proof", change.number.0),
            title: "Proof that this evidence stands in the ledger (docs/verifying.md)".to_owned(),
            bytes: proof.into_bytes(),
        };
        let uploaded = platform.upload(&root.thread(), &file).await;
        uploaded.map_err(|error| trouble(&error))?;
        let copy = Copy {
            id: self.engine.clock().new_id().to_string(),
            change_id: Some(change.id.to_string()),
            purpose,
            platform: platform.name().to_owned(),
            place,
            reference: file.name,
            rendered_version: 0,
            rendered: None,
            updated_at: self.engine.clock().now().timestamp_millis(),
        };
        store::messages::save(db, copy).await?;
        Ok(())
    }
}

/// One quiet line: nobody has to do anything, and whoever keeps it can hold us to it.
pub fn card(note: &SignedCheckpoint) -> Card {
    let head = note.checkpoint.head;
    let mut text = Text::from("Ledger: ")
        .bold(format!("{} entries", count(head.size)))
        .then(", root ");
    text.0.push(Span::Code(BASE64.encode(head.root)));
    let fallback = text.to_string();
    Card::new(Tone::Progress, fallback)
        .with(Part::Text(text))
        .with(Part::Footer(
            "Nothing to do. Every later ledger must begin with these entries; this message shows it if one does not.".to_owned(),
        ))
}

#[cfg(test)]
mod tests {
    use workflow_engine::ledger::{
        key::{KeyKind, SigningKey},
        merkle::Head,
        note::Checkpoint,
    };

    use super::*;

    #[test]
    fn a_head_in_chat_says_size_and_root_and_asks_for_nothing() {
        let key = SigningKey::from_seed("governor.test/ledger", KeyKind::Note, &[1; 32]).unwrap();
        let head = Head {
            size: 1204,
            root: [7; 32],
        };
        let card = card(&Checkpoint::sign(head, &key));
        insta::assert_snapshot!(card.fallback, @"Ledger: 1,204 entries, root BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    }
}
