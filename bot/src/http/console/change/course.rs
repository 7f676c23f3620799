//! How far a change has come: the six stages, the running test, what happened, and how to check all of it.

use serde::Serialize;
use workflow_engine::{
    catalog::Catalog,
    change::{event::Event, state::State},
    engine::queries::change_view::{ChangeView, EventView},
    evidence::figures::count,
    values::Usd,
};

use super::{super::parts::Time, words};

#[derive(Clone, Debug, Serialize)]
pub(super) struct Step {
    title: &'static str,
    class: &'static str,
    current: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Progress {
    title: String,
    text: String,
    done: u32,
    most: u32,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct TimelineItem {
    what: String,
    mark: &'static str,
    tone: &'static str,
    who: String,
    at: Time,
    quote: Option<String>,
    // As text: to a template the number 0 is nothing.
    entry: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Proof {
    sentence: String,
    steps: Vec<ProofStep>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ProofStep {
    title: &'static str,
    command: String,
}

/// DORA's six verbs, and where the change stands or stopped.
pub(super) fn steps(view: &ChangeView) -> Vec<Step> {
    const STAGES: [&str; 6] = [
        "recorded",
        "tested",
        "assessed",
        "approved",
        "implemented",
        "verified",
    ];
    let kinds = |words: &[&str]| {
        view.events
            .iter()
            .any(|event| words.contains(&event.kind.as_str()))
    };
    let reached = [
        kinds(&["submitted"]),
        kinds(&["evidence_submitted", "test_waived"]),
        kinds(&["packet_sealed"]),
        kinds(&["approved"]),
        kinds(&["applied"]),
        kinds(&["verified"]),
    ];
    let done = reached.iter().take_while(|it| **it).count();
    let ended_badly = view.state.is_final() && view.state != State::Completed;
    let step = |(index, title)| {
        let class = match index {
            _ if index < done => "done",
            _ if index == done && ended_badly => "stop",
            _ if index == done => "now",
            _ => "",
        };
        Step {
            title,
            class,
            current: class == "now",
        }
    };
    STAGES.into_iter().enumerate().map(step).collect()
}

/// How far the test is, while it runs.
pub(super) fn progress(view: &ChangeView) -> Option<Progress> {
    let test = view
        .test
        .as_ref()
        .filter(|_| view.state == State::ShadowTesting)?;
    let paused = if test.paused { " It is paused." } else { "" };
    Some(Progress {
        title: format!(
            "Replayed {} of {} calls",
            count(test.done.into()),
            count(test.total.into())
        ),
        text: format!(
            "{} of at most {} spent so far{}. Tools are never executed in a replay.{paused}",
            dollars(&test.spent_usd),
            dollars(&test.cap_usd),
            left(test.seconds_left)
        ),
        done: test.done,
        most: test.total.max(1),
    })
}

fn dollars(plain: &str) -> Usd {
    Usd(plain.parse().unwrap_or_default())
}

/// `, about 3 minutes left`
fn left(seconds: Option<u64>) -> String {
    match seconds {
        None => String::new(),
        Some(seconds) if seconds < 60 => ", less than a minute left".to_owned(),
        Some(seconds) if seconds < 120 => ", about a minute left".to_owned(),
        Some(seconds) => format!(", about {} minutes left", seconds / 60),
    }
}

/// What happened, newest first; looks of one person right after another are one line.
pub(super) fn timeline(view: &ChangeView, catalog: &Catalog) -> Vec<TimelineItem> {
    let newest_first: Vec<&EventView> = view.events.iter().rev().collect();
    let goes_on = |later: &&EventView, earlier: &&EventView| {
        looked(later).is_some() && looked(earlier).is_some() && later.actor.name == earlier.actor.name
    };
    newest_first
        .chunk_by(goes_on)
        .filter_map(|events| line(events, catalog))
        .collect()
}

fn line(events: &[&EventView], catalog: &Catalog) -> Option<TimelineItem> {
    let newest = item(events.first()?, catalog);
    if events.len() == 1 {
        return Some(newest);
    }
    let traces = events.iter().filter_map(|event| looked(event)).sum();
    Some(TimelineItem {
        what: words::looked(traces),
        ..newest
    })
}

/// How many replayed calls somebody has looked at.
fn looked(event: &EventView) -> Option<u32> {
    match event.event {
        Event::ContentViewed { traces, .. } => Some(traces),
        _ => None,
    }
}

fn item(event: &EventView, catalog: &Catalog) -> TimelineItem {
    let said = words::say(&event.event, catalog);
    TimelineItem {
        what: said.what,
        mark: said.mark,
        tone: said.tone,
        who: event.actor.name.clone(),
        at: event.at.into(),
        quote: event.note.clone(),
        entry: event.leaf.map(|leaf| leaf.to_string()),
    }
}

/// Where the change stands in the ledger, and the commands that check it.
pub(super) fn proof(view: &ChangeView) -> Proof {
    let number = view.number.0;
    let sealed = match (view.ledger.leaf, view.ledger.sealed) {
        (Some(leaf), true) => {
            format!(
                "All {} events are sealed in the ledger, the newest as entry {leaf}.",
                view.events.len()
            )
        }
        (Some(leaf), false) => format!("Sealed up to entry {leaf}; the rest follows within a second."),
        (None, _) => "Not sealed yet; that takes at most a second.".to_owned(),
    };
    let Some(packet) = view.packet_sha256 else {
        return Proof {
            sentence: sealed,
            steps: Vec::new(),
        };
    };
    let leaf = view
        .ledger
        .packet_leaf
        .map(|leaf| format!(", named by entry {leaf}"))
        .unwrap_or_default();
    Proof {
        sentence: format!("People decide on packet {}{leaf}. {sealed}", packet.short()),
        steps: vec![
            ProofStep {
                title: "Take the packet, its public key and its proof",
                command: format!("governor packet export {number} --out packet-{number}"),
            },
            ProofStep {
                title: "Check signature, digest and the votes bound to it, without this service",
                command: format!(
                    "governor packet verify packet-{number}/packet.dsse.json --key packet-{number}/packet.pub.pem"
                ),
            },
            ProofStep {
                title: "Compare the digest yourself",
                command: format!(
                    "jq -r .payload packet-{number}/packet.dsse.json | base64 -d | sha256sum   # {packet}"
                ),
            },
        ],
    }
}
