//! What each slot should look at before it votes, in plain words.

use chrono::Duration;

use super::request::{HopFacts, Known, Request};
use crate::{
    evidence::{
        counters::counters,
        figures::{about, count, model, percent},
        sentences::{
            bridge_words, cost_words, evidence, latency_words, list_price_trap, not_eligible, savings,
            weakest_kind,
        },
    },
    shadow::analysis::report::{Report, Verdict},
    values::{Role, Route, Usd},
};

/// What the slot of `role` should look at in a change from `baseline`; the most telling sentence first.
#[must_use]
pub fn concerns(role: Role, request: &Request, baseline: &Route) -> Vec<String> {
    match role {
        Role::Platform => platform(request, baseline),
        Role::Security => security(request, baseline),
        Role::Finance => finance(request),
        Role::Owner => owner(request),
        Role::BreakGlass => Vec::new(),
    }
}

fn report(request: &Request) -> Option<&Report> {
    request.measured.as_ref().map(|measured| &measured.report)
}

fn platform(request: &Request, baseline: &Route) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(report) = report(request) {
        said.extend(
            report
                .latency
                .as_ref()
                .map(|latency| format!("{}.", latency_words(latency))),
        );
        said.extend(broken(report));
    }
    said.push(format!(
        "The gateway gets route {} in place of {}.",
        request.route, baseline.id
    ));
    let today: Vec<_> = baseline.fallbacks.iter().map(|hop| model(&hop.model)).collect();
    let after: Vec<_> = request
        .hops
        .iter()
        .skip(1)
        .map(|hop| model(&hop.hop.model))
        .collect();
    said.push(match (today == after, after.as_slice()) {
        (true, []) => "There is no fallback, as today.".to_owned(),
        (true, _) => format!("The fallback stays: {}.", after.join(", then ")),
        (false, []) => format!(
            "There would be no fallback any more; today it is {}.",
            today.join(", then ")
        ),
        (false, _) => format!("The fallback would be {}.", after.join(", then ")),
    });
    for hop in &request.hops {
        if let Some(day) = hop.model.as_ref().and_then(|facts| facts.retires) {
            said.push(format!("{} retires on {day}.", hop.hop.model));
        }
    }
    said
}

/// Answers that failed on the way, were cut short or came from another model than was asked.
fn broken(report: &Report) -> Option<String> {
    let whole = |name: &str| {
        let counts = report
            .endpoints
            .iter()
            .find(|it| it.endpoint == name && it.stratum.is_none())?
            .counts?;
        Some((counts.b + counts.d, counts.c + counts.d, counts.n()))
    };
    let (cut, cut_today, n) = whole("transport")?;
    let (swapped, _, _) = whole("served_by").unwrap_or_default();
    let n = count(n);
    let mut said = match (cut, cut_today) {
        (0, 0) => format!("All {n} answers came whole, as today."),
        _ => format!(
            "{} of {n} answers failed or were cut short, {} today.",
            count(cut),
            count(cut_today)
        ),
    };
    if swapped > 0 {
        said += &format!(" {} came from another model than was asked.", count(swapped));
    }
    Some(said)
}

fn security(request: &Request, baseline: &Route) -> Vec<String> {
    let class = request
        .workflow
        .class
        .as_ref()
        .map_or("unknown", |class| class.name.as_str());
    let mut said = Vec::new();
    for hop in &request.hops {
        let known = baseline
            .hops()
            .any(|today| today.provider == hop.hop.provider && today.region == hop.hop.region);
        let place = hop.hop.region.as_ref().map_or_else(
            || "no named region".to_owned(),
            |region| format!("region {region}"),
        );
        let line = match known {
            true if hop.index > 0 => continue,
            true => format!("{class} data goes to {} in {place}, as today", hop.vendor),
            false => format!(
                "{class} data would go to {} in {place}, which is new for this workflow",
                hop.vendor
            ),
        };
        said.push(format!("{line}{}.", terms(hop)));
    }
    let counted = report(request).map(counters).unwrap_or_default();
    said.extend(counted.iter().map(|counter| counter.sentence()));
    said
}

/// `: keeps data for 30 days, does not train on it`.
fn terms(hop: &HopFacts) -> String {
    let mut parts = Vec::new();
    match hop.retention_days {
        Known::Is(0, _) => parts.push("keeps no data".to_owned()),
        Known::Is(days, _) => parts.push(format!("keeps data for {days} days")),
        _ => parts.push("how long it keeps data is not known".to_owned()),
    }
    match hop.trains {
        Known::Is(false, _) => parts.push("does not train on it".to_owned()),
        Known::Is(true, _) => parts.push("trains on it".to_owned()),
        _ => parts.push("whether it trains on it is not known".to_owned()),
    }
    format!(": {}", parts.join(", "))
}

/// A list price that misleads comes first, else the saving that may be claimed; then what it is made of.
fn finance(request: &Request) -> Vec<String> {
    let mut said = Vec::new();
    let cost = report(request).and_then(|report| report.cost.as_ref());
    match cost.and_then(|cost| Some((cost, cost_words(cost)?))) {
        Some((cost, words)) => {
            said.extend(list_price_trap(cost, request.list_input));
            let monthly = request
                .monthly_now
                .and_then(|now| Some((now, now.times(cost.of_a_month()?.0)?)));
            if let Some((now, then)) = monthly {
                let most = cost.interval.and_then(|limits| now.times(limits.upper));
                said.push(format!(
                    "{}: {} today, about {} then.",
                    savings(now - then, most.map(|most| now - most)),
                    about(now),
                    about(then)
                ));
            }
            said.push(format!("Measured on {} calls, it {words}.", count(cost.n)));
            said.extend(bridge_words(cost).map(|words| format!("{words}.")));
        }
        None => said.push("What it costs was not measured.".to_owned()),
    }
    if let Some(budget) = &request.budget {
        said.push(format!(
            "Budget: {} of {} are spent this month{}.",
            about(budget.spent),
            about(budget.limit),
            used(budget.spent, budget.limit)
        ));
    }
    said
}

/// ` (57 %)`.
fn used(spent: Usd, limit: Usd) -> String {
    use rust_decimal::prelude::ToPrimitive as _;
    let share = spent.0.checked_div(limit.0).and_then(|share| share.to_f64());
    share.map_or_else(String::new, |share| format!(" ({} %)", percent(share)))
}

fn owner(request: &Request) -> Vec<String> {
    let Some(measured) = &request.measured else {
        return vec!["No shadow test was made.".to_owned()];
    };
    let words = &request.workflow.words;
    let mut said = match measured.report.verdict {
        Verdict::NotEligible => not_eligible(&measured.report, words),
        _ => vec![evidence(&measured.report, words, None)],
    };
    said.extend(weakest_kind(&measured.report, words));
    if let Some(latency) = &measured.report.latency {
        said.push(format!("{}.", latency_words(latency)));
    }
    let holds = measured.on + Duration::days(request.evidence_days);
    said.push(format!(
        "Measured on {}; the evidence holds until {holds}.",
        measured.on
    ));
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::sample::sample,
        evidence::sample::gpt_to_claude,
        policy::{Asked, BudgetFacts, Measured, Phase},
        values::Usd,
    };

    #[test]
    fn every_slot_is_told_what_it_is_asked_for() {
        let catalog = sample();
        let workflow = catalog.workflow("support-answer").unwrap();
        let route = |id: &str| catalog.route(id).unwrap().route();
        let usd = |dollars: i64| Usd(dollars.into());
        let asked = Asked {
            budget: Some(BudgetFacts {
                limit: usd(25_000),
                spent: usd(14_200),
            }),
            cost_center_budget: None,
            monthly_now: Some(usd(19_600)),
            claims_savings: true,
            measured: Some(Measured {
                report: gpt_to_claude(),
                on: "2026-11-20".parse().unwrap(),
            }),
            list_input: Some(0.6),
        };
        let day = "2026-11-24".parse().unwrap();
        let request = Request::new(
            &catalog,
            workflow,
            &route("claude-3-5-sonnet-0620"),
            (Phase::Full, day),
        )
        .with(asked);
        let said: Vec<_> = [Role::Platform, Role::Security, Role::Finance, Role::Owner]
            .into_iter()
            .map(|role| {
                format!(
                    "{}\n{}",
                    role.title(),
                    concerns(role, &request, &route("gpt-4o-0513")).join("\n")
                )
            })
            .collect();
        insta::assert_snapshot!(said.join("\n\n"), @r"
            Platform
            95 of 100 calls take 6.1 s at most (between 5.6 s and 6.9 s), 4.2 s today.
            The gateway gets route claude-3-5-sonnet-0620 in place of gpt-4o-0513.
            There would be no fallback any more; today it is gpt-4-turbo (2024-04-09).

            Security
            Confidential data would go to Anthropic in region us, which is new for this workflow: keeps data for 30 days, does not train on it.

            Finance
            The list price is 40 % lower on input, but it used 3.1 times the tokens: measured cost is 2.1 times today's.
            Costs about $22,000 a month more: $20,000 today, about $42,000 then.
            Measured on 1,240 calls, it costs 2.1 times what it costs today (between 2.1 and 2.2).
            Tokens used +190 %, price of a token −27 %.
            Budget: $14,000 of $25,000 are spent this month (57 %).

            Owner
            On average it is measurably worse (−6.8 points, between −9.3 and −4.3).
            It costs 2.1 times what it costs today (between 2.1 and 2.2).
            Weakest when one tool applies: −2.0 points, between −5.0 and +1.0; up to 10 points worse is allowed.
            95 of 100 calls take 6.1 s at most (between 5.6 s and 6.9 s), 4.2 s today.
            Measured on 2026-11-20; the evidence holds until 2026-12-20.
            ");
    }
}
