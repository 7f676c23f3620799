//! The text is neither a third nor three times as long as the recorded one; short texts are left alone.

use super::Case;

/// Shortest recorded text that is compared, in characters.
const LEAST: usize = 80;

pub(super) fn check(case: &Case<'_>) -> Option<bool> {
    let recorded = case.recorded.text.as_deref()?.chars().count();
    let given = case.answer?.text.as_deref()?.chars().count();
    (recorded >= LEAST).then_some(given * 3 >= recorded && given <= recorded * 3)
}
