//! What calls come in as, wherever they come in.

pub mod sniff;
