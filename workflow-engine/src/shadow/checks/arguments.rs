//! The arguments of every proposed call are a JSON object.

use super::{Case, canonical};

pub(super) fn check(case: &Case<'_>) -> Option<bool> {
    let calls = &case.answer?.tool_calls;
    (!calls.is_empty()).then(|| calls.iter().all(|call| canonical(call).is_some()))
}
