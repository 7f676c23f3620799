//! Normal, Student t, chi-square, beta and binomial: tails and quantiles, over statrs' special functions.
//!
//! Only the regularised incomplete beta function is our own: statrs 0.19 stops its fraction after 140 steps,
//! which is too few for the tails of ten thousand traces and more.

use statrs::function::{beta, erf, factorial, gamma};
use std::f64::consts::SQRT_2;

/// P(Z ≤ x) of the standard normal.
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * erf::erfc(-x / SQRT_2)
}

/// P(Z > x) of the standard normal, accurate far in the tail.
pub fn normal_sf(x: f64) -> f64 {
    0.5 * erf::erfc(x / SQRT_2)
}

/// x with P(Z ≤ x) = `p`; −∞ at 0 and ∞ at 1.
pub fn normal_quantile(p: f64) -> f64 {
    -SQRT_2 * erf::erfc_inv(2.0 * p)
}

/// P(T > x) of Student's t with `df` degrees of freedom (fractions allowed).
pub fn t_sf(x: f64, df: f64) -> f64 {
    let tail = 0.5 * incomplete_beta(df / 2.0, 0.5, df / (df + x * x));
    if x <= 0.0 { 1.0 - tail } else { tail }
}

/// x with P(T ≤ x) = `p`, 0 < p < 1: the beta quantile, then Newton steps on the tail.
pub fn t_quantile(p: f64, df: f64) -> f64 {
    let tail = p.min(1.0 - p);
    let y = beta::inv_beta_reg(df / 2.0, 0.5, 2.0 * tail);
    let mut x = (df * (1.0 - y) / y).sqrt();
    let ln_scale = gamma::ln_gamma((df + 1.0) / 2.0)
        - gamma::ln_gamma(df / 2.0)
        - 0.5 * (df * std::f64::consts::PI).ln();
    for _ in 0..3 {
        let density = (ln_scale - (df + 1.0) / 2.0 * (x * x / df).ln_1p()).exp();
        x += (t_sf(x, df) - tail) / density;
    }
    if p < 0.5 { -x } else { x }
}

/// P(χ² > x) with `df` degrees of freedom.
pub fn chi_square_sf(x: f64, df: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    gamma::gamma_ur(df / 2.0, x / 2.0)
}

/// x with P(B ≤ x) = `p` for the beta distribution of shapes `a` and `b`.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    let mut x = beta::inv_beta_reg(a, b, p);
    for _ in 0..3 {
        let ln_density = (a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p() - beta::ln_beta(a, b);
        let next = x - (incomplete_beta(a, b, x) - p) / ln_density.exp();
        if !(next > 0.0 && next < 1.0) {
            break;
        }
        x = next;
    }
    x
}

/// P(K = k) of the binomial with `n` trials of probability `p`, 0 < p < 1.
pub fn binomial_pmf(k: u64, n: u64, p: f64) -> f64 {
    (factorial::ln_binomial(n, k) + k as f64 * p.ln() + (n - k) as f64 * (-p).ln_1p()).exp()
}

/// P(K ≤ k) of the binomial with `n` trials of probability `p`.
pub fn binomial_cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    incomplete_beta((n - k) as f64, k as f64 + 1.0, 1.0 - p)
}

/// I_x(a, b), by Lentz's continued fraction (DLMF 8.17.22) on the side where it converges fast; needs about
/// √max(a, b) steps.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let front = (a * x.ln() + b * (-x).ln_1p() - beta::ln_beta(a, b)).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, 1.0 - x) / b
    }
}

fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let away_from_zero = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let (mut c, mut d) = (1.0, 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for step in 1..10_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            fraction *= c * d;
        }
        if (fraction / before - 1.0).abs() < 1e-16 {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{close, load, numbers};

    #[test]
    fn textbook_quantiles() {
        close(normal_quantile(0.975), 1.959963984540054, 1e-12);
        close(t_quantile(0.975, 10.0), 2.228138851986274, 1e-12);
        close(t_sf(2.228138851986274, 10.0), 0.025, 1e-12);
        close(chi_square_sf(3.841458820694124, 1.0), 0.05, 1e-12);
        close(binomial_cdf(3, 20, 0.5), 0.0012884140014648438, 1e-12);
        close(binomial_pmf(0, 10, 0.5), 0.0009765625, 1e-12);
    }

    /// Expected values: direct sums and integrals in 50-digit arithmetic.
    #[test]
    fn tails_of_very_many_traces_are_exact_too() {
        close(binomial_cdf(10_000, 20_000, 0.5), 0.5028209126561102, 1e-9);
        close(binomial_cdf(9_900, 20_000, 0.5), 0.07969171799236689, 1e-9);
        close(binomial_cdf(18_950, 20_000, 0.95), 0.05496376947584891, 1e-9);
        close(binomial_cdf(19_050, 20_000, 0.95), 0.9502079860714858, 1e-9);
        close(binomial_cdf(99_500, 200_000, 0.5), 0.012746945333473458, 1e-9);
        close(t_sf(1.96, 20_000.0), 0.025004827499202714, 1e-9);
        close(t_sf(4.5, 20_000.0), 3.4168198188243597e-06, 1e-9);
        close(t_sf(0.01, 20_000.0), 0.4960106935553349, 1e-9);
        close(t_sf(t_quantile(0.999, 20_000.0), 20_000.0), 0.001, 1e-9);
        close(t_sf(t_quantile(0.975, 0.3), 0.3), 0.025, 1e-9);
    }

    #[test]
    fn known_answers_of_every_distribution() {
        let Some(file) = load("stats/distributions.json") else {
            return;
        };
        let each = |group: &str, check: fn(&[f64]) -> f64| {
            for case in file[group].as_array().expect(group) {
                let row = numbers(case);
                let (answer, arguments) = row.split_last().expect("a row");
                close(check(arguments), *answer, 1e-9);
            }
        };
        each("norm_ppf", |x| normal_quantile(x[0]));
        each("norm_sf", |x| normal_sf(x[0]));
        each("t_ppf", |x| t_quantile(x[0], x[1]));
        each("t_sf", |x| t_sf(x[0], x[1]));
        each("chi2_sf", |x| chi_square_sf(x[0], x[1]));
        each("beta_ppf", |x| beta_quantile(x[0], x[1], x[2]));
        each("binom_cdf", |x| binomial_cdf(x[0] as u64, x[1] as u64, x[2]));
    }
}
