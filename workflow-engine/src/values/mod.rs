//! Plain values that every room speaks: money, tokens, digests, ids, people, routes.

pub mod actor;
pub mod digest;
pub mod ids;
pub mod money;
pub mod route;

pub use actor::{Actor, PersonId, Role};
pub use digest::{Digest, canonical_json};
pub use ids::{ChangeId, ChangeNumber, JobId, Revision, RunId, WorkflowId};
pub use money::{Tokens, Usd};
pub use route::{Hop, Route};
