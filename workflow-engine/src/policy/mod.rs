//! The policy: ten controls and the organisation's own rules, asked about a workflow and a route, answered with reasons.
//! Denies what it does not know.

pub mod ask;
pub mod book;
pub mod budget;
pub mod cedar;
pub mod change;
pub mod compiled;
pub mod concerns;
pub mod controls;
pub mod decision;
pub mod evidence;
pub mod facts;
mod own_table;
pub mod request;
mod rules;
#[cfg(test)]
mod tests;
pub mod traffic;
pub mod what_if;

pub use book::Rulebook;
pub use budget::{BudgetFacts, BudgetState};
pub use compiled::{CompiledPolicy, Flags};
pub use concerns::concerns;
pub use controls::{Control, Governance};
pub use decision::{Answer, Decision, Finding, Ground, HopName, OWN_RULES, Outcome};
pub use evidence::Measured;
pub use request::{Asked, HopFacts, Known, ModelFacts, Phase, Request, WorkflowFacts};
