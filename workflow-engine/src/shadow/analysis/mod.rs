//! What the pairs of a shadow test say about the candidate, against a plan frozen before (surfaces.md §3).
//!
//! Reading order: `plan` and `pairs` are what comes in, `report` is what comes out, `verdict` is the rule that
//! decides. The rest measures one thing each.

pub mod fields;
pub mod pairs;
pub mod plan;
pub mod report;

mod clusters;
mod cost;
mod endpoints;
mod latency;
mod looks;
mod verdict;
mod words;

use std::collections::BTreeMap;

use pairs::{Arm, Pair};
use plan::{Mode, Plan};
use report::{Endpoint, Outcome, Report, SameModel};

use super::statistics::Interval;

/// Draws of every bootstrap.
const DRAWS: usize = 2_000;

/// Judges the pairs, in their order, by the plan. Pure: the same input gives the same report, bit for bit.
///
/// Traces must be distinct and plan and pairs within their limits; [`Plan::parse`] and [`pairs::parse_lines`]
/// see to that.
#[must_use]
pub fn analyze(plan: &Plan, pairs: &[Pair]) -> Report {
    let mut endpoints = endpoints::all(plan, pairs);
    let sequential = (plan.mode == Mode::Sequential && !pairs.is_empty()).then(|| looks::watch(plan, pairs));
    if let Some((watched, quality)) = sequential.as_ref().zip(endpoints.first_mut()) {
        looks::judge(watched, quality, plan);
    }
    verdict::adjust_blame(plan, &mut endpoints);
    let mut report = Report {
        plan_sha256: plan.digest(),
        n: pairs.len() as u64,
        excluded: excluded(pairs, &endpoints),
        endpoints,
        aa: SameModel {
            recorded: same_model(plan, pairs, |arms| {
                Some((arms.recorded.as_ref()?, &arms.incumbent))
            }),
            incumbent_repeat: same_model(plan, pairs, |arms| {
                Some((&arms.incumbent, arms.incumbent_repeat.as_ref()?))
            }),
        },
        cost: cost::measure(plan, pairs),
        latency: latency::measure(plan, pairs),
        sequential: sequential.map(|watched| watched.block),
        zero_tolerance: Vec::new(),
        judge: None,
        mirrored: false,
        ended_early: None,
        verdict: report::Verdict::Inconclusive,
        reasons: Vec::new(),
        notes: Vec::new(),
    };
    verdict::decide(plan, &mut report);
    report
}

/// Adds `judge`: a mean over `n` traces that is no figure of the pairs alone. Decides anew with it; its margin, where that
/// leaves it open.
pub(super) fn with_judge(
    plan: &Plan,
    report: &mut Report,
    n: u64,
    found: (f64, f64, Interval),
) -> Option<f64> {
    let judge = endpoints::judged(plan, n, found);
    let open = judge
        .margin
        .filter(|_| judge.outcome == Some(Outcome::Inconclusive));
    report.endpoints.push(judge);
    verdict::decide(plan, report);
    open
}

/// The incumbent against itself: how much of a difference is noise or drift.
fn same_model(
    plan: &Plan,
    pairs: &[Pair],
    arms: impl Fn(&pairs::Arms) -> Option<(&Arm, &Arm)>,
) -> Option<Endpoint> {
    let rows: Vec<endpoints::Row<'_>> = pairs
        .iter()
        .filter_map(|pair| {
            let (before, after) = arms(&pair.arms)?;
            Some(endpoints::Row {
                incumbent: before.ok,
                candidate: after.ok,
                cluster: pair.cluster.as_deref(),
            })
        })
        .collect();
    endpoints::binary("quality", &rows, Some(plan.margins.quality), plan)
}

/// Traces that an endpoint could not use because one arm lacks the figure.
fn excluded(pairs: &[Pair], endpoints: &[Endpoint]) -> BTreeMap<String, u64> {
    let lacking = |has: fn(&Arm) -> bool| {
        let whole = |pair: &&Pair| has(&pair.arms.incumbent) && has(&pair.arms.candidate);
        (pairs.len() - pairs.iter().filter(whole).count()) as u64
    };
    let mut counts = BTreeMap::from([
        ("cost".to_owned(), lacking(|arm| arm.cost_usd.is_some())),
        ("latency".to_owned(), lacking(|arm| arm.latency_ms.is_some())),
        ("tokens".to_owned(), lacking(|arm| arm.tokens().is_some())),
    ]);
    let partial = endpoints
        .iter()
        .filter(|e| !matches!(e.endpoint.as_str(), "quality" | "quality_weighted"));
    counts.extend(partial.map(|e| (e.endpoint.clone(), pairs.len() as u64 - e.n)));
    counts.retain(|_, count| *count > 0);
    counts
}

#[cfg(test)]
mod tests;
