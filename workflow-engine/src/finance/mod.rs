//! Money that adds up: charges, allocation, variances, reconciliation, forecast, budgets, the weekly digest.
//!
//! Pure: amounts in, amounts out. [`files`] gives the same calculations a file form for `governor allocate` and its kin.

pub mod allocation;
pub mod budgets;
pub mod charges;
pub mod coverage;
pub mod digest;
pub mod exact;
pub mod files;
pub mod forecast;
pub mod outlook;
pub mod period;
pub mod reconcile;
pub mod savings;
pub mod spend;
pub mod statement;
pub mod variance;
pub mod words;
