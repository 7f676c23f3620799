//! The transparency ledger's formats, pure: the tree, its files, signed heads and proofs. Storage is in `store::ledger`.
//!
//! Everything here is a published format, so that outsiders check the ledger with tools that are not ours
//! (`docs/verifying.md`): RFC 6962/9162 trees ([`merkle`]), C2SP tlog-tiles ([`tiles`]), signed-note checkpoints and
//! cosignatures ([`note`], [`key`]), tlog-proof ([`proof`]) and tlog-witness ([`witness`]).

pub mod key;
pub mod merkle;
pub mod note;
pub mod notice;
pub mod offline;
pub mod proof;
pub mod rows;
pub mod tiles;
pub mod witness;
