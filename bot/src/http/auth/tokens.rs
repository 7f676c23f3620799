//! Bearer tokens: 256 random bits behind `gov_`, known by their SHA-256, remembered for half a minute.

use std::{collections::HashMap, sync::Mutex};

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Duration, Utc};
use workflow_engine::{
    ports::clock::Clock,
    store::{self, tokens::ApiToken},
    values::Digest,
};

use crate::http::{
    problem::{Code, Problem},
    state::AppState,
};

/// What every token begins with, so that scanners of leaked secrets know one.
const PREFIX: &str = "gov_";

/// How long a token that was looked up is believed; a revoked one works no longer than that.
const BELIEVED: Duration = Duration::seconds(30);

/// Most tokens remembered at a time.
const MOST: usize = 4_096;

/// A fresh token and its digest. The token is shown once and stored nowhere.
#[must_use]
pub fn fresh(clock: &dyn Clock) -> (String, Digest) {
    let mut bytes = [0; 32];
    clock.random(&mut bytes);
    let token = format!("{PREFIX}{}", hex::encode(bytes));
    let digest = Digest::of(token.as_bytes());
    (token, digest)
}

/// The token that a request presents, as `Authorization: Bearer` or `x-api-key`.
pub(super) fn presented(headers: &HeaderMap) -> Option<String> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token);
    let key = || headers.get("x-api-key").and_then(|value| value.to_str().ok());
    bearer.or_else(key).map(|token| token.trim().to_owned())
}

/// Tokens that were seen lately, so that the path of each request does not touch the database.
#[derive(Debug, Default)]
pub struct KnownTokens {
    seen: Mutex<HashMap<Digest, (ApiToken, DateTime<Utc>)>>,
}

impl KnownTokens {
    /// The token behind its text.
    ///
    /// # Errors
    /// 401 when it is not known or was revoked.
    pub async fn find(&self, state: &AppState, text: &str) -> Result<ApiToken, Problem> {
        let digest = Digest::of(text.as_bytes());
        let now = state.now();
        if let Some(token) = self.remembered(digest, now) {
            return Ok(token);
        }
        let found = store::tokens::find(state.db(), digest).await?;
        let token = found.ok_or_else(|| {
            Problem::new(
                Code::Unauthenticated,
                "This token is not known, or was revoked. Make another one.",
            )
        })?;
        self.remember(digest, token.clone(), now);
        Ok(token)
    }

    fn remembered(&self, digest: Digest, now: DateTime<Utc>) -> Option<ApiToken> {
        let seen = self.seen.lock().ok()?;
        let (token, since) = seen.get(&digest)?;
        (now - *since < BELIEVED).then(|| token.clone())
    }

    fn remember(&self, digest: Digest, token: ApiToken, now: DateTime<Utc>) {
        let Ok(mut seen) = self.seen.lock() else { return };
        if seen.len() >= MOST {
            seen.retain(|_, (_, since)| now - *since < BELIEVED);
        }
        if seen.len() < MOST {
            seen.insert(digest, (token, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_token_may_come_in_either_header() {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", HeaderValue::from_static("gov_2"));
        assert_eq!(presented(&headers).as_deref(), Some("gov_2"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("bearer gov_1"));
        assert_eq!(presented(&headers).as_deref(), Some("gov_1"));
        headers.clear();
        assert_eq!(presented(&headers), None);
    }
}
