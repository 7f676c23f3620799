//! Ratio of two sums over the same traces, with delta-method limits: what a cost ratio is worth.

use super::Interval;
use super::distributions::t_quantile;

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
    fn a_fixed_discount_has_no_uncertainty() {
        let got = ratio_of_sums(&[1.0, 2.0, 4.0], &[2.0, 4.0, 8.0], 0.05).expect("a ratio");
        assert_eq!(got.interval, Interval::new(0.5, 0.5));
        assert_eq!(ratio_of_sums(&[1.0, 1.0], &[0.0, 0.0], 0.05), None);
    }
}
