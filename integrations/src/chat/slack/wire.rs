//! Slack's inbound JSON, read leniently: whatever Slack adds, omits or sets to null, a person's click is not lost.
//!
//! Nothing here fails on an unknown shape; it answers "not for us" with the name of what it was. An org-wide install
//! sends `"team": null`, custom steps send no trigger, and new element types appear without notice.

use std::collections::BTreeMap;

use serde_json::Value;
use workflow_engine::{
    ports::chat::{Interaction, Kind, MessageRef, Place},
    values::Digest,
};

/// What a payload was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Something a person did.
    Done(Box<Interaction>),
    /// Not for us; what it was.
    Other(String),
}

/// A slash command, as the fields of its form.
pub(super) fn command(fields: &BTreeMap<String, String>) -> Read {
    let field = |name: &str| fields.get(name).cloned().filter(|value| !value.is_empty());
    let (Some(name), Some(user)) = (field("command"), field("user_id")) else {
        return Read::Other("a command without a name or a user".to_owned());
    };
    let trigger = field("trigger_id");
    let text = field("text").unwrap_or_default();
    let place = field("channel_id").map(|channel| Place::channel(&channel));
    let about = [
        Some(user.clone()),
        trigger.clone(),
        Some(name.clone()),
        Some(text.clone()),
    ];
    Read::Done(Box::new(Interaction {
        delivery: delivery("command", &about),
        platform: "slack".to_owned(),
        workspace: field("team_id").or_else(|| field("enterprise_id")),
        user,
        place,
        message: None,
        trigger,
        kind: Kind::Command { name, text },
    }))
}

/// An interactive payload: a click or a form.
pub(super) fn interactive(payload: &Value) -> Read {
    match payload["type"].as_str().unwrap_or("") {
        "block_actions" => click(payload),
        "view_submission" => submission(payload),
        other => Read::Other(format!("interactive `{other}`")),
    }
}

/// The body of an Events API call.
pub(super) fn event(body: &Value) -> Read {
    let event = &body["event"];
    let kind = event["type"].as_str().unwrap_or("");
    let Some(user) = text(event, "/user") else {
        return Read::Other(format!("event `{kind}` without a user"));
    };
    let about = match kind {
        "app_home_opened" => Kind::HomeOpened,
        "message" if is_reply(event) => Kind::ThreadReply {
            text: unescape(&text(event, "/text").unwrap_or_default()),
        },
        other => return Read::Other(format!("event `{other}`")),
    };
    let channel = text(event, "/channel");
    let place = channel.clone().map(|channel| Place {
        channel,
        thread: text(event, "/thread_ts"),
    });
    let fallback = [
        text(event, "/channel"),
        text(event, "/ts"),
        text(event, "/event_ts"),
        Some(user.clone()),
    ];
    Read::Done(Box::new(Interaction {
        delivery: text(body, "/event_id").unwrap_or_else(|| delivery("event", &fallback)),
        platform: "slack".to_owned(),
        workspace: text(body, "/team_id").or_else(|| text(body, "/enterprise_id")),
        user,
        message: channel
            .zip(text(event, "/ts"))
            .map(|(channel, message)| MessageRef { channel, message }),
        place,
        trigger: None,
        kind: about,
    }))
}

/// Words of a person in a thread, or in a direct message to us. Edits, joins and bots are not.
fn is_reply(event: &Value) -> bool {
    let by_person = event["bot_id"].is_null() && event["bot_profile"].is_null();
    let plain = event["subtype"].is_null()
        || event["subtype"] == "thread_broadcast"
        || event["subtype"] == "file_share";
    let in_thread = event["thread_ts"]
        .as_str()
        .is_some_and(|thread| event["ts"] != thread);
    by_person && plain && (in_thread || event["channel_type"] == "im")
}

fn click(payload: &Value) -> Read {
    let action = &payload["actions"][0];
    let (Some(user), Some(name)) = (text(payload, "/user/id"), text(action, "/action_id")) else {
        return Read::Other("a click without a user or an action".to_owned());
    };
    let channel = text(payload, "/channel/id").or_else(|| text(payload, "/container/channel_id"));
    let message = text(payload, "/message/ts").or_else(|| text(payload, "/container/message_ts"));
    let thread = text(payload, "/message/thread_ts").or_else(|| text(payload, "/container/thread_ts"));
    let value = text(action, "/value")
        .or_else(|| text(action, "/selected_option/value"))
        .unwrap_or_default();
    let about = [
        workspace(payload),
        Some(user.clone()),
        text(action, "/action_ts").or_else(|| text(payload, "/trigger_id")),
        Some(name.clone()),
        message.clone(),
    ];
    Read::Done(Box::new(Interaction {
        delivery: delivery("click", &about),
        platform: "slack".to_owned(),
        workspace: workspace(payload),
        user,
        place: channel.clone().map(|channel| Place { channel, thread }),
        message: channel
            .zip(message)
            .map(|(channel, message)| MessageRef { channel, message }),
        trigger: text(payload, "/trigger_id"),
        kind: Kind::Click { action: name, value },
    }))
}

fn submission(payload: &Value) -> Read {
    let view = &payload["view"];
    let (Some(user), Some(form)) = (text(payload, "/user/id"), text(view, "/callback_id")) else {
        return Read::Other("a form without a user or an id".to_owned());
    };
    let values = answers(&view["state"]["values"]);
    let typed = serde_json::to_string(&values).unwrap_or_default();
    let about = [
        workspace(payload),
        Some(user.clone()),
        text(view, "/id"),
        text(view, "/hash"),
        text(payload, "/trigger_id"),
        Some(typed),
    ];
    Read::Done(Box::new(Interaction {
        delivery: delivery("form", &about),
        platform: "slack".to_owned(),
        workspace: workspace(payload),
        user,
        place: None,
        message: None,
        trigger: text(payload, "/trigger_id"),
        kind: Kind::FormSubmitted {
            form,
            context: text(view, "/private_metadata").unwrap_or_default(),
            values,
        },
    }))
}

/// The answers of a form by block id, whatever kind of element gave them.
fn answers(blocks: &Value) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (block, elements) in blocks.as_object().into_iter().flatten() {
        for element in elements.as_object().into_iter().flat_map(serde_json::Map::values) {
            let given = text(element, "/value")
                .or_else(|| text(element, "/selected_option/value"))
                .or_else(|| text(element, "/selected_options/0/value"))
                .or_else(|| text(element, "/selected_user"));
            if let Some(given) = given.filter(|given| !given.trim().is_empty()) {
                out.insert(block.clone(), given);
            }
        }
    }
    out
}

fn workspace(payload: &Value) -> Option<String> {
    text(payload, "/team/id")
        .or_else(|| text(payload, "/user/team_id"))
        .or_else(|| text(payload, "/enterprise/id"))
}

/// A text at a JSON pointer; missing, null and other kinds are all none.
fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

/// What was typed: Slack sends the three characters of its own markup as entities.
fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// A delivery id made of what makes this act of this person unlike any other, the same over HTTP and a socket.
fn delivery(kind: &str, about: &[Option<String>]) -> String {
    let parts: Vec<&str> = about.iter().map(|part| part.as_deref().unwrap_or("")).collect();
    let digest = Digest::of(parts.join("\u{1f}").as_bytes()).to_string();
    format!("{kind}:{}", &digest[..32])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(read: Read) -> Interaction {
        match read {
            Read::Done(interaction) => *interaction,
            Read::Other(what) => panic!("not read: {what}"),
        }
    }

    fn block_actions() -> Value {
        json!({
            "type": "block_actions", "team": {"id": "T1"}, "user": {"id": "U1", "team_id": "T1"},
            "trigger_id": "1.2.3", "channel": {"id": "C1"},
            "message": {"ts": "17.5", "thread_ts": "17.5", "blocks": [{"type": "call", "new": {}}, {"type": "table", "rows": [[{"type": "raw_number", "value": 3}]]}]},
            "actions": [{"type": "button", "action_id": "approve", "value": "v1.x", "action_ts": "18.1"}]
        })
    }

    #[test]
    fn a_click_is_read_whatever_the_message_holds() {
        let click = read(interactive(&block_actions()));
        assert_eq!(click.user, "U1");
        assert_eq!(click.workspace.as_deref(), Some("T1"));
        assert_eq!(click.place.unwrap().thread.as_deref(), Some("17.5"));
        assert_eq!(
            click.kind,
            Kind::Click {
                action: "approve".into(),
                value: "v1.x".into()
            }
        );
    }

    #[test]
    fn an_org_wide_install_sends_no_team_and_is_read_all_the_same() {
        let mut payload = block_actions();
        payload["team"] = Value::Null;
        payload["user"] = json!({"id": "U1"});
        payload["enterprise"] = json!({"id": "E1"});
        payload["is_enterprise_install"] = json!(true);
        assert_eq!(read(interactive(&payload)).workspace.as_deref(), Some("E1"));
    }

    #[test]
    fn a_step_without_a_trigger_and_an_unknown_element_are_read() {
        let mut payload = block_actions();
        payload["trigger_id"] = Value::Null;
        payload["actions"] =
            json!([{"type": "brand_new", "action_id": "pick", "selected_option": {"value": "a"}}]);
        let click = read(interactive(&payload));
        assert_eq!(click.trigger, None);
        assert_eq!(
            click.kind,
            Kind::Click {
                action: "pick".into(),
                value: "a".into()
            }
        );
    }

    #[test]
    fn the_same_click_delivered_twice_has_one_id_and_a_second_click_another() {
        let first = read(interactive(&block_actions()));
        assert_eq!(first.delivery, read(interactive(&block_actions())).delivery);
        let mut again = block_actions();
        again["actions"][0]["action_ts"] = json!("18.9");
        assert_ne!(first.delivery, read(interactive(&again)).delivery);
    }

    #[test]
    fn a_form_gives_its_answers_by_field() {
        let payload = json!({
            "type": "view_submission", "team": null, "user": {"id": "U1"}, "trigger_id": "9",
            "view": {"id": "V1", "hash": "h", "callback_id": "file", "private_metadata": "ctx", "state": {"values": {
                "workflow": {"workflow": {"type": "static_select", "selected_option": {"value": "support-answer"}}},
                "why": {"why": {"type": "plain_text_input", "value": "cheaper"}},
                "note": {"note": {"type": "plain_text_input", "value": null}},
                "savings": {"savings": {"type": "checkboxes", "selected_options": [{"value": "yes", "text": {"type": "mrkdwn", "text": "x"}}]}}
            }}}
        });
        let Kind::FormSubmitted {
            form,
            context,
            values,
        } = read(interactive(&payload)).kind
        else {
            panic!("no form")
        };
        assert_eq!((form.as_str(), context.as_str()), ("file", "ctx"));
        assert_eq!(
            values.into_iter().collect::<Vec<_>>(),
            [
                ("savings".into(), "yes".into()),
                ("why".into(), "cheaper".into()),
                ("workflow".into(), "support-answer".into())
            ] as [(String, String); 3]
        );
    }

    #[test]
    fn replies_of_people_count_and_our_own_do_not() {
        let mut body = json!({"event_id": "Ev1", "team_id": "T1", "event": {
            "type": "message", "user": "U1", "text": "deny #142 because 2 &lt; 3 &amp;amp;", "channel": "C1", "ts": "2.0", "thread_ts": "1.0"}});
        let reply = read(event(&body));
        assert_eq!(reply.delivery, "Ev1");
        assert_eq!(
            reply.kind,
            Kind::ThreadReply {
                text: "deny #142 because 2 < 3 &amp;".into()
            }
        );
        body["event"]["bot_id"] = json!("B1");
        assert!(matches!(event(&body), Read::Other(_)));
        body["event"] = json!({"type": "message", "user": "U1", "text": "hi", "channel": "C1", "ts": "2.0"});
        assert!(
            matches!(event(&body), Read::Other(_)),
            "channel talk outside our threads is not ours"
        );
    }

    #[test]
    fn unknown_payloads_are_named_and_left() {
        assert_eq!(
            interactive(&json!({"type": "shortcut"})),
            Read::Other("interactive `shortcut`".into())
        );
        assert_eq!(interactive(&json!(null)), Read::Other("interactive ``".into()));
        assert!(matches!(
            event(&json!({"event": {"type": "reaction_added", "user": "U1"}})),
            Read::Other(_)
        ));
    }
}
