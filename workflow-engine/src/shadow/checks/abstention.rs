//! Where no tool applies, none is called.

use super::Case;

pub(super) fn check(case: &Case<'_>) -> Option<bool> {
    let abstain = case.expected?.is_empty();
    abstain.then_some(case.answer?.tool_calls.is_empty())
}
