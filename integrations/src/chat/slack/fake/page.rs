//! The frame around everything on the stand-in's page: who you are, where you can go, the form that is open.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::Value;

use super::{
    markup::{escape, list, mrkdwn},
    web::Scene,
};

/// A whole page around `inside`.
pub(super) fn whole(scene: &Scene, open: &str, inside: &str) -> String {
    let said = scene
        .said
        .as_deref()
        .filter(|said| !said.is_empty())
        .map(|said| format!("<p class=said role=alert>{}</p>", escape(said)))
        .unwrap_or_default();
    format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <title>Stand-in chat</title><link rel=stylesheet href=/page.css><script src=/page.js defer></script></head><body>\
         <p class=banner>Stand-in for Slack, running on this machine. Nothing here leaves it. Pick a person on the left and act as them.</p>\
         <div class=frame>{}{inside}</div>{said}{}</body></html>",
        sidebar(scene, open),
        form(scene),
    )
}

fn sidebar(scene: &Scene, open: &str) -> String {
    let me = escape(&scene.me.id);
    let here = |id: &str| if id == open { " aria-current=page" } else { "" };
    let places = |with_mark: bool| -> String {
        let mark = if with_mark { "# " } else { "" };
        let wanted = scene
            .channels
            .iter()
            .filter(|channel| channel.with.is_none() == with_mark);
        wanted
            .map(|channel| {
                let (id, name) = (&channel.id, escape(channel.title()));
                format!(
                    "<li><a{} href=\"/c/{id}?as={me}\">{mark}{name}</a></li>",
                    here(id)
                )
            })
            .collect()
    };
    let people: String = scene
        .users
        .iter()
        .filter(|user| !user.bot)
        .map(|user| {
            let current = if user.id == scene.me.id {
                " aria-current=true"
            } else {
                ""
            };
            let to = if open.is_empty() { "C001" } else { open };
            let to = if to == "app" {
                "/app".to_owned()
            } else {
                format!("/c/{to}")
            };
            format!(
                "<li><a{current} href=\"{to}?as={}\"><span class=\"avatar person\" aria-hidden=true>{}</span>\
                 <span>{}<small>{}</small></span></a></li>",
                escape(&user.id),
                initials(&user.name),
                escape(&user.name),
                escape(&user.title)
            )
        })
        .collect();
    let (channels, direct) = (places(true), places(false));
    format!(
        "<nav aria-label=Workspace><p class=team>{}</p><ul><li><a{} href=\"/app?as={me}\">Governor · Home</a></li></ul>\
         <h2>Channels</h2><ul>{channels}</ul><h2>Direct messages</h2><ul>{}</ul>\
         <details open><summary>Act as</summary><ul class=people>{people}</ul></details></nav>",
        escape(&scene.team),
        here("app"),
        if direct.is_empty() {
            "<li class=none>none yet</li>".to_owned()
        } else {
            direct
        },
    )
}

/// The form that the app opened for this person.
fn form(scene: &Scene) -> String {
    let Some(open) = &scene.view else {
        return String::new();
    };
    let view = &open.view;
    let around_errors = |id: &str| {
        let said = open
            .errors
            .get(id)
            .map(|said| format!("<p class=error role=alert>{}</p>", escape(said)));
        said.unwrap_or_default()
    };
    let block = |block: &Value| match block["type"].as_str().unwrap_or("") {
        "input" => {
            let id = block["block_id"].as_str().unwrap_or("");
            format!("{}{}", field(block, id, &open.typed), around_errors(id))
        }
        "section" => format!(
            "<p>{}</p>",
            mrkdwn(block["text"]["text"].as_str().unwrap_or(""), &scene.users)
        ),
        _ => String::new(),
    };
    let blocks: String = list(&view["blocks"]).iter().map(block).collect();
    let channel = scene.channels.first().map_or("", |channel| channel.id.as_str());
    let hidden = hidden(&[("as", &scene.me.id), ("channel", channel)]);
    let submit = view["submit"]["text"]
        .as_str()
        .map(|words| format!("<button class=primary>{}</button>", escape(words)));
    format!(
        "<div class=veil><dialog open aria-labelledby=ft data-form=\"{}\"><form method=post action=/do/submit><h2 id=ft>{}</h2>{}{blocks}\
         {hidden}<div class=actions><button class=plain formaction=/do/close formnovalidate>{}</button>{}</div></form></dialog></div>",
        escape(&open.hash),
        escape(view["title"]["text"].as_str().unwrap_or("")),
        around_errors(""),
        escape(view["close"]["text"].as_str().unwrap_or("Close")),
        submit.unwrap_or_default(),
    )
}

fn field(block: &Value, id: &str, typed: &BTreeMap<String, String>) -> String {
    let element = &block["element"];
    let label = escape(block["label"]["text"].as_str().unwrap_or(""));
    let hint = block["hint"]["text"]
        .as_str()
        .map(|hint| format!("<small>{}</small>", escape(hint)))
        .unwrap_or_default();
    let name = escape(id);
    let given = typed.get(id).map(String::as_str);
    let required = if block["optional"] == true {
        ""
    } else {
        " required"
    };
    let optional = if block["optional"] == true && element["type"] != "checkboxes" {
        " <span class=time>optional</span>"
    } else {
        ""
    };
    let control = match element["type"].as_str().unwrap_or("") {
        "static_select" => {
            let chosen = given.or_else(|| element["initial_option"]["value"].as_str());
            let option = |option: &Value| {
                let value = option["value"].as_str().unwrap_or("");
                let selected = if Some(value) == chosen { " selected" } else { "" };
                format!(
                    "<option value=\"{}\"{selected}>{}</option>",
                    escape(value),
                    escape(option["text"]["text"].as_str().unwrap_or(""))
                )
            };
            let options: String = list(&element["options"]).iter().map(option).collect();
            format!(
                "<select id=\"f-{name}\" name=\"field.{name}\"{required}><option value=\"\">Choose…</option>{options}</select>"
            )
        }
        "checkboxes" => {
            let option = &element["options"][0];
            let ticked = given.or_else(|| element["initial_options"][0]["value"].as_str()) == Some("yes");
            let checked = if ticked { " checked" } else { "" };
            format!(
                "<input type=hidden name=\"field.{name}\" value=\"\"><label class=tick><input id=\"f-{name}\" type=checkbox name=\"field.{name}\" value=yes{checked}> {}</label>",
                escape(option["text"]["text"].as_str().unwrap_or(""))
            )
        }
        _ => {
            let value = escape(given.or_else(|| element["initial_value"].as_str()).unwrap_or(""));
            let most = element["max_length"].as_u64().unwrap_or(3_000);
            if element["multiline"] == true {
                format!(
                    "<textarea id=\"f-{name}\" name=\"field.{name}\" rows=4 maxlength={most}{required}>{value}</textarea>"
                )
            } else {
                format!(
                    "<input id=\"f-{name}\" name=\"field.{name}\" maxlength={most} value=\"{value}\"{required}>"
                )
            }
        }
    };
    format!("<div class=field><label for=\"f-{name}\">{label}{optional}</label>{control}{hint}</div>")
}

/// Hidden fields of a form.
pub(super) fn hidden(fields: &[(&str, &str)]) -> String {
    let one =
        |(name, value): &(&str, &str)| format!("<input type=hidden name={name} value=\"{}\">", escape(value));
    fields.iter().map(one).collect()
}

/// `AR` for Ana Reyes.
pub(super) fn initials(name: &str) -> String {
    let firsts = name
        .split_whitespace()
        .filter_map(|word| word.chars().next())
        .take(2);
    escape(&firsts.collect::<String>().to_uppercase())
}

/// The time of a message, UTC.
pub(super) fn time(ts: &str) -> String {
    let seconds: i64 = ts
        .split('.')
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    DateTime::from_timestamp(seconds, 0)
        .map(|at| at.format("%d %b, %H:%M").to_string())
        .unwrap_or_default()
}
