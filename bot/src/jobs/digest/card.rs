//! The digest as a card: about twelve lines, the verdict first.

use workflow_engine::{
    finance::{
        digest::{Digest, Standing},
        words,
    },
    ports::chat::{Button, ButtonStyle, Card, Column, Part, Text, Tone},
};

/// Most lines of the table; the files have them all.
const ROWS: usize = 8;

/// The card of a digest; `link` leads to the spend page.
#[must_use]
pub fn card(digest: &Digest, link: Option<&str>) -> Card {
    let tone = match digest.standing {
        Standing::OnTrack => Tone::Good,
        Standing::Watch => Tone::Waiting,
        Standing::Over => Tone::Bad,
        Standing::Unknown => Tone::Progress,
    };
    let mut card = Card::new(tone, &digest.verdict)
        .with(Part::Heading {
            title: format!("AI spend, week of {}", words::day(digest.week.first)),
            status: status(digest.standing),
        })
        .with(paragraph(without_heading(&digest.verdict)))
        .with(paragraph(&digest.coverage))
        .with(paragraph(&digest.movers));
    if !digest.needs.is_empty() {
        let needs = format!("Needs you: {}.", digest.needs.join(" · "));
        card = card.with(paragraph(&needs));
    }
    card = card.with(table(digest));
    for (title, lines) in [("Route changes", &digest.changes), ("Budgets", &digest.budgets)] {
        if !lines.is_empty() {
            let text = Text::default()
                .bold(title)
                .then(format!("\n{}", lines.join("\n")));
            card = card.with(Part::Text(text));
        }
    }
    if let Some(link) = link {
        card = card.with(Part::Buttons(vec![Button {
            action: "open_spend".to_owned(),
            label: "Open spend".to_owned(),
            value: String::new(),
            style: ButtonStyle::Plain,
            url: Some(link.to_owned()),
        }]));
    }
    card.with(Part::Footer(super::files::footer(digest)))
}

/// The verdict without what the heading says already.
fn without_heading(verdict: &str) -> &str {
    verdict.split_once(": ").map_or(verdict, |(_, rest)| rest)
}

fn status(standing: Standing) -> Option<String> {
    let words = standing.words().trim_end_matches('.');
    (!words.is_empty()).then(|| words.to_owned())
}

fn paragraph(text: &str) -> Part {
    Part::Text(Text::from(text))
}

fn table(digest: &Digest) -> Part {
    let column = |title: &str, right: bool| Column {
        title: title.to_owned(),
        right,
    };
    let left_out = digest.table.len().saturating_sub(ROWS + 1);
    let shown = digest
        .table
        .iter()
        .enumerate()
        .filter(|(index, row)| row.sum || *index < ROWS);
    let mut rows: Vec<Vec<String>> = shown
        .map(|(_, row)| {
            let cells = [
                &row.name,
                &row.week,
                &row.change,
                &row.month,
                &row.budget,
                &row.forecast,
            ];
            cells.map(Clone::clone).to_vec()
        })
        .collect();
    if left_out > 0 {
        let mut more = vec![format!("{left_out} more in the file")];
        more.resize(6, String::new());
        rows.insert(rows.len() - 1, more);
    }
    Part::Table {
        columns: vec![
            column("Cost centre", false),
            column("Week", true),
            column("Change", true),
            column(&digest.month.first.format("%B").to_string(), true),
            column("Budget", true),
            column("Heading for", true),
        ],
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::digest::sample;

    /// A part as a person reads it.
    fn words(part: &Part) -> String {
        match part {
            Part::Heading { title, status } => {
                format!("[{title} · {}]", status.as_deref().unwrap_or_default())
            }
            Part::Text(text) => text.to_string(),
            Part::Table { columns, rows } => {
                let head = columns.iter().map(|column| column.title.clone()).collect();
                let lines = std::iter::once(&head)
                    .chain(rows)
                    .map(|cells: &Vec<String>| cells.join(" | "));
                lines.collect::<Vec<_>>().join("\n")
            }
            Part::Buttons(buttons) => buttons
                .iter()
                .map(|button| format!("[ {} ]", button.label))
                .collect(),
            Part::Footer(text) => text.clone(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_card_says_the_verdict_first_and_has_no_jargon_above_the_table() {
        let card = card(&sample::digest(), Some("https://governor.example/spend"));
        assert_eq!(card.tone, Tone::Good);
        let words: Vec<String> = card.parts.iter().map(words).collect();
        insta::assert_snapshot!(words.join("\n"), @r##"
        [AI spend, week of 16 November · On track]
        $2.43k, 31 % below last week. November: $9.93k so far, heading for $12.2k (11.9k–12.6k) of $15k. On track.
        97 % has an owner and an approved policy; $126 has not: $126 key "batch_7" (no workflow).
        Moved most: support-answer −$1.08k (route change #142).
        Needs you: calls that name no workflow: give them a tag, or a mapping rule in the catalog.
        Cost centre | Week | Change | November | Budget | Heading for
        Customer service | $2.43k | −$1.08k | $9.93k | $15k | $12.2k
        All | $2.43k | −$1.08k | $9.93k | $15k | $12.2k
        Route changes
        #142 support-answer: gpt-4o-2024-05-13 to gpt-4o-2024-08-06, seen in traffic on 18 November. Expected to save 43 % (about $6.45k a month). Saved $1.08k so far: $1.43k instead of $2.5k.
        [ Open spend ]
        Week 2026-11-16 to 2026-11-22 of Northwind Insurance. Amounts are what calls cost by your price book; estimates say so.
        "##);
        let above = format!("{:?}", &card.parts[..4]);
        for word in ["token", "outlook", "p95", "rollup"] {
            assert!(!above.to_lowercase().contains(word), "{word}");
        }
    }
}
