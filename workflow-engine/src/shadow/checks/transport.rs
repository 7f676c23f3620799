//! A whole answer came: not cut by length, not stopped by a filter.

use super::Case;

pub(super) fn check(case: &Case<'_>) -> Option<bool> {
    let Some(answer) = case.answer else {
        return Some(false);
    };
    let reason = answer.finish_reason.as_deref();
    Some(!matches!(
        reason,
        Some("length" | "content_filter" | "error" | "cancelled")
    ))
}
