//! Slack's mrkdwn and Block Kit as HTML, for the stand-in's page.

use serde_json::Value;

use super::world::User;

/// Text for HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// mrkdwn as HTML: emphasis, code, links, mentions. Its own escapes are HTML's.
pub(super) fn mrkdwn(text: &str, users: &[User]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, from) = rest.split_at(start);
        out.push_str(&emphasis(before));
        let Some(end) = from.find('>') else {
            out.push_str("&lt;");
            rest = &from[1..];
            continue;
        };
        out.push_str(&reference(&from[1..end], users));
        rest = &from[end + 1..];
    }
    out.push_str(&emphasis(rest));
    out
}

fn reference(inside: &str, users: &[User]) -> String {
    if let Some(id) = inside.strip_prefix('@') {
        let name = users
            .iter()
            .find(|user| user.id == id)
            .map_or(id, |user| user.name.as_str());
        return format!("<span class=mention>@{}</span>", escape(name));
    }
    let (url, words) = inside.split_once('|').unwrap_or((inside, inside));
    if !url.starts_with("http") {
        return escape(inside);
    }
    format!(
        "<a href=\"{}\" target=_blank rel=noopener>{words}</a>",
        url.replace('"', "%22")
    )
}

/// `*bold*`, `_italic_` and `` `code` `` where they stand like words, and line breaks.
fn emphasis(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(['*', '_', '`']) {
        let mark = rest[start..].chars().next().unwrap_or('*');
        let after = &rest[start + 1..];
        let opens = rest[..start]
            .chars()
            .next_back()
            .is_none_or(|letter| !letter.is_alphanumeric());
        let end = after.find(mark).filter(|end| {
            let inside = &after[..*end];
            let closes = after[end + 1..]
                .chars()
                .next()
                .is_none_or(|letter| !letter.is_alphanumeric());
            opens && closes && !inside.is_empty() && inside.trim() == inside && !inside.contains('\n')
        });
        let Some(end) = end else {
            out.push_str(&rest[..=start]);
            rest = after;
            continue;
        };
        let tag = match mark {
            '*' => "strong",
            '_' => "em",
            _ => "code",
        };
        out.push_str(&rest[..start]);
        out.push_str(&format!("<{tag}>{}</{tag}>", &after[..end]));
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    out.replace('\n', "<br>")
}

/// What a rendering of blocks needs beside them.
pub(super) struct Surroundings<'a> {
    pub users: &'a [User],
    /// A button becomes a form that posts; this makes the form around its label.
    pub button: &'a dyn Fn(&Value) -> String,
}

impl Surroundings<'_> {
    /// Blocks, one below the other.
    pub(super) fn blocks(&self, blocks: &Value) -> String {
        list(blocks).iter().map(|block| self.block(block)).collect()
    }

    /// Attachments: blocks behind a coloured bar.
    pub(super) fn attachments(&self, attachments: &Value) -> String {
        let bar = |attachment: &Value| {
            let colour = attachment["color"].as_str().unwrap_or("#8a9099");
            let colour = if colour.len() == 7 && colour.starts_with('#') {
                colour
            } else {
                "#8a9099"
            };
            format!(
                "<div class=bar style=\"border-color:{}\">{}</div>",
                escape(colour),
                self.blocks(&attachment["blocks"])
            )
        };
        list(attachments).iter().map(bar).collect()
    }

    fn block(&self, block: &Value) -> String {
        match block["type"].as_str().unwrap_or("") {
            "header" => format!("<h3>{}</h3>", self.text(&block["text"])),
            "section" => {
                let fields: String = list(&block["fields"])
                    .iter()
                    .map(|field| format!("<p>{}</p>", self.text(field)))
                    .collect();
                let text = if block["text"].is_null() {
                    String::new()
                } else {
                    format!("<p>{}</p>", self.text(&block["text"]))
                };
                format!("{text}{fields}")
            }
            "context" => {
                let parts: Vec<String> = list(&block["elements"])
                    .iter()
                    .map(|element| self.text(element))
                    .collect();
                format!("<p class=small>{}</p>", parts.join(" · "))
            }
            "actions" => {
                let buttons: String = list(&block["elements"])
                    .iter()
                    .map(|button| (self.button)(button))
                    .collect();
                format!("<div class=actions>{buttons}</div>")
            }
            "table" => self.table(block),
            "image" => format!(
                "<img src=\"{}\" alt=\"{}\">",
                escape(block["image_url"].as_str().unwrap_or("")),
                escape(block["alt_text"].as_str().unwrap_or(""))
            ),
            "divider" => "<hr>".to_owned(),
            _ => String::new(),
        }
    }

    /// A text object.
    pub(super) fn text(&self, text: &Value) -> String {
        let words = text["text"].as_str().unwrap_or("");
        if text["type"] == "mrkdwn" {
            mrkdwn(words, self.users)
        } else {
            escape(words)
        }
    }

    fn table(&self, block: &Value) -> String {
        let right: Vec<bool> = list(&block["column_settings"])
            .iter()
            .map(|column| column["align"] == "right")
            .collect();
        let heads: Vec<&str> = list(&block["rows"][0])
            .iter()
            .map(|cell| cell["text"].as_str().unwrap_or(""))
            .collect();
        let row = |(index, row): (usize, &Value)| {
            let tag = if index == 0 { "th" } else { "td" };
            let cell = |(column, cell): (usize, &Value)| {
                let class = if right.get(column) == Some(&true) {
                    " class=right"
                } else {
                    ""
                };
                let head = escape(heads.get(column).copied().unwrap_or(""));
                format!(
                    "<{tag}{class} data-head=\"{head}\">{}</{tag}>",
                    escape(cell["text"].as_str().unwrap_or(""))
                )
            };
            let cells: String = list(row).iter().enumerate().map(cell).collect();
            format!("<tr>{cells}</tr>")
        };
        let rows: String = list(&block["rows"]).iter().enumerate().map(row).collect();
        format!("<table>{rows}</table>")
    }
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mrkdwn_becomes_html_and_nothing_else_does() {
        let users = [User {
            id: "U1".into(),
            name: "Ana <b>".into(),
            ..User::default()
        }];
        assert_eq!(
            mrkdwn(
                "*Platform*  done & <https://x.example/a|the page> by <@U1>\n_quiet_ 2*3*4 `x`",
                &users
            ),
            "<strong>Platform</strong>  done & <a href=\"https://x.example/a\" target=_blank rel=noopener>the page</a> by <span class=mention>@Ana &lt;b&gt;</span><br><em>quiet</em> 2*3*4 <code>x</code>"
        );
        assert_eq!(
            mrkdwn("a &lt; b <javascript:alert(1)|x>", &users),
            "a &lt; b javascript:alert(1)|x"
        );
    }
}
