//! The mean that people would give, from a judge's many verdicts and people's few labels.

use serde::{Deserialize, Serialize};

use super::{Says, calibration::Labelled};
use crate::shadow::statistics::{
    Interval,
    distributions::normal_quantile,
    judge::LEAST_LABELS,
    ppi::{Corrected, Judged, ppi, ppi_plus_plus},
    variance,
};

/// A mean with its limits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// The mean.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Its limits, at the level of the report.
    pub interval: Interval,
}

/// A corrected mean, and what its error is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub(super) mean: Mean,
    /// Labels it was corrected by.
    labels: usize,
    /// What part of its variance more labels make smaller.
    of_labels: f64,
}

/// The mean over a run's pairs in words: those whose texts differ as prediction-powered inference has it, the `identical`
/// ones exactly 0.
///
/// Enough labels of the same two routes are a part of what is judged, so PPI++ may weigh them against the verdicts. Labels
/// of other routes tell only how far the judge is off: plain PPI, which takes nothing else from them.
pub(super) fn corrected(labelled: &[Labelled], verdicts: &[Says], identical: u64, alpha: f64) -> Estimate {
    let own: Vec<&Labelled> = labelled.iter().filter(|pair| pair.same_routes).collect();
    let enough = own.len() as u64 >= LEAST_LABELS;
    let used: Vec<&Labelled> = if enough { own } else { labelled.iter().collect() };
    let y: Vec<f64> = used.iter().map(|pair| pair.label.score()).collect();
    let judge: Vec<f64> = used.iter().map(|pair| pair.both.verdict().score()).collect();
    let unlabelled: Vec<f64> = verdicts.iter().map(|says| says.score()).collect();
    let judged = Judged {
        y: &y,
        labelled: &judge,
        unlabelled: &unlabelled,
    };
    let found: Corrected = if enough {
        ppi_plus_plus(judged, alpha)
    } else {
        ppi(judged, alpha)
    };
    let n = verdicts.len() as f64;
    let all = n + identical as f64;
    let share = n / all;
    let of_verdicts = found.lambda.powi(2) * variance(&unlabelled, 0) / n;
    let of_share = found.mean.powi(2) * share * (1.0 - share) / all;
    let se = ((share * found.se).powi(2) + of_share).sqrt();
    Estimate {
        mean: around(share * found.mean, se, alpha),
        labels: used.len(),
        of_labels: (share.powi(2) * (found.se.powi(2) - of_verdicts)).max(0.0),
    }
}

impl Estimate {
    /// Labels that would show the mean to lie above −`margin`, if nothing but their number changes; none where they alone
    /// would not do.
    pub(super) fn labels_needed(&self, margin: f64, alpha: f64) -> Option<u64> {
        let target = (self.mean.estimate + margin) / normal_quantile(1.0 - alpha / 2.0);
        let other = self.mean.se.powi(2) - self.of_labels;
        let left = target.powi(2) - other;
        let needed = self.labels as f64 * self.of_labels / left;
        (target > 0.0 && left > 0.0 && self.of_labels > 0.0).then(|| needed.ceil() as u64)
    }
}

fn around(centre: f64, se: f64, alpha: f64) -> Mean {
    let reach = normal_quantile(1.0 - alpha / 2.0) * se;
    Mean {
        estimate: centre,
        se,
        interval: Interval::new((centre - reach).max(-1.0), (centre + reach).min(1.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow::judging::calibration::tests::good;

    #[test]
    fn with_the_labels_that_it_asks_for_the_estimate_tells() {
        let verdicts: Vec<Says> = (0..3_000)
            .map(|index| match index % 20 {
                0 => Says::Candidate,
                10 => Says::Incumbent,
                _ => Says::Tie,
            })
            .collect();
        let mut labelled = good();
        for pair in &mut labelled {
            pair.same_routes = false;
        }
        let few = corrected(&labelled, &verdicts, 0, 0.05);
        assert!(few.mean.interval.lower < -0.08, "{few:?}");
        let needed = few.labels_needed(0.08, 0.05).unwrap();
        let more: Vec<Labelled> = labelled.iter().copied().cycle().take(needed as usize).collect();
        let told = corrected(&more, &verdicts, 0, 0.05);
        assert!(told.mean.interval.lower > -0.082, "{needed} {told:?}");
        assert_eq!(few.labels_needed(0.001, 0.05), None);
    }
}
