//! What a judge of free text says, and whether it counts, in words.

use super::super::figures::{count, percent, points};
use crate::shadow::{
    analysis::report::{Endpoint, Outcome, Report},
    judging::{correction::JudgeReport, estimate::Mean},
};

/// `claude-x (anthropic), corrected by 100 labels of people: −2.3 points (between −4.1 and −0.6); by itself: …`, or why it
/// does not count.
#[must_use]
pub fn judge_words(seen: &JudgeReport) -> String {
    if let Some(refused) = &seen.refused {
        return format!("{} does not count: {}", seen.judge, refused.because.join("; "));
    }
    let Some(corrected) = seen.corrected else {
        return "no two answers in words differed, so nothing was judged".to_owned();
    };
    let raw = seen.raw.map(|raw| format!("; by itself it says {}", mean(&raw)));
    let agree = seen.agreement.agreement;
    let share = agree
        .share()
        .map(|share| format!(", who agree with it on {} %", percent(share)));
    format!(
        "{}, corrected by {} labels of people{}: {}{}",
        seen.judge,
        count(agree.n),
        share.unwrap_or_default(),
        mean(&corrected),
        raw.unwrap_or_default()
    )
}

/// `−2.3 points (between −4.1 and −0.6)`: better less worse, of a hundred pairs.
#[must_use]
pub fn mean(mean: &Mean) -> String {
    format!(
        "{} points (between {} and {})",
        points(mean.estimate),
        points(mean.interval.lower),
        points(mean.interval.upper)
    )
}

/// Why free text stands in the way; none where it does not.
pub(super) fn in_the_way(report: &Report) -> Option<String> {
    let seen = report.judge.as_ref()?;
    if let Some(refused) = &seen.refused {
        return Some(format!("The judge {}. {}", judge_words(seen), refused.remedy));
    }
    let endpoint = endpoint(report)?;
    let what = match endpoint.outcome {
        Some(Outcome::NonInferior) => return None,
        Some(Outcome::Inferior) => "Its texts are clearly worse",
        _ => "Whether its texts are as good cannot be told yet",
    };
    Some(format!("{what}: {}.", judge_words(seen)))
}

fn endpoint(report: &Report) -> Option<&Endpoint> {
    report.endpoints.iter().find(|it| it.endpoint == "judge")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(refused: bool) -> JudgeReport {
        let rate = |k: u64, n: u64| json!({"k": k, "n": n, "interval": [0.4, 0.6]});
        let mean = |estimate: f64| json!({"estimate": estimate, "se": 0.01, "interval": [estimate - 0.02, estimate + 0.02]});
        let refusal = json!({"because": ["people have labelled 12 pairs; at least 60 are needed"], "remedy": "Label more."});
        let text = json!({
            "judge": "anthropic/claude-x", "labels": 100, "same_routes": 100, "agreement": rate(95, 100), "kappa": 0.9,
            "sensitivity": rate(25, 25), "specificity": rate(75, 75), "flips": rate(2, 100),
            "first_position": rate(80, 160), "longer_wins": rate(55, 80), "longer_preferred": rate(50, 75),
            "unreadable": rate(0, 200), "refused": if refused { refusal } else { json!(null) },
            "judged": 900, "identical": 40, "wins": 30, "losses": 60, "no_verdict": 0,
            "raw": mean(-0.032), "corrected": if refused { json!(null) } else { mean(-0.051) }, "worse": null
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn the_corrected_figure_comes_first_and_a_judge_that_does_not_count_says_why() {
        insta::assert_snapshot!(judge_words(&seen(false)), @"anthropic/claude-x, corrected by 100 labels of people, who agree with it on 95 %: −5.1 points (between −7.1 and −3.1); by itself it says −3.2 points (between −5.2 and −1.2)");
        insta::assert_snapshot!(judge_words(&seen(true)), @"anthropic/claude-x does not count: people have labelled 12 pairs; at least 60 are needed");
    }
}
