//! People in browsers: a cookie that holds a secret, a row that knows its digest.

use axum::http::{HeaderMap, HeaderValue, header};
use chrono::Duration;
use workflow_engine::{
    store::{self, sessions::Session},
    values::{Digest, PersonId},
};

use crate::{
    config::Server,
    http::{problem::Problem, state::AppState},
};

/// The session's cookie; over https with the prefix that binds it to this host.
fn cookie_name(server: &Server) -> &'static str {
    if server.is_https() {
        "__Host-governor"
    } else {
        "governor"
    }
}

/// The session of a request, unless there is none, it has ended, or its person is no longer active.
///
/// # Errors
/// When the database does not answer.
pub async fn current(state: &AppState, headers: &HeaderMap) -> Result<Option<Session>, Problem> {
    let Some(secret) = cookie(headers, cookie_name(&state.config.server)) else {
        return Ok(None);
    };
    let id = Digest::of(secret.as_bytes());
    let Some(session) = store::sessions::find(state.db(), id, state.now()).await? else {
        return Ok(None);
    };
    let catalog = state.catalog().await?;
    let active = catalog
        .person(session.person.as_str())
        .is_some_and(|person| !person.inactive);
    if !active {
        store::sessions::end_all_of(state.db(), session.person).await?;
        return Ok(None);
    }
    Ok(Some(session))
}

/// Begins a session for `person` and answers the cookie. The browser's earlier session, if any, ends: a cookie that
/// somebody planted before the sign-in is worth nothing after it.
///
/// # Errors
/// When the session was not stored.
pub(super) async fn begin(
    state: &AppState,
    headers: &HeaderMap,
    person: PersonId,
) -> Result<HeaderValue, Problem> {
    let name = cookie_name(&state.config.server);
    let secret = state.secret();
    let since = state.now();
    let hours = state.config.sign_in.session_hours;
    let session = Session {
        id: Digest::of(secret.as_bytes()),
        person,
        csrf: state.secret(),
        since,
        until: since + Duration::hours(hours),
    };
    let earlier = cookie(headers, name).map(|secret| Digest::of(secret.as_bytes()));
    store::sessions::begin(state.db(), session, earlier).await?;
    Ok(set_cookie(&state.config.server, name, &secret, hours * 3_600))
}

/// Ends the session of a request and answers the cookie that forgets it.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn end(state: &AppState, headers: &HeaderMap) -> Result<HeaderValue, Problem> {
    let name = cookie_name(&state.config.server);
    if let Some(secret) = cookie(headers, name) {
        store::sessions::end(state.db(), Digest::of(secret.as_bytes())).await?;
    }
    Ok(set_cookie(&state.config.server, name, "", 0))
}

/// A cookie that scripts cannot read and other sites do not send along with forms.
pub(super) fn set_cookie(server: &Server, name: &str, value: &str, seconds: i64) -> HeaderValue {
    let secure = if server.is_https() { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    // Names and values are hex and letters of our own.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// The value of a cookie of a request.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_https_the_cookie_is_bound_to_the_host_and_to_tls() {
        let mut server = crate::config::Config::defaults().unwrap().server;
        assert_eq!(cookie_name(&server), "governor");
        server.public_url = "https://governor.example.com".to_owned();
        assert_eq!(cookie_name(&server), "__Host-governor");
        assert_eq!(
            set_cookie(&server, "__Host-governor", "ab", 60),
            "__Host-governor=ab; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure"
        );
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            HeaderValue::from_static("a=1; governor=secret; b="),
        );
        assert_eq!(cookie(&headers, "governor").as_deref(), Some("secret"));
        assert_eq!(cookie(&headers, "b"), None);
    }
}
