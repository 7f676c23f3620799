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

/// Most concerns that the message holds; the page has them all.
const CONCERNS: usize = 3;

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
        for concern in slot.concerns.iter().take(CONCERNS) {
            card = card.with(Part::Text(concern.as_str().into()));
        }
        card = card.with(Part::Text(after_yes(view, slot).into()));
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

/// What follows if they approve: who is still needed, or that they are the last.
fn after_yes(view: &ChangeView, slot: &SlotView) -> String {
    let missing = |other: &&SlotView| {
        let mine = usize::from(other.role == slot.role);
        other.votes.len() + mine < usize::try_from(other.needed).unwrap_or(usize::MAX)
    };
    let others: Vec<_> = view
        .slots
        .iter()
        .filter(missing)
        .map(|slot| slot.role.title())
        .collect();
    match others.as_slice() {
        [] if view.concerns.is_empty() => {
            "You are the last: if you approve, the route goes to the gateway. If you deny, it ends here."
                .to_owned()
        }
        [] => "You are the last; a concern is still open, and nothing is switched before it is settled."
            .to_owned(),
        [one] => format!(
            "If you approve, nothing is switched yet: {one} still has to agree. If you deny, it ends here."
        ),
        [most @ .., last] => format!(
            "If you approve, nothing is switched yet: {} and {last} still have to agree. If you deny, it ends here.",
            most.join(", ")
        ),
    }
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

#[cfg(test)]
mod tests {
    use super::{super::samples::awaiting, *};

    #[test]
    fn the_message_says_what_is_asked_why_and_what_follows() {
        let view = awaiting();
        let card = card(&view, &view.slots[1]);
        let said: Vec<_> = card
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Heading { status, .. } => status.clone(),
                Part::Footer(words) => Some(words.clone()),
                Part::Text(text) => Some(text.to_string()),
                _ => None,
            })
            .collect();
        assert_eq!(said[0], "You are asked for Security");
        assert!(said.iter().any(|line| line
            == "If you approve, nothing is switched yet: Owner still has to agree. If you deny, it ends here."), "{said:?}");
        assert!(
            said.iter()
                .any(|line| line.starts_with("Why you: you are in @sec-oncall")),
            "{said:?}"
        );
        let mut last = view.clone();
        last.slots.retain(|slot| slot.role != Role::Owner);
        assert!(after_yes(&last, &last.slots[1]).starts_with("You are the last: if you approve"));
    }
}
