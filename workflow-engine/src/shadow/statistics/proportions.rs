//! A single rate: Wilson's score interval, Clopper–Pearson's exact one, and what "none seen" rules out.

use super::Interval;
use super::distributions::{beta_quantile, normal_quantile};

/// Wilson (1927): (p̂ + z²/2n ± z√(p̂q̂/n + z²/4n²)) / (1 + z²/n), with the lower limit 0 at k = 0 and
/// the upper 1 at k = n. No trials give [0, 1].
pub fn wilson(k: u64, n: u64, alpha: f64) -> Interval {
    if n == 0 {
        return Interval::new(0.0, 1.0);
    }
    let z = normal_quantile(1.0 - alpha / 2.0);
    let (count, p) = (n as f64, k as f64 / n as f64);
    let spread = z * (p * (1.0 - p) / count + z * z / (4.0 * count * count)).sqrt();
    let shrink = 1.0 + z * z / count;
    let centre = p + z * z / (2.0 * count);
    Interval {
        lower: if k == 0 { 0.0 } else { (centre - spread) / shrink },
        upper: if k == n { 1.0 } else { (centre + spread) / shrink },
    }
}

/// Clopper–Pearson (1934): quantiles of Beta(k, n − k + 1) and Beta(k + 1, n − k). No trials give [0, 1].
pub fn clopper_pearson(k: u64, n: u64, alpha: f64) -> Interval {
    let (hits, misses) = (k as f64, (n - k) as f64);
    Interval {
        lower: if k == 0 {
            0.0
        } else {
            beta_quantile(alpha / 2.0, hits, misses + 1.0)
        },
        upper: if k == n {
            1.0
        } else {
            beta_quantile(1.0 - alpha / 2.0, hits + 1.0, misses)
        },
    }
}

/// One-sided upper limit of a rate of which none was seen in `n`: 1 − α^(1/n). No trials give 1.
pub fn zero_events_upper(n: u64, alpha: f64) -> f64 {
    if n == 0 {
        return 1.0;
    }
    -(alpha.ln() / n as f64).exp_m1()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{close, close_limits, load, number};

    #[test]
    fn the_example_of_newcombe_1998() {
        let interval = wilson(81, 263, 0.05);
        close(interval.lower, 0.2553, 1e-4);
        close(interval.upper, 0.3662, 1e-4);
    }

    #[test]
    fn none_in_three_hundred_rules_out_one_percent() {
        close(zero_events_upper(300, 0.05), 0.009935, 1e-5);
    }

    #[test]
    fn known_answers_of_proportions() {
        let Some(file) = load("stats/proportions.json") else {
            return;
        };
        for case in file["cases"].as_array().expect("cases") {
            let (k, n) = (case["k"].as_u64().expect("k"), case["n"].as_u64().expect("n"));
            let alpha = number(&case["alpha"]);
            close_limits(wilson(k, n, alpha).into(), &case["wilson"], 1e-9);
            close_limits(
                clopper_pearson(k, n, alpha).into(),
                &case["clopper_pearson"],
                1e-9,
            );
        }
        for case in file["zero_events_upper"].as_array().expect("cases") {
            let upper = zero_events_upper(case["n"].as_u64().expect("n"), number(&case["alpha"]));
            close(upper, number(&case["upper"]), 1e-9);
        }
    }
}
