//! The demo's material: recorded figures, prompts of our own, and a stand-in vendor that answers them as recorded.

pub mod figures;
pub mod prompts;
pub mod traffic;
pub mod vendor;
