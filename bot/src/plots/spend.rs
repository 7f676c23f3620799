//! Spend by day: stacked bars, one stack a day, with the day's part of the budget as a line. A table stands beside it.

use rust_decimal::{Decimal, prelude::ToPrimitive};
use workflow_engine::{
    finance::{digest::Day, words},
    values::Usd,
};

use super::{
    Width, both,
    scale::Scale,
    svg::{Anchor, Svg},
};

const TOP: f64 = 12.0;
const HEIGHT: f64 = 200.0;
const LEGEND_LINE: f64 = 20.0;

/// The stacks as two `<svg>` elements, wide and narrow; empty where there are no days.
#[must_use]
pub fn draw(days: &[Day], daily_budget: Option<Usd>) -> String {
    if days.is_empty() {
        return String::new();
    }
    both(|width| draw_at(days, daily_budget, width))
}

fn draw_at(days: &[Day], budget: Option<Usd>, width: Width) -> String {
    let (left, right) = (56.0, width.units() - 8.0);
    let bottom = TOP + HEIGHT;
    let limit = budget.map(value);
    let heights = days.iter().map(|day| value(sum(day)));
    let scale = Scale::covering(heights.chain(limit).chain([0.0]), (bottom, TOP)).begun_at_zero();
    let mut svg = Svg::new(width);
    for tick in scale.ticks(4) {
        svg.line("tick", (left, scale.at(tick)), (right, scale.at(tick)));
        svg.text(
            "axis",
            Anchor::End,
            (left - 8.0, scale.at(tick) + 4.0),
            &label(tick),
        );
    }
    let step = (right - left) / days.len() as f64;
    let every = days.len().div_ceil(if width == Width::Wide { 10 } else { 5 });
    for (index, day) in days.iter().enumerate() {
        let x = left + step * index as f64;
        svg.group(&spoken(day), |svg| {
            stack(svg, day, &scale, (x + step * 0.12, x + step * 0.88))
        });
        if index % every == 0 {
            let name = day.day.format("%-d %b").to_string();
            svg.text("axis", Anchor::Middle, (x + step / 2.0, bottom + 18.0), &name);
        }
    }
    if let Some(limit) = limit {
        svg.line("limit", (left, scale.at(limit)), (right, scale.at(limit)));
    }
    let end = legend(&mut svg, days, limit.is_some(), (left, right, bottom + 40.0));
    svg.finish(end, &described(days))
}

fn stack(svg: &mut Svg, day: &Day, scale: &Scale, across: (f64, f64)) {
    let mut below = Decimal::ZERO;
    for (index, (_, amount)) in day.parts.iter().enumerate() {
        // A correction that is negative takes nothing away from the picture; the table has it.
        if amount.0 <= Decimal::ZERO {
            continue;
        }
        let above = below + amount.0;
        let ends = (scale.at(value(Usd(above))), scale.at(value(Usd(below))));
        svg.zone(series(index), across, ends);
        below = above;
    }
}

/// The names below the bars, wrapped; answers where the picture ends.
fn legend(svg: &mut Svg, days: &[Day], budget: bool, (left, right, top): (f64, f64, f64)) -> f64 {
    let (mut x, mut y) = (left, top);
    let names = days[0]
        .parts
        .iter()
        .enumerate()
        .map(|(index, (name, _))| (series(index), name.as_str()));
    for (class, name) in names.chain(budget.then_some(("limit", "a day of the budget"))) {
        let wide = 22.0 + 7.0 * name.chars().count() as f64 + 16.0;
        if x + wide > right && x > left {
            (x, y) = (left, y + LEGEND_LINE);
        }
        if class == "limit" {
            svg.line(class, (x, y), (x + 14.0, y));
        } else {
            svg.zone(class, (x, x + 12.0), (y - 6.0, y + 6.0));
        }
        svg.text("axis", Anchor::Start, (x + 20.0, y + 4.0), name);
        x += wide;
    }
    y + LEGEND_LINE
}

/// The style sheet's class of a part; there are at most seven.
fn series(index: usize) -> &'static str {
    ["s0", "s1", "s2", "s3", "s4", "s5", "s6"][index.min(6)]
}

fn sum(day: &Day) -> Usd {
    day.parts.iter().map(|(_, amount)| *amount).sum()
}

fn value(amount: Usd) -> f64 {
    amount.0.to_f64().unwrap_or_default()
}

fn label(tick: f64) -> String {
    let amount = Decimal::from_f64_retain(tick).unwrap_or_default().round_dp(4);
    if amount.is_zero() {
        return "$0".to_owned();
    }
    format!("${}", words::short(amount))
}

/// `16 November: $600: support-answer $285, …`.
fn spoken(day: &Day) -> String {
    let parts: Vec<String> = day
        .parts
        .iter()
        .filter(|(_, amount)| *amount != Usd::ZERO)
        .map(|(name, amount)| format!("{name} {}", words::money(*amount)))
        .collect();
    let total = words::money(sum(day));
    match parts.is_empty() {
        true => format!("{}: nothing", words::day(day.day)),
        false => format!("{}: {total} ({})", words::day(day.day), parts.join(", ")),
    }
}

fn described(days: &[Day]) -> String {
    let total: Usd = days.iter().map(sum).sum();
    match (days.first(), days.last()) {
        (Some(first), Some(last)) => format!(
            "Spend by day from {} to {}, {} in all; the table has the figures",
            words::day(first.day),
            words::day(last.day),
            words::money(total)
        ),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(date: &str, parts: &[(&str, &str)]) -> Day {
        Day {
            day: date.parse().unwrap(),
            parts: parts
                .iter()
                .map(|(name, amount)| ((*name).to_owned(), Usd(amount.parse().unwrap())))
                .collect(),
        }
    }

    #[test]
    fn each_part_stands_on_the_one_below_and_names_itself() {
        let days = [
            day("2026-11-16", &[("support-answer", "300"), ("Unallocated", "20")]),
            day("2026-11-17", &[("support-answer", "100"), ("Unallocated", "0")]),
        ];
        let svg = draw(&days, Some(Usd("250".parse().unwrap())));
        assert_eq!(svg.matches("<svg").count(), 2);
        assert!(
            svg.contains("16 November: $320 (support-answer $300, Unallocated $20)"),
            "{svg}"
        );
        assert!(svg.contains("a day of the budget"));
        let one = svg.split("</svg>").next().unwrap();
        assert_eq!(one.matches(r#"class="s0""#).count(), 3, "two bars and the legend");
        assert_eq!(
            one.matches(r#"class="s1""#).count(),
            2,
            "nothing is drawn for nothing"
        );
    }

    #[test]
    fn no_days_is_no_picture_and_no_spend_is_an_empty_one() {
        assert_eq!(draw(&[], None), "");
        assert!(draw(&[day("2026-11-16", &[])], None).contains("16 November: nothing"));
    }
}
