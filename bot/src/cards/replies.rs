//! What is said in the thread when something happened: one short reply each, with its place in the ledger.

use chrono::{DateTime, Utc};
use workflow_engine::{
    change::event::Event,
    evidence::figures::count,
    ports::chat::{Card, Part, Text, Tone},
    values::{PersonId, Role},
};

use super::words::{clock, deadline, recorded};

/// What a reply needs besides the event.
pub struct Told<'a> {
    /// Names of people.
    pub name: &'a dyn Fn(&PersonId) -> String,
    /// What people wrote, by note id; an erased one is absent.
    pub note: &'a dyn Fn(&str) -> Option<String>,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Where it stands in the ledger, once it does.
    pub recorded: Option<u64>,
}

/// The reply for `event`; none for what only moves the work along.
#[must_use]
pub fn card(event: &Event, told: &Told<'_>) -> Option<Card> {
    let (tone, text) = decision(event, told)
        .or_else(|| last_word(event, told))
        .or_else(|| progress(event, told))?;
    let stamp = format!("{}{}", clock(told.at, told.at), recorded(told.recorded));
    Some(
        Card::new(tone, text.to_string())
            .with(Part::Text(text))
            .with(Part::Footer(stamp)),
    )
}

/// What people decided.
fn decision(event: &Event, told: &Told<'_>) -> Option<(Tone, Text)> {
    let name = |person: &PersonId| (told.name)(person);
    let said = |id: &str| {
        (told.note)(id)
            .map(|words| format!(": “{words}”"))
            .unwrap_or_default()
    };
    let line = |person: &PersonId, rest: String| Text::default().bold(name(person)).then(rest);
    Some(match event {
        Event::VoteCast { role, vote } => {
            let note = vote.note.as_ref().map(|note| said(&note.id)).unwrap_or_default();
            let how = match &vote.conditions {
                Some(conditions) => format!(" with conditions ({})", super::conditions_words(conditions)),
                None => String::new(),
            };
            (
                Tone::Good,
                line(&vote.by, format!(" approved for {}{how}{note}", role.title())),
            )
        }
        Event::ConcernRaised(concern) => {
            let rest = format!(
                " raised concern {} for {}{}. It blocks until it is settled.",
                concern.number,
                concern.role.title(),
                said(&concern.note.id)
            );
            (Tone::Bad, line(&concern.by, rest))
        }
        Event::ConcernResolved { number, by } => (Tone::Good, line(by, format!(" settled concern {number}"))),
        Event::InformationAsked(question) => {
            let rest = format!(
                " asks{}. The clock stands still until somebody answers: answer {} …",
                said(&question.note.id),
                question.number
            );
            (Tone::Waiting, line(&question.by, rest))
        }
        Event::InformationGiven { number, by, note, .. } => (
            Tone::Progress,
            line(by, format!(" answered question {number}{}", said(&note.id))),
        ),
        Event::Recused { role, by } => (
            Tone::Progress,
            line(by, format!(" stood down for {}", role.title())),
        ),
        Event::Delegated(delegation) => {
            let rest = format!(
                " lets {} decide for {} until {}",
                name(&delegation.to),
                delegation.role.title(),
                deadline(delegation.until)
            );
            (Tone::Progress, line(&delegation.from, rest))
        }
        _ => return None,
    })
}

/// What people said that ends something, or is only said.
fn last_word(event: &Event, told: &Told<'_>) -> Option<(Tone, Text)> {
    let said = |id: &str| {
        (told.note)(id)
            .map(|words| format!(": “{words}”"))
            .unwrap_or_default()
    };
    let line = |person: &PersonId, rest: String| Text::default().bold((told.name)(person)).then(rest);
    Some(match event {
        Event::Rejected { role, by, note } => (
            Tone::Bad,
            line(by, format!(" denied for {}{}", role.title(), said(&note.id))),
        ),
        Event::Withdrawn { by } => (Tone::Progress, line(by, " took the request back".to_owned())),
        Event::Revoked { by, note } => (
            Tone::Bad,
            line(by, format!(" took the approval back{}", said(&note.id))),
        ),
        Event::BreakGlassReviewed { by, accept, note } => {
            let words = if *accept { "accepted" } else { "did not accept" };
            (
                Tone::Progress,
                line(by, format!(" {words} the emergency approval{}", said(&note.id))),
            )
        }
        Event::EvidenceAttached { by, file } => {
            let rest = format!(
                " attached results of {}: {} pairs. They support, and decide nothing",
                file.format.title(),
                file.counts.n()
            );
            (Tone::Progress, line(by, rest))
        }
        Event::Commented { by, note } => (Tone::Progress, line(by, format!(" commented{}", said(&note.id)))),
        _ => return None,
    })
}

/// What the service and the gateway did.
fn progress(event: &Event, told: &Told<'_>) -> Option<(Tone, Text)> {
    let name = |person: &PersonId| (told.name)(person);
    Some(match event {
        Event::AdmissionRefused { why, .. } => (Tone::Bad, format!("Refused before anything was sent: {why}").into()),
        Event::TestPaused { by } => (Tone::Waiting, format!("{} paused the test", name(by)).into()),
        Event::TestResumed { by } => (Tone::Progress, format!("{} lets the test go on", name(by)).into()),
        Event::TestFailed { why } => (Tone::Bad, format!("There is no evidence: {why}").into()),
        Event::PolicyDenied { why, .. } => (Tone::Bad, format!("Not allowed by policy: {why}").into()),
        Event::Reminded { roles } => (Tone::Waiting, format!("Still waiting for {}", titles(roles.iter())).into()),
        Event::Escalated { roles } => {
            (Tone::Waiting, format!("Escalated: the deputies of {} may decide now too", titles(roles.iter())).into())
        }
        Event::Approved(approval) => match &approval.break_glass {
            Some(glass) => {
                let rest = format!(" opened the emergency path. It goes back by itself unless somebody reviews it until {}.", deadline(glass.review_by));
                (Tone::Bad, Text::default().bold(name(&glass.by)).then(rest))
            }
            None => (Tone::Good, "Everybody who must agree has agreed: approved".into()),
        },
        Event::Revised { revision, .. } => {
            (Tone::Progress, format!("Revised to revision {}: it is tested anew, and earlier votes no longer count", revision.0).into())
        }
        Event::Expired => (Tone::Bad, "Time was up before everybody decided: expired".into()),
        Event::ApplyStarted(application) if application.by_hand => {
            (Tone::Waiting, "This gateway is read-only to us: the instructions are on the page, somebody applies them by hand".into())
        }
        Event::ApplyStarted(_) => (Tone::Progress, "The gateway is being given the approved route".into()),
        Event::Applied { .. } => (Tone::Progress, "The gateway has the route; waiting to see calls on it".into()),
        Event::ApplyFailed { why } => (Tone::Bad, format!("The gateway did not take the route: {why}").into()),
        Event::Verified { calls_seen } => (Tone::Good, format!("Verified: {} calls seen on the new route", count(*calls_seen)).into()),
        Event::Drifted { why } => (Tone::Bad, format!("What runs is not what was approved: {why}").into()),
        Event::RolledBack { by, note, .. } => {
            let who = by.as_ref().map_or_else(|| "The emergency timer".to_owned(), name);
            let why = note.as_ref().and_then(|note| (told.note)(&note.id)).map(|words| format!(": “{words}”")).unwrap_or_default();
            (Tone::Bad, format!("{who} put the old route back{why}").into())
        }
        Event::JobDied { why, .. } => (Tone::Bad, format!("A step was given up and needs a person: {why}").into()),
        _ => return None,
    })
}

fn titles<'a>(roles: impl Iterator<Item = &'a Role>) -> String {
    roles.map(|role| role.title()).collect::<Vec<_>>().join(" and ")
}
