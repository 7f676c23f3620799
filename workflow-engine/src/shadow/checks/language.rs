//! The answer speaks the language of the recorded answer, or else of the user; where both are long enough to tell.

use super::Case;
use crate::shadow::features::{asked_last, language};

pub(super) fn check(case: &Case<'_>) -> Option<bool> {
    let given = language(case.answer?.text.as_deref()?)?;
    let recorded = case.recorded.text.as_deref().and_then(language);
    let expected = recorded.or_else(|| language(&asked_last(case.input)?))?;
    Some(given == expected)
}
