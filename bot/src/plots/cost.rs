//! The cost bridge: from today's cost to the candidate's by way of tokens and of prices, each step a line with a direction.

use workflow_engine::evidence::figures::change;

use super::{
    Width, both,
    scale::Scale,
    svg::{Anchor, Svg},
};

/// What the bridge shows; all figures are ratios to today's cost of the same calls.
#[derive(Clone, Copy, Debug)]
pub struct Bridge {
    /// Candidate's tokens ÷ today's tokens.
    pub tokens: f64,
    /// What remains: the price of a token, candidate ÷ today.
    pub price: f64,
    /// Candidate's cost ÷ today's.
    pub ratio: f64,
    /// Its interval.
    pub interval: (f64, f64),
}

/// A ratio as a share of today: `43 % of today`, `2.1 × today`.
#[must_use]
pub fn share(ratio: f64) -> String {
    if ratio >= 1.995 {
        return format!("{ratio:.1} × today");
    }
    if ratio < 0.095 {
        return format!("{:.1} % of today", ratio * 100.0);
    }
    format!("{:.0} % of today", ratio * 100.0)
}

/// The bridge as two `<svg>` elements, wide and narrow.
#[must_use]
pub fn draw(bridge: &Bridge) -> String {
    both(|width| draw_at(bridge, width))
}

const TOP: f64 = 12.0;

fn draw_at(bridge: &Bridge, width: Width) -> String {
    let left = if width == Width::Wide { 232.0 } else { 10.0 };
    let right = width.units() - if width == Width::Wide { 112.0 } else { 10.0 };
    let line = if width == Width::Wide { 32.0 } else { 42.0 };
    let (low, high) = bridge.interval;
    let scale =
        Scale::covering([0.0, 1.0, bridge.tokens, bridge.ratio, low, high], (left, right)).begun_at_zero();
    let bottom = TOP + 4.0 * line;
    let mut svg = Svg::new(width);
    for tick in scale.ticks(if width == Width::Wide { 6 } else { 4 }) {
        svg.line("tick", (scale.at(tick), TOP - 6.0), (scale.at(tick), bottom));
        svg.text(
            "axis",
            Anchor::Middle,
            (scale.at(tick), bottom + 16.0),
            &format!("{:.0} %", tick * 100.0),
        );
    }
    svg.line("zero", (scale.at(1.0), TOP - 6.0), (scale.at(1.0), bottom));
    let mut row = Rows {
        svg,
        scale,
        left,
        line,
        y: TOP,
    };
    row.point("Today", "100 %", 1.0, None);
    row.step("Tokens used", &change(bridge.tokens), (1.0, bridge.tokens));
    row.step(
        "Price of a token",
        &change(bridge.price),
        (bridge.tokens, bridge.ratio),
    );
    row.point(
        "Candidate",
        &share(bridge.ratio),
        bridge.ratio,
        Some(bridge.interval),
    );
    row.svg.finish(bottom + 24.0, &in_words(bridge))
}

/// The rows while they are drawn, from the top down.
struct Rows {
    svg: Svg,
    scale: Scale,
    left: f64,
    line: f64,
    y: f64,
}

impl Rows {
    fn point(&mut self, label: &str, value: &str, at: f64, interval: Option<(f64, f64)>) {
        let middle = self.label(label, value);
        if let Some((low, high)) = interval {
            self.svg.line(
                "reach candidate",
                (self.scale.at(low), middle),
                (self.scale.at(high), middle),
            );
        }
        let class = if interval.is_some() {
            "mark candidate"
        } else {
            "mark today hollow"
        };
        self.svg.point(class, (self.scale.at(at), middle));
    }

    fn step(&mut self, label: &str, value: &str, (from, to): (f64, f64)) {
        let middle = self.label(label, value);
        let class = if to > from { "worse" } else { "fine" };
        let (start, end) = (self.scale.at(from), self.scale.at(to));
        self.svg
            .line(&format!("reach {class}"), (start, middle), (end, middle));
        self.svg
            .line("tick", (start, middle - 6.0), (start, middle + 6.0));
        if (end - start).abs() > 2.0 {
            self.svg.tip(&format!("mark {class}"), (end, middle), end > start);
        }
    }

    fn label(&mut self, label: &str, value: &str) -> f64 {
        let y = self.y;
        self.y += self.line;
        if self.left > 100.0 {
            let middle = y + self.line / 2.0;
            self.svg
                .text("label", Anchor::End, (self.left - 12.0, middle + 4.5), label);
            self.svg.text("value", Anchor::End, (718.0, middle + 4.5), value);
            return middle;
        }
        self.svg
            .text("label", Anchor::Start, (self.left, y + 14.0), label);
        self.svg.text("value", Anchor::End, (310.0, y + 14.0), value);
        y + self.line - 12.0
    }
}

fn in_words(bridge: &Bridge) -> String {
    format!(
        "Cost against today: tokens {}, price of a token {}, together {} (between {} and {}).",
        change(bridge.tokens),
        change(bridge.price),
        share(bridge.ratio),
        share(bridge.interval.0),
        share(bridge.interval.1)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bridge_says_both_effects_and_the_whole() {
        let bridge = Bridge {
            tokens: 0.961,
            price: 0.0175,
            ratio: 0.0168,
            interval: (0.0161, 0.0175),
        };
        assert!(draw(&bridge).contains(
            "Cost against today: tokens −3.9 %, price of a token −98 %, together 1.7 % of today (between 1.6 % of today and 1.8 % of today)."
        ));
    }

    #[test]
    fn a_dearer_candidate_is_told_in_multiples() {
        assert_eq!(
            [share(2.13), share(1.2), change(1.0)],
            ["2.1 × today", "120 % of today", "no change"]
        );
    }
}
