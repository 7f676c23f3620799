//! Every event of a change in one plain sentence, for the timeline.

use chrono::{DateTime, Utc};
use workflow_engine::{
    catalog::Catalog,
    change::{event::Event, slots::Conditions},
    engine::queries::people::name,
    evidence::figures::{count, model},
    values::{PersonId, Role},
};

/// What happened, in one sentence without its author; with the shape and colour that go before it.
pub struct Said {
    /// The sentence.
    pub what: String,
    /// The shape.
    pub mark: &'static str,
    /// The colour.
    pub tone: &'static str,
}

fn catalog_applied(parts: &[String]) -> String {
    format!("Catalog put in force; what differs: {}", parts.join(", "))
}

/// Somebody has looked at what a test saw.
pub(super) fn looked(traces: u32) -> String {
    match traces {
        1 => "Looked at prompt and answers of a replayed call".to_owned(),
        traces => format!("Looked at prompts and answers of {traces} replayed calls"),
    }
}

fn said(mark: &'static str, tone: &'static str, what: impl Into<String>) -> Said {
    Said {
        what: what.into(),
        mark,
        tone,
    }
}

/// Says one event.
#[must_use]
pub fn say(event: &Event, catalog: &Catalog) -> Said {
    let who = |id: &PersonId| name(catalog, id);
    match event {
        Event::Filed { proposal, .. } => said(
            "ring",
            "grey",
            format!("Filed: move to {}", model(&proposal.candidate.primary.model)),
        ),
        Event::Edited { .. } => said("ring", "grey", "Draft edited"),
        Event::Submitted { revision, .. } => said(
            "disc",
            "blue",
            format!(
                "Handed in as revision {}; catalog and policy are fixed for it",
                revision.0
            ),
        ),
        Event::Revised {
            proposal, revision, ..
        } => said(
            "disc",
            "blue",
            format!(
                "Revised: move to {}, now revision {}",
                model(&proposal.candidate.primary.model),
                revision.0
            ),
        ),
        Event::Withdrawn { .. } => said("bar", "grey", "Withdrawn"),
        Event::Expired => said("bar", "grey", "Expired: nobody completed it in time"),
        Event::Commented { .. } => said("ring", "grey", "Commented"),
        Event::CatalogApplied(applied) => said("disc", "grey", catalog_applied(&applied.parts)),
        Event::JobDied { job, why } => said(
            "diamond",
            "red",
            format!("The step {} was given up: {why}", job.replace('_', " ")),
        ),
        Event::JobSentAgain { job, .. } => said(
            "ring",
            "blue",
            format!("Sent the step {} again", job.replace('_', " ")),
        ),
        Event::Migrated { from, to } => said(
            "ring",
            "grey",
            format!("Moved from version {from} to version {to} of the rules"),
        ),
        Event::Admitted { .. }
        | Event::AdmissionRefused { .. }
        | Event::TestWaived { .. }
        | Event::PlanFrozen { .. }
        | Event::TestPaused { .. }
        | Event::TestResumed { .. }
        | Event::EvidenceSubmitted { .. }
        | Event::TestFailed { .. }
        | Event::EvidenceAttached { .. }
        | Event::ContentViewed { .. }
        | Event::ContentErased { .. } => test(event),
        Event::PacketSealed { .. }
        | Event::PolicyDenied { .. }
        | Event::VoteCast { .. }
        | Event::ConcernRaised(_)
        | Event::ConcernResolved { .. }
        | Event::InformationAsked(_)
        | Event::InformationGiven { .. }
        | Event::Recused { .. }
        | Event::Delegated(_)
        | Event::Reminded { .. }
        | Event::Escalated { .. }
        | Event::Rejected { .. } => review(event, who),
        Event::Approved(_)
        | Event::Revoked { .. }
        | Event::BreakGlassReviewed { .. }
        | Event::ApplyStarted(_)
        | Event::Applied { .. }
        | Event::ApplyFailed { .. }
        | Event::Verified { .. }
        | Event::Drifted { .. }
        | Event::RolledBack { .. }
        | Event::Restored { .. } => application(event),
    }
}

fn test(event: &Event) -> Said {
    match event {
        Event::EvidenceAttached { file, .. } => said(
            "ring",
            "grey",
            format!(
                "Attached results of {}: {} pairs. They support, and decide nothing",
                file.format.title(),
                count(file.counts.n())
            ),
        ),
        Event::ContentViewed { traces, .. } => said("ring", "grey", looked(*traces)),
        Event::ContentErased { .. } => said(
            "ring",
            "grey",
            "Prompts and answers of the test were erased; figures and verdicts stay",
        ),
        Event::Admitted { .. } => said(
            "disc",
            "green",
            "Policy admits the test: this data may be shown to the candidate",
        ),
        Event::AdmissionRefused { why, .. } => said(
            "diamond",
            "red",
            format!("Policy refuses the test, no prompt was sent: {why}"),
        ),
        Event::TestWaived { .. } => said("disc", "green", "Policy asks for no test of this route"),
        Event::PlanFrozen { plan, .. } => said(
            "disc",
            "blue",
            format!("Test plan {} fixed before anything was replayed", plan.short()),
        ),
        Event::TestPaused { .. } => said("bar", "grey", "Test paused"),
        Event::TestResumed { .. } => said("half", "grey", "Test goes on"),
        Event::EvidenceSubmitted { verdict, .. } => match verdict.outcome.as_str() {
            "eligible" => said("disc", "green", "Evidence complete: eligible"),
            "not_eligible" => said("diamond", "red", "Evidence complete: not eligible"),
            _ => said("ring", "amber", "Evidence complete: it cannot be told yet"),
        },
        Event::TestFailed { why } => said("diamond", "red", format!("The test failed: {why}")),
        _ => said("ring", "grey", ""),
    }
}

fn review(event: &Event, who: impl Fn(&PersonId) -> String) -> Said {
    match event {
        Event::PacketSealed { packet, slots, .. } => {
            let roles: Vec<_> = slots.iter().map(|slot| slot.role.title()).collect();
            let what = format!(
                "Policy permits it; packet {} is sealed for {}",
                packet.short(),
                listed(&roles)
            );
            said("disc", "blue", what)
        }
        Event::PolicyDenied { why, .. } => said("diamond", "red", format!("Policy does not allow it: {why}")),
        Event::VoteCast { role, vote } => {
            let whose = vote
                .for_whom
                .as_ref()
                .map_or_else(String::new, |id| format!(" in place of {}", who(id)));
            let if_what = vote.conditions.as_ref().map(conditions);
            let if_what = if_what.map_or_else(String::new, |it| format!(", if {it}"));
            said(
                "disc",
                "green",
                format!("{} approved{whose}{if_what}", role.title()),
            )
        }
        Event::ConcernRaised(concern) => said(
            "diamond",
            "amber",
            format!("{} raised concern {}", concern.role.title(), concern.number),
        ),
        Event::ConcernResolved { number, .. } => said("disc", "green", format!("Concern {number} settled")),
        Event::InformationAsked(question) => said(
            "ring",
            "amber",
            format!("Asked question {}; the clock stands still", question.number),
        ),
        Event::InformationGiven { number, .. } => said(
            "disc",
            "green",
            format!("Answered question {number}; the clock goes on"),
        ),
        Event::Recused { role, .. } => said(
            "bar",
            "grey",
            format!("Stood down for {}; somebody else decides", role.title()),
        ),
        Event::Delegated(delegation) => said(
            "ring",
            "grey",
            format!(
                "{} decides for {} until {}",
                who(&delegation.to),
                delegation.role.title(),
                day(delegation.until)
            ),
        ),
        Event::Reminded { roles } => said("ring", "grey", format!("Reminded {}", titles(roles.iter()))),
        Event::Escalated { roles } => said(
            "ring",
            "amber",
            format!("The next people may decide for {}", titles(roles.iter())),
        ),
        Event::Rejected { role, .. } => said("diamond", "red", format!("{} denied it", role.title())),
        _ => said("ring", "grey", ""),
    }
}

fn application(event: &Event) -> Said {
    match event {
        Event::Approved(approval) if approval.break_glass.is_some() => {
            said("diamond", "amber", "Emergency path taken; a review is due")
        }
        Event::Approved(approval) => said(
            "disc",
            "green",
            format!("Approved; may be applied until {}", day(approval.until)),
        ),
        Event::Revoked { .. } => said("bar", "grey", "Approval taken back"),
        Event::BreakGlassReviewed { accept: true, .. } => {
            said("disc", "green", "Emergency reviewed: it may stay")
        }
        Event::BreakGlassReviewed { .. } => said("diamond", "red", "Emergency reviewed: it goes back"),
        Event::ApplyStarted(application) if application.by_hand => {
            said("half", "blue", "Handed over: people apply it from instructions")
        }
        Event::ApplyStarted(application) => said(
            "half",
            "blue",
            format!(
                "The gateway is given the route (write {})",
                application.generation
            ),
        ),
        Event::Applied { read_back, .. } => {
            let checked = read_back.map_or(
                "the gateway has the route",
                |_| "the gateway has the route; read back, it is the approved one",
            );
            said("disc", "blue", format!("Applied: {checked}"))
        }
        Event::ApplyFailed { why } => said("diamond", "red", format!("The gateway did not take it: {why}")),
        Event::Verified { calls_seen } => said(
            "disc",
            "green",
            format!("Verified: {} calls seen on the new route", count(*calls_seen)),
        ),
        Event::Drifted { why } => said("diamond", "amber", format!("Not as approved: {why}")),
        Event::RolledBack { .. } => said("bar", "amber", "Rolled back: the old route is to return"),
        Event::Restored { .. } => said("disc", "grey", "The old route is back"),
        _ => said("ring", "grey", ""),
    }
}

/// Conditions as a clause: `below $25,000 a month and at most 10 of 100 calls`.
#[must_use]
pub fn conditions(conditions: &Conditions) -> String {
    let parts = [
        conditions
            .monthly_cap_usd
            .map(|cap| format!("below ${} a month", count(cap))),
        conditions
            .canary_percent
            .map(|share| format!("it begins with {share} of 100 calls")),
        conditions
            .expires_days
            .map(|days| format!("it ends after {days} days unless renewed")),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "its conditions hold".to_owned()
    } else {
        parts.join(" and ")
    }
}

fn titles<'a>(roles: impl Iterator<Item = &'a Role>) -> String {
    listed(&roles.map(|role| role.title()).collect::<Vec<_>>())
}

/// `A`, `A and B`, `A, B and C`.
#[must_use]
pub fn listed<T: AsRef<str>>(words: &[T]) -> String {
    match words {
        [] => "nobody".to_owned(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<_> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%-d %B, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_people_say_them() {
        assert_eq!(
            [listed(&["A"]), listed(&["A", "B"]), listed(&["A", "B", "C"])],
            ["A", "A and B", "A, B and C"]
        );
    }

    #[test]
    fn conditions_are_a_clause() {
        let all = Conditions {
            canary_percent: Some(10),
            monthly_cap_usd: Some(25_000),
            expires_days: None,
        };
        assert_eq!(
            conditions(&all),
            "below $25,000 a month and it begins with 10 of 100 calls"
        );
    }
}
