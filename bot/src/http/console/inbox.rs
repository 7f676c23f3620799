//! `/`: what waits for me, and what do I wait for.

use axum::{extract::State, response::Html};
use serde::Serialize;
use workflow_engine::engine::queries::inbox::{Ask, What};

use super::{
    parts::{Empty, Link, Row},
    shell::{Framed, Shell, Visitor},
};
use crate::http::{problem::Problem, state::AppState};

#[derive(Serialize)]
struct Inbox {
    headline: String,
    subline: String,
    mine: Vec<Row>,
    mine_empty: Empty,
    theirs: Vec<Row>,
    theirs_empty: Empty,
    recent: Vec<Row>,
}

/// `GET /`.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
) -> Result<Html<String>, Problem> {
    let inbox = state.engine.inbox(&visitor.person).await?;
    let headline = match inbox.mine.len() {
        0 => "Nothing waits for you".to_owned(),
        1 => "One change waits for you".to_owned(),
        more => format!("{more} changes wait for you"),
    };
    let subline = match inbox.theirs.len() {
        0 => "You wait for nobody.".to_owned(),
        1 => "You wait for others on one change.".to_owned(),
        more => format!("You wait for others on {more} changes."),
    };
    let page = Inbox {
        headline,
        subline,
        mine: inbox
            .mine
            .iter()
            .map(|ask| Row::of(&ask.change, Some(asks(ask))))
            .collect(),
        mine_empty: Empty {
            title: "All done",
            text: "When a change needs your word it stands here, and in chat.",
            action: None,
        },
        theirs: inbox.theirs.iter().map(|line| Row::of(line, None)).collect(),
        theirs_empty: Empty {
            title: "You have nothing under way",
            text: "Is a cheaper or a better model out? File a change and see what your own calls say about it.",
            action: Some(Link {
                href: "/changes/new".to_owned(),
                title: "File a route change".to_owned(),
            }),
        },
        recent: inbox.ended.iter().map(|line| Row::of(line, None)).collect(),
    };
    let shell = Shell::of(&state, &visitor, "Inbox", "/").await?;
    state.pages.render("inbox", &Framed { shell, page })
}

/// What a change asks of its reader, and as whom.
fn asks(ask: &Ask) -> String {
    match ask.what {
        What::Decide(role) => format!("Decide, for {}", role.title()),
        What::Answer => "Answer a question; the clock stands still until then".to_owned(),
        What::Settle => "Say whether your concern is settled".to_owned(),
        What::Submit => "Hand in your draft".to_owned(),
        What::Apply => "Bring it to the gateway".to_owned(),
    }
}
