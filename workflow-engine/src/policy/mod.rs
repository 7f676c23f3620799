//! The policy: ten controls asked about a workflow and a route, answered with reasons. Denies what it does not know.

pub mod ask;
pub mod budget;
pub mod cedar;
pub mod compiled;
pub mod concerns;
pub mod controls;
pub mod decision;
pub mod evidence;
pub mod request;
mod rules;

pub use budget::{BudgetFacts, BudgetState};
pub use compiled::{CompiledPolicy, Flags};
pub use concerns::concerns;
pub use controls::{Control, GOVERNANCE, Governance, governance};
pub use decision::{Answer, Decision, Finding, HopName, Outcome, Rulebook};
pub use evidence::Measured;
pub use request::{Asked, HopFacts, Known, ModelFacts, Phase, Request, WorkflowFacts};
