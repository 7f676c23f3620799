//! What it costs and how long it takes, in words.

use super::super::figures::{about, change, percent, range, seconds, times};
use crate::{
    shadow::analysis::report::{Cost, Latency},
    values::Usd,
};

/// `costs 43 % less: about $8,400 a month (at least $7,900)`.
pub(super) fn priced(cost: &Cost, monthly: Option<Usd>) -> Option<String> {
    let words = cost_words(cost)?;
    let (ratio, limits) = cost.of_a_month()?;
    let upper = limits?.upper;
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

/// The saving that may be claimed, its lower bound first: `Saves at least $8,200 a month, about $8,400`; or what more it costs.
#[must_use]
pub fn savings(saving: Usd, at_least: Option<Usd>) -> String {
    match at_least {
        Some(least) if least > Usd::ZERO => {
            format!("Saves at least {} a month, about {}", about(least), about(saving))
        }
        _ if saving < Usd::ZERO => format!("Costs about {} a month more", about(Usd(-saving.0))),
        _ => format!(
            "About {} a month less, which may as well be nothing",
            about(saving)
        ),
    }
}

/// The bridge from today's cost to the candidate's: `Tokens used −2.2 %, price of a token −42 %`; none where tokens are unknown.
#[must_use]
pub fn bridge_words(cost: &Cost) -> Option<String> {
    Some(format!(
        "Tokens used {}, price of a token {}",
        change(cost.token_effect?),
        change(cost.price_effect?)
    ))
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
