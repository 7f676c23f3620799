//! What Slack refuses: the registry of its limits, and a checker over the JSON that would be sent.

use std::collections::BTreeSet;

use serde_json::Value;

/// Characters over all blocks of a message; Slack does not document it, 13,200 was seen to be refused.
pub const MESSAGE_CHARACTERS: usize = 13_200;
/// What we allow ourselves of [`MESSAGE_CHARACTERS`].
pub const MESSAGE_BUDGET: usize = 12_000;
/// Blocks of a message.
pub const MESSAGE_BLOCKS: usize = 50;
/// Blocks of a form.
pub const VIEW_BLOCKS: usize = 100;
/// Text of a section.
pub const SECTION_TEXT: usize = 3_000;
/// Text of a header.
pub const HEADER_TEXT: usize = 150;
/// Rows of a table, its head included.
pub const TABLE_ROWS: usize = 100;
/// Title, submit and close of a form.
pub const VIEW_TITLE: usize = 24;
/// Text of a button and of an option.
pub const BUTTON_TEXT: usize = 75;
/// Options of a select.
pub const OPTIONS: usize = 100;
/// Value of an option.
pub const OPTION_VALUE: usize = 150;
/// `private_metadata` of a form.
pub const PRIVATE_METADATA: usize = 3_000;
/// The fallback text.
pub const FALLBACK: usize = 4_000;

const TABLE_COLUMNS: usize = 20;
const CONTEXT_ELEMENTS: usize = 10;
const ACTION_ELEMENTS: usize = 25;
const FIELDS: usize = 10;
const FIELD_TEXT: usize = 2_000;
const BUTTON_VALUE: usize = 2_000;
const URL: usize = 3_000;
const ID: usize = 255;
const LABEL: usize = 2_000;
const PLACEHOLDER: usize = 150;
const INPUT_TEXT: u64 = 3_000;
const CHECKBOXES: usize = 10;

/// One limit that is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The error with which Slack answers.
    pub code: &'static str,
    /// Where, and by how much.
    pub what: String,
}

/// Every limit that a message (the body of `chat.postMessage` or `chat.update`) breaks.
#[must_use]
pub fn message(body: &Value) -> Vec<Breach> {
    let mut check = Check::new("message");
    check.length(&body["text"], "text", FALLBACK);
    let mut count = check.blocks(&body["blocks"], "blocks");
    for (index, attachment) in list(&body["attachments"]).iter().enumerate() {
        count += check.blocks(&attachment["blocks"], &format!("attachments[{index}].blocks"));
    }
    if count > MESSAGE_BLOCKS {
        check.breach(
            "invalid_blocks",
            format!("blocks: {count} of at most {MESSAGE_BLOCKS}"),
        );
    }
    if count == 0 && body["text"].as_str().is_none_or(str::is_empty) {
        check.breach("no_text", "neither text nor blocks".to_owned());
    }
    let total = characters(&body["blocks"]) + characters(&body["attachments"]);
    if total > MESSAGE_CHARACTERS {
        check.breach(
            "msg_blocks_too_long",
            format!("{total} of at most {MESSAGE_CHARACTERS} characters"),
        );
    }
    check.found
}

/// Every limit that a view (a modal form or a home page) breaks.
#[must_use]
pub fn view(view: &Value) -> Vec<Breach> {
    let modal = view["type"] == "modal";
    let mut check = Check::new(if modal { "modal" } else { "home" });
    let count = check.blocks(&view["blocks"], "blocks");
    if count > VIEW_BLOCKS {
        check.breach(
            "invalid_arguments",
            format!("blocks: {count} of at most {VIEW_BLOCKS}"),
        );
    }
    for part in ["title", "submit", "close"] {
        if !view[part].is_null() {
            check.text(&view[part], part, VIEW_TITLE, true);
        }
    }
    if modal && view["title"].is_null() {
        check.breach("invalid_arguments", "title: a modal needs one".to_owned());
    }
    let asks = list(&view["blocks"]).iter().any(|block| block["type"] == "input");
    if modal && asks && view["submit"].is_null() {
        check.breach(
            "invalid_arguments",
            "submit: a modal with inputs needs one".to_owned(),
        );
    }
    check.length(&view["private_metadata"], "private_metadata", PRIVATE_METADATA);
    check.length(&view["callback_id"], "callback_id", ID);
    check.found
}

/// The characters of every text inside `value`.
#[must_use]
pub fn characters(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(characters).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| match value.as_str() {
                Some(text) if key == "text" || key == "alt_text" => text.chars().count(),
                Some(_) => 0,
                None => characters(value),
            })
            .sum(),
        _ => 0,
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The walk over one message or view.
struct Check {
    surface: &'static str,
    block_ids: BTreeSet<String>,
    tables: usize,
    found: Vec<Breach>,
}

impl Check {
    fn new(surface: &'static str) -> Self {
        Self {
            surface,
            block_ids: BTreeSet::new(),
            tables: 0,
            found: Vec::new(),
        }
    }

    fn breach(&mut self, code: &'static str, what: String) {
        self.found.push(Breach { code, what });
    }

    fn invalid(&mut self, what: String) {
        let code = if self.surface == "message" {
            "invalid_blocks"
        } else {
            "invalid_arguments"
        };
        self.breach(code, what);
    }

    fn length(&mut self, value: &Value, at: &str, most: usize) {
        let found = value.as_str().map_or(0, |text| text.chars().count());
        if found > most {
            self.invalid(format!("{at}: {found} of at most {most} characters"));
        }
    }

    fn text(&mut self, value: &Value, at: &str, most: usize, plain_only: bool) {
        let kind = value["type"].as_str().unwrap_or("");
        if kind != "plain_text" && (plain_only || kind != "mrkdwn") {
            self.invalid(format!("{at}: `{kind}` is no text that may stand here"));
        }
        if value["text"].as_str().is_none_or(str::is_empty) {
            self.invalid(format!("{at}: an empty text"));
        }
        self.length(&value["text"], at, most);
    }

    fn count(&mut self, value: &Value, at: &str, most: usize) {
        let found = list(value).len();
        if found == 0 || found > most {
            self.invalid(format!("{at}: {found}, between 1 and {most} are allowed"));
        }
    }

    fn blocks(&mut self, blocks: &Value, at: &str) -> usize {
        for (index, block) in list(blocks).iter().enumerate() {
            let at = format!("{at}[{index}]");
            self.length(&block["block_id"], &format!("{at}.block_id"), ID);
            if let Some(id) = block["block_id"].as_str()
                && !self.block_ids.insert(id.to_owned())
            {
                self.invalid(format!("{at}.block_id: `{id}` is there twice"));
            }
            self.block(block, &at);
        }
        list(blocks).len()
    }

    fn block(&mut self, block: &Value, at: &str) {
        match block["type"].as_str().unwrap_or("") {
            "divider" => {}
            "header" => self.text(&block["text"], &format!("{at}.text"), HEADER_TEXT, true),
            "section" => self.section(block, at),
            "context" => {
                self.count(&block["elements"], &format!("{at}.elements"), CONTEXT_ELEMENTS);
                for (index, element) in list(&block["elements"]).iter().enumerate() {
                    if element["type"] != "image" {
                        self.text(element, &format!("{at}.elements[{index}]"), SECTION_TEXT, false);
                    }
                }
            }
            "actions" => {
                self.count(&block["elements"], &format!("{at}.elements"), ACTION_ELEMENTS);
                self.elements(&block["elements"], at);
            }
            "image" => {
                self.length(&block["image_url"], &format!("{at}.image_url"), URL);
                self.length(&block["alt_text"], &format!("{at}.alt_text"), LABEL);
            }
            "table" => self.table(block, at),
            "input" if self.surface == "modal" => self.input(block, at),
            other => {
                let surface = self.surface;
                self.invalid(format!("{at}: `{other}` may not stand in a {surface}"));
            }
        }
    }

    fn section(&mut self, block: &Value, at: &str) {
        if block["text"].is_null() && block["fields"].is_null() {
            self.invalid(format!("{at}: a section needs a text or fields"));
        }
        if !block["text"].is_null() {
            self.text(&block["text"], &format!("{at}.text"), SECTION_TEXT, false);
        }
        if !block["fields"].is_null() {
            self.count(&block["fields"], &format!("{at}.fields"), FIELDS);
            for (index, field) in list(&block["fields"]).iter().enumerate() {
                self.text(field, &format!("{at}.fields[{index}]"), FIELD_TEXT, false);
            }
        }
    }

    fn elements(&mut self, elements: &Value, at: &str) {
        let mut seen = BTreeSet::new();
        for (index, element) in list(elements).iter().enumerate() {
            let at = format!("{at}.elements[{index}]");
            if let Some(id) = element["action_id"].as_str()
                && !seen.insert(id)
            {
                self.invalid(format!("{at}.action_id: `{id}` is there twice"));
            }
            self.length(&element["action_id"], &format!("{at}.action_id"), ID);
            if element["type"] == "button" {
                self.text(&element["text"], &format!("{at}.text"), BUTTON_TEXT, true);
                self.length(&element["value"], &format!("{at}.value"), BUTTON_VALUE);
                self.length(&element["url"], &format!("{at}.url"), URL);
            }
        }
    }

    fn table(&mut self, block: &Value, at: &str) {
        self.tables += 1;
        if self.surface == "modal" {
            self.invalid(format!("{at}: a table may not stand in a modal"));
        }
        if self.tables > 1 {
            self.invalid(format!("{at}: a message may hold one table"));
        }
        self.count(&block["rows"], &format!("{at}.rows"), TABLE_ROWS);
        for (index, row) in list(&block["rows"]).iter().enumerate() {
            self.count(row, &format!("{at}.rows[{index}]"), TABLE_COLUMNS);
            let empty = list(row)
                .iter()
                .any(|cell| cell["text"].as_str().is_some_and(str::is_empty));
            if empty {
                self.invalid(format!("{at}.rows[{index}]: an empty cell"));
            }
        }
    }

    fn input(&mut self, block: &Value, at: &str) {
        self.text(&block["label"], &format!("{at}.label"), LABEL, true);
        if !block["hint"].is_null() {
            self.text(&block["hint"], &format!("{at}.hint"), LABEL, true);
        }
        let element = &block["element"];
        let at = format!("{at}.element");
        self.length(&element["action_id"], &format!("{at}.action_id"), ID);
        if !element["placeholder"].is_null() {
            self.text(
                &element["placeholder"],
                &format!("{at}.placeholder"),
                PLACEHOLDER,
                true,
            );
        }
        match element["type"].as_str().unwrap_or("") {
            "plain_text_input" => {
                if element["max_length"]
                    .as_u64()
                    .is_some_and(|most| most > INPUT_TEXT)
                {
                    self.invalid(format!("{at}.max_length: at most {INPUT_TEXT}"));
                }
            }
            "static_select" => self.options(element, &at, OPTIONS),
            "checkboxes" | "radio_buttons" => self.options(element, &at, CHECKBOXES),
            other => self.invalid(format!("{at}: `{other}` is no input")),
        }
    }

    fn options(&mut self, element: &Value, at: &str, most: usize) {
        self.count(&element["options"], &format!("{at}.options"), most);
        for (index, option) in list(&element["options"]).iter().enumerate() {
            let at = format!("{at}.options[{index}]");
            self.text(&option["text"], &at, BUTTON_TEXT, false);
            self.length(&option["value"], &format!("{at}.value"), OPTION_VALUE);
        }
        let initial = &element["initial_option"];
        if !initial.is_null() && !list(&element["options"]).contains(initial) {
            self.invalid(format!("{at}.initial_option: is none of the options"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn section(length: usize) -> Value {
        json!({"type": "section", "text": {"type": "mrkdwn", "text": "é".repeat(length)}})
    }

    fn codes(breaches: &[Breach]) -> Vec<&'static str> {
        breaches.iter().map(|breach| breach.code).collect()
    }

    #[test]
    fn a_section_holds_3000_characters_and_not_one_more() {
        assert_eq!(message(&json!({"text": "t", "blocks": [section(3000)]})), []);
        let found = message(&json!({"text": "t", "blocks": [section(3001)]}));
        assert_eq!(found[0].what, "blocks[0].text: 3001 of at most 3000 characters");
    }

    #[test]
    fn all_blocks_together_hold_13200_characters() {
        let blocks: Vec<Value> = (0..5).map(|_| section(2700)).collect();
        assert_eq!(
            codes(&message(&json!({"text": "t", "blocks": blocks}))),
            ["msg_blocks_too_long"]
        );
    }

    #[test]
    fn a_message_holds_50_blocks_wherever_they_stand() {
        let blocks: Vec<Value> = (0..30).map(|_| section(1)).collect();
        let body = json!({"text": "t", "blocks": blocks, "attachments": [{"blocks": blocks}]});
        assert_eq!(codes(&message(&body)), ["invalid_blocks"]);
    }

    #[test]
    fn a_modal_with_a_question_needs_a_submit_and_takes_no_table() {
        let input = json!({"type": "input", "label": {"type": "plain_text", "text": "Why"}, "element": {"type": "plain_text_input"}});
        let table = json!({"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]});
        let found = view(
            &json!({"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [input, table]}),
        );
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn empty_texts_wrong_kinds_and_twin_ids_are_found() {
        let body = json!({"text": "t", "blocks": [
            {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": ""}},
            {"type": "actions", "elements": [
                {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "A"}},
                {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "B"}}]},
        ]});
        assert_eq!(message(&body).len(), 3);
    }
}
