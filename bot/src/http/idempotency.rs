//! `Idempotency-Key` on writes: it becomes the engine's command key, so a request that is repeated is recorded once.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};

use super::{
    auth::Caller,
    problem::{Code, Problem},
};

/// The key under which a write is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(Option<String>);

/// Longest key taken, in bytes.
const MOST: usize = 200;

impl Key {
    /// The engine's key: the caller's own key under the caller's name, or a fresh one when none was given.
    #[must_use]
    pub fn command_key(&self, caller: &Caller, fresh: uuid::Uuid) -> String {
        match &self.0 {
            Some(key) => format!("http:{}:{key}", caller.id),
            None => format!("http:{}:{fresh}", caller.id),
        }
    }

    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(value) = headers.get("idempotency-key") else {
            return Ok(Self(None));
        };
        let key = value.to_str().map(str::trim).unwrap_or_default();
        if key.is_empty() || key.len() > MOST {
            let detail = format!("Idempotency-Key must be 1 to {MOST} visible ASCII characters.");
            return Err(Problem::new(Code::BadBody, detail));
        }
        Ok(Self(Some(key.to_owned())))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(&parts.headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_endless_key_is_refused() {
        for key in ["", " ", &"k".repeat(201)] {
            let mut headers = HeaderMap::new();
            headers.insert("idempotency-key", key.parse().unwrap());
            assert!(Key::read(&headers).is_err());
        }
    }
}
