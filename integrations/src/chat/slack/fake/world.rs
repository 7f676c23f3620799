//! What the stand-in remembers: people, channels, messages, open forms, faults.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

/// Somebody of the stand-in's workspace.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// `U…`
    pub id: String,
    /// Shown to people.
    pub name: String,
    /// What they do, for the page on which somebody picks a person.
    pub title: String,
    /// Their address.
    pub email: String,
    /// A guest of the workspace.
    pub guest: bool,
    /// A program.
    pub bot: bool,
    /// Switched off.
    pub deleted: bool,
    /// Of another company.
    pub stranger: bool,
}

/// A message as it stands now.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id in the channel.
    pub ts: String,
    /// The message whose thread it is in.
    pub thread_ts: Option<String>,
    /// Who wrote it; `None` is the app.
    pub user: Option<String>,
    /// Its text.
    pub text: String,
    /// Its blocks.
    pub blocks: Value,
    /// Its attachments.
    pub attachments: Value,
    /// What the app marked it with.
    pub metadata: Value,
    /// How often it was edited.
    pub edits: u32,
    /// The only person who sees it.
    pub only_for: Option<String>,
    /// Files that hang on it: name and id.
    pub files: Vec<(String, String)>,
}

impl Message {
    /// Everything a person reads in it.
    #[must_use]
    pub fn words(&self) -> String {
        let mut out = vec![self.text.clone()];
        collect_words(&self.blocks, &mut out);
        collect_words(&self.attachments, &mut out);
        out.join("\n")
    }

    /// The first button with that action, as it stands in the message.
    #[must_use]
    pub fn button(&self, action: &str) -> Option<Value> {
        find_button(&self.blocks, action).or_else(|| find_button(&self.attachments, action))
    }

    pub(super) fn json(&self, bot: &str, with_metadata: bool) -> Value {
        let mut out = json!({
            "type": "message", "ts": self.ts, "text": self.text, "blocks": self.blocks,
            "user": self.user.as_deref().unwrap_or(bot),
        });
        if self.user.is_none() {
            out["bot_id"] = json!("B0GOVERNOR");
        }
        if self.attachments.is_array() {
            out["attachments"] = self.attachments.clone();
        }
        if let Some(thread) = &self.thread_ts {
            out["thread_ts"] = json!(thread);
        }
        if with_metadata && self.metadata.is_object() {
            out["metadata"] = self.metadata.clone();
        }
        out
    }
}

fn collect_words(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_words(item, out)),
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(text) if key == "text" => out.push(text.to_owned()),
                    Some(_) => {}
                    None => collect_words(value, out),
                }
            }
        }
        _ => {}
    }
}

fn find_button(value: &Value, action: &str) -> Option<Value> {
    match value {
        Value::Array(items) => items.iter().find_map(|item| find_button(item, action)),
        Value::Object(fields) if fields.get("action_id").is_some_and(|id| id == action) => {
            Some(value.clone())
        }
        Value::Object(fields) => fields.values().find_map(|value| find_button(value, action)),
        _ => None,
    }
}

/// A channel or a direct message.
#[derive(Clone, Debug)]
pub struct Channel {
    /// `C…` or `D…`
    pub id: String,
    /// Without its mark.
    pub name: String,
    /// The person on the other side of a direct message.
    pub with: Option<String>,
    /// Whether the app may post in it.
    pub has_app: bool,
    /// Oldest first, threads among them.
    pub messages: Vec<Message>,
}

impl Channel {
    /// What the person in it sees: a direct message is with the app.
    pub(super) fn title(&self) -> &str {
        if self.with.is_some() {
            "Governor"
        } else {
            &self.name
        }
    }
}

/// A form that is open in front of somebody.
#[derive(Clone, Debug)]
pub struct View {
    /// `V…`
    pub id: String,
    /// Who sees it.
    pub user: String,
    /// The view as the app sent it.
    pub view: Value,
    /// Errors by block, from the last submission.
    pub errors: BTreeMap<String, String>,
    /// What was typed, by block.
    pub typed: BTreeMap<String, String>,
    /// Changes with every edit.
    pub hash: String,
}

/// What goes wrong on purpose, once each.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// The next call of the method answers with the code; `http_500` is a status.
    pub fail: Vec<(String, String)>,
    /// The next call of the method is carried out, and its answer is lost.
    pub lose_answer: Vec<String>,
    /// The next message comes second: one of the same mark, from another worker, stands before it.
    pub doubled: bool,
    /// As many acknowledgements are lost on their way.
    pub lose_acks: u32,
    /// Forms can no longer be opened with any trigger given out so far.
    pub expire_triggers: bool,
}

/// One Socket Mode connection.
pub(super) struct Link {
    pub id: u64,
    pub out: mpsc::UnboundedSender<String>,
}

/// Everything.
pub(super) struct World {
    pub users: BTreeMap<String, User>,
    pub channels: BTreeMap<String, Channel>,
    pub views: BTreeMap<String, View>,
    pub homes: BTreeMap<String, Value>,
    pub triggers: HashMap<String, Option<Instant>>,
    pub tickets: Vec<String>,
    pub links: Vec<Link>,
    pub waiting: HashMap<String, oneshot::Sender<Value>>,
    pub uploads: HashMap<String, (String, Vec<u8>)>,
    pub posts: HashMap<String, Vec<Instant>>,
    pub faults: Faults,
    pub calls: Vec<String>,
    pub last_ts: i64,
    pub serial: u64,
}

impl World {
    /// A workspace whose ids count on from `serial`: like Slack's, they never come again, also after a new start.
    pub(super) fn new(users: Vec<User>, channels: &[&str], serial: u64) -> Self {
        let mut world = Self {
            users: users.into_iter().map(|user| (user.id.clone(), user)).collect(),
            channels: BTreeMap::new(),
            views: BTreeMap::new(),
            homes: BTreeMap::new(),
            triggers: HashMap::new(),
            tickets: Vec::new(),
            links: Vec::new(),
            waiting: HashMap::new(),
            uploads: HashMap::new(),
            posts: HashMap::new(),
            faults: Faults::default(),
            calls: Vec::new(),
            last_ts: 0,
            serial,
        };
        for (index, name) in channels.iter().enumerate() {
            world.add_channel(&format!("C{:03}", index + 1), name, None);
        }
        world
    }

    pub(super) fn add_channel(&mut self, id: &str, name: &str, with: Option<String>) {
        let channel = Channel {
            id: id.to_owned(),
            name: name.to_owned(),
            with,
            has_app: true,
            messages: Vec::new(),
        };
        self.channels.insert(id.to_owned(), channel);
    }

    /// The channel of an id, a name or a person; a direct message is opened by the first post.
    pub(super) fn channel_id(&mut self, named: &str) -> Option<String> {
        let bare = named.trim_start_matches('#');
        if self.channels.contains_key(bare) {
            return Some(bare.to_owned());
        }
        if let Some(channel) = self.channels.values().find(|channel| channel.name == bare) {
            return Some(channel.id.clone());
        }
        let name = self.users.get(bare)?.name.clone();
        let id = format!("D{}", bare.trim_start_matches('U'));
        if !self.channels.contains_key(&id) {
            self.add_channel(&id, &name, Some(bare.to_owned()));
        }
        Some(id)
    }

    /// The next id of a message: microseconds that never repeat.
    pub(super) fn next_ts(&mut self, now_micros: i64) -> String {
        self.last_ts = now_micros.max(self.last_ts + 1);
        format!("{}.{:06}", self.last_ts / 1_000_000, self.last_ts % 1_000_000)
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(super) fn message_mut(&mut self, channel: &str, ts: &str) -> Option<&mut Message> {
        let messages = &mut self.channels.get_mut(channel)?.messages;
        messages
            .iter_mut()
            .find(|message| message.ts == ts && message.only_for.is_none())
    }

    /// A trigger of this person's act: good once, for three seconds.
    pub(super) fn new_trigger(&mut self, user: &str) -> String {
        let trigger = format!("{}.trigger@{user}", self.next_serial());
        self.triggers.insert(trigger.clone(), Some(Instant::now()));
        trigger
    }

    /// The code with which `method` fails now, if a fault was set for it.
    pub(super) fn fault(&mut self, method: &str) -> Option<String> {
        let index = self.faults.fail.iter().position(|(name, _)| name == method)?;
        Some(self.faults.fail.remove(index).1)
    }
}
