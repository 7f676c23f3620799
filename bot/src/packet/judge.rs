//! Who judged free text: what it says, corrected and by itself, and how far people agree with it.

use serde::Serialize;
use workflow_engine::{
    evidence::{
        figures::{count, percent},
        sentences::{judge_words, mean},
    },
    shadow::judging::{
        calibration::Rate,
        correction::{JudgeReport, Worse},
    },
};

use super::evidence::capitalised;

/// The judge's part of a packet.
#[derive(Clone, Debug, Serialize)]
pub struct Judge {
    caption: String,
    sentences: Vec<String>,
    /// The table stands open where it tells why the judge does not count.
    open: bool,
    rows: Vec<Row>,
    method: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct Row {
    what: &'static str,
    seen: String,
    interval: String,
    limit: &'static str,
}

/// How it was done, in one breath.
const METHOD: &str = "Two answers to the same prompt, names drawn anew for each question, asked in both orders; a verdict is what both orders agree on, else a tie. \
     Points are pairs won less pairs lost, of a hundred. Corrected by prediction-powered inference: where people and judge differ on the labelled pairs, the estimate moves, and its interval is wider for it.";

impl Judge {
    /// What a report says of its judge.
    #[must_use]
    pub fn of(seen: &JudgeReport) -> Self {
        Self {
            caption: format!("{}, {} labels of people", seen.judge, count(seen.labels)),
            sentences: sentences(seen),
            open: seen.refused.is_some(),
            rows: rows(seen),
            method: METHOD,
        }
    }
}

fn sentences(seen: &JudgeReport) -> Vec<String> {
    if let Some(refused) = &seen.refused {
        return vec![
            format!("{}.", judge_words(seen)),
            format!("Free text was left to the checks alone. {}", refused.remedy),
        ];
    }
    let Some(corrected) = seen.corrected else {
        return vec![capitalised(&format!("{}.", judge_words(seen)))];
    };
    let mut said = vec![format!("As people would judge: {}.", mean(&corrected))];
    if let Some(raw) = seen.raw {
        let tally = seen.tally;
        said.push(format!(
            "As the judge says by itself: {}. It held the candidate better on {}, worse on {} of {} pairs; {} more were the same text.",
            mean(&raw),
            count(tally.wins),
            count(tally.losses),
            count(tally.judged),
            count(tally.identical)
        ));
    }
    said.extend(seen.worse.as_ref().map(worse));
    said
}

fn worse(worse: &Worse) -> String {
    format!(
        "The candidate is worse on {} % of the pairs by the judge, on {} % (between {} and {}) once its sensitivity and specificity are counted in.",
        percent(worse.seen.share().unwrap_or_default()),
        percent(worse.corrected),
        percent(worse.interval.lower),
        percent(worse.interval.upper)
    )
}

fn rows(seen: &JudgeReport) -> Vec<Row> {
    let agreement = &seen.agreement;
    if agreement.agreement.n == 0 {
        return Vec::new();
    }
    let row = |what, rate: &Rate, limit| Row {
        what,
        seen: match rate.share() {
            Some(share) => format!("{} of {} ({} %)", count(rate.k), count(rate.n), percent(share)),
            None => "none".to_owned(),
        },
        interval: format!(
            "{} to {} %",
            percent(rate.interval.lower),
            percent(rate.interval.upper)
        ),
        limit,
    };
    let kappa = Row {
        what: "Agreement beyond chance (kappa)",
        seen: agreement
            .kappa
            .map_or_else(String::new, |kappa| format!("{kappa:.2}")),
        interval: String::new(),
        limit: "at least 0.40",
    };
    vec![
        row("Agrees with people", &agreement.agreement, "at least 60 labels"),
        kappa,
        row("Sees that the candidate is worse", &agreement.sensitivity, ""),
        row("Sees that it is not", &agreement.specificity, ""),
        row(
            "Changes its mind with the order",
            &agreement.flips,
            "at most 35 %",
        ),
        row(
            "Prefers what stands first",
            &agreement.first_position,
            "interval within 40 to 60 %",
        ),
        row("Prefers the longer answer", &agreement.longer_wins, ""),
        row("People prefer the longer answer", &agreement.longer_preferred, ""),
        row("Replies without a verdict", &agreement.unreadable, "at most 5 %"),
    ]
}
