//! Who decides and what the reader can do: slots with "why you", the vote form, next steps, questions.

use serde::Serialize;
use workflow_engine::{
    change::{event::Event, state::State},
    engine::queries::{
        change::{ChangeView, SlotView, VoteView},
        people::Who,
    },
    values::{PersonId, Role},
};

use super::{
    super::{parts::Time, shell::Visitor},
    words,
};

/// Secrets of the page's forms: sent twice, a form records once.
pub(super) struct Keys {
    pub(super) form: String,
}

/// The page's side.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Side {
    slots_title: String,
    slots_empty: &'static str,
    slots: Vec<Slot>,
    vote: Option<VoteForm>,
    barred: Option<String>,
    actions: Vec<Action>,
    comment_key: String,
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
    why_you: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Vote {
    words: String,
    at: Time,
    ledger: Option<String>,
    reason: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct VoteForm {
    key: String,
    role: &'static str,
    title: &'static str,
    roles: Vec<Titled>,
    grades: Vec<GradeChoice>,
}

#[derive(Clone, Debug, Serialize)]
struct Titled {
    id: &'static str,
    title: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct GradeChoice {
    id: &'static str,
    title: &'static str,
    key: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
struct Action {
    verb: &'static str,
    title: &'static str,
    text: String,
    reason: bool,
    danger: bool,
    key: String,
    number: Option<u32>,
}

impl Side {
    pub(super) fn of(view: &ChangeView, visitor: &Visitor, keys: &Keys) -> Self {
        let open: Vec<Role> = roles_open_to(view, &visitor.person);
        let filled = view.slots.iter().filter(|slot| slot.have >= slot.needed).count();
        let slots_title = if view.slots.is_empty() {
            "Who decides".to_owned()
        } else {
            format!("Who decides · {filled} of {}", view.slots.len())
        };
        Self {
            slots_title,
            slots_empty: if view.state.is_final() {
                "Nobody was asked: it ended before it came to people."
            } else {
                "Known once policy has seen the evidence: how risky the change is decides who is asked."
            },
            slots: view
                .slots
                .iter()
                .map(|slot| shown(slot, view, visitor, &open))
                .collect(),
            vote: form(&open, keys),
            barred: barred(view, visitor, &open),
            actions: actions(view, visitor, keys),
            comment_key: format!("{}-c", keys.form),
        }
    }
}

/// Roles of open slots that `person` may fill now.
fn roles_open_to(view: &ChangeView, person: &PersonId) -> Vec<Role> {
    let is_author = wrote(view, person);
    let voted = view
        .slots
        .iter()
        .flat_map(|slot| &slot.votes)
        .any(|vote| vote.by.person.as_ref() == Some(person));
    if view.state != State::AwaitingApproval || is_author || voted {
        return Vec::new();
    }
    view.slots
        .iter()
        .filter(|slot| slot.have < slot.needed)
        .filter(|slot| {
            slot.eligible
                .iter()
                .any(|who| who.person.as_ref() == Some(person))
        })
        .map(|slot| slot.role)
        .collect()
}

fn wrote(view: &ChangeView, person: &PersonId) -> bool {
    std::iter::once(&view.requester)
        .chain(&view.co_authors)
        .any(|who| who.person.as_ref() == Some(person))
}

fn shown(slot: &SlotView, view: &ChangeView, visitor: &Visitor, open: &[Role]) -> Slot {
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
        None if view.state == State::AwaitingApproval => ("half", "blue", waiting(slot)),
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
        why_you: open.contains(&slot.role).then(|| why(slot, view, visitor)),
    }
}

fn waiting(slot: &SlotView) -> String {
    let names: Vec<_> = slot.eligible.iter().map(|who| who.name.as_str()).collect();
    match names.as_slice() {
        [] => "waiting, but nobody may decide".to_owned(),
        [one] => format!("waiting for {one}"),
        [one, two] => format!("waiting for {one} or {two}"),
        _ => format!("waiting for anyone in @{}", slot.group),
    }
}

fn why(slot: &SlotView, view: &ChangeView, visitor: &Visitor) -> String {
    let class = visitor
        .catalog
        .workflow(view.workflow.as_str())
        .map(|entry| entry.data_class.clone());
    match (slot.role, class) {
        (Role::Owner, _) => format!("Why you: you answer for {}.", view.workflow),
        (Role::Security, Some(class)) => {
            format!(
                "Why you: you are in @{}, and this workflow sees {class} data.",
                slot.group
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

fn form(open: &[Role], keys: &Keys) -> Option<VoteForm> {
    let first = open.first()?;
    let grade = |id, title, key| GradeChoice { id, title, key };
    let titled = |role: &Role| Titled {
        id: role.as_str(),
        title: role.title(),
    };
    Some(VoteForm {
        key: format!("{}-v", keys.form),
        role: first.as_str(),
        title: first.title(),
        roles: if open.len() > 1 {
            open.iter().map(titled).collect()
        } else {
            Vec::new()
        },
        grades: vec![
            grade("approve", "Approve", Some("a")),
            grade("approve_with_conditions", "Approve with conditions", None),
            grade("raise_concern", "Raise a concern", None),
            grade("ask_for_information", "Ask for information", None),
            grade("deny", "Deny", Some("d")),
            grade("recuse", "Stand down", None),
        ],
    })
}

/// Why somebody who could be meant is not asked, and who is.
fn barred(view: &ChangeView, visitor: &Visitor, open: &[Role]) -> Option<String> {
    if view.state != State::AwaitingApproval || !open.is_empty() {
        return None;
    }
    let others: Vec<_> = view
        .slots
        .iter()
        .filter(|slot| slot.have < slot.needed)
        .map(|slot| format!("{} ({})", slot.role.title(), who_may(slot)))
        .collect();
    let others = words::listed(&others);
    if wrote(view, &visitor.person) {
        return Some(format!(
            "You filed this request, so you can’t approve it. Still open: {others}."
        ));
    }
    let mine = view
        .slots
        .iter()
        .flat_map(|slot| &slot.votes)
        .any(|vote| is(&vote.by, &visitor.person));
    Some(if mine {
        format!("Your decision is recorded. Still open: {others}.")
    } else {
        format!("Nothing is asked of you here. Still open: {others}.")
    })
}

fn who_may(slot: &SlotView) -> String {
    waiting(slot).replacen("waiting for ", "", 1)
}

fn is(who: &Who, person: &PersonId) -> bool {
    who.person.as_ref() == Some(person)
}

/// What the reader may do besides voting; each is refused by the engine all the same if it may not be.
fn actions(view: &ChangeView, visitor: &Visitor, keys: &Keys) -> Vec<Action> {
    let author = wrote(view, &visitor.person);
    let runs_gateway = visitor.has_role(Role::Platform);
    let action = |verb, title, text: &str| Action {
        verb,
        title,
        text: text.to_owned(),
        reason: false,
        danger: false,
        key: format!("{}-{verb}", keys.form),
        number: None,
    };
    let mut actions = settle(view, visitor, &action);
    match view.state {
        State::Draft if author => actions.push(action(
            "submit",
            "Hand it in",
            "Policy is asked first; nothing leaves the company before.",
        )),
        State::ShadowTesting if author || runs_gateway => actions.extend(steer(view, author, &action)),
        State::Approved if runs_gateway => {
            actions.push(action(
                "apply",
                "Apply now",
                "The gateway gets the approved route, and is read back.",
            ));
            actions.push(Action {
                reason: true,
                danger: true,
                ..action("revoke", "Take the approval back", "Nothing was applied yet.")
            });
        }
        State::ApplyFailed if runs_gateway => actions.push(action(
            "retry",
            "Try again",
            "The gateway did not take the route.",
        )),
        State::Applying if runs_gateway && view.application.as_ref().is_some_and(|it| it.by_hand) => {
            actions.push(action(
                "confirm-applied",
                "It is applied",
                "Say so once the gateway has the route; traffic is then watched.",
            ));
        }
        _ => {}
    }
    if runs_gateway
        && matches!(
            view.state,
            State::Applying | State::ApplyFailed | State::Verifying
        )
    {
        actions.push(Action {
            reason: true,
            danger: true,
            ..action("rollback", "Roll back", "The old route returns at once.")
        });
    }
    let early = matches!(
        view.state,
        State::Draft
            | State::Submitted
            | State::ShadowTesting
            | State::PolicyCheck
            | State::AwaitingApproval
            | State::Approved
    );
    if early && author {
        actions.push(Action {
            danger: true,
            ..action(
                "withdraw",
                "Withdraw",
                "It ends here. You can file another that cites it.",
            )
        });
    }
    actions
}

/// What may become of a running test.
fn steer(
    view: &ChangeView,
    author: bool,
    action: &impl Fn(&'static str, &'static str, &str) -> Action,
) -> Vec<Action> {
    let paused = view.test.as_ref().is_some_and(|test| test.paused);
    let mut actions = vec![if paused {
        action(
            "resume",
            "Let the test go on",
            "No pair that was replayed is paid for twice.",
        )
    } else {
        action("pause", "Pause the test", "What was replayed is kept.")
    }];
    if author {
        actions.push(Action {
            danger: true,
            ..action(
                "stop-test",
                "Stop the test",
                "It ends without evidence, and so does the request. What was spent is spent.",
            )
        });
    }
    actions
}

/// Open questions to answer and open concerns to settle.
fn settle(
    view: &ChangeView,
    visitor: &Visitor,
    action: &impl Fn(&'static str, &'static str, &str) -> Action,
) -> Vec<Action> {
    if view.state != State::AwaitingApproval {
        return Vec::new();
    }
    let questions = view
        .questions
        .iter()
        .filter(|question| !question.settled)
        .map(|question| {
            let text = question.text.as_deref().unwrap_or("The question was erased.");
            let number = Some(question.number);
            let base = action(
                "answer",
                "Answer",
                &format!("{} asks: “{text}”", question.by.name),
            );
            Action {
                reason: true,
                number,
                key: format!("{}{}", base.key, question.number),
                ..base
            }
        });
    let mine = |by: &Who| is(by, &visitor.person);
    let concerns = view
        .concerns
        .iter()
        .filter(|concern| !concern.settled && mine(&concern.by))
        .map(|concern| {
            let text = concern.text.as_deref().unwrap_or("The concern was erased.");
            let base = action("resolve", "It is settled", &format!("You raised: “{text}”"));
            Action {
                number: Some(concern.number),
                key: format!("{}{}", base.key, concern.number),
                ..base
            }
        });
    questions.chain(concerns).collect()
}
