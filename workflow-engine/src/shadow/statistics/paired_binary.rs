//! Two arms, right or wrong on the same traces: Tango's score interval, McNemar's tests, Newcombe as cross-check.

use serde::{Deserialize, Serialize};

use super::Interval;
use super::distributions::{binomial_cdf, binomial_pmf, chi_square_sf, normal_quantile, normal_sf};
use super::proportions::wilson;

/// How many traces fell in each cell of the paired two-by-two table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Both arms right.
    pub a: u64,
    /// Only the incumbent right.
    pub b: u64,
    /// Only the candidate right.
    pub c: u64,
    /// Neither right.
    pub d: u64,
}

/// A test statistic and its p-value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test {
    /// The statistic; its scale is the method's.
    pub statistic: f64,
    /// The p-value.
    pub p: f64,
}

impl Counts {
    /// Counts pairs of (incumbent right, candidate right).
    pub fn of(pairs: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut counts = Self::default();
        for pair in pairs {
            match pair {
                (true, true) => counts.a += 1,
                (true, false) => counts.b += 1,
                (false, true) => counts.c += 1,
                (false, false) => counts.d += 1,
            }
        }
        counts
    }

    /// Number of traces.
    pub fn n(&self) -> u64 {
        self.a + self.b + self.c + self.d
    }

    /// Candidate's rate minus the incumbent's: (c − b)/n. NaN without traces.
    pub fn difference(&self) -> f64 {
        (self.c as f64 - self.b as f64) / self.n() as f64
    }
}

/// Tango (1998): the score statistic for a true difference of `delta`,
/// T(δ) = (c − b − nδ)/√(n(2q̃ + δ(1 − δ))) with q̃ = (√(B² − 8nC) − B)/4n in [0, 1],
/// B = −c − b + (2n − c + b)δ, C = −bδ(1 − δ). Where the variance is 0: 0 at a zero numerator, else ±∞.
pub fn tango_statistic(counts: &Counts, delta: f64) -> f64 {
    let (n, b, c) = (counts.n() as f64, counts.b as f64, counts.c as f64);
    let linear = -c - b + (2.0 * n - c + b) * delta;
    let constant = -b * delta * (1.0 - delta);
    let root = (linear * linear - 8.0 * n * constant).max(0.0).sqrt();
    let q = ((root - linear) / (4.0 * n)).clamp(0.0, 1.0);
    let variance = n * (2.0 * q + delta * (1.0 - delta));
    let numerator = c - b - n * delta;
    if variance > 0.0 {
        return numerator / variance.sqrt();
    }
    if numerator == 0.0 {
        0.0
    } else {
        numerator.signum() * f64::INFINITY
    }
}

/// Tango's interval of the difference: the δ at which the statistic is ±z, by bisection to machine precision.
pub fn tango_interval(counts: &Counts, alpha: f64) -> Interval {
    let z = normal_quantile(1.0 - alpha / 2.0);
    let centre = counts.difference();
    Interval {
        lower: crossing(counts, z, -1.0, centre),
        upper: crossing(counts, -z, centre, 1.0),
    }
}

/// Non-inferiority of the candidate by `margin`: T(−Δ) and its one-sided p.
pub fn tango_non_inferior(counts: &Counts, margin: f64) -> Test {
    let statistic = tango_statistic(counts, -margin);
    Test {
        statistic,
        p: normal_sf(statistic),
    }
}

/// McNemar's exact two-sided p: twice the smaller binomial tail of b against c, at most 1.
pub fn mcnemar_exact(counts: &Counts) -> f64 {
    let (less, discordant) = (counts.b.min(counts.c), counts.b + counts.c);
    (2.0 * binomial_cdf(less, discordant, 0.5)).min(1.0)
}

/// McNemar's mid-P (Fagerland, Lydersen & Laake 2013): the exact p less the probability of what was seen,
/// of which only half where b = c.
pub fn mcnemar_midp(counts: &Counts) -> f64 {
    let (less, discordant) = (counts.b.min(counts.c), counts.b + counts.c);
    if discordant == 0 {
        return 1.0;
    }
    let seen = binomial_pmf(less, discordant, 0.5);
    if counts.b == counts.c {
        1.0 - 0.5 * seen
    } else {
        mcnemar_exact(counts) - seen
    }
}

/// McNemar's chi-square (b − c)²/(b + c) on one degree of freedom, without continuity correction.
pub fn mcnemar_chi_square(counts: &Counts) -> Test {
    let (b, c) = (counts.b as f64, counts.c as f64);
    if b + c == 0.0 {
        return Test {
            statistic: 0.0,
            p: 1.0,
        };
    }
    let statistic = (b - c) * (b - c) / (b + c);
    Test {
        statistic,
        p: chi_square_sf(statistic, 1.0),
    }
}

/// Newcombe (1998) method 10: square-and-add of Wilson limits with the continuity-corrected φ. A cross-check only.
pub fn newcombe_interval(counts: &Counts, alpha: f64) -> Interval {
    let n = counts.n();
    let (incumbent, candidate) = (counts.a + counts.b, counts.a + counts.c);
    let (one, two) = (wilson(incumbent, n, alpha), wilson(candidate, n, alpha));
    let (p1, p2) = (incumbent as f64 / n as f64, candidate as f64 / n as f64);
    let phi = corrected_phi(counts);
    let joined = |x: f64, y: f64| (x * x - 2.0 * phi * x * y + y * y).max(0.0).sqrt();
    Interval {
        lower: counts.difference() - joined(p2 - two.lower, one.upper - p1),
        upper: counts.difference() + joined(two.upper - p2, p1 - one.lower),
    }
}

fn corrected_phi(counts: &Counts) -> f64 {
    let [a, b, c, d] = [counts.a, counts.b, counts.c, counts.d].map(|x| x as f64);
    let margins = (a + b) * (c + d) * (a + c) * (b + d);
    if margins == 0.0 {
        return 0.0;
    }
    let product = a * d - b * c;
    let corrected = if product > 0.0 {
        (product - counts.n() as f64 / 2.0).max(0.0)
    } else {
        product
    };
    corrected / margins.sqrt()
}

/// Where the falling statistic passes `level` between `low` and `high`; the end itself where it does not.
fn crossing(counts: &Counts, level: f64, mut low: f64, mut high: f64) -> f64 {
    if tango_statistic(counts, low) < level {
        return low;
    }
    if tango_statistic(counts, high) > level {
        return high;
    }
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if tango_statistic(counts, middle) > level {
            low = middle
        } else {
            high = middle
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{close, close_limits, load, number};
    use proptest::prelude::*;

    /// Fagerland, Lydersen & Laake 2014, airway hyper-responsiveness before and after transplantation.
    const PUBLISHED: Counts = Counts {
        a: 1,
        b: 1,
        c: 7,
        d: 12,
    };

    #[test]
    fn the_published_example_of_fagerland_2014() {
        let tango = tango_interval(&PUBLISHED, 0.05);
        close(tango.lower, 0.026, 5e-4);
        close(tango.upper, 0.517, 5e-4);
        let newcombe = newcombe_interval(&PUBLISHED, 0.05);
        close(newcombe.lower, 0.026, 5e-4);
        close(newcombe.upper, 0.507, 5e-4);
        close(mcnemar_exact(&PUBLISHED), 0.070, 5e-4);
        close(mcnemar_midp(&PUBLISHED), 0.039, 5e-4);
        close(mcnemar_chi_square(&PUBLISHED).p, 0.034, 5e-4);
    }

    #[test]
    fn known_answers_of_paired_proportions() {
        let Some(file) = load("stats/paired_binary.json") else {
            return;
        };
        for case in file["cases"].as_array().expect("cases") {
            let counts: Counts = serde_json::from_value(case.clone()).expect("counts");
            close(counts.difference(), number(&case["diff"]), 1e-9);
            close(mcnemar_exact(&counts), number(&case["mcnemar_exact"]), 1e-9);
            close(mcnemar_midp(&counts), number(&case["mcnemar_midp"]), 1e-9);
            let chi = mcnemar_chi_square(&counts);
            close_limits([chi.statistic, chi.p], &case["mcnemar_chi2"], 1e-9);
            close_limits(tango_interval(&counts, 0.05).into(), &case["tango95"], 1e-8);
            close_limits(tango_interval(&counts, 0.10).into(), &case["tango90"], 1e-8);
            close_limits(newcombe_interval(&counts, 0.05).into(), &case["newcombe95"], 1e-9);
            for (margin, expected) in case["tango_ni"].as_object().expect("margins") {
                let test = tango_non_inferior(&counts, margin.parse().expect("a margin"));
                close_limits([test.statistic, test.p], expected, 1e-8);
            }
        }
    }

    #[test]
    fn known_answers_of_real_model_comparisons() {
        let Some(file) = load("stats/bfcl_comparisons.json") else {
            return;
        };
        for case in file["cases"].as_array().expect("cases") {
            let counts: Counts = serde_json::from_value(case.clone()).expect("counts");
            close(counts.difference(), number(&case["diff"]), 1e-9);
            close_limits(tango_interval(&counts, 0.05).into(), &case["tango95"], 1e-8);
            close_limits(newcombe_interval(&counts, 0.05).into(), &case["newcombe95"], 1e-9);
            close(mcnemar_exact(&counts), number(&case["mcnemar_exact"]), 1e-9);
            close(mcnemar_midp(&counts), number(&case["mcnemar_midp"]), 1e-9);
            let test = tango_non_inferior(&counts, number(&case["margin"]));
            close_limits(
                [test.statistic, test.p],
                &serde_json::json!([case["ni_z"], case["ni_p"]]),
                1e-8,
            );
            assert_eq!(test.p <= 0.025, case["ni"].as_bool().expect("ni"));
        }
    }

    #[test]
    fn all_traces_lost_reaches_the_end_of_the_scale() {
        let counts = Counts {
            a: 0,
            b: 30,
            c: 0,
            d: 0,
        };
        assert_eq!(tango_interval(&counts, 0.05).lower, -1.0);
        assert_eq!(counts.difference(), -1.0);
    }

    proptest! {
        #[test]
        fn swapping_the_arms_mirrors_the_interval(a in 0u64..60, b in 0u64..60, c in 0u64..60, d in 0u64..60) {
            prop_assume!(a + b + c + d > 0);
            let one = tango_interval(&Counts { a, b, c, d }, 0.05);
            let other = tango_interval(&Counts { a, b: c, c: b, d }, 0.05);
            prop_assert!((one.lower + other.upper).abs() < 1e-9);
            prop_assert!((one.upper + other.lower).abs() < 1e-9);
        }

        #[test]
        fn the_limit_clears_the_margin_exactly_when_the_test_does(b in 0u64..40, c in 0u64..40, rest in 20u64..400) {
            let counts = Counts { a: rest, b, c, d: 0 };
            let lower = tango_interval(&counts, 0.05).lower;
            prop_assume!((lower + 0.05).abs() > 1e-9);
            prop_assert_eq!(lower > -0.05, tango_non_inferior(&counts, 0.05).p < 0.025);
        }
    }
}
