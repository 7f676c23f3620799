//! The latency plot: how many of 100 calls are answered by when on both arms, two quantiles with their limits, and the target.

use workflow_engine::evidence::figures::seconds;

use super::{
    Width, both,
    scale::Scale,
    svg::{Anchor, Svg},
};

/// A quantile with limits, in milliseconds; a limit that these calls cannot bound is absent.
#[derive(Clone, Copy, Debug)]
pub struct Quantile {
    /// Best estimate.
    pub value: f64,
    /// Lower and upper limit.
    pub limits: Option<(f64, f64)>,
}

/// One line: whose quantile it is.
#[derive(Clone, Debug)]
pub struct Row {
    /// `half of calls`, `95 of 100 calls`.
    pub label: String,
    /// Today's route.
    pub today: Quantile,
    /// The candidate.
    pub candidate: Quantile,
}

/// What the plot shows.
#[derive(Clone, Debug, Default)]
pub struct Plot {
    /// The quantiles.
    pub rows: Vec<Row>,
    /// Milliseconds at 1 %, 2 %, … of calls, today's route first; empty draws the quantiles alone.
    pub curve: Vec<[f64; 2]>,
    /// 95 of 100 calls must be answered within this many milliseconds.
    pub target_ms: Option<f64>,
}

/// The plot as two `<svg>` elements, wide and narrow.
#[must_use]
pub fn draw(plot: &Plot) -> String {
    both(|width| draw_at(plot, width))
}

fn draw_at(plot: &Plot, width: Width) -> String {
    let left = if width == Width::Wide { 232.0 } else { 10.0 };
    let right = width.units() - if width == Width::Wide { 112.0 } else { 10.0 };
    let line = if width == Width::Wide { 28.0 } else { 40.0 };
    let values = plot.rows.iter().flat_map(|row| {
        [row.today, row.candidate].into_iter().flat_map(|quantile| {
            [
                quantile.value,
                quantile.limits.map_or(quantile.value, |(_, high)| high),
            ]
        })
    });
    let last = plot.curve.last().into_iter().flatten().copied();
    let scale = Scale::covering(values.chain(plot.target_ms).chain(last), (left, right)).begun_at_zero();
    // Room for the target's words, where there is one.
    let top = if plot.target_ms.is_some() { 26.0 } else { 10.0 };
    let panel = if plot.curve.is_empty() { 0.0 } else { PANEL + 24.0 };
    let bottom = top + panel + plot.rows.len() as f64 * (2.0 * line + 10.0);
    let mut svg = Svg::new(width);
    for tick in scale.ticks(if width == Width::Wide { 6 } else { 3 }) {
        let x = scale.at(tick);
        svg.line("tick", (x, top - 6.0), (x, bottom));
        svg.text("axis", Anchor::Middle, (x, bottom + 16.0), &seconds(tick));
    }
    if let Some(target) = plot.target_ms {
        let x = scale.at(target);
        svg.line("limit", (x, top - 6.0), (x, bottom));
        svg.text(
            "axis",
            Anchor::End,
            (x + 2.0, 14.0),
            &format!("target {}", seconds(target)),
        );
    }
    if !plot.curve.is_empty() {
        curves(&mut svg, &scale, &plot.curve, (left, right, top));
    }
    let mut y = top + panel;
    for row in &plot.rows {
        for (arm, quantile, class) in [
            ("today", row.today, "today"),
            ("candidate", row.candidate, "candidate"),
        ] {
            one(
                &mut svg,
                &scale,
                (&format!("{}, {arm}", row.label), quantile, class),
                (left, y, line),
            );
            y += line;
        }
        y += 10.0;
    }
    svg.finish(bottom + 24.0, &in_words(plot))
}

/// Room for the longer of the two names, `candidate`.
const NAME: f64 = 70.0;
/// Height of the panel with the curves.
const PANEL: f64 = 150.0;

/// Calls answered by then, of 100: today's route dashed, the candidate drawn through, each named at its line.
fn curves(svg: &mut Svg, scale: &Scale, curve: &[[f64; 2]], (left, right, top): (f64, f64, f64)) {
    let wide = left > 100.0;
    let height = |percent: f64| top + PANEL * (1.0 - percent / 100.0);
    for percent in [0.0, 50.0, 95.0] {
        let y = height(percent);
        svg.line("tick", (left, y), (right, y));
        let label = format!("{percent:.0}");
        if wide {
            let label = if percent == 95.0 {
                "95 of 100 calls".to_owned()
            } else {
                label
            };
            svg.text("axis", Anchor::End, (left - 12.0, y + 4.0), &label);
        } else {
            svg.text("axis", Anchor::End, (right, y - 3.0), &label);
        }
    }
    let points = |arm: usize| {
        let heights = (1_u32..).map(|percent| height(f64::from(percent)));
        let line = curve
            .iter()
            .zip(heights)
            .map(move |(at, y)| (scale.at(at[arm]), y));
        std::iter::once((scale.at(0.0), height(0.0)))
            .chain(line)
            .collect::<Vec<_>>()
    };
    svg.group(
        "Calls answered by then, today’s route and the candidate",
        |svg| {
            svg.path("curve today", &points(0));
            svg.path("curve candidate", &points(1));
        },
    );
    // Named where the two lie furthest apart, the faster one above left if its name fits there, the slower one below right.
    let apart = |at: &[f64; 2]| (scale.at(at[0]) - scale.at(at[1])).abs();
    let room = |at: &[f64; 2]| scale.at(at[0].min(at[1])) - left > NAME;
    let known = 20..97_usize.min(curve.len());
    let place = known
        .clone()
        .filter(|index| *index < 85 && room(&curve[*index]))
        .max_by(|a, b| apart(&curve[*a]).total_cmp(&apart(&curve[*b])))
        .or_else(|| known.clone().find(|index| room(&curve[*index])))
        .or_else(|| known.last());
    let Some((at, percent)) = place.map(|index| (curve[index], index as f64 + 1.0)) else {
        return;
    };
    let y = height(percent);
    for (arm, name) in [(0, "today"), (1, "candidate")] {
        let x = scale.at(at[arm]);
        let (anchor, x, y) = match at[arm] <= at[1 - arm] {
            true if arm == 0 || at[0] != at[1] => (Anchor::End, (x - 6.0).max(left + NAME), y - 2.0),
            _ => (Anchor::Start, x + 6.0, y + 12.0),
        };
        svg.text(&format!("label on-{name}"), anchor, (x, y), name);
    }
}

fn one(
    svg: &mut Svg,
    scale: &Scale,
    (label, quantile, class): (&str, Quantile, &str),
    (left, y, line): (f64, f64, f64),
) {
    let wide = left > 100.0;
    let middle = if wide { y + line / 2.0 } else { y + line - 12.0 };
    svg.group(&format!("{label}: {}", in_words_of(quantile)), |svg| {
        if let Some((low, high)) = quantile.limits {
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
        }
        let hollow = if class == "today" { " hollow" } else { "" };
        svg.point(
            &format!("mark {class}{hollow}"),
            (scale.at(quantile.value), middle),
        );
        let end = if wide { 718.0 } else { 310.0 };
        if wide {
            svg.text("label", Anchor::End, (left - 12.0, middle + 4.5), label);
            svg.text(
                "value",
                Anchor::End,
                (end, middle + 4.5),
                &seconds(quantile.value),
            );
        } else {
            svg.text("label", Anchor::Start, (left, y + 14.0), label);
            svg.text("value", Anchor::End, (end, y + 14.0), &seconds(quantile.value));
        }
    });
}

fn in_words_of(quantile: Quantile) -> String {
    match quantile.limits {
        Some((low, high)) => {
            format!(
                "{}, between {} and {}",
                seconds(quantile.value),
                seconds(low),
                seconds(high)
            )
        }
        None => format!(
            "{}, limits cannot be told from so few calls",
            seconds(quantile.value)
        ),
    }
}

fn in_words(plot: &Plot) -> String {
    let mut label = "Time to answer. ".to_owned();
    for row in &plot.rows {
        label.push_str(&format!(
            "{}: today {}; candidate {}. ",
            row.label,
            in_words_of(row.today),
            in_words_of(row.candidate)
        ));
    }
    label.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_cannot_be_bounded_is_said_and_not_drawn() {
        let quantile = Quantile {
            value: 900.0,
            limits: None,
        };
        let plot = Plot {
            rows: vec![Row {
                label: "95 of 100 calls".to_owned(),
                today: quantile,
                candidate: quantile,
            }],
            target_ms: Some(2_000.0),
            curve: Vec::new(),
        };
        let svg = draw(&plot);
        assert!(svg.contains("limits cannot be told"));
        assert!(!svg.contains("reach"));
    }

    #[test]
    fn both_curves_are_drawn_and_named() {
        let plot = Plot {
            curve: (1..100)
                .map(|percent| [f64::from(percent) * 20.0, f64::from(percent) * 14.0])
                .collect(),
            ..Plot::default()
        };
        let svg = draw(&plot);
        assert_eq!(svg.matches(r#"<path class="curve today""#).count(), 2);
        assert!(
            svg.contains(">today</text>") && svg.contains(">candidate</text>"),
            "{svg}"
        );
    }
}
