//! Prompts and answers: compressed, apart from the rows, with a retention of their own.

use std::io::{Read, Write};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use crate::store::error::StoreError;
use crate::usage::report::Content;

/// Most bytes that a stored content may unpack to.
const LIMIT: u64 = 64 * 1024 * 1024;

pub(super) fn packed(content: &Content) -> Result<Vec<u8>, StoreError> {
    compressed(&serde_json::to_vec(content)?)
}

pub(super) fn compressed(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4 + 32), Compression::new(5));
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map_err(broken)
}

pub(super) fn unpacked(body: &[u8]) -> Result<Content, StoreError> {
    let mut plain = Vec::new();
    GzDecoder::new(body)
        .take(LIMIT)
        .read_to_end(&mut plain)
        .map_err(broken)?;
    Ok(serde_json::from_slice(&plain)?)
}

fn broken(error: std::io::Error) -> StoreError {
    StoreError::Corrupt(format!("content: {error}"))
}
