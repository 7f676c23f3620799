//! A whole answer came: not cut by length, not stopped by a filter.

use super::Case;
use crate::ports::model::Completion;

pub(super) fn check(case: &Case<'_>) -> Option<bool> {
    Some(is_whole(case.answer))
}

pub(super) fn is_whole(answer: Option<&Completion>) -> bool {
    let reason = answer.map(|answer| answer.finish_reason.as_deref());
    reason.is_some_and(|reason| !matches!(reason, Some("length" | "content_filter" | "error" | "cancelled")))
}
