//! Prediction-powered inference (Angelopoulos et al. 2023): a judge's many verdicts, corrected by a few labels.

use super::distributions::normal_quantile;
use super::{Interval, mean, variance};

/// A corrected mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corrected {
    /// The mean of the labels, as if all traces had one.
    pub mean: f64,
    /// Its standard error.
    pub se: f64,
    /// mean ± z·se.
    pub interval: Interval,
    /// How much the judge's verdicts were trusted: 1 in plain PPI, 0 would be labels alone.
    pub lambda: f64,
}

/// What is known: labels `y` with the judge's verdicts on the same traces, and its verdicts on the rest.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Labels of people (or of an exact check).
    pub y: &'a [f64],
    /// The judge's verdicts on the labelled traces, in the order of `y`.
    pub labelled: &'a [f64],
    /// The judge's verdicts on the unlabelled traces.
    pub unlabelled: &'a [f64],
}

/// Labels alone: mean and its standard error, variance divided by n.
pub fn labels_only(y: &[f64]) -> (f64, f64) {
    (mean(y), (variance(y, 0) / y.len() as f64).sqrt())
}

/// Plain PPI: mean f(unlabelled) + mean(Y − f)(labelled), se² = var f/N + var(Y − f)/n, variances with ddof 0.
pub fn ppi(judged: Judged<'_>, alpha: f64) -> Corrected {
    corrected(judged, 1.0, alpha)
}

/// PPI++ (Angelopoulos, Duchi & Zrnic 2023): the verdicts are scaled by
/// λ = cov(Y, f)/((1 + n/N)·var f), clipped to [0, 1]; var f over all verdicts.
pub fn ppi_plus_plus(judged: Judged<'_>, alpha: f64) -> Corrected {
    let (centre_y, centre_f) = (mean(judged.y), mean(judged.labelled));
    let pairs = judged.y.iter().zip(judged.labelled);
    let n = judged.y.len() as f64;
    let covariance = pairs.map(|(y, f)| (y - centre_y) * (f - centre_f)).sum::<f64>() / n;
    let every: Vec<f64> = judged.labelled.iter().chain(judged.unlabelled).copied().collect();
    let spread = (1.0 + n / judged.unlabelled.len() as f64) * variance(&every, 0);
    let lambda = if spread > 0.0 {
        (covariance / spread).clamp(0.0, 1.0)
    } else {
        0.0
    };
    corrected(judged, lambda, alpha)
}

fn corrected(judged: Judged<'_>, lambda: f64, alpha: f64) -> Corrected {
    let rectifier: Vec<f64> = judged
        .y
        .iter()
        .zip(judged.labelled)
        .map(|(y, f)| y - lambda * f)
        .collect();
    let centre = lambda * mean(judged.unlabelled) + mean(&rectifier);
    let of_verdicts = lambda * lambda * variance(judged.unlabelled, 0) / judged.unlabelled.len() as f64;
    let se = (of_verdicts + variance(&rectifier, 0) / judged.y.len() as f64).sqrt();
    let reach = normal_quantile(1.0 - alpha / 2.0) * se;
    Corrected {
        mean: centre,
        se,
        interval: Interval::around(centre, reach),
        lambda,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{close, load, number, numbers};

    #[test]
    fn known_answers_of_prediction_powered_means() {
        let Some(file) = load("stats/ppi.json") else {
            return;
        };
        for case in file["cases"].as_array().expect("cases") {
            let [y, labelled, unlabelled] = ["y", "f_labeled", "f_unlabeled"].map(|key| numbers(&case[key]));
            let judged = Judged {
                y: &y,
                labelled: &labelled,
                unlabelled: &unlabelled,
            };
            let same = |got: Corrected, expected: &[f64]| {
                let got = [got.mean, got.se, got.interval.lower, got.interval.upper];
                for (got, expected) in got.into_iter().zip(expected) {
                    close(got, *expected, 1e-9);
                }
            };
            let (classical, se) = labels_only(&y);
            close(classical, number(&case["classical"][0]), 1e-9);
            close(se, number(&case["classical"][1]), 1e-9);
            same(ppi(judged, 0.05), &numbers(&case["ppi"]));
            let tuned = ppi_plus_plus(judged, 0.05);
            close(tuned.lambda, number(&case["ppi_pp_lambda"]), 1e-9);
            same(tuned, &numbers(&case["ppi_pp"]));
        }
    }

    #[test]
    fn a_judge_that_always_says_the_same_adds_nothing() {
        let (y, same) = ([1.0, 0.0, 1.0, 1.0], [1.0; 4]);
        let judged = Judged {
            y: &y,
            labelled: &same,
            unlabelled: &[1.0; 40],
        };
        let tuned = ppi_plus_plus(judged, 0.05);
        assert_eq!(tuned.lambda, 0.0);
        assert_eq!((tuned.mean, tuned.se), labels_only(&y));
    }
}
