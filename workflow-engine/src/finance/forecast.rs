//! Month-end forecast and anomalies of a daily series. Estimates, so floating point; amounts stay exact elsewhere.
//!
//! Method and constants: the bake-off of the finance reference (weekday factor × robust weighted line, damped trend).

use crate::shadow::statistics::quantile_ci::type7;

/// How many days of history are looked at.
const WINDOW: usize = 56;
/// How fast the trend fades: each day ahead adds this share of the day before.
const DAMPING: f64 = 0.9;
/// Days after which a day weighs half.
const HALF_LIFE: f64 = 10.0;
/// Steepest trend, in log units a day (about 2 %).
const STEEPEST: f64 = 0.02;
/// From deviation to standard deviation.
const MAD_SCALE: f64 = 1.4826;

/// A daily series with what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Amounts, one a day.
    pub daily: Vec<f64>,
    /// Weekday of the first day, 0 to 6; day `i` has weekday `(i + first_weekday) % 7`.
    pub first_weekday: usize,
    /// Route or price changes: from this day on, amounts are this many times what they would have been.
    pub known_changes: Vec<(usize, f64)>,
}

/// The fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// How much a weekday differs, in log units, mean 0.
    pub weekday: [f64; 7],
    /// Level of the last day, in log units, without its weekday.
    pub level: f64,
    /// Slope a day, in log units.
    pub trend: f64,
    /// Variance around the line.
    pub residual_variance: f64,
}

/// A day that is unlike the days before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anomaly {
    /// Index of the day.
    pub day: usize,
    /// What it was.
    pub actual: f64,
    /// What the days before it let expect.
    pub expected: f64,
    /// How unusual, in robust standard deviations.
    pub z: f64,
}

impl Series {
    /// Fits the days before `end`, knowing changes up to and including day `end`. None without days.
    #[must_use]
    pub fn fit(&self, end: usize) -> Option<Model> {
        let start = end.saturating_sub(WINDOW);
        if end == 0 || end > self.daily.len() {
            return None;
        }
        let changes: Vec<(usize, f64)> = self
            .known_changes
            .iter()
            .copied()
            .filter(|(day, _)| *day <= end)
            .collect();
        let logs: Vec<f64> = (start..end)
            .map(|day| {
                let later = changes.iter().filter(|(from, _)| day < *from);
                let shift: f64 = later.map(|(_, times)| times.ln()).sum();
                self.daily[day].max(1e-9).ln() + shift
            })
            .collect();
        let weekday = self.weekday_factors(&logs, start);
        let plain: Vec<f64> = logs
            .iter()
            .enumerate()
            .map(|(index, log)| log - weekday[self.weekday_of(start + index)])
            .collect();
        let clipped = clip(&plain);
        let (level, trend) = weighted_line(&clipped);
        let last = clipped.len() as f64 - 1.0;
        let residuals: Vec<f64> = clipped
            .iter()
            .enumerate()
            .map(|(index, value)| value - (level + trend * (index as f64 - last)))
            .collect();
        let mean = mean(&residuals);
        let squares = residuals
            .iter()
            .map(|residual| (residual - mean).powi(2))
            .sum::<f64>();
        Some(Model {
            weekday,
            level,
            trend,
            residual_variance: squares / residuals.len() as f64,
        })
    }

    /// Amounts of the `horizon` days from day `end` on.
    #[must_use]
    pub fn ahead(&self, model: &Model, end: usize, horizon: usize) -> Vec<f64> {
        (1..=horizon)
            .map(|ahead| {
                let faded = DAMPING * (1.0 - DAMPING.powi(i32::try_from(ahead).unwrap_or(i32::MAX)))
                    / (1.0 - DAMPING);
                let weekday = model.weekday[self.weekday_of(end + ahead - 1)];
                (model.level + weekday + model.trend * faded + model.residual_variance.min(0.05) / 2.0).exp()
            })
            .collect()
    }

    /// Where the sum of the next `horizon` days lies 8 times in 10, judged by how far earlier forecasts of the same
    /// length were off. None with fewer than 8 of them.
    #[must_use]
    pub fn interval80(&self, total: f64, horizon: usize) -> Option<(f64, f64)> {
        let days = self.daily.len();
        let last = days.checked_sub(horizon)?;
        let first = last.saturating_sub(WINDOW).max(63);
        let mut errors: Vec<f64> = (first..=last)
            .step_by(2)
            .filter_map(|origin| {
                let model = self.fit(origin)?;
                let forecast: f64 = self.ahead(&model, origin, horizon).iter().sum();
                let actual: f64 = self.daily[origin..origin + horizon].iter().sum::<f64>().max(1e-9);
                Some((actual / forecast).ln().abs())
            })
            .collect();
        if errors.len() < 8 || horizon == 0 {
            return None;
        }
        errors.sort_by(f64::total_cmp);
        let wide = (type7(&errors, 0.8) * 1.25).max(0.02);
        Some((total * (-wide).exp(), total * wide.exp()))
    }

    /// Days of the last four weeks that stand out. None are looked for below 92 days.
    #[must_use]
    pub fn anomalies(&self) -> Vec<Anomaly> {
        let days = self.daily.len();
        if days < 92 {
            return Vec::new();
        }
        let from = days - WINDOW;
        let expected: Vec<f64> = (from..days)
            .map(|day| {
                self.fit(day)
                    .map_or(f64::NAN, |model| self.ahead(&model, day, 1)[0])
            })
            .collect();
        let residuals: Vec<f64> = (from..days)
            .zip(&expected)
            .map(|(day, expected)| (self.daily[day].max(1e-9) / expected).ln())
            .collect();
        (days - 28..days)
            .filter_map(|day| {
                let index = day - from;
                let before = &residuals[index - 28..index];
                let centre = median(before);
                let deviations: Vec<f64> = before.iter().map(|residual| (residual - centre).abs()).collect();
                let scale = (MAD_SCALE * median(&deviations)).max(0.03);
                let anomaly = Anomaly {
                    day,
                    actual: self.daily[day],
                    expected: expected[index],
                    z: (residuals[index] - centre) / scale,
                };
                let off = (anomaly.actual - anomaly.expected).abs();
                let least = (0.02 * mean(&self.daily[day - 28..day])).max(100.0);
                let stands_out = anomaly.z.abs() > 3.5 && off / anomaly.expected >= 0.25 && off >= least;
                stands_out.then_some(anomaly)
            })
            .collect()
    }

    fn weekday_of(&self, day: usize) -> usize {
        (day + self.first_weekday) % 7
    }

    /// Median per weekday of the distance to the centred week's mean, then centred.
    fn weekday_factors(&self, logs: &[f64], start: usize) -> [f64; 7] {
        let mut by_day: [Vec<f64>; 7] = Default::default();
        for (index, week) in logs.windows(7).enumerate() {
            by_day[self.weekday_of(start + index + 3)].push(week[3] - mean(week));
        }
        let factors = by_day.map(|values| if values.is_empty() { 0.0 } else { median(&values) });
        let centre = mean(&factors);
        factors.map(|factor| factor - centre)
    }
}

/// Pulls outliers to 3 robust deviations around the median of the 13 days around them.
fn clip(values: &[f64]) -> Vec<f64> {
    let around: Vec<f64> = (0..values.len())
        .map(|index| median(&values[index.saturating_sub(6)..(index + 7).min(values.len())]))
        .collect();
    let distances: Vec<f64> = values
        .iter()
        .zip(&around)
        .map(|(value, centre)| value - centre)
        .collect();
    let centre = median(&distances);
    let deviations: Vec<f64> = distances
        .iter()
        .map(|distance| (distance - centre).abs())
        .collect();
    let most = 3.0 * (MAD_SCALE * median(&deviations) + 1e-6);
    values
        .iter()
        .zip(&around)
        .map(|(value, centre)| value.clamp(centre - most, centre + most))
        .collect()
}

/// Level at the last day and slope, recent days weighing more.
fn weighted_line(values: &[f64]) -> (f64, f64) {
    let last = values.len() as f64 - 1.0;
    let points = || {
        values.iter().enumerate().map(move |(index, value)| {
            let day = index as f64 - last;
            (0.5_f64.powf(-day / HALF_LIFE), day, *value)
        })
    };
    let weight: f64 = points().map(|(weight, _, _)| weight).sum();
    let day_mean = points().map(|(weight, day, _)| weight * day).sum::<f64>() / weight;
    let value_mean = points().map(|(weight, _, value)| weight * value).sum::<f64>() / weight;
    let spread: f64 = points()
        .map(|(weight, day, _)| weight * (day - day_mean).powi(2))
        .sum();
    let together: f64 = points()
        .map(|(weight, day, value)| weight * (day - day_mean) * (value - value_mean))
        .sum();
    let slope = if spread > 0.0 { together / spread } else { 0.0 };
    let slope = slope.clamp(-STEEPEST, STEEPEST);
    (value_mean - slope * day_mean, slope)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    type7(&sorted, 0.5)
}
