//! Differences on a scale: paired t, non-inferiority and equivalence, and the rank tests beside them.

use super::distributions::{binomial_cdf, normal_sf, t_quantile, t_sf};
use super::paired_binary::Test;
use super::{Interval, mean, variance};

/// A mean with its standard error, degrees of freedom and t interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanEstimate {
    /// The mean, in the units of the data.
    pub mean: f64,
    /// Its standard error.
    pub se: f64,
    /// Degrees of freedom of the t distribution it is judged by.
    pub df: f64,
    /// mean ± t·se.
    pub interval: Interval,
}

impl MeanEstimate {
    /// The t interval of level 1 − `alpha` around a mean.
    pub fn new(mean: f64, se: f64, df: f64, alpha: f64) -> Self {
        let half_width = if se > 0.0 {
            t_quantile(1.0 - alpha / 2.0, df) * se
        } else {
            0.0
        };
        Self {
            mean,
            se,
            df,
            interval: Interval::around(mean, half_width),
        }
    }

    /// t and one-sided p against a true mean of `null`, alternative greater. Without spread the statistic is
    /// 0 at the null itself, else ±∞.
    pub fn greater_than(&self, null: f64) -> Test {
        let distance = self.mean - null;
        if self.se > 0.0 {
            let statistic = distance / self.se;
            return Test {
                statistic,
                p: t_sf(statistic, self.df),
            };
        }
        match distance.total_cmp(&0.0) {
            std::cmp::Ordering::Less => Test {
                statistic: f64::NEG_INFINITY,
                p: 1.0,
            },
            std::cmp::Ordering::Equal => Test {
                statistic: 0.0,
                p: 0.5,
            },
            std::cmp::Ordering::Greater => Test {
                statistic: f64::INFINITY,
                p: 0.0,
            },
        }
    }

    /// Two-sided t test of a true mean of 0.
    pub fn differs_from_zero(&self) -> Test {
        let upper = self.greater_than(0.0);
        Test {
            statistic: upper.statistic,
            p: (2.0 * upper.p.min(1.0 - upper.p)).min(1.0),
        }
    }
}

/// Mean of D with s/√n and n − 1 degrees of freedom. `None` below two values.
pub fn paired_t(d: &[f64], alpha: f64) -> Option<MeanEstimate> {
    if d.len() < 2 {
        return None;
    }
    let n = d.len() as f64;
    Some(MeanEstimate::new(
        mean(d),
        (variance(d, 1) / n).sqrt(),
        n - 1.0,
        alpha,
    ))
}

/// Two one-sided t tests of |mean| < `margin` (Schuirmann 1987): the larger p.
pub fn tost(estimate: &MeanEstimate, margin: f64) -> f64 {
    let above = estimate.greater_than(-margin).p;
    let below = 1.0 - estimate.greater_than(margin).p;
    above.max(below)
}

/// Positives, negatives and the exact two-sided p of the sign test; zeros say nothing.
pub fn sign_test(d: &[f64]) -> (u64, u64, f64) {
    let positive = d.iter().filter(|x| **x > 0.0).count() as u64;
    let negative = d.iter().filter(|x| **x < 0.0).count() as u64;
    let p = 2.0 * binomial_cdf(positive.min(negative), positive + negative, 0.5);
    (positive, negative, p.min(1.0))
}

/// What the signed-rank test does with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeros {
    /// Left out before ranking (Wilcoxon 1945).
    Dropped,
    /// Ranked, then left out of both sums (Pratt 1959).
    Ranked,
}

/// Wilcoxon's signed-rank test: the smaller rank sum and its two-sided p by the normal approximation, corrected
/// for ties, without continuity correction. p is 1 where nothing differs.
pub fn wilcoxon(d: &[f64], zeros: Zeros) -> Test {
    let mut values: Vec<f64> = d
        .iter()
        .copied()
        .filter(|x| zeros == Zeros::Ranked || *x != 0.0)
        .collect();
    values.sort_by(|x, y| x.abs().total_cmp(&y.abs()));
    let (mut positive, mut negative, mut ties) = (0.0, 0.0, 0.0);
    let mut start = 0;
    while start < values.len() {
        let size = values[start..]
            .iter()
            .take_while(|x| x.abs() == values[start].abs())
            .count();
        let rank = start as f64 + (size as f64 + 1.0) / 2.0;
        let group = &values[start..start + size];
        positive += rank * group.iter().filter(|x| **x > 0.0).count() as f64;
        negative += rank * group.iter().filter(|x| **x < 0.0).count() as f64;
        if values[start] != 0.0 {
            ties += (size * size * size - size) as f64;
        }
        start += size;
    }
    let sums = |n: f64| (n * (n + 1.0) / 4.0, n * (n + 1.0) * (2.0 * n + 1.0));
    let (all, none) = (
        sums(values.len() as f64),
        sums(values.iter().filter(|x| **x == 0.0).count() as f64),
    );
    let spread = ((all.1 - none.1 - 0.5 * ties) / 24.0).sqrt();
    let statistic = f64::min(positive, negative);
    if spread == 0.0 {
        return Test { statistic, p: 1.0 };
    }
    let z = (statistic - (all.0 - none.0)) / spread;
    Test {
        statistic,
        p: (2.0 * normal_sf(z.abs())).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{close, close_limits, load, number, numbers};

    #[test]
    fn known_answers_of_paired_differences() {
        let Some(file) = load("stats/paired_continuous.json") else {
            return;
        };
        for case in file["cases"].as_array().expect("cases") {
            let (d, margin) = (numbers(&case["d"]), number(&case["margin"]));
            let estimate = paired_t(&d, 0.05).expect("enough values");
            close(estimate.mean, number(&case["mean"]), 1e-9);
            close(estimate.se, number(&case["se"]), 1e-9);
            close_limits(estimate.interval.into(), &case["ci95"], 1e-9);
            let zero = estimate.differs_from_zero();
            close_limits(
                [zero.statistic, zero.p],
                &serde_json::json!([case["t0"], case["p0"]]),
                1e-9,
            );
            let above = estimate.greater_than(-margin);
            close_limits(
                [above.statistic, above.p],
                &serde_json::json!([case["ni_t"], case["ni_p"]]),
                1e-9,
            );
            close(tost(&estimate, margin), number(&case["tost_p"]), 1e-9);
            let (positive, negative, p) = sign_test(&d);
            assert_eq!(
                serde_json::json!([positive, negative]).as_array(),
                case["sign"].as_array().map(|s| s[..2].to_vec()).as_ref()
            );
            close(p, number(&case["sign"][2]), 1e-9);
            for (rule, expected) in [
                (Zeros::Dropped, "wilcoxon_wilcox"),
                (Zeros::Ranked, "wilcoxon_pratt"),
            ] {
                let test = wilcoxon(&d, rule);
                close_limits([test.statistic, test.p], &case[expected], 1e-9);
            }
        }
    }

    #[test]
    fn equal_differences_leave_no_doubt() {
        let estimate = paired_t(&[0.125; 12], 0.05).expect("enough values");
        assert_eq!(estimate.greater_than(0.0).p, 0.0);
        assert_eq!(estimate.greater_than(0.2).p, 1.0);
        assert_eq!(paired_t(&[0.1], 0.05), None);
        assert_eq!(wilcoxon(&[0.0, 0.0], Zeros::Dropped).p, 1.0);
    }
}
