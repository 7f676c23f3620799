//! How many traces a question needs.

use statrs::function::gamma::ln_gamma;

use super::{
    distributions::{binomial_cdf, binomial_pmf, normal_cdf, normal_quantile, t_quantile},
    paired_binary::{Counts, tango_statistic},
};

/// What a test is asked to tell, and how surely.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Power {
    /// Chance of a false claim; one-sided or total as the function says.
    pub alpha: f64,
    /// Chance of a right claim.
    pub power: f64,
}

/// Traces for paired non-inferiority when `only_incumbent` and `only_candidate` are the shares of discordant
/// pairs: n = (z₁₋α + z_power)²·(p_b + p_c − (p_c − p_b)²)/(p_c − p_b + Δ)², rounded up; one-sided alpha.
/// `None` where the true difference is not above −Δ: no number of traces shows it.
pub fn paired_non_inferiority(
    only_incumbent: f64,
    only_candidate: f64,
    margin: f64,
    aim: Power,
) -> Option<u64> {
    let difference = only_candidate - only_incumbent;
    let distance = difference + margin;
    if distance.is_nan() || distance <= 0.0 {
        return None;
    }
    let z = normal_quantile(1.0 - aim.alpha) + normal_quantile(aim.power);
    let variance = only_incumbent + only_candidate - difference * difference;
    Some((z * z * variance / (distance * distance)).ceil() as u64)
}

/// Traces with which Tango's test really has the power asked for; the formula is a normal approximation and falls a few
/// traces short. By bisection: the power rises with the traces but for a fine sawtooth, so a few fewer may do as well.
/// `None` where the formula gives none.
pub fn paired_non_inferiority_by_score(
    only_incumbent: f64,
    only_candidate: f64,
    margin: f64,
    aim: Power,
) -> Option<u64> {
    let mut low = paired_non_inferiority(only_incumbent, only_candidate, margin, aim)?;
    let enough = |n: u64| score_power(n, (only_incumbent, only_candidate), margin, aim.alpha) >= aim.power;
    let mut high = low.saturating_mul(2) + 100;
    if enough(low) || !enough(high) {
        return Some(low);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if enough(middle) {
            high = middle
        } else {
            low = middle
        }
    }
    Some(high)
}

/// The exact power of Tango's test: P(T(−Δ) > z₁₋α) over the trinomial of both kinds of discordant pairs. The number m
/// of discordant pairs is binomial, those won by the candidate among them are again; T rises with them, so that for
/// each m one critical count says it all.
fn score_power(n: u64, (only_incumbent, only_candidate): (f64, f64), margin: f64, alpha: f64) -> f64 {
    let critical = normal_quantile(1.0 - alpha);
    let discordant = only_incumbent + only_candidate;
    let won = only_candidate / discordant;
    let passes = |m: u64, c: u64| {
        let counts = Counts {
            a: n - m,
            b: m - c,
            c,
            d: 0,
        };
        tango_statistic(&counts, -margin) > critical
    };
    let mass = |m: u64| {
        let (mut low, mut high) = (0, m + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if passes(m, middle) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        let lost = if low == 0 {
            0.0
        } else {
            binomial_cdf(low - 1, m, won)
        };
        binomial_pmf(m, n, discordant) * (1.0 - lost)
    };
    // Ten standard deviations hold all but 1e-20 of the mass.
    let mean = n as f64 * discordant;
    let reach = 10.0 * (mean * (1.0 - discordant)).sqrt() + 10.0;
    let most = ((mean + reach) as u64).min(n);
    ((mean - reach).max(0.0) as u64..=most).map(mass).sum()
}

/// Miller (2024), one resample an arm folded into `variance` = ω² + σ²_A/K_A + σ²_B/K_B:
/// n = (z_{α/2} + z_power)²·variance/δ², not rounded; two-sided alpha.
pub fn score_difference(delta: f64, variance: f64, aim: Power) -> f64 {
    let z = normal_quantile(1.0 - aim.alpha / 2.0) + normal_quantile(aim.power);
    z * z * variance / (delta * delta)
}

/// Traces for a two-sided one-sample t test of a mean that is `effect` standard deviations from 0, by bisection
/// on the exact power; not rounded.
pub fn paired_t(effect: f64, aim: Power) -> f64 {
    let (mut low, mut high) = (2.0, 4.0 + 2.0 * score_difference(effect, 1.0, aim));
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if t_power(effect, middle, aim.alpha) < aim.power {
            low = middle
        } else {
            high = middle
        }
    }
    0.5 * (low + high)
}

/// P(T' > t₁₋α/₂) of the noncentral t with n − 1 degrees and noncentrality effect·√n, as the mean over
/// s = χ/√df of a normal tail (trapezoid rule, which is exact to rounding on such smooth bells). A rejection on
/// the wrong side (below 1e-7 at usual power) is not counted as a right claim.
fn t_power(effect: f64, n: f64, alpha: f64) -> f64 {
    const STEPS: u32 = 400;
    let (df, shift) = (n - 1.0, effect * n.sqrt());
    let critical = t_quantile(1.0 - alpha / 2.0, df);
    let ln_scale = std::f64::consts::LN_2 + df / 2.0 * (df / 2.0).ln() - ln_gamma(df / 2.0);
    let reach = 10.0 / (2.0 * df).sqrt();
    let (start, end) = ((1.0 - reach).max(1e-12), 1.0 + reach);
    let step = (end - start) / f64::from(STEPS);
    let at = |s: f64| {
        let density = (ln_scale + (df - 1.0) * s.ln() - df * s * s / 2.0).exp();
        density * normal_cdf(shift - critical * s)
    };
    (0..=STEPS).map(|i| at(start + f64::from(i) * step)).sum::<f64>() * step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{close, load, number};

    #[test]
    fn the_default_question_needs_421_traces() {
        let aim = Power {
            alpha: 0.025,
            power: 0.9,
        };
        assert_eq!(paired_non_inferiority(0.05, 0.05, 0.05, aim), Some(421));
        assert_eq!(paired_non_inferiority(0.02, 0.02, 0.05, aim), Some(169));
        assert_eq!(paired_non_inferiority(0.10, 0.02, 0.05, aim), None);
    }

    #[test]
    fn the_score_test_needs_a_few_traces_more_than_the_formula_says() {
        let aim = Power {
            alpha: 0.025,
            power: 0.9,
        };
        let needed = |share, margin| paired_non_inferiority_by_score(share, share, margin, aim).unwrap();
        assert_eq!(
            [needed(0.05, 0.05), needed(0.05, 0.03), needed(0.02, 0.05)],
            [449, 1198, 223]
        );
        for (n, share, margin) in [(needed(0.05, 0.05), 0.05, 0.05), (needed(0.02, 0.05), 0.02, 0.05)] {
            assert!(score_power(n, (share, share), margin, 0.025) >= 0.9);
        }
        assert!(score_power(421, (0.05, 0.05), 0.05, 0.025) < 0.88);
    }

    #[test]
    fn known_answers_of_sample_sizes() {
        let Some(file) = load("stats/sample_size.json") else {
            return;
        };
        let aim = |case: &serde_json::Value| Power {
            alpha: number(&case["alpha"]),
            power: number(&case["power"]),
        };
        for case in file["paired_binary_ni"].as_array().expect("cases") {
            let [pb, pc, margin] = ["pb", "pc", "margin"].map(|key| number(&case[key]));
            assert_eq!(
                paired_non_inferiority(pb, pc, margin, aim(case)),
                case["n"].as_u64(),
                "{case}"
            );
        }
        for case in file["miller"].as_array().expect("cases") {
            let n = score_difference(number(&case["delta"]), number(&case["omega2"]), aim(case));
            close(n, number(&case["n"]), 1e-9);
        }
        for case in file["ttest"].as_array().expect("cases") {
            let n = paired_t(
                number(&case["effect"]),
                Power {
                    alpha: 0.05,
                    power: 0.9,
                },
            );
            close(n, number(&case["n"]), 1e-9);
        }
    }
}
