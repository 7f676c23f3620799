//! What the test says: one sentence of verdict, two of evidence, three pictures and their tables.

use serde::Serialize;
use workflow_engine::{
    change::state::State,
    evidence::{
        figures::{about, count},
        packet::Monthly,
        sentences::{self, KindWords},
    },
    shadow::analysis::report::{BothArms, Cost, Endpoint, Latency, Outcome, Report, Verdict},
    values::Usd,
};

use super::judge::Judge;
use crate::plots::{
    cost::{self, share},
    interval::{self, points},
    latency,
};

/// The pictures of a report.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Pictures {
    /// Right answers by kind of request.
    pub quality: Option<Quality>,
    /// The cost bridge.
    pub cost: Option<Picture>,
    /// Time to answer.
    pub latency: Option<Picture>,
    /// Who judged free text.
    pub judge: Option<Judge>,
}

impl Pictures {
    /// Each picture's heading and its `<svg>` elements.
    #[must_use]
    pub fn titled(&self) -> Vec<(&'static str, &str)> {
        let quality = self
            .quality
            .as_ref()
            .map(|it| ("Answers, by kind of request", it.svg.as_str()));
        let cost = self.cost.as_ref().map(|it| ("Cost", it.svg.as_str()));
        let latency = self
            .latency
            .as_ref()
            .map(|it| ("Time to answer", it.svg.as_str()));
        [quality, cost, latency].into_iter().flatten().collect()
    }
}

/// A picture with its words.
#[derive(Clone, Debug, Serialize)]
pub struct Picture {
    svg: String,
    caption: String,
    sentence: Option<String>,
}

/// The interval plot with its table.
#[derive(Clone, Debug, Serialize)]
pub struct Quality {
    svg: String,
    caption: String,
    same_model: Option<String>,
    rows: Vec<QualityRow>,
    method: String,
}

#[derive(Clone, Debug, Serialize)]
struct QualityRow {
    label: String,
    pairs: String,
    estimate: String,
    interval: String,
    margin: String,
    words: &'static str,
    mark: &'static str,
    tone: &'static str,
}

/// Draws what the report holds; beside it the workflow's latency target in milliseconds, and what a month costs.
#[must_use]
pub fn pictures(
    report: &Report,
    words: &KindWords,
    (target_ms, monthly): (Option<u64>, Option<&Monthly>),
) -> Pictures {
    Pictures {
        quality: quality(report, words),
        cost: report.cost.as_ref().and_then(|cost| bridge(cost, monthly)),
        latency: report.latency.as_ref().map(|it| waiting(it, target_ms)),
        judge: report.judge.as_ref().map(Judge::of),
    }
}

/// The one sentence above everything: the verdict where there is one, else where the change stands.
#[must_use]
pub fn headline(state: State, report: Option<&Report>, kinds: &KindWords) -> String {
    match (state, report) {
        (_, Some(report)) => verdict(report, kinds),
        (State::PolicyDenied, None) => "Not allowed, and no prompt was sent".to_owned(),
        (State::ShadowFailed, None) => "The test could not be run".to_owned(),
        (State::Draft, None) => "Not handed in yet".to_owned(),
        (State::Submitted, None) => {
            "Policy is asked whether this data may be shown to the candidate".to_owned()
        }
        (State::ShadowTesting, None) => "Being tested on recorded calls".to_owned(),
        (State::Withdrawn, None) => "Withdrawn before there was evidence".to_owned(),
        (state, None) => format!("{}, without a test", state.title()),
    }
}

/// The verdict in one sentence.
#[must_use]
pub fn verdict(report: &Report, words: &KindWords) -> String {
    let cost = report.cost.as_ref().and_then(sentences::cost_words);
    match report.verdict {
        Verdict::Eligible => {
            let worse = overall(report).is_some_and(|overall| overall.measurably_worse);
            let quality = if worse {
                "Worse than today, within what is allowed"
            } else {
                "No worse than today"
            };
            match cost {
                Some(cost) => format!("{quality}, and it {}", bare(&cost)),
                None => quality.to_owned(),
            }
        }
        Verdict::NotEligible => match sentences::worse_places(report, words).as_slice() {
            [] => match report
                .cost
                .as_ref()
                .filter(|cost| cost.outcome == Outcome::Inferior)
            {
                Some(_) => format!("Not eligible: it {}", bare(&cost.unwrap_or_default())),
                None => "Not eligible: it is measurably worse than today".to_owned(),
            },
            [one] => format!("Not eligible: it is clearly worse {one}"),
            several => format!(
                "Not eligible: it is clearly worse in {} kinds of request",
                several.len()
            ),
        },
        Verdict::Inconclusive => "It cannot be told yet whether it is good enough".to_owned(),
    }
}

/// A phrase without the interval in brackets, which the sentences below carry.
fn bare(phrase: &str) -> &str {
    phrase.split(" (").next().unwrap_or(phrase)
}

/// The evidence in sentences: answers, then money; `monthly` is what a month costs on today's route.
#[must_use]
pub fn sentences(report: &Report, words: &KindWords, monthly: Option<Usd>) -> Vec<String> {
    let mut said = match report.verdict {
        Verdict::Eligible => return vec![sentences::evidence(report, words, monthly)],
        Verdict::NotEligible => sentences::not_eligible(report, words),
        Verdict::Inconclusive => vec![sentences::cannot_tell(report, words)],
    };
    let cost = report
        .cost
        .as_ref()
        .and_then(sentences::cost_words)
        .map(|cost| format!("It {cost}."));
    said.extend(cost.filter(|cost| !said.contains(cost)));
    said
}

fn overall(report: &Report) -> Option<&Endpoint> {
    report
        .endpoints
        .iter()
        .find(|it| it.endpoint == "quality" && it.stratum.is_none())
}

fn strata(report: &Report) -> impl Iterator<Item = &Endpoint> {
    report
        .endpoints
        .iter()
        .filter(|it| it.endpoint == "quality" && it.stratum.is_some())
}

fn quality(report: &Report, words: &KindWords) -> Option<Quality> {
    let overall = overall(report)?;
    let rows: Vec<_> = std::iter::once(overall)
        .chain(strata(report))
        .filter_map(|it| plot_row(it, words))
        .collect();
    let same_model = same_model(report);
    let plot = interval::Plot {
        rows: rows.clone(),
        same_model: same_model.map(|(band, _)| band),
    };
    let level = overall.level * 100.0;
    Some(Quality {
        svg: interval::draw(&plot),
        caption: format!("{} pairs, same prompts on both", count(report.n)),
        same_model: same_model.map(|(band, how)| {
            format!(
                "today’s model against itself, {how}: {} to {}",
                points(band.0),
                points(band.1)
            )
        }),
        rows: interval::sorted(&rows).into_iter().map(table_row).collect(),
        method: format!(
            "Difference in right answers, candidate minus today, paired by prompt: Tango score intervals at {level:.0} %. \
             “No worse” is non-inferiority: the lower limit lies above the allowed loss. \
             Recompute it with governor analyze on the exported pairs."
        ),
    })
}

/// Where today's model lies against itself, in points: asked twice where that was done, else as recorded and now.
fn same_model(report: &Report) -> Option<((f64, f64), &'static str)> {
    let twice = report.aa.incumbent_repeat.as_ref().map(|it| (it, "asked twice"));
    let recorded = || report.aa.recorded.as_ref().map(|it| (it, "recorded and now"));
    let (endpoint, how) = twice.or_else(recorded)?;
    let limits = endpoint.interval?;
    Some(((limits.lower * 100.0, limits.upper * 100.0), how))
}

fn plot_row(endpoint: &Endpoint, words: &KindWords) -> Option<interval::Row> {
    let limits = endpoint.interval?;
    Some(interval::Row {
        label: endpoint.stratum.as_ref().map_or_else(
            || "All requests".to_owned(),
            |kind| words.get(kind).cloned().unwrap_or_else(|| kind.clone()),
        ),
        pairs: endpoint.n,
        estimate: endpoint.estimate * 100.0,
        interval: (limits.lower * 100.0, limits.upper * 100.0),
        margin: endpoint.margin.unwrap_or_default() * 100.0,
        outcome: match endpoint.outcome {
            Some(Outcome::NonInferior) => interval::Outcome::Fine,
            Some(Outcome::Inferior) => interval::Outcome::Worse,
            // Whether by more than is allowed cannot be told, but that it is worse can.
            _ if endpoint.measurably_worse => interval::Outcome::Worse,
            _ => interval::Outcome::Open,
        },
        measurably_worse: endpoint.measurably_worse,
        overall: endpoint.stratum.is_none(),
    })
}

fn table_row(row: &interval::Row) -> QualityRow {
    let (mark, tone) = match row.outcome {
        interval::Outcome::Fine => ("disc", "green"),
        interval::Outcome::Worse => ("diamond", "red"),
        interval::Outcome::Open => ("ring", "amber"),
    };
    QualityRow {
        label: row.label.clone(),
        pairs: count(row.pairs),
        estimate: points(row.estimate),
        interval: format!("{} to {}", points(row.interval.0), points(row.interval.1)),
        margin: format!("{:.0}", row.margin),
        words: row.words(),
        mark,
        tone,
    }
}

fn bridge(figures: &Cost, monthly: Option<&Monthly>) -> Option<Picture> {
    let (ratio, limits) = (figures.ratio?, figures.interval?);
    let tokens = figures.token_effect.unwrap_or(1.0);
    let picture = cost::Bridge {
        tokens,
        price: figures.price_effect.unwrap_or(ratio / tokens),
        ratio,
        interval: (limits.lower, limits.upper),
    };
    Some(Picture {
        svg: cost::draw(&picture),
        caption: format!("{} calls with both costs known", count(figures.n)),
        sentence: Some(format!(
            "{}{} (between {} and {}). Measured from the usage that the replays returned, not from list prices.",
            monthly.map(per_month).unwrap_or_default(),
            capitalised(&share(ratio)),
            share(limits.lower),
            share(limits.upper)
        )),
    })
}

/// `Saves at least $8,200 a month, about $8,400: $20,000 today, about $11,000 then. `
fn per_month(monthly: &Monthly) -> String {
    format!(
        "{}: {} today, about {} then. ",
        sentences::savings(monthly.saving, monthly.saving_at_least),
        about(monthly.now),
        about(monthly.then)
    )
}

fn waiting(figures: &Latency, target_ms: Option<u64>) -> Picture {
    let row = |label: &str, arms: &BothArms| latency::Row {
        label: label.to_owned(),
        today: quantile(&arms.incumbent),
        candidate: quantile(&arms.candidate),
    };
    let plot = latency::Plot {
        rows: vec![
            row("Half of calls", &figures.p50),
            row("95 of 100 calls", &figures.p95),
        ],
        target_ms: target_ms.map(|target| target as f64),
        curve: figures.curve.clone(),
    };
    let sentence = figures.p95_ratio.map(|it| {
        let how = match it.outcome {
            Outcome::NonInferior => "within what is allowed",
            Outcome::Inferior => "more than is allowed",
            Outcome::Inconclusive => "not surely within what is allowed",
        };
        let words = sentences::latency_words(figures);
        format!("{words}: {:.2} times, {how} ({:.2} times).", it.ratio, it.margin)
    });
    Picture {
        svg: latency::draw(&plot),
        caption: format!("{} calls", count(figures.n)),
        sentence,
    }
}

fn quantile(
    &(value, lower, upper): &workflow_engine::shadow::statistics::quantile_ci::Estimate,
) -> latency::Quantile {
    latency::Quantile {
        value,
        limits: lower.zip(upper),
    }
}

pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
