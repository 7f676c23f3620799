//! A judge's verdicts corrected by what people say of a part of the pairs, as an endpoint of the report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Says,
    calibration::{Agreement, Labelled, Rate, Refused, unreadable},
    estimate::{Estimate, Mean, corrected},
};
use crate::shadow::{
    analysis::{
        self,
        pairs::Pair,
        plan::Plan,
        report::{Report, Verdict},
    },
    statistics::{
        Interval,
        judge::{JudgeRates, corrected_rate},
    },
};

/// What a report says of its judge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgeReport {
    /// `provider/model`.
    pub judge: String,
    /// Labels that the workflow has.
    pub labels: u64,
    /// How far people agree with it.
    #[serde(flatten)]
    pub agreement: Agreement,
    /// Why it was not believed; none where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// What it said of this run's pairs.
    #[serde(flatten)]
    pub tally: Tally,
    /// Its mean as it stands, which decides nothing: candidate better minus worse, over judged and identical pairs.
    pub raw: Option<Mean>,
    /// The same as people would see it: corrected by their labels.
    pub corrected: Option<Mean>,
    /// How often the candidate is worse, corrected by sensitivity and specificity (Rogan & Gladen 1978).
    pub worse: Option<Worse>,
}

/// What a judge said of a run's pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Pairs it judged.
    pub judged: u64,
    /// Pairs whose texts are the same: a tie without asking.
    pub identical: u64,
    /// Candidate better.
    pub wins: u64,
    /// Candidate worse.
    pub losses: u64,
    /// Replies that were no verdict, of two for each judged pair.
    pub no_verdict: u64,
}

/// How often the candidate is worse, among the pairs that were judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worse {
    /// As the judge says.
    pub seen: Rate,
    /// Corrected.
    pub corrected: f64,
    /// Its limits, at the level of the report.
    pub interval: Interval,
}

/// A judge's work on a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// `provider/model`.
    pub judge: String,
    /// Labels that the workflow has.
    pub labels: u64,
    /// Labelled pairs that the judge has judged too.
    pub labelled: Vec<Labelled>,
    /// Why it may not judge, or could not end its work.
    pub refused: Option<Refused>,
    /// Its verdicts on this run's pairs whose texts differ.
    pub verdicts: Vec<Says>,
    /// Pairs of this run with the same text.
    pub identical: u64,
    /// Replies about this run that were no verdict.
    pub no_verdict: u64,
}

impl Work {
    /// No work yet.
    #[must_use]
    pub fn of(judge: String) -> Self {
        Self {
            judge,
            labels: 0,
            labelled: Vec::new(),
            refused: None,
            verdicts: Vec::new(),
            identical: 0,
            no_verdict: 0,
        }
    }
}

/// Puts the judge into the report. Believed, its corrected estimate is a gate like any other. Refused, it decides
/// nothing, and the question that it was named for stays open. Without free text there is nothing to judge.
pub fn apply(report: &mut Report, plan: &Plan, mut work: Work) {
    let tally = tally(&work);
    let agreement = Agreement::of(&work.labelled);
    let nothing = work.verdicts.is_empty() && work.refused.is_none();
    if work.refused.is_none() {
        work.refused = too_many(&tally);
    }
    let alpha = 2.0 * plan.alpha;
    let believed = work.refused.is_none() && !nothing;
    let found = believed.then(|| corrected(&work.labelled, &work.verdicts, work.identical, alpha));
    if let Some(found) = &found {
        let Mean {
            estimate,
            se,
            interval,
        } = found.mean;
        let n = tally.judged + tally.identical;
        let margin = analysis::with_judge(plan, report, n, (estimate, se, interval));
        report
            .notes
            .extend(margin.and_then(|margin| more_labels(found, (margin, alpha), work.labels)));
    }
    if let Some(refused) = &work.refused {
        report.reasons.push(format!(
            "judge: {} does not count: {}. Free text was left to the checks alone. {}",
            work.judge,
            refused.because.join("; "),
            refused.remedy
        ));
        // An open question stands in the way of "eligible", and of nothing else.
        if report.verdict == Verdict::Eligible {
            report.verdict = Verdict::Inconclusive;
        }
    } else if nothing {
        report
            .notes
            .push("judge: no two answers in words differed, so there was nothing to judge.".to_owned());
    }
    report.judge = Some(JudgeReport {
        raw: raw(report),
        worse: believed.then(|| worse(&tally, &agreement, alpha)).flatten(),
        judge: work.judge,
        labels: work.labels,
        agreement,
        refused: work.refused,
        tally,
        corrected: found.map(|found| found.mean),
    });
}

/// What would tell, where it cannot be told yet.
fn more_labels(found: &Estimate, (margin, alpha): (f64, f64), labels: u64) -> Option<String> {
    let needed = found
        .labels_needed(margin, alpha)
        .filter(|needed| *needed > labels)?;
    Some(format!(
        "judge: about {needed} labels would tell, if people go on agreeing with it as they do; {labels} are given."
    ))
}

/// A judge compares, so only the difference means something: the candidate's score beside an incumbent's 0.
pub fn score(pairs: &mut [Pair], scores: &BTreeMap<String, f64>) {
    for pair in pairs {
        if let Some(score) = scores.get(&pair.trace_id) {
            pair.arms.incumbent.score = Some(0.0);
            pair.arms.candidate.score = Some(*score);
        }
    }
}

fn tally(work: &Work) -> Tally {
    let of = |says: Says| work.verdicts.iter().filter(|verdict| **verdict == says).count() as u64;
    Tally {
        judged: work.verdicts.len() as u64,
        identical: work.identical,
        wins: of(Says::Candidate),
        losses: of(Says::Incumbent),
        no_verdict: work.no_verdict,
    }
}

fn too_many(tally: &Tally) -> Option<Refused> {
    let why = unreadable(&Rate::of(tally.no_verdict, 2 * tally.judged))?;
    Some(Refused {
        because: vec![why],
        remedy: "See what it answers, or name another judge under [workflows.shadow.judge], then file the change again."
            .to_owned(),
    })
}

/// Its verdicts as they stand: what `score` of the report is made of.
fn raw(report: &Report) -> Option<Mean> {
    let score = report.endpoints.iter().find(|it| it.endpoint == "score")?;
    Some(Mean {
        estimate: score.estimate,
        se: score.se?,
        interval: score.interval?,
    })
}

fn worse(tally: &Tally, agreement: &Agreement, alpha: f64) -> Option<Worse> {
    let seen = Rate::of(tally.losses, tally.judged);
    let rates = JudgeRates {
        seen: (seen.share()?, seen.n),
        sensitivity: (agreement.sensitivity.share()?, agreement.sensitivity.n),
        specificity: (agreement.specificity.share()?, agreement.specificity.n),
    };
    let (corrected, interval) = corrected_rate(&rates, alpha)?;
    Some(Worse {
        seen,
        corrected,
        interval,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow::{
        analysis::{analyze, pairs::parse_lines, report::Endpoint},
        judging::calibration::tests::{good, said},
    };

    /// So many pairs of 1,000 that the judge holds for better and for worse; 50 are the same text.
    fn judged(labelled: Vec<Labelled>, better: usize, worse: usize) -> Report {
        let (n, identical) = (1_000, 50);
        let score = |index: usize| match index {
            index if index < better => 1,
            index if index < better + worse => -1,
            _ => 0,
        };
        let line = |index: usize| {
            let score = score(index);
            format!(
                r#"{{"trace_id":"t{index}","arms":{{"incumbent":{{"ok":true,"score":0}},"candidate":{{"ok":true,"score":{score}}}}}}}"#
            )
        };
        let pairs = parse_lines(&(0..n).map(line).collect::<Vec<_>>().join("\n")).unwrap();
        let plan = Plan::default();
        let mut report = analyze(&plan, &pairs);
        assert_eq!(report.verdict, Verdict::Eligible);
        let says = |index: usize| match score(index) {
            1 => Says::Candidate,
            -1 => Says::Incumbent,
            _ => Says::Tie,
        };
        let refused = Agreement::of(&labelled).refused("/workflows/support-answer/labels");
        let verdicts = if refused.is_none() {
            (0..n - identical).map(says).collect()
        } else {
            Vec::new()
        };
        let work = Work {
            judge: "anthropic/judge".to_owned(),
            labels: labelled.len() as u64,
            labelled,
            refused,
            verdicts,
            identical: identical as u64,
            no_verdict: 0,
        };
        apply(&mut report, &plan, work);
        report
    }

    fn endpoint(report: &Report) -> &Endpoint {
        report.endpoints.iter().find(|it| it.endpoint == "judge").unwrap()
    }

    #[test]
    fn the_estimate_is_corrected_by_what_people_say_and_stands_beside_the_raw_one() {
        // The judge holds the candidate for better by 25 points; people hold 5 of 100 such wins for ties.
        let report = judged(good(), 300, 50);
        let seen = report.judge.as_ref().unwrap();
        let (raw, corrected) = (seen.raw.unwrap(), seen.corrected.unwrap());
        assert!((raw.estimate - 0.25).abs() < 1e-9);
        assert!(corrected.estimate < raw.estimate - 0.03, "{corrected:?}");
        assert!(corrected.se > raw.se, "{corrected:?} {raw:?}");
        let endpoint = endpoint(&report);
        assert_eq!((endpoint.n, endpoint.estimate), (1_000, corrected.estimate));
        assert_eq!((endpoint.margin, report.verdict), (Some(0.05), Verdict::Eligible));
        let worse = seen.worse.unwrap();
        assert_eq!((worse.seen.k, worse.seen.n), (50, 950));
        assert!((worse.corrected - 50.0 / 950.0).abs() < 1e-9, "{worse:?}");
    }

    #[test]
    fn labels_of_other_routes_tell_only_how_far_the_judge_is_off() {
        let mut labelled = good();
        for pair in &mut labelled {
            pair.same_routes = false;
        }
        // Those people preferred the other candidate by 25 points; of this one nobody has said anything.
        let report = judged(labelled, 0, 0);
        let estimate = endpoint(&report).estimate;
        assert!((estimate - -0.05 * 0.95).abs() < 1e-9, "{estimate}");
    }

    #[test]
    fn texts_that_are_worse_make_the_change_not_eligible() {
        let report = judged(good(), 20, 400);
        assert_eq!(report.verdict, Verdict::NotEligible);
        insta::assert_snapshot!(report.reasons.join("\n"), @"judge: worse than allowed. The candidate is 42.8 points worse (between 37.5 and 48.0 points worse); up to 5.0 points worse is allowed. 1,000 traces were tested.");
    }

    #[test]
    fn a_judge_that_is_not_believed_leaves_the_question_open_and_decides_nothing() {
        let labelled: Vec<Labelled> = good().into_iter().take(12).collect();
        let report = judged(labelled, 0, 900);
        assert_eq!(report.verdict, Verdict::Inconclusive);
        assert!(report.endpoints.iter().all(|it| it.endpoint != "judge"));
        insta::assert_snapshot!(report.reasons.join("\n"), @"judge: anthropic/judge does not count: people have labelled 12 pairs; at least 60 are needed. Free text was left to the checks alone. Label more pairs at /workflows/support-answer/labels, then file the change again.");
    }

    #[test]
    fn without_two_texts_that_differ_there_is_nothing_to_judge() {
        let plan = Plan::default();
        let pairs: Vec<String> = (0..300)
            .map(|index| format!(r#"{{"trace_id":"t{index}","arms":{{"incumbent":{{"ok":true}},"candidate":{{"ok":true}}}}}}"#))
            .collect();
        let mut report = analyze(&plan, &parse_lines(&pairs.join("\n")).unwrap());
        let work = Work {
            identical: 300,
            ..Work::of("anthropic/judge".to_owned())
        };
        apply(&mut report, &plan, work);
        assert_eq!((report.verdict, report.reasons.len()), (Verdict::Eligible, 0));
        assert!(report.notes[0].starts_with("judge: no two answers"));
    }

    #[test]
    fn a_judge_whose_replies_become_unreadable_is_not_believed_any_more() {
        let plan = Plan::default();
        let mut report = analyze(&plan, &[]);
        let work = Work {
            labelled: vec![said(Says::Tie, [Some(Says::Tie); 2]); 60],
            verdicts: vec![Says::Tie; 10],
            no_verdict: 7,
            ..Work::of("anthropic/judge".to_owned())
        };
        apply(&mut report, &plan, work);
        let refused = report.judge.unwrap().refused.unwrap();
        assert_eq!(
            refused.because,
            ["7 of its 20 replies were no verdict (35 %; at most 5 % may be)"]
        );
    }
}
