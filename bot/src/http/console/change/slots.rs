//! Who decides: each slot with where it stands, what it should look at, and who has spoken.

use serde::Serialize;
use workflow_engine::{
    change::{event::Event, state::State},
    engine::queries::change_view::{ChangeView, SlotView, VoteView},
};

use super::{super::parts::Time, ask::Seat, words};

/// The slots and their heading.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Slots {
    slots_title: String,
    slots_empty: &'static str,
    slots: Vec<Slot>,
}

#[derive(Clone, Debug, Serialize)]
struct Slot {
    title: String,
    mark: &'static str,
    tone: &'static str,
    status: String,
    detail: Option<String>,
    votes: Vec<Vote>,
    concerns: Vec<String>,
    yours: bool,
}

#[derive(Clone, Debug, Serialize)]
struct Vote {
    words: String,
    at: Time,
    ledger: Option<String>,
    reason: Option<String>,
}

impl Slots {
    /// The slots of `view`; those that the reader may fill now are marked as theirs and stand first.
    pub(super) fn of(view: &ChangeView, asked: &[Seat]) -> Self {
        let filled = view.slots.iter().filter(|slot| slot.have >= slot.needed).count();
        let slots_title = if view.slots.is_empty() {
            "Who decides".to_owned()
        } else {
            format!("Who decides, on what · {filled} of {}", view.slots.len())
        };
        let mut slots: Vec<_> = view.slots.iter().map(|slot| shown(slot, view, asked)).collect();
        slots.sort_by_key(|slot| !slot.yours);
        Self {
            slots_title,
            slots_empty: if view.state.is_final() {
                "Nobody was asked: it ended before it came to people."
            } else {
                "Known once policy has seen the evidence: how risky the change is decides who is asked."
            },
            slots,
        }
    }
}

fn shown(slot: &SlotView, view: &ChangeView, asked: &[Seat]) -> Slot {
    let filled = slot.have >= slot.needed;
    let names: Vec<_> = slot.votes.iter().map(|vote| vote.by.name.as_str()).collect();
    let denied = view.events.iter().rev().find_map(|event| match &event.event {
        Event::Rejected { role, .. } if *role == slot.role && view.state == State::Rejected => {
            Some(&event.actor.name)
        }
        _ => None,
    });
    let (mark, tone, status) = match denied {
        Some(name) => ("diamond", "red", format!("denied by {name}")),
        None if filled => ("disc", "green", format!("approved by {}", words::listed(&names))),
        None if view.state == State::AwaitingApproval => {
            ("half", "blue", format!("waiting for {}", who_may(slot)))
        }
        None => ("ring", "grey", "not decided".to_owned()),
    };
    let detail = match (slot.needed, slot.escalated && !filled) {
        (needed, _) if needed > 1 && !filled => Some(format!("{} of {needed} so far", slot.have)),
        (_, true) => Some("nobody moved in time, so the next people may decide too".to_owned()),
        _ => None,
    };
    Slot {
        title: slot.role.title().to_owned(),
        mark,
        tone,
        status,
        detail,
        votes: slot.votes.iter().map(vote).collect(),
        concerns: slot.concerns.clone(),
        yours: asked.iter().any(|seat| seat.role == slot.role),
    }
}

/// Who may fill a slot: names while they are few.
pub(super) fn who_may(slot: &SlotView) -> String {
    let names: Vec<_> = slot.eligible.iter().map(|who| who.name.as_str()).collect();
    match names.as_slice() {
        [] => format!("@{}, where nobody may decide", slot.group),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} or {two}"),
        _ => format!("anyone in @{}", slot.group),
    }
}

fn vote(vote: &VoteView) -> Vote {
    let whose = vote
        .for_whom
        .as_ref()
        .map_or_else(String::new, |who| format!(" in place of {}", who.name));
    let if_what = vote
        .conditions
        .as_ref()
        .map_or_else(String::new, |it| format!(", if {}", words::conditions(it)));
    Vote {
        words: format!("{}{whose}{if_what}", vote.by.name),
        at: vote.at.into(),
        ledger: vote.leaf.map(|leaf| leaf.to_string()),
        reason: vote.reason.clone(),
    }
}
