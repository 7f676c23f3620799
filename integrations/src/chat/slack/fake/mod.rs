//! A stand-in for Slack on loopback: web API, Socket Mode and signed HTTP, with a web page on which people click.
//!
//! It keeps state, refuses what Slack refuses, and delivers as Slack delivers. Tests act through [`Fake::person`];
//! a newcomer acts on the page. It is no part of the product that runs beside the real Slack.

mod api;
mod deliver;
mod files;
mod markup;
mod page;
mod people;
#[cfg(test)]
mod tests;
mod views;
mod web;
pub mod world;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use axum::{
    Router,
    routing::{any, get, post},
};
use tokio::{net::TcpListener, task::JoinHandle};
use workflow_engine::ports::clock::Clock;

pub use deliver::Outcome;
pub use people::{Impossible, Person};
pub use world::{Channel, Message, User, View};

use crate::http::{Http, Options};

/// The app's own user.
pub const BOT_USER: &str = "U0GOVERNOR";

/// How the app is told what people do.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// Through its Socket Mode connections.
    Sockets,
    /// To this base address, signed.
    Http(String),
}

/// What a stand-in begins with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Its workspace's name.
    pub team: String,
    /// The only bot token it takes.
    pub bot_token: String,
    /// The only app token it takes.
    pub app_token: String,
    /// What it signs with.
    pub signing_secret: String,
    /// How it delivers.
    pub delivery: Delivery,
    /// Its people.
    pub users: Vec<User>,
    /// Its channels, without the `#`.
    pub channels: Vec<String>,
}

impl Setup {
    /// A small workspace on a free port with secrets of its own.
    #[must_use]
    pub fn new(delivery: Delivery) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            team: "Stand-in workspace".to_owned(),
            bot_token: "xoxb-stand-in-bot".to_owned(),
            app_token: "xapp-stand-in-app".to_owned(),
            signing_secret: "stand-in-signing-secret".to_owned(),
            delivery,
            users: Vec::new(),
            channels: vec!["route-changes".to_owned(), "ai-spend".to_owned()],
        }
    }

    /// The configuration with which the adapter talks to this stand-in at `base_url`.
    #[must_use]
    pub fn config(&self, base_url: &str) -> super::Config {
        let secret = |text: &str| secrecy::SecretString::from(text.to_owned());
        let mut config = super::Config::new(
            secret(&self.bot_token),
            Some(secret(&self.app_token)),
            secret(&self.signing_secret),
        );
        config.api_base_url = format!("{base_url}/api");
        config.post_gap = std::time::Duration::ZERO;
        config
    }
}

/// A running stand-in; gone when dropped.
pub struct Fake {
    shared: Shared,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Shared {
    setup: Arc<Setup>,
    world: Arc<Mutex<world::World>>,
    clock: Arc<dyn Clock>,
    http: Http,
    base_url: Arc<OnceLock<String>>,
    posts_per_second: Arc<Mutex<Option<usize>>>,
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, world::World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_micros(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }

    fn base_url(&self) -> &str {
        self.base_url.get().map_or("", String::as_str)
    }

    fn person<'a>(&'a self, id: &'a str) -> Person<'a> {
        Person { shared: self, id }
    }

    /// What everybody sees in a channel, threads included, oldest first.
    fn messages(&self, channel: &str) -> Vec<Message> {
        let mut world = self.world();
        let Some(id) = world.channel_id(channel) else {
            return Vec::new();
        };
        let messages = world
            .channels
            .get(&id)
            .map(|channel| channel.messages.clone())
            .unwrap_or_default();
        messages
            .into_iter()
            .filter(|message| message.only_for.is_none())
            .collect()
    }

    fn message(&self, channel: &str, ts: &str) -> Option<Message> {
        self.messages(channel)
            .into_iter()
            .find(|message| message.ts == ts)
    }

    fn posts_per_second(&self) -> Option<usize> {
        *self
            .posts_per_second
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fake {
    /// Starts listening.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn start(setup: Setup, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let listener = TcpListener::bind(setup.listen).await?;
        let names: Vec<&str> = setup.channels.iter().map(String::as_str).collect();
        let started = u64::try_from(clock.now().timestamp_micros()).unwrap_or_default();
        let world = world::World::new(setup.users.clone(), &names, started);
        let options = Options {
            attempts: 1,
            ..Options::default()
        };
        let shared = Shared {
            world: Arc::new(Mutex::new(world)),
            setup: Arc::new(setup),
            clock,
            http: Http::new(options).map_err(io::Error::other)?,
            base_url: Arc::new(OnceLock::from(format!("http://{}", listener.local_addr()?))),
            posts_per_second: Arc::new(Mutex::new(None)),
        };
        let router = Router::new()
            .route("/api/{method}", any(api::call))
            .route("/upload/{id}", post(files::upload))
            .route("/link/{ticket}", get(deliver::link))
            .merge(web::router())
            .with_state(shared.clone());
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { shared, server })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.shared.base_url()
    }

    /// The adapter's configuration for this stand-in.
    #[must_use]
    pub fn config(&self) -> super::Config {
        self.shared.setup.config(self.base_url())
    }

    /// Somebody at work.
    #[must_use]
    pub fn person<'a>(&'a self, id: &'a str) -> Person<'a> {
        self.shared.person(id)
    }

    /// The messages of a channel that everybody sees, threads included, oldest first.
    #[must_use]
    pub fn messages(&self, channel: &str) -> Vec<Message> {
        self.shared.messages(channel)
    }

    /// The messages that begin a thread or stand alone.
    #[must_use]
    pub fn roots(&self, channel: &str) -> Vec<Message> {
        self.messages(channel)
            .into_iter()
            .filter(|message| message.thread_ts.is_none())
            .collect()
    }

    /// The replies in a thread, oldest first.
    #[must_use]
    pub fn thread(&self, channel: &str, root: &str) -> Vec<Message> {
        let all = self.messages(channel);
        all.into_iter()
            .filter(|message| message.thread_ts.as_deref() == Some(root))
            .collect()
    }

    /// One message as it stands now.
    #[must_use]
    pub fn message(&self, channel: &str, ts: &str) -> Option<Message> {
        self.shared.message(channel, ts)
    }

    /// The home page of a person as the app last published it.
    #[must_use]
    pub fn home(&self, user: &str) -> Option<serde_json::Value> {
        self.shared.world().homes.get(user).cloned()
    }

    /// A file that was uploaded whole, by its name.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        let world = self.shared.world();
        world
            .uploads
            .values()
            .find(|(found, _)| found == name)
            .map(|(_, bytes)| bytes.clone())
    }

    /// How often a method was called.
    #[must_use]
    pub fn calls(&self, method: &str) -> usize {
        self.shared
            .world()
            .calls
            .iter()
            .filter(|name| *name == method)
            .count()
    }

    /// Socket Mode connections that are open.
    #[must_use]
    pub fn links(&self) -> usize {
        self.shared.world().links.len()
    }

    /// The next call of `method` fails with `code`; `http_500` and `ratelimited` are what they say.
    pub fn fail_next(&self, method: &str, code: &str) {
        self.shared
            .world()
            .faults
            .fail
            .push((method.to_owned(), code.to_owned()));
    }

    /// The next call of `method` is carried out, and its answer is lost on the way back.
    pub fn lose_next_answer(&self, method: &str) {
        self.shared.world().faults.lose_answer.push(method.to_owned());
    }

    /// The next message comes second: another worker's, of the same mark, stands before it.
    pub fn double_next_message(&self) {
        self.shared.world().faults.doubled = true;
    }

    /// The next acknowledgement is lost on its way to Slack.
    pub fn lose_next_ack(&self) {
        self.shared.world().faults.lose_acks += 1;
    }

    /// No form can be opened any more with triggers of the past and the future, until switched back.
    pub fn expire_triggers(&self, expired: bool) {
        self.shared.world().faults.expire_triggers = expired;
    }

    /// From now on a channel takes this many posts a second; more is 429.
    pub fn limit_posts(&self, per_second: Option<usize>) {
        *self
            .shared
            .posts_per_second
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = per_second;
    }

    /// Somebody deletes a message.
    pub fn delete_message(&self, channel: &str, ts: &str) {
        let mut world = self.shared.world();
        if let Some(id) = world.channel_id(channel)
            && let Some(channel) = world.channels.get_mut(&id)
        {
            channel.messages.retain(|message| message.ts != ts);
        }
    }

    /// Somebody puts the app out of a channel, or invites it again.
    pub fn invite_app(&self, channel: &str, invited: bool) {
        let mut world = self.shared.world();
        if let Some(id) = world.channel_id(channel)
            && let Some(channel) = world.channels.get_mut(&id)
        {
            channel.has_app = invited;
        }
    }

    /// The workspace changes somebody: switches them off, makes them a guest.
    pub fn change_user(&self, id: &str, change: impl FnOnce(&mut User)) {
        if let Some(user) = self.shared.world().users.get_mut(id) {
            change(user);
        }
    }

    /// Asks every Socket Mode connection to reconnect, as Slack does every few hours.
    pub fn refresh_links(&self, reason: &str) {
        let frame = serde_json::json!({"type": "disconnect", "reason": reason}).to_string();
        for link in &self.shared.world().links {
            let _ = link.out.send(frame.clone());
        }
    }

    /// Cuts every Socket Mode connection without a word.
    pub fn cut_links(&self) {
        for link in &self.shared.world().links {
            let _ = link.out.send(String::new());
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}
