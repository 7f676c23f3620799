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
        insta::assert_snapshot!(files[0].text, @r##"
        # AI spend of Northwind Insurance, week of 16 November

        AI spend, week of 16 November: $2.43k, 31 % below last week. November: $9.93k so far, heading for $12.2k (11.9k–12.6k) of $15k. On track.

        97 % has an owner and an approved policy; $126 has not: $126 key "batch\_7" (no workflow).

        Moved most: support-answer −$1.08k (route change #142).

        Needs you:
        - calls that name no workflow: give them a tag, or a mapping rule in the catalog

        | Cost centre | Week | Against last week | November so far | Budget | Heading for | Share |
        | :-- | --: | --: | --: | --: | --: | --: |
        | Customer service | $2.43k | −$1.08k | $9.93k | $15k | $12.2k | 100 % |
        | **All** | $2.43k | −$1.08k | $9.93k | $15k | $12.2k | 100 % |

        ## Route changes

        - #142 support-answer: gpt-4o-2024-05-13 to gpt-4o-2024-08-06, seen in traffic on 18 November. Expected to save 43 % (about $6.45k a month). Saved $1.08k so far: $1.43k instead of $2.5k.

        ## Why it moved

        Against the week before: number of requests +$403, choice of models −$1.22k, length of requests and answers $0, prices $0; together −$823.

        Week 2026-11-16 to 2026-11-22 of Northwind Insurance. Amounts are what calls cost by your price book; estimates say so.
        "##);
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
