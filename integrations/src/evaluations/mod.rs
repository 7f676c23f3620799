//! Results that other tools have already: an uploaded set, promptfoo, lm-evaluation-harness. Each becomes pairs, one JSON
//! object a line, as `governor analyze` takes them.
//!
//! What they say of quality is theirs; the statistics are ours. Traces that only one arm has are left out and counted.

pub mod lm_eval;
pub mod promptfoo;
pub mod table;

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Pairs out of somebody else's results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// One pair a line.
    pub pairs: String,
    /// Traces that only one of the two arms has.
    pub unpaired: usize,
}

/// Why a file cannot be made into pairs: what, where, and what would do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);

/// One arm's answers by trace, in the file's order.
type Answers = Vec<(String, Value)>;

/// Puts two arms together by trace, in the order of the incumbent's file.
fn paired(incumbent: Answers, candidate: Answers) -> Result<Converted, Unusable> {
    let before = incumbent.len() + candidate.len();
    let mut other: BTreeMap<String, Value> = BTreeMap::new();
    for (trace, answer) in candidate {
        if other.insert(trace.clone(), answer).is_some() {
            return Err(Unusable(format!(
                "the candidate has two answers to {trace}; keep one"
            )));
        }
    }
    let (mut pairs, mut count) = (String::new(), 0);
    for (trace, mine) in incumbent {
        let Some(theirs) = other.remove(&trace) else {
            continue;
        };
        let pair = json!({"trace_id": trace, "stratum": mine["stratum"], "arms": {"incumbent": mine, "candidate": theirs}});
        pairs.push_str(&pair.to_string());
        pairs.push('\n');
        count += 1;
    }
    if count == 0 {
        let what = "the two arms have no trace in common; are both files of the same set?";
        return Err(Unusable(what.to_owned()));
    }
    Ok(Converted {
        pairs,
        unpaired: before - 2 * count,
    })
}
