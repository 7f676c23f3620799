//! Tests of what is said.

use super::*;
use crate::{
    catalog::sample::sample as catalog,
    evidence::sample::{gpt_to_claude, may_to_august, quality, turbo_to_mini},
};

fn words() -> KindWords {
    catalog().workflows[0].strata.words.clone()
}

fn usd(text: &str) -> Usd {
    Usd(text.parse().unwrap())
}

#[test]
fn what_would_happen_is_said_with_its_fallback() {
    let catalog = catalog();
    let route = |id: &str| catalog.route(id).unwrap().route();
    insta::assert_snapshot!(what(&route("gpt-4o-0513"), &route("gpt-4o-0806")), @"Move from gpt-4o (2024-05-13) to gpt-4o (2024-08-06), all traffic, fallback unchanged.");
    insta::assert_snapshot!(what(&route("gpt-4o-0513"), &route("gpt-4o-mini-0718-ap")), @"Move from gpt-4o (2024-05-13) to gpt-4o-mini (2024-07-18) at azure.ai.openai in ap, all traffic, no fallback any more.");
    insta::assert_snapshot!(what(&route("gpt-4-turbo-0409"), &route("gpt-4o-0806")), @"Move from gpt-4-turbo (2024-04-09) to gpt-4o (2024-08-06), all traffic, fallback gpt-4-turbo (2024-04-09).");
}

#[test]
fn a_clean_change_says_how_much_better_and_how_much_cheaper() {
    insta::assert_snapshot!(evidence(&may_to_august(), &words(), Some(usd("19600"))), @"On 1,240 replayed calls it answered better (+3.8 points, between +2.4 and +5.3), in every kind of request, and costs 43 % less (between 42 and 44): about $8,400 a month (at least $8,200).");
    insta::assert_snapshot!(evidence(&may_to_august(), &words(), None), @"On 1,240 replayed calls it answered better (+3.8 points, between +2.4 and +5.3), in every kind of request, and costs 43 % less (between 42 and 44).");
}

#[test]
fn what_must_not_pass_says_both_sentences() {
    insta::assert_snapshot!(evidence(&turbo_to_mini(), &words(), None), @"On average it is no worse than today within 5 points (−1.9 points, between −3.5 and −0.5), yet measurably worse. It gets one kind of request clearly wrong more often: when no tool applies, in 7.5 of 100 more cases (between 3.6 and 12.1).");
    insta::assert_snapshot!(evidence(&turbo_to_mini(), &KindWords::new(), None), @"On average it is no worse than today within 5 points (−1.9 points, between −3.5 and −0.5), yet measurably worse. It gets one kind of request clearly wrong more often: in requests of kind relevance, in 7.5 of 100 more cases (between 3.6 and 12.1).");
}

#[test]
fn the_recorded_pairs_of_the_leaderboard_read_the_same() {
    use crate::{
        shadow::analysis::{analyze, pairs::parse_lines, plan::Plan},
        vectors,
    };
    let name = |part: &str| format!("cli/analyze/gpt-4-turbo__gpt-4o-mini.{part}");
    let (Some(plan), Some(pairs)) = (
        vectors::load(&name("plan.json")),
        vectors::text(&name("pairs.ndjson")),
    ) else {
        return;
    };
    let report = analyze(&Plan::parse(&plan).unwrap(), &parse_lines(&pairs).unwrap());
    assert_eq!(
        not_eligible(&report, &words()),
        not_eligible(&turbo_to_mini(), &words())
    );
    insta::assert_snapshot!(cost_words(&report.cost.unwrap()).unwrap(), @"costs 98 % less");
}

#[test]
fn a_cheaper_list_that_makes_a_dearer_bill_is_said_with_its_reason() {
    let report = gpt_to_claude();
    insta::assert_snapshot!(evidence(&report, &words(), None), @"On average it is measurably worse (−6.8 points, between −9.3 and −4.3). It costs 2.1 times what it costs today (between 2.1 and 2.2).");
    let cost = report.cost.unwrap();
    insta::assert_snapshot!(list_price_trap(&cost, Some(0.6)).unwrap(), @"The list price is 40 % lower on input, but it used 3.1 times the tokens: measured cost is 2.1 times today's.");
    assert_eq!(list_price_trap(&cost, Some(1.2)), None);
    assert_eq!(list_price_trap(&may_to_august().cost.unwrap(), Some(0.5)), None);
}

#[test]
fn what_cannot_be_told_yet_says_how_many_calls_would_tell() {
    let mut report = may_to_august();
    report.verdict = Verdict::Inconclusive;
    let open = quality(Some("relevance"), 60, [-0.05, -0.16, 0.05], ("inconclusive", 0.7));
    report.endpoints[1] = serde_json::from_value(open).unwrap();
    insta::assert_snapshot!(evidence(&report, &words(), None), @"On average it is no worse than today within 5 points (+3.8 points, between +2.4 and +5.3). 1 of 2 kinds of request is clearly fine, 1 cannot be told yet: when no tool applies (needs about 240 more calls).");
}

#[test]
fn latency_is_said_with_its_limits_and_todays() {
    insta::assert_snapshot!(latency_words(&may_to_august().latency.unwrap()), @"95 of 100 calls take 4.1 s at most (between 3.8 s and 4.7 s), 4.2 s today");
}
