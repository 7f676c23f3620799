//! What a span says the call cost.

use workflow_engine::usage::call::{Call, Status};
use workflow_engine::values::Usd;

use super::span::Attrs;
use crate::traces::decimal;

/// The reported cost in US dollars. A gateway's cache hit cost nothing; any other 0 means that the price is unknown.
pub(super) fn reported(call: &Call, attrs: &Attrs) -> Option<Usd> {
    if call.cache_hit == Some(true) {
        return Some(Usd::ZERO);
    }
    let keys = [
        "litellm.cost.total",
        "gen_ai.cost.total_cost",
        "gen_ai.usage.cost.amount",
        "gen_ai.usage.cost",
        "gen_ai.usage.total_cost",
        "llm.cost.total",
    ];
    let amount = attrs.number(&keys).or_else(|| {
        let details = attrs.json(&["langfuse.observation.cost_details"])?;
        details.get("total")?.as_f64()
    })?;
    let known = amount > 0.0 && (call.status == Status::Success || call.input_tokens.is_some());
    known.then(|| decimal(amount)).flatten().map(Usd)
}
