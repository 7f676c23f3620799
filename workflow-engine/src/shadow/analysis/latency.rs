//! How long answers take on both arms, and whether the slow ones got slower than the plan allows.

use super::DRAWS;
use super::cost::ratio_outcome;
use super::pairs::Pair;
use super::plan::Plan;
use super::report::{BothArms, Latency, LatencyRatio};
use crate::shadow::statistics::Interval;
use crate::shadow::statistics::bootstrap::{percentile, resampled_quantile_ratios};
use crate::shadow::statistics::quantile_ci::{estimate, type7};

/// Latency over the traces where both are known; `None` where there is no such trace.
pub(super) fn measure(plan: &Plan, pairs: &[Pair]) -> Option<Latency> {
    let (incumbent, candidate): (Vec<f64>, Vec<f64>) = pairs
        .iter()
        .filter_map(|pair| pair.arms.incumbent.latency_ms.zip(pair.arms.candidate.latency_ms))
        .unzip();
    let (old, new) = (sorted(&incumbent), sorted(&candidate));
    let at = |q: f64| {
        let alpha = plan.two_sided();
        Some(BothArms {
            incumbent: estimate(&old, q, alpha)?,
            candidate: estimate(&new, q, alpha)?,
        })
    };
    let (p50, p95) = (at(0.5)?, at(0.95)?);
    let interval = bounded(&p95)
        .then(|| ratio_limits(plan, &incumbent, &candidate))
        .flatten();
    let margin = plan.margins.latency_p95_ratio;
    let p95_ratio = (p95.incumbent.0 > 0.0).then(|| LatencyRatio {
        ratio: p95.candidate.0 / p95.incumbent.0,
        interval,
        margin,
        outcome: ratio_outcome(interval, margin),
    });
    Some(Latency {
        n: incumbent.len() as u64,
        p50,
        p95,
        p95_ratio,
        curve: curve(&old, &new),
    })
}

/// Every percentile of both arms.
fn curve(old: &[f64], new: &[f64]) -> Vec<[f64; 2]> {
    let tenths = |x: f64| (x * 10.0).round() / 10.0;
    (1..100_u32)
        .map(|percent| f64::from(percent) / 100.0)
        .map(|q| [tenths(type7(old, q)), tenths(type7(new, q))])
        .collect()
}

fn sorted(x: &[f64]) -> Vec<f64> {
    let mut x = x.to_vec();
    x.sort_by(f64::total_cmp);
    x
}

fn bounded(p95: &BothArms) -> bool {
    p95.incumbent.1.is_some() && p95.incumbent.2.is_some()
}

/// Percentile limits of the ratio of 95th percentiles; `None` where a draw has a 95th percentile of 0.
fn ratio_limits(plan: &Plan, incumbent: &[f64], candidate: &[f64]) -> Option<Interval> {
    let ratios = resampled_quantile_ratios(candidate, incumbent, 0.95, DRAWS, plan.draw_seed());
    let limits = percentile(&ratios, plan.two_sided());
    (limits.lower.is_finite() && limits.upper.is_finite()).then_some(limits)
}
