//! One copy: brought to a rendering, never patched; found again after a crash, posted anew when somebody deleted it.

use workflow_engine::{
    change::state::Change,
    engine::jobs::JobError,
    ports::chat::{Card, ChatError, MessageRef, Place},
    store::{self, changes::Loaded, messages::Copy, queue::Job},
    values::Digest,
};

use super::{
    Chat,
    once::{Once, Posted},
    say::trouble,
};

/// The copies of one conversation.
pub(super) struct Copies<'chat> {
    pub chat: &'chat Chat,
}

/// Whether a message that is not known may be posted.
#[derive(Clone, Copy, Debug)]
pub enum Posting<'job> {
    /// Yes, by this job.
    By(&'job Job),
    /// Somebody else posts it, or it would stand there twice: only what is known is brought up to date.
    Never,
}

/// One message that has to be there.
pub(super) struct Wanted<'card> {
    pub change: &'card Loaded,
    pub to: Place,
    /// `root`, `evidence.<revision>`, `event.<n>`, `ask.<revision>`, `remind.<n>`
    pub kind: String,
    pub card: Card,
}

/// A message that was sent: where, what for, and what the platform calls it.
pub(super) struct Sent<'sent> {
    pub place: &'sent str,
    pub purpose: &'sent str,
    pub reference: String,
}

/// A message with its channel, as the table of copies keeps it.
pub(super) fn reference(message: &MessageRef) -> String {
    format!("{}:{}", message.channel, message.message)
}

/// The message of a copy.
pub(super) fn message_of(copy: &Copy) -> Option<MessageRef> {
    let (channel, message) = copy.reference.split_once(':')?;
    Some(MessageRef {
        channel: channel.to_owned(),
        message: message.to_owned(),
    })
}

/// What a copy is for, with its change: many changes have their first message in one channel.
pub(super) fn keyed(kind: &str, change: &Change) -> String {
    format!("{kind}:{}", change.number.0)
}

/// Where a copy was sent to, as the table of copies keeps it.
fn place_key(place: &Place) -> String {
    match &place.thread {
        Some(thread) => format!("{}/{thread}", place.channel),
        None => place.channel.clone(),
    }
}

impl Copies<'_> {
    /// Makes the message be there and show its card; none where it is not there and may not be posted.
    pub(super) async fn bring(
        &self,
        wanted: Wanted<'_>,
        posting: Posting<'_>,
    ) -> Result<Option<MessageRef>, JobError> {
        let purpose = keyed(&wanted.kind, &wanted.change.change);
        let place = place_key(&wanted.to);
        let known =
            store::messages::find(self.chat.engine.db(), self.chat.platform.name(), &place, &purpose).await?;
        if let Some(copy) = &known
            && let Some(message) = self.edit(copy, &wanted).await?
        {
            return Ok(Some(message));
        }
        let Posting::By(job) = posting else {
            return Ok(None);
        };
        let once = Once {
            engine: &self.chat.engine,
            platform: self.chat.platform.as_ref(),
            job,
        };
        let message = match once.post(&wanted.to, &wanted.card, &purpose).await? {
            Posted::Now(message) => message,
            Posted::Before(message) => {
                let updated = self.chat.platform.update(&message, &wanted.card, &purpose).await;
                updated.map_err(|error| trouble(&error))?;
                message
            }
        };
        let sent = Sent {
            place: &place,
            purpose: &purpose,
            reference: reference(&message),
        };
        self.remember(Some(wanted.change), &sent, &wanted.card).await?;
        Ok(Some(message))
    }

    /// Brings a message that was posted before to its card; none when it is gone and has to be posted anew.
    async fn edit(&self, copy: &Copy, wanted: &Wanted<'_>) -> Result<Option<MessageRef>, JobError> {
        let Some(message) = message_of(copy) else {
            return Ok(None);
        };
        let rendered = Digest::of_json(&wanted.card).map_err(JobError::permanent)?;
        if copy.rendered == Some(rendered) {
            return Ok(Some(message));
        }
        let mut sent = Sent {
            place: &copy.place,
            purpose: &copy.purpose,
            reference: copy.reference.clone(),
        };
        match self
            .chat
            .platform
            .update(&message, &wanted.card, &copy.purpose)
            .await
        {
            Ok(()) => {
                self.remember(Some(wanted.change), &sent, &wanted.card).await?;
                Ok(Some(message))
            }
            Err(ChatError::MessageGone { code }) => {
                tracing::info!(
                    code,
                    purpose = copy.purpose,
                    "a message was deleted; it is posted anew"
                );
                // What people write in the old thread still belongs to this change.
                let former = keyed(&format!("former.{}", message.message), &wanted.change.change);
                sent.purpose = &former;
                self.remember(Some(wanted.change), &sent, &wanted.card).await?;
                Ok(None)
            }
            Err(error) => Err(trouble(&error)),
        }
    }

    /// Remembers where a message is and what it shows.
    pub(super) async fn remember(
        &self,
        change: Option<&Loaded>,
        sent: &Sent<'_>,
        card: &Card,
    ) -> Result<(), JobError> {
        let clock = self.chat.engine.clock();
        let copy = Copy {
            id: clock.new_id().to_string(),
            change_id: change.map(|loaded| loaded.change.id.to_string()),
            purpose: sent.purpose.to_owned(),
            platform: self.chat.platform.name().to_owned(),
            place: sent.place.to_owned(),
            reference: sent.reference.clone(),
            rendered_version: change.map_or(0, |loaded| loaded.version),
            rendered: Some(Digest::of_json(card).map_err(JobError::permanent)?),
            updated_at: clock.now().timestamp_millis(),
        };
        store::messages::save(self.chat.engine.db(), copy).await?;
        Ok(())
    }
}
