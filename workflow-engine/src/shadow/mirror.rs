//! Pairs that a gateway has made already: a live call and the mirror call that it sent to the candidate beside it.
//!
//! Nothing is asked again. Gateways give both calls one trace (LiteLLM `silent_model`: same `trace_id`, another call id;
//! the flag `is_silent_experiment` may be absent, so the candidate's model in the trace of a live call counts as well).

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{
    arm::{ArmResult, case},
    checks::{Case, Checks},
    recorded::{self, CallHead, RecordedAnswer, RecordedCall, Unfit, head},
};
use crate::{
    ports::model::Completion,
    usage::{
        call::{Call, Status},
        report::Content,
    },
    values::{Hop, Usd},
};

/// Furthest apart that a live call and its mirror begin: the gateway sends both at once.
const APART: TimeDelta = TimeDelta::seconds(2);

/// A stored call of the window, live or mirror.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What the plan needs to know of it.
    pub head: CallHead,
    /// The trace that gateway or application gave it.
    pub trace: Option<String>,
    /// The model that was asked upstream.
    pub model: Option<String>,
    /// Whether the gateway says that it is a mirror.
    pub is_mirror: bool,
    /// Whether prompt and answer were kept.
    pub has_content: bool,
}

/// The mirror of a live call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Its id.
    pub id: String,
    /// Whether prompts and answers of both were kept.
    pub with_content: bool,
}

/// A stored call as one arm of a pair.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its id.
    pub id: String,
    /// Whether an answer came.
    pub answered: bool,
    /// Why it stopped, as the gateway recorded it; its figures.
    pub row: RecordedAnswer,
    /// Prompt and answer, where they were kept.
    pub call: Option<RecordedCall>,
}

/// A stored row as a test on mirrored calls sees it.
#[must_use]
pub fn seen(call: &Call, has_content: bool, kind_prefix: Option<&str>) -> Seen {
    Seen {
        head: head(call, has_content, kind_prefix),
        trace: call.trace_id.clone(),
        model: call.route_model.clone(),
        is_mirror: call.is_shadow,
        has_content,
    }
}

/// A stored row as one arm of a pair, with its content where that was kept.
#[must_use]
pub fn answered(call: &Call, content: Option<&Content>) -> Answered {
    let row = recorded::answer(call, &Value::Null);
    Answered {
        id: call.id.to_string(),
        answered: call.status == Status::Success,
        row: RecordedAnswer {
            finish_reason: call.finish_reason.map(|reason| reason.word().to_owned()),
            ..row
        },
        call: content.and_then(|content| recorded::recorded(call, content)),
    }
}

/// The live calls of `calls`, each with its partner or with the reason why it has none.
#[must_use]
pub fn pair(calls: Vec<Seen>, (today, proposed): (&Hop, &Hop)) -> Vec<CallHead> {
    let is = |seen: &Seen, hop: &Hop| seen.model.as_deref() == Some(hop.model.as_str());
    let (mirrors, live): (Vec<Seen>, Vec<Seen>) = calls
        .into_iter()
        .partition(|seen| seen.is_mirror || (is(seen, proposed) && !is(seen, today)));
    let mut by_trace: HashMap<&str, Vec<&Seen>> = HashMap::new();
    for mirror in &mirrors {
        if let Some(trace) = &mirror.trace {
            by_trace.entry(trace).or_default().push(mirror);
        }
    }
    let beside = |seen: &Seen| -> Vec<&Seen> {
        let trace = seen.trace.as_deref().and_then(|trace| by_trace.get(trace));
        let close = |mirror: &&&Seen| is_close(mirror.head.at, seen.head.at);
        trace.into_iter().flatten().filter(close).copied().collect()
    };
    // A mirror that several live calls could claim is nobody's.
    let mut claims: BTreeMap<&str, usize> = BTreeMap::new();
    for mirror in live.iter().flat_map(&beside) {
        *claims.entry(&mirror.head.trace_id).or_default() += 1;
    }
    live.iter()
        .map(|seen| {
            let mut head = seen.head.clone();
            let found = beside(seen);
            let outcome = match found.as_slice() {
                [] => Err(Unfit::NoPartner),
                [one] if claims[one.head.trace_id.as_str()] > 1 => Err(Unfit::TwoPartners),
                [one] if !is(seen, today) || !is(one, proposed) => Err(Unfit::WrongModel),
                [one] => Ok(Partner {
                    id: one.head.trace_id.clone(),
                    with_content: seen.has_content && one.has_content,
                }),
                _ => Err(Unfit::TwoPartners),
            };
            // A call that failed was an answer too: of the route that failed. What a cache or a fallback answered was not.
            let stands = |unfit: &Unfit| matches!(unfit, Unfit::CacheHit | Unfit::Fallback);
            head.unfit = head.unfit.filter(stands);
            match outcome {
                Ok(partner) => head.mirror = Some(partner),
                Err(unfit) => head.unfit = head.unfit.or(Some(unfit)),
            }
            head
        })
        .collect()
}

fn is_close(one: DateTime<Utc>, other: DateTime<Utc>) -> bool {
    (one - other).abs() <= APART
}

/// Both arms of a pair, judged by the checks that what was kept allows: all of them where both contents are there, else
/// whether a whole answer came. Only a reference says what is right: the live answer is an arm here and no measure.
#[must_use]
pub fn judge(live: &Answered, mirror: &Answered, checks: &Checks) -> [ArmResult; 2] {
    let asked = live
        .call
        .as_ref()
        .filter(|_| mirror.call.is_some() || !mirror.answered);
    [live, mirror].map(|arm| {
        let completion = arm.answered.then(|| completion(arm));
        let judgement = match asked {
            Some(asked) => {
                let reference = asked.reference.as_ref();
                let case = case((&asked.input, &asked.answer, reference), completion.as_ref());
                let expected = case
                    .expected
                    .filter(|_| reference.is_some_and(|reference| reference.tool_calls.is_some()));
                checks.judge(&Case { expected, ..case })
            }
            None => checks.transport(completion.as_ref()),
        };
        let known = |cost: Option<Usd>| cost.filter(|_| arm.answered);
        ArmResult {
            ok: judgement.ok,
            cost_usd: known(arm.row.cost_usd),
            latency_ms: arm.row.latency_ms.filter(|_| arm.answered),
            ttft_ms: arm.row.ttft_ms.filter(|_| arm.answered),
            input_tokens: arm.row.input_tokens,
            output_tokens: arm.row.output_tokens,
            checks: judgement.checks,
        }
    })
}

/// The stored answer as a model would have given it now.
#[must_use]
pub fn completion(arm: &Answered) -> Completion {
    let said = arm.call.as_ref().map(|call| &call.answer);
    Completion {
        text: said.and_then(|said| said.text.clone()),
        tool_calls: said.map(|said| said.tool_calls.clone()).unwrap_or_default(),
        refusal: said.and_then(|said| said.refusal.clone()),
        finish_reason: said
            .and_then(|said| said.finish_reason.clone())
            .or_else(|| arm.row.finish_reason.clone()),
        ..Completion::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow::samples::{head, terms};

    fn seen(id: &str, trace: &str, model: &str, millis: i64) -> Seen {
        Seen {
            head: CallHead {
                at: DateTime::UNIX_EPOCH + TimeDelta::milliseconds(millis),
                ..head(id)
            },
            trace: Some(trace.to_owned()),
            model: Some(model.to_owned()),
            is_mirror: false,
            has_content: true,
        }
    }

    const TODAY: &str = "gpt-4o-2024-05-13";
    const PROPOSED: &str = "gpt-4o-2024-08-06";

    fn paired(calls: Vec<Seen>) -> Vec<(String, Result<String, Unfit>)> {
        let terms = terms();
        pair(calls, (&terms.baseline.primary, &terms.candidate.primary))
            .into_iter()
            .map(|head| {
                let outcome = match (head.mirror, head.unfit) {
                    (Some(partner), None) => Ok(partner.id),
                    (_, unfit) => Err(unfit.unwrap()),
                };
                (head.trace_id, outcome)
            })
            .collect()
    }

    #[test]
    fn a_live_call_goes_with_the_one_mirror_of_its_trace_and_everything_else_says_why_not() {
        let flagged = |call: Seen| Seen {
            is_mirror: true,
            ..call
        };
        let mut cached = seen("l5", "t5", TODAY, 0);
        cached.head.unfit = Some(Unfit::CacheHit);
        let calls = vec![
            seen("l1", "t1", TODAY, 0),
            flagged(seen("m1", "t1", PROPOSED, 40)),
            // Without the gateway's flag, told by its model.
            seen("l2", "t2", TODAY, 0),
            seen("m2", "t2", PROPOSED, 40),
            seen("l3", "t3", TODAY, 0),
            flagged(seen("m3", "t3", "gpt-4o-mini", 40)),
            seen("l4", "t4", TODAY, 0),
            flagged(seen("m4", "t4", PROPOSED, 40)),
            flagged(seen("m4b", "t4", PROPOSED, 50)),
            cached,
            flagged(seen("m5", "t5", PROPOSED, 40)),
            // One conversation is one trace: the moment tells its turns apart.
            seen("l6", "t6", TODAY, 0),
            flagged(seen("m6", "t6", PROPOSED, 40)),
            seen("l7", "t6", TODAY, 60_000),
            flagged(seen("m7", "t6", PROPOSED, 60_040)),
            seen("l8", "t8", TODAY, 0),
        ];
        let expected = [
            ("l1", Ok("m1")),
            ("l2", Ok("m2")),
            ("l3", Err(Unfit::WrongModel)),
            ("l4", Err(Unfit::TwoPartners)),
            ("l5", Err(Unfit::CacheHit)),
            ("l6", Ok("m6")),
            ("l7", Ok("m7")),
            ("l8", Err(Unfit::NoPartner)),
        ];
        let expected = expected.map(|(id, outcome)| (id.to_owned(), outcome.map(str::to_owned)));
        assert_eq!(paired(calls), expected);
    }

    #[test]
    fn two_live_calls_of_one_moment_share_no_mirror() {
        let calls = vec![
            seen("l1", "t", TODAY, 0),
            seen("l2", "t", TODAY, 10),
            seen("m", "t", PROPOSED, 20),
        ];
        let nobodys = |id: &str| (id.to_owned(), Err(Unfit::TwoPartners));
        assert_eq!(paired(calls), [nobodys("l1"), nobodys("l2")]);
    }

    #[test]
    fn without_contents_only_whether_an_answer_came_is_compared() {
        let arm = |answered: bool| Answered {
            id: "x".to_owned(),
            answered,
            row: RecordedAnswer {
                latency_ms: Some(12.0),
                finish_reason: Some("stop".to_owned()),
                ..RecordedAnswer::default()
            },
            call: None,
        };
        let [live, mirror] = judge(&arm(true), &arm(false), &Checks::default());
        assert!(live.ok && !mirror.ok);
        assert_eq!(live.checks, BTreeMap::from([("transport".to_owned(), true)]));
        assert_eq!((live.latency_ms, mirror.latency_ms), (Some(12.0), None));
    }
}
