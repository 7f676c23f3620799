//! Rows: the only place of this crate that speaks SQL. One file an aggregate.
//!
//! [`db::Db`] is the way in: `reads()` for looking, `write()` for one durable unit, [`commit`] for a transition.

pub(crate) mod audit;
pub mod budgets;
pub mod calls;
pub mod catalog;
pub mod changes;
pub mod claims;
pub mod commands;
pub mod commit;
mod commit_postgres;
mod commit_sqlite;
mod commit_values;
pub mod copy;
pub mod db;
pub mod decisions;
pub mod digests;
pub mod error;
pub mod gauges;
pub mod grounds;
pub mod inbox;
pub mod judging;
pub mod ledger;
pub mod messages;
pub mod notes;
pub mod packets;
pub mod policies;
pub mod pooler;
pub mod queue;
pub mod routes;
pub mod sessions;
pub mod shadow;
pub mod shadow_content;
pub mod shadow_read;
pub mod singleton;
mod statement;
pub mod supporting;
pub(crate) mod together;
pub mod tokens;
pub mod views;
pub mod vitals;
mod warm;
pub mod writer;
