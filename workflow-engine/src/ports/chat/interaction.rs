//! What people do in chat, read from the platform's own shape and tied to a delivery id.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{MessageRef, Place};

/// Something a person did. This is what the inbox keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction {
    /// The platform's name for this delivery, the same when it is delivered again.
    pub delivery: String,
    /// The platform (`slack`).
    pub platform: String,
    /// The workspace, where the platform says it.
    pub workspace: Option<String>,
    /// The platform's id of the person.
    pub user: String,
    /// Where it happened; a home page and a form have no place.
    pub place: Option<Place>,
    /// The message that was clicked or written.
    pub message: Option<MessageRef>,
    /// Lets us open a form for a few seconds.
    pub trigger: Option<String>,
    /// What it was.
    pub kind: Kind,
}

/// What a person did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Typed a command.
    Command {
        /// With its slash (`/route`).
        name: String,
        /// What follows.
        text: String,
    },
    /// Clicked a button.
    Click {
        /// The button's action.
        action: String,
        /// The button's value.
        value: String,
    },
    /// Sent a form.
    FormSubmitted {
        /// The form's id.
        form: String,
        /// The form's own context.
        context: String,
        /// By field; what was left empty is not there.
        values: BTreeMap<String, String>,
    },
    /// Wrote in a thread of ours, or to us.
    ThreadReply {
        /// The words, as typed.
        text: String,
    },
    /// Opened our home page.
    HomeOpened,
}

/// What is told to the platform once an interaction is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Stored; the rest follows by itself.
    Taken,
    /// The form stays open and shows these, by field.
    FormErrors(BTreeMap<String, String>),
}

/// The interaction could not be stored: it must not be acknowledged, so that it is delivered again.
#[derive(Debug, thiserror::Error)]
#[error("the interaction could not be stored: {0}")]
pub struct NotTaken(pub String);

/// Takes interactions: stores each one durably before it answers.
#[async_trait]
pub trait InteractionSink: Send + Sync {
    /// Stores it, once; a second delivery of the same is answered like the first.
    ///
    /// # Errors
    /// When it could not be stored.
    async fn accept(&self, interaction: Interaction) -> Result<Answer, NotTaken>;
}

/// What came over HTTP, as it came.
pub struct HttpDelivery<'a> {
    /// The last part of the path (`events`, `interactions`, `commands`).
    pub endpoint: &'a str,
    /// A header by its name in lower case.
    pub header: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// The raw body: the signature is over these bytes.
    pub body: &'a [u8],
    /// When it came.
    pub at: DateTime<Utc>,
}

/// What a delivery was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// Something a person did.
    Interaction(Box<Interaction>),
    /// The platform tries the address: it wants this back.
    Echo(String),
    /// Nothing for us; the word says what it was. Acknowledge it.
    Ignored(String),
}

/// Why a delivery is turned away.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Not signed with our secret.
    #[error("the signature does not match the body")]
    Signature,
    /// Signed, but more than 300 s ago or ahead: it may be a replay, or a clock is wrong.
    #[error("the time stamp is more than 300 s off")]
    Stale,
    /// Signed, and unreadable. The text names the place, never the content.
    #[error("the body could not be read: {0}")]
    Malformed(String),
}
