//! Ratio of two sums over the same traces, with delta-method limits: what a cost ratio is worth.

use super::distributions::t_quantile;
use super::stratified::stratified_mean;
use super::{Interval, mean};

/// Σ top / Σ bottom and its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatioEstimate {
    /// The ratio.
    pub ratio: f64,
    /// Its standard error by the delta method.
    pub se: f64,
    /// ratio ± t(n − 1)·se.
    pub interval: Interval,
    /// ratio · exp(± t(n − 1)·se/ratio): the same on the log scale, never below 0.
    pub log_interval: Interval,
}

/// Cochran (1977): R = Σ top/Σ bottom, e = (top − R·bottom)/mean bottom, se = √(var e/n) with n − 1 in the
/// variance, t(n − 1) limits. `None` below two traces or where the bottom sums to 0.
pub fn ratio_of_sums(top: &[f64], bottom: &[f64], alpha: f64) -> Option<RatioEstimate> {
    let (n, below) = (top.len() as f64, bottom.iter().sum::<f64>());
    if top.len() < 2 || below == 0.0 {
        return None;
    }
    let ratio = top.iter().sum::<f64>() / below;
    let residual = |(t, b): (&f64, &f64)| (t - ratio * b) * n / below;
    let squares: f64 = top.iter().zip(bottom).map(residual).map(|e| e * e).sum();
    let se = (squares / (n - 1.0) / n).sqrt();
    let reach = if se > 0.0 {
        t_quantile(1.0 - alpha / 2.0, n - 1.0) * se
    } else {
        0.0
    };
    let factor = if ratio > 0.0 { (reach / ratio).exp() } else { 1.0 };
    Some(RatioEstimate {
        ratio,
        se,
        interval: Interval::around(ratio, reach),
        log_interval: Interval::new(ratio / factor, ratio * factor),
    })
}

/// The traces of one stratum.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stratum {
    /// How often it occurs, among the others.
    pub weight: f64,
    /// The tops of its traces …
    pub top: Vec<f64>,
    /// … and their bottoms.
    pub bottom: Vec<f64>,
}

/// The combined ratio of a stratified sample (Cochran 1977, 6.11): R = Σ w·mean top / Σ w·mean bottom; limits from the stratified mean of the residuals (top − R·bottom)/bottom's mean, t by
/// Satterthwaite. `None` where a stratum has fewer than two traces or the bottom is 0.
pub fn stratified_ratio(strata: &[Stratum], alpha: f64) -> Option<(f64, Interval)> {
    let total: f64 = strata.iter().map(|stratum| stratum.weight).sum();
    let sum = |side: fn(&Stratum) -> &[f64]| -> f64 {
        let parts = strata.iter().map(|one| one.weight / total * mean(side(one)));
        parts.sum()
    };
    let below = sum(|one| &one.bottom);
    if below.is_nan() || below <= 0.0 {
        return None;
    }
    let ratio = sum(|one| &one.top) / below;
    let residuals: Vec<(f64, Vec<f64>)> = strata
        .iter()
        .map(|one| {
            let residual = |(t, b): (&f64, &f64)| (t - ratio * b) / below;
            let residuals = one.top.iter().zip(&one.bottom).map(residual);
            (one.weight, residuals.collect())
        })
        .collect();
    let borrowed: Vec<(f64, &[f64])> = residuals
        .iter()
        .map(|(weight, e)| (*weight, e.as_slice()))
        .collect();
    let around_zero = stratified_mean(&borrowed, alpha)?.interval;
    let interval = Interval::new(ratio + around_zero.lower, ratio + around_zero.upper);
    Some((ratio, interval))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{close, close_limits, load, number, numbers};

    #[test]
    fn known_answers_of_a_ratio_of_sums() {
        let Some(file) = load("stats/ratio.json") else {
            return;
        };
        let got = ratio_of_sums(&numbers(&file["num"]), &numbers(&file["den"]), 0.05).expect("a ratio");
        close(got.ratio, number(&file["ratio"]), 1e-9);
        close(got.se, number(&file["se"]), 1e-9);
        close_limits(got.interval.into(), &file["ci95"], 1e-9);
        close_limits(got.log_interval.into(), &file["ci95_log"], 1e-9);
    }

    #[test]
    fn on_the_real_mix_a_kind_counts_as_often_as_it_occurs() {
        let stratum = |weight: f64, top: &[f64], bottom: &[f64]| Stratum {
            weight,
            top: top.to_vec(),
            bottom: bottom.to_vec(),
        };
        // Nine of ten calls are cheap to move; both kinds were sampled equally.
        let usual = stratum(0.9, &[1.0, 1.2, 0.8, 1.0], &[2.0, 2.2, 1.8, 2.0]);
        let rare = stratum(0.1, &[3.0, 3.2, 2.8, 3.0], &[2.0, 2.2, 1.8, 2.0]);
        let (ratio, interval) = stratified_ratio(&[usual, rare], 0.05).unwrap();
        close(ratio, 0.9 * 0.5 + 0.1 * 1.5, 1e-12);
        assert!(
            interval.lower < ratio && ratio < interval.upper && interval.upper < 0.65,
            "{interval:?}"
        );
        // One kind alone is the plain ratio; its residuals sum to 0, so are centred on it.
        let (top, bottom) = (vec![1.0, 2.0, 4.0], vec![2.0, 3.0, 9.0]);
        let plain = ratio_of_sums(&top, &bottom, 0.05).unwrap();
        let (ratio, interval) = stratified_ratio(&[stratum(1.0, &top, &bottom)], 0.05).unwrap();
        close(ratio, plain.ratio, 1e-12);
        close(interval.upper, plain.interval.upper, 1e-9);
        assert_eq!(stratified_ratio(&[stratum(1.0, &[1.0], &[2.0])], 0.05), None);
    }

    #[test]
    fn a_fixed_discount_has_no_uncertainty() {
        let got = ratio_of_sums(&[1.0, 2.0, 4.0], &[2.0, 4.0, 8.0], 0.05).expect("a ratio");
        assert_eq!(got.interval, Interval::new(0.5, 0.5));
        assert_eq!(ratio_of_sums(&[1.0, 1.0], &[0.0, 0.0], 0.05), None);
    }
}
