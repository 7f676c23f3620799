//! The reader's part in ten seconds: what they are asked, why they, and what happens if they click.

use serde::Serialize;
use workflow_engine::{
    change::state::State,
    engine::queries::{
        change_view::{ChangeView, SlotView},
        people::Who,
    },
    values::{PersonId, Role},
};

use super::{super::shell::Visitor, slots::who_may, words::listed};

/// A slot that the reader may fill now.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    /// Which.
    pub(super) role: Role,
    /// In whose place, where it was delegated.
    pub(super) in_place_of: Option<String>,
}

/// The reader's part.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Ask {
    title: String,
    why: Option<String>,
    look: Option<String>,
    lines: Vec<String>,
    vote: Option<VoteForm>,
}

#[derive(Clone, Debug, Serialize)]
struct VoteForm {
    key: String,
    role: &'static str,
    title: &'static str,
    roles: Vec<Titled>,
    grades: Vec<Grade>,
}

#[derive(Clone, Debug, Serialize)]
struct Titled {
    id: &'static str,
    title: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct Grade {
    id: &'static str,
    title: &'static str,
    /// What follows, in one clause.
    then: String,
    key: Option<&'static str>,
}

/// The open slots that `person` may fill now, their own before those that others gave them.
pub(super) fn roles(view: &ChangeView, person: &PersonId) -> Vec<Seat> {
    let voted = view
        .slots
        .iter()
        .flat_map(|slot| &slot.votes)
        .any(|vote| is(&vote.by, person));
    if view.state != State::AwaitingApproval || wrote(view, person) || voted {
        return Vec::new();
    }
    let open = || view.slots.iter().filter(|slot| slot.have < slot.needed);
    let asked = |slot: &&SlotView, person: &PersonId| slot.eligible.iter().any(|who| is(who, person));
    let own = open().filter(|slot| asked(slot, person)).map(|slot| Seat {
        role: slot.role,
        in_place_of: None,
    });
    let given = view
        .delegations
        .iter()
        .filter(|it| is(&it.to, person))
        .filter(|it| {
            let from = it.from.person.as_ref();
            open().any(|slot| slot.role == it.role && from.is_some_and(|from| asked(&slot, from)))
        })
        .map(|it| Seat {
            role: it.role,
            in_place_of: Some(it.from.name.clone()),
        });
    own.chain(given).collect()
}

/// Whether `person` filed the change or wrote it with whoever did.
pub(super) fn wrote(view: &ChangeView, person: &PersonId) -> bool {
    std::iter::once(&view.requester)
        .chain(&view.co_authors)
        .any(|who| is(who, person))
}

/// Whether `who` is `person`.
pub(super) fn is(who: &Who, person: &PersonId) -> bool {
    who.person.as_ref() == Some(person)
}

impl Ask {
    /// What `view` asks of the reader; none where nothing is left to say.
    pub(super) fn of(view: &ChangeView, visitor: &Visitor, asked: &[Seat], key: &str) -> Option<Self> {
        if let Some(seat) = asked.first() {
            return Some(to_decide(view, visitor, (seat, asked), key));
        }
        let (title, lines) = match view.state {
            _ if view.frozen.is_some() => (
                "Nothing can be recorded here now".to_owned(),
                vec!["It is said above why, and what helps. Everything can be read.".to_owned()],
            ),
            State::AwaitingApproval => waiting(view, visitor),
            state => (
                "Nothing is asked of you now".to_owned(),
                vec![next(state)?.to_owned()],
            ),
        };
        Some(Self {
            title,
            why: None,
            look: None,
            lines,
            vote: None,
        })
    }
}

fn to_decide(view: &ChangeView, visitor: &Visitor, (seat, asked): (&Seat, &[Seat]), key: &str) -> Ask {
    let slot = view.slots.iter().find(|slot| slot.role == seat.role);
    Ask {
        title: format!("You are asked to decide for {}", seat.role.title()),
        why: slot.map(|slot| why(slot, seat, view, visitor)),
        look: slot.and_then(|slot| slot.concerns.first().cloned()),
        lines: Vec::new(),
        vote: Some(VoteForm {
            key: format!("{key}-v"),
            role: seat.role.as_str(),
            title: seat.role.title(),
            roles: match asked {
                [_] => Vec::new(),
                several => several
                    .iter()
                    .map(|seat| Titled {
                        id: seat.role.as_str(),
                        title: seat.role.title(),
                    })
                    .collect(),
            },
            grades: grades(view, visitor, seat),
        }),
    }
}

fn why(slot: &SlotView, seat: &Seat, view: &ChangeView, visitor: &Visitor) -> String {
    if let Some(name) = &seat.in_place_of {
        return format!("Why you: {name} asked you to decide in their place. Both names are recorded.");
    }
    let class = visitor
        .catalog
        .workflow(view.workflow.as_str())
        .and_then(|entry| {
            visitor
                .catalog
                .data_classes
                .iter()
                .find(|class| class.id == entry.data_class)
        });
    match (slot.role, class) {
        (Role::Owner, _) => format!("Why you: you answer for {}.", view.workflow),
        (Role::Security, Some(class)) => {
            format!(
                "Why you: you are in @{}, and this workflow sees data of class {}.",
                slot.group, class.name
            )
        }
        (Role::Finance, _) => format!(
            "Why you: you are in @{}, and this changes what it costs.",
            slot.group
        ),
        (Role::Platform, _) => format!("Why you: you are in @{}, which runs the gateway.", slot.group),
        _ => format!("Why you: you are in @{}.", slot.group),
    }
}

fn grades(view: &ChangeView, visitor: &Visitor, seat: &Seat) -> Vec<Grade> {
    let grade = |id, title, then: &str, key| Grade {
        id,
        title,
        then: then.to_owned(),
        key,
    };
    let requester = &view.requester.name;
    vec![
        grade("approve", "Approve", &after_yes(view, visitor, seat), Some("a")),
        grade(
            "approve_with_conditions",
            "Approve with conditions",
            "the same, as long as your limits hold",
            None,
        ),
        grade(
            "raise_concern",
            "Raise a concern",
            "nobody’s approval completes it until you say it is settled",
            None,
        ),
        grade(
            "ask_for_information",
            "Ask for information",
            &format!("{requester} is asked; the clock stands still until the answer"),
            None,
        ),
        grade(
            "deny",
            "Deny",
            &format!("it ends here; {requester} reads your reason and may file another"),
            Some("d"),
        ),
        grade(
            "recuse",
            "Stand down",
            "somebody else decides in this place",
            None,
        ),
    ]
}

/// What follows a yes: who is still needed, or that the route goes to the gateway.
fn after_yes(view: &ChangeView, visitor: &Visitor, seat: &Seat) -> String {
    let missing = |slot: &SlotView| {
        let mine = u32::from(slot.role == seat.role);
        slot.needed.saturating_sub(slot.have + mine)
    };
    let others: Vec<_> = view
        .slots
        .iter()
        .filter(|slot| missing(slot) > 0)
        .map(|slot| match missing(slot) {
            1 if slot.role == seat.role => format!("one more of {}", slot.role.title()),
            _ => slot.role.title().to_owned(),
        })
        .collect();
    if !others.is_empty() {
        let verb = if others.len() == 1 { "has" } else { "have" };
        return format!(
            "nothing is switched yet; {} still {verb} to agree",
            listed(&others)
        );
    }
    if view.concerns.iter().any(|concern| !concern.settled) {
        return "you are the last; it waits only for the open concern to be settled".to_owned();
    }
    if visitor.catalog.approval.apply_when_approved {
        "you are the last: the gateway gets the new route at once, and traffic is watched".to_owned()
    } else {
        "you are the last: the platform team may then apply the new route".to_owned()
    }
}

/// The part of somebody who cannot decide while others can.
fn waiting(view: &ChangeView, visitor: &Visitor) -> (String, Vec<String>) {
    let open: Vec<_> = view.slots.iter().filter(|slot| slot.have < slot.needed).collect();
    let others: Vec<_> = open
        .iter()
        .map(|slot| format!("{} ({})", slot.role.title(), who_may(slot)))
        .collect();
    let still = format!("Still open: {}.", listed(&others));
    if wrote(view, &visitor.person) {
        let mine = view.questions.iter().filter(|question| !question.settled).count();
        let title = match mine {
            0 => "Nothing is asked of you now",
            _ => "You are asked a question",
        };
        return (
            title.to_owned(),
            vec![
                format!("You filed this request, so you can’t approve it. {still}"),
                "When all have agreed, the gateway gets the route, and you are told. One denial ends it."
                    .to_owned(),
            ],
        );
    }
    let mine = view
        .slots
        .iter()
        .flat_map(|slot| &slot.votes)
        .any(|vote| is(&vote.by, &visitor.person));
    match mine {
        true => (
            "Your decision is recorded".to_owned(),
            vec![format!("Nothing more to do for you here. {still}")],
        ),
        false => ("Nothing is asked of you here".to_owned(), vec![still]),
    }
}

/// What comes next while nobody has to decide; none once it has ended.
fn next(state: State) -> Option<&'static str> {
    Some(match state {
        State::Draft => "Whoever filed it hands it in, or drops it.",
        State::Submitted => "Policy is asked first. Until it says yes, no prompt leaves the company.",
        State::ShadowTesting => {
            "Recorded calls are being replayed on both routes. Those who must agree are asked once it is done."
        }
        State::PolicyCheck => "Policy looks at the evidence and says who must agree.",
        State::Approved => "All have agreed. The route waits to be given to the gateway.",
        State::Applying => "The gateway is getting the route.",
        State::ApplyFailed => {
            "The gateway did not take the route; the platform team tries again or rolls back."
        }
        State::Verifying => "The gateway has the route. It counts as done when calls are seen on it.",
        State::AwaitingApproval
        | State::Completed
        | State::Rejected
        | State::Expired
        | State::Withdrawn
        | State::PolicyDenied
        | State::ShadowFailed
        | State::RolledBack => return None,
    })
}
