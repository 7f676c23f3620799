//! How right the answers are, in words: on average, by kind of request, and what cannot be told yet.

use std::cmp::Ordering;

use super::{
    super::figures::{count, points},
    KindWords,
};
use crate::shadow::analysis::report::{Endpoint, Outcome, Report};

/// `answered better (+3.8 points, between +2.4 and +5.3), in every kind of request`.
pub(super) fn quality(report: &Report) -> String {
    let Some(overall) = report.endpoints.first() else {
        return "was not compared".to_owned();
    };
    let how = match (overall.interval, overall.margin) {
        (Some(interval), _) if interval.lower > 0.0 => "answered better".to_owned(),
        // Both halves belong together: good enough by the plan, and worse beyond chance.
        (_, Some(margin)) if overall.measurably_worse => format!(
            "answered no worse than today within {}, yet measurably worse",
            points_of(margin)
        ),
        _ => "answered as well as today".to_owned(),
    };
    let kinds: Vec<_> = kinds(report).collect();
    let every = match kinds.as_slice() {
        [] => "",
        all if all.iter().all(|kind| kind.estimate >= 0.0) => ", in every kind of request",
        all if all.iter().all(|kind| kind.outcome == Some(Outcome::NonInferior)) => {
            ", with no kind of request worse than allowed"
        }
        _ => "",
    };
    format!("{how} ({}){every}", difference(overall))
}

/// `On average it is no worse than today within 5 points (…), yet measurably worse.`
pub(super) fn average(overall: &Endpoint) -> String {
    let allowed = overall
        .margin
        .map_or_else(String::new, |margin| format!(" within {}", points_of(margin)));
    let figures = difference(overall);
    match (overall.outcome, overall.measurably_worse) {
        (Some(Outcome::NonInferior), true) => {
            format!("On average it is no worse than today{allowed} ({figures}), yet measurably worse.")
        }
        (Some(Outcome::NonInferior), false) => {
            format!("On average it is no worse than today{allowed} ({figures}).")
        }
        (Some(Outcome::Inferior), _) => {
            format!("On average it answers clearly worse than allowed{allowed}: {figures}.")
        }
        (_, true) => format!("On average it is measurably worse ({figures})."),
        _ => format!("On average it cannot be told apart from today's ({figures})."),
    }
}

/// `when no tool applies, in 7.5 of 100 more cases (between 3.6 and 12.1)`.
pub(super) fn more_wrong(kind: &Endpoint, words: &KindWords) -> String {
    let hundred = |share: f64| format!("{:.1}", share * 100.0);
    let between = kind.interval.map(|interval| {
        format!(
            " (between {} and {})",
            hundred((-interval.upper).max(0.0)),
            hundred(-interval.lower)
        )
    });
    format!(
        "{}, in {} of 100 more cases{}",
        place(kind, words),
        hundred(-kind.estimate),
        between.unwrap_or_default()
    )
}

/// `when no tool applies`, or the kind's own name where nobody has given it words.
pub(super) fn place(kind: &Endpoint, words: &KindWords) -> String {
    let name = kind.stratum.as_deref().unwrap_or_default();
    match words.get(name) {
        Some(words) => format!("when {words}"),
        None => format!("in requests of kind {name}"),
    }
}

pub(super) fn are(number: usize) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

/// ` (needs about 240 more calls)`.
pub(super) fn more_calls(kind: &Endpoint) -> String {
    match kind.n_needed.map(|needed| needed.saturating_sub(kind.n)) {
        Some(more) if more > 0 => format!(" (needs about {} more calls)", count(round_up(more))),
        _ => String::new(),
    }
}

/// To two digits, upwards: a promise of precision that nobody asked for helps nobody.
fn round_up(number: u64) -> u64 {
    let step = 10_u64.pow(number.max(1).ilog10().saturating_sub(1));
    number.div_ceil(step) * step
}

/// That today's model differs from itself by more than half of what is allowed: then the margin cannot be trusted to tell.
pub(super) fn within_noise(report: &Report) -> Option<String> {
    let arms = [&report.aa.recorded, &report.aa.incumbent_repeat];
    let loudest = arms
        .into_iter()
        .flatten()
        .max_by(|one, other| one.estimate.abs().total_cmp(&other.estimate.abs()))?;
    let margin = loudest.margin?;
    (loudest.estimate.abs() > margin / 2.0).then(|| {
        format!(
            "Today's model differs from itself by {}, so the allowed loss of {} lies within the noise.",
            points_of(loudest.estimate.abs()),
            points_of(margin)
        )
    })
}

/// The kind with the least room to its limit, in a sentence: what the owner should look at first.
#[must_use]
pub fn weakest_kind(report: &Report, words: &KindWords) -> Option<String> {
    let room = |kind: &Endpoint| Some(kind.interval?.lower + kind.margin?);
    let weakest = kinds(report)
        .filter(|kind| room(kind).is_some())
        .min_by(|one, other| room(one).partial_cmp(&room(other)).unwrap_or(Ordering::Equal))?;
    Some(format!(
        "Weakest {}: {}; up to {} worse is allowed.",
        place(weakest, words),
        difference(weakest),
        points_of(weakest.margin?)
    ))
}

/// Where it is clearly worse: `when no tool applies`.
#[must_use]
pub fn worse_places(report: &Report, words: &KindWords) -> Vec<String> {
    kinds(report)
        .filter(|kind| is_clearly_worse(kind))
        .map(|kind| place(kind, words))
        .collect()
}

/// Endpoints of single kinds of request.
pub(crate) fn kinds(report: &Report) -> impl Iterator<Item = &Endpoint> {
    report
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.endpoint == "quality" && endpoint.stratum.is_some())
}

/// Worse by more than allowed, or worse beyond chance where it was not shown good enough: the rule of the verdict.
pub(crate) fn is_clearly_worse(kind: &Endpoint) -> bool {
    let blamed = kind.mcnemar_holm.is_some_and(|p| p <= 1.0 - kind.level + 1e-12);
    match kind.outcome {
        Some(Outcome::Inferior) => true,
        Some(Outcome::NonInferior) | None => false,
        Some(Outcome::Inconclusive) => kind.estimate < 0.0 && blamed,
    }
}

/// `−1.9 points, between −3.5 and −0.5`.
pub(super) fn difference(endpoint: &Endpoint) -> String {
    let between = endpoint.interval.map(|interval| {
        format!(
            ", between {} and {}",
            points(interval.lower),
            points(interval.upper)
        )
    });
    format!(
        "{} points{}",
        points(endpoint.estimate),
        between.unwrap_or_default()
    )
}

/// `5 points`, without a sign.
pub(super) fn points_of(margin: f64) -> String {
    let number = format!("{:.1}", margin * 100.0);
    format!("{} points", number.strip_suffix(".0").unwrap_or(&number))
}
