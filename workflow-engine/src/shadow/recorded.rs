//! A recorded call as the shadow test sees it: what can be replayed, and why the rest cannot.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    ports::model::{ReplayInput, ToolCall},
    values::Usd,
};

/// What the plan needs to know of a recorded call; its content is read only if it is sampled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallHead {
    /// The call's id: names the trace in the sample and in the report.
    pub trace_id: String,
    /// When it began.
    pub at: DateTime<Utc>,
    /// The kind of request, where the workflow's tags name one.
    pub kind: Option<String>,
    /// Session or user: calls of one cluster are not independent.
    pub cluster: Option<String>,
    /// What makes it unfit, as far as its row can tell.
    pub unfit: Option<Unfit>,
}

/// Why a recorded call is not replayed. Counted and shown, because leaving calls out can bias the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfit {
    /// It failed or was blocked.
    Failed,
    /// A cache answered it.
    CacheHit,
    /// A fallback answered it.
    Fallback,
    /// It was a test or a mirror itself.
    Shadow,
    /// Its prompt was not kept.
    NoContent,
    /// Its prompt was masked or cut.
    Masked,
    /// Its answer was cut short.
    CutShort,
}

impl Unfit {
    /// The words a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Failed => "failed or blocked",
            Self::CacheHit => "answered from a cache",
            Self::Fallback => "answered by a fallback",
            Self::Shadow => "a test call itself",
            Self::NoContent => "prompt not kept",
            Self::Masked => "prompt masked or cut",
            Self::CutShort => "answer cut short",
        }
    }

    /// The word in the plan and in the report.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::CacheHit => "cache_hit",
            Self::Fallback => "fallback",
            Self::Shadow => "shadow",
            Self::NoContent => "no_content",
            Self::Masked => "masked",
            Self::CutShort => "cut_short",
        }
    }
}

/// A sampled call with its content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedCall {
    /// As in its head.
    pub trace_id: String,
    /// What is asked again.
    pub input: ReplayInput,
    /// What was answered then.
    pub answer: RecordedAnswer,
    /// What should have been answered, where somebody has said so.
    pub reference: Option<Reference>,
}

/// What a recorded call was answered, and what it took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordedAnswer {
    /// Text, if any.
    pub text: Option<String>,
    /// Tools it wanted called.
    pub tool_calls: Vec<ToolCall>,
    /// Why it stopped.
    pub finish_reason: Option<String>,
    /// A structured refusal.
    pub refusal: Option<String>,
    /// What it cost by our prices.
    pub cost_usd: Option<Usd>,
    /// How long it took.
    pub latency_ms: Option<f64>,
    /// Time to the first token.
    pub ttft_ms: Option<f64>,
    /// All input tokens.
    pub input_tokens: Option<u64>,
    /// All output tokens.
    pub output_tokens: Option<u64>,
}

/// A right answer that a person or an evaluation set has given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The tools that should be called; none means that none should.
    pub tool_calls: Vec<ToolCall>,
}
