//! Traces of one session or user are not independent: standard errors over clusters.

use super::mean;
use super::paired_continuous::MeanEstimate;

/// Standard errors of a mean over clusters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClusterErrors {
    /// Number of clusters.
    pub clusters: usize,
    /// √(Σ_g(Σ_{i∈g}(D_i − D̄))²)/n, the sandwich without correction (Miller 2024).
    pub cr0: f64,
    /// CR0 times √(G/(G − 1)): the one to report, with t(G − 1). Infinite for a single cluster.
    pub cr1: f64,
}

/// Standard errors of the mean of `d`, where `cluster[i]` numbers the cluster of trace i from 0.
pub fn cluster_errors(d: &[f64], cluster: &[usize]) -> ClusterErrors {
    let centre = mean(d);
    let size = cluster.iter().max().map_or(0, |last| last + 1);
    let (mut sums, mut seen) = (vec![0.0; size], vec![false; size]);
    for (x, group) in d.iter().zip(cluster) {
        sums[*group] += x - centre;
        seen[*group] = true;
    }
    let clusters = seen.into_iter().filter(|s| *s).count();
    let groups = clusters as f64;
    let cr0 = sums.iter().map(|s| s * s).sum::<f64>().sqrt() / d.len() as f64;
    let cr1 = if clusters > 1 {
        (groups / (groups - 1.0)).sqrt() * cr0
    } else {
        f64::INFINITY
    };
    ClusterErrors { clusters, cr0, cr1 }
}

/// Mean of `d` judged by CR1 and t(G − 1). `None` below two clusters.
pub fn clustered_t(d: &[f64], cluster: &[usize], alpha: f64) -> Option<MeanEstimate> {
    let errors = cluster_errors(d, cluster);
    if errors.clusters < 2 {
        return None;
    }
    Some(MeanEstimate::new(
        mean(d),
        errors.cr1,
        errors.clusters as f64 - 1.0,
        alpha,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow::statistics::paired_continuous::paired_t;
    use crate::vectors::{close, close_limits, load, number, numbers};

    #[test]
    fn known_answers_of_clustered_means() {
        let Some(file) = load("stats/cluster_se.json") else {
            return;
        };
        for case in file["cases"].as_array().expect("cases") {
            let x = numbers(&case["x"]);
            let groups: Vec<usize> = numbers(&case["g"]).into_iter().map(|g| g as usize).collect();
            let errors = cluster_errors(&x, &groups);
            assert_eq!(errors.clusters as f64, number(&case["clusters"]));
            close(errors.cr0, number(&case["se_cr0"]), 1e-9);
            close(errors.cr1, number(&case["se_cr1"]), 1e-9);
            let estimate = clustered_t(&x, &groups, 0.05).expect("clusters");
            close(estimate.mean, number(&case["mean"]), 1e-9);
            close_limits(estimate.interval.into(), &case["ci95_t_G1"], 1e-9);
            close(
                paired_t(&x, 0.05).expect("values").se,
                number(&case["se_naive"]),
                1e-9,
            );
        }
    }

    #[test]
    fn clusters_of_one_are_the_plain_t_interval() {
        let d = [0.1, -0.05, 0.2, 0.0, 0.15, -0.1];
        let each: Vec<usize> = (0..d.len()).collect();
        let (clustered, plain) = (clustered_t(&d, &each, 0.05), paired_t(&d, 0.05));
        close(clustered.expect("clusters").se, plain.expect("values").se, 1e-12);
        assert_eq!(
            clustered_t(&d, &[0; 6], 0.05),
            None,
            "one cluster says nothing about the next"
        );
    }
}
