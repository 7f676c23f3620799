//! Slack: web API, Socket Mode and signed HTTP. slack-morphism carries what goes out; what comes in is read by us.

mod api;
mod blocks;
#[cfg(feature = "fakes")]
pub mod fake;
mod inbound;
pub mod limits;
pub mod signature;
pub mod socket;
mod text;
mod wire;

use std::{io, time::Duration};

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use workflow_engine::ports::chat::{
    Answer, Attachment, Card, ChatError, ChatPlatform, ChatUser, Checked, Form, HttpDelivery, MessageRef,
    Place, Received, Rejected, Text,
};

/// The `event_type` of the metadata by which we know our own messages.
const MARK: &str = "governor_message";

/// One Slack app in one workspace.
#[derive(Clone, Debug)]
pub struct Config {
    /// `xoxb-…`
    pub bot_token: SecretString,
    /// `xapp-…`; Socket Mode needs it.
    pub app_token: Option<SecretString>,
    /// Signs what Slack posts to us.
    pub signing_secret: SecretString,
    /// `https://slack.com/api`, or a stand-in on loopback.
    pub api_base_url: String,
    /// Socket Mode connections that are kept open; two, so that one may be refreshed.
    pub sockets: u8,
    /// Between two posts to one channel. Slack takes one a second.
    pub post_gap: Duration,
}

impl Config {
    /// The app with these secrets at Slack itself.
    #[must_use]
    pub fn new(
        bot_token: SecretString,
        app_token: Option<SecretString>,
        signing_secret: SecretString,
    ) -> Self {
        Self {
            bot_token,
            app_token,
            signing_secret,
            api_base_url: "https://slack.com/api".to_owned(),
            sockets: 2,
            post_gap: Duration::from_secs(1),
        }
    }
}

/// Slack as a [`ChatPlatform`].
pub struct Slack {
    api: api::Api,
    signing_secret: SecretString,
    sockets: u8,
}

impl Slack {
    /// Prepares the client; connects to nothing yet.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(config: &Config) -> io::Result<Self> {
        Ok(Self {
            api: api::Api::new(config)?,
            signing_secret: config.signing_secret.clone(),
            sockets: config.sockets,
        })
    }

    fn sockets(&self) -> u8 {
        self.sockets
    }

    async fn socket_url(&self) -> Result<SecretString, ChatError> {
        self.api.socket_url().await
    }

    /// The id of a channel by whatever name it was given: posts take names and users, reading takes only ids.
    async fn channel_id(&self, named: &str) -> Result<String, ChatError> {
        let id = |letters: &[char]| {
            named.starts_with(letters)
                && named
                    .chars()
                    .all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit())
        };
        if id(&['C', 'G', 'D']) {
            return Ok(named.to_owned());
        }
        if id(&['U', 'W']) {
            let opened: Opened = self
                .api
                .post("conversations.open", &json!({"users": named}))
                .await?;
            return Ok(opened.channel.id);
        }
        let mut cursor = String::new();
        loop {
            let query = [
                ("types", Some("public_channel,private_channel")),
                ("exclude_archived", Some("true")),
                ("limit", Some("1000")),
                ("cursor", Some(cursor.as_str())),
            ];
            let page: Channels = self.api.fetch("conversations.list", &query).await?;
            let bare = named.trim_start_matches('#');
            if let Some(channel) = page
                .channels
                .into_iter()
                .find(|channel| channel.name.as_deref() == Some(bare))
            {
                return Ok(channel.id);
            }
            cursor = page
                .response_metadata
                .and_then(|metadata| metadata.next_cursor)
                .unwrap_or_default();
            if cursor.is_empty() {
                return Err(api::of_code("channel_not_found"));
            }
        }
    }
}

#[derive(Deserialize)]
struct Posted {
    channel: String,
    ts: String,
}

#[derive(Deserialize)]
struct Channel {
    id: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Opened {
    channel: Channel,
}

#[derive(Deserialize)]
struct Channels {
    channels: Vec<Channel>,
    response_metadata: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    next_cursor: Option<String>,
}

/// An answer of which only the success matters.
#[derive(Deserialize)]
struct Done {}

#[derive(Deserialize)]
struct Messages {
    #[serde(default)]
    messages: Vec<Value>,
}

#[async_trait]
impl ChatPlatform for Slack {
    fn name(&self) -> &'static str {
        "slack"
    }

    async fn check(&self) -> Result<Checked, ChatError> {
        #[derive(Deserialize)]
        struct Us {
            team: Option<String>,
            user_id: Option<String>,
        }
        let us: Us = self.api.post("auth.test", &json!({})).await?;
        let warnings = if self.sockets == 1 {
            vec![
                "one Socket Mode connection: clicks made while it is refreshed are lost; set sockets = 2"
                    .to_owned(),
            ]
        } else {
            Vec::new()
        };
        Ok(Checked {
            workspace: us.team.unwrap_or_default(),
            bot_user: us.user_id.unwrap_or_default(),
            warnings,
        })
    }

    async fn turn(&self, to: &Place) -> Result<(), ChatError> {
        self.api.turn(&to.channel).await
    }

    async fn post(&self, to: &Place, card: &Card, mark: &str) -> Result<MessageRef, ChatError> {
        let mut body = marked(blocks::message(card), mark);
        body["channel"] = json!(to.channel);
        body["unfurl_links"] = json!(false);
        body["unfurl_media"] = json!(false);
        if let Some(thread) = &to.thread {
            body["thread_ts"] = json!(thread);
        }
        let posted: Posted = self.api.post("chat.postMessage", &body).await?;
        Ok(MessageRef {
            channel: posted.channel,
            message: posted.ts,
        })
    }

    async fn find(&self, to: &Place, mark: &str) -> Result<Option<MessageRef>, ChatError> {
        let id = self.channel_id(&to.channel).await?;
        let channel = ("channel", Some(id.as_str()));
        let with_marks = ("include_all_metadata", Some("true"));
        let found: Messages = match &to.thread {
            Some(thread) => {
                let query = [
                    channel,
                    ("ts", Some(thread.as_str())),
                    ("limit", Some("200")),
                    with_marks,
                ];
                self.api.fetch("conversations.replies", &query).await?
            }
            None => {
                let query = [channel, ("limit", Some("100")), with_marks];
                self.api.fetch("conversations.history", &query).await?
            }
        };
        let ours = |message: &&Value| {
            message
                .pointer("/metadata/event_type")
                .is_some_and(|kind| kind == MARK)
                && message
                    .pointer("/metadata/event_payload/mark")
                    .is_some_and(|found| found == mark)
        };
        // Time stamps have one length, so that the least text is the earliest.
        let messages = found.messages.iter().filter(ours);
        let first = messages.filter_map(|message| message["ts"].as_str()).min();
        Ok(first.map(|message| MessageRef {
            channel: id.clone(),
            message: message.to_owned(),
        }))
    }

    async fn update(&self, message: &MessageRef, card: &Card, mark: &str) -> Result<(), ChatError> {
        let mut body = marked(blocks::message(card), mark);
        body["channel"] = json!(message.channel);
        body["ts"] = json!(message.message);
        // An edit keeps what it does not name: a card that lost its bar has to say so.
        if body["attachments"].is_null() {
            body["attachments"] = json!([]);
        }
        self.api.post("chat.update", &body).await.map(|Done {}| ())
    }

    async fn take_back(&self, message: &MessageRef) -> Result<(), ChatError> {
        let body = json!({"channel": message.channel, "ts": message.message});
        match self.api.post("chat.delete", &body).await {
            Ok(Done {}) | Err(ChatError::MessageGone { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn whisper(&self, to: &Place, user: &str, text: &Text) -> Result<(), ChatError> {
        let words = text::mrkdwn(text, limits::SECTION_TEXT);
        let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": words, "verbatim": true}});
        let mut body = json!({"channel": to.channel, "user": user, "text": words, "blocks": [section]});
        if let Some(thread) = &to.thread {
            body["thread_ts"] = json!(thread);
        }
        self.api.post("chat.postEphemeral", &body).await.map(|Done {}| ())
    }

    async fn open_form(&self, trigger: &str, form: &Form) -> Result<(), ChatError> {
        let body = json!({"trigger_id": trigger, "view": blocks::modal(form)});
        self.api.post("views.open", &body).await.map(|Done {}| ())
    }

    async fn publish_home(&self, user: &str, card: &Card) -> Result<(), ChatError> {
        let body = json!({"user_id": user, "view": blocks::home(card)});
        self.api.post("views.publish", &body).await.map(|Done {}| ())
    }

    async fn user(&self, id: &str) -> Result<ChatUser, ChatError> {
        #[derive(Deserialize)]
        struct Info {
            user: Value,
        }
        let Info { user } = self.api.fetch("users.info", &[("user", Some(id))]).await?;
        let text = |pointer: &str| {
            user.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let is = |name: &str| user[name] == true;
        Ok(ChatUser {
            workspace: text("/team_id"),
            id: id.to_owned(),
            name: Some(text("/profile/real_name"))
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| text("/name")),
            email: Some(text("/profile/email")).filter(|email| !email.is_empty()),
            is_guest: is("is_restricted") || is("is_ultra_restricted"),
            is_bot: is("is_bot") || is("is_workflow_bot"),
            deleted: is("deleted"),
            stranger: is("is_stranger"),
        })
    }

    async fn upload(&self, thread: &Place, file: &Attachment) -> Result<(), ChatError> {
        #[derive(Deserialize)]
        struct Slot {
            upload_url: String,
            file_id: String,
        }
        let length = file.bytes.len().to_string();
        let query = [
            ("filename", Some(file.name.as_str())),
            ("length", Some(length.as_str())),
        ];
        let slot: Slot = self.api.fetch("files.getUploadURLExternal", &query).await?;
        self.api.put_file(&slot.upload_url, &file.bytes).await?;
        let mut body =
            json!({"files": [{"id": slot.file_id, "title": file.title}], "channel_id": thread.channel});
        if let Some(ts) = &thread.thread {
            body["thread_ts"] = json!(ts);
        }
        self.api
            .post("files.completeUploadExternal", &body)
            .await
            .map(|Done {}| ())
    }

    fn receive(&self, delivery: &HttpDelivery<'_>) -> Result<Received, Rejected> {
        inbound::receive(&self.signing_secret, delivery)
    }

    fn answer(&self, answer: &Answer) -> Option<Value> {
        answer_body(answer)
    }

    fn preview(&self, card: &Card) -> (Value, Vec<String>) {
        preview(card)
    }

    fn preview_form(&self, form: &Form) -> (Value, Vec<String>) {
        preview_form(form)
    }
}

/// `card` as the body of a post, with every limit that it breaks. Needs no connection.
#[must_use]
pub fn preview(card: &Card) -> (Value, Vec<String>) {
    let body = blocks::message(card);
    let breaches = limits::message(&body)
        .into_iter()
        .map(|breach| breach.what)
        .collect();
    (body, breaches)
}

/// `form` as a modal view, with every limit that it breaks.
#[must_use]
pub fn preview_form(form: &Form) -> (Value, Vec<String>) {
    let view = blocks::modal(form);
    let breaches = limits::view(&view)
        .into_iter()
        .map(|breach| breach.what)
        .collect();
    (view, breaches)
}

fn marked(mut body: Value, mark: &str) -> Value {
    body["metadata"] = json!({"event_type": MARK, "event_payload": {"mark": mark}});
    body
}

/// What the acknowledgement carries.
fn answer_body(answer: &Answer) -> Option<Value> {
    match answer {
        Answer::Taken => None,
        Answer::FormErrors(errors) => Some(json!({"response_action": "errors", "errors": errors})),
    }
}
