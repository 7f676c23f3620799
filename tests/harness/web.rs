//! The service's HTTP on a loopback port, and a browser without script: cookies, forms, nothing else.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bot::{
    config::{Config, SignInMode},
    http::{auth::tokens::fresh, router::router, state::AppState},
};
use reqwest::{Client, Response, StatusCode, header, redirect::Policy};
use serde_json::Value;
use workflow_engine::{
    engine::{ledger::Ledger, seal::Sealer},
    ports::clock::Clock as _,
    store::{
        self,
        tokens::{ApiToken, TokenRole},
    },
    values::PersonId,
};

use crate::{
    db::Kind,
    desk::{Desk, desk, log_key},
};

/// A running service around a desk.
pub struct Web {
    /// The engine and its clock.
    pub desk: Desk,
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    client: Client,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Web {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The service on SQLite, as the demo signs people in: pick a person.
pub async fn web() -> Web {
    web_with(|config| config.sign_in.mode = SignInMode::Pick).await
}

/// The service on SQLite with settings of the test's own.
pub async fn web_with(change: impl FnOnce(&mut Config)) -> Web {
    web_on(desk(Kind::Sqlite).await.expect("SQLite is always there"), change).await
}

/// The service around a desk, with settings of the test's own.
pub async fn web_on(desk: Desk, change: impl FnOnce(&mut Config)) -> Web {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    let mut config = Config::defaults().expect("the defaults are right");
    config.server.listen = address;
    change(&mut config);
    let ledger = Ledger::new(desk.engine.db().clone(), log_key().public().clone());
    let mut state =
        AppState::new(desk.engine.clone(), ledger, Arc::new(config)).expect("the pages are right");
    state.vault = Some(desk.vault());
    let server = tokio::spawn(async move {
        let _ = axum::serve(listener, router(state)).await;
    });
    Web {
        desk,
        base: format!("http://{address}"),
        client: client(),
        server,
    }
}

fn client() -> Client {
    // Whoever was first in this process has set it; both set the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder()
        .redirect(Policy::none())
        .timeout(Duration::from_secs(20))
        .build()
        .expect("a client")
}

impl Web {
    /// A token of `role`, standing for `person` if one is named.
    pub async fn token(&self, role: TokenRole, person: Option<&str>) -> String {
        let (text, digest) = fresh(&self.desk.clock);
        let token = ApiToken {
            id: self.desk.clock.new_id().to_string(),
            name: format!("test {role}"),
            role,
            source: None,
            person: person.map(PersonId::from),
        };
        let stored = store::tokens::create(self.desk.engine.db(), token, digest, self.desk.clock.now()).await;
        stored.expect("the token is stored");
        text
    }

    /// A request with a token.
    pub async fn call(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let answer = self
            .request(token, method, path, body)
            .send()
            .await
            .expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// The same, not yet sent.
    pub fn request(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        let request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(token);
        match body {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    /// A browser that nobody has signed in with.
    pub fn browser(&self) -> Browser {
        Browser {
            base: self.base.clone(),
            client: self.client.clone(),
            cookies: BTreeMap::new(),
        }
    }

    /// A browser of somebody who picked themselves on the demo's sign-in page.
    pub async fn signed_in(&self, person: &str) -> Browser {
        let mut browser = self.browser();
        let page = browser.page("/auth/login").await;
        let answer = browser
            .submit("/auth/login", &page, &[("person", person), ("next", "/")])
            .await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{person} is signed in");
        browser
    }

    /// Seals what has happened so far.
    pub async fn seal(&self) {
        let sealer = Sealer::new(self.desk.engine.db().clone(), Arc::new(log_key()), "tests");
        sealer.seal_once(self.desk.clock.now()).await.expect("it seals");
    }
}

/// A browser without script.
pub struct Browser {
    base: String,
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// What `GET path` answers.
    pub async fn get(&mut self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.base));
        self.send(request).await
    }

    /// The page at `path`, which must be there.
    pub async fn page(&mut self, path: &str) -> String {
        let answer = self.get(path).await;
        let status = answer.status();
        let text = answer.text().await.expect("a page");
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text
    }

    /// Sends the form of `page` whose action is `action`, with its hidden fields and `fields`.
    pub async fn submit(&mut self, action: &str, page: &str, fields: &[(&str, &str)]) -> Response {
        let mut all = hidden_fields(page, action);
        for (name, value) in fields {
            all.retain(|(known, _)| known != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.post(action, &all).await
    }

    /// Sends a form as it is.
    pub async fn post(&mut self, path: &str, fields: &[(String, String)]) -> Response {
        let request = self.client.post(format!("{}{path}", self.base)).form(fields);
        self.send(request).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Response {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let answer = request
            .header(header::COOKIE, cookies.join("; "))
            .header(header::ACCEPT, "text/html")
            .send()
            .await
            .expect("an answer");
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().expect("text").split(';').next().expect("a pair");
            let (name, value) = pair.split_once('=').expect("a pair");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }
}

/// Names and values of the hidden fields of the form with that action.
fn hidden_fields(page: &str, action: &str) -> Vec<(String, String)> {
    let form = page
        .split("<form")
        .find(|form| form.contains(&format!("action=\"{action}\"")))
        .unwrap_or_else(|| panic!("the page has a form for {action}:\n{page}"));
    let form = form.split("</form>").next().unwrap_or(form);
    form.split("<input type=\"hidden\"")
        .skip(1)
        .filter_map(|field| Some((attribute(field, "name")?, attribute(field, "value")?)))
        .collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = tag.split('>').next()?;
    let rest = tag.split(&format!("{name}=\"")).nth(1)?;
    rest.split('"').next().map(|value| value.replace("&amp;", "&"))
}
