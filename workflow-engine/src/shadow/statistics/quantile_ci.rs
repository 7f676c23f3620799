//! Latency quantiles: the type-7 point and the order statistics that bound it without assuming a shape.

use super::distributions::binomial_cdf;

/// Ranks (from 1) of the order statistics that bound a quantile; `None` where n is too small to bound that side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranks {
    /// Rank of the lower limit.
    pub lower: Option<usize>,
    /// Rank of the upper limit.
    pub upper: Option<usize>,
    /// Probability that the limits hold the quantile, at least 1 − alpha.
    pub coverage: f64,
}

/// A quantile with its limits, written `[point, lower, upper]` in JSON.
pub type Estimate = (f64, Option<f64>, Option<f64>);

/// Equal-tailed ranks of quantile `q` at sample size `n`: with K ~ Bin(n, q), the largest l with
/// P(K ≤ l − 1) ≤ α/2 and the smallest u ≤ n with P(K ≥ u) ≤ α/2.
pub fn ranks(n: usize, q: f64, alpha: f64) -> Ranks {
    let cdf = |k: usize| binomial_cdf(k as u64, n as u64, q);
    let lower = first_rank(n, |rank| cdf(rank) > alpha / 2.0);
    let upper = first_rank(n, |rank| rank > 0 && 1.0 - cdf(rank - 1) <= alpha / 2.0);
    let (lower, upper) = ((lower > 0).then_some(lower), (upper <= n).then_some(upper));
    let coverage = upper.map_or(1.0, |u| cdf(u - 1)) - lower.map_or(0.0, |l| cdf(l - 1));
    Ranks {
        lower,
        upper,
        coverage,
    }
}

/// Point and limits of quantile `q` of `sorted` values. `None` of nothing.
pub fn estimate(sorted: &[f64], q: f64, alpha: f64) -> Option<Estimate> {
    if sorted.is_empty() {
        return None;
    }
    let ranks = ranks(sorted.len(), q, alpha);
    let value = |rank: Option<usize>| rank.map(|r| sorted[r - 1]);
    Some((type7(sorted, q), value(ranks.lower), value(ranks.upper)))
}

/// Hyndman & Fan (1996) type 7: linear between the order statistics around (n − 1)q. NaN of nothing.
pub fn type7(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let position = last as f64 * q.clamp(0.0, 1.0);
    let lower = position.floor() as usize;
    let above = sorted[(lower + 1).min(last)];
    sorted[lower] + (above - sorted[lower]) * (position - lower as f64)
}

/// The first rank in 0..=n + 1 at which a condition holds that stays true from there on.
fn first_rank(n: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, n + 1);
    while low < high {
        let middle = usize::midpoint(low, high);
        if holds(middle) {
            high = middle
        } else {
            low = middle + 1
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{close, load, number};

    #[test]
    fn the_ranks_of_the_95th_percentile_that_are_known() {
        let two_sided = |n| (ranks(n, 0.95, 0.05).lower, ranks(n, 0.95, 0.05).upper);
        assert_eq!(two_sided(200), (Some(184), Some(197)));
        assert_eq!(two_sided(500), (Some(465), Some(485)));
        assert_eq!(two_sided(71).1, None);
        assert!(two_sided(72).1.is_some());
    }

    #[test]
    fn known_answers_of_quantile_limits() {
        let Some(file) = load("stats/quantile_ci.json") else {
            return;
        };
        for case in file["cases"].as_array().expect("cases") {
            let n = case["n"].as_u64().expect("n") as usize;
            let got = ranks(n, number(&case["q"]), 0.05);
            assert_eq!(got.lower.map(|r| r as u64), case["lower_rank"].as_u64(), "{case}");
            assert_eq!(got.upper.map(|r| r as u64), case["upper_rank"].as_u64(), "{case}");
            close(got.coverage, number(&case["coverage"]), 1e-9);
        }
        for (q, least) in file["min_n"].as_object().expect("min_n") {
            let least = least.as_u64().expect("n") as usize;
            let bounded = |n| {
                let ranks = ranks(n, q.parse().expect("a share"), 0.05);
                ranks.lower.is_some() && ranks.upper.is_some()
            };
            assert!(bounded(least) && !bounded(least - 1), "q {q}");
        }
    }

    #[test]
    fn type_7_of_four_values() {
        assert_eq!(type7(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
        assert_eq!(type7(&[1.0, 2.0, 3.0, 4.0], 1.0), 4.0);
        assert!(type7(&[], 0.5).is_nan());
        assert_eq!(estimate(&[], 0.5, 0.05), None);
    }
}
