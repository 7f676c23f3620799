//! What a newcomer of the demo is told to click.

use crate::http::state::{Tour, TourLink, TourStep};

/// The tour; the stand-in chat is at `slack`.
#[must_use]
pub(super) fn tour(slack: &str) -> Tour {
    let step = |title: &str, text: &str, href: String, link: &str| TourStep {
        title: title.to_owned(),
        text: text.to_owned(),
        link: Some(TourLink {
            href,
            title: link.to_owned(),
        }),
    };
    Tour {
        headline: "Four route changes, four endings".to_owned(),
        intro: "A month of recorded calls has flowed in, and Maya has filed four changes in chat. Everything here is the \
                real product; only Slack, the gateway and the model vendors are stand-ins on this machine, and their \
                answers, tokens and times are real recorded figures."
            .to_owned(),
        steps: vec![
            step(
                "See a change that must not pass",
                "#1 would save 98 % and looks fine on average. The tests say what it gets wrong.",
                "/changes/1".to_owned(),
                "Open #1",
            ),
            step(
                "Approve a clean one, as three people",
                "#2 needs platform, security and finance. In the chat, be Ana and Priya and click Approve on its card; \
                 here, be Tomás. Watch it go to the gateway and wait for the first calls.",
                format!("{slack}/"),
                "Open the chat",
            ),
            step(
                "Deny one for what it costs",
                "#3 has a lower list price and a higher bill. Finance's place on the card says so. Be Tomás and deny it.",
                "/changes/3".to_owned(),
                "Open #3",
            ),
            step(
                "See one that never sent a prompt",
                "#4 names a region where this data may not go. It was refused before anything left the company.",
                "/changes/4".to_owned(),
                "Open #4",
            ),
            step(
                "Read the money",
                "Where last month went, by owner and cost centre, with what has no owner as its own line.",
                "/spend".to_owned(),
                "Open spend",
            ),
            step(
                "Check the proof yourself",
                "Every step is sealed in a ledger that tools of others can verify.",
                "/ledger".to_owned(),
                "Open the ledger",
            ),
            step(
                "File your own",
                "Type /route in the chat as Maya, or use the form here.",
                "/changes/new".to_owned(),
                "File a change",
            ),
        ],
    }
}
