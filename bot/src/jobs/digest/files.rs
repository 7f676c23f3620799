//! The digest as files: Markdown to read, HTML to print or mail, CSV to calculate with.

use anyhow::Context as _;
use handlebars::Handlebars;
use serde::Serialize;
use workflow_engine::finance::{digest::Digest, words};

use crate::plots;

const MARKDOWN: &str = include_str!("../../../templates/digests/digest.md.hbs");
const HTML: &str = include_str!("../../../templates/digests/digest.html.hbs");

/// A file by name.
pub struct File {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub text: String,
}

#[derive(Serialize)]
struct Model<'a> {
    #[serde(flatten)]
    digest: &'a Digest,
    period: String,
    month_name: String,
    picture: String,
    footer: String,
}

/// The files of a digest.
///
/// # Errors
/// When a built-in template does not fit, which a test forbids.
pub fn files(digest: &Digest) -> anyhow::Result<Vec<File>> {
    let model = Model {
        digest,
        period: format!("week of {}", words::day(digest.week.first)),
        month_name: digest.month.first.format("%B").to_string(),
        picture: plots::spend::draw(&digest.days, digest.daily_budget),
        footer: footer(digest),
    };
    let render = |name: &str, template: &str, escape: fn(&str) -> String| {
        let mut templates = Handlebars::new();
        templates.set_strict_mode(true);
        templates.register_escape_fn(escape);
        templates
            .render_template(template, &model)
            .with_context(|| name.to_owned())
    };
    Ok(vec![
        File {
            name: "digest.md",
            text: render("digest.md", MARKDOWN, in_markdown)?,
        },
        File {
            name: "digest.html",
            text: render("digest.html", HTML, handlebars::html_escape)?,
        },
        File {
            name: "digest.csv",
            text: csv(digest),
        },
    ])
}

/// `Week 2026-11-16 to 2026-11-22 of Northwind Insurance; days of UTC.`
pub(super) fn footer(digest: &Digest) -> String {
    format!(
        "Week {} to {} of {}. Amounts are what calls cost by your price book; estimates say so.",
        digest.week.first, digest.week.last, digest.company
    )
}

/// By cost centre, exact, the last line the sum.
fn csv(digest: &Digest) -> String {
    let mut out = String::from("period,cost_center,name,week_usd,month_to_date_usd\r\n");
    for row in &digest.table {
        let cells = [
            digest.week.first.to_string(),
            cell(&row.id),
            cell(&row.name),
            row.week_usd.plain(),
            row.month_usd.plain(),
        ];
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

/// A text that no spreadsheet takes for a formula.
pub fn cell(text: &str) -> String {
    let guarded = match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    match guarded.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", guarded.replace('"', "\"\"")),
        false => guarded,
    }
}

/// Names that people chose cannot break the table, nor become markup.
fn in_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '|' | '*' | '_' | '`' | '[' | ']' | '<' | '\\') {
            out.push('\\');
        }
        out.push(if character == '\n' { ' ' } else { character });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::digest::sample;

    #[test]
    fn the_markdown_reads_from_the_verdict_down() {
        let files = files(&sample::digest()).unwrap();
        insta::assert_snapshot!(files[0].text);
    }

    #[test]
    fn the_page_has_the_picture_and_no_markup_of_others() {
        let mut digest = sample::digest();
        digest.needs = vec!["<script>alert(1)</script>".to_owned()];
        let files = files(&digest).unwrap();
        assert!(files[1].text.contains("<svg"));
        assert!(!files[1].text.contains("<script>"));
        assert!(files[1].text.contains("&lt;script&gt;"));
    }

    #[test]
    fn the_table_for_spreadsheets_is_exact_and_no_formula() {
        let files = files(&sample::digest()).unwrap();
        insta::assert_snapshot!(files[2].text.replace("\r\n", "\n"), @r"
        period,cost_center,name,week_usd,month_to_date_usd
        2026-11-16,CC-4100,Customer service,2425,9925
        2026-11-16,total,All,2425,9925
        ");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("a, \"b\""), "\"a, \"\"b\"\"\"");
    }
}
