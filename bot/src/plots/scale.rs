//! From values to positions, with ticks at round numbers.

/// A linear axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    left: f64,
    right: f64,
}

impl Scale {
    /// An axis from `left` to `right` that covers every finite one of `values` and a little more.
    pub(super) fn covering(values: impl IntoIterator<Item = f64>, (left, right): (f64, f64)) -> Self {
        let mut low = f64::INFINITY;
        let mut high = f64::NEG_INFINITY;
        for value in values.into_iter().filter(|value| value.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let pad = ((high - low) * 0.06)
            .max(f64::EPSILON * 16.0)
            .max(if low == high { 0.5 } else { 0.0 });
        Self {
            low: low - pad,
            high: high + pad,
            left,
            right,
        }
    }

    /// The same axis, begun at zero.
    pub(super) fn begun_at_zero(mut self) -> Self {
        self.low = 0.0;
        self
    }

    /// The position of `value`, held within the axis.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        self.left + share.clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// Round values for about `count` ticks.
    pub(super) fn ticks(&self, count: u32) -> Vec<f64> {
        let rough = (self.high - self.low) / f64::from(count.max(1));
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        let mut tick = (self.low / step).ceil() * step;
        let mut ticks = Vec::new();
        while tick <= self.high && ticks.len() < 64 {
            // Adding zero turns a negative zero into zero.
            ticks.push(tick + 0.0);
            tick = ((tick / step).round() + 1.0) * step;
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_the_axis() {
        let scale = Scale::covering([-12.1, 5.3], (0.0, 100.0));
        assert_eq!(scale.ticks(5), [-10.0, -5.0, 0.0, 5.0]);
    }

    #[test]
    fn a_single_value_or_none_still_makes_an_axis() {
        assert!((Scale::covering([3.0], (0.0, 10.0)).at(3.0) - 5.0).abs() < 1e-9);
        assert!(Scale::covering([f64::NAN], (0.0, 10.0)).at(0.5).is_finite());
    }
}
