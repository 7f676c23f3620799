//! As many calls as should be: a call made twice has its effect twice.

use super::Case;

pub(super) fn check(case: &Case<'_>) -> Option<bool> {
    Some(case.expected?.len() == case.answer?.tool_calls.len())
}
