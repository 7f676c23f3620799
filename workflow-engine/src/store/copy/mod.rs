//! A whole copy of the governance tables, row by row, in a form that either database takes in again.
//!
//! A row is one line: a JSON array in the order of the table's columns; bytes are hexadecimal.

mod load;
mod read;
mod tables;

pub use load::{Lines, is_empty, load};
pub use read::Snapshot;
pub use tables::{Column, Holds, Table, tables};
