//! Prices: raw usage → disjoint counts → exact cost lines. Read [`meter`], then [`rate`](mod@rate), then [`book`].

pub mod apis;
pub mod book;
pub mod entry;
pub mod map;
pub mod meter;
pub mod off_peak;
pub mod rate;
pub mod record;
pub mod unit_price;

pub use book::{AnsweredBy, CallTokens, PriceBook, PricedCall};

/// List prices shipped with the product: models of the demonstration and a few common ones, each with its source.
pub const SHIPPED: &str = include_str!("../../../assets/prices.json");

#[cfg(test)]
mod vectors;
