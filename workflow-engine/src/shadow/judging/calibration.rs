//! How far a judge is to be believed: its verdicts beside those of people, and the estimate corrected by the difference.

use serde::{Deserialize, Serialize};

use super::{Both, Says};
use crate::shadow::{
    analysis::{
        plan::Plan,
        report::{Endpoint, Method, Outcome, Report, Verdict},
    },
    statistics::{
        Interval,
        judge::{self, Calibration, Share, share},
        ppi::{Judged, ppi_plus_plus},
    },
};

/// Two-sided error of the shares that are shown.
const ALPHA: f64 = 0.05;

/// One pair that a person has judged, and the judge too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// What people say.
    pub label: Says,
    /// What the judge says.
    pub both: Both,
    /// Which answer is longer; none where they are equally long.
    pub longer: Option<Says>,
}

/// What is shown of a judge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgeReport {
    /// `provider/model`.
    pub judge: String,
    /// Pairs that a person has judged.
    pub labels: u64,
    /// Share on which judge and people agree.
    pub agreement: Rate,
    /// Cohen's kappa of the two.
    pub kappa: Option<f64>,
    /// Where people hold the candidate worse: how often the judge does too.
    pub sensitivity: Rate,
    /// Where they do not: how often the judge does not either.
    pub specificity: Rate,
    /// Verdicts that change with the order.
    pub flips: Rate,
    /// Decisive verdicts for the answer shown first.
    pub first_position: Rate,
    /// Decisive verdicts for the longer answer.
    pub longer_wins: Rate,
    /// Why it may not judge; empty where it may.
    pub refused: Vec<String>,
    /// Pairs of this run that it judged.
    pub judged: u64,
    /// Pairs of this run whose texts are the same: a tie without asking.
    pub identical: u64,
    /// Candidate better, worse, tie, over those.
    pub raw: [u64; 3],
    /// Its own mean without the correction, for comparison only.
    pub raw_mean: Option<f64>,
}

/// `k` of `n` with its 95 % Wilson interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// How often.
    pub k: u64,
    /// Of how many.
    pub n: u64,
    /// Limits of the share.
    pub interval: Interval,
}

impl Rate {
    fn of(k: usize, n: usize) -> Self {
        let (k, n) = (k as u64, n as u64);
        let Share { interval, .. } = share(k, n, ALPHA);
        Self { k, n, interval }
    }

    fn count<T>(items: &[T], holds: impl Fn(&T) -> bool) -> Self {
        Self::of(items.iter().filter(|item| holds(item)).count(), items.len())
    }
}

/// What the labelled pairs say of the judge `name`.
#[must_use]
pub fn calibrate(name: &str, labelled: &[Labelled]) -> JudgeReport {
    let verdicts: Vec<Says> = labelled.iter().map(|pair| pair.both.verdict()).collect();
    let labels: Vec<Says> = labelled.iter().map(|pair| pair.label).collect();
    let kappa = (!labels.is_empty()).then(|| judge::kappa(&labels, &verdicts));
    let firsts = |pair: &Labelled| {
        usize::from(pair.both.forward == Says::Incumbent) + usize::from(pair.both.swapped == Says::Candidate)
    };
    let seconds = |pair: &Labelled| {
        usize::from(pair.both.forward == Says::Candidate) + usize::from(pair.both.swapped == Says::Incumbent)
    };
    let (first, second): (usize, usize) = (
        labelled.iter().map(firsts).sum(),
        labelled.iter().map(seconds).sum(),
    );
    let (worse, not_worse): (Vec<&Labelled>, Vec<&Labelled>) =
        labelled.iter().partition(|pair| pair.label == Says::Incumbent);
    let lengths: Vec<(Says, Says)> = labelled
        .iter()
        .filter_map(|pair| Some((pair.longer?, pair.both.verdict())))
        .filter(|(_, verdict)| *verdict != Says::Tie)
        .collect();
    let flips = Rate::count(labelled, |pair| pair.both.flipped());
    let seen = Calibration {
        items: labelled.len() as u64,
        flipped: flips.k,
        first_wins: first as u64,
        second_wins: second as u64,
        kappa: kappa.unwrap_or(0.0),
    };
    JudgeReport {
        judge: name.to_owned(),
        labels: labelled.len() as u64,
        agreement: Rate::count(labelled, |pair| pair.label == pair.both.verdict()),
        kappa,
        sensitivity: Rate::count(&worse, |pair| pair.both.verdict() == Says::Incumbent),
        specificity: Rate::count(&not_worse, |pair| pair.both.verdict() != Says::Incumbent),
        flips,
        first_position: Rate::of(first, first + second),
        longer_wins: Rate::count(&lengths, |(longer, verdict)| longer == verdict),
        refused: judge::refusals(&seen),
        judged: 0,
        identical: 0,
        raw: [0; 3],
        raw_mean: None,
    }
}

/// What a judge that may judge said of a run's pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgements {
    /// On pairs whose texts differ.
    pub verdicts: Vec<Says>,
    /// Pairs whose texts are the same.
    pub identical: u64,
}

/// Puts the judge into the report: refused, it leaves the question open; else its estimate, corrected by the labels (PPI++),
/// is a gate like any other, with the margin of quality.
pub fn apply(
    report: &mut Report,
    plan: &Plan,
    (mut seen, labelled): (JudgeReport, &[Labelled]),
    judgements: &Judgements,
) {
    if seen.refused.is_empty() {
        let endpoint = corrected(plan, labelled, judgements);
        count(&mut seen, judgements);
        gate(report, &endpoint);
        report.endpoints.push(endpoint);
    } else {
        let why = format!(
            "judge: {} may not judge: {}; free text was left to the checks alone",
            seen.judge,
            seen.refused.join("; ")
        );
        open(report, why);
    }
    report.judge = Some(seen);
}

fn count(seen: &mut JudgeReport, judgements: &Judgements) {
    let verdicts = &judgements.verdicts;
    let of = |says: Says| verdicts.iter().filter(|verdict| **verdict == says).count() as u64;
    seen.judged = verdicts.len() as u64;
    seen.identical = judgements.identical;
    seen.raw = [of(Says::Candidate), of(Says::Incumbent), of(Says::Tie)];
    let all = seen.judged + seen.identical;
    let sum: f64 = verdicts.iter().map(|verdict| verdict.score()).sum();
    seen.raw_mean = (all > 0).then(|| sum / all as f64);
}

fn corrected(plan: &Plan, labelled: &[Labelled], judgements: &Judgements) -> Endpoint {
    let y: Vec<f64> = labelled.iter().map(|pair| pair.label.score()).collect();
    let said: Vec<f64> = labelled.iter().map(|pair| pair.both.verdict().score()).collect();
    let mut unlabelled: Vec<f64> = judgements.verdicts.iter().map(|says| says.score()).collect();
    unlabelled.extend((0..judgements.identical).map(|_| 0.0));
    let margin = plan.margins.quality;
    let estimate = (!unlabelled.is_empty()).then(|| {
        let judged = Judged {
            y: &y,
            labelled: &said,
            unlabelled: &unlabelled,
        };
        ppi_plus_plus(judged, 2.0 * plan.alpha)
    });
    let interval = estimate.map(|estimate| estimate.interval);
    let outcome = match interval {
        Some(interval) if interval.lower > -margin => Outcome::NonInferior,
        Some(interval) if interval.upper < -margin => Outcome::Inferior,
        _ => Outcome::Inconclusive,
    };
    Endpoint {
        endpoint: "judge".to_owned(),
        stratum: None,
        n: unlabelled.len() as u64,
        counts: None,
        estimate: estimate.map_or(0.0, |estimate| estimate.mean),
        interval,
        method: Method::PredictionPowered,
        level: 1.0 - 2.0 * plan.alpha,
        margin: Some(margin),
        p_non_inferior: None,
        mcnemar_exact: None,
        mcnemar_holm: None,
        newcombe: None,
        cluster_interval: None,
        se: estimate.map(|estimate| estimate.se),
        df: None,
        bca: None,
        outcome: Some(outcome),
        measurably_worse: interval.is_some_and(|interval| interval.upper < 0.0),
        n_needed: None,
    }
}

fn gate(report: &mut Report, endpoint: &Endpoint) {
    let points = |share: f64| format!("{:+.1}", share * 100.0);
    let limits = endpoint.interval.map_or_else(
        || "there was nothing to judge".to_owned(),
        |interval| {
            format!(
                "{} points, between {} and {}, after correction by people's labels; {:.1} may be lost",
                points(endpoint.estimate),
                points(interval.lower),
                points(interval.upper),
                endpoint.margin.unwrap_or_default() * 100.0
            )
        },
    );
    match endpoint.outcome {
        Some(Outcome::NonInferior) => {}
        Some(Outcome::Inferior) => {
            report.verdict = Verdict::NotEligible;
            report.reasons.push(format!("judge: the candidate's texts are worse: {limits}"));
        }
        _ => open(report, format!("judge: it cannot be told yet whether the texts are as good: {limits}")),
    }
}

/// A question that stays open stands in the way of "eligible", and of nothing else.
fn open(report: &mut Report, why: String) {
    if report.verdict == Verdict::Eligible {
        report.verdict = Verdict::Inconclusive;
    }
    report.reasons.push(why);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow::analysis::{analyze, pairs::parse_lines};

    fn agreeing(label: Says) -> Labelled {
        Labelled {
            label,
            both: Both {
                forward: label,
                swapped: label,
            },
            longer: Some(Says::Candidate),
        }
    }

    /// 80 labels, of which a good judge gets 76 right.
    fn good() -> Vec<Labelled> {
        let mut labelled: Vec<Labelled> = (0..76)
            .map(|index| {
                agreeing(match index % 4 {
                    0 => Says::Incumbent,
                    1 => Says::Candidate,
                    _ => Says::Tie,
                })
            })
            .collect();
        labelled.extend((0..4).map(|_| Labelled {
            label: Says::Tie,
            both: Both {
                forward: Says::Candidate,
                swapped: Says::Candidate,
            },
            longer: None,
        }));
        labelled
    }

    fn eligible() -> (Plan, Report) {
        let lines: Vec<String> = (0..300)
            .map(|index| {
                format!(r#"{{"trace_id":"t{index}","arms":{{"incumbent":{{"ok":true}},"candidate":{{"ok":true}}}}}}"#)
            })
            .collect();
        let plan = Plan::default();
        let report = analyze(&plan, &parse_lines(&lines.join("\n")).unwrap());
        assert_eq!(report.verdict, Verdict::Eligible);
        (plan, report)
    }

    fn judged(labelled: &[Labelled], candidate: usize, incumbent: usize, tie: usize) -> Report {
        let (plan, mut report) = eligible();
        let mut verdicts = vec![Says::Candidate; candidate];
        verdicts.extend(vec![Says::Incumbent; incumbent]);
        verdicts.extend(vec![Says::Tie; tie]);
        let judgements = Judgements {
            verdicts,
            identical: 50,
        };
        let seen = calibrate("anthropic/judge", labelled);
        apply(&mut report, &plan, (seen, labelled), &judgements);
        report
    }

    #[test]
    fn a_judge_that_agrees_with_people_may_judge_and_its_estimate_is_corrected() {
        let report = judged(&good(), 40, 10, 900);
        let seen = report.judge.as_ref().unwrap();
        assert_eq!((seen.refused.len(), seen.agreement.k, seen.labels), (0, 76, 80));
        assert_eq!(seen.raw, [40, 10, 900]);
        let endpoint = report.endpoints.last().unwrap();
        assert_eq!((endpoint.endpoint.as_str(), endpoint.n), ("judge", 1_000));
        // Raw it says +3 points; people hold four of its 23 wins for ties.
        assert!(endpoint.estimate < seen.raw_mean.unwrap(), "{endpoint:?}");
        assert!(endpoint.interval.unwrap().lower < endpoint.estimate);
    }

    #[test]
    fn texts_that_are_worse_make_the_change_not_eligible() {
        let report = judged(&good(), 20, 400, 580);
        assert_eq!(report.verdict, Verdict::NotEligible);
        assert!(report.reasons[0].starts_with("judge: the candidate's texts are worse: -"));
    }

    #[test]
    fn a_judge_that_always_says_first_is_refused_and_the_question_stays_open() {
        let labelled: Vec<Labelled> = good()
            .into_iter()
            .map(|pair| Labelled {
                both: Both {
                    forward: Says::Incumbent,
                    swapped: Says::Candidate,
                },
                ..pair
            })
            .collect();
        let report = judged(&labelled, 0, 0, 0);
        assert_eq!(report.verdict, Verdict::Inconclusive);
        insta::assert_snapshot!(report.reasons[0], @"");
    }

    #[test]
    fn without_enough_labels_no_judge_may_judge() {
        let report = judged(&good()[..12], 10, 10, 10);
        assert_eq!(report.verdict, Verdict::Inconclusive);
        assert!(report.reasons[0].contains("at least 60 are needed"), "{}", report.reasons[0]);
        assert!(judged(&[], 1, 1, 1).judge.unwrap().kappa.is_none());
    }
}
