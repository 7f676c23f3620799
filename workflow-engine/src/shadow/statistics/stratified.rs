//! Post-stratified mean: what the difference would be on the population's own mix of strata.

use super::paired_continuous::MeanEstimate;
use super::{mean, variance};

/// Σ w_s·D̄_s, variance Σ w_s²·s_s²/n_s, degrees of freedom by Satterthwaite (1946). Each stratum is its
/// weight and its values; weights need not sum to 1.
///
/// `None` where a stratum has fewer than two values, or the weights are not positive in sum: then no spread
/// can be told. Without any spread the degrees of freedom are n − S.
pub fn stratified_mean(strata: &[(f64, &[f64])], alpha: f64) -> Option<MeanEstimate> {
    let total: f64 = strata.iter().map(|(weight, _)| weight).sum();
    if total.is_nan() || total <= 0.0 || strata.iter().any(|(_, d)| d.len() < 2) {
        return None;
    }
    let (mut centre, mut spread, mut satterthwaite, mut free) = (0.0, 0.0, 0.0, 0.0);
    for (weight, d) in strata {
        let (share, n) = (weight / total, d.len() as f64);
        let part = share * share * variance(d, 1) / n;
        centre += share * mean(d);
        spread += part;
        satterthwaite += part * part / (n - 1.0);
        free += n - 1.0;
    }
    let df = if satterthwaite > 0.0 {
        spread * spread / satterthwaite
    } else {
        free
    };
    Some(MeanEstimate::new(centre, spread.sqrt(), df, alpha))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{close, close_limits, load, number, numbers};

    #[test]
    fn known_answers_of_the_stratified_mean() {
        let Some(file) = load("stats/stratified.json") else {
            return;
        };
        let strata: Vec<(f64, Vec<f64>)> = file["d"]
            .as_object()
            .expect("strata")
            .iter()
            .map(|(name, d)| (number(&file["weights"][name]), numbers(d)))
            .collect();
        let borrowed: Vec<(f64, &[f64])> = strata.iter().map(|(w, d)| (*w, d.as_slice())).collect();
        let estimate = stratified_mean(&borrowed, 0.05).expect("enough values");
        close(estimate.mean, number(&file["mean"]), 1e-9);
        close(estimate.se, number(&file["se"]), 1e-9);
        close(estimate.df, number(&file["df"]), 1e-9);
        close_limits(estimate.interval.into(), &file["ci95"], 1e-9);
    }

    #[test]
    fn a_stratum_of_one_trace_cannot_be_weighed() {
        assert_eq!(stratified_mean(&[(0.5, &[0.0, 1.0]), (0.5, &[1.0])], 0.05), None);
    }
}
