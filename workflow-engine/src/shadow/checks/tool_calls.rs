//! The calls are the right ones: names and arguments in canonical form, in whatever order.

use super::{Case, canonical};

pub(super) fn check(case: &Case<'_>) -> Option<bool> {
    let (expected, answer) = (case.expected?, case.answer?);
    let sorted = |calls: &[crate::ports::model::ToolCall]| {
        let mut calls: Option<Vec<_>> = calls.iter().map(canonical).collect();
        if let Some(calls) = &mut calls {
            calls.sort();
        }
        calls
    };
    let given = sorted(&answer.tool_calls);
    Some(given.is_some() && given == sorted(expected))
}
