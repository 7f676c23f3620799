//! The evidence as a reply in the thread: kinds of request, cost and latency, what the policy says.

use workflow_engine::ports::chat::{Card, Column, Part, Text, Tone};

use super::view::{ChangeView, Evidence};

/// The reply for `view`; none while there is no evidence.
#[must_use]
pub fn card(view: &ChangeView) -> Option<Card> {
    let evidence = view.evidence.as_ref()?;
    let tone = if view.must_not_pass() {
        Tone::Bad
    } else {
        Tone::Progress
    };
    let mut card = Card::new(
        tone,
        format!(
            "Evidence for route change {}, revision {}",
            view.number, view.revision
        ),
    )
    .with(Part::Text(
        Text::default().bold(format!("Evidence, revision {}", view.revision)),
    ));
    if !evidence.kinds.is_empty() {
        card = card.with(table(evidence));
    }
    let measured = [
        ("Cost", &evidence.cost),
        ("Latency", &evidence.latency),
        ("Judge", &evidence.judge),
    ];
    let measured: Vec<(String, Text)> = measured
        .iter()
        .filter_map(|(label, words)| Some(((*label).to_owned(), words.as_deref()?.into())))
        .collect();
    if !measured.is_empty() {
        card = card.with(Part::Facts(measured));
    }
    if !evidence.findings.is_empty() {
        let findings = evidence
            .findings
            .iter()
            .map(|(control, words)| (control.clone(), words.as_str().into()));
        card = card.with(Part::Facts(findings.collect()));
    }
    Some(card.with(Part::Text(
        Text::default().link("All of it, with plots and the packet", view.link.clone()),
    )))
}

fn table(evidence: &Evidence) -> Part {
    let column = |title: &str, right: bool| Column {
        title: title.to_owned(),
        right,
    };
    Part::Table {
        columns: vec![
            column("Kind of request", false),
            column("Calls", true),
            column("Difference, points", true),
            column("Between", true),
            column("Shows", false),
        ],
        rows: evidence.kinds.iter().map(|row| row.to_vec()).collect(),
    }
}
