//! The evidence in plain words: what would happen, what was measured, what is worse. Cards, pages and packets share them.

mod judge;
mod measured;
mod quality;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use judge::{judge_words, mean};
pub use measured::{bridge_words, cost_words, latency_words, list_price_trap, savings};
pub use quality::{weakest_kind, worse_places};

use self::{measured::priced, quality::*};
use super::figures::{count, model, times};
use crate::{
    policy::change::digest_of,
    shadow::analysis::report::{Outcome, Report, Verdict},
    values::{Hop, Route, Usd},
};

/// A kind's name in a person's words, from the workflow's entry; each reads on after "when".
pub type KindWords = BTreeMap<String, String>;

/// What would happen: `Move from gpt-4o (2024-05-13) to gpt-4o (2024-08-06), all traffic, fallback unchanged.`
#[must_use]
pub fn what(baseline: &Route, candidate: &Route) -> String {
    let (from, to) = (&baseline.primary, &candidate.primary);
    if digest_of(candidate).is_some() {
        return format!(
            "Change the policy itself from {} to {}.",
            baseline.id, candidate.id
        );
    }
    let mut place = String::new();
    if from.provider != to.provider {
        place += &format!(" at {}", to.provider);
    }
    if let Some(region) = to.region.as_ref().filter(|_| from.region != to.region) {
        place += &format!(" in {region}");
    }
    let fallback = match (baseline.fallbacks.as_slice(), candidate.fallbacks.as_slice()) {
        (before, after) if before == after => "fallback unchanged".to_owned(),
        (_, []) => "no fallback any more".to_owned(),
        (_, after) => format!(
            "fallback {}",
            after
                .iter()
                .map(|hop| model(&hop.model))
                .collect::<Vec<_>>()
                .join(", then ")
        ),
    };
    format!(
        "Move from {} to {}{place}, all traffic, {fallback}.",
        named(from, to),
        named(to, from)
    )
}

/// The model, or where two hops share it, what else tells them apart.
fn named(hop: &Hop, other: &Hop) -> String {
    let name = model(&hop.model);
    match &hop.deployment {
        Some(deployment) if hop.model == other.model && hop.deployment != other.deployment => {
            format!("{name}, deployment {deployment}")
        }
        _ => name,
    }
}

/// What the evidence says, in one or two sentences; `monthly` is what a month costs on today's route.
#[must_use]
pub fn evidence(report: &Report, words: &KindWords, monthly: Option<Usd>) -> String {
    let found = found(report, words, monthly);
    match within_noise(report) {
        Some(noise) => format!("{found} {noise}"),
        None => found,
    }
}

fn found(report: &Report, words: &KindWords, monthly: Option<Usd>) -> String {
    match report.verdict {
        Verdict::Eligible => {
            let cost = report
                .cost
                .as_ref()
                .and_then(|cost| Some(format!(", and {}", priced(cost, monthly)?)));
            let how = if report.mirrored { "mirrored" } else { "replayed" };
            format!(
                "On {} {how} calls it {}{}.",
                count(report.n),
                quality(report),
                cost.unwrap_or_default()
            )
        }
        Verdict::NotEligible => not_eligible(report, words).join(" "),
        Verdict::Inconclusive => cannot_tell(report, words),
    }
}

/// Why it may not go on: how it stands on average, which kinds are clearly worse, and whatever else is over its limit.
#[must_use]
pub fn not_eligible(report: &Report, words: &KindWords) -> Vec<String> {
    let mut said: Vec<String> = report.endpoints.first().map(average).into_iter().collect();
    let worse: Vec<_> = kinds(report).filter(|kind| is_clearly_worse(kind)).collect();
    if !worse.is_empty() {
        let places: Vec<_> = worse.iter().map(|kind| more_wrong(kind, words)).collect();
        let noun = if worse.len() == 1 {
            "one kind of request".to_owned()
        } else {
            format!("{} kinds of request", worse.len())
        };
        said.push(format!(
            "It gets {noun} clearly wrong more often: {}.",
            places.join("; ")
        ));
    }
    let checks = report
        .endpoints
        .iter()
        .skip(1)
        .filter(|endpoint| endpoint.stratum.is_none());
    let told_apart = ["quality_weighted", "judge"];
    for check in checks.filter(|check| {
        check.outcome == Some(Outcome::Inferior) && !told_apart.contains(&check.endpoint.as_str())
    }) {
        said.push(format!(
            "On \"{}\" it is clearly worse: {}.",
            check.endpoint,
            difference(check)
        ));
    }
    said.extend(judge::in_the_way(report));
    let blames = |what: &str| report.reasons.iter().any(|reason| reason.starts_with(what));
    if let Some(cost) = report
        .cost
        .as_ref()
        .filter(|cost| blames("cost") && cost.outcome == Outcome::Inferior)
    {
        said.extend(cost_words(cost).map(|words| format!("It {words}.")));
    }
    let slower = report.latency.as_ref().and_then(|latency| latency.p95_ratio);
    if let Some(slower) = slower.filter(|ratio| blames("latency") && ratio.outcome == Outcome::Inferior) {
        said.push(format!(
            "Its slowest calls take {} as long as today's.",
            times(slower.ratio)
        ));
    }
    said
}

/// `3 of 5 kinds of request are clearly fine, 1 is clearly worse, 1 cannot be told yet (needs about 240 more calls).`
#[must_use]
pub fn cannot_tell(report: &Report, words: &KindWords) -> String {
    let all: Vec<_> = kinds(report).collect();
    let fine = all
        .iter()
        .filter(|kind| kind.outcome == Some(Outcome::NonInferior))
        .count();
    let worse = all.iter().filter(|kind| is_clearly_worse(kind)).count();
    let open: Vec<_> = all
        .iter()
        .filter(|kind| kind.outcome == Some(Outcome::Inconclusive) && !is_clearly_worse(kind))
        .collect();
    let mut parts = vec![format!(
        "{fine} of {} kinds of request {} clearly fine",
        all.len(),
        are(fine)
    )];
    if worse > 0 {
        parts.push(format!("{worse} {} clearly worse", are(worse)));
    }
    if !open.is_empty() {
        let list: Vec<_> = open
            .iter()
            .map(|kind| place(kind, words) + &more_calls(kind))
            .collect();
        parts.push(format!("{} cannot be told yet: {}", open.len(), list.join("; ")));
    }
    let overall = report.endpoints.first().map(average).unwrap_or_default();
    let said = match all.is_empty() {
        true => overall,
        false => format!("{overall} {}.", parts.join(", ")),
    };
    match judge::in_the_way(report) {
        Some(judge) => format!("{said} {judge}"),
        None => said,
    }
}
