//! Evidence that may be looked at after every trace: a betting e-process and an empirical-Bernstein sequence.
//!
//! Both follow Waudby-Smith & Ramdas (2024), with D in [−1, 1] mapped to X = (D + 1)/2. They are fed one trace
//! at a time, so a running shadow test can stop early for harm.

use super::Interval;

/// Running mean and variance of X, started by one imagined observation of mean ½ and variance ¼.
#[derive(Clone, Copy, Debug)]
struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    const START: Self = Self {
        count: 1.0,
        sum: 0.5,
        squares: 0.25,
    };

    fn mean(&self) -> f64 {
        self.sum / self.count
    }

    fn variance(&self) -> f64 {
        self.squares / self.count
    }

    fn push(&mut self, x: f64) {
        self.count += 1.0;
        self.sum += x;
        self.squares += (x - self.mean()).powi(2);
    }
}

/// A bet on which side of −margin the mean of D lies. Wealth of 1/α or more proves it at level α, at any look.
#[derive(Clone, Debug)]
pub struct EProcess {
    sign: f64,
    null: f64,
    target: f64,
    moments: Moments,
    wealth: f64,
    largest: f64,
    looks: usize,
    first: Option<usize>,
}

impl EProcess {
    /// Bets on non-inferiority: mean of D above −`margin`. Won when wealth reaches 1/`alpha`, one-sided.
    pub fn non_inferior(margin: f64, alpha: f64) -> Self {
        Self {
            sign: 1.0,
            null: (1.0 - margin) / 2.0,
            target: 1.0 / alpha,
            moments: Moments::START,
            wealth: 1.0,
            largest: 1.0,
            looks: 0,
            first: None,
        }
    }

    /// Bets on inferiority: mean of D below −`margin`; the same bet, on −D with −`margin`.
    pub fn inferior(margin: f64, alpha: f64) -> Self {
        Self {
            sign: -1.0,
            ..Self::non_inferior(-margin, alpha)
        }
    }

    /// Takes the next D. The stake is λ = clip((μ − m₀)/(v + (μ − m₀)²), 0, ½/m₀) of the traces before,
    /// and wealth is multiplied by 1 + λ(X − m₀).
    pub fn push(&mut self, d: f64) {
        let x = (self.sign * d + 1.0) / 2.0;
        let edge = self.moments.mean() - self.null;
        let stake = (edge / (self.moments.variance() + edge * edge)).clamp(0.0, 0.5 / self.null);
        self.wealth = (self.wealth * (1.0 + stake * (x - self.null))).min(f64::MAX);
        self.largest = self.largest.max(self.wealth);
        self.moments.push(x);
        self.looks += 1;
        if self.first.is_none() && self.wealth >= self.target {
            self.first = Some(self.looks);
        }
    }

    /// Wealth after the last trace; 1 before the first.
    pub fn wealth(&self) -> f64 {
        self.wealth
    }

    /// The trace (from 1) at which wealth first reached 1/α.
    pub fn first(&self) -> Option<usize> {
        self.first
    }

    /// p-value that holds at any look: min(1, 1/largest wealth).
    pub fn p(&self) -> f64 {
        (1.0 / self.largest).min(1.0)
    }
}

/// Predictable plug-in empirical-Bernstein confidence sequence of the mean of D, with running intersection.
#[derive(Clone, Debug)]
pub struct ConfidenceSequence {
    reach: f64,
    moments: Moments,
    weights: f64,
    weighted: f64,
    width: f64,
    limits: Interval,
}

impl ConfidenceSequence {
    /// Holds the mean at every look with probability 1 − `alpha`.
    pub fn new(alpha: f64) -> Self {
        Self {
            reach: (2.0 / alpha).ln(),
            moments: Moments::START,
            weights: 0.0,
            weighted: 0.0,
            width: 0.0,
            limits: Interval::new(0.0, 1.0),
        }
    }

    /// Takes the next D: λ = min(√(2 ln(2/α)/(v·t·ln(1 + t))), ½), centre Σλx/Σλ, radius
    /// (ln(2/α) + Σ 4(x − μ)²ψ(λ))/Σλ with ψ = (−ln(1 − λ) − λ)/4 and μ, v of the traces before.
    pub fn push(&mut self, d: f64) {
        let (x, t) = ((d + 1.0) / 2.0, self.moments.count);
        let spread = self.moments.variance() * t * (1.0 + t).ln();
        let weight = (2.0 * self.reach / spread).sqrt().min(0.5);
        let psi = (-(-weight).ln_1p() - weight) / 4.0;
        self.weights += weight;
        self.weighted += weight * x;
        self.width += 4.0 * (x - self.moments.mean()).powi(2) * psi;
        self.moments.push(x);
        let (centre, radius) = (
            self.weighted / self.weights,
            (self.reach + self.width) / self.weights,
        );
        self.limits.lower = self.limits.lower.max(centre - radius);
        self.limits.upper = self.limits.upper.min(centre + radius);
    }

    /// The limits of the mean of D after the last trace; [−1, 1] before the first.
    pub fn interval(&self) -> Interval {
        Interval::new(2.0 * self.limits.lower - 1.0, 2.0 * self.limits.upper - 1.0)
    }
}

/// Radius of the asymptotic confidence sequence of a mean at look `t` (Waudby-Smith et al. 2024):
/// √((V + 1/ρ²)·ln((Vρ² + 1)/α²))/t with V = t·variance.
pub fn asymptotic_radius(t: f64, variance: f64, rho2: f64, alpha: f64) -> f64 {
    let total = t * variance;
    ((total + 1.0 / rho2) * ((total * rho2 + 1.0) / (alpha * alpha)).ln()).sqrt() / t
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow::statistics::splitmix::SplitMix64;
    use crate::vectors::{close, close_limits, load, number, numbers};

    #[test]
    fn known_answers_of_the_e_process_and_the_sequence() {
        let Some(file) = load("stats/sequential.json") else {
            return;
        };
        for case in file["cases"].as_array().expect("cases") {
            let margin = number(&case["margin"]);
            let (mut better, mut worse) = (
                EProcess::non_inferior(margin, 0.025),
                EProcess::inferior(margin, 0.025),
            );
            let mut sequence = ConfidenceSequence::new(0.05);
            let wealth = numbers(&case["wealth_ni"]);
            for (look, d) in numbers(&case["d"]).into_iter().enumerate() {
                better.push(d);
                worse.push(d);
                sequence.push(d);
                close(better.wealth(), wealth[look], 1e-12);
                if look == 19 {
                    close_limits(sequence.interval().into(), &case["prpl_eb_cs95_at_20"], 1e-9);
                }
            }
            close(worse.wealth(), number(&case["wealth_inferior_last"]), 1e-12);
            assert_eq!(better.first().map(|t| t as u64), case["first_t_ge_40"].as_u64());
            close_limits(sequence.interval().into(), &case["prpl_eb_cs95_last"], 1e-9);
        }
        for case in file["asymptotic_cs_radius"].as_array().expect("cases") {
            let [t, variance, rho2] = ["t", "var", "rho2"].map(|key| number(&case[key]));
            close(
                asymptotic_radius(t, variance, rho2, 0.05),
                number(&case["radius"]),
                1e-9,
            );
        }
    }

    #[test]
    fn error_rates_are_those_of_the_simulated_tests() {
        let Some(file) = load("stats/sequential_operating_characteristics.json") else {
            return;
        };
        let mut stream = SplitMix64::new(7);
        for case in file.as_array().expect("cases") {
            let [pb, pc, margin, alpha] = ["pb", "pc", "margin", "alpha"].map(|key| number(&case[key]));
            let (mut accepted, mut rejected) = (0.0, 0.0);
            let runs = 100;
            for _ in 0..runs {
                let (mut better, mut worse) = (
                    EProcess::non_inferior(margin, alpha),
                    EProcess::inferior(margin, alpha),
                );
                for look in 1..=case["nmax"].as_u64().expect("nmax") {
                    let u = stream.next_u64() as f64 / u64::MAX as f64;
                    let d = if u < pb {
                        -1.0
                    } else if u < pb + pc {
                        1.0
                    } else {
                        0.0
                    };
                    better.push(d);
                    worse.push(d);
                    if look % 20 == 0 && (better.first().is_some() || worse.first().is_some()) {
                        break;
                    }
                }
                accepted += f64::from(better.first().is_some()) / f64::from(runs);
                rejected += f64::from(worse.first().is_some()) / f64::from(runs);
            }
            assert!(
                (accepted - number(&case["accept"])).abs() < 0.17,
                "{case}: accepted {accepted}"
            );
            assert!(
                (rejected - number(&case["reject"])).abs() < 0.17,
                "{case}: rejected {rejected}"
            );
        }
    }

    #[test]
    fn wealth_stays_a_number_on_a_very_long_test() {
        let mut process = EProcess::non_inferior(0.05, 0.025);
        for _ in 0..20_000 {
            process.push(1.0);
        }
        assert!(process.wealth().is_finite() && process.p() > 0.0);
    }
}
