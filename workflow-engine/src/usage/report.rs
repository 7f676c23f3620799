//! What one reporter said: the form that parsers make and that merging starts from.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::call::{Call, CallId};

/// Everything that one delivery contained.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// Calls as their reporter told them: no workflow and no cost of ours yet.
    pub reports: Vec<Report>,
    /// Spans that are no calls but stand above some.
    pub notes: Vec<SpanNote>,
    /// Records that could not be read.
    pub rejects: Vec<Reject>,
    /// Records that are none of our business (routers, tools, caches).
    pub ignored: usize,
}

/// A call as one reporter told it, with the prompt and the answer where the reporter sent them.
#[derive(Clone, Debug)]
pub struct Report {
    /// The call; `workflow`, `mapping_rule`, `cost_usd` and `findings` are still empty.
    pub call: Call,
    /// Prompt and answer.
    pub content: Option<Content>,
}

/// Prompt, tools and answer in the shape of OpenAI's chat API. Never written to a log.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// `[{"role","content",…}]`.
    pub messages: serde_json::Value,
    /// Tool definitions as the caller sent them.
    #[serde(default)]
    pub tools: serde_json::Value,
    /// Sampling parameters as the caller sent them.
    #[serde(default)]
    pub parameters: serde_json::Value,
    /// The answer: a message, or the vendor's whole response.
    #[serde(default)]
    pub response: serde_json::Value,
}

impl std::fmt::Debug for Content {
    /// Says nothing of what it holds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Content(..)")
    }
}

/// What is kept of a call beside the public row: how it was reported, and what merging needs again later.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Beside {
    /// Who reported it: `litellm.callback`, `litellm.otel`, or the instrumentation's scope.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reporter: String,
    /// Whether the reporter is a gateway: it knows cost, route and deployment better than the application.
    #[serde(skip_serializing_if = "is_false")]
    pub gateway: bool,
    /// The span above, if the call is a span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<String>,
    /// Workflow names that the record itself gives, the most telling first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The workflow as the record states it in our own format, not by a name that needs a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stated: Option<String>,
    /// The virtual key's alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_alias: Option<String>,
    /// The vendor's service tier (`default`, `priority`, `flex`), which prices depend on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// What this reporter called `requested_alias`, where the row says something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Anything else worth keeping, under its own name: session, organisation, error code.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
    /// Whether `end_user` was taken from a span above.
    #[serde(skip_serializing_if = "is_false")]
    pub user_from_above: bool,
    /// The spans above that said something, as known so far: they are forgotten elsewhere after a while.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub above: Vec<SpanNote>,
    /// Our cost by meter, exact decimals as text.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub meter_costs: BTreeMap<String, String>,
    /// The reports that this row was merged from, when there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// One report inside a merged row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The row as that reporter told it.
    pub call: Call,
    /// What is kept beside it.
    pub beside: Beside,
}

impl Part {
    /// The call with what is kept beside it.
    #[must_use]
    pub fn report(&self) -> Call {
        Call {
            beside: self.beside.clone(),
            ..self.call.clone()
        }
    }

    /// The report as a part.
    #[must_use]
    pub fn of(report: &Call) -> Self {
        Self {
            call: Call {
                beside: Beside::default(),
                ..report.clone()
            },
            beside: report.beside.clone(),
        }
    }
}

/// The reports behind a stored row, as they were before anything was decided about them.
#[must_use]
pub fn reports_of(row: &Call) -> Vec<Call> {
    if !row.beside.parts.is_empty() {
        return row.beside.parts.iter().map(Part::report).collect();
    }
    let mut report = row.clone();
    if let Some(alias) = report.beside.alias.take() {
        report.requested_alias = Some(alias);
    }
    if std::mem::take(&mut report.beside.user_from_above) {
        report.end_user = None;
    }
    report.beside.above.clear();
    report.workflow = None;
    report.mapping_rule = None;
    report.cost_usd = None;
    report.cost_source = None;
    report.price_version = None;
    report.beside.meter_costs.clear();
    report.findings.clear();
    vec![report]
}

/// A span that is no call: it may name the workflow or the user of the calls below it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpanNote {
    /// Its trace.
    pub trace_id: String,
    /// Itself.
    pub span_id: String,
    /// The span above it.
    #[serde(default)]
    pub parent_span_id: Option<String>,
    /// Its start.
    pub started_at: DateTime<Utc>,
    /// Its end.
    pub ended_at: DateTime<Utc>,
    /// Tags on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Workflow names on it, the most telling first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The user it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_user: Option<String>,
}

/// A record that could not become a call. It is counted, kept and shown, never dropped in silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Where in the body it stood (`row 3`, `line 2`, `resourceSpans[0].scopeSpans[0].spans[4]`).
    pub place: String,
    /// What is wrong, and what would be right.
    pub reason: String,
    /// The record's own bytes, so that it can be read again once the reader is mended.
    pub body: Vec<u8>,
}

/// What became of a delivery, when it is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Rows that were not there before.
    pub new: usize,
    /// Records that were there already.
    pub duplicates: usize,
    /// Rows that were there and know more now.
    pub completed: usize,
    /// Records that could not be read or are too far in the future; they are kept with the reason.
    pub rejected: usize,
}

/// A row that was stored under another id before its reports were merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The report.
    pub part: CallId,
    /// The row it is now a part of.
    pub row: CallId,
}
