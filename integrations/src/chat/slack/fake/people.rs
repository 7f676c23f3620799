//! What a person does in the stand-in: type a command, click a button, fill in a form, reply in a thread.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    BOT_USER, Shared,
    deliver::{Outcome, Parcel},
    world::{Message, View},
};

/// One person at work.
#[derive(Clone, Copy)]
pub struct Person<'a> {
    pub(super) shared: &'a Shared,
    pub(super) id: &'a str,
}

/// What a Slack client itself does not let a person do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// There is no such message, or it has no such button.
    #[error("there is no button `{0}` to click")]
    NoButton(String),
    /// No form is open.
    #[error("no form is open")]
    NoForm,
    /// A required field is empty.
    #[error("`{0}` has to be filled in")]
    Empty(String),
    /// There is no such channel.
    #[error("there is no channel `{0}`")]
    NoChannel(String),
}

impl Person<'_> {
    /// Types `text` with its slash (`/route help`) into a channel.
    ///
    /// # Errors
    /// When there is no such channel.
    pub async fn command(&self, channel: &str, text: &str) -> Result<Outcome, Impossible> {
        let parcel = {
            let mut world = self.shared.world();
            let channel = world
                .channel_id(channel)
                .ok_or_else(|| Impossible::NoChannel(channel.to_owned()))?;
            let (command, rest) = text.split_once(' ').unwrap_or((text, ""));
            let trigger = world.new_trigger(self.id);
            Parcel::Command(BTreeMap::from([
                ("command".to_owned(), command.to_owned()),
                ("text".to_owned(), rest.to_owned()),
                ("user_id".to_owned(), self.id.to_owned()),
                ("team_id".to_owned(), "T001".to_owned()),
                ("channel_id".to_owned(), channel),
                ("trigger_id".to_owned(), trigger),
                ("response_url".to_owned(), "http://127.0.0.1/unused".to_owned()),
                ("api_app_id".to_owned(), "A001".to_owned()),
            ]))
        };
        Ok(self.shared.deliver(&parcel).await)
    }

    /// Clicks the button with that action, as the message stands now.
    ///
    /// # Errors
    /// When there is no such button.
    pub async fn click(&self, channel: &str, ts: &str, action: &str) -> Result<Outcome, Impossible> {
        let button = self
            .shared
            .message(channel, ts)
            .and_then(|message| message.button(action))
            .ok_or_else(|| Impossible::NoButton(action.to_owned()))?;
        let value = button["value"].as_str().unwrap_or("").to_owned();
        self.click_with(channel, ts, action, &value).await
    }

    /// Clicks a button with a value of an earlier rendering: what happens when a card changes under the finger.
    ///
    /// # Errors
    /// When there is no such message.
    pub async fn click_with(
        &self,
        channel: &str,
        ts: &str,
        action: &str,
        value: &str,
    ) -> Result<Outcome, Impossible> {
        let message = self
            .shared
            .message(channel, ts)
            .ok_or_else(|| Impossible::NoButton(action.to_owned()))?;
        let parcel = self.click_parcel(channel, &message, action, value);
        Ok(self.shared.deliver(&parcel).await)
    }

    fn click_parcel(&self, channel: &str, message: &Message, action: &str, value: &str) -> Parcel {
        let mut world = self.shared.world();
        let channel = world.channel_id(channel).unwrap_or_default();
        let trigger = world.new_trigger(self.id);
        let action_ts = world.next_ts(self.shared.now_micros());
        let thread = message.thread_ts.clone();
        Parcel::Interactive(json!({
            "type": "block_actions", "api_app_id": "A001", "team": {"id": "T001", "domain": "stand-in"}, "enterprise": null,
            "is_enterprise_install": false, "user": {"id": self.id, "team_id": "T001"}, "trigger_id": trigger,
            "channel": {"id": channel}, "message": message.json(BOT_USER, false),
            "container": {"type": "message", "message_ts": message.ts, "channel_id": channel, "thread_ts": thread},
            "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": action_ts}],
        }))
    }

    /// Sends the form that is open in front of this person, with these answers over what stands in it.
    ///
    /// # Errors
    /// When no form is open, or a required field is empty: then the client sends nothing.
    pub async fn submit(&self, answers: &[(&str, &str)]) -> Result<Outcome, Impossible> {
        let view = self.open_form().ok_or(Impossible::NoForm)?;
        let mut typed = initial_answers(&view.view);
        typed.extend(view.typed.clone());
        for (field, answer) in answers {
            typed.insert((*field).to_owned(), (*answer).to_owned());
        }
        let parcel = {
            let mut world = self.shared.world();
            if let Some(open) = world.views.get_mut(&view.id) {
                open.typed.clone_from(&typed);
            }
            let state = form_state(&view.view, &typed)?;
            let trigger = world.new_trigger(self.id);
            Parcel::Interactive(json!({
                "type": "view_submission", "api_app_id": "A001", "team": {"id": "T001"}, "user": {"id": self.id, "team_id": "T001"},
                "trigger_id": trigger, "view": {
                    "id": view.id, "hash": view.hash, "type": "modal", "callback_id": view.view["callback_id"],
                    "private_metadata": view.view["private_metadata"], "state": {"values": state},
                },
            }))
        };
        let outcome = self.shared.deliver(&parcel).await;
        self.after_submit(&view.id, &outcome);
        Ok(outcome)
    }

    fn after_submit(&self, view: &str, outcome: &Outcome) {
        let mut world = self.shared.world();
        match outcome {
            Outcome::Acknowledged(Some(body)) if body["response_action"] == "errors" => {
                let errors = serde_json::from_value(body["errors"].clone()).unwrap_or_default();
                if let Some(open) = world.views.get_mut(view) {
                    open.errors = errors;
                }
            }
            Outcome::Acknowledged(Some(body)) if body["response_action"] == "update" => {
                if let Some(open) = world.views.get_mut(view) {
                    open.view = body["view"].clone();
                }
            }
            Outcome::Acknowledged(_) => {
                world.views.remove(view);
            }
            Outcome::Failed(_) => {
                if let Some(open) = world.views.get_mut(view) {
                    let said = "We had some trouble connecting. Try again?".to_owned();
                    open.errors = BTreeMap::from([(String::new(), said)]);
                }
            }
        }
    }

    /// Writes in a thread.
    ///
    /// # Errors
    /// When there is no such channel.
    pub async fn reply(&self, channel: &str, thread: &str, text: &str) -> Result<Outcome, Impossible> {
        self.say(channel, Some(thread), text).await
    }

    /// Writes in a channel or a direct message, in a thread of it or not.
    ///
    /// # Errors
    /// When there is no such channel.
    pub async fn say(&self, channel: &str, thread: Option<&str>, text: &str) -> Result<Outcome, Impossible> {
        // Slack keeps what is typed with its own three characters as entities.
        let text = crate::chat::slack::text::escape(text);
        let parcel = {
            let mut world = self.shared.world();
            let channel = world
                .channel_id(channel)
                .ok_or_else(|| Impossible::NoChannel(channel.to_owned()))?;
            let ts = world.next_ts(self.shared.now_micros());
            let event_id = format!("Ev{}", world.next_serial());
            let direct = channel.starts_with('D');
            if let Some(open) = world.channels.get_mut(&channel) {
                open.messages.push(Message {
                    ts: ts.clone(),
                    thread_ts: thread.map(str::to_owned),
                    user: Some(self.id.to_owned()),
                    text: text.clone(),
                    blocks: Value::Null,
                    attachments: Value::Null,
                    metadata: Value::Null,
                    edits: 0,
                    only_for: None,
                    files: Vec::new(),
                });
            }
            let mut event = json!({"type": "message", "user": self.id, "text": text, "channel": channel, "ts": ts,
                "event_ts": ts, "channel_type": if direct { "im" } else { "channel" }});
            if let Some(thread) = thread {
                event["thread_ts"] = json!(thread);
            }
            Parcel::Event(
                json!({"type": "event_callback", "team_id": "T001", "api_app_id": "A001", "event_id": event_id, "event": event}),
            )
        };
        Ok(self.shared.deliver(&parcel).await)
    }

    /// Opens the app's home page.
    pub async fn open_home(&self) -> Outcome {
        let parcel = {
            let mut world = self.shared.world();
            let event_id = format!("Ev{}", world.next_serial());
            let ts = world.next_ts(self.shared.now_micros());
            let event = json!({"type": "app_home_opened", "user": self.id, "tab": "home", "event_ts": ts, "channel": format!("D{}", self.id.trim_start_matches('U'))});
            Parcel::Event(
                json!({"type": "event_callback", "team_id": "T001", "event_id": event_id, "event": event}),
            )
        };
        self.shared.deliver(&parcel).await
    }

    /// The form that is open in front of this person.
    #[must_use]
    pub fn open_form(&self) -> Option<View> {
        self.shared
            .world()
            .views
            .values()
            .find(|view| view.user == self.id)
            .cloned()
    }

    /// Closes it without sending.
    pub fn close_form(&self) {
        self.shared.world().views.retain(|_, view| view.user != self.id);
    }

    /// What was whispered to this person, oldest first.
    #[must_use]
    pub fn whispers(&self) -> Vec<String> {
        let world = self.shared.world();
        let all = world.channels.values().flat_map(|channel| &channel.messages);
        let mut mine: Vec<&Message> = all
            .filter(|message| message.only_for.as_deref() == Some(self.id))
            .collect();
        mine.sort_by(|a, b| a.ts.cmp(&b.ts));
        mine.iter().map(|message| message.text.clone()).collect()
    }
}

/// What stands in a form before anybody types.
fn initial_answers(view: &Value) -> BTreeMap<String, String> {
    let blocks = view["blocks"].as_array().map_or(&[][..], Vec::as_slice);
    let answer = |block: &Value| {
        let element = &block["element"];
        let value = element["initial_value"]
            .as_str()
            .or_else(|| element["initial_option"]["value"].as_str())
            .or_else(|| element["initial_options"][0]["value"].as_str())?;
        Some((block["block_id"].as_str()?.to_owned(), value.to_owned()))
    };
    blocks.iter().filter_map(answer).collect()
}

/// The `state.values` that Slack would send, if the client lets the form go.
fn form_state(view: &Value, typed: &BTreeMap<String, String>) -> Result<Value, Impossible> {
    let mut values = serde_json::Map::new();
    for block in view["blocks"].as_array().map_or(&[][..], Vec::as_slice) {
        if block["type"] != "input" {
            continue;
        }
        let id = block["block_id"].as_str().unwrap_or("");
        let given = typed.get(id).filter(|value| !value.trim().is_empty());
        if given.is_none() && block["optional"] != true {
            return Err(Impossible::Empty(id.to_owned()));
        }
        let element = &block["element"];
        let options = element["options"].as_array().map_or(&[][..], Vec::as_slice);
        let chosen = options
            .iter()
            .find(|option| Some(option["value"].as_str().unwrap_or("")) == given.map(String::as_str));
        let state = match element["type"].as_str().unwrap_or("") {
            "static_select" => json!({"type": "static_select", "selected_option": chosen}),
            "checkboxes" => {
                json!({"type": "checkboxes", "selected_options": chosen.into_iter().collect::<Vec<_>>()})
            }
            kind => json!({"type": kind, "value": given}),
        };
        let action = element["action_id"].as_str().unwrap_or("a");
        values.insert(id.to_owned(), json!({ action: state }));
    }
    Ok(Value::Object(values))
}
