//! The small company in chat: the engine, the conversation, its jobs, and a stand-in Slack on loopback.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use bot::{
    chat::{ButtonKey, Chat, Settings},
    http::hooks,
};
use integrations::chat::slack::{
    Slack,
    fake::{Delivery, Fake, Message, Setup, User},
    socket,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use workflow_engine::{change::state::Change, engine::jobs::Runner, store, values::ChangeNumber};

use crate::{
    db::Kind,
    desk::{Desk, desk},
};

/// Where requests are posted.
pub const CHANNEL: &str = "route-changes";

/// How the stand-in tells us what people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through sockets that we keep open.
    Sockets,
    /// By signed requests to our endpoints.
    Http,
}

/// A running conversation; stops when dropped.
pub struct Talk {
    /// The engine under it.
    pub desk: Desk,
    /// The stand-in.
    pub slack: Fake,
    /// The conversation.
    pub chat: Arc<Chat>,
    /// How the sockets are doing.
    pub health: Arc<socket::Health>,
    own: String,
    stop: CancellationToken,
    work: Mutex<CancellationToken>,
}

/// A conversation on a fresh database; none when there is no PostgreSQL here.
pub async fn talk(kind: Kind, way: Way) -> Option<Talk> {
    let desk = desk(kind).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let own = format!("http://{}", listener.local_addr().expect("an address"));
    let delivery = match way {
        Way::Sockets => Delivery::Sockets,
        Way::Http => Delivery::Http(own.clone()),
    };
    let setup = Setup {
        users: people(),
        ..Setup::new(delivery)
    };
    let slack = Fake::start(setup, Arc::new(desk.clock.clone()))
        .await
        .expect("the stand-in starts");
    let config = slack.config();
    let adapter = Arc::new(Slack::new(&config).expect("the adapter is set up"));
    let settings = Settings {
        command: "/route".to_owned(),
        public_url: "http://governor.example".to_owned(),
        key: ButtonKey::derived_from(&config.bot_token),
    };
    let chat = Chat::new(desk.engine.clone(), adapter.clone(), settings);
    let stop = CancellationToken::new();
    let router: Router = hooks::chat::router(chat.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let health = Arc::new(socket::Health::default());
    if way == Way::Sockets {
        tokio::spawn(socket::run(adapter, chat.clone(), health.clone(), stop.clone()));
    }
    let talk = Talk {
        desk,
        slack,
        chat,
        health,
        own,
        stop,
        work: Mutex::default(),
    };
    talk.work();
    if way == Way::Sockets {
        talk.until("both sockets are open", || talk.slack.links() == 2)
            .await;
    }
    Some(talk)
}

/// The catalog's people, and three whom it does not know.
fn people() -> Vec<User> {
    let user = |id: &str, name: &str| User {
        id: id.to_owned(),
        name: name.to_owned(),
        ..User::default()
    };
    vec![
        user("U01MAYA", "Maya O."),
        user("U02ANA", "Ana R."),
        user("U03PRIYA", "Priya S."),
        user("U04TOMAS", "Tomás L."),
        user("U05WEI", "Wei C."),
        user("U06NOOR", "Noor B."),
        user("U90NEW", "Nobody yet"),
        User {
            guest: true,
            ..user("U91GUEST", "A guest")
        },
        User {
            stranger: true,
            ..user("U92OTHER", "Another company's")
        },
    ]
}

impl Talk {
    /// The jobs of the conversation run from now on.
    pub fn work(&self) {
        let runner = Runner::new(self.desk.engine.clone(), self.chat.handlers());
        let stop = self.stop.child_token();
        *self.work.lock().expect("nobody panicked") = stop.clone();
        tokio::spawn(async move { runner.run(stop).await });
    }

    /// The process that runs the jobs ends; whoever delivers is still answered by another.
    pub fn stop_work(&self) {
        self.work.lock().expect("nobody panicked").cancel();
    }

    /// Waits until something holds; fails with its words after five seconds.
    pub async fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        for _ in 0..250 {
            if holds() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let seen: Vec<String> = self.slack.messages(CHANNEL).iter().map(Message::words).collect();
        let failed = self.failed_jobs().await;
        panic!(
            "{what}: not in 5 s. Jobs that failed: {failed:?}. The channel:\n{}",
            seen.join("\n---\n")
        );
    }

    /// What went wrong with jobs, for whoever reads a failed test.
    async fn failed_jobs(&self) -> Vec<(String, Option<String>)> {
        use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
        let jobs = entities::job::Entity::find().filter(entities::job::Column::LastError.is_not_null());
        let jobs = jobs.all(self.desk.engine.db().reads()).await.unwrap_or_default();
        jobs.into_iter().map(|job| (job.kind, job.last_error)).collect()
    }

    /// Maya files a change through the form; its root message.
    pub async fn file_by_form(&self) -> Message {
        let maya = self.slack.person("U01MAYA");
        maya.command(CHANNEL, "/route").await.expect("typed");
        self.until("the form opens", || maya.open_form().is_some()).await;
        maya.submit(&[
            ("workflow", "support-answer"),
            ("candidate", "gpt-4o-0806"),
            ("reason", "half the price"),
        ])
        .await
        .expect("sent");
        self.until("the thread begins", || !self.slack.roots(CHANNEL).is_empty())
            .await;
        self.slack.roots(CHANNEL).remove(0)
    }

    /// The same while the platform does not take everything at the first try: the clock has to move for the next one.
    pub async fn file_by_form_slowly(&self) -> String {
        let maya = self.slack.person("U01MAYA");
        maya.command(CHANNEL, "/route").await.expect("typed");
        self.until("the form opens", || maya.open_form().is_some()).await;
        maya.submit(&[("workflow", "support-answer"), ("candidate", "gpt-4o-0806")])
            .await
            .expect("sent");
        for _ in 0..100 {
            if let Some(root) = self.slack.roots(CHANNEL).first() {
                return root.ts.clone();
            }
            self.desk.clock.advance(chrono::Duration::seconds(5));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no thread began");
    }

    /// Waits for words on the root card while time passes.
    pub async fn pass_time_until_root(&self, ts: &str, words: &str) {
        for _ in 0..100 {
            if self.root(ts).words().contains(words) {
                return;
            }
            self.desk.clock.advance(chrono::Duration::seconds(5));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let failed = self.failed_jobs().await;
        panic!(
            "the card never said {words:?}; jobs that failed: {failed:?}; it says {}",
            self.root(ts).words()
        );
    }

    /// Our own address, where chat platforms post.
    #[must_use]
    pub fn own_url(&self) -> &str {
        &self.own
    }

    /// A change that waits for three parties, its card showing so.
    pub async fn under_review(&self) -> (Change, Message) {
        let root = self.file_by_form().await;
        let change = self.desk.to_review(ChangeNumber(1)).await;
        self.until_root(&root.ts, "Awaiting approval · 0 of 3").await;
        (change, self.root(&root.ts))
    }

    /// The root message as it stands.
    #[must_use]
    pub fn root(&self, ts: &str) -> Message {
        self.slack.message(CHANNEL, ts).expect("the root is there")
    }

    /// Waits until the root card holds these words.
    pub async fn until_root(&self, ts: &str, words: &str) {
        self.until(&format!("the card says {words:?}"), || {
            self.slack
                .message(CHANNEL, ts)
                .is_some_and(|message| message.words().contains(words))
        })
        .await;
    }

    /// Waits until the thread holds these words.
    pub async fn until_said(&self, ts: &str, words: &str) {
        self.until(&format!("the thread says {words:?}"), || {
            self.slack
                .thread(CHANNEL, ts)
                .iter()
                .any(|reply| reply.words().contains(words))
        })
        .await;
    }

    /// Waits until somebody was whispered these words, and answers the whole whisper.
    pub async fn until_whispered(&self, user: &str, words: &str) -> String {
        let person = self.slack.person(user);
        let found = || {
            person
                .whispers()
                .into_iter()
                .find(|whisper| whisper.contains(words))
        };
        self.until(
            &format!("{user} hears {words:?}; heard {:?}", person.whispers()),
            || found().is_some(),
        )
        .await;
        found().expect("it was there")
    }

    /// The change as it stands.
    pub async fn change(&self) -> Change {
        self.desk.change(ChangeNumber(1)).await
    }

    /// Deliveries in the inbox that nobody has taken up.
    pub async fn not_taken_up(&self) -> usize {
        let mut open = 0;
        for seq in 1..200 {
            open += usize::from(
                store::inbox::waiting(self.desk.engine.db(), seq)
                    .await
                    .expect("the database answers")
                    .is_some(),
            );
        }
        open
    }
}

/// An HTTP client for tests.
#[must_use]
pub fn client() -> reqwest::Client {
    integrations::http::Http::new(integrations::http::Options::default())
        .expect("a client is set up")
        .client()
        .clone()
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
