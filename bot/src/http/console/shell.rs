//! What every page has around it: who reads, the navigation, one notice; and who may read at all.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse, Redirect, Response},
};
use serde::Serialize;
use workflow_engine::{
    catalog::Catalog,
    engine::queries::people,
    values::{Actor, PersonId, Role},
};

use crate::http::{auth::session, problem::Problem, state::AppState};

/// Somebody who is signed in and looks at a page.
#[derive(Clone)]
pub struct Visitor {
    /// Who.
    pub person: PersonId,
    /// By name.
    pub name: String,
    /// The secret of their forms.
    pub csrf: String,
    /// The catalog as it is now.
    pub catalog: Arc<Catalog>,
}

impl Visitor {
    /// As whom they act.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Person(self.person.clone())
    }

    /// Whether they are in a group of that role.
    #[must_use]
    pub fn has_role(&self, role: Role) -> bool {
        self.catalog
            .groups
            .iter()
            .any(|group| group.role == role && group.members.contains(&self.person))
    }
}

/// A page without a session leads to the sign-in page, and from there back.
impl FromRequestParts<AppState> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let session = session::current(state, &parts.headers)
            .await
            .map_err(IntoResponse::into_response)?;
        let Some(session) = session else {
            let back = if parts.method.is_safe() {
                parts.uri.path_and_query().map_or("/", |it| it.as_str())
            } else {
                "/"
            };
            let query = serde_urlencoded::to_string([("next", back)]).unwrap_or_default();
            return Err(Redirect::to(&format!("/auth/login?{query}")).into_response());
        };
        let catalog = state.catalog().await.map_err(IntoResponse::into_response)?;
        Ok(Self {
            name: people::name(&catalog, &session.person),
            person: session.person,
            csrf: session.csrf,
            catalog,
        })
    }
}

/// A page's frame.
#[derive(Clone, Debug, Serialize)]
pub struct Shell {
    title: String,
    /// The change that live updates are about.
    change: Option<u64>,
    css: String,
    js: String,
    icon: String,
    person: Option<String>,
    csrf: String,
    nav: Vec<Nav>,
    notice: Option<Notice>,
    company: String,
    version: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct Nav {
    href: &'static str,
    title: &'static str,
    current: bool,
    count: Option<usize>,
}

/// One line above the page: what was just done, or why it was not.
#[derive(Clone, Debug, Serialize)]
pub struct Notice {
    tone: &'static str,
    text: String,
}

impl Notice {
    /// Something was done.
    #[must_use]
    pub fn good(text: impl Into<String>) -> Self {
        Self {
            tone: "good",
            text: text.into(),
        }
    }

    /// Something was refused.
    #[must_use]
    pub fn bad(text: impl Into<String>) -> Self {
        Self {
            tone: "bad",
            text: text.into(),
        }
    }
}

/// The pages of the navigation.
const NAV: [(&str, &str); 7] = [
    ("/", "Inbox"),
    ("/changes", "Changes"),
    ("/workflows", "Workflows"),
    ("/policy", "Policy"),
    ("/spend", "Spend"),
    ("/ledger", "Ledger"),
    ("/operations", "Operations"),
];

impl Shell {
    /// The frame of a page for somebody who is signed in; `here` is the address of its entry in the navigation.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(state: &AppState, visitor: &Visitor, title: &str, here: &str) -> Result<Self, Problem> {
        let waiting = state.engine.inbox(&visitor.person).await?.mine.len();
        let tour = state.tour.as_ref().map(|_| ("/welcome", "Start here"));
        let nav = tour.into_iter().chain(NAV).map(|(href, title)| Nav {
            href,
            title,
            current: href == here,
            count: (href == "/" && waiting > 0).then_some(waiting),
        });
        let nav = nav.collect();
        let bare = Self::bare(state, &visitor.catalog.company.name, title);
        Ok(Self {
            person: Some(visitor.name.clone()),
            csrf: visitor.csrf.clone(),
            nav,
            ..bare
        })
    }

    /// The frame of a page for somebody who is not signed in.
    #[must_use]
    pub fn bare(state: &AppState, company: &str, title: &str) -> Self {
        Self {
            title: title.to_owned(),
            change: None,
            css: state.pages.css.clone(),
            js: state.pages.js.clone(),
            icon: state.pages.icon.clone(),
            person: None,
            csrf: String::new(),
            nav: Vec::new(),
            notice: None,
            company: company.to_owned(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// With one line above the page.
    #[must_use]
    pub fn notice(mut self, notice: Option<Notice>) -> Self {
        self.notice = notice;
        self
    }

    /// With live updates about one change only.
    #[must_use]
    pub fn about(mut self, number: u64) -> Self {
        self.change = Some(number);
        self
    }
}

/// A page: its frame and its model.
#[derive(Clone, Debug, Serialize)]
pub struct Framed<T: Serialize> {
    /// The frame.
    pub shell: Shell,
    /// The rest.
    #[serde(flatten)]
    pub page: T,
}
