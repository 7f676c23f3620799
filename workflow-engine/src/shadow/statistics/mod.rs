//! Statistical methods, one a file: pure functions on numbers, each with its formula and where it comes from.
//!
//! `alpha` is always the total error of a two-sided interval (0.05 gives 95 %) unless a function says
//! one-sided. D is candidate minus incumbent of one trace.

pub mod bootstrap;
pub mod cluster;
pub mod distributions;
pub mod judge;
pub mod multiplicity;
pub mod paired_binary;
pub mod paired_continuous;
pub mod ppi;
pub mod proportions;
pub mod quantile_ci;
pub mod ratio;
pub mod sample_size;
pub mod sequential;
pub mod splitmix;
pub mod stratified;

use serde::{Deserialize, Serialize};

/// Two limits, written `[lower, upper]` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f64; 2]", into = "[f64; 2]")]
pub struct Interval {
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
}

impl Interval {
    /// The interval `[lower, upper]`.
    pub fn new(lower: f64, upper: f64) -> Self {
        Self { lower, upper }
    }

    /// `centre` ± `half_width`.
    pub fn around(centre: f64, half_width: f64) -> Self {
        Self::new(centre - half_width, centre + half_width)
    }

    /// The wider limit of both on each side.
    pub fn hull(self, other: Self) -> Self {
        Self::new(self.lower.min(other.lower), self.upper.max(other.upper))
    }
}

impl From<[f64; 2]> for Interval {
    fn from([lower, upper]: [f64; 2]) -> Self {
        Self { lower, upper }
    }
}

impl From<Interval> for [f64; 2] {
    fn from(interval: Interval) -> Self {
        [interval.lower, interval.upper]
    }
}

/// Arithmetic mean; 0 of nothing is NaN.
pub fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

/// Variance around the mean, divided by n − `ddof`.
pub fn variance(x: &[f64], ddof: usize) -> f64 {
    let centre = mean(x);
    let squares: f64 = x.iter().map(|v| (v - centre) * (v - centre)).sum();
    squares / (x.len() as f64 - ddof as f64)
}
