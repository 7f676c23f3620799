//! Forms of ours and no others: a secret in every form, and the `Origin` that browsers send.

use axum::http::{HeaderMap, HeaderValue, header};
use subtle::ConstantTimeEq as _;

use super::session::{cookie, set_cookie};
use crate::http::{
    problem::{Code, Problem},
    state::AppState,
};

/// The cookie that guards forms of people who are not signed in yet.
const FORM_COOKIE: &str = "governor-form";

/// Refuses a form whose secret is not `expected`, or that another site sent.
///
/// # Errors
/// 403 that says to open the page again.
pub fn check(headers: &HeaderMap, expected: &str, given: &str) -> Result<(), Problem> {
    let same = !expected.is_empty() && bool::from(expected.as_bytes().ct_eq(given.as_bytes()));
    if same && same_site(headers) {
        return Ok(());
    }
    Err(Problem::new(
        Code::Csrf,
        "This form is from an earlier session or from another site. Nothing was recorded. Open the page again.",
    ))
}

/// The secret for a form of somebody who is not signed in: from the cookie, or a fresh one with the cookie to set.
pub(super) fn form_secret(state: &AppState, headers: &HeaderMap) -> (String, HeaderValue) {
    let secret = cookie(headers, FORM_COOKIE).unwrap_or_else(|| state.secret());
    let header = set_cookie(&state.config.server, FORM_COOKIE, &secret, 3_600);
    (secret, header)
}

/// Checks a form of somebody who is not signed in.
///
/// # Errors
/// As [`check`].
pub(super) fn check_form(headers: &HeaderMap, given: &str) -> Result<(), Problem> {
    check(headers, &cookie(headers, FORM_COOKIE).unwrap_or_default(), given)
}

/// Whether the page that sent the form is ours. Browsers send `Origin` with every POST; programs need not.
fn same_site(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else {
        return true;
    };
    let host = text(header::HOST).unwrap_or_default();
    origin
        .split_once("://")
        .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_another_site_or_without_the_secret_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("governor.example.com"));
        assert!(check(&headers, "s", "s").is_ok());
        assert!(check(&headers, "s", "").is_err());
        assert!(check(&headers, "", "").is_err());
        headers.insert(
            header::ORIGIN,
            HeaderValue::from_static("https://governor.example.com"),
        );
        assert!(check(&headers, "s", "s").is_ok());
        headers.insert(header::ORIGIN, HeaderValue::from_static("https://evil.example"));
        assert!(check(&headers, "s", "s").is_err());
    }
}
