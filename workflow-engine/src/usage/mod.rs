//! What a call used: its price and what it belongs to.

pub mod price;
