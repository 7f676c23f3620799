//! The sentences of a report: what a gate shows, in the words that approvers read.

use super::endpoints::outcome;
use super::plan::Plan;
use super::report::{Cost, Endpoint, Latency, Method, Outcome, Report};
use crate::shadow::statistics::Interval;

/// Why quality is open without any pair.
pub(super) const NO_PAIRS: &str = "cannot be told, because there are no pairs.";

/// Why an endpoint that nobody measured is open.
pub(super) const UNMEASURED: &str =
    "cannot be told, because no trace has it on both arms although the plan sets a margin for it.";

/// WHAT of a reason: `stratum NAME`, else the endpoint's name.
pub(super) fn name(endpoint: &Endpoint) -> String {
    match &endpoint.stratum {
        Some(stratum) => format!("stratum {stratum}"),
        None => endpoint.endpoint.clone(),
    }
}

/// Why an endpoint is not passed.
pub(super) fn endpoint(endpoint: &Endpoint, blamed: bool) -> String {
    let scale = Scale::of(endpoint);
    let allowed = scale.size(endpoint.margin.unwrap_or(0.0));
    let seen = scale.seen(endpoint.estimate, judged(endpoint));
    let head = match endpoint.outcome {
        Some(Outcome::Inferior) => "worse than allowed",
        _ if blamed => "clearly worse, and not shown to stay within what is allowed",
        _ => "cannot be told yet",
    };
    let mut text = format!("{head}. The candidate is {seen}; up to {allowed} worse is allowed.");
    if let Some(p) = endpoint.mcnemar_holm.filter(|_| blamed) {
        text.push_str(&format!(
            " By chance alone this would come about with probability {}.",
            small(p)
        ));
    }
    text.push_str(&more(endpoint));
    text
}

/// How many traces there were, and how many would do.
fn more(endpoint: &Endpoint) -> String {
    let n = endpoint.n;
    match endpoint.n_needed {
        _ if one_session(endpoint) => {
            format!(" All {n} traces are of one session, which says nothing about the next.")
        }
        Some(needed) if needed > n => format!(
            " {n} traces were tested; about {} would settle it.",
            grouped(needed)
        ),
        _ if endpoint.interval.is_none() => {
            format!(" {n} traces were tested, too few of a kind or session to bound it.")
        }
        _ => format!(" {} traces were tested.", grouped(n)),
    }
}

/// Why cost is not passed.
pub(super) fn cost(cost: Option<&Cost>) -> String {
    let Some(cost) = cost else {
        return "cannot be told, because no trace has a cost on both arms.".to_owned();
    };
    let Some(ratio) = cost.ratio else {
        return "cannot be told, because the incumbent cost nothing on the tested traces.".to_owned();
    };
    let range = cost.interval.map_or_else(
        || format!("{ratio:.3} times as much, on too few traces to bound it"),
        |limits| times(ratio, limits),
    );
    let head = if cost.outcome == Outcome::Inferior {
        "dearer than allowed"
    } else {
        "cannot be told yet"
    };
    format!(
        "{head}. The candidate costs {range}; it must cost {}.",
        below(cost.margin, "much")
    )
}

/// Why latency is not passed.
pub(super) fn latency(latency: &Latency) -> String {
    let Some(ratio) = latency.p95_ratio else {
        return "cannot be told, because the incumbent's 95th percentile is 0 ms.".to_owned();
    };
    let limit = format!("it must take {}.", below(ratio.margin, "long"));
    let Some(limits) = ratio.interval else {
        let n = latency.n;
        return format!("cannot be told from {n} traces, too few to bound a 95th percentile; {limit}");
    };
    let head = if ratio.outcome == Outcome::Inferior {
        "slower than allowed"
    } else {
        "cannot be told yet"
    };
    format!(
        "{head}. The slowest 5 % take {} as long; {limit}",
        times(ratio.ratio, limits).replace(" as much", "")
    )
}

/// What decides nothing and should be seen: worse within the margin, a noisy incumbent, methods that disagree,
/// strata that the sample lacks.
pub(super) fn notes(plan: &Plan, report: &Report) -> Vec<String> {
    let passed = |e: &&Endpoint| e.outcome == Some(Outcome::NonInferior);
    let mut notes: Vec<String> = report
        .endpoints
        .iter()
        .filter(passed)
        .filter(|e| e.measurably_worse && e.endpoint != "quality_weighted")
        .map(|e| {
            let scale = Scale::of(e);
            let seen = scale.seen(e.estimate, judged(e));
            format!(
                "{}: measurably worse, though within what is allowed. The candidate is {seen}.",
                name(e)
            )
        })
        .collect();
    notes.extend(report.endpoints.iter().filter_map(doubtful_score));
    let same = [
        ("as recorded and now", &report.aa.recorded),
        ("asked twice", &report.aa.incumbent_repeat),
    ];
    notes.extend(same.into_iter().filter_map(|(how, e)| noise(how, e.as_ref()?)));
    let absent = plan.strata.keys().filter(|name| {
        !report
            .endpoints
            .iter()
            .any(|e| e.stratum.as_deref() == Some(name.as_str()))
    });
    notes.extend(
        absent.map(|name| format!("stratum {name}: the plan names it, but no trace of it was tested.")),
    );
    notes
}

/// A score whose bootstrap interval would judge the margin otherwise.
fn doubtful_score(endpoint: &Endpoint) -> Option<String> {
    let (bca, margin) = endpoint.bca.zip(endpoint.margin)?;
    let other = outcome(Some(bca), margin);
    (endpoint.outcome != Some(other)).then(|| {
        let range = Scale::Score.range(bca);
        format!(
            "{}: the bootstrap, which assumes less, puts it {range} and would not agree.",
            name(endpoint)
        )
    })
}

/// The incumbent against itself moves by more than half the margin.
fn noise(how: &str, endpoint: &Endpoint) -> Option<String> {
    let margin = endpoint.margin?;
    (endpoint.estimate.abs() > margin / 2.0).then(|| {
        let (moved, allowed) = (Scale::Points.size(endpoint.estimate), Scale::Points.size(margin));
        format!("quality: today's model against itself ({how}) moves by {moved}, so a margin of {allowed} is within its noise.")
    })
}

/// The limits that an endpoint was judged by.
fn judged(endpoint: &Endpoint) -> Option<Interval> {
    let own = endpoint.interval?;
    Some(endpoint.cluster_interval.map_or(own, |other| own.hull(other)))
}

/// Whether the limits over traces would decide, but all traces are of one cluster.
fn one_session(endpoint: &Endpoint) -> bool {
    let by_traces = judged(endpoint)
        .zip(endpoint.margin)
        .map(|(limits, margin)| outcome(Some(limits), margin));
    endpoint.method == Method::Tango
        && endpoint.outcome == Some(Outcome::Inconclusive)
        && by_traces != Some(Outcome::Inconclusive)
}

/// 1727 as "1,727".
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|g| std::str::from_utf8(g).ok())
        .collect();
    groups.join(",")
}

/// How a difference is said.
#[derive(Clone, Copy)]
enum Scale {
    /// Shares, in points of a hundred.
    Points,
    /// Judged scores, as they are.
    Score,
}

impl Scale {
    fn of(endpoint: &Endpoint) -> Self {
        if endpoint.endpoint == "score" {
            Self::Score
        } else {
            Self::Points
        }
    }

    fn size(self, x: f64) -> String {
        match self {
            Self::Points => format!("{:.1} points", x.abs() * 100.0),
            Self::Score => format!("{:.3}", x.abs()),
        }
    }

    fn signed(self, x: f64) -> String {
        format!("{} {}", self.size(x), if x < 0.0 { "worse" } else { "better" })
    }

    fn seen(self, estimate: f64, limits: Option<Interval>) -> String {
        let what = if estimate == 0.0 {
            "neither better nor worse".to_owned()
        } else {
            self.signed(estimate)
        };
        match limits {
            Some(limits) => format!("{what} ({})", self.range(limits)),
            None => what,
        }
    }

    fn range(self, limits: Interval) -> String {
        let number = |x: f64| self.size(x).replace(" points", "");
        if limits.upper < 0.0 {
            format!(
                "between {} and {}",
                number(limits.upper),
                self.signed(limits.lower)
            )
        } else if limits.lower >= 0.0 {
            format!(
                "between {} and {}",
                number(limits.lower),
                self.signed(limits.upper)
            )
        } else {
            format!(
                "between {} and {}",
                self.signed(limits.lower),
                self.signed(limits.upper)
            )
        }
    }
}

fn times(ratio: f64, limits: Interval) -> String {
    format!(
        "{ratio:.3} times as much (between {:.3} and {:.3})",
        limits.lower, limits.upper
    )
}

/// A p-value for people.
fn small(p: f64) -> String {
    if p < 0.0001 {
        "below 0.0001".to_owned()
    } else {
        format!("{p:.4}")
    }
}

/// The condition that a ratio must meet; `measure` is "much" or "long".
fn below(margin: f64, measure: &str) -> String {
    if margin == 1.0 {
        "less than today".to_owned()
    } else {
        format!("less than {margin} times as {measure} as today")
    }
}
