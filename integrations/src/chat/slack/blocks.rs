//! A card or a form as Block Kit, within Slack's limits.
//!
//! The heading stands on its own; everything below it hangs on the coloured bar. A card that is too long is rendered
//! again with shorter texts and tables until it fits, and says so.

use serde_json::{Value, json};
use slack_morphism::prelude::*;
use url::Url;
use workflow_engine::ports::chat::{
    Button, ButtonStyle, Card, Choice, Field, FieldKind, Form, Part, Text, Tone,
};

use super::{
    limits,
    text::{escape, mrkdwn, plain},
};

/// How long a text and a table may be, tried in this order.
const SIZES: [Size; 5] = [
    Size {
        text: 2_900,
        rows: 99,
    },
    Size {
        text: 1_500,
        rows: 60,
    },
    Size { text: 800, rows: 30 },
    Size { text: 300, rows: 12 },
    Size { text: 120, rows: 5 },
];

#[derive(Clone, Copy)]
struct Size {
    text: usize,
    rows: usize,
}

/// The fields of `chat.postMessage` and `chat.update` that show `card`.
pub(super) fn message(card: &Card) -> Value {
    let mut body = render(card, SIZES[0], false);
    for size in SIZES.into_iter().skip(1) {
        if fits(&body) {
            return body;
        }
        body = render(card, size, true);
    }
    if !fits(&body) {
        body = render(&shortened(card), SIZES[SIZES.len() - 1], true);
    }
    body
}

/// The view of `views.open` that asks what `form` asks.
pub(super) fn modal(form: &Form) -> Value {
    let mut blocks: Vec<SlackBlock> = form
        .intro
        .iter()
        .map(|text| section(text, limits::SECTION_TEXT))
        .collect();
    blocks.extend(form.fields.iter().map(input));
    let mut view = SlackModalView::new(plain(&form.title, limits::VIEW_TITLE).into(), blocks)
        .with_close("Cancel".into())
        .with_callback_id(SlackCallbackId(form.id.clone()))
        .with_private_metadata(form.context.clone());
    if let Some(submit) = &form.submit {
        view = view.with_submit(plain(submit, limits::VIEW_TITLE).into());
    } else {
        view = view.with_close("Close".into());
    }
    to_value(&SlackView::Modal(view))
}

/// The view of `views.publish` that shows `card` as a home page, which has no coloured bar.
pub(super) fn home(card: &Card) -> Value {
    let mut blocks = Vec::new();
    for part in &card.parts {
        blocks.extend(part_blocks(part, SIZES[1]));
    }
    blocks.truncate(limits::VIEW_BLOCKS);
    to_value(&SlackView::Home(SlackHomeView::new(blocks)))
}

fn fits(body: &Value) -> bool {
    let total = limits::characters(&body["blocks"]) + limits::characters(&body["attachments"]);
    total <= limits::MESSAGE_BUDGET && limits::message(body).is_empty()
}

/// The card without its middle: its first parts, its buttons and its small print.
fn shortened(card: &Card) -> Card {
    let keep = |(index, part): (usize, &Part)| {
        (index < 12 || matches!(part, Part::Buttons(_) | Part::Footer(_))).then(|| part.clone())
    };
    let mut parts: Vec<Part> = card.parts.iter().enumerate().filter_map(keep).collect();
    parts.truncate(24);
    Card {
        parts,
        ..card.clone()
    }
}

fn render(card: &Card, size: Size, cut: bool) -> Value {
    let mut top: Vec<SlackBlock> = Vec::new();
    let mut barred: Vec<SlackBlock> = Vec::new();
    let has_heading = card.parts.iter().any(|part| matches!(part, Part::Heading { .. }));
    for part in &card.parts {
        match part {
            Part::Heading { title, status } => {
                top.push(SlackHeaderBlock::new(plain(title, limits::HEADER_TEXT).into()).into());
                barred.extend(
                    status
                        .iter()
                        .map(|status| section(&Text::default().bold(status), size.text)),
                );
            }
            other => barred.extend(part_blocks(other, size)),
        }
    }
    if cut {
        barred.push(small_print("Shortened to fit; the console has all of it."));
    }
    let fallback = escape(&plain(&card.fallback, 1_000));
    if !has_heading {
        return json!({"text": fallback, "blocks": barred});
    }
    if barred.is_empty() {
        return json!({"text": fallback, "blocks": top});
    }
    let bar = json!({"color": colour(card.tone), "blocks": barred});
    json!({"text": fallback, "blocks": top, "attachments": [bar]})
}

/// The bar at the side.
fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Progress => "#8a9099",
        Tone::Waiting => "#2f6fde",
        Tone::Good => "#1f8a4c",
        Tone::Bad => "#c8372d",
    }
}

fn part_blocks(part: &Part, size: Size) -> Vec<SlackBlock> {
    match part {
        Part::Heading { title, status } => {
            let mut blocks = vec![SlackHeaderBlock::new(plain(title, limits::HEADER_TEXT).into()).into()];
            blocks.extend(
                status
                    .iter()
                    .map(|status| section(&Text::default().bold(status), size.text)),
            );
            blocks
        }
        Part::Text(text) => vec![section(text, size.text)],
        Part::Facts(facts) => facts_blocks(facts, size),
        Part::Table { columns, rows } => {
            let head: Vec<String> = columns.iter().map(|column| column.title.clone()).collect();
            let right: Vec<bool> = columns.iter().map(|column| column.right).collect();
            table(&head, &right, rows, size.rows)
        }
        Part::Buttons(buttons) => {
            let elements = buttons.iter().filter_map(button).map(Into::into).collect();
            vec![SlackActionsBlock::new(elements).into()]
        }
        Part::Footer(words) => vec![small_print(&plain(words, size.text))],
        Part::Image { url, alt } => Url::parse(url)
            .map(|url| {
                SlackImageBlock::new(
                    SlackImageUrlOrFile::ImageUrl { image_url: url },
                    plain(alt, 1_000),
                )
                .into()
            })
            .into_iter()
            .collect(),
    }
}

fn section(text: &Text, most: usize) -> SlackBlock {
    SlackSectionBlock::new()
        .with_text(marked(mrkdwn(text, most)).into())
        .into()
}

/// Verbatim, so that Slack does not turn words that people typed into links and mentions.
fn marked(text: String) -> SlackBlockMarkDownText {
    let text = if text.is_empty() { "–".to_owned() } else { text };
    SlackBlockMarkDownText::new(text).with_verbatim(true)
}

fn small_print(words: &str) -> SlackBlock {
    SlackContextBlock::new(vec![SlackContextBlockElement::MarkDown(marked(escape(words)))]).into()
}

/// One line a fact, as many lines a section as fit.
fn facts_blocks(facts: &[(String, Text)], size: Size) -> Vec<SlackBlock> {
    let mut sections = vec![String::new()];
    for (label, value) in facts {
        let line = format!(
            "*{}*  {}",
            escape(&plain(label, 60)),
            mrkdwn(value, size.text / 2)
        );
        let last = sections.len() - 1;
        let length = sections[last].chars().count() + line.chars().count() + 1;
        if sections[last].is_empty() {
            sections[last] = line;
        } else if length <= size.text {
            sections[last].push('\n');
            sections[last].push_str(&line);
        } else {
            sections.push(line);
        }
    }
    let blocks = sections.into_iter().filter(|text| !text.is_empty());
    blocks
        .map(|text| SlackSectionBlock::new().with_text(marked(text).into()).into())
        .collect()
}

fn table(head: &[String], right: &[bool], rows: &[Vec<String>], most: usize) -> Vec<SlackBlock> {
    let cells = |row: &[String]| -> Vec<SlackTableCell> {
        let cell = |words: &String| {
            if words.is_empty() {
                "–".into()
            } else {
                plain(words, 200).into()
            }
        };
        row.iter().map(cell).collect()
    };
    let mut lines = vec![cells(head)];
    lines.extend(rows.iter().take(most).map(|row| cells(row)));
    let setting = |right: &bool| {
        let align = if *right {
            SlackTableColumnAlign::Right
        } else {
            SlackTableColumnAlign::Left
        };
        SlackTableColumnSetting::new()
            .with_align(align)
            .with_is_wrapped(true)
    };
    let block = SlackTableBlock::new(lines).with_column_settings(right.iter().map(setting).collect());
    let mut blocks = vec![block.into()];
    if rows.len() > most {
        blocks.push(small_print(&format!("and {} more rows", rows.len() - most)));
    }
    blocks
}

/// A link whose address cannot be read is left out rather than refused with the whole message.
fn button(button: &Button) -> Option<SlackBlockButtonElement> {
    let mut element = SlackBlockButtonElement::new(plain(&button.label, limits::BUTTON_TEXT).into())
        .with_action_id(SlackActionId(button.action.clone()));
    if !button.value.is_empty() {
        element = element.with_value(button.value.clone());
    }
    if let Some(url) = &button.url {
        element = element.with_url(Url::parse(url).ok()?);
    }
    Some(match button.style {
        ButtonStyle::Plain => element,
        ButtonStyle::Primary => element.with_style(SlackBlockButtonStyle::Primary),
        ButtonStyle::Danger => element.with_style(SlackBlockButtonStyle::Danger),
    })
}

fn input(field: &Field) -> SlackBlock {
    let action = SlackActionId(field.id.clone());
    let element = match &field.kind {
        FieldKind::Text {
            multiline,
            max,
            initial,
        } => {
            let mut element = SlackBlockPlainTextInputElement::new()
                .with_action_id(action)
                .with_multiline(*multiline)
                .with_max_length(u64::from(*max).min(limits::SECTION_TEXT as u64));
            element.initial_value.clone_from(initial);
            SlackInputBlockElement::PlainTextInput(element)
        }
        FieldKind::Select { choices, initial } => {
            let options: Vec<_> = choices.iter().take(limits::OPTIONS).map(option).collect();
            let chosen = options
                .iter()
                .find(|option| Some(&option.value) == initial.as_ref())
                .cloned();
            let mut element = SlackBlockStaticSelectElement::new()
                .with_action_id(action)
                .with_options(options);
            element.initial_option = chosen;
            SlackInputBlockElement::StaticSelect(element)
        }
        FieldKind::Tick { label, initial } => {
            let words: SlackBlockText = SlackBlockPlainText::from(plain(label, limits::BUTTON_TEXT)).into();
            let option = SlackBlockChoiceItem::new(words, "yes".to_owned());
            let mut element = SlackBlockCheckboxesElement::new(vec![option.clone()]).with_action_id(action);
            element.initial_options = initial.then(|| vec![option]);
            SlackInputBlockElement::Checkboxes(element)
        }
    };
    let mut block = SlackInputBlock::new(plain(&field.label, 200).into(), element)
        .with_block_id(SlackBlockId(field.id.clone()))
        .with_optional(field.optional || matches!(field.kind, FieldKind::Tick { .. }));
    block.hint = field.hint.as_deref().map(|hint| plain(hint, 500).into());
    block.into()
}

fn option(choice: &Choice) -> SlackBlockChoiceItem<SlackBlockPlainTextOnly> {
    let label = plain(&choice.label, limits::BUTTON_TEXT);
    SlackBlockChoiceItem::new(label.into(), plain(&choice.value, limits::OPTION_VALUE))
}

fn to_value(view: &SlackView) -> Value {
    // Slack's types are maps of text keys, which always have a JSON form.
    serde_json::to_value(view).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use workflow_engine::ports::chat::Column;

    use super::*;

    fn button(action: &str, label: &str, style: ButtonStyle) -> Button {
        Button {
            action: action.into(),
            label: label.into(),
            value: "v1.142.2.7c1e".into(),
            style,
            url: None,
        }
    }

    /// The JSON with each block on a line of its own.
    fn outline(body: &Value) -> String {
        let mut body = body.clone();
        let mut lines: Vec<String> = Vec::new();
        for pointer in ["/blocks", "/attachments/0/blocks"] {
            if let Some(blocks) = body.pointer_mut(pointer).map(Value::take) {
                lines.push(format!("{pointer}:"));
                lines.extend(blocks.as_array().unwrap().iter().map(Value::to_string));
            }
        }
        lines.push(body.to_string());
        lines.join("\n")
    }

    fn root_card() -> Card {
        Card::new(Tone::Waiting, "Route change #142 waits for Security and Owner")
            .with(Part::Heading {
                title: "Route change #142 · support-answer".into(),
                status: Some("Awaiting approval · 2 of 4".into()),
            })
            .with(Part::Text("Move from <gpt-4o> to gpt-4o-mini.".into()))
            .with(Part::Facts(vec![
                (
                    "Platform".into(),
                    "approved by Ana R., 14:02 · recorded #811".into(),
                ),
                ("Security".into(), Text::from("waiting for ").bold("@sec-oncall")),
            ]))
            .with(Part::Buttons(vec![
                button("approve", "Approve", ButtonStyle::Primary),
                button("deny", "Deny", ButtonStyle::Danger),
            ]))
            .with(Part::Footer("packet 7c1e…a9 · rev 2 · 14:10:22 UTC".into()))
    }

    #[test]
    fn the_root_card_is_a_heading_and_a_bar_with_the_rest() {
        insta::assert_snapshot!(outline(&message(&root_card())), @r##"
        /blocks:
        {"type":"header","text":{"type":"plain_text","text":"Route change #142 · support-answer"}}
        /attachments/0/blocks:
        {"type":"section","text":{"type":"mrkdwn","text":"*Awaiting approval · 2 of 4*","verbatim":true}}
        {"type":"section","text":{"type":"mrkdwn","text":"Move from &lt;gpt-4o&gt; to gpt-4o-mini.","verbatim":true}}
        {"type":"section","text":{"type":"mrkdwn","text":"*Platform*  approved by Ana R., 14:02 · recorded #811\n*Security*  waiting for *@sec-oncall*","verbatim":true}}
        {"type":"actions","elements":[{"type":"button","action_id":"approve","text":{"type":"plain_text","text":"Approve"},"value":"v1.142.2.7c1e","style":"primary"},{"type":"button","action_id":"deny","text":{"type":"plain_text","text":"Deny"},"value":"v1.142.2.7c1e","style":"danger"}]}
        {"type":"context","elements":[{"type":"mrkdwn","text":"packet 7c1e…a9 · rev 2 · 14:10:22 UTC","verbatim":true}]}
        {"text":"Route change #142 waits for Security and Owner","blocks":null,"attachments":[{"color":"#2f6fde","blocks":null}]}
        "##);
    }

    #[test]
    fn a_table_keeps_its_numbers_right_and_its_empty_cells_visible() {
        let columns = vec![
            Column {
                title: "Kind".into(),
                right: false,
            },
            Column {
                title: "Points".into(),
                right: true,
            },
        ];
        let card = Card::new(Tone::Progress, "Evidence").with(Part::Table {
            columns,
            rows: vec![
                vec!["relevance".into(), "−7.5".into()],
                vec!["simple".into(), String::new()],
            ],
        });
        insta::assert_snapshot!(message(&card)["blocks"][0].to_string(), @r#"{"type":"table","rows":[[{"type":"raw_text","text":"Kind"},{"type":"raw_text","text":"Points"}],[{"type":"raw_text","text":"relevance"},{"type":"raw_text","text":"−7.5"}],[{"type":"raw_text","text":"simple"},{"type":"raw_text","text":"–"}]],"column_settings":[{"align":"left","is_wrapped":true},{"align":"right","is_wrapped":true}]}"#);
    }

    #[test]
    fn a_form_has_a_block_for_each_question() {
        let form = Form {
            id: "deny".into(),
            title: "Deny route change #142".into(),
            submit: Some("Deny".into()),
            context: "v1.142.2".into(),
            intro: vec!["This ends the change.".into()],
            fields: vec![
                Field {
                    id: "reason".into(),
                    label: "Why".into(),
                    hint: Some("The requester reads it.".into()),
                    optional: false,
                    kind: FieldKind::Text {
                        multiline: true,
                        max: 2_000,
                        initial: None,
                    },
                },
                Field {
                    id: "savings".into(),
                    label: "Savings".into(),
                    hint: None,
                    optional: true,
                    kind: FieldKind::Tick {
                        label: "It is filed to save money".into(),
                        initial: true,
                    },
                },
            ],
        };
        let view = modal(&form);
        assert_eq!(limits::view(&view), []);
        insta::assert_snapshot!(outline(&view), @r#"
        /blocks:
        {"type":"section","text":{"type":"mrkdwn","text":"This ends the change.","verbatim":true}}
        {"type":"input","block_id":"reason","label":{"type":"plain_text","text":"Why"},"element":{"type":"plain_text_input","action_id":"reason","multiline":true,"max_length":2000},"hint":{"type":"plain_text","text":"The requester reads it."},"optional":false}
        {"type":"input","block_id":"savings","label":{"type":"plain_text","text":"Savings"},"element":{"type":"checkboxes","action_id":"savings","options":[{"text":{"type":"plain_text","text":"It is filed to save money"},"value":"yes"}],"initial_options":[{"text":{"type":"plain_text","text":"It is filed to save money"},"value":"yes"}]},"optional":true}
        {"type":"modal","title":{"type":"plain_text","text":"Deny route change #142"},"blocks":null,"close":{"type":"plain_text","text":"Cancel"},"submit":{"type":"plain_text","text":"Deny"},"private_metadata":"v1.142.2","callback_id":"deny"}
        "#);
    }

    #[test]
    fn however_long_a_card_is_it_fits_and_keeps_its_buttons() {
        let long = "żółć <b> & ".repeat(2_000);
        let mut card = root_card();
        for _ in 0..80 {
            card = card.with(Part::Text(long.as_str().into()));
        }
        card = card.with(Part::Table {
            columns: vec![
                Column {
                    title: "k".into(),
                    right: false
                };
                3
            ],
            rows: vec![vec![long.clone(); 3]; 500],
        });
        card = card.with(Part::Buttons(vec![button(
            "evidence",
            "Evidence",
            ButtonStyle::Plain,
        )]));
        let body = message(&card);
        assert_eq!(limits::message(&body), []);
        let text = body.to_string();
        assert!(
            text.contains("\"approve\"") && text.contains("\"evidence\""),
            "{text}"
        );
        assert!(text.contains("Shortened to fit"));
    }
}
