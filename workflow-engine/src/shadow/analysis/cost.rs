//! What the candidate costs beside the incumbent, and how much of that is tokens and how much is price.

use std::collections::BTreeMap;

use rust_decimal::prelude::ToPrimitive;

use super::pairs::{Arm, Pair};
use super::plan::Plan;
use super::report::{Cost, MixRatio, Outcome, StratumCost};
use crate::shadow::statistics::Interval;
use crate::shadow::statistics::ratio::{Stratum, ratio_of_sums, stratified_ratio};
use crate::values::Usd;

/// Both costs of one trace, with its arms.
struct Priced<'a> {
    pair: &'a Pair,
    incumbent: Usd,
    candidate: Usd,
}

/// Cost over the traces where both are known; `None` where there is no such trace.
pub(super) fn measure(plan: &Plan, pairs: &[Pair]) -> Option<Cost> {
    let priced: Vec<Priced<'_>> = pairs
        .iter()
        .filter_map(|pair| {
            let (incumbent, candidate) = pair.arms.incumbent.cost_usd.zip(pair.arms.candidate.cost_usd)?;
            Some(Priced {
                pair,
                incumbent,
                candidate,
            })
        })
        .collect();
    if priced.is_empty() {
        return None;
    }
    let sum = |side: fn(&Priced<'_>) -> Usd| Usd(priced.iter().map(|p| side(p).0).sum());
    let (incumbent_usd, candidate_usd) = (sum(|p| p.incumbent), sum(|p| p.candidate));
    let ratio = candidate_usd
        .0
        .checked_div(incumbent_usd.0)
        .and_then(|r| r.to_f64());
    let interval = limits(&priced, plan);
    let [all, input, output] = token_ratios(&priced);
    Some(Cost {
        n: priced.len() as u64,
        incumbent_usd,
        candidate_usd,
        ratio,
        interval,
        token_effect: all,
        price_effect: ratio
            .zip(all)
            .filter(|(_, tokens)| *tokens > 0.0)
            .map(|(ratio, tokens)| ratio / tokens),
        input_token_ratio: input,
        output_token_ratio: output,
        margin: plan.margins.cost_ratio,
        outcome: ratio_outcome(interval, plan.margins.cost_ratio),
        strata: by_stratum(&priced),
        on_real_mix: on_real_mix(&priced, plan),
    })
}

/// A ratio must stay below its margin: non_inferior when the upper limit does, inferior when the lower does not.
pub(super) fn ratio_outcome(limits: Option<Interval>, margin: f64) -> Outcome {
    match limits {
        Some(limits) if limits.upper < margin => Outcome::NonInferior,
        Some(limits) if limits.lower > margin => Outcome::Inferior,
        _ => Outcome::Inconclusive,
    }
}

fn limits(priced: &[Priced<'_>], plan: &Plan) -> Option<Interval> {
    let dollars = |side: fn(&Priced<'_>) -> Usd| -> Vec<f64> {
        priced
            .iter()
            .map(|p| side(p).0.to_f64().unwrap_or(f64::NAN))
            .collect()
    };
    let found = ratio_of_sums(
        &dollars(|p| p.candidate),
        &dollars(|p| p.incumbent),
        plan.two_sided(),
    )?;
    Some(found.interval)
}

/// Ratios of all, input and output tokens; null where one trace lacks its tokens, because then the sums are
/// not those of the same traces as the cost.
fn token_ratios(priced: &[Priced<'_>]) -> [Option<f64>; 3] {
    let sums = |arm: fn(&Pair) -> &Arm| {
        priced.iter().try_fold((0, 0), |(input, output), p| {
            arm(p.pair).tokens().map(|(i, o)| (input + i, output + o))
        })
    };
    let (Some(old), Some(new)) = (sums(|p| &p.arms.incumbent), sums(|p| &p.arms.candidate)) else {
        return [None; 3];
    };
    let ratio = |new: u64, old: u64| (old > 0).then(|| new as f64 / old as f64);
    [
        ratio(new.0 + new.1, old.0 + old.1),
        ratio(new.0, old.0),
        ratio(new.1, old.1),
    ]
}

/// None unless the plan weighs every stratum that occurs.
fn on_real_mix(priced: &[Priced<'_>], plan: &Plan) -> Option<MixRatio> {
    let mut strata: BTreeMap<&str, Stratum> = BTreeMap::new();
    for one in priced {
        let name = one.pair.stratum.as_deref()?;
        let weight = plan.strata.get(name)?.weight?;
        let own = strata.entry(name).or_default();
        own.weight = weight;
        own.top.push(one.candidate.0.to_f64()?);
        own.bottom.push(one.incumbent.0.to_f64()?);
    }
    let strata: Vec<Stratum> = strata.into_values().collect();
    let (ratio, interval) = stratified_ratio(&strata, plan.two_sided())?;
    Some(MixRatio { ratio, interval })
}

fn by_stratum(priced: &[Priced<'_>]) -> BTreeMap<String, StratumCost> {
    let mut strata: BTreeMap<String, StratumCost> = BTreeMap::new();
    for one in priced {
        let Some(name) = &one.pair.stratum else { continue };
        let entry = strata.entry(name.clone()).or_default();
        entry.n += 1;
        entry.incumbent_usd.0 += one.incumbent.0;
        entry.candidate_usd.0 += one.candidate.0;
    }
    strata
}
