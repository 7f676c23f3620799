//! The model that was asked is the model that answered: otherwise the answer is evidence about another one.

use super::Case;
use crate::ports::model::Defect;

pub(super) fn check(case: &Case<'_>) -> Option<bool> {
    Some(!case.answer?.defects.contains(&Defect::OtherModel))
}
