//! The conversation: what people do in chat becomes commands at the one door, and what happens becomes messages.
//!
//! In: `http/hooks/chat` or a socket → [`Chat::accept`](InteractionSink) (inbox row, then acknowledge) →
//! `jobs::chat_interaction` → [`Chat::take`] → `clicks`, `forms` or `commands` → `Engine::handle`.
//! Out: an effect of the machine → `jobs::post_card` or `jobs::announce` → `outbox` → the platform.

pub mod button;
mod clicks;
pub mod connect;
pub mod copies;
mod evidence;
mod forms;
mod identity;
mod inbox;
pub mod once;
mod outbox;
mod pictures;
mod replies;
pub mod say;
mod stale;
mod view;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::sync::oneshot;
use workflow_engine::{
    engine::{
        Engine,
        jobs::{Handler, JobError},
    },
    ports::chat::{Answer, ChatPlatform, Interaction, Kind},
};

pub use button::ButtonKey;
pub use outbox::Outbox;

use crate::jobs::{
    announce::Announce, ask_approvers::AskApprovers, chat_interaction::ChatInteraction, post_card::PostCard,
};

/// What the conversation needs to know of the installation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The slash command (`/route`).
    pub command: String,
    /// How people reach the console, without a slash at the end.
    pub public_url: String,
    /// Signs what buttons carry.
    pub key: ButtonKey,
}

/// The conversation on one platform. Share it as an `Arc`.
pub struct Chat {
    engine: Engine,
    platform: Arc<dyn ChatPlatform>,
    settings: Settings,
    // Forms whose sender still looks at them: answered when their job is done, by delivery.
    waiting: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
}

impl Chat {
    /// A conversation over `engine` on `platform`.
    #[must_use]
    pub fn new(engine: Engine, platform: Arc<dyn ChatPlatform>, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            engine,
            platform,
            settings,
            waiting: Mutex::default(),
        })
    }

    /// The engine behind it.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The platform it speaks to.
    #[must_use]
    pub fn platform(&self) -> &Arc<dyn ChatPlatform> {
        &self.platform
    }

    /// The installation's settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What serves its jobs. Give them a runner of their own: a person who clicks must not wait behind a long test.
    #[must_use]
    pub fn handlers(self: &Arc<Self>) -> Vec<Arc<dyn Handler>> {
        vec![
            Arc::new(ChatInteraction::new(self.clone())),
            Arc::new(PostCard::new(self.clone())),
            Arc::new(Announce::new(self.clone())),
            Arc::new(AskApprovers::new(self.clone())),
        ]
    }

    /// Its messages.
    #[must_use]
    pub fn outbox(&self) -> Outbox<'_> {
        Outbox::new(self)
    }

    /// Does what a stored interaction asks, and tells the person what came of it. May run again for the same one.
    ///
    /// # Errors
    /// When it has to be tried again: the database or the platform does not answer.
    pub async fn take(&self, interaction: &Interaction) -> Result<Answer, JobError> {
        if let Kind::Click { action, .. } = &interaction.kind
            && action == "evidence"
        {
            // A link: the platform opens it, and tells us of it all the same.
            return Ok(Answer::Taken);
        }
        let person = match self.who(&interaction.user).await? {
            Ok(person) => person,
            Err(turned_away) => {
                self.tell(interaction, &turned_away).await?;
                return Ok(Answer::Taken);
            }
        };
        match &interaction.kind {
            Kind::Command { text, .. } => self.slash(interaction, &person, text).await?,
            Kind::Click { action, value } => self.click(interaction, &person, action, value).await?,
            Kind::FormSubmitted {
                form,
                context,
                values,
            } => {
                let sent = forms::Sent {
                    form,
                    context,
                    values,
                };
                return self.form(interaction, &person, &sent).await;
            }
            Kind::ThreadReply { text } => self.reply(interaction, &person, text).await?,
            Kind::HomeOpened => self.outbox().home(&person, &interaction.user).await?,
        }
        Ok(Answer::Taken)
    }
}
