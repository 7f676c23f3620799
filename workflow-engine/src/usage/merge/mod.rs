//! One call, one row: from everything that was reported around a call to the rows that are true of it.
//!
//! [`rows`] looks at a *set* of reports, so the order in which they arrived cannot matter; the store finds the set
//! (reports that share an answer id, a call id or a trace, near in time) and writes what changed.

mod chain;
mod pairs;
mod row;
mod tree;

use chrono::TimeDelta;

use super::call::Call;
use super::mapping::Mapping;
use super::report::SpanNote;
use tree::Tree;

/// Reports of one answer may lie this far apart: clocks differ, and a pull comes with other roundings.
pub const ANSWER_WINDOW: TimeDelta = TimeDelta::hours(1);
/// Reports of one trace or one chain of attempts may lie this far apart.
pub const TRACE_WINDOW: TimeDelta = TimeDelta::minutes(15);

/// The rows that `reports` and the spans above them (`notes`) amount to, ordered by id, without costs of ours.
#[must_use]
pub fn rows(mut reports: Vec<Call>, notes: &[SpanNote], mapping: &Mapping) -> Vec<Call> {
    reports.sort_by_key(|report| (report.started_at, report.id));
    reports.dedup_by_key(|report| report.id);
    let tree = Tree::of(&reports, notes);
    let clusters = pairs::clusters(&reports, &tree);
    let mut rows: Vec<Call> = clusters
        .iter()
        .map(|members| row::row(members.iter().map(|&index| &reports[index]).collect()))
        .collect();
    chain::first_aliases(&mut rows);
    for row in &mut rows {
        row::place(row, &tree, mapping);
    }
    rows.sort_by_key(|row| row.id);
    rows
}

#[cfg(test)]
mod tests;
