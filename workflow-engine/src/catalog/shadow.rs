//! How changes of a workflow are tested: within what, on which kinds of request, by which checks.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::values::{Hop, PersonId, Usd};

/// How changes of a workflow are tested. What is left out is as the policy, or as the program has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Testing {
    /// Where the pairs of a test come from.
    #[serde(skip_serializing_if = "Source::is_replay")]
    pub source: Source,
    /// Most dollars that one test may spend; at most the policy's.
    pub budget_usd: Option<Usd>,
    /// Most pairs that one test replays; at most the policy's.
    pub max_pairs: Option<u32>,
    /// Traces on which today's route is asked twice, to show its noise against itself.
    pub repeats: Option<u32>,
    /// Whether recorded answers may stand in for today's route once a first block has shown no drift.
    pub reuse_recorded: bool,
    /// Whether a test may end early when the candidate is shown to be good enough; harm ends it always.
    pub accept_early: bool,
    /// What tells kinds of request apart; none means the tag where `strata.tag_prefix` is given, else tools and length.
    pub kinds_by: Vec<KindBy>,
    /// Whether e-mail addresses, phone numbers, IBANs and card numbers are replaced by pseudonyms before anything is sent.
    pub redact: bool,
    /// Patterns of names that are replaced too.
    pub names: Vec<String>,
    /// Prompts that match one of these patterns depend on the moment and are not replayed.
    pub time_dependent: Vec<String>,
    /// Whether a call without a system prompt is incomplete and is not replayed.
    pub needs_system_prompt: bool,
    /// Checks of its own.
    pub checks: Vec<OwnCheck>,
    /// Zero-tolerance findings that security has looked at and lets pass.
    pub waivers: Vec<Waiver>,
    /// Who judges where checks cannot decide.
    pub judge: Option<JudgeCard>,
}

/// Where the pairs of a test come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Recorded calls, asked again on both routes.
    #[default]
    Replay,
    /// Live calls and the mirror calls that the gateway sent to the candidate beside them.
    Mirror,
}

impl Source {
    /// Whether it is the usual one, which is not written out.
    #[must_use]
    pub fn is_replay(&self) -> bool {
        *self == Self::Replay
    }
}

/// What tells kinds of request apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KindBy {
    /// The tag that begins with `strata.tag_prefix`.
    Tag,
    /// How the recorded answer used its tools: none offered, none called, one, several.
    Tools,
    /// The third of the window's prompt lengths that it falls in.
    Length,
    /// The language of the last message of the user.
    Language,
    /// The call's own data class, where a tag `data_class:` names one.
    DataClass,
}

impl KindBy {
    /// Whether the row of a call tells it, without its content.
    #[must_use]
    pub fn is_told_by_rows(self) -> bool {
        matches!(self, Self::Tag | Self::Length | Self::DataClass)
    }
}

/// A check of a workflow's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnCheck {
    /// Its name among the checks and in the margins.
    pub name: String,
    /// What it looks for.
    pub kind: CheckKind,
    /// The pattern, the JSON Schema, or the JSONPath; nothing for a reference answer.
    #[serde(default)]
    pub value: Option<String>,
    /// For a path: the JSON text that must be there; left out, what the recorded answer has there.
    #[serde(default)]
    pub equals: Option<String>,
    /// Whether a failure makes the answer wrong, or is only shown.
    #[serde(default)]
    pub decides: bool,
}

/// What a workflow's own check looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// A pattern that the answer must match.
    Pattern,
    /// A pattern that it must not match.
    Forbidden,
    /// A JSON Schema that the answer must satisfy.
    Schema,
    /// A place in the answer's JSON that must equal something.
    Path,
    /// The answer's text must be the reference answer that came with the call.
    Reference,
}

/// Security lets findings of a zero-tolerance check pass, until a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The check (`new_personal_data`, `secret_leak`).
    pub check: String,
    /// Somebody who answers for security.
    pub by: PersonId,
    /// The last day on which it holds.
    pub until: NaiveDate,
    /// Why.
    pub reason: String,
}

/// A model that compares two answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgeCard {
    /// Its vendor: another than those of both routes.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Where it is processed; the policy asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The vendor's deployment, where it has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// Sampling parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// What makes an answer good, in the owner's words.
    pub instructions: String,
}

impl JudgeCard {
    /// Who is asked.
    #[must_use]
    pub fn hop(&self) -> Hop {
        Hop {
            provider: self.provider.clone(),
            model: self.model.clone(),
            region: self.region.clone(),
            deployment: self.deployment.clone(),
            parameters: self.parameters.clone(),
        }
    }

    /// `provider/model`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }
}
