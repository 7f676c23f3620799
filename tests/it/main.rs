//! One test binary: it links once.
mod verify_proof;
