//! What policy says, control by control, as the change page shows it.

use serde::Serialize;
use serde_json::Value;

use super::super::parts::Badge;

/// A decision as it is shown.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Policy {
    badge: Badge,
    findings: Vec<Finding>,
    note: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Finding {
    mark: &'static str,
    tone: &'static str,
    sentence: String,
    fix: Option<String>,
    control: String,
    hop: Option<String>,
}

impl Policy {
    /// Reads a stored decision. One of another shape shows nothing rather than something wrong.
    pub(super) fn read(decision: &Value) -> Option<Self> {
        let permit = decision["decision"].as_str()? == "permit";
        let admission = decision["phase"].as_str() == Some("admission");
        // Of a change of the policy itself people decide; the decision lists what it would decide differently.
        let of_policy = decision["determining"][0].as_str() == Some("policy-change");
        let word = match (permit, admission) {
            (true, _) if of_policy => "What it would mean",
            (true, true) => "Admits the test",
            (true, false) => "Permits it",
            (false, true) => "Refuses the test",
            (false, false) => "Does not allow it",
        };
        let mut findings: Vec<Finding> = decision["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .map(finding)
            .collect();
        // What failed stands first; the order of the controls stays otherwise.
        findings.sort_by_key(|finding| finding.tone == "green");
        Some(Self {
            badge: if permit {
                Badge::new(word, "disc", "green")
            } else {
                Badge::new(word, "diamond", "red")
            },
            findings,
            note: note(decision),
        })
    }
}

/// Under which rules and on which facts it was decided: `Policy 3f2a…, vendors’ facts as of 2026-11-24; …`.
fn note(decision: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let (digest, day) = (text(&decision["policy_sha256"])?, text(&decision["facts_as_of"])?);
    let mut note = format!(
        "Policy {}…, vendors’ facts as of {day}",
        &digest[..digest.len().min(12)]
    );
    let facts = decision["facts"].as_array().into_iter().flatten();
    let first = facts.min_by_key(|fact| fact["expires"].as_str());
    if let Some(fact) = first {
        let part = |key: &str| fact[key].as_str().unwrap_or_default().replace('_', " ");
        note += &format!(
            "; the first to end is {} of {} (“{}”), on {}",
            part("name"),
            part("vendor"),
            part("source"),
            fact["expires"].as_str().unwrap_or_default()
        );
    }
    if let Some(engine) = text(&decision["engine"]) {
        note += &format!("; evaluated by {engine}");
    }
    Some(note + ".")
}

fn finding(value: &Value) -> Finding {
    let text = |key: &str| {
        value[key]
            .as_str()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let (mark, tone) = match value["outcome"].as_str() {
        Some("pass") => ("disc", "green"),
        Some("unknown") => ("ring", "amber"),
        _ => ("diamond", "red"),
    };
    let hop = value["hop"]["model"]
        .as_str()
        .map(|model| match value["hop"]["index"].as_u64() {
            Some(index) if index > 0 => format!("fallback {index}, {model}"),
            _ => model.to_owned(),
        });
    Finding {
        mark,
        tone,
        sentence: text("why").or_else(|| text("title")).unwrap_or_default(),
        fix: text("remedy"),
        control: text("control").unwrap_or_default(),
        hop,
    }
}
