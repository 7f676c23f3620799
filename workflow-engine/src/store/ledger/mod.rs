//! Rows of the ledger: what waits, what is sealed, the tree's tiles and the signed heads.

pub mod batches;
pub mod erasure;
pub mod notices;
pub mod read;
pub mod timestamps;
pub mod witnesses;
pub mod write;
