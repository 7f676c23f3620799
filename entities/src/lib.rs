//! What is stored: one file a table, nothing decides here. Columns stand in `migrations`; rows are plain.

pub mod api_token;
pub mod budget_alert;
pub mod catalog_version;
pub mod change;
pub mod checkpoint;
pub mod command;
pub mod decision;
pub mod digest;
pub mod event;
pub mod inbox;
pub mod job;
pub mod ledger;
pub mod ledger_head;
pub mod ledger_pending;
pub mod ledger_tile;
pub mod live_route;
pub mod message;
pub mod note;
pub mod packet;
pub mod session;
pub mod shadow_answer;
pub mod shadow_run;
pub mod sign_in_link;
pub mod singleton;
pub mod vote;
pub mod witness;
