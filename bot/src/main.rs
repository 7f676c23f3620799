//! The `governor` program.

fn main() {}
