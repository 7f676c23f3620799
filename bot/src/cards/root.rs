//! The root card: one message a change, at the head of its thread, always showing the state as it is.

use workflow_engine::{
    change::state::State,
    evidence::figures::count,
    ports::chat::{Button, ButtonStyle, Card, Part, Text, Tone},
};

use super::{
    view::{ChangeView, SlotView, Verdict, VoteView},
    words::{clock, deadline, recorded},
};

/// The card of `view`.
#[must_use]
pub fn card(view: &ChangeView) -> Card {
    let status = status(view);
    let title = title(view);
    let fallback = format!("{title}: {}", status.to_lowercase());
    let mut card = Card::new(tone(view), fallback).with(Part::Heading {
        title,
        status: Some(status),
    });
    for sentence in sentences(view) {
        card = card.with(Part::Text(sentence));
    }
    if !view.slots.is_empty() {
        card = card.with(Part::Facts(
            view.slots.iter().map(|slot| slot_line(slot, view)).collect(),
        ));
    }
    let blocks = blocking(view);
    if !blocks.is_empty() {
        card = card.with(Part::Facts(blocks));
    }
    card.with(Part::Buttons(buttons(view)))
        .with(Part::Footer(footer(view)))
}

/// The head without its status: `Route change #142 · support-answer · revision 2`.
fn title(view: &ChangeView) -> String {
    let revision = if view.revision > 1 {
        format!(" · revision {}", view.revision)
    } else {
        String::new()
    };
    format!("Route change {} · {}{revision}", view.number, view.workflow)
}

fn status(view: &ChangeView) -> String {
    let (filled, all) = view.filled();
    let verdict = view.evidence.as_ref().and_then(|evidence| evidence.verdict);
    match (view.state, verdict) {
        (State::AwaitingApproval, Some(Verdict::NotEligible)) => {
            format!("Not eligible · decisions {filled} of {all}")
        }
        (State::AwaitingApproval, Some(Verdict::Inconclusive)) => {
            format!("Cannot be told yet · decisions {filled} of {all}")
        }
        (State::AwaitingApproval, _) => format!("Awaiting approval · {filled} of {all}"),
        (State::PolicyDenied, Some(Verdict::NotEligible)) => "Not eligible".to_owned(),
        (State::ShadowTesting, _) if view.progress.as_ref().is_some_and(|progress| progress.paused) => {
            "Testing · paused".to_owned()
        }
        (state, _) => state.title().to_owned(),
    }
}

fn tone(view: &ChangeView) -> Tone {
    match view.state {
        State::AwaitingApproval if view.must_not_pass() => Tone::Bad,
        State::AwaitingApproval => Tone::Waiting,
        State::Approved | State::Completed => Tone::Good,
        State::Rejected
        | State::Expired
        | State::PolicyDenied
        | State::ShadowFailed
        | State::RolledBack
        | State::ApplyFailed => Tone::Bad,
        _ => Tone::Progress,
    }
}

/// What would happen, what was measured, what is in the way.
fn sentences(view: &ChangeView) -> Vec<Text> {
    let mut said = vec![view.what.as_str().into()];
    if let Some(evidence) = &view.evidence {
        said.extend(evidence.said.iter().map(|sentence| sentence.as_str().into()));
        if view.must_not_pass() {
            said.extend(evidence.way_out.as_ref().map(|way| {
                Text::default()
                    .bold("What could change this:")
                    .then(format!(" {way}"))
            }));
        }
    }
    if let Some(progress) = &view.progress {
        let left = progress
            .minutes_left
            .map(|minutes| format!(" · about {minutes} min"));
        let (done, total) = (count(progress.done), count(progress.total));
        let words = format!(
            "Replayed {done} of {total} calls · {}{}",
            progress.spent,
            left.unwrap_or_default()
        );
        said.push(words.into());
    } else if matches!(
        view.state,
        State::Submitted | State::ShadowTesting | State::PolicyCheck
    ) {
        said.push(next_step(view.state).into());
    }
    said.extend(unsaid(view).map(|remark| Text::from(remark.as_str())));
    if view.evidence.is_none() {
        let why = view
            .reason
            .as_ref()
            .map(|why| format!(": “{why}”"))
            .unwrap_or_default();
        said.push(format!("Filed by {}{why}", view.requester).into());
    }
    said
}

/// The remark without what the evidence above it says already: a policy that denies for it says it again.
fn unsaid(view: &ChangeView) -> Option<String> {
    let mut remark = view.remark.clone()?;
    for sentence in view.evidence.iter().flat_map(|evidence| &evidence.said) {
        remark = remark.replace(sentence.as_str(), "");
    }
    let left = remark.split_whitespace().collect::<Vec<_>>().join(" ");
    (!left.is_empty()).then_some(left)
}

fn next_step(state: State) -> &'static str {
    match state {
        State::Submitted => {
            "First the policy says whether this data may be shown to the candidate at all. Nothing has been sent."
        }
        State::ShadowTesting => {
            "The test plan is being frozen; then recorded calls are replayed on both models."
        }
        _ => "The measurements are complete. The policy looks at them and says who must agree.",
    }
}

/// One line a role: who agreed, or who is awaited and why.
fn slot_line(slot: &SlotView, view: &ChangeView) -> (String, Text) {
    let label = slot.role.title().to_owned();
    let mut parts: Vec<String> = slot.votes.iter().map(|vote| vote_words(vote, view)).collect();
    if !slot.is_filled() && view.state == State::AwaitingApproval {
        let have = slot.votes.len();
        let count = if slot.needed > 1 {
            format!(" · {have} of {}", slot.needed)
        } else {
            String::new()
        };
        let why = slot
            .why
            .as_ref()
            .map(|why| format!(" · why: {why}"))
            .unwrap_or_default();
        parts.push(format!("waiting for {}{count}{why}", slot.asked));
    }
    if parts.is_empty() {
        // Also whoever denied: the remark says that they did.
        parts.push("no approval".to_owned());
    }
    (label, parts.join("; ").into())
}

fn vote_words(vote: &VoteView, view: &ChangeView) -> String {
    let for_whom = vote
        .for_whom
        .as_ref()
        .map(|name| format!(" for {name}"))
        .unwrap_or_default();
    let conditions = vote
        .conditions
        .as_ref()
        .map(|words| format!(", if {words}"))
        .unwrap_or_default();
    let at = clock(vote.at, view.at);
    format!(
        "approved by {}{for_whom}, {at}{conditions}{}",
        vote.by,
        recorded(vote.recorded)
    )
}

fn blocking(view: &ChangeView) -> Vec<(String, Text)> {
    let line = |kind: &str, (number, who, what): &(u32, String, String)| {
        (format!("{kind} {number}"), Text::from(format!("{who}: {what}")))
    };
    let concerns = view.concerns.iter().map(|concern| line("Concern", concern));
    concerns
        .chain(view.questions.iter().map(|question| line("Question", question)))
        .collect()
}

/// What can be done now, by whoever may: who may not is told why when they try.
pub(super) fn buttons(view: &ChangeView) -> Vec<Button> {
    let act = |action: &str, label: &str, style: ButtonStyle| Button {
        action: action.to_owned(),
        label: label.to_owned(),
        value: view.value.clone(),
        style,
        url: None,
    };
    let evidence = Button {
        action: "evidence".to_owned(),
        label: if view.evidence.is_some() {
            "Evidence"
        } else {
            "Open"
        }
        .to_owned(),
        value: String::new(),
        style: ButtonStyle::Plain,
        url: Some(view.link.clone()),
    };
    match view.state {
        State::AwaitingApproval => {
            let first = if view.must_not_pass() {
                ButtonStyle::Plain
            } else {
                ButtonStyle::Primary
            };
            vec![
                act("approve", "Approve", first),
                act("approve_if", "Approve with conditions", ButtonStyle::Plain),
                act("concern", "Raise a concern", ButtonStyle::Plain),
                act("deny", "Deny", ButtonStyle::Danger),
                evidence,
            ]
        }
        State::ShadowTesting => {
            let paused = view.progress.as_ref().map(|progress| progress.paused);
            let steer = paused.map(|paused| match paused {
                true => act("resume_test", "Let it go on", ButtonStyle::Primary),
                false => act("pause_test", "Pause the test", ButtonStyle::Plain),
            });
            [
                Some(evidence),
                steer,
                Some(act("withdraw", "Withdraw", ButtonStyle::Plain)),
            ]
            .into_iter()
            .flatten()
            .collect()
        }
        State::Draft | State::Submitted | State::PolicyCheck => {
            vec![evidence, act("withdraw", "Withdraw", ButtonStyle::Plain)]
        }
        State::Approved => vec![
            evidence,
            act("withdraw", "Withdraw", ButtonStyle::Plain),
            act("revoke", "Take the approval back", ButtonStyle::Danger),
        ],
        State::PolicyDenied | State::Rejected | State::Expired | State::ShadowFailed | State::Withdrawn => {
            vec![
                evidence,
                act("again", "File another candidate", ButtonStyle::Plain),
            ]
        }
        _ => vec![evidence],
    }
}

/// `Closes Fri 20 Nov, 17:00 UTC · packet 7c1e…a9 · rev 2 · 14:10:22 UTC · recorded #814`
fn footer(view: &ChangeView) -> String {
    let closes = view.deadline.map(|at| match view.state {
        State::Approved => format!("To be applied until {}", deadline(at)),
        _ => format!("Closes {}", deadline(at)),
    });
    let packet = view.packet.as_ref().map(|packet| format!("packet {packet}"));
    let stamp = format!(
        "rev {} · {} UTC{}",
        view.revision,
        view.at.format("%H:%M:%S"),
        recorded(view.recorded)
    );
    closes
        .into_iter()
        .chain(packet)
        .chain([stamp])
        .collect::<Vec<_>>()
        .join(" · ")
}

#[cfg(test)]
mod tests {
    use super::super::samples::{awaiting, not_eligible};
    use super::*;

    /// The card as a person reads it.
    fn read(card: &Card) -> String {
        let mut lines = vec![format!("({:?}) {}", card.tone, card.fallback)];
        for part in &card.parts {
            match part {
                Part::Heading { title, status } => {
                    lines.push(format!("{title}    {}", status.clone().unwrap_or_default()))
                }
                Part::Text(text) => lines.push(text.to_string()),
                Part::Facts(facts) => {
                    lines.extend(facts.iter().map(|(label, value)| format!("{label}: {value}")))
                }
                Part::Buttons(buttons) => {
                    lines.push(
                        buttons
                            .iter()
                            .map(|button| format!("[{}]", button.label))
                            .collect::<Vec<_>>()
                            .join(" "),
                    );
                }
                Part::Footer(words) => lines.push(words.clone()),
                Part::Table { .. } | Part::Image { .. } => {}
            }
        }
        lines.join("\n")
    }

    #[test]
    fn a_change_under_review_says_what_is_asked_and_of_whom() {
        insta::assert_snapshot!(read(&card(&awaiting())), @r"
        (Waiting) Route change #142 · support-answer · revision 2: awaiting approval · 2 of 4
        Route change #142 · support-answer · revision 2    Awaiting approval · 2 of 4
        Move from gpt-4o (2024-05-13) to gpt-4o (2024-08-06), all traffic, fallback unchanged.
        On 1,240 replayed calls it answered better (+3.8 points, between +2.4 and +5.3), in every kind of request, and costs 43 % less (between 42 and 44): about $8,400 a month (at least $8,200).
        Platform: approved by Ana R., 14:02 · recorded #811
        Security: waiting for anyone in @sec-oncall · why: data class Confidential
        Finance: approved by Tomás L., 14:10, if below $25,000 a month · recorded #814
        Owner: waiting for Wei C. · why: owns Support answers
        [Approve] [Approve with conditions] [Raise a concern] [Deny] [Evidence]
        Closes Thu 26 Nov, 14:00 UTC · packet 7c1e0f5a…a9 · rev 2 · 14:10:00 UTC · recorded #814
        ");
    }

    #[test]
    fn what_must_not_pass_reads_differently_from_its_first_line_on() {
        insta::assert_snapshot!(read(&card(&not_eligible())), @r"
        (Bad) Route change #141 · support-answer: not eligible
        Route change #141 · support-answer    Not eligible
        Move from gpt-4-turbo (2024-04-09) to gpt-4o-mini (2024-07-18), all traffic, fallback unchanged.
        It costs 98 % less.
        On average it is no worse than today within 5 points (−1.9 points, between −3.5 and −0.5), yet measurably worse.
        It gets one kind of request clearly wrong more often: when no tool applies, in 7.5 of 100 more cases (between 3.6 and 12.1).
        What could change this: keep gpt-4-turbo (2024-04-09) when no tool applies, or accept the risk by policy.
        Keep today's route when no tool applies, choose another candidate, or have the workflow's entry say that this kind does not decide.
        [Evidence] [File another candidate]
        packet 7c1e0f5a…a9 · rev 1 · 14:10:00 UTC · recorded #814
        ");
        let mut asked = not_eligible();
        asked.state = State::AwaitingApproval;
        assert_eq!(status(&asked), "Not eligible · decisions 0 of 0");
        assert_eq!(tone(&asked), Tone::Bad);
        assert!(
            buttons(&asked)
                .iter()
                .all(|button| button.style != ButtonStyle::Primary)
        );
    }

    #[test]
    fn an_ended_change_can_no_longer_be_decided() {
        for state in State::ALL.into_iter().filter(|state| state.is_final()) {
            let view = ChangeView { state, ..awaiting() };
            assert!(
                buttons(&view).iter().all(|button| button.action != "approve"),
                "{state:?}"
            );
        }
    }
}
