//! Real services on one database: started, asked over HTTP, stopped, or dropped as a crash would end them.

use std::{sync::Arc, time::Duration};

use bot::{
    config::{Config, SignInMode},
    http::auth::tokens::fresh as fresh_token,
    service::{Service, Start},
};
use reqwest::{Client, Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::Value;
use workflow_engine::{
    store::{
        self,
        sessions::Session,
        tokens::{ApiToken, TokenRole},
    },
    values::{Digest, PersonId},
};

use crate::{clock::TestClock, db::Fresh, desk::log_key};

/// A running replica. Dropped, it ends where it stands.
pub struct Replica {
    /// The service.
    pub service: Service,
    client: Client,
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its `Retry-After`.
    pub retry_after: Option<String>,
    /// Its body; text where it is no JSON.
    pub body: Value,
}

/// What a replica on `database` starts with; tests change it before [`Replica::start`].
pub fn start(database: &Fresh, clock: &TestClock) -> Start {
    let mut config = Config::defaults().expect("the defaults are right");
    config.server.listen = "127.0.0.1:0".parse().expect("an address");
    config.server.data_dir = database.folder.path().join("data");
    config.database.url.clone_from(&database.url);
    config.database.max_connections = 4;
    config.sign_in.mode = SignInMode::Pick;
    config.ledger.origin = "governor.test/ledger".to_owned();
    let pem = log_key().to_pem();
    config.ledger.signing_key = Some(pem.expose_secret().to_owned().into());
    let mut start = Start::new(Arc::new(config));
    start.clock = Arc::new(clock.clone());
    start
}

/// The same with a setting of the test's own.
pub fn set(start: &mut Start, change: impl FnOnce(&mut Config)) {
    let mut config = Config::clone(&start.config);
    change(&mut config);
    start.config = Arc::new(config);
}

impl Replica {
    /// Starts one; answers once it listens.
    pub async fn start(start: Start) -> Self {
        let service = Service::start(start).await.expect("the service starts");
        let client = Client::builder()
            .timeout(Duration::from_secs(20))
            .build()
            .expect("a client");
        Self { service, client }
    }

    /// A token of Maya's that may do everything.
    pub async fn token(&self) -> String {
        let clock = self.service.engine.clock();
        let (text, digest) = fresh_token(clock.as_ref());
        let token = ApiToken {
            id: clock.new_id().to_string(),
            name: "maya's".to_owned(),
            role: TokenRole::Admin,
            source: None,
            person: Some(PersonId::from("maya")),
        };
        let stored = store::tokens::create(self.service.engine.db(), token, digest, clock.now()).await;
        stored.expect("the token is stored");
        text
    }

    /// Opens a page as Maya's browser would; the answer's body may be read later.
    pub async fn open_page(&self, path: &str) -> reqwest::Response {
        let clock = self.service.engine.clock();
        let session = Session {
            id: Digest::of(b"maya's browser"),
            person: PersonId::from("maya"),
            csrf: "secret".to_owned(),
            since: clock.now(),
            until: clock.now() + chrono::TimeDelta::hours(1),
        };
        let begun = store::sessions::begin(self.service.engine.db(), session, None).await;
        begun.expect("a session begins");
        let url = format!("http://{}{path}", self.service.address);
        let request = self.client.get(url).header("cookie", "governor=maya's browser");
        request.send().await.expect("a page")
    }

    /// Asks for `path`; sends `body` when there is one.
    pub async fn ask(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let url = format!("http://{}{path}", self.service.address);
        let mut request = self.client.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let retry_after = answer.headers().get("retry-after");
        let retry_after = retry_after.map(|value| value.to_str().expect("text").to_owned());
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        Answer {
            status,
            retry_after,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    }

    /// What `GET path` answers.
    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.ask(token, Method::GET, path, None).await
    }

    /// Asks for `path` until `seen` says yes; gives up after half a minute.
    pub async fn until(&self, token: &str, path: &str, seen: impl Fn(&Answer) -> bool) -> Answer {
        for _ in 0..600 {
            let answer = self.get(token, path).await;
            if seen(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{path} never came to that: {:?}", self.get(token, path).await);
    }
}
