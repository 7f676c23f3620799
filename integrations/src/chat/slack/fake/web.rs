//! The stand-in's page: channels, threads, forms and home pages, clickable as any person, without script if need be.

use std::collections::BTreeMap;

use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::header,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Shared,
    markup::{Surroundings, escape},
    page,
    world::{Channel, Message, User, View},
};

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/", get(home))
        .route("/c/{channel}", get(show))
        .route("/app", get(app_home))
        .route("/do/{act}", post(act))
        .route("/files/{id}", get(file))
        .route(
            "/page.css",
            get(|| async { ([(header::CONTENT_TYPE, "text/css")], include_str!("page.css")) }),
        )
        .route(
            "/page.js",
            get(|| async {
                (
                    [(header::CONTENT_TYPE, "text/javascript")],
                    include_str!("page.js"),
                )
            }),
        )
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Looking {
    /// As whom.
    #[serde(default, rename = "as")]
    who: Option<String>,
    /// Which thread is open.
    #[serde(default)]
    thread: Option<String>,
    /// What went wrong with the last act.
    #[serde(default)]
    said: Option<String>,
}

/// One moment of the workspace, copied so that nothing is locked while it is drawn.
pub(super) struct Scene {
    pub team: String,
    pub me: User,
    pub users: Vec<User>,
    pub channels: Vec<Channel>,
    pub view: Option<View>,
    pub said: Option<String>,
}

impl Scene {
    fn of(shared: &Shared, looking: &Looking) -> Self {
        let world = shared.world();
        let users: Vec<User> = world.users.values().cloned().collect();
        let asked = looking.who.as_deref().and_then(|id| world.users.get(id)).cloned();
        let me = asked.or_else(|| users.first().cloned()).unwrap_or_default();
        let mine = |channel: &&Channel| channel.with.as_deref().is_none_or(|with| with == me.id);
        Self {
            team: shared.setup.team.clone(),
            channels: world.channels.values().filter(mine).cloned().collect(),
            view: world.views.values().find(|view| view.user == me.id).cloned(),
            users,
            me,
            said: looking.said.clone(),
        }
    }
}

async fn home(State(shared): State<Shared>, Query(looking): Query<Looking>) -> Redirect {
    let scene = Scene::of(&shared, &looking);
    let first = scene.channels.first().map_or("", |channel| channel.id.as_str());
    Redirect::to(&format!("/c/{first}?as={}", scene.me.id))
}

async fn show(
    State(shared): State<Shared>,
    Path(channel): Path<String>,
    Query(looking): Query<Looking>,
) -> Html<String> {
    let scene = Scene::of(&shared, &looking);
    let Some(channel) = scene
        .channels
        .iter()
        .find(|open| open.id == channel || open.name == channel)
    else {
        return Html(page::whole(
            &scene,
            "",
            "<main><p class=empty>There is no such channel.</p></main>",
        ));
    };
    let thread = looking.thread.as_deref();
    let roots = channel
        .messages
        .iter()
        .filter(|message| seen(&scene, message) && message.thread_ts.is_none());
    let messages: String = roots
        .map(|message| message_html(&scene, channel, message, Some(thread.is_none())))
        .collect();
    let messages = if messages.is_empty() {
        "<p class=empty>Nothing here yet. Type <code>/route</code> below to file a change of a route.</p>"
            .to_owned()
    } else {
        messages
    };
    let mark = if channel.with.is_some() { "" } else { "#" };
    let main = format!(
        "<main class={}><header><h1>{mark}{}</h1></header><div class=stream data-live=stream>{messages}</div>{}</main>",
        if thread.is_some() { "behind" } else { "front" },
        escape(channel.title()),
        composer(&scene, &channel.id, None)
    );
    let pane = thread
        .map(|root| thread_html(&scene, channel, root))
        .unwrap_or_default();
    Html(page::whole(&scene, &channel.id, &format!("{main}{pane}")))
}

/// Whispers are seen by one person only.
fn seen(scene: &Scene, message: &Message) -> bool {
    message.only_for.as_deref().is_none_or(|only| only == scene.me.id)
}

fn thread_html(scene: &Scene, channel: &Channel, root: &str) -> String {
    let belongs = |message: &&Message| {
        seen(scene, message) && (message.ts == root || message.thread_ts.as_deref() == Some(root))
    };
    let messages: String = channel
        .messages
        .iter()
        .filter(belongs)
        .map(|message| message_html(scene, channel, message, None))
        .collect();
    format!(
        "<aside class=thread aria-label=Thread><header><h2>Thread</h2><a class=close href=\"/c/{}?as={}\">Close</a></header>\
         <div class=stream data-live=thread>{messages}</div>{}</aside>",
        escape(&channel.id),
        escape(&scene.me.id),
        composer(scene, &channel.id, Some(root))
    )
}

/// `invite` offers the thread of a message that has none yet; inside a thread there is nothing to offer.
fn message_html(scene: &Scene, channel: &Channel, message: &Message, invite: Option<bool>) -> String {
    let author = message
        .user
        .as_deref()
        .and_then(|id| scene.users.iter().find(|user| user.id == id));
    let name = author.map_or("Governor", |user| user.name.as_str());
    let button = |button: &Value| {
        button_html(
            scene,
            &channel.id,
            &message.ts,
            message.thread_ts.as_deref(),
            button,
        )
    };
    let around = Surroundings {
        users: &scene.users,
        button: &button,
    };
    let mut body = around.blocks(&message.blocks);
    if body.is_empty() {
        body = format!("<p>{}</p>", super::markup::mrkdwn(&message.text, &scene.users));
    }
    body.push_str(&around.attachments(&message.attachments));
    let file = |(title, id): &(String, String)| {
        let (title, id) = (escape(title), escape(id));
        format!("<p><a class=file href=\"/files/{id}\">{title}</a></p>")
    };
    body.extend(message.files.iter().map(file));
    let open = invite.map_or_else(String::new, |invite| {
        replies_html(scene, channel, message, invite)
    });
    let shown = |holds: bool, html: &'static str| if holds { html } else { "" };
    let badge = shown(message.user.is_none(), "<span class=badge>App</span>");
    let whisper = shown(
        message.only_for.is_some(),
        "<p class=only>Only visible to you</p>",
    );
    let edited = shown(message.edits > 0, " <span class=time>edited</span>");
    format!(
        "<article{}><div class=\"avatar {}\" aria-hidden=true>{}</div><div class=body>{whisper}\
         <div class=by><b>{}</b>{badge} <time class=time>{}</time>{edited}</div>{body}{open}</div></article>",
        shown(message.only_for.is_some(), " class=whisper"),
        if message.user.is_none() { "bot" } else { "person" },
        page::initials(name),
        escape(name),
        page::time(&message.ts),
    )
}

/// The way into the thread of a message.
fn replies_html(scene: &Scene, channel: &Channel, message: &Message, invite: bool) -> String {
    let belongs = |reply: &&Message| reply.thread_ts.as_deref() == Some(&message.ts) && seen(scene, reply);
    let count = channel.messages.iter().filter(belongs).count();
    if !invite && count == 0 {
        return String::new();
    }
    let words = match count {
        0 => "Reply in thread".to_owned(),
        1 => "1 reply".to_owned(),
        count => format!("{count} replies"),
    };
    let (id, me, ts) = (&channel.id, &scene.me.id, &message.ts);
    format!("<a class=replies href=\"/c/{id}?as={me}&amp;thread={ts}\">{words}</a>")
}

fn button_html(scene: &Scene, channel: &str, ts: &str, thread: Option<&str>, button: &Value) -> String {
    let label = escape(button["text"]["text"].as_str().unwrap_or(""));
    let style = match button["style"].as_str() {
        Some("primary") => "primary",
        Some("danger") => "danger",
        _ => "plain",
    };
    if let Some(url) = button["url"].as_str() {
        return format!(
            "<a class=\"button {style}\" href=\"{}\" target=_blank rel=noopener>{label}</a>",
            escape(url)
        );
    }
    let hidden = page::hidden(&[
        ("as", &scene.me.id),
        ("channel", channel),
        ("ts", ts),
        ("thread", thread.unwrap_or("")),
        ("action", button["action_id"].as_str().unwrap_or("")),
    ]);
    format!("<form method=post action=/do/click>{hidden}<button class={style}>{label}</button></form>")
}

fn composer(scene: &Scene, channel: &str, thread: Option<&str>) -> String {
    let hidden = page::hidden(&[
        ("as", &scene.me.id),
        ("channel", channel),
        ("thread", thread.unwrap_or("")),
    ]);
    let hint = if thread.is_some() {
        "Reply, for example: approve #142"
    } else {
        "Message, or /route"
    };
    format!(
        "<form class=composer method=post action=/do/say>{hidden}<label class=sr for=say{0}>{hint}</label>\
         <input id=say{0} name=text placeholder=\"{hint}\" autocomplete=off required><button class=primary>Send</button></form>",
        if thread.is_some() { "t" } else { "c" }
    )
}

/// The app's home page; opening it tells the app.
async fn app_home(State(shared): State<Shared>, Query(looking): Query<Looking>) -> Html<String> {
    let who = Scene::of(&shared, &looking).me.id;
    shared.person(&who).open_home().await;
    let scene = Scene::of(&shared, &looking);
    let published = shared.world().homes.get(&who).cloned();
    let button = |button: &Value| button_html(&scene, "home", "", None, button);
    let around = Surroundings {
        users: &scene.users,
        button: &button,
    };
    let body = match published {
        Some(view) => around.blocks(&view["blocks"]),
        None => "<p class=empty>The app has not published a home page for this person yet.</p>".to_owned(),
    };
    let main = format!(
        "<main class=front><header><h1>Governor · Home</h1></header><div class=stream data-live=stream><div class=home>{body}</div></div></main>"
    );
    Html(page::whole(&scene, "app", &main))
}

async fn file(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    let found = shared.world().uploads.get(&id).cloned();
    match found {
        Some((name, bytes)) => {
            let shown = format!(
                "attachment; filename=\"{}\"",
                name.replace(['"', '\\', '\n', '\r'], "_")
            );
            ([(header::CONTENT_DISPOSITION, shown)], bytes).into_response()
        }
        None => axum::http::StatusCode::NOT_FOUND.into_response(),
    }
}

/// Anything a person does on the page. Afterwards the page is shown again.
async fn act(
    State(shared): State<Shared>,
    Path(act): Path<String>,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Redirect {
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let (who, channel, thread) = (field("as"), field("channel"), field("thread"));
    let person = shared.person(who);
    let done = match act.as_str() {
        "click" => person.click(channel, field("ts"), field("action")).await,
        "say" if field("text").starts_with('/') => person.command(channel, field("text")).await,
        "say" => {
            person
                .say(
                    channel,
                    Some(thread).filter(|thread| !thread.is_empty()),
                    field("text"),
                )
                .await
        }
        "submit" => {
            let answers: Vec<(&str, &str)> = fields
                .iter()
                .filter_map(|(name, value)| Some((name.strip_prefix("field.")?, value.as_str())))
                .collect();
            person.submit(&answers).await
        }
        _ => {
            person.close_form();
            Ok(super::Outcome::Acknowledged(None))
        }
    };
    let said = match done {
        Ok(super::Outcome::Acknowledged(_)) => String::new(),
        Ok(super::Outcome::Failed(_)) => "The app did not answer in time.".to_owned(),
        Err(error) => error.to_string(),
    };
    // Whatever follows an act, a form or a whisper, is there a moment later; the script shows it without this.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let mut query = vec![("as", who)];
    if !thread.is_empty() {
        query.push(("thread", thread));
    }
    if !said.is_empty() {
        query.push(("said", &said));
    }
    let query = serde_urlencoded::to_string(query).unwrap_or_default();
    Redirect::to(&format!("/c/{channel}?{query}"))
}
