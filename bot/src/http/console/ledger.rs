//! `/ledger`: prove it. Newest entries, one entry in full, the signed checkpoint, and commands to check it all.

use axum::{
    extract::{Query, State},
    response::Html,
};
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use workflow_engine::{
    engine::{
        ledger::LedgerError,
        queries::list::{AuditEvent, LeafView},
    },
    evidence::figures::count,
    ledger::{
        merkle::leaf_hash,
        notice::{Leaf, Notice},
    },
    store::ledger::witnesses::Standing,
};

use super::{
    change::words,
    parts::{Badge, Empty, Pager, Time},
    shell::{Framed, Shell, Visitor},
};
use crate::http::{
    problem::{Code, Problem},
    state::AppState,
};

#[derive(Serialize)]
struct LedgerPage {
    headline: String,
    entry: Option<Entry>,
    rows: Vec<Line>,
    own: Vec<Line>,
    empty: Empty,
    pager: Option<Pager>,
    checkpoint: Option<Checkpoint>,
    witnesses: Vec<Witness>,
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct Entry {
    index: u64,
    badge: Badge,
    sentence: String,
    leaf: String,
    change: Option<u64>,
    body: String,
}

#[derive(Serialize)]
struct Line {
    // As text: to a template the number 0 is nothing.
    index: Option<String>,
    what: String,
    who: String,
    change: Option<u64>,
    at: Time,
}

#[derive(Serialize)]
struct Checkpoint {
    sentence: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Witness {
    name: String,
    badge: Badge,
    sentence: String,
}

#[derive(Serialize)]
struct Step {
    title: &'static str,
    command: &'static str,
}

/// Which entry, which page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Wanted {
    entry: Option<String>,
    cursor: Option<String>,
}

/// `GET /ledger`.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Result<Html<String>, Problem> {
    let number = |text: Option<&str>| {
        let parsed = text
            .filter(|text| !text.is_empty())
            .map(str::parse::<i64>)
            .transpose();
        parsed.map_err(|_| Problem::new(Code::BadQuery, "An entry is a number, counted from 0."))
    };
    let entry = match number(wanted.entry.as_deref())? {
        Some(index) => Some(entry(&state, &visitor, u64::try_from(index).unwrap_or_default()).await?),
        None => None,
    };
    let events = state
        .engine
        .newest_events(number(wanted.cursor.as_deref())?, 25)
        .await?;
    let note = state.ledger.checkpoint().await?;
    let page = LedgerPage {
        headline: note.as_ref().map_or_else(
            || "The ledger is empty".to_owned(),
            |note| format!("{} entries, one root", count(note.checkpoint.head.size)),
        ),
        entry,
        rows: events.items.iter().map(|event| line(event, &visitor)).collect(),
        own: state.ledger.notices(8).await?.iter().map(own_line).collect(),
        empty: Empty {
            title: "Nothing is recorded yet",
            text: "The first change makes the first entry.",
            action: None,
        },
        pager: Pager::of("/ledger", &[], wanted.cursor.as_deref(), events.next_cursor.as_deref()),
        checkpoint: note.map(|note| Checkpoint {
            sentence: "Whoever keeps a copy of this is a witness: every later ledger must begin with this one.",
            text: note.to_text(),
        }),
        witnesses: state.ledger.witnesses().await?.iter().map(witness).collect(),
        steps: steps(),
    };
    let shell = Shell::of(&state, &visitor, "Ledger", "/ledger").await?;
    state.pages.render("ledger", &Framed { shell, page })
}

async fn entry(state: &AppState, visitor: &Visitor, index: u64) -> Result<Entry, Problem> {
    let Some(LeafView { event, hash, body }) = state.engine.leaf_view(index).await? else {
        return own_entry(state, index).await;
    };
    let said = words::say(&event.event.event, &visitor.catalog);
    Ok(Entry {
        index,
        badge: Badge::new(event.event.kind.replace('_', " "), said.mark, said.tone),
        sentence: format!("{} · {}", said.what, event.event.actor.name),
        leaf: hash.to_string(),
        change: event.change,
        body,
    })
}

/// An entry of the ledger's own: a key, an erasure, a day of rows.
async fn own_entry(state: &AppState, index: u64) -> Result<Entry, Problem> {
    let body = match state.ledger.entry(index).await {
        Err(LedgerError::NotSealed { .. }) => return Err(Problem::not_found("ledger entry", index)),
        other => other?,
    };
    let leaf: Leaf = serde_json::from_slice(&body).map_err(|error| Problem::internal(&error))?;
    Ok(Entry {
        index,
        badge: Badge::new(leaf.event.name().replace('_', " "), "disc", "grey"),
        sentence: say(&leaf.event),
        leaf: hex::encode(leaf_hash(&body)),
        change: None,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// What an entry of the ledger's own says.
fn say(notice: &Notice) -> String {
    match notice {
        Notice::KeyAnnounced { .. } => "A new key of the ledger was announced".to_owned(),
        Notice::KeyInUse { .. } => "The new key of the ledger signs from here on".to_owned(),
        Notice::Erased(erasure) => format!(
            "Erased for good: {} texts and {} other records",
            erasure.texts.len(),
            erasure.records
        ),
        Notice::RowsSealed(batch) => {
            let day = batch.from.get(..10).unwrap_or(&batch.from);
            let cost = match batch.rows.as_str() {
                "calls" => format!(", {} in all", batch.cost_usd),
                _ => String::new(),
            };
            let again = match batch.edition {
                1 => String::new(),
                edition => format!(" (edition {edition}: some came late)"),
            };
            format!(
                "{} {} of {day} sealed{cost}{again}",
                count(batch.count),
                batch.rows
            )
        }
    }
}

fn own_line((index, leaf): &(Option<u64>, Leaf)) -> Line {
    Line {
        index: index.map(|index| index.to_string()),
        what: say(&leaf.event),
        who: leaf.actor.clone(),
        change: None,
        at: DateTime::from_timestamp_millis(leaf.at)
            .unwrap_or_default()
            .into(),
    }
}

fn line(event: &AuditEvent, visitor: &Visitor) -> Line {
    Line {
        index: event.event.leaf.map(|leaf| leaf.to_string()),
        what: words::say(&event.event.event, &visitor.catalog).what,
        who: event.event.actor.name.clone(),
        change: event.change,
        at: event.event.at.into(),
    }
}

fn witness(one: &Standing) -> Witness {
    let (word, mark, tone) = match (one.alarm, &one.trouble) {
        (true, _) => ("alarm", "diamond", "red"),
        (false, Some(_)) => ("behind", "half", "blue"),
        (false, None) => ("in step", "disc", "green"),
    };
    let seen = match one.size {
        0 => "It has cosigned nothing yet.".to_owned(),
        size => format!("It has cosigned {} entries.", count(size)),
    };
    let why = one
        .trouble
        .as_ref()
        .map(|why| format!(" When it was last asked, {why}."));
    Witness {
        name: one.name().to_owned(),
        badge: Badge::new(word, mark, tone),
        sentence: seen + &why.unwrap_or_default(),
    }
}

fn steps() -> Vec<Step> {
    vec![
        Step {
            title: "Check everything in the database: hashes, chain, tree, signatures",
            command: "governor ledger verify",
        },
        Step {
            title: "Take it along as C2SP tlog-tiles, with the public key",
            command: "governor ledger export --out ledger",
        },
        Step {
            title: "Check the files alone, on a machine that never saw this service",
            command: "governor ledger verify --dir ledger",
        },
    ]
}
