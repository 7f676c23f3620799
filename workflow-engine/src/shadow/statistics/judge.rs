//! Whether a model may act as judge: agreement, position and length bias, and the correction of its verdicts.

use super::Interval;
use super::distributions::normal_quantile;
use super::proportions::wilson;

/// A share with its Wilson interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The share, NaN of nothing.
    pub share: f64,
    /// Its limits.
    pub interval: Interval,
}

/// `k` of `n` with Wilson limits: accuracy, first-position share, longer-wins share, flips on swap.
pub fn share(k: u64, n: u64, alpha: f64) -> Share {
    Share {
        share: k as f64 / n as f64,
        interval: wilson(k, n, alpha),
    }
}

/// Cohen's κ = (p_o − p_e)/(1 − p_e) of two raters on the same items; 1 where both always say the same one thing.
pub fn kappa<T: Ord>(one: &[T], other: &[T]) -> f64 {
    let n = one.len() as f64;
    let same = one.iter().zip(other).filter(|(x, y)| x == y).count() as f64 / n;
    let mut labels: Vec<&T> = one.iter().collect();
    labels.sort();
    labels.dedup();
    let count = |raters: &[T], label: &T| raters.iter().filter(|x| *x == label).count() as f64 / n;
    let chance: f64 = labels
        .into_iter()
        .map(|label| count(one, label) * count(other, label))
        .sum();
    if chance >= 1.0 {
        1.0
    } else {
        (same - chance) / (1.0 - chance)
    }
}

/// What a calibration of the judge counted; every comparison was asked in both orders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Items with a label.
    pub items: u64,
    /// Items whose verdict changed when the order was swapped.
    pub flipped: u64,
    /// Decisive verdicts for the answer shown first, over both orders.
    pub first_wins: u64,
    /// Decisive verdicts for the answer shown second, over both orders.
    pub second_wins: u64,
    /// κ of the judge's verdicts and the labels.
    pub kappa: f64,
}

/// Why a judge is not good enough, in words; empty where it may judge.
///
/// Refused: fewer than 60 labels, more than 35 % flips, κ below 0.4, or a first-position share whose 95 %
/// interval leaves [0.40, 0.60].
pub fn refusals(seen: &Calibration) -> Vec<String> {
    let mut reasons = Vec::new();
    if seen.items < 60 {
        reasons.push(format!(
            "it was calibrated on {} labels; at least 60 are needed",
            seen.items
        ));
    }
    let flips = share(seen.flipped, seen.items, 0.05).share;
    if flips > 0.35 {
        reasons.push(format!(
            "{:.0} % of its verdicts flip when the order is swapped; at most 35 % may",
            flips * 100.0
        ));
    }
    if seen.kappa < 0.4 {
        reasons.push(format!(
            "it agrees with the labels hardly more than chance (kappa {:.2}, least 0.40)",
            seen.kappa
        ));
    }
    let first = share(seen.first_wins, seen.first_wins + seen.second_wins, 0.05);
    if first.interval.lower < 0.40 || first.interval.upper > 0.60 {
        reasons.push(format!(
            "the answer shown first wins {:.1} % of the time (between {:.1} and {:.1}); it should stay within 40 to 60",
            first.share * 100.0,
            first.interval.lower * 100.0,
            first.interval.upper * 100.0
        ));
    }
    reasons
}

/// Rogan & Gladen (1978): the true rate behind a rate `q` seen by a judge of the given sensitivity and
/// specificity, (q + sp − 1)/(se + sp − 1) in [0, 1]. `None` where the judge is no better than chance.
pub fn rogan_gladen(q: f64, sensitivity: f64, specificity: f64) -> Option<f64> {
    let youden = sensitivity + specificity - 1.0;
    (youden > 0.0).then(|| ((q + specificity - 1.0) / youden).clamp(0.0, 1.0))
}

/// How the three rates of [`rogan_gladen`] were measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgeRates {
    /// Rate of "right" among judged traces, and how many were judged.
    pub seen: (f64, u64),
    /// Sensitivity, and how many truly right labels it was measured on.
    pub sensitivity: (f64, u64),
    /// Specificity, and how many truly wrong labels it was measured on.
    pub specificity: (f64, u64),
}

/// The corrected rate with an interval that knows the calibration was a sample too (arXiv 2511.21140): variance
/// (q(1 − q)/n + θ²se(1 − se)/m₁ + (1 − θ)²sp(1 − sp)/m₀)/(se + sp − 1)², limits kept in [0, 1].
pub fn corrected_rate(rates: &JudgeRates, alpha: f64) -> Option<(f64, Interval)> {
    let ((q, n), (se, m1), (sp, m0)) = (rates.seen, rates.sensitivity, rates.specificity);
    let theta = rogan_gladen(q, se, sp)?;
    let of = |p: f64, m: u64| p * (1.0 - p) / m as f64;
    let sum = of(q, n) + theta * theta * of(se, m1) + (1.0 - theta) * (1.0 - theta) * of(sp, m0);
    let reach = normal_quantile(1.0 - alpha / 2.0) * sum.sqrt() / (se + sp - 1.0);
    Some((
        theta,
        Interval::new((theta - reach).max(0.0), (theta + reach).min(1.0)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{close, close_limits, load, number, numbers};

    fn calibration(case: &serde_json::Value) -> Calibration {
        let count = |key: &str| case[key].as_u64().expect(key);
        Calibration {
            items: count("n"),
            flipped: count("inconsistent"),
            first_wins: count("first_position_wins"),
            second_wins: count("second_position_wins"),
            kappa: number(&case["kappa_game1_game2"]),
        }
    }

    #[test]
    fn known_answers_of_judges() {
        let Some(file) = load("stats/judge.json") else {
            return;
        };
        for case in file["judgebench"].as_array().expect("cases") {
            let seen = calibration(case);
            let right = case["correct_after_swap"].as_u64().expect("a count");
            close(
                share(right, seen.items, 0.05).share,
                number(&case["accuracy"]),
                1e-9,
            );
            let first = share(seen.first_wins, seen.first_wins + seen.second_wins, 0.05);
            close(first.share, number(&case["first_position_share"]), 1e-9);
            close_limits(first.interval.into(), &case["first_share_ci"], 1e-9);
        }
        for case in file["rogan_gladen"].as_array().expect("cases") {
            let [q, se, sp] = ["q", "se", "sp"].map(|key| number(&case[key]));
            close(
                rogan_gladen(q, se, sp).expect("a useful judge"),
                number(&case["theta"]),
                1e-9,
            );
        }
        for case in file["kappa"].as_array().expect("cases") {
            let bits = |key: &str| {
                numbers(&case[key])
                    .into_iter()
                    .map(|x| x as i64)
                    .collect::<Vec<_>>()
            };
            close(kappa(&bits("a"), &bits("b")), number(&case["kappa"]), 1e-9);
        }
    }

    #[test]
    fn a_weak_judge_is_refused_in_words() {
        let haiku = Calibration {
            items: 270,
            flipped: 135,
            first_wins: 212,
            second_wins: 123,
            kappa: 0.28,
        };
        insta::assert_snapshot!(refusals(&haiku).join("\n"), @r"
        50 % of its verdicts flip when the order is swapped; at most 35 % may
        it agrees with the labels hardly more than chance (kappa 0.28, least 0.40)
        the answer shown first wins 63.3 % of the time (between 58.0 and 68.3); it should stay within 40 to 60
        ");
        let good = Calibration {
            items: 350,
            flipped: 35,
            first_wins: 330,
            second_wins: 326,
            kappa: 0.8,
        };
        assert!(refusals(&good).is_empty());
    }

    #[test]
    fn a_correction_is_less_sure_than_the_rate_it_corrects() {
        let rates = JudgeRates {
            seen: (0.7, 1_000),
            sensitivity: (0.9, 60),
            specificity: (0.8, 40),
        };
        let (theta, interval) = corrected_rate(&rates, 0.05).expect("a useful judge");
        close(theta, 0.7142857142857141, 1e-12);
        let raw = wilson(700, 1_000, 0.05);
        assert!(interval.upper - interval.lower > 2.0 * (raw.upper - raw.lower));
        assert_eq!(rogan_gladen(0.7, 0.5, 0.5), None);
    }
}
