//! The interval plot: one line a kind of request, the allowed loss as a shaded zone, the same model against itself behind.

use std::cmp::Ordering;

use workflow_engine::evidence::figures;

use super::{
    Width, both,
    scale::Scale,
    svg::{Anchor, Svg},
};

/// How a kind of request came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Within the allowed loss, surely enough.
    Fine,
    /// Beyond the allowed loss.
    Worse,
    /// Cannot be told from these calls.
    Open,
}

impl Outcome {
    fn class(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Worse => "worse",
            Self::Open => "open",
        }
    }
}

/// One line of the plot. Differences are candidate minus today, in points of 100 answers.
#[derive(Clone, Debug)]
pub struct Row {
    /// The kind of request, or "All requests".
    pub label: String,
    /// Pairs behind it.
    pub pairs: u64,
    /// Best estimate.
    pub estimate: f64,
    /// Interval, low and high.
    pub interval: (f64, f64),
    /// The loss that is allowed, as a positive number of points.
    pub margin: f64,
    /// How it came out.
    pub outcome: Outcome,
    /// Whether it is surely worse, be it by less than is allowed.
    pub measurably_worse: bool,
    /// The row over everything: drawn first and apart.
    pub overall: bool,
}

impl Row {
    /// How it came out, as a page says it.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match (self.outcome, self.measurably_worse) {
            (Outcome::Fine, true) => "a little worse, within what is allowed",
            (Outcome::Fine, false) => "no worse",
            (Outcome::Worse, _) => "worse",
            (Outcome::Open, _) => "cannot be told yet",
        }
    }
}

/// What the plot shows.
#[derive(Clone, Debug, Default)]
pub struct Plot {
    /// The lines, in any order.
    pub rows: Vec<Row>,
    /// Where the same model against itself lies (low, high), if that arm was replayed.
    pub same_model: Option<(f64, f64)>,
}

/// A signed number of points as people read it: `+3.8`, `−1.9`, `0.0`.
#[must_use]
pub fn points(value: f64) -> String {
    figures::points(value / 100.0)
}

/// The rows as they are drawn: all requests first, then the riskiest (lowest lower limit against its margin) first.
#[must_use]
pub fn sorted(rows: &[Row]) -> Vec<&Row> {
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_by(|a, b| {
        let room = |row: &Row| row.interval.0 + row.margin;
        b.overall
            .cmp(&a.overall)
            .then(room(a).partial_cmp(&room(b)).unwrap_or(Ordering::Equal))
    });
    sorted
}

/// The plot as two `<svg>` elements, wide and narrow.
#[must_use]
pub fn draw(plot: &Plot) -> String {
    both(|width| draw_at(plot, width))
}

const TOP: f64 = 30.0;

fn draw_at(plot: &Plot, width: Width) -> String {
    let rows = sorted(&plot.rows);
    let (left, row_height) = match width {
        Width::Wide => (312.0, 36.0),
        Width::Narrow => (10.0, 50.0),
    };
    let right = if width == Width::Wide {
        width.units() - 128.0
    } else {
        width.units() - 10.0
    };
    let scale = Scale::covering(
        rows.iter()
            .flat_map(|row| [row.interval.0, row.interval.1, -row.margin])
            .chain([0.0])
            .chain(plot.same_model.into_iter().flat_map(|(low, high)| [low, high])),
        (left, right),
    );
    let gap = if rows.first().is_some_and(|row| row.overall) && rows.len() > 1 {
        10.0
    } else {
        0.0
    };
    let bottom = TOP + row_height * rows.len() as f64 + gap;
    let mut svg = Svg::new(width);
    axis(
        &mut svg,
        &scale,
        (left, bottom),
        if width == Width::Wide { 7 } else { 4 },
    );
    if let Some((low, high)) = plot.same_model {
        svg.group(
            "The same model against itself: differences in here are noise",
            |svg| {
                svg.zone("band", (scale.at(low), scale.at(high)), (TOP - 6.0, bottom));
            },
        );
    }
    svg.line("zero", (scale.at(0.0), TOP - 6.0), (scale.at(0.0), bottom));
    let mut y = TOP;
    for row in &rows {
        one(&mut svg, &scale, row, (left, y, row_height), width);
        y += row_height + if row.overall { gap } else { 0.0 };
    }
    svg.finish(bottom + 40.0, &in_words(&rows))
}

fn axis(svg: &mut Svg, scale: &Scale, (left, bottom): (f64, f64), count: u32) {
    for tick in scale.ticks(count) {
        let x = scale.at(tick);
        svg.line("tick", (x, TOP - 6.0), (x, bottom));
        let label = format!(
            "{}{}",
            if tick < 0.0 {
                "−"
            } else if tick > 0.0 {
                "+"
            } else {
                ""
            },
            tick.abs()
        );
        svg.text("axis", Anchor::Middle, (x, bottom + 16.0), &label);
    }
    let zero = scale.at(0.0);
    svg.text("axis", Anchor::End, (zero - 10.0, 14.0), "◂ worse than today");
    svg.text("axis", Anchor::Start, (zero + 10.0, 14.0), "better ▸");
    svg.text(
        "axis",
        Anchor::Middle,
        (scale.at(0.0), bottom + 34.0),
        "points of 100 answers",
    );
    if left > 100.0 {
        svg.text("axis", Anchor::End, (left - 12.0, 14.0), "pairs");
    }
}

fn one(svg: &mut Svg, scale: &Scale, row: &Row, (left, y, height): (f64, f64, f64), width: Width) {
    let (low, high) = row.interval;
    let value = format!("{} ({} to {})", points(row.estimate), points(low), points(high));
    let title = format!(
        "{}: {value} points on {} pairs, {}; up to {:.0} points worse is allowed",
        row.label,
        row.pairs,
        row.words(),
        row.margin
    );
    let middle = if width == Width::Wide {
        y + height / 2.0
    } else {
        y + height - 14.0
    };
    svg.group(&title, |svg| {
        svg.zone(
            "allowed",
            (scale.at(-row.margin), scale.at(0.0)),
            (middle - 9.0, middle + 9.0),
        );
        svg.line(
            "limit",
            (scale.at(-row.margin), middle - 9.0),
            (scale.at(-row.margin), middle + 9.0),
        );
        let class = row.outcome.class();
        svg.line(
            &format!("reach {class}"),
            (scale.at(low), middle),
            (scale.at(high), middle),
        );
        for end in [low, high] {
            svg.line(
                &format!("reach {class}"),
                (scale.at(end), middle - 4.0),
                (scale.at(end), middle + 4.0),
            );
        }
        let at = (scale.at(row.estimate), middle);
        match row.outcome {
            Outcome::Worse => svg.diamond(&format!("mark {class}"), at),
            Outcome::Open => svg.point(&format!("mark {class} hollow"), at),
            Outcome::Fine => svg.point(&format!("mark {class}"), at),
        }
        let label = if row.overall { "label strong" } else { "label" };
        match width {
            Width::Wide => {
                svg.text(
                    label,
                    Anchor::End,
                    (left - 62.0, middle + 4.5),
                    &shortened(&row.label, 38),
                );
                svg.text(
                    "count",
                    Anchor::End,
                    (left - 12.0, middle + 4.5),
                    &row.pairs.to_string(),
                );
                svg.text(
                    "value",
                    Anchor::End,
                    (width.units() - 2.0, middle + 4.5),
                    &short_value(row),
                );
            }
            Width::Narrow => {
                let label_text = format!("{} · {}", shortened(&row.label, 24), row.pairs);
                svg.text(label, Anchor::Start, (left, y + 16.0), &label_text);
                svg.text(
                    "value",
                    Anchor::End,
                    (width.units() - 10.0, y + 16.0),
                    &short_value(row),
                );
            }
        }
    });
}

fn short_value(row: &Row) -> String {
    format!(
        "{} [{}, {}]",
        points(row.estimate),
        points(row.interval.0),
        points(row.interval.1)
    )
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most - 1).collect();
    short.push('…');
    short
}

fn in_words(rows: &[&Row]) -> String {
    let mut label = "Difference in right answers by kind of request, in points. ".to_owned();
    for row in rows {
        let (low, high) = row.interval;
        label.push_str(&format!(
            "{}: {}, between {} and {}, {}. ",
            row.label,
            points(row.estimate),
            points(low),
            points(high),
            row.words()
        ));
    }
    label.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(label: &str, low: f64, high: f64, outcome: Outcome) -> Row {
        Row {
            label: label.to_owned(),
            pairs: 240,
            estimate: f64::midpoint(low, high),
            interval: (low, high),
            margin: 10.0,
            outcome,
            measurably_worse: high < 0.0,
            overall: label == "All requests",
        }
    }

    #[test]
    fn the_riskiest_kind_stands_first_below_all_requests() {
        let rows = [
            row("simple", -1.0, 2.0, Outcome::Fine),
            row("relevance", -12.1, -3.6, Outcome::Worse),
            row("All requests", -3.5, -0.5, Outcome::Fine),
        ];
        let labels: Vec<_> = sorted(&rows).iter().map(|row| row.label.as_str()).collect();
        assert_eq!(labels, ["All requests", "relevance", "simple"]);
    }

    #[test]
    fn the_picture_says_in_words_what_it_shows() {
        let plot = Plot {
            rows: vec![row("relevance", -12.1, -3.6, Outcome::Worse)],
            same_model: Some((-1.0, 1.0)),
        };
        let svg = draw(&plot);
        assert!(svg.contains("(−12.1 to −3.6) points on"), "{svg}");
        assert!(svg.contains(", worse; up to"), "{svg}");
        assert!(!svg.contains("style="), "the pages forbid inline styles");
        assert_eq!(svg.matches("<svg").count(), 2);
    }
}
