//! A statement: a month's charges by cost centre, workflow and model, every cent on one line.

use std::collections::BTreeMap;

use serde::Serialize;

use super::charges::{Bearer, Charge, Reason, Total, within};
use super::period::Period;
use crate::catalog::Catalog;
use crate::values::Usd;

/// A line of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The month (`2026-10`).
    pub period: String,
    /// `direct`, `unallocated` or `shared`.
    pub allocation: &'static str,
    /// Why it is unallocated: `no_workflow`, `unknown_workflow` or `no_price`; empty otherwise.
    pub reason: &'static str,
    /// Id of the cost centre; empty where nobody bears it.
    pub cost_center: String,
    /// Its name.
    pub cost_center_name: String,
    /// Id of the workflow, or the unknown name that calls gave.
    pub workflow: String,
    /// Its name.
    pub workflow_name: String,
    /// Id of the person who answers for it.
    pub owner: String,
    /// Provider of the model.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Calls of any outcome.
    pub calls: i64,
    /// What they cost.
    pub cost_usd: Usd,
    /// What reporters said of calls without a price of ours; not part of any sum.
    pub reported_usd: Usd,
}

/// Lines of a period, in a stable order. Σ `cost_usd` = Σ cost of the charges, exactly.
#[must_use]
pub fn rows(charges: &[Charge], catalog: &Catalog, period: Period) -> Vec<Row> {
    let mut sums: BTreeMap<(&Bearer, &str, &str), Total> = BTreeMap::new();
    for charge in within(charges, period) {
        let key = (&charge.bearer, charge.provider.as_str(), charge.model.as_str());
        sums.entry(key).or_default().add(&charge.total());
    }
    let mut rows: Vec<Row> = sums
        .into_iter()
        .map(|((bearer, provider, model), total)| Row {
            provider: provider.to_owned(),
            model: model.to_owned(),
            calls: total.calls,
            cost_usd: total.cost,
            reported_usd: total.reported,
            ..borne(bearer, catalog, period)
        })
        .collect();
    rows.sort_by(|a, b| key(a).cmp(&key(b)));
    rows
}

/// Direct lines by cost centre first, then what stands apart.
fn key(row: &Row) -> (u8, &str, &str, &str, &str, &str) {
    let rank = match row.allocation {
        "direct" => 0,
        "shared" => 1,
        _ => 2,
    };
    (
        rank,
        &row.cost_center,
        &row.workflow,
        row.reason,
        &row.provider,
        &row.model,
    )
}

fn borne(bearer: &Bearer, catalog: &Catalog, period: Period) -> Row {
    let mut row = Row {
        period: period.key(),
        allocation: "unallocated",
        reason: "",
        cost_center: String::new(),
        cost_center_name: String::new(),
        workflow: String::new(),
        workflow_name: String::new(),
        owner: String::new(),
        provider: String::new(),
        model: String::new(),
        calls: 0,
        cost_usd: Usd::ZERO,
        reported_usd: Usd::ZERO,
    };
    match bearer {
        Bearer::Shared => row.allocation = "shared",
        Bearer::Unallocated(Reason::NoWorkflow) => row.reason = "no_workflow",
        Bearer::Unallocated(Reason::UnknownWorkflow(name)) => {
            row.reason = "unknown_workflow";
            row.workflow.clone_from(name);
        }
        Bearer::Unallocated(Reason::NoPrice { .. }) => row.reason = "no_price",
        Bearer::Workflow(id) => {
            row.allocation = "direct";
            row.workflow.clone_from(id);
            if let Some(workflow) = catalog.workflow(id) {
                row.workflow_name.clone_from(&workflow.name);
                row.owner = workflow.owner.as_str().to_owned();
                row.cost_center.clone_from(&workflow.cost_center);
                let center = catalog
                    .cost_centers
                    .iter()
                    .find(|entry| entry.id == workflow.cost_center);
                row.cost_center_name = center.map(|entry| entry.name.clone()).unwrap_or_default();
            }
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::sample;
    use crate::finance::charges::{charges, tests::row, total};

    #[test]
    fn every_cent_of_the_month_stands_on_one_line() {
        let catalog = sample::sample();
        let hours = [
            row("2026-10-01T00:00:00Z", "support-answer", "gpt-4o", "live", "5.25"),
            row(
                "2026-10-31T23:00:00Z",
                "support-answer",
                "gpt-4o",
                "live",
                "1.000000000001",
            ),
            row("2026-10-10T10:00:00Z", "claims-triage", "gpt-4o", "shadow", "2"),
            row("2026-10-10T10:00:00Z", "", "gpt-4o", "live", "0.5"),
            row("2026-10-10T10:00:00Z", "who", "gpt-4o", "live", "0.25"),
            row("2026-11-01T00:00:00Z", "support-answer", "gpt-4o", "live", "100"),
        ];
        let october = Period::month("2026-10").unwrap();
        let charges = charges(
            hours.iter().map(|(key, sums)| (key, sums)),
            &catalog,
            chrono_tz::UTC,
        );
        let rows = rows(&charges, &catalog, october);
        let sum: Usd = rows.iter().map(|row| row.cost_usd).sum();
        assert_eq!(sum, total(within(&charges, october)).cost);
        let lines: Vec<String> = rows
            .iter()
            .map(|row| {
                format!(
                    "{} {} {} {} {}",
                    row.allocation,
                    row.reason,
                    row.cost_center,
                    row.workflow,
                    row.cost_usd.plain()
                )
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        direct  CC-4100 support-answer 6.250000000001
        shared    2
        unallocated no_workflow   0.5
        unallocated unknown_workflow  who 0.25
        ");
    }
}
