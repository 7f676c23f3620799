//! A digest for tests of its files and its card.

use workflow_engine::{
    finance::{
        digest::{Day, Digest, Standing, table::Row},
        period::Period,
    },
    values::Usd,
};

/// A week with one cost centre.
pub(super) fn digest() -> Digest {
    let day = |text: &str| text.parse().unwrap();
    let usd = |text: &str| Usd(text.parse().unwrap());
    let row = |id: &str, name: &str, sum: bool| Row {
        name: name.to_owned(),
        id: id.to_owned(),
        week: "$2.43k".to_owned(),
        change: "−$1.08k".to_owned(),
        month: "$9.93k".to_owned(),
        budget: "$15k".to_owned(),
        forecast: "$12.2k".to_owned(),
        share: "100 %".to_owned(),
        week_usd: usd("2425"),
        month_usd: usd("9925"),
        sum,
    };
    Digest {
        company: "Northwind Insurance".to_owned(),
        week: Period::week_of(day("2026-11-16")),
        month: Period::month_of(day("2026-11-16")),
        standing: Standing::OnTrack,
        verdict: "AI spend, week of 16 November: $2.43k, 31 % below last week. November: $9.93k so far, heading for \
                  $12.2k (11.9k–12.6k) of $15k. On track."
            .to_owned(),
        coverage: "97 % has an owner and an approved policy; $126 has not: $126 key \"batch_7\" (no workflow).".to_owned(),
        movers: "Moved most: support-answer −$1.08k (route change #142).".to_owned(),
        needs: vec!["calls that name no workflow: give them a tag, or a mapping rule in the catalog".to_owned()],
        table: vec![row("CC-4100", "Customer service", false), row("total", "All", true)],
        drivers: "Against the week before: number of requests +$403, choice of models −$1.22k, length of requests and \
                  answers $0, prices $0; together −$823."
            .to_owned(),
        changes: vec![
            "#142 support-answer: gpt-4o-2024-05-13 to gpt-4o-2024-08-06, seen in traffic on 18 November. Expected to \
             save 43 % (about $6.45k a month). Saved $1.08k so far: $1.43k instead of $2.5k."
                .to_owned(),
        ],
        budgets: Vec::new(),
        notes: Vec::new(),
        days: vec![Day {
            day: day("2026-11-16"),
            parts: vec![("Answers to customers".to_owned(), usd("346.43"))],
        }],
        daily_budget: Some(usd("500")),
    }
}
