//! What an approver gets as a direct message: what is asked of them, why them, and the same buttons.

use workflow_engine::{
    change::state::State,
    ports::chat::{Card, Part, Tone},
    values::Role,
};

use super::{
    root,
    view::{ChangeView, SlotView},
    words::deadline,
};

/// The direct message to somebody who may fill `slot`; it follows the change like every other copy.
#[must_use]
pub fn card(view: &ChangeView, slot: &SlotView) -> Card {
    let what = format!("Route change {} · {}", view.number, view.workflow);
    let open = view.state == State::AwaitingApproval && !slot.is_filled();
    let status = match (open, view.state) {
        (true, _) => format!("You are asked for {}", slot.role.title()),
        (false, State::AwaitingApproval) => format!("{} has decided", slot.role.title()),
        (false, state) => state.title().to_owned(),
    };
    let tone = match (open, view.must_not_pass()) {
        (true, true) => Tone::Bad,
        (true, false) => Tone::Waiting,
        (false, _) => Tone::Progress,
    };
    let mut card = Card::new(tone, format!("{what}: {}", status.to_lowercase()))
        .with(Part::Heading {
            title: what,
            status: Some(status),
        })
        .with(Part::Text(view.what.as_str().into()));
    for sentence in view.evidence.iter().flat_map(|evidence| &evidence.said) {
        card = card.with(Part::Text(sentence.as_str().into()));
    }
    if open {
        for concern in &slot.concerns {
            card = card.with(Part::Text(concern.as_str().into()));
        }
        let until = view
            .deadline
            .map(|at| format!(" · closes {}", deadline(at)))
            .unwrap_or_default();
        card = card
            .with(Part::Footer(format!("Why you: {}{until}", why_you(slot, view))))
            .with(Part::Buttons(root::buttons(view)));
    }
    card
}

fn why_you(slot: &SlotView, view: &ChangeView) -> String {
    if slot.role == Role::Owner {
        return format!("you answer for {}", view.workflow);
    }
    format!("you are in @{}", slot.group)
}

/// The reminder to somebody who has not decided yet.
#[must_use]
pub fn reminder(view: &ChangeView, slot: &SlotView) -> Card {
    let until = view
        .deadline
        .map(|at| format!(" It closes {}.", deadline(at)))
        .unwrap_or_default();
    let words = format!(
        "Route change {} ({}) still waits for {}.{until}",
        view.number,
        view.workflow,
        slot.role.title()
    );
    Card::line(Tone::Waiting, words).with(Part::Buttons(root::buttons(view)))
}
