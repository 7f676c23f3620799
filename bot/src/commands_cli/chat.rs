//! `governor chat preview`: every message and form that the bot can post, as the platform's JSON.

use std::{fmt::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use integrations::chat::slack;
use serde_json::{Value, json};
use workflow_engine::{
    catalog::{Catalog, load},
    ports::chat::{Card, Form, Part},
};

use super::{Format, print};
use crate::cards::samples::{self, Sample};

/// See what people see in chat.
#[derive(clap::Args)]
#[command(after_help = "Example:
  governor chat preview")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Every message and form that the bot can post, from built-in samples. Exits 1 if one breaks a limit.
    #[command(after_help = "Examples:
  governor chat preview
  governor chat preview --platform slack --out cards     the platform's JSON, a file each")]
    Preview(Preview),
}

#[derive(clap::Args)]
struct Preview {
    /// Whose format.
    #[arg(long, value_enum, default_value_t = Platform::Slack)]
    platform: Platform,
    /// A folder for one JSON file each.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Platform {
    Slack,
}

/// One sample, rendered.
struct Rendered {
    name: &'static str,
    text: String,
    json: Value,
    breaches: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be written.
pub fn run(args: &Args, format: Format) -> anyhow::Result<ExitCode> {
    let Command::Preview(preview) = &args.command;
    let Platform::Slack = preview.platform;
    let catalog = sample_catalog()?;
    let rendered: Vec<Rendered> = samples::all(&catalog).into_iter().map(render).collect();
    if let Some(dir) = &preview.out {
        std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        for one in &rendered {
            let path = dir.join(format!("{}.json", one.name));
            std::fs::write(&path, format!("{:#}\n", one.json)).with_context(|| path.display().to_string())?;
        }
    }
    let broken: Vec<String> = rendered
        .iter()
        .flat_map(|one| {
            one.breaches
                .iter()
                .map(|breach| format!("{}: {breach}", one.name))
        })
        .collect();
    match format {
        Format::Json => {
            let items: Vec<Value> = rendered
                .iter()
                .map(|one| json!({"name": one.name, "body": one.json, "breaches": one.breaches}))
                .collect();
            print(&format!("{}\n", json!({"platform": "slack", "items": items})))?;
        }
        Format::Text => print(&text(&rendered, &broken))?,
    }
    Ok(if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn render(sample: Sample) -> Rendered {
    match sample {
        Sample::Card(name, card) => {
            let (json, breaches) = slack::preview(&card);
            let text = card_text(&card);
            Rendered {
                name,
                text,
                json,
                breaches,
            }
        }
        Sample::Form(name, form) => {
            let (json, breaches) = slack::preview_form(&form);
            let text = form_text(&form);
            Rendered {
                name,
                text,
                json,
                breaches,
            }
        }
    }
}

fn text(rendered: &[Rendered], broken: &[String]) -> String {
    let mut out = String::new();
    for one in rendered {
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "── {} {}\n{}",
            one.name,
            "─".repeat(60_usize.saturating_sub(one.name.len())),
            one.text
        );
    }
    match broken {
        [] => {
            let _ = writeln!(
                out,
                "{} messages and forms, all within Slack's limits.",
                rendered.len()
            );
        }
        broken => {
            let _ = writeln!(out, "These break a limit of Slack:\n  {}", broken.join("\n  "));
        }
    }
    out
}

/// A card as a terminal shows it.
fn card_text(card: &Card) -> String {
    let mut out = String::new();
    for part in &card.parts {
        let _ = match part {
            Part::Heading { title, status } => {
                writeln!(
                    out,
                    "{title}{}",
                    status
                        .as_ref()
                        .map(|status| format!("    [{status}]"))
                        .unwrap_or_default()
                )
            }
            Part::Text(text) => writeln!(out, "{text}"),
            Part::Facts(facts) => facts
                .iter()
                .try_for_each(|(label, value)| writeln!(out, "{label:<12} {value}")),
            Part::Table { columns, rows } => {
                let mut table = comfy_table::Table::new();
                table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
                table.set_header(columns.iter().map(|column| column.title.clone()));
                rows.iter().for_each(|row| {
                    table.add_row(row.clone());
                });
                writeln!(out, "{table}")
            }
            Part::Buttons(buttons) => {
                let labels: Vec<String> = buttons
                    .iter()
                    .map(|button| format!("[ {} ]", button.label))
                    .collect();
                writeln!(out, "{}", labels.join(" "))
            }
            Part::Footer(words) => writeln!(out, "{words}"),
            Part::Image { alt, .. } => writeln!(out, "(picture: {alt})"),
        };
    }
    out
}

fn form_text(form: &Form) -> String {
    let mut out = format!("Form: {}\n", form.title);
    for text in &form.intro {
        let _ = writeln!(out, "{text}");
    }
    for field in &form.fields {
        let optional = if field.optional { " (optional)" } else { "" };
        let hint = field
            .hint
            .as_ref()
            .map(|hint| format!(" · {hint}"))
            .unwrap_or_default();
        let _ = writeln!(out, "  {}{optional}{hint}", field.label);
    }
    let _ = writeln!(out, "[ {} ]", form.submit.as_deref().unwrap_or("Close"));
    out
}

/// The example catalog that is built in, for the lists of the form.
fn sample_catalog() -> anyhow::Result<Catalog> {
    let text = include_str!("../../../deploy/catalog.example.toml");
    load::load("catalog.example.toml", text).map_err(|faults| anyhow::anyhow!("{faults}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_or_form_breaks_a_limit_of_the_platform() {
        let catalog = sample_catalog().unwrap();
        for one in samples::all(&catalog).into_iter().map(render) {
            assert!(one.breaches.is_empty(), "{}: {:?}", one.name, one.breaches);
        }
    }
}
