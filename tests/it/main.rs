//! One test binary: it links once.
mod engine;
mod verify_proof;
