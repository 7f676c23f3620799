//! The price lists that the service starts from; the catalog's contracts and corrections are laid over them.

use anyhow::Context;
use workflow_engine::usage::price::{PriceBook, SHIPPED, book::Origin};

/// The lists that come with the program.
///
/// # Errors
/// When the shipped list cannot be read, which a test forbids.
pub fn book() -> anyhow::Result<PriceBook> {
    let mut book = PriceBook::default();
    book.add_map(Origin::List, SHIPPED).context("shipped prices")?;
    Ok(book)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_shipped_prices_can_be_read() {
        super::book().unwrap();
    }
}
