//! Results that other tools have already: an uploaded set, promptfoo, lm-evaluation-harness. Each becomes pairs, one JSON
//! object a line, as `governor analyze` takes them.
//!
//! What they say of quality is theirs; the statistics are ours. Traces that only one arm has are left out and counted.

pub mod lm_eval;
pub mod promptfoo;
pub mod table;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use workflow_engine::{change::attached::Format, values::Digest};

/// Files of results, with what is needed to read them.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// Whose they are.
    pub format: Format,
    /// The file; the incumbent's where each model has its own.
    pub file: &'a str,
    /// The candidate's own file (lm-evaluation-harness).
    pub candidate_file: Option<&'a str>,
    /// The incumbent as the file calls it (promptfoo).
    pub incumbent: Option<&'a str>,
    /// The candidate as the file calls it.
    pub candidate: Option<&'a str>,
    /// What says that an answer was right, where the file has several figures.
    pub metric: Option<&'a str>,
}

impl Files<'_> {
    /// SHA-256 of the file as it was sent; of two files one after the other.
    #[must_use]
    pub fn sha256(&self) -> Digest {
        Digest::of(
            [self.file, self.candidate_file.unwrap_or_default()]
                .concat()
                .as_bytes(),
        )
    }

    /// The models that it compares, where it names both.
    #[must_use]
    pub fn models(&self) -> Option<[String; 2]> {
        Some([self.incumbent?.to_owned(), self.candidate?.to_owned()])
    }
}

/// Reads them, whoever's they are.
///
/// # Errors
/// What is missing or wrong, and where.
pub fn read(files: &Files<'_>) -> Result<Converted, Unusable> {
    let told = |what: &str| Unusable(what.to_owned());
    match (files.format, files.candidate_file) {
        (Format::LmEval, Some(candidate)) => lm_eval::pairs(files.file, candidate, files.metric),
        (Format::LmEval, None) => Err(told(
            "lm-evaluation-harness writes a file for each model: both are needed",
        )),
        (_, Some(_)) => Err(told("one file of pairs is read at a time")),
        (Format::Pairs, None) => Ok(Converted {
            pairs: files.file.to_owned(),
            unpaired: 0,
        }),
        (Format::Csv, None) => table::pairs(files.file),
        (Format::Promptfoo, None) => match (files.incumbent, files.candidate) {
            (Some(incumbent), Some(candidate)) => promptfoo::pairs(files.file, incumbent, candidate),
            _ => Err(told(
                "a promptfoo file may hold many providers: name the incumbent's and the candidate's",
            )),
        },
    }
}

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
