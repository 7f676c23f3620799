//! Cedar: the ten controls once more, as policies that a security team reads, and the organisation's own rules.
//!
//! A question is asked for each hop of a route by itself. Cedar leaves out a policy whose evaluation fails, which for a
//! `forbid` would let through what it stands against: any such error denies.

mod question;
pub mod read;
pub mod rules;
#[cfg(test)]
mod rules_tests;
pub mod shipped;
#[cfg(test)]
mod tests;
mod unmet;

use std::{str::FromStr as _, sync::LazyLock};

use cedar_policy::{Authorizer, Decision, PolicySet, Schema};

use self::question::Question;

/// What rules may look at.
pub const SCHEMA_TEXT: &str = include_str!("gov.cedarschema");

#[expect(clippy::expect_used, reason = "the text is compiled in and a test reads it")]
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::from_str(SCHEMA_TEXT).expect("a valid schema"));

/// Why Cedar could not be asked, or could not answer in full: a denial.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CedarFault(String);

impl CedarFault {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }

    /// Rules that are in force although they cannot be read.
    pub(super) fn unreadable(faults: &[read::RuleFault]) -> Self {
        let first = faults.first().map(ToString::to_string);
        Self(format!("they cannot be read ({})", first.unwrap_or_default()))
    }
}

/// What Cedar says of one hop.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    /// Whether something permits it, nothing forbids it, and nothing failed.
    permitted: bool,
    /// Ids of the policies that decided: those that forbid it, or those that permit it; none where nothing permits it.
    determining: Vec<String>,
    /// Policies that could not be evaluated.
    errors: Vec<String>,
}

fn ask(policies: &PolicySet, question: &Question) -> Said {
    let response = Authorizer::new().is_authorized(&question.request, policies, &question.entities);
    let errors: Vec<String> = response.diagnostics().errors().map(ToString::to_string).collect();
    let mut determining: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
    determining.sort();
    Said {
        permitted: response.decision() == Decision::Allow && errors.is_empty(),
        determining,
        errors,
    }
}
