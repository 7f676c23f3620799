//! How far a judge is to be believed: its verdicts beside those of people.

use serde::{Deserialize, Serialize};

use super::{Both, Says};
use crate::shadow::statistics::{
    Interval,
    judge::{self, Calibration, Share, share},
};

/// Two-sided error of the shares that are shown.
const ALPHA: f64 = 0.05;
/// Largest share of replies that may be no verdict.
const MOST_UNREADABLE: f64 = 0.05;

/// One pair that a person has judged, and the judge too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// What people say.
    pub label: Says,
    /// What the judge says.
    pub both: Both,
    /// The longer answer, or a tie.
    pub longer: Says,
    /// Whether the pair is of the same two routes as the run at hand, and so one of the kind that it judges.
    pub same_routes: bool,
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

/// How far people agree with a judge, and what sways it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Labelled pairs that are of the same two routes as the run.
    pub same_routes: u64,
    /// Labelled pairs on which judge and people agree.
    pub agreement: Rate,
    /// Cohen's κ of the two; none without labels.
    pub kappa: Option<f64>,
    /// Where people hold the candidate worse: how often the judge does too.
    pub sensitivity: Rate,
    /// Where they do not: how often the judge does not either.
    pub specificity: Rate,
    /// Verdicts that change with the order.
    pub flips: Rate,
    /// Decisive verdicts for the answer shown first.
    pub first_position: Rate,
    /// Decisive verdicts for the longer answer …
    pub longer_wins: Rate,
    /// … and the same of people, who may have reason to prefer it.
    pub longer_preferred: Rate,
    /// Replies that were no verdict.
    pub unreadable: Rate,
}

/// Why a judge may not judge, and what can be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Each reason.
    pub because: Vec<String>,
    /// The way out.
    pub remedy: String,
}

impl Rate {
    pub(super) fn of(k: u64, n: u64) -> Self {
        let Share { interval, .. } = share(k, n, ALPHA);
        Self { k, n, interval }
    }

    fn count<T>(items: &[T], holds: impl Fn(&T) -> bool) -> Self {
        let k = items.iter().filter(|item| holds(item)).count() as u64;
        Self::of(k, items.len() as u64)
    }

    /// The share; none of nothing.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.n > 0).then(|| self.k as f64 / self.n as f64)
    }
}

impl Agreement {
    /// What the labelled pairs say.
    #[must_use]
    pub fn of(labelled: &[Labelled]) -> Self {
        let verdicts: Vec<Says> = labelled.iter().map(|pair| pair.both.verdict()).collect();
        let labels: Vec<Says> = labelled.iter().map(|pair| pair.label).collect();
        let (worse, not_worse): (Vec<&Labelled>, Vec<&Labelled>) =
            labelled.iter().partition(|pair| pair.label == Says::Incumbent);
        let (first, second) = labelled
            .iter()
            .map(|pair| pair.both.places())
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let unreadable = labelled.iter().map(|pair| pair.both.unreadable()).sum();
        Self {
            same_routes: labelled.iter().filter(|pair| pair.same_routes).count() as u64,
            agreement: Rate::count(labelled, |pair| pair.label == pair.both.verdict()),
            kappa: (!labels.is_empty()).then(|| judge::kappa(&labels, &verdicts)),
            sensitivity: Rate::count(&worse, |pair| pair.both.verdict() == Says::Incumbent),
            specificity: Rate::count(&not_worse, |pair| pair.both.verdict() != Says::Incumbent),
            flips: Rate::count(labelled, |pair| pair.both.flipped()),
            first_position: Rate::of(first, first + second),
            longer_wins: longer(labelled, |pair| pair.both.verdict()),
            longer_preferred: longer(labelled, |pair| pair.label),
            unreadable: Rate::of(unreadable, 2 * labelled.len() as u64),
        }
    }

    /// Why a judge with this agreement may not judge; none where it may. `labels_at` is where people label.
    #[must_use]
    pub fn refused(&self, labels_at: &str) -> Option<Refused> {
        let weaknesses = judge::weaknesses(&Calibration {
            items: self.agreement.n,
            flipped: self.flips.k,
            first_wins: self.first_position.k,
            second_wins: self.first_position.n - self.first_position.k,
            kappa: self.kappa.unwrap_or_default(),
        });
        let unreadable = unreadable(&self.unreadable);
        let only_labels = unreadable.is_none() && weaknesses.iter().all(judge::Weakness::wants_labels);
        let because: Vec<String> = unreadable
            .into_iter()
            .chain(weaknesses.iter().map(ToString::to_string))
            .collect();
        if because.is_empty() {
            return None;
        }
        let remedy = if only_labels {
            format!("Label more pairs at {labels_at}, then file the change again.")
        } else {
            "Name another judge, or say more clearly what makes an answer good, under [workflows.shadow.judge], then file the change again."
                .to_owned()
        };
        Some(Refused { because, remedy })
    }
}

/// Why replies that are no verdict stand in the way; none where they are few.
#[must_use]
pub fn unreadable(seen: &Rate) -> Option<String> {
    let share = seen.share().filter(|share| *share > MOST_UNREADABLE)?;
    Some(format!(
        "{} of its {} replies were no verdict ({:.0} %; at most {:.0} % may be)",
        seen.k,
        seen.n,
        share * 100.0,
        MOST_UNREADABLE * 100.0
    ))
}

/// How often the longer answer wins, among pairs of different lengths that somebody could tell apart.
fn longer(labelled: &[Labelled], says: impl Fn(&Labelled) -> Says) -> Rate {
    let decisive: Vec<(Says, Says)> = labelled
        .iter()
        .map(|pair| (pair.longer, says(pair)))
        .filter(|(longer, says)| *longer != Says::Tie && *says != Says::Tie)
        .collect();
    Rate::count(&decisive, |(longer, says)| longer == says)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::shadow::judging) fn said(label: Says, judge: [Option<Says>; 2]) -> Labelled {
        let [forward, swapped] = judge;
        Labelled {
            label,
            both: Both { forward, swapped },
            longer: Says::Candidate,
            same_routes: true,
        }
    }

    /// 100 labels; a good judge gets 95 right and holds five ties for wins of the candidate.
    pub(in crate::shadow::judging) fn good() -> Vec<Labelled> {
        (0..100)
            .map(|index| {
                let label = match index % 4 {
                    0 => Says::Incumbent,
                    1 | 2 => Says::Candidate,
                    _ => Says::Tie,
                };
                let verdict = if index % 20 == 3 { Says::Candidate } else { label };
                said(label, [Some(verdict); 2])
            })
            .collect()
    }

    fn why(labelled: &[Labelled]) -> String {
        let refused = Agreement::of(labelled).refused("/workflows/support-answer/labels");
        refused.map_or_else(String::new, |refused| {
            format!("{}\n{}", refused.because.join("\n"), refused.remedy)
        })
    }

    #[test]
    fn a_judge_that_agrees_with_people_may_judge() {
        let seen = Agreement::of(&good());
        assert_eq!((seen.agreement.n, seen.agreement.k), (100, 95));
        assert_eq!((seen.sensitivity.k, seen.sensitivity.n), (25, 25));
        assert_eq!((seen.specificity.k, seen.specificity.n), (75, 75));
        assert_eq!((seen.first_position.k, seen.first_position.n), (80, 160));
        // The candidate's is the longer: it wins 55 of 80, and 50 of 75 with people.
        assert_eq!((seen.longer_wins.k, seen.longer_wins.n), (55, 80));
        assert_eq!((seen.longer_preferred.k, seen.longer_preferred.n), (50, 75));
        assert!(seen.kappa.unwrap() > 0.9);
        assert_eq!(why(&good()), "");
    }

    #[test]
    fn a_judge_that_always_says_first_is_refused_in_words() {
        let first = [Some(Says::Incumbent), Some(Says::Candidate)];
        let labelled: Vec<Labelled> = good().iter().map(|pair| said(pair.label, first)).collect();
        insta::assert_snapshot!(why(&labelled), @r"
        100 % of its verdicts flip when the order is swapped; at most 35 % may
        it agrees with people hardly more than chance would (kappa 0.00, least 0.40)
        the answer shown first wins 100.0 % of the time (between 98.1 and 100.0); it should stay within 40 to 60
        Name another judge, or say more clearly what makes an answer good, under [workflows.shadow.judge], then file the change again.
        ");
    }

    #[test]
    fn a_judge_that_answers_with_no_verdict_is_refused_in_words() {
        let labelled: Vec<Labelled> = good().iter().map(|pair| said(pair.label, [None; 2])).collect();
        insta::assert_snapshot!(why(&labelled), @r"
        200 of its 200 replies were no verdict (100 %; at most 5 % may be)
        it agrees with people hardly more than chance would (kappa 0.00, least 0.40)
        none of its verdicts preferred either answer
        Name another judge, or say more clearly what makes an answer good, under [workflows.shadow.judge], then file the change again.
        ");
    }

    #[test]
    fn with_too_few_labels_more_of_them_are_the_way_out() {
        insta::assert_snapshot!(why(&good()[..12]), @r"
        people have labelled 12 pairs; at least 60 are needed
        Label more pairs at /workflows/support-answer/labels, then file the change again.
        ");
        assert_eq!(why(&[]).lines().count(), 2);
        assert_eq!(Agreement::of(&[]).kappa, None);
    }
}
