//! One arm of one trace: an answer, judged, with what it cost and how long it took.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    analysis::pairs,
    checks::{Case, Checks},
    plan::Latency,
    recorded::{RecordedAnswer, RecordedCall, Reference},
};
use crate::{
    ports::model::{Completion, ReplayInput},
    values::Usd,
};

/// Which answer of a trace is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// Today's route, asked again now.
    Incumbent,
    /// The proposed route.
    Candidate,
    /// Today's route, asked a second time.
    IncumbentRepeat,
    /// What was answered then.
    Recorded,
}

impl Arm {
    /// The word in the database and in the pairs file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incumbent => "incumbent",
            Self::Candidate => "candidate",
            Self::IncumbentRepeat => "incumbent_repeat",
            Self::Recorded => "recorded",
        }
    }
}

/// What one arm of one trace came to; the shape of an ARM in the pairs file of `governor analyze`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmResult {
    /// Whether the answer is right.
    pub ok: bool,
    /// What it cost; none where tokens or price are unknown.
    pub cost_usd: Option<Usd>,
    /// How long it took, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Time to the first token, in milliseconds.
    pub ttft_ms: Option<f64>,
    /// All input tokens.
    pub input_tokens: Option<u64>,
    /// All output tokens.
    pub output_tokens: Option<u64>,
    /// Each check that applied; true passed.
    pub checks: BTreeMap<String, bool>,
}

impl ArmResult {
    /// A replayed answer, judged; none stands for an answer that could not be read or was refused.
    #[must_use]
    pub fn replayed(
        call: &RecordedCall,
        answer: Option<&Completion>,
        cost: Option<Usd>,
        (checks, latency): (&Checks, &Latency),
    ) -> Self {
        let judgement = checks.judge(&case(asked(call), answer));
        let usage = answer.and_then(|answer| answer.usage);
        Self {
            ok: judgement.ok,
            cost_usd: cost,
            latency_ms: answer.and_then(|answer| latency.of(answer)),
            ttft_ms: answer
                .and_then(|answer| answer.ttft)
                .map(|ttft| ttft.as_secs_f64() * 1000.0),
            input_tokens: usage.map(|usage| usage.input_tokens),
            output_tokens: usage.map(|usage| usage.output_tokens),
            checks: judgement.checks,
        }
    }

    /// The answer that was recorded, judged by the same checks. Without a reference it is right by definition.
    #[must_use]
    pub fn recorded(call: &RecordedCall, checks: &Checks) -> Self {
        let answer = &call.answer;
        let completion = Completion {
            text: answer.text.clone(),
            tool_calls: answer.tool_calls.clone(),
            finish_reason: answer.finish_reason.clone(),
            refusal: answer.refusal.clone(),
            ..Completion::default()
        };
        let judgement = checks.judge(&case(asked(call), Some(&completion)));
        Self {
            ok: judgement.ok,
            cost_usd: answer.cost_usd,
            latency_ms: answer.latency_ms,
            ttft_ms: answer.ttft_ms,
            input_tokens: answer.input_tokens,
            output_tokens: answer.output_tokens,
            checks: judgement.checks,
        }
    }
}

impl ArmResult {
    /// As the analysis takes it; these checks give no score.
    #[must_use]
    pub fn into_arm(self) -> pairs::Arm {
        pairs::Arm {
            ok: self.ok,
            score: None,
            cost_usd: self.cost_usd,
            latency_ms: self.latency_ms,
            ttft_ms: self.ttft_ms,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            checks: self.checks,
        }
    }
}

/// An answer beside what it should have been: the reference, or else what was answered then.
#[must_use]
pub fn case<'a>(
    (input, recorded, reference): (&'a ReplayInput, &'a RecordedAnswer, Option<&'a Reference>),
    answer: Option<&'a Completion>,
) -> Case<'a> {
    let calls = reference.and_then(|reference| reference.tool_calls.as_ref());
    Case {
        expected: Some(calls.unwrap_or(&recorded.tool_calls)),
        reference_text: reference.and_then(|reference| reference.text.as_deref()),
        input,
        recorded,
        answer,
    }
}

fn asked(call: &RecordedCall) -> (&ReplayInput, &RecordedAnswer, Option<&Reference>) {
    (&call.input, &call.answer, call.reference.as_ref())
}

impl Latency {
    /// The latency of `answer` in milliseconds, as the plan takes it.
    #[must_use]
    pub fn of(&self, answer: &Completion) -> Option<f64> {
        match self {
            Self::Wall { scale } => (*scale > 0.0).then(|| answer.latency.as_secs_f64() * 1000.0 / scale),
            Self::Gateway => None,
            Self::Vendor => answer.processing.map(|time| time.as_secs_f64() * 1000.0),
        }
    }
}
