//! The contract of a chat platform: cards out, interactions in, and nothing of any one platform's format.
//!
//! What every adapter promises (its own stand-in proves it):
//! - `post` with the same mark may be sent again after a crash; `find` tells whether the first one arrived.
//! - `update` replaces the whole message; an older rendering never comes back.
//! - texts of people are escaped: nobody is notified and nothing is linked by what somebody typed.
//! - an [`Interaction`] keeps the platform's delivery id, the same on every redelivery.
//! - errors carry a code of the platform and never a body, a token or a person's data.

pub mod card;
pub mod form;
pub mod interaction;

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use card::{Button, ButtonStyle, Card, Column, Part, Span, Text, Tone};
pub use form::{Choice, Field, FieldKind, Form};
pub use interaction::{
    Answer, HttpDelivery, Interaction, InteractionSink, Kind, NotTaken, Received, Rejected,
};

/// A place that can hold messages: a channel or a direct message, or a thread in one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The platform's id of the channel, its name, or a user's id for a direct message.
    pub channel: String,
    /// The message that the thread hangs on.
    pub thread: Option<String>,
}

impl Place {
    /// The channel itself.
    #[must_use]
    pub fn channel(channel: &str) -> Self {
        Self {
            channel: channel.to_owned(),
            thread: None,
        }
    }
}

/// A message that was posted: what is needed to edit it weeks later.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MessageRef {
    /// The platform's id of the channel.
    pub channel: String,
    /// The platform's id of the message in it (Slack: `ts`).
    pub message: String,
}

impl MessageRef {
    /// The thread that hangs on this message.
    #[must_use]
    pub fn thread(&self) -> Place {
        Place {
            channel: self.channel.clone(),
            thread: Some(self.message.clone()),
        }
    }
}

/// Somebody as the platform knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatUser {
    /// The workspace or tenant.
    pub workspace: String,
    /// The platform's id of the user.
    pub id: String,
    /// Shown to people.
    pub name: String,
    /// As the platform has it, when it may be read.
    pub email: Option<String>,
    /// A guest of the workspace.
    pub is_guest: bool,
    /// A program.
    pub is_bot: bool,
    /// Switched off.
    pub deleted: bool,
    /// Of another company, met in a shared channel.
    pub stranger: bool,
}

/// A file that goes into a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// With its ending (`packet-142.json`).
    pub name: String,
    /// Shown above it.
    pub title: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// What `check` found out: who we are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The workspace's name.
    pub workspace: String,
    /// Our own user.
    pub bot_user: String,
    /// What is wrong but not fatal, each a sentence with its remedy.
    pub warnings: Vec<String>,
}

/// Why something did not reach the platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// Not now: the same may be tried again.
    #[error("the chat platform answered `{code}`; to be tried again")]
    Retry {
        /// The wait that the platform asked for, if it named one.
        after: Option<Duration>,
        /// The platform's code, or ours (`timeout`, `unreachable`).
        code: String,
    },
    /// The message cannot be edited any more: post anew and remember the new one.
    #[error("the message is gone (`{code}`)")]
    MessageGone {
        /// The platform's code.
        code: String,
    },
    /// The moment in which a form could be opened has passed: the person has to start again.
    #[error("the form could not be opened in time (`{code}`)")]
    FormExpired {
        /// The platform's code.
        code: String,
    },
    /// Trying again will not help; a person has to change something.
    #[error("the chat platform refuses this with `{code}`: {remedy}")]
    Permanent {
        /// The platform's code.
        code: String,
        /// What to do about it.
        remedy: &'static str,
    },
}

/// A chat platform. `Arc<dyn ChatPlatform>`; one for each platform that is configured.
#[async_trait]
pub trait ChatPlatform: Send + Sync {
    /// The word in the database and in the configuration (`slack`).
    fn name(&self) -> &'static str;

    /// Whether the credentials are good and what is risky.
    async fn check(&self) -> Result<Checked, ChatError>;

    /// Waits until `to` takes another post: platforms slow down whoever posts too fast. Waited for before it is known
    /// that the post is still wanted, so that nothing stands between that and [`ChatPlatform::post`].
    async fn turn(&self, to: &Place) -> Result<(), ChatError>;

    /// Posts `card`, when it is this place's turn; `mark` is our own key of this message, stored with it and invisible to people.
    async fn post(&self, to: &Place, card: &Card, mark: &str) -> Result<MessageRef, ChatError>;

    /// Our message with that mark, the first one if it stands twice. Asked before a post that may have been sent before.
    async fn find(&self, to: &Place, mark: &str) -> Result<Option<MessageRef>, ChatError>;

    /// Replaces the message by `card`.
    async fn update(&self, message: &MessageRef, card: &Card, mark: &str) -> Result<(), ChatError>;

    /// Takes our own message away; one that is gone already is no error.
    async fn take_back(&self, message: &MessageRef) -> Result<(), ChatError>;

    /// Says `text` to one person where they are; nobody else sees it.
    async fn whisper(&self, to: &Place, user: &str, text: &Text) -> Result<(), ChatError>;

    /// Opens `form` in front of the person whose click or command gave `trigger`.
    async fn open_form(&self, trigger: &str, form: &Form) -> Result<(), ChatError>;

    /// Replaces the personal home page of `user`, where the platform has one.
    async fn publish_home(&self, user: &str, card: &Card) -> Result<(), ChatError>;

    /// Who that is, asked anew each time: people leave between a click and its command.
    async fn user(&self, id: &str) -> Result<ChatUser, ChatError>;

    /// Puts a file into a thread.
    async fn upload(&self, thread: &Place, file: &Attachment) -> Result<(), ChatError>;

    /// Verifies and reads what the platform sent us over HTTP.
    ///
    /// # Errors
    /// When the signature does not hold, the time is off by more than 300 s, or the body cannot be read.
    fn receive(&self, delivery: &HttpDelivery<'_>) -> Result<Received, Rejected>;

    /// The body with which the platform wants `answer` told; empty for a plain acknowledgement.
    fn answer(&self, answer: &Answer) -> Option<serde_json::Value>;

    /// `card` as the platform's own JSON, with every limit of the platform that it breaks.
    fn preview(&self, card: &Card) -> (serde_json::Value, Vec<String>);

    /// `form` as the platform's own JSON, with every limit that it breaks.
    fn preview_form(&self, form: &Form) -> (serde_json::Value, Vec<String>);
}
