//! Bootstrap of means and of paired quantile ratios: percentile and BCa intervals, bit for bit reproducible.

use super::distributions::{normal_cdf, normal_quantile};
use super::quantile_ci::type7;
use super::splitmix::SplitMix64;
use super::{Interval, mean};

/// A bias-corrected and accelerated interval with its two corrections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bca {
    /// The limits.
    pub interval: Interval,
    /// Bias: Φ⁻¹ of the share of draws below the estimate, ties counted half.
    pub z0: f64,
    /// Acceleration, from the jackknife.
    pub acceleration: f64,
}

/// Means of `draws` resamples of `x`, sorted. Order of the stream: for each draw, for each place, one number.
pub fn resampled_means(x: &[f64], draws: usize, seed: u64) -> Vec<f64> {
    let (mut stream, n) = (SplitMix64::new(seed), x.len());
    let mut means: Vec<f64> = (0..draws)
        .map(|_| (0..n).fold(0.0, |sum, _| sum + x[stream.below(n)]) / n as f64)
        .collect();
    means.sort_by(f64::total_cmp);
    means
}

/// Ratios of the type-7 quantiles `q` of `top` and `bottom` over `draws` paired resamples, sorted.
///
/// Each draw is kept as a count a trace; walking each arm's traces from the largest value down finds the order
/// statistics without sorting again.
pub fn resampled_quantile_ratios(top: &[f64], bottom: &[f64], q: f64, draws: usize, seed: u64) -> Vec<f64> {
    let (mut stream, n) = (SplitMix64::new(seed), top.len());
    let (top, bottom) = (Ranked::new(top), Ranked::new(bottom));
    let mut times = vec![0_u32; n];
    let mut ratios: Vec<f64> = (0..draws)
        .map(|_| {
            times.fill(0);
            for _ in 0..n {
                times[stream.below(n)] += 1;
            }
            top.quantile(&times, q) / bottom.quantile(&times, q)
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios
}

/// Type-7 quantiles α/2 and 1 − α/2 of sorted draws.
pub fn percentile(sorted: &[f64], alpha: f64) -> Interval {
    Interval::new(type7(sorted, alpha / 2.0), type7(sorted, 1.0 - alpha / 2.0))
}

/// BCa interval (Efron 1987) of the mean of `x`: the draws' quantiles at Φ(z₀ + (z₀ ± z)/(1 − a(z₀ ± z))).
/// `None` of nothing; without spread both limits are the mean.
pub fn bca(x: &[f64], draws: usize, seed: u64, alpha: f64) -> Option<Bca> {
    if x.is_empty() || draws == 0 {
        return None;
    }
    let (estimate, means) = (mean(x), resampled_means(x, draws, seed));
    let below = means.partition_point(|m| *m < estimate);
    let ties = means.partition_point(|m| *m <= estimate) - below;
    let share = (below as f64 + 0.5 * ties as f64) / draws as f64;
    let (z0, acceleration) = (normal_quantile(share), jackknife_acceleration(x));
    if !z0.is_finite() {
        let edge = if below == 0 { means[0] } else { means[draws - 1] };
        let interval = Interval::new(edge.min(estimate), edge.max(estimate));
        return Some(Bca {
            interval,
            z0,
            acceleration,
        });
    }
    let limit = |tail: f64| {
        let shifted = z0 + normal_quantile(tail);
        type7(&means, normal_cdf(z0 + shifted / (1.0 - acceleration * shifted)))
    };
    let interval = Interval::new(limit(alpha / 2.0), limit(1.0 - alpha / 2.0));
    Some(Bca {
        interval,
        z0,
        acceleration,
    })
}

/// Σ(m − m_i)³ / 6(Σ(m − m_i)²)^{3/2} over the means m_i that leave one value out; 0 without spread.
fn jackknife_acceleration(x: &[f64]) -> f64 {
    let (sum, rest) = (x.iter().sum::<f64>(), x.len() as f64 - 1.0);
    if rest < 1.0 {
        return 0.0;
    }
    let without: Vec<f64> = x.iter().map(|v| (sum - v) / rest).collect();
    let centre = mean(&without);
    let (mut squares, mut cubes) = (0.0, 0.0);
    for m in without {
        squares += (centre - m).powi(2);
        cubes += (centre - m).powi(3);
    }
    if squares > 0.0 {
        cubes / (6.0 * squares.powf(1.5))
    } else {
        0.0
    }
}

/// Values with their traces' indexes, largest first.
struct Ranked(Vec<(f64, u32)>);

impl Ranked {
    fn new(x: &[f64]) -> Self {
        let mut values: Vec<(f64, u32)> = x.iter().copied().zip(0..).collect();
        values.sort_by(|one, other| other.0.total_cmp(&one.0));
        Self(values)
    }

    /// Type-7 quantile of the multiset in which trace i occurs `times[i]` times.
    fn quantile(&self, times: &[u32], q: f64) -> f64 {
        let last = self.0.len() - 1;
        let position = last as f64 * q;
        let lower = position.floor() as usize;
        let fraction = position - lower as f64;
        let (mut passed, mut above) = (0, None);
        for (value, trace) in &self.0 {
            passed += times[*trace as usize] as usize;
            if above.is_none() && passed > last - (lower + 1).min(last) {
                above = Some(*value);
            }
            if passed > last - lower {
                return value + (above.unwrap_or(*value) - value) * fraction;
            }
        }
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{close, close_limits, load, number, numbers};
    use proptest::prelude::*;

    #[test]
    fn known_answers_of_the_bootstrap() {
        let Some(file) = load("stats/bootstrap.json") else {
            return;
        };
        let x = numbers(&file["x"]);
        let (draws, seed) = (
            file["B"].as_u64().expect("B") as usize,
            file["seed"].as_u64().expect("seed"),
        );
        close(mean(&x), number(&file["mean"]), 1e-9);
        let means = resampled_means(&x, draws, seed);
        close_limits(percentile(&means, 0.05).into(), &file["percentile95"], 1e-9);
        let bca = bca(&x, draws, seed, 0.05).expect("values");
        close(bca.z0, number(&file["z0"]), 1e-9);
        close(bca.acceleration, number(&file["a"]), 1e-9);
        close_limits(bca.interval.into(), &file["bca95"], 1e-9);
        close_limits(bca.interval.into(), &file["scipy_bca_20000"], 0.006);
    }

    #[test]
    fn values_without_spread_give_a_point() {
        let bca = bca(&[0.25; 8], 200, 1, 0.05).expect("values");
        assert_eq!(bca.interval, Interval::new(0.25, 0.25));
        assert_eq!(super::bca(&[], 200, 1, 0.05), None);
    }

    proptest! {
        #[test]
        fn counting_finds_the_quantile_that_sorting_finds(
            pairs in prop::collection::vec((0u32..40, 1u32..40), 2..60), seed: u64,
        ) {
            let top: Vec<f64> = pairs.iter().map(|p| f64::from(p.0)).collect();
            let bottom: Vec<f64> = pairs.iter().map(|p| f64::from(p.1)).collect();
            let fast = resampled_quantile_ratios(&top, &bottom, 0.95, 1, seed)[0];
            let mut stream = SplitMix64::new(seed);
            let taken: Vec<usize> = (0..top.len()).map(|_| stream.below(top.len())).collect();
            let slow = |x: &[f64]| {
                let mut drawn: Vec<f64> = taken.iter().map(|i| x[*i]).collect();
                drawn.sort_by(f64::total_cmp);
                type7(&drawn, 0.95)
            };
            prop_assert!((fast - slow(&top) / slow(&bottom)).abs() < 1e-12);
        }
    }
}
