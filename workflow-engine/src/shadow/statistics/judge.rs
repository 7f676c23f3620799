//! Whether a model may act as judge: agreement, position and length bias, and the correction of its verdicts.

use std::fmt;

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

/// Labels below which no judge may judge.
pub const LEAST_LABELS: u64 = 60;
/// Largest share of verdicts that may flip with the order.
const MOST_FLIPS: f64 = 0.35;
/// Least agreement with people, as κ.
const LEAST_KAPPA: f64 = 0.4;
/// Where the 95 % interval of the first-position share must lie.
const FIRST_SHARE: Interval = Interval {
    lower: 0.40,
    upper: 0.60,
};

/// Decisive verdicts from which on a first-position share is known well enough.
const MANY: u64 = 200;

/// Why a judge may not judge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weakness {
    /// Too few labels.
    FewLabels(u64),
    /// The share of its verdicts that flip with the order.
    Flips(f64),
    /// κ with people.
    Agreement(f64),
    /// The share of decisive verdicts for the answer shown first.
    FirstPosition(Share),
    /// The same, where it is open only because so few verdicts were decisive.
    FewDecisive(Share, u64),
}

impl Weakness {
    /// Whether more labels may help; else only another judge does, or clearer instructions.
    #[must_use]
    pub fn wants_labels(&self) -> bool {
        matches!(self, Self::FewLabels(_) | Self::FewDecisive(..))
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| share * 100.0;
        let between = |seen: &Share| {
            let Interval { lower, upper } = seen.interval;
            format!("between {:.1} and {:.1}", percent(lower), percent(upper))
        };
        match self {
            Self::FewLabels(labels) => write!(
                f,
                "people have labelled {labels} pairs; at least {LEAST_LABELS} are needed"
            ),
            Self::Flips(share) => write!(
                f,
                "{:.0} % of its verdicts flip when the order is swapped; at most {:.0} % may",
                percent(*share),
                percent(MOST_FLIPS)
            ),
            Self::Agreement(kappa) => write!(
                f,
                "it agrees with people hardly more than chance would (kappa {kappa:.2}, least {LEAST_KAPPA:.2})"
            ),
            Self::FirstPosition(seen) => write!(
                f,
                "the answer shown first wins {:.1} % of the time ({}); it should stay within 40 to 60",
                percent(seen.share),
                between(seen)
            ),
            Self::FewDecisive(_, 0) => f.write_str("none of its verdicts preferred either answer"),
            Self::FewDecisive(seen, decisive) => write!(
                f,
                "only {decisive} of its verdicts preferred an answer, too few to see whether the place decides (the first wins {:.1} % of the time, {}; it should stay within 40 to 60)",
                percent(seen.share),
                between(seen)
            ),
        }
    }
}

/// Why a judge may not judge; empty where it may.
///
/// Refused: fewer than 60 labels, more than 35 % flips, κ below 0.4, or a first-position share whose 95 %
/// interval leaves [0.40, 0.60].
#[must_use]
pub fn weaknesses(seen: &Calibration) -> Vec<Weakness> {
    let mut found = Vec::new();
    if seen.items < LEAST_LABELS {
        found.push(Weakness::FewLabels(seen.items));
    }
    if seen.items == 0 {
        return found;
    }
    let flips = share(seen.flipped, seen.items, 0.05).share;
    if flips > MOST_FLIPS {
        found.push(Weakness::Flips(flips));
    }
    if seen.kappa < LEAST_KAPPA {
        found.push(Weakness::Agreement(seen.kappa));
    }
    let decisive = seen.first_wins + seen.second_wins;
    let first = share(seen.first_wins, decisive, 0.05);
    if first.interval.lower < FIRST_SHARE.lower || first.interval.upper > FIRST_SHARE.upper {
        // Within the limits on few verdicts: not known well enough, which is no reproach yet.
        let fair = (FIRST_SHARE.lower..=FIRST_SHARE.upper).contains(&first.share);
        let unknown = decisive == 0 || fair && decisive < MANY;
        // Who is asked for more labels anyway need not hear it twice.
        if !unknown {
            found.push(Weakness::FirstPosition(first));
        } else if seen.items >= LEAST_LABELS {
            found.push(Weakness::FewDecisive(first, decisive));
        }
    }
    found
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
        let words = |seen: &Calibration| {
            let words: Vec<String> = weaknesses(seen).iter().map(ToString::to_string).collect();
            words.join("\n")
        };
        let haiku = Calibration {
            items: 270,
            flipped: 135,
            first_wins: 212,
            second_wins: 123,
            kappa: 0.28,
        };
        insta::assert_snapshot!(words(&haiku), @r"
        50 % of its verdicts flip when the order is swapped; at most 35 % may
        it agrees with people hardly more than chance would (kappa 0.28, least 0.40)
        the answer shown first wins 63.3 % of the time (between 58.0 and 68.3); it should stay within 40 to 60
        ");
        let good = Calibration {
            items: 350,
            flipped: 35,
            first_wins: 330,
            second_wins: 326,
            kappa: 0.8,
        };
        assert!(weaknesses(&good).is_empty());
        let short = Calibration {
            items: 70,
            flipped: 2,
            first_wins: 22,
            second_wins: 20,
            kappa: 0.8,
        };
        insta::assert_snapshot!(words(&short), @"only 42 of its verdicts preferred an answer, too few to see whether the place decides (the first wins 52.4 % of the time, between 37.7 and 66.6; it should stay within 40 to 60)");
        assert!(weaknesses(&short)[0].wants_labels());
        let nobody = Calibration {
            items: 0,
            flipped: 0,
            first_wins: 0,
            second_wins: 0,
            kappa: 0.0,
        };
        assert_eq!(
            words(&nobody),
            "people have labelled 0 pairs; at least 60 are needed"
        );
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
