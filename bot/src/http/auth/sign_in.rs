//! How people prove who they are: a one-time link, or, in the demo, by picking somebody.
//!
//! An identity provider becomes a third way beside `pick` and `use_link`: whatever proves a person ends in [`enter`].

use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, header},
    response::{IntoResponse as _, Redirect, Response},
};
use serde::{Deserialize, Serialize};
use workflow_engine::{
    catalog::Catalog,
    engine::queries::people::name,
    store,
    values::{Digest, PersonId},
};

use super::{csrf, session};
use crate::{
    config::SignInMode,
    http::{
        console::shell::{Framed, Shell, Visitor},
        problem::{Code, Problem},
        state::AppState,
    },
};

#[derive(Serialize)]
struct SignInPage {
    people: Vec<Somebody>,
    form_csrf: String,
    next: String,
    hours: i64,
}

#[derive(Serialize)]
struct Somebody {
    id: String,
    name: String,
    part: String,
}

/// Where to go afterwards.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Back {
    next: String,
}

/// `GET /auth/login`.
pub(in crate::http) async fn page(
    State(state): State<AppState>,
    Query(back): Query<Back>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let catalog = state.catalog().await?;
    let (form_csrf, cookie) = csrf::form_secret(&state, &headers);
    let people = match state.config.sign_in.mode {
        SignInMode::Pick => people(&catalog),
        SignInMode::Link => Vec::new(),
    };
    let page = SignInPage {
        people,
        form_csrf,
        next: inside(&back.next),
        hours: state.config.sign_in.session_hours,
    };
    let shell = Shell::bare(&state, &catalog.company.name, "Sign in");
    let html = state.pages.render("sign_in", &Framed { shell, page })?;
    Ok(([(header::SET_COOKIE, cookie)], html).into_response())
}

/// People who may act, with what they may decide.
fn people(catalog: &Catalog) -> Vec<Somebody> {
    let part = |id: &PersonId| {
        let roles = catalog
            .groups
            .iter()
            .filter(|group| group.members.contains(id))
            .map(|group| group.role.title());
        let owned = catalog
            .workflows
            .iter()
            .filter(|entry| entry.owner == *id)
            .map(|entry| entry.name.as_str());
        let owned: Vec<_> = owned.collect();
        let mut parts: Vec<String> = roles.map(str::to_owned).collect();
        if !owned.is_empty() {
            parts.push(format!("owns {}", owned.join(" and ")));
        }
        if parts.is_empty() {
            "files changes".to_owned()
        } else {
            parts.join(" · ")
        }
    };
    let active = catalog.people.iter().filter(|person| !person.inactive);
    active
        .map(|person| Somebody {
            id: person.id.to_string(),
            name: person.name.clone(),
            part: part(&person.id),
        })
        .collect()
}

/// The demo's choice.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Choice {
    csrf: String,
    person: String,
    next: String,
}

/// `POST /auth/login`: the demo's way in, off everywhere else.
pub(in crate::http) async fn pick(
    State(state): State<AppState>,
    headers: HeaderMap,
    Form(choice): Form<Choice>,
) -> Result<Response, Problem> {
    if state.config.sign_in.mode != SignInMode::Pick {
        let how = "Here people sign in by a link that works once. Ask whoever runs this installation.";
        return Err(Problem::new(Code::Forbidden, how));
    }
    csrf::check_form(&headers, &choice.csrf)?;
    enter(&state, &headers, PersonId(choice.person), &choice.next).await
}

/// A link's secret.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct LinkForm {
    csrf: String,
    link: String,
}

#[derive(Serialize)]
struct LinkPage {
    name: String,
    link: String,
    form_csrf: String,
    hours: i64,
}

/// `GET /auth/callback?link=…`: shows whom the link signs in. Opening it uses nothing up, so a preview in chat is harmless.
pub(in crate::http) async fn link(
    State(state): State<AppState>,
    Query(form): Query<LinkForm>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let person = store::sessions::peek_link(state.db(), digest(&form.link), state.now()).await?;
    let person = person.ok_or_else(used_up)?;
    let catalog = state.catalog().await?;
    let (form_csrf, cookie) = csrf::form_secret(&state, &headers);
    let page = LinkPage {
        name: name(&catalog, &person),
        link: form.link,
        form_csrf,
        hours: state.config.sign_in.session_hours,
    };
    let shell = Shell::bare(&state, &catalog.company.name, "Sign in");
    let html = state.pages.render("sign_in_link", &Framed { shell, page })?;
    Ok(([(header::SET_COOKIE, cookie)], html).into_response())
}

/// `POST /auth/callback`: uses the link up.
pub(in crate::http) async fn use_link(
    State(state): State<AppState>,
    headers: HeaderMap,
    Form(form): Form<LinkForm>,
) -> Result<Response, Problem> {
    csrf::check_form(&headers, &form.csrf)?;
    let person = store::sessions::take_link(state.db(), digest(&form.link), state.now()).await?;
    enter(&state, &headers, person.ok_or_else(used_up)?, "/").await
}

/// The form's secret.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Leaving {
    csrf: String,
}

/// `POST /auth/logout`.
pub(in crate::http) async fn sign_out(
    State(state): State<AppState>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<Leaving>,
) -> Result<Response, Problem> {
    csrf::check(&headers, &visitor.csrf, &form.csrf)?;
    let cookie = session::end(&state, &headers).await?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/auth/login")).into_response())
}

/// Signs a proven person in, if the catalog knows them as active, and leads them where they wanted to go.
async fn enter(
    state: &AppState,
    headers: &HeaderMap,
    person: PersonId,
    next: &str,
) -> Result<Response, Problem> {
    let catalog = state.catalog().await?;
    if catalog.person(person.as_str()).is_none_or(|entry| entry.inactive) {
        let who =
            "The catalog does not know this person, or they are no longer active. Ask a platform engineer.";
        return Err(Problem::new(Code::Forbidden, who));
    }
    let cookie = session::begin(state, headers, person).await?;
    let next = match inside(next).as_str() {
        "/" if state.tour.is_some() => "/welcome".to_owned(),
        next => next.to_owned(),
    };
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&next)).into_response())
}

fn digest(link: &str) -> Digest {
    Digest::of(link.as_bytes())
}

fn used_up() -> Problem {
    Problem::new(
        Code::Forbidden,
        "This sign-in link was used, or is too old. Ask for another one.",
    )
}

/// A path of ours; anything else (another site's address) becomes the inbox.
fn inside(next: &str) -> String {
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\n', '\r']);
    if ours { next.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site_after_signing_in() {
        let led = [
            "/changes/4?x=1",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "",
        ]
        .map(inside);
        assert_eq!(led, ["/changes/4?x=1", "/", "/", "/", "/"]);
    }
}
