//! The evidence in plain words: what would happen, what was measured, what is worse. Cards, pages and packets share them.

use std::collections::BTreeMap;

use super::figures::{about, count, model, percent, points, range, seconds, times};
use crate::{
    shadow::analysis::report::{Cost, Endpoint, Latency, Outcome, Report, Verdict},
    values::{Hop, Route, Usd},
};

/// A kind's name in a person's words, from the workflow's entry; each reads on after "when".
pub type KindWords = BTreeMap<String, String>;

/// What would happen: `Move from gpt-4o (2024-05-13) to gpt-4o (2024-08-06), all traffic, fallback unchanged.`
#[must_use]
pub fn what(baseline: &Route, candidate: &Route) -> String {
    let (from, to) = (&baseline.primary, &candidate.primary);
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
    match report.verdict {
        Verdict::Eligible => {
            let cost = report
                .cost
                .as_ref()
                .and_then(|cost| Some(format!(", and {}", priced(cost, monthly)?)));
            format!(
                "On {} replayed calls it {}{}.",
                count(report.n),
                quality(report),
                cost.unwrap_or_default()
            )
        }
        Verdict::NotEligible => not_eligible(report, words).join(" "),
        Verdict::Inconclusive => cannot_tell(report, words),
    }
}

/// `answered better (+3.8 points, between +2.4 and +5.3), in every kind of request`.
fn quality(report: &Report) -> String {
    let Some(overall) = report.endpoints.first() else {
        return "was not compared".to_owned();
    };
    let how = match overall.interval {
        Some(interval) if interval.lower > 0.0 => "answered better",
        Some(interval) if interval.upper < 0.0 => "answered a little worse",
        _ => "answered as well as today",
    };
    let kinds: Vec<_> = kinds(report).collect();
    let every = match kinds.as_slice() {
        [] => "",
        all if all.iter().all(|kind| kind.estimate >= 0.0) => ", in every kind of request",
        all if all.iter().all(|kind| kind.outcome == Some(Outcome::NonInferior)) => {
            ", and no kind of request is worse than allowed"
        }
        _ => "",
    };
    format!("{how} ({}){every}", difference(overall))
}

/// `costs 43 % less: about $8,400 a month (at least $7,900)`.
fn priced(cost: &Cost, monthly: Option<Usd>) -> Option<String> {
    let words = cost_words(cost)?;
    let (ratio, upper) = (cost.ratio?, cost.interval?.upper);
    let saved = monthly
        .filter(|_| upper < 1.0)
        .and_then(|now| Some((now.times(1.0 - ratio)?, now.times(1.0 - upper)?)));
    Some(match saved {
        Some((point, least)) => format!(
            "{words}: about {} a month (at least {})",
            about(point),
            about(least)
        ),
        None => words,
    })
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
    for check in checks
        .filter(|check| check.outcome == Some(Outcome::Inferior) && check.endpoint != "quality_weighted")
    {
        said.push(format!(
            "On \"{}\" it is clearly worse: {}.",
            check.endpoint,
            difference(check)
        ));
    }
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

/// `On average it is no worse than today within 5 points (…), yet measurably worse.`
fn average(overall: &Endpoint) -> String {
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
fn more_wrong(kind: &Endpoint, words: &KindWords) -> String {
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
fn place(kind: &Endpoint, words: &KindWords) -> String {
    let name = kind.stratum.as_deref().unwrap_or_default();
    match words.get(name) {
        Some(words) => format!("when {words}"),
        None => format!("in requests of kind {name}"),
    }
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
    match all.is_empty() {
        true => overall,
        false => format!("{overall} {}.", parts.join(", ")),
    }
}

fn are(number: usize) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

/// ` (needs about 240 more calls)`.
fn more_calls(kind: &Endpoint) -> String {
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

/// `costs 43 % less (between 42 and 44)` or `costs 2.1 times what it costs today (between 2.0 and 2.3)`.
#[must_use]
pub fn cost_words(cost: &Cost) -> Option<String> {
    let ratio = cost.ratio?;
    let limits = cost.interval.map(|interval| (interval.lower, interval.upper));
    Some(match ratio {
        less if less < 0.995 => {
            let between = limits.and_then(|(low, high)| range(percent(1.0 - high), percent(1.0 - low)));
            format!(
                "costs {} % less{}",
                percent(1.0 - less),
                between.unwrap_or_default()
            )
        }
        same if same < 1.005 => "costs the same".to_owned(),
        more if more < 1.5 => {
            let between = limits.and_then(|(low, high)| range(percent(low - 1.0), percent(high - 1.0)));
            format!(
                "costs {} % more{}",
                percent(more - 1.0),
                between.unwrap_or_default()
            )
        }
        more => {
            let between = limits.and_then(|(low, high)| range(format!("{low:.1}"), format!("{high:.1}")));
            format!(
                "costs {} what it costs today{}",
                times(more),
                between.unwrap_or_default()
            )
        }
    })
}

/// Why a cheaper list is no cheaper bill; none where list and bill agree. `list_input` is the candidate's list price of input
/// divided by today's.
#[must_use]
pub fn list_price_trap(cost: &Cost, list_input: Option<f64>) -> Option<String> {
    let (ratio, list) = (cost.ratio?, list_input?);
    if ratio <= 1.0 || list >= 1.0 {
        return None;
    }
    let tokens = cost.input_token_ratio.or(cost.token_effect)?;
    Some(format!(
        "The list price is {} % lower on input, but it used {} the tokens: measured cost is {} today's.",
        percent(1.0 - list),
        times(tokens),
        times(ratio)
    ))
}

/// `95 of 100 calls take 4.2 s at most (between 3.9 and 4.8 s), 7.8 s today`.
#[must_use]
pub fn latency_words(latency: &Latency) -> String {
    let (point, lower, upper) = latency.p95.candidate;
    let between = match (lower, upper) {
        (Some(lower), Some(upper)) => format!(" (between {} and {})", seconds(lower), seconds(upper)),
        _ => String::new(),
    };
    format!(
        "95 of 100 calls take {} at most{between}, {} today",
        seconds(point),
        seconds(latency.p95.incumbent.0)
    )
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
fn difference(endpoint: &Endpoint) -> String {
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
fn points_of(margin: f64) -> String {
    let number = format!("{:.1}", margin * 100.0);
    format!("{} points", number.strip_suffix(".0").unwrap_or(&number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::sample::sample as catalog,
        evidence::sample::{gpt_to_claude, may_to_august, quality, turbo_to_mini},
    };

    fn words() -> KindWords {
        catalog().workflows[0].strata.words.clone()
    }

    fn usd(text: &str) -> Usd {
        Usd(text.parse().unwrap())
    }

    #[test]
    fn what_would_happen_is_said_with_its_fallback() {
        let catalog = catalog();
        let route = |id: &str| catalog.route(id).unwrap().route();
        insta::assert_snapshot!(what(&route("gpt-4o-0513"), &route("gpt-4o-0806")), @"Move from gpt-4o (2024-05-13) to gpt-4o (2024-08-06), all traffic, fallback unchanged.");
        insta::assert_snapshot!(what(&route("gpt-4o-0513"), &route("gpt-4o-mini-0718-ap")), @"Move from gpt-4o (2024-05-13) to gpt-4o-mini (2024-07-18) at azure.ai.openai in ap, all traffic, no fallback any more.");
        insta::assert_snapshot!(what(&route("gpt-4-turbo-0409"), &route("gpt-4o-0806")), @"Move from gpt-4-turbo (2024-04-09) to gpt-4o (2024-08-06), all traffic, fallback gpt-4-turbo (2024-04-09).");
    }

    #[test]
    fn a_clean_change_says_how_much_better_and_how_much_cheaper() {
        insta::assert_snapshot!(evidence(&may_to_august(), &words(), Some(usd("19600"))), @"On 1,240 replayed calls it answered better (+3.8 points, between +2.4 and +5.3), in every kind of request, and costs 43 % less (between 42 and 44): about $8,400 a month (at least $8,200).");
        insta::assert_snapshot!(evidence(&may_to_august(), &words(), None), @"On 1,240 replayed calls it answered better (+3.8 points, between +2.4 and +5.3), in every kind of request, and costs 43 % less (between 42 and 44).");
    }

    #[test]
    fn what_must_not_pass_says_both_sentences() {
        insta::assert_snapshot!(evidence(&turbo_to_mini(), &words(), None), @"On average it is no worse than today within 5 points (−1.9 points, between −3.5 and −0.5), yet measurably worse. It gets one kind of request clearly wrong more often: when no tool applies, in 7.5 of 100 more cases (between 3.6 and 12.1).");
        insta::assert_snapshot!(evidence(&turbo_to_mini(), &KindWords::new(), None), @"On average it is no worse than today within 5 points (−1.9 points, between −3.5 and −0.5), yet measurably worse. It gets one kind of request clearly wrong more often: in requests of kind relevance, in 7.5 of 100 more cases (between 3.6 and 12.1).");
    }

    #[test]
    fn the_recorded_pairs_of_the_leaderboard_read_the_same() {
        use crate::{
            shadow::analysis::{analyze, pairs::parse_lines, plan::Plan},
            vectors,
        };
        let name = |part: &str| format!("cli/analyze/gpt-4-turbo__gpt-4o-mini.{part}");
        let (Some(plan), Some(pairs)) = (
            vectors::load(&name("plan.json")),
            vectors::text(&name("pairs.ndjson")),
        ) else {
            return;
        };
        let report = analyze(&Plan::parse(&plan).unwrap(), &parse_lines(&pairs).unwrap());
        assert_eq!(
            not_eligible(&report, &words()),
            not_eligible(&turbo_to_mini(), &words())
        );
        insta::assert_snapshot!(cost_words(&report.cost.unwrap()).unwrap(), @"costs 98 % less");
    }

    #[test]
    fn a_cheaper_list_that_makes_a_dearer_bill_is_said_with_its_reason() {
        let report = gpt_to_claude();
        insta::assert_snapshot!(evidence(&report, &words(), None), @"On average it is measurably worse (−6.8 points, between −9.3 and −4.3). It costs 2.1 times what it costs today (between 2.1 and 2.2).");
        let cost = report.cost.unwrap();
        insta::assert_snapshot!(list_price_trap(&cost, Some(0.6)).unwrap(), @"The list price is 40 % lower on input, but it used 3.1 times the tokens: measured cost is 2.1 times today's.");
        assert_eq!(list_price_trap(&cost, Some(1.2)), None);
        assert_eq!(list_price_trap(&may_to_august().cost.unwrap(), Some(0.5)), None);
    }

    #[test]
    fn what_cannot_be_told_yet_says_how_many_calls_would_tell() {
        let mut report = may_to_august();
        report.verdict = Verdict::Inconclusive;
        let open = quality(Some("relevance"), 60, [-0.05, -0.16, 0.05], ("inconclusive", 0.7));
        report.endpoints[1] = serde_json::from_value(open).unwrap();
        insta::assert_snapshot!(evidence(&report, &words(), None), @"On average it is no worse than today within 5 points (+3.8 points, between +2.4 and +5.3). 1 of 2 kinds of request is clearly fine, 1 cannot be told yet: when no tool applies (needs about 240 more calls).");
    }

    #[test]
    fn latency_is_said_with_its_limits_and_todays() {
        insta::assert_snapshot!(latency_words(&may_to_august().latency.unwrap()), @"95 of 100 calls take 4.1 s at most (between 3.8 s and 4.7 s), 4.2 s today");
    }
}
