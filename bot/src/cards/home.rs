//! The personal home page: what waits for me, and what I wait for.

use workflow_engine::ports::chat::{Button, ButtonStyle, Card, Part, Text, Tone};

/// A line of the page.
#[derive(Clone, Debug)]
pub struct Line {
    /// What people call it.
    pub number: String,
    /// The workflow's id.
    pub workflow: String,
    /// Where it stands, or what is asked.
    pub status: String,
    /// The change's page.
    pub link: String,
}

/// The page of somebody for whom `mine` waits, and who waits for `filed`.
#[must_use]
pub fn card(mine: &[Line], filed: &[Line]) -> Card {
    let file = Button {
        action: "file".to_owned(),
        label: "File a route change".to_owned(),
        value: String::new(),
        style: ButtonStyle::Primary,
        url: None,
    };
    let card = Card::new(Tone::Progress, "What waits for you").with(Part::Heading {
        title: "What waits for you".to_owned(),
        status: None,
    });
    let card = lines(card, mine, "Nothing waits for you.").with(Part::Heading {
        title: "What you wait for".to_owned(),
        status: None,
    });
    lines(
        card,
        filed,
        "You have no open request. File the first one below, or with /route in any channel.",
    )
    .with(Part::Buttons(vec![file]))
}

fn lines(card: Card, lines: &[Line], empty: &str) -> Card {
    if lines.is_empty() {
        return card.with(Part::Text(empty.into()));
    }
    let line = |line: &Line| {
        let value =
            Text::from(format!("{} · {} · ", line.workflow, line.status)).link("open", line.link.clone());
        (line.number.clone(), value)
    };
    card.with(Part::Facts(lines.iter().map(line).collect()))
}
