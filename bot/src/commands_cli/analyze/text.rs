//! A shadow-test report as a table for people, each interval drawn beside its margin.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};
use workflow_engine::shadow::analysis::report::{Cost, Endpoint, Latency, Outcome, Report, Verdict};
use workflow_engine::shadow::statistics::Interval;

/// Half the width of a drawn interval, in characters.
const HALF: i32 = 20;

/// The whole report in words and lines.
pub(super) fn table(report: &Report) -> String {
    let verdict = match report.verdict {
        Verdict::Eligible => "Eligible",
        Verdict::NotEligible => "Not eligible",
        Verdict::Inconclusive => "Cannot be told yet",
    };
    let mut text = format!(
        "{verdict}. {} traces, plan {}.\n\n",
        report.n,
        report.plan_sha256.short()
    );
    for line in endpoints(report).to_string().lines() {
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push('\n');
    if let Some(cost) = &report.cost {
        let _ = writeln!(text, "Cost      {}", of_cost(cost));
    }
    if let Some(latency) = &report.latency {
        let _ = writeln!(text, "Latency   {}", of_latency(latency));
    }
    for (heading, sentences) in [("Why", &report.reasons), ("Note", &report.notes)] {
        for sentence in sentences {
            let _ = writeln!(text, "{heading:<9} {sentence}");
        }
    }
    text
}

fn endpoints(report: &Report) -> Table {
    let scale = scale(report);
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let ends = format!("{:<20}0{:>20}", format!("−{scale:.0}"), format!("+{scale:.0}"));
    table.set_header(["", "n", "points", "between", &ends, ""]);
    for endpoint in &report.endpoints {
        let limits = drawn(endpoint);
        table.add_row([
            name(endpoint),
            endpoint.n.to_string(),
            signed(endpoint.estimate),
            limits.map_or_else(
                || "–".to_owned(),
                |l| format!("{} and {}", signed(l.lower), signed(l.upper)),
            ),
            line(endpoint, limits, scale),
            outcome(endpoint),
        ]);
    }
    for column in [1, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn name(endpoint: &Endpoint) -> String {
    match &endpoint.stratum {
        Some(stratum) => format!("  {stratum}"),
        None => endpoint.endpoint.clone(),
    }
}

/// The limits that judge: the wider of both where traces hang together.
fn drawn(endpoint: &Endpoint) -> Option<Interval> {
    let own = endpoint.interval?;
    Some(endpoint.cluster_interval.map_or(own, |other| own.hull(other)))
}

/// Points at the ends of the drawing: enough for every limit and margin, in steps of five.
fn scale(report: &Report) -> f64 {
    let limits = report
        .endpoints
        .iter()
        .filter_map(drawn)
        .flat_map(|l| [l.lower.abs(), l.upper.abs()]);
    let margins = report.endpoints.iter().filter_map(|e| e.margin);
    let largest = limits.chain(margins).fold(0.05, f64::max);
    (largest * 20.0).ceil() * 5.0
}

/// `─` between the limits, `●` at the estimate, `┊` at the margin, `│` at no difference.
fn line(endpoint: &Endpoint, limits: Option<Interval>, scale: f64) -> String {
    let place = |x: f64| ((x * 100.0 / scale * f64::from(HALF)).round() as i32).clamp(-HALF, HALF);
    let reach = limits.map(|l| place(l.lower)..=place(l.upper));
    (-HALF..=HALF)
        .map(|at| {
            let covered = reach.as_ref().is_some_and(|reach| reach.contains(&at));
            match at {
                at if at == place(endpoint.estimate) => '●',
                at if endpoint.margin.is_some_and(|margin| at == place(-margin)) => {
                    if covered {
                        '┼'
                    } else {
                        '┊'
                    }
                }
                _ if covered => '─',
                0 => '│',
                _ => ' ',
            }
        })
        .collect()
}

fn outcome(endpoint: &Endpoint) -> String {
    let allowed = endpoint
        .margin
        .map(|margin| format!("{:.1}", margin * 100.0))
        .unwrap_or_default();
    let word = match endpoint.outcome {
        Some(Outcome::NonInferior) => format!("within {allowed}"),
        Some(Outcome::Inferior) => format!("worse than {allowed}"),
        Some(Outcome::Inconclusive) => match endpoint.n_needed.filter(|needed| *needed > endpoint.n) {
            Some(needed) => format!("not shown within {allowed} (needs about {needed})"),
            None => format!("not shown within {allowed}"),
        },
        None => "shown only".to_owned(),
    };
    if endpoint.measurably_worse {
        format!("{word}, measurably worse")
    } else {
        word
    }
}

fn of_cost(cost: &Cost) -> String {
    let mut text = format!("{} became {}", cost.incumbent_usd, cost.candidate_usd);
    if let Some(ratio) = cost.ratio {
        let _ = write!(text, ", {ratio:.3} times{}", range(cost.interval));
    }
    if let Some((tokens, price)) = cost.token_effect.zip(cost.price_effect) {
        let _ = write!(text, "; tokens {tokens:.3} times, price {price:.3} times");
    }
    text
}

fn of_latency(latency: &Latency) -> String {
    let [p50, p95] = [latency.p50, latency.p95];
    let mut text = format!(
        "median {:.0} → {:.0} ms, 95th percentile {:.0} → {:.0} ms",
        p50.incumbent.0, p50.candidate.0, p95.incumbent.0, p95.candidate.0
    );
    if let Some(ratio) = latency.p95_ratio {
        let _ = write!(text, ", {:.3} times{}", ratio.ratio, range(ratio.interval));
    }
    text
}

fn range(limits: Option<Interval>) -> String {
    limits.map_or_else(
        || " (too few traces to bound it)".to_owned(),
        |l| format!(" (between {:.3} and {:.3})", l.lower, l.upper),
    )
}

fn signed(x: f64) -> String {
    let points = format!("{:.1}", x.abs() * 100.0);
    if points == "0.0" {
        return points;
    }
    format!("{}{points}", if x < 0.0 { '−' } else { '+' })
}
