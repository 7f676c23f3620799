//! A week told whole, and the weeks that have little to tell.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;

use super::changes::Outcome;
use super::compose::compose;
use super::{Digest, Inputs, RouteChange, Unmatched};
use crate::catalog::{Budget, Catalog, sample};
use crate::finance::coverage::Approved;
use crate::finance::period::Period;
use crate::usage::rollup::{Key, Meter, Sums};
use crate::values::{Usd, WorkflowId};

fn usd(text: &str) -> Usd {
    Usd(text.parse().unwrap())
}

/// One day's calls of a workflow on a model, at noon.
fn day(date: NaiveDate, workflow: &str, model: &str, calls: i64, cents_a_call: i64) -> (Key, Sums) {
    let cost = Decimal::new(calls * cents_a_call, 2);
    let key = Key {
        hour: date.and_hms_opt(12, 0, 0).unwrap().and_utc(),
        workflow: workflow.to_owned(),
        model: model.to_owned(),
        provider: "openai".to_owned(),
        kind: "live".to_owned(),
    };
    let sums = Sums {
        calls,
        input: Meter {
            quantity: calls * 100,
            cost,
        },
        cost,
        ..Sums::default()
    };
    (key, sums)
}

fn week() -> Period {
    Period::week_of("2026-11-16".parse().unwrap())
}

/// Ten weeks: support-answer moves to a route at 57 % of the cost on 18 November, claims-triage gets 18 % more calls.
fn rows() -> Vec<(Key, Sums)> {
    let first: NaiveDate = "2026-09-14".parse().unwrap();
    let changed: NaiveDate = "2026-11-18".parse().unwrap();
    let mut rows = Vec::new();
    for number in 0..70 {
        let date = first + Days::new(number);
        let (model, cents) = if date < changed {
            ("gpt-4o-2024-05-13", 100)
        } else {
            ("gpt-4o-2024-08-06", 57)
        };
        rows.push(day(date, "support-answer", model, 500, cents));
        let busy = if week().contains(date) { 472 } else { 400 };
        rows.push(day(date, "claims-triage", "claude-3-5-sonnet-20240620", busy, 50));
        rows.push(day(date, "", "gpt-4o-2024-05-13", 20, 90));
    }
    let mut unpriced = day(week().first, "support-answer", "house-model-1", 12, 0);
    unpriced.1.unpriced = 12;
    rows.push(unpriced);
    rows
}

fn catalog() -> Catalog {
    let mut catalog = sample::sample();
    catalog.budgets = vec![
        Budget {
            workflow: Some(WorkflowId::from("claims-triage")),
            cost_center: None,
            monthly_usd: usd("6300"),
            thresholds_percent: vec![50, 80, 100],
        },
        Budget {
            workflow: None,
            cost_center: Some("CC-4100".to_owned()),
            monthly_usd: usd("15000"),
            thresholds_percent: vec![50, 80, 100],
        },
    ];
    catalog
}

fn change() -> RouteChange {
    RouteChange {
        number: 142,
        workflow: "support-answer".to_owned(),
        from: "gpt-4o-2024-05-13".to_owned(),
        to: "gpt-4o-2024-08-06".to_owned(),
        outcome: Outcome::Verified,
        title: "Completed".to_owned(),
        on: "2026-11-18".parse().unwrap(),
        applied_on: Some("2026-11-18".parse().unwrap()),
        paired: Some((usd("2.86"), usd("1.63"))),
    }
}

fn told(catalog: &Catalog, rows: &[(Key, Sums)], changes: &[RouteChange], unmatched: &[Unmatched]) -> Digest {
    let approved: Approved = [
        ("support-answer", vec!["gpt-4o-2024-05-13", "gpt-4o-2024-08-06"]),
        ("claims-triage", vec!["claude-3-5-sonnet-20240620"]),
    ]
    .map(|(workflow, models)| {
        (
            workflow.to_owned(),
            models.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(),
        )
    })
    .into();
    compose(&Inputs {
        catalog,
        week: week(),
        rows,
        approved: &approved,
        changes,
        unmatched,
    })
}

#[test]
fn a_week_is_told_in_plain_words() {
    let unmatched = [Unmatched {
        caller: "key \"batch-7\"".to_owned(),
        calls: 140,
        cost: usd("126"),
    }];
    let denied = RouteChange {
        number: 141,
        to: "gpt-4o-mini-2024-07-18".to_owned(),
        outcome: Outcome::Ended,
        title: "Denied".to_owned(),
        applied_on: None,
        ..change()
    };
    let digest = told(&catalog(), &rows(), &[change(), denied], &unmatched);
    let mut lines = vec![digest.verdict, digest.coverage, digest.movers];
    lines.extend(digest.needs.iter().map(|need| format!("Needs you: {need}")));
    for row in &digest.table {
        let cells = [
            &row.name,
            &row.week,
            &row.change,
            &row.month,
            &row.budget,
            &row.forecast,
            &row.share,
        ];
        lines.push(cells.map(String::as_str).join(" | "));
    }
    lines.push(digest.drivers);
    lines.extend(digest.changes);
    lines.extend(digest.budgets);
    lines.extend(digest.notes);
    insta::assert_snapshot!(lines.join("\n"), @r#"
    AI spend, week of 16 November: $4.2k, 16 % below last week. November: $15k so far, heading for $19.2k of $21.3k. On track.
    97 % has an owner and an approved policy; $126 has not: $126 key "batch-7" (no workflow), 12 calls on model house-model-1, which has no price.
    Moved most: support-answer −$1.08k (route change #142), claims-triage +$252 (18 % more requests).
    Needs you: budget of claims-triage passes 100 % by 30 November
    Needs you: calls that name no workflow: give them a tag, or a mapping rule in the catalog
    Needs you: model house-model-1 has no price: add one to the catalog
    Customer service | $2.43k | −$1.08k | $9.93k | $15k | $12.2k | 57.7 %
    Claims | $1.65k | +$252 | $4.65k | – | $6.49k | 39.3 %
    Unallocated | $126 | $0 | $396 | – | $540 | 3 %
    All | $4.2k | −$823 | $15k | $21.3k | $19.2k | 100 %
    Against the week before: number of requests +$403, choice of models −$1.22k, length of requests and answers $0, prices −$9.62; together −$823.
    #141 support-answer: gpt-4o-2024-05-13 to gpt-4o-mini-2024-07-18: denied on 18 November.
    #142 support-answer: gpt-4o-2024-05-13 to gpt-4o-2024-08-06, seen in traffic on 18 November. Expected to save 43 % (about $6.45k a month). Saved $1.08k so far: $1.43k instead of $2.5k.
    claims-triage is heading for $6.49k in November, above its budget of $6.3k; $4.65k is spent.
    "#);
}

#[test]
fn the_tables_lines_sum_to_its_last() {
    let digest = told(&catalog(), &rows(), &[change()], &[]);
    let (sum, lines) = digest.table.split_last().unwrap();
    assert!(sum.sum);
    assert_eq!(lines.iter().map(|row| row.week_usd).sum::<Usd>(), sum.week_usd);
    assert_eq!(lines.iter().map(|row| row.month_usd).sum::<Usd>(), sum.month_usd);
    let pictured: Usd = digest
        .days
        .iter()
        .flat_map(|day| &day.parts)
        .map(|(_, amount)| *amount)
        .sum();
    assert_eq!(pictured, sum.month_usd);
}

#[test]
fn the_same_inputs_give_the_same_digest() {
    let (catalog, rows) = (catalog(), rows());
    assert_eq!(
        told(&catalog, &rows, &[change()], &[]),
        told(&catalog, &rows, &[change()], &[])
    );
}

#[test]
fn a_first_week_says_what_it_does_not_know_yet() {
    let mut catalog = catalog();
    catalog.budgets.clear();
    let rows: Vec<(Key, Sums)> = rows()
        .into_iter()
        .filter(|(key, _)| key.hour.date_naive() >= week().first)
        .collect();
    let digest = told(&catalog, &rows, &[], &[]);
    insta::assert_snapshot!([digest.verdict, digest.coverage, digest.movers, digest.notes.join(" ")].join("\n"), @r#"
    AI spend, week of 16 November: $4.2k. November: $4.2k so far, heading for $9.01k.
    97 % has an owner and an approved policy; $126 has not: $126 calls that name no workflow, 12 calls on model house-model-1, which has no price.
    There is no week before to compare with.
    The month's outlook is the pace so far: fewer than 21 days of history are there yet.
    "#);
}

#[test]
fn a_week_without_calls_is_told_too() {
    let digest = told(&catalog(), &[], &[], &[]);
    insta::assert_snapshot!([digest.verdict, digest.coverage, digest.movers].join("\n"), @r"
    AI spend, week of 16 November: $0.
    No spend of any workflow this week.
    There is no week before to compare with.
    ");
    assert!(digest.needs.is_empty());
}
