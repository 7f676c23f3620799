//! Errors over HTTP: RFC 9457 `application/problem+json`, whose `type` ends in `/errors/<code>`.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use workflow_engine::change::refusal::{Refusal, RefusalCode};

/// The kinds of problem that HTTP itself knows; refusals of the engine have their own codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The body is not what the path takes.
    BadBody,
    /// The proposed policy has something wrong with it.
    BadPolicy,
    /// A part of the query cannot be used.
    BadQuery,
    /// No token, or one that is not known.
    Unauthenticated,
    /// The token's role does not reach here.
    Forbidden,
    /// A form without its secret, or from another site.
    Csrf,
    /// Nothing has that name.
    NotFound,
    /// The path does not take that method.
    MethodNotAllowed,
    /// The body is larger than the limit.
    TooLarge,
    /// The body is of a type the path does not take.
    UnsupportedMediaType,
    /// Somebody was faster; try again.
    Conflict,
    /// The key was used for something else.
    KeyReused,
    /// Too many requests.
    RateLimited,
    /// The answer took too long.
    Timeout,
    /// Something is wrong on our side.
    Internal,
    /// The database does not answer.
    Unavailable,
    /// This replica was told to stop.
    Stopping,
}

impl Code {
    /// Every code, for the index of errors.
    pub const ALL: [Self; 17] = [
        Self::BadBody,
        Self::BadPolicy,
        Self::BadQuery,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Csrf,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Conflict,
        Self::KeyReused,
        Self::RateLimited,
        Self::Timeout,
        Self::Internal,
        Self::Unavailable,
        Self::Stopping,
    ];

    /// The word in the `type`, status and title.
    #[must_use]
    pub fn parts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::BadBody => ("bad-body", StatusCode::BAD_REQUEST, "The body cannot be read"),
            Self::BadPolicy => (
                "bad-policy",
                StatusCode::UNPROCESSABLE_ENTITY,
                "Something is wrong with the policy",
            ),
            Self::BadQuery => ("bad-query", StatusCode::BAD_REQUEST, "The query cannot be read"),
            Self::Unauthenticated => ("unauthenticated", StatusCode::UNAUTHORIZED, "Who are you"),
            Self::Forbidden => ("forbidden", StatusCode::FORBIDDEN, "Not with this token"),
            Self::Csrf => ("csrf", StatusCode::FORBIDDEN, "The form is not ours, or too old"),
            Self::NotFound => ("not-found", StatusCode::NOT_FOUND, "There is no such thing"),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "Not that method",
            ),
            Self::TooLarge => (
                "too-large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "The body is too large",
            ),
            Self::UnsupportedMediaType => (
                "unsupported-media-type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Not that type of body",
            ),
            Self::Conflict => ("conflict", StatusCode::CONFLICT, "Somebody was faster"),
            Self::KeyReused => (
                "key-reused",
                StatusCode::CONFLICT,
                "That key was used for something else",
            ),
            Self::RateLimited => ("rate-limited", StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            Self::Timeout => ("timeout", StatusCode::SERVICE_UNAVAILABLE, "It took too long"),
            Self::Internal => (
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something is wrong on our side",
            ),
            Self::Unavailable => (
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "The database does not answer",
            ),
            Self::Stopping => (
                "stopping",
                StatusCode::SERVICE_UNAVAILABLE,
                "This replica is stopping",
            ),
        }
    }
}

/// Why a request did nothing. Answers as problem+json; on console pages as a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// The word at the end of `type`.
    pub code: &'static str,
    /// The same for every problem of that code.
    pub title: &'static str,
    /// This one: what, why, and what to do.
    pub detail: String,
    /// Seconds to wait, for problems that pass.
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A problem with its sentence.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let (word, status, title) = code.parts();
        Self {
            status,
            code: word,
            title,
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// Nothing has that name: what was looked for, and under which name.
    #[must_use]
    pub fn not_found(what: &str, name: impl std::fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("There is no {what} {name}."))
    }

    /// Something is wrong inside. The error is logged here, once, and not told to the caller.
    #[must_use]
    pub fn internal(error: &(dyn std::fmt::Display + Send + Sync)) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(
            Code::Internal,
            "Nothing was recorded. Try again; if it stays, give your administrator the request id of this answer.",
        )
    }

    /// After how many seconds to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Where the code is explained.
    #[must_use]
    pub fn type_uri(&self) -> String {
        format!("/errors/{}", self.code)
    }
}

impl From<Refusal> for Problem {
    /// A refusal keeps its code and its sentence: 403 where the person may not, 409 where the moment is wrong.
    fn from(refusal: Refusal) -> Self {
        let (status, title) = match refusal.code {
            RefusalCode::NotEligible
            | RefusalCode::OwnRequest
            | RefusalCode::RecentEditor
            | RefusalCode::BarredDelegator
            | RefusalCode::OneSlotEach
            | RefusalCode::NotRequester
            | RefusalCode::ServiceOnly => (StatusCode::FORBIDDEN, "You may not do that"),
            RefusalCode::ReasonNeeded => (StatusCode::UNPROCESSABLE_ENTITY, "A reason is needed"),
            _ => (StatusCode::CONFLICT, "Not as it stands now"),
        };
        Self {
            status,
            code: refusal.code.as_str(),
            title,
            detail: refusal.message,
            retry_after: None,
        }
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let wire = Wire {
            r#type: self.type_uri(),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
        };
        let mut response = (self.status, Json(wire)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        // The console's outer layer makes a page of it for people.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Every code that an answer can carry.
    fn codes() -> Vec<String> {
        let refusals = [
            RefusalCode::WrongState,
            RefusalCode::Closed,
            RefusalCode::Stale,
            RefusalCode::NotEligible,
            RefusalCode::OwnRequest,
            RefusalCode::RecentEditor,
            RefusalCode::BarredDelegator,
            RefusalCode::OneSlotEach,
            RefusalCode::AlreadyVoted,
            RefusalCode::ReasonNeeded,
            RefusalCode::NotRequester,
            RefusalCode::ServiceOnly,
            RefusalCode::Outdated,
            RefusalCode::NothingToSettle,
            RefusalCode::NotDue,
            RefusalCode::RouteMoved,
            RefusalCode::NoChange,
            RefusalCode::Frozen,
        ];
        let ours = Code::ALL.into_iter().map(|code| code.parts().0.to_owned());
        // Said by `governor catalog apply`, which has no status.
        let of_commands = ["policy-needs-approval".to_owned()];
        ours.chain(refusals.into_iter().map(|code| code.as_str().to_owned()))
            .chain(of_commands)
            .collect()
    }

    #[test]
    fn every_code_has_its_page_and_every_page_its_code() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors");
        let mut pages: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str().map(str::to_owned))
            .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
            .collect();
        let mut codes = codes();
        pages.sort();
        codes.sort();
        assert_eq!(pages, codes);
    }

    #[test]
    fn an_internal_problem_says_nothing_of_the_inside() {
        let problem = Problem::internal(&"no such table: change");
        assert!(!problem.detail.contains("table"));
        assert_eq!(problem.status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
