//! Who acts: a person, or the service itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::text_id;

text_id! {
    /// A person as the catalog or the directory knows them: an opaque id, never a name or an e-mail.
    PersonId
}

/// Who sends a command.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// Somebody in chat, in the console or behind a person's token.
    Person(PersonId),
    /// A job, a timer or a schedule of the service; the text names which.
    Service(String),
}

impl Actor {
    /// The person, if it is one.
    #[must_use]
    pub fn person(&self) -> Option<&PersonId> {
        match self {
            Self::Person(person) => Some(person),
            Self::Service(_) => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(person) => write!(f, "{person}"),
            Self::Service(name) => write!(f, "service:{name}"),
        }
    }
}

/// A party whose agreement a change may need, or a right a person may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the gateway.
    Platform,
    /// Answers for data and vendors.
    Security,
    /// Answers for the bill.
    Finance,
    /// Owns the workflow.
    Owner,
    /// May open the emergency path.
    BreakGlass,
}

impl Role {
    /// The word in JSON, in URLs and in the catalog.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Security => "security",
            Self::Finance => "finance",
            Self::Owner => "owner",
            Self::BreakGlass => "break_glass",
        }
    }

    /// The word as a card shows it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Platform => "Platform",
            Self::Security => "Security",
            Self::Finance => "Finance",
            Self::Owner => "Owner",
            Self::BreakGlass => "Break-glass",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [
            Self::Platform,
            Self::Security,
            Self::Finance,
            Self::Owner,
            Self::BreakGlass,
        ]
        .into_iter()
        .find(|role| role.as_str() == text)
        .ok_or_else(|| format!("`{text}` is no role; platform, security, finance, owner or break_glass"))
    }
}
