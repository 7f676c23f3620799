//! Calls to models: what a reporter said, how several reports become one row, whose it is and what it costs.
//!
//! Reading order: `call` (the row) → `report` (what one reporter said) → `merge` (one call, one row) → `mapping` → `price`.

pub mod attribute;
pub mod call;
pub mod mapping;
pub mod merge;
pub mod names;
pub mod price;
pub mod report;
pub mod rollup;
