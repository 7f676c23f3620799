//! A card: what people see of a change in chat, in no platform's format.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One message. The same card can be rendered any number of times, to any platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The bar at the side; never the only carrier of a meaning.
    pub tone: Tone,
    /// The whole in one line: notifications, screen readers, clients that show no cards.
    pub fallback: String,
    /// From top to bottom.
    pub parts: Vec<Part>,
}

impl Card {
    /// An empty card.
    #[must_use]
    pub fn new(tone: Tone, fallback: impl Into<String>) -> Self {
        Self {
            tone,
            fallback: fallback.into(),
            parts: Vec::new(),
        }
    }

    /// A card of one sentence, which is also its fallback.
    #[must_use]
    pub fn line(tone: Tone, text: impl Into<Text>) -> Self {
        let text = text.into();
        Self::new(tone, text.to_string()).with(Part::Text(text))
    }

    /// The card with one part more.
    #[must_use]
    pub fn with(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }
}

/// What the bar at the side says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Grey: in progress, or nothing to say.
    Progress,
    /// Blue: waits for somebody.
    Waiting,
    /// Green: done.
    Good,
    /// Red: ended badly, or must not pass.
    Bad,
}

/// A part of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The first line: what this is, and where it stands.
    Heading {
        /// What this is.
        title: String,
        /// Where it stands, in words.
        status: Option<String>,
    },
    /// A paragraph; a line break is a line break.
    Text(Text),
    /// Label and value, one pair a line.
    Facts(Vec<(String, Text)>),
    /// A small table. One a card.
    Table {
        /// From left to right.
        columns: Vec<Column>,
        /// As many cells each as there are columns.
        rows: Vec<Vec<String>>,
    },
    /// What can be done, most likely first.
    Buttons(Vec<Button>),
    /// Small print.
    Footer(String),
    /// A picture with its words.
    Image {
        /// Where the platform fetches it.
        url: String,
        /// What it shows, for those who do not see it.
        alt: String,
    },
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its head.
    pub title: String,
    /// Numbers stand right.
    pub right: bool,
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What it does (`approve`); comes back in the click.
    pub action: String,
    /// Its words.
    pub label: String,
    /// What it is about; comes back in the click. Links have none.
    pub value: String,
    /// How it looks.
    pub style: ButtonStyle,
    /// A link that opens instead of a click that is sent.
    pub url: Option<String>,
}

/// How a button looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ButtonStyle {
    /// As the rest.
    #[default]
    Plain,
    /// The likeliest.
    Primary,
    /// Ends something.
    Danger,
}

/// A line of text with a little emphasis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(pub Vec<Span>);

/// A stretch of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// As it stands.
    Plain(String),
    /// Strong.
    Bold(String),
    /// Quiet.
    Italic(String),
    /// An id, a digest.
    Code(String),
    /// A link.
    Link {
        /// Its words.
        text: String,
        /// Where it leads.
        url: String,
    },
    /// A user of the platform, who is told.
    Mention(String),
}

impl Text {
    /// The text followed by plain words.
    #[must_use]
    pub fn then(mut self, words: impl Into<String>) -> Self {
        self.0.push(Span::Plain(words.into()));
        self
    }

    /// The text followed by strong words.
    #[must_use]
    pub fn bold(mut self, words: impl Into<String>) -> Self {
        self.0.push(Span::Bold(words.into()));
        self
    }

    /// The text followed by a link.
    #[must_use]
    pub fn link(mut self, text: impl Into<String>, url: impl Into<String>) -> Self {
        self.0.push(Span::Link {
            text: text.into(),
            url: url.into(),
        });
        self
    }
}

impl From<&str> for Text {
    fn from(words: &str) -> Self {
        Self(vec![Span::Plain(words.to_owned())])
    }
}

impl From<String> for Text {
    fn from(words: String) -> Self {
        Self(vec![Span::Plain(words)])
    }
}

impl fmt::Display for Text {
    /// The words without their emphasis.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|span| match span {
            Span::Plain(words) | Span::Bold(words) | Span::Italic(words) | Span::Code(words) => {
                f.write_str(words)
            }
            Span::Link { text, .. } => f.write_str(text),
            Span::Mention(user) => write!(f, "@{user}"),
        })
    }
}
