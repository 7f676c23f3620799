//! The shipped example catalog, for tests.

use super::{Catalog, load};

/// The text of `deploy/catalog.example.toml`.
pub(crate) const EXAMPLE: &str = include_str!("../../../deploy/catalog.example.toml");

/// The example, read.
pub(crate) fn sample() -> Catalog {
    load("catalog.example.toml", EXAMPLE).unwrap_or_else(|faults| panic!("{faults}"))
}
