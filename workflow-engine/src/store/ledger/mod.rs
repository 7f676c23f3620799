//! Rows of the ledger: what waits, what is sealed, the tree's tiles and the signed heads.

pub mod read;
pub mod witnesses;
pub mod write;
