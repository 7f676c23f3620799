//! What a shadow test measured, as the policy looks at it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::shadow::analysis::report::Report;

/// A report and the day on which it was finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// What was found.
    pub report: Report,
    /// When.
    pub on: NaiveDate,
}

impl Measured {
    /// Whether it surely costs less: the upper limit of the cost ratio is below 1.
    #[must_use]
    pub fn surely_saves(&self) -> bool {
        let interval = self.report.cost.as_ref().and_then(|cost| cost.interval);
        interval.is_some_and(|interval| interval.upper < 1.0)
    }
}
