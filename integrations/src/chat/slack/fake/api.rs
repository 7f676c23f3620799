//! The stand-in's web API: the methods we call, with Slack's own refusals.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    BOT_USER, Shared, files, views,
    world::{Message, World},
};
use crate::chat::slack::limits;

/// Why a call fails: Slack's code, and what it says beside it.
pub(super) struct Refused(pub &'static str, pub Vec<String>);

impl From<&'static str> for Refused {
    fn from(code: &'static str) -> Self {
        Self(code, Vec::new())
    }
}

pub(super) type Outcome = Result<Value, Refused>;

/// A call: its fields, whichever way they came.
pub(super) struct Call {
    pub(super) fields: Value,
    json: bool,
}

impl Call {
    pub(super) fn text(&self, name: &str) -> &str {
        self.fields[name].as_str().unwrap_or("")
    }
}

pub(super) async fn call(
    State(shared): State<Shared>,
    Path(method): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or("");
    let call = if kind.starts_with("application/json") {
        Call {
            fields: serde_json::from_slice(&body).unwrap_or(Value::Null),
            json: true,
        }
    } else {
        let mut fields = query;
        fields.extend(serde_urlencoded::from_bytes::<BTreeMap<String, String>>(&body).unwrap_or_default());
        Call {
            fields: json!(fields),
            json: false,
        }
    };
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = bearer
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or("")
        .to_owned();
    answer(&shared, &method, &call, &token)
}

fn answer(shared: &Shared, method: &str, call: &Call, token: &str) -> Response {
    let mut world = shared.world();
    world.calls.push(method.to_owned());
    match world.fault(method).as_deref() {
        Some("http_500") => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some("ratelimited") => return too_fast(),
        Some(code) => return json_response(&json!({"ok": false, "error": code})),
        None => {}
    }
    if method == "chat.postMessage" && is_too_fast(shared, &mut world, call.text("channel")) {
        return too_fast();
    }
    let outcome = check_token(shared, method, token).and_then(|()| run(shared, &mut world, method, call));
    let lost = world.faults.lose_answer.iter().position(|name| name == method);
    if let Some(index) = lost {
        world.faults.lose_answer.remove(index);
        return StatusCode::BAD_GATEWAY.into_response();
    }
    json_response(&match outcome {
        Ok(mut body) => {
            body["ok"] = json!(true);
            body
        }
        Err(Refused(code, said)) => {
            json!({"ok": false, "error": code, "response_metadata": {"messages": said}})
        }
    })
}

fn json_response(body: &Value) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
        body.to_string(),
    )
        .into_response()
}

fn too_fast() -> Response {
    let body = json!({"ok": false, "error": "ratelimited"}).to_string();
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::RETRY_AFTER, "1"),
    ];
    (StatusCode::TOO_MANY_REQUESTS, headers, body).into_response()
}

/// Slack takes about one post a second in each channel, in short bursts more.
fn is_too_fast(shared: &Shared, world: &mut World, channel: &str) -> bool {
    let Some(most) = shared.posts_per_second() else {
        return false;
    };
    let posts = world.posts.entry(channel.to_owned()).or_default();
    posts.retain(|at| at.elapsed() < Duration::from_secs(1));
    if posts.len() >= most {
        return true;
    }
    posts.push(Instant::now());
    false
}

fn check_token(shared: &Shared, method: &str, token: &str) -> Result<(), Refused> {
    let (wanted, other) = if method == "apps.connections.open" {
        (&shared.setup.app_token, &shared.setup.bot_token)
    } else {
        (&shared.setup.bot_token, &shared.setup.app_token)
    };
    match token {
        "" => Err("not_authed".into()),
        token if token == wanted => Ok(()),
        token if token == other => Err("not_allowed_token_type".into()),
        _ => Err("invalid_auth".into()),
    }
}

fn run(shared: &Shared, world: &mut World, method: &str, call: &Call) -> Outcome {
    // These take their arguments as a form or a query only; JSON is not looked at.
    const FORM_ONLY: [&str; 7] = [
        "conversations.list",
        "users.info",
        "conversations.replies",
        "conversations.history",
        "files.getUploadURLExternal",
        "usergroups.list",
        "usergroups.users.list",
    ];
    if call.json && FORM_ONLY.contains(&method) {
        return Err("invalid_arguments".into());
    }
    match method {
        "auth.test" => Ok(json!({
            "team": shared.setup.team, "team_id": "T001", "user": "governor", "user_id": BOT_USER, "bot_id": "B0GOVERNOR"
        })),
        "apps.connections.open" => Ok(json!({"url": shared.new_socket_url(world)})),
        "chat.postMessage" => post(shared, world, call),
        "chat.update" => update(world, call),
        "chat.delete" => delete(world, call),
        "chat.postEphemeral" => whisper(shared, world, call),
        "conversations.replies" | "conversations.history" => history(world, method, call),
        "conversations.open" => open_direct(world, call),
        "conversations.list" => Ok(list_channels(world)),
        "users.info" => user(world, call),
        "usergroups.list" => Ok(json!({"usergroups": []})),
        "usergroups.users.list" => Err("no_such_subteam".into()),
        "views.open" => views::open_view(world, call),
        "views.update" => views::update_view(world, call),
        "views.publish" => views::publish(world, call),
        "files.getUploadURLExternal" => files::upload_slot(shared, world, call),
        "files.completeUploadExternal" => files::complete_upload(shared, world, call),
        _ => Err("unknown_method".into()),
    }
}

pub(super) fn within_limits(breaches: Vec<limits::Breach>) -> Result<(), Refused> {
    match breaches.first() {
        Some(first) => Err(Refused(
            first.code,
            breaches.iter().map(|breach| breach.what.clone()).collect(),
        )),
        None => Ok(()),
    }
}

/// The channel in which the app may post.
pub(super) fn open_channel(world: &mut World, named: &str) -> Result<String, Refused> {
    let id = world.channel_id(named).ok_or("channel_not_found")?;
    match world.channels.get(&id) {
        Some(channel) if channel.has_app => Ok(id),
        _ => Err("not_in_channel".into()),
    }
}

fn post(shared: &Shared, world: &mut World, call: &Call) -> Outcome {
    let channel = open_channel(world, call.text("channel"))?;
    within_limits(limits::message(&call.fields))?;
    let thread = call.fields["thread_ts"].as_str().map(str::to_owned);
    if let Some(root) = &thread
        && world.message_mut(&channel, root).is_none()
    {
        return Err("thread_not_found".into());
    }
    if std::mem::take(&mut world.faults.doubled) {
        let other = message(shared, world, call, thread.clone());
        push(world, &channel, other);
    }
    let message = message(shared, world, call, thread);
    let posted = json!({"channel": channel, "ts": message.ts, "message": message.json(BOT_USER, false)});
    push(world, &channel, message);
    Ok(posted)
}

pub(super) fn message(shared: &Shared, world: &mut World, call: &Call, thread_ts: Option<String>) -> Message {
    Message {
        ts: world.next_ts(shared.now_micros()),
        thread_ts,
        user: None,
        text: call.text("text").to_owned(),
        blocks: call.fields["blocks"].clone(),
        attachments: call.fields["attachments"].clone(),
        metadata: call.fields["metadata"].clone(),
        edits: 0,
        only_for: None,
        files: Vec::new(),
    }
}

pub(super) fn push(world: &mut World, channel: &str, message: Message) {
    if let Some(channel) = world.channels.get_mut(channel) {
        channel.messages.push(message);
    }
}

fn update(world: &mut World, call: &Call) -> Outcome {
    within_limits(limits::message(&call.fields))?;
    let channel = call.text("channel");
    if !world.channels.contains_key(channel) {
        return Err("channel_not_found".into());
    }
    let message = world
        .message_mut(channel, call.text("ts"))
        .ok_or("message_not_found")?;
    if message.user.is_some() {
        return Err("cant_update_message".into());
    }
    message.edits += 1;
    message.text = call.text("text").to_owned();
    message.blocks = call.fields["blocks"].clone();
    if !call.fields["attachments"].is_null() {
        message.attachments = call.fields["attachments"].clone();
    }
    if !call.fields["metadata"].is_null() {
        message.metadata = call.fields["metadata"].clone();
    }
    Ok(json!({"channel": channel, "ts": message.ts, "text": message.text}))
}

fn delete(world: &mut World, call: &Call) -> Outcome {
    let (channel, ts) = (call.text("channel"), call.text("ts"));
    let message = world.message_mut(channel, ts).ok_or("message_not_found")?;
    if message.user.is_some() {
        return Err("cant_delete_message".into());
    }
    if let Some(channel) = world.channels.get_mut(channel) {
        channel.messages.retain(|message| message.ts != ts);
    }
    Ok(json!({"channel": channel, "ts": ts}))
}

fn whisper(shared: &Shared, world: &mut World, call: &Call) -> Outcome {
    let channel = open_channel(world, call.text("channel"))?;
    within_limits(limits::message(&call.fields))?;
    let user = call.text("user").to_owned();
    if !world.users.contains_key(&user) {
        return Err("user_not_in_channel".into());
    }
    let thread = call.fields["thread_ts"].as_str().map(str::to_owned);
    let mut message = message(shared, world, call, thread);
    message.only_for = Some(user);
    let ts = message.ts.clone();
    push(world, &channel, message);
    Ok(json!({"message_ts": ts}))
}

fn history(world: &mut World, method: &str, call: &Call) -> Outcome {
    // Posts take names; reading takes only ids.
    let id = call.text("channel").to_owned();
    let with_metadata = call.text("include_all_metadata") == "true";
    let thread = (method == "conversations.replies").then(|| call.text("ts"));
    let channel = world.channels.get(&id).ok_or("channel_not_found")?;
    if let Some(root) = thread
        && !channel.messages.iter().any(|message| message.ts == root)
    {
        return Err("thread_not_found".into());
    }
    let belongs = |message: &&Message| match thread {
        Some(root) => message.ts == root || message.thread_ts.as_deref() == Some(root),
        None => message.thread_ts.is_none(),
    };
    let public = channel
        .messages
        .iter()
        .filter(|message| message.only_for.is_none());
    let mut messages: Vec<Value> = public
        .filter(belongs)
        .map(|message| message.json(BOT_USER, with_metadata))
        .collect();
    if thread.is_none() {
        messages.reverse();
    }
    Ok(json!({"messages": messages, "has_more": false}))
}

fn open_direct(world: &mut World, call: &Call) -> Outcome {
    let user = call.text("users").to_owned();
    if !world.users.contains_key(&user) {
        return Err("user_not_found".into());
    }
    let id = world.channel_id(&user).ok_or("user_not_found")?;
    Ok(json!({"channel": {"id": id}}))
}

fn list_channels(world: &World) -> Value {
    let public = world.channels.values().filter(|channel| channel.with.is_none());
    let channels: Vec<Value> = public
        .map(|channel| json!({"id": channel.id, "name": channel.name}))
        .collect();
    json!({"channels": channels, "response_metadata": {"next_cursor": ""}})
}

fn user(world: &World, call: &Call) -> Outcome {
    let user = world.users.get(call.text("user")).ok_or("user_not_found")?;
    Ok(json!({"user": {
        "id": user.id, "team_id": if user.stranger { "T999" } else { "T001" }, "name": user.name, "deleted": user.deleted,
        "is_bot": user.bot, "is_restricted": user.guest, "is_ultra_restricted": false, "is_stranger": user.stranger,
        "profile": {"real_name": user.name, "email": user.email, "title": user.title},
    }}))
}
