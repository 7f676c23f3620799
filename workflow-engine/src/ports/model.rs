//! A model that replays a recorded call: what it is asked, what it answers, and how it fails.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::values::Hop;

/// A vendor's model, asked over the network. One call is one charge: nothing is asked twice behind the caller's back
/// once an answer has begun.
#[async_trait]
pub trait ModelClient: Send + Sync {
    /// Asks `hop` for the next turn of `input`. Tools are proposed, never executed.
    ///
    /// # Errors
    /// [`ModelError`] says whether the run may try again, must stop, or has learnt something about this one prompt.
    async fn complete(&self, hop: &Hop, input: &ReplayInput) -> Result<Completion, ModelError>;
}

/// A recorded turn, ready to be asked again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayInput {
    /// The conversation so far in OpenAI's message shape, recorded tool results included.
    pub messages: Value,
    /// Tool definitions in OpenAI's shape, if the call offered any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Value>,
    /// Sampling parameters of the recorded call; the route's own go before them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Value>,
}

/// What a model answered, as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The text, if any.
    pub text: Option<String>,
    /// Proposed tool calls in the order given.
    pub tool_calls: Vec<ToolCall>,
    /// The vendor's word for why it stopped.
    pub finish_reason: Option<String>,
    /// The structured refusal, where the vendor has one.
    pub refusal: Option<String>,
    /// Tokens as inclusive totals; none when not reported or not believable.
    pub usage: Option<Usage>,
    /// The vendor's own usage object, for pricing.
    pub raw_usage: Option<Value>,
    /// The model that says it answered.
    pub response_model: Option<String>,
    /// The vendor's id of the answer.
    pub response_id: Option<String>,
    /// Wall time from request to the last byte, of the attempt that was answered.
    pub latency: Duration,
    /// The vendor's own processing time, where it reports one (`openai-processing-ms`).
    pub processing: Option<Duration>,
    /// Time to the first token; none for answers that are not streamed.
    pub ttft: Option<Duration>,
    /// What was wrong with an answer that could still be read.
    pub defects: Vec<Defect>,
    /// How often the vendor was asked for this one answer.
    pub attempts: u32,
}

/// One proposed call of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The tool's name.
    pub name: String,
    /// The arguments exactly as the model wrote them; they may be no JSON at all.
    pub arguments: String,
}

/// Token counts; input includes cached tokens, output includes reasoning tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// All input tokens.
    pub input_tokens: u64,
    /// Input tokens read from a prompt cache.
    pub cached_input_tokens: u64,
    /// All output tokens.
    pub output_tokens: u64,
    /// Output tokens spent on reasoning.
    pub reasoning_tokens: u64,
}

/// Something wrong with an answer that could still be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// No usage object: the answer has no cost.
    NoUsage,
    /// Usage with negative or contradictory counts: not used.
    BadUsage,
    /// The answer names another model than the one asked.
    OtherModel,
    /// More than one choice where one was asked for; the first is taken.
    ManyChoices,
    /// Tool arguments that are no JSON object.
    BrokenArguments,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The vendor cannot answer now (rate limit, overload, time-out, unreachable): the run may come back later.
    #[error("{why}")]
    Retry {
        /// The wait that the vendor asked for.
        after: Option<Duration>,
        /// What happened, without secrets.
        why: String,
    },
    /// No prompt of this run will be answered until a person has changed something (key, model name, permission).
    #[error("{why}. {remedy}")]
    Permanent {
        /// What happened, without secrets.
        why: String,
        /// What to do.
        remedy: String,
    },
    /// This prompt was refused (too long, content filter, bad parameter): a fact about the candidate, not a failure of the run.
    #[error("refused: {0}")]
    Refused(String),
    /// An answer came that cannot be read (HTML, cut short, no choice): a fact about this answer.
    #[error("unreadable answer: {0}")]
    Unreadable(String),
}
