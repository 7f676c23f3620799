//! Chat platforms. To add one: its folder, then its line here and its arm in `bot::chat`.

pub mod slack;
