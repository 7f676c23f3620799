//! A form that a person fills in without leaving the conversation.

use serde::{Deserialize, Serialize};

use super::card::Text;

/// A form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// What is submitted (`file`, `deny`); comes back with the values.
    pub id: String,
    /// At most 24 characters.
    pub title: String,
    /// The words of the button that sends it; a form without is only read.
    pub submit: Option<String>,
    /// Ours: what the form is about; comes back as it is, and people do not see it.
    pub context: String,
    /// Said above the fields.
    pub intro: Vec<Text>,
    /// From top to bottom.
    pub fields: Vec<Field>,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Names the value, and the error if there is one.
    pub id: String,
    /// The question.
    pub label: String,
    /// Said below it.
    pub hint: Option<String>,
    /// Whether it may stay empty.
    pub optional: bool,
    /// How it is answered.
    pub kind: FieldKind,
}

/// How a question is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// In words.
    Text {
        /// More than one line.
        multiline: bool,
        /// Characters at most.
        max: u32,
        /// What stands there at first.
        initial: Option<String>,
    },
    /// One of a list.
    Select {
        /// The list.
        choices: Vec<Choice>,
        /// The value that is chosen at first.
        initial: Option<String>,
    },
    /// Yes or no; the value is `yes` when ticked.
    Tick {
        /// What is agreed to.
        label: String,
        /// Whether it is ticked at first.
        initial: bool,
    },
}

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What comes back.
    pub value: String,
    /// What people read.
    pub label: String,
}
