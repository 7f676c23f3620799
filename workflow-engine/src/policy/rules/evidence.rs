//! Control 9: a shadow test, recent enough, shows the candidate good enough in every kind of request, and fast enough.

use super::{super::decision::Ruling, super::evidence::Measured, Request};
use crate::{
    evidence::{
        figures::seconds,
        sentences::{KindWords, cannot_tell, not_eligible, worse_places},
    },
    shadow::analysis::report::{Report, Verdict},
};

pub(super) fn check(request: &Request) -> Ruling {
    let Some(measured) = &request.measured else {
        return Ruling::unknown(
            "Whether it answers well enough is not known: no shadow test was made.",
            "Run the shadow test.",
        );
    };
    let age = (request.today - measured.on).num_days();
    if age > request.evidence_days {
        return Ruling::unknown(
            format!(
                "The shadow test is of {}, {age} days old; evidence holds for {} days.",
                measured.on, request.evidence_days
            ),
            "Run it again.",
        );
    }
    let (report, words) = (&measured.report, &request.workflow.words);
    match report.verdict {
        Verdict::Eligible => latency(
            request,
            measured,
            "It is good enough in every kind of request that counts.",
        ),
        Verdict::NotEligible if request.accept_not_eligible => {
            let why = not_eligible(report, words).join(" ");
            latency(
                request,
                measured,
                &format!("{why} The policy leaves the decision to people in this tier."),
            )
        }
        Verdict::NotEligible => Ruling::fail(not_eligible(report, words).join(" "), remedy(report, words)),
        Verdict::Inconclusive if request.accept_inconclusive => {
            let why = cannot_tell(report, words);
            latency(
                request,
                measured,
                &format!("{why} The policy leaves the decision to people in this tier."),
            )
        }
        Verdict::Inconclusive => Ruling::fail(
            cannot_tell(report, words),
            "Record more calls and test again, or have the policy accept what cannot be told in this tier.",
        ),
    }
}

/// What could change a clear no: another candidate, or living with the kind that fails.
fn remedy(report: &Report, words: &KindWords) -> String {
    let worse = worse_places(report, words);
    match worse.as_slice() {
        [] => "Choose another candidate.".to_owned(),
        places => format!(
            "Keep today's route {}, choose another candidate, or have the workflow's entry say that this kind does not decide.",
            places.join(" and ")
        ),
    }
}

/// 95 of 100 calls within the workflow's target, surely: the upper limit counts. `quality` is what else the ruling says.
fn latency(request: &Request, measured: &Measured, quality: &str) -> Ruling {
    let Some(target) = request.workflow.latency_p95_ms else {
        return Ruling::pass(format!("{quality} No latency target is set."));
    };
    let target = target as f64;
    let p95 = measured
        .report
        .latency
        .as_ref()
        .map(|latency| latency.p95.candidate);
    match p95 {
        Some((_, _, Some(upper))) if upper > target => Ruling::fail(
            format!(
                "95 of 100 calls may take up to {}; the workflow's target is {}.",
                seconds(upper),
                seconds(target)
            ),
            "Choose a faster route, or have the target changed.",
        ),
        Some((_, _, Some(upper))) => Ruling::pass(format!(
            "{quality} 95 of 100 calls take {} at most, the target is {}.",
            seconds(upper),
            seconds(target)
        )),
        _ => Ruling::unknown(
            format!(
                "Whether 95 of 100 calls are answered within {} cannot be told from so few calls.",
                seconds(target)
            ),
            "Replay at least 72 calls with their latency.",
        ),
    }
}
