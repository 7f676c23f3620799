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
        let word = match (permit, admission) {
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
        let digest = decision["policy_sha256"]
            .as_str()
            .map(|digest| &digest[..digest.len().min(12)]);
        let day = decision["facts_as_of"].as_str();
        Some(Self {
            badge: if permit {
                Badge::new(word, "disc", "green")
            } else {
                Badge::new(word, "diamond", "red")
            },
            findings,
            note: digest
                .zip(day)
                .map(|(digest, day)| format!("Policy {digest}…, vendors’ facts as of {day}.")),
        })
    }
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
