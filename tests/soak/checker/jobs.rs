//! Rules of jobs: fenced, finished, none forgotten.

use std::collections::{BTreeMap, BTreeSet};

use super::super::facts::{ChangeFact, Facts, JobFact};

/// How long after its time a job may still wait, milliseconds: what waits for the outside is looked at every two seconds.
const LATE: i64 = 6_000;
/// What moves a change on in each state in which no person has to.
const STEPS: [(&str, &[&str]); 7] = [
    ("submitted", &["check_admission"]),
    ("shadow_testing", &["run_test"]),
    ("policy_check", &["assess"]),
    ("awaiting_approval", &["expire"]),
    ("approved", &["start_apply", "expire"]),
    ("applying", &["apply_route"]),
    ("verifying", &["verify_traffic"]),
];

/// A result carries its claim in its key: `job:ID:TOKEN`. Whoever lost the claim must not have been heard.
pub(super) fn results_are_of_the_last_claim(facts: &Facts) -> Vec<String> {
    let tokens: BTreeMap<&str, i64> = facts
        .jobs
        .iter()
        .map(|job| (job.id.as_str(), job.token))
        .collect();
    let mut broken = Vec::new();
    let mut heard: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for event in &facts.events {
        let Some((id, token)) = event
            .key
            .strip_prefix("job:")
            .and_then(|rest| rest.rsplit_once(':'))
        else {
            continue;
        };
        heard.entry(id).or_default().insert(token);
        if let Some(last) = tokens.get(id).filter(|last| last.to_string() != token) {
            let what = format!(
                "claim {token} of job {id} was heard ({}) although claim {last} was given",
                event.kind
            );
            broken.push(what);
        }
    }
    let twice = heard.iter().filter(|(_, tokens)| tokens.len() > 1);
    broken.extend(twice.map(|(id, tokens)| format!("job {id} was heard for claims {tokens:?}")));
    broken.sort();
    broken.dedup();
    broken
}

fn open(facts: &Facts) -> impl Iterator<Item = &JobFact> {
    facts.jobs.iter().filter(|job| !job.done)
}

pub(super) fn nothing_is_overdue(facts: &Facts) -> Vec<String> {
    let late = |job: &&JobFact| job.due_at < facts.now - LATE;
    let say = |job: &JobFact| {
        let seconds = (facts.now - job.due_at) / 1_000;
        format!(
            "{} {} has been due for {seconds} s ({:?})",
            job.kind, job.id, job.error
        )
    };
    open(facts).filter(late).map(say).collect()
}

pub(super) fn no_claim_is_open(facts: &Facts) -> Vec<String> {
    open(facts)
        .filter(|job| job.claimed)
        .map(|job| format!("{} {} is still claimed", job.kind, job.id))
        .collect()
}

pub(super) fn nothing_was_given_up(facts: &Facts) -> Vec<String> {
    let dead = facts
        .jobs
        .iter()
        .filter(|job| job.outcome.as_deref() == Some("dead"));
    dead.map(|job| format!("{} {}: {:?}", job.kind, job.id, job.error))
        .collect()
}

pub(super) fn open_changes_go_on(facts: &Facts) -> Vec<String> {
    let stuck = |change: &ChangeFact| {
        let (_, kinds) = STEPS.iter().find(|(state, _)| *state == change.state)?;
        let goes_on = open(facts).any(|job| {
            job.change.as_deref() == Some(change.id.as_str()) && kinds.contains(&job.kind.as_str())
        });
        (!goes_on).then(|| {
            format!(
                "change {} is {} and nothing moves it on",
                change.number, change.state
            )
        })
    };
    facts.changes.iter().filter_map(stuck).collect()
}
