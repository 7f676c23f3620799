//! Known answers of `shared/vectors`: every record to the last digit.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use super::apis::UsageApi;
use super::book::{AnsweredBy, CallTokens, Origin, PriceBook};
use super::entry::Entry;
use super::map;
use super::record::rate_line;
use crate::catalog::PriceOverride;
use crate::vectors::{load, text};

#[derive(Debug, Deserialize)]
struct Expected {
    lines: Vec<ExpectedLine>,
    multipliers: Vec<(String, Decimal)>,
    #[serde(alias = "expected_total_usd")]
    total_usd: Decimal,
}

#[derive(Debug, Deserialize)]
struct ExpectedLine {
    meter: String,
    quantity: Value,
    unit_price: Decimal,
    cost: Decimal,
}

/// One line of each meter as text, in an order of its own.
type Lines = Vec<(String, Decimal, Decimal, Decimal)>;

fn rated(line: &str, prices: &BTreeMap<String, Entry>) -> (Lines, Vec<(String, Decimal)>, Decimal) {
    let record = rate_line(line, prices).unwrap_or_else(|error| panic!("{line}: {error}"));
    assert!(!record.inconsistent, "{line}");
    let lines = record.lines.iter().map(|line| {
        (
            line.meter.to_owned(),
            line.quantity.get().parse().unwrap(),
            line.unit_price.parse().unwrap(),
            line.cost.parse().unwrap(),
        )
    });
    let multipliers = record
        .multipliers
        .iter()
        .map(|(name, factor)| (name.clone(), factor.parse().unwrap()));
    let mut lines: Lines = lines.collect();
    lines.sort();
    (lines, multipliers.collect(), record.total_usd.parse().unwrap())
}

fn expected(text: &str) -> (Lines, Vec<(String, Decimal)>, Decimal) {
    let expected: Expected = serde_json::from_str(text).unwrap();
    let lines = expected.lines.into_iter().map(|line| {
        let quantity = line.quantity.to_string().parse().unwrap();
        (line.meter, quantity, line.unit_price, line.cost)
    });
    let mut lines: Lines = lines.collect();
    lines.sort();
    (lines, expected.multipliers, expected.total_usd)
}

#[test]
fn the_command_reproduces_every_record_to_the_last_digit() {
    let Some(prices) = text("cli/rate/prices.json") else {
        return;
    };
    let prices = map::parse(&prices).unwrap();
    let (usage, answers) = (
        text("cli/rate/usage.ndjson").unwrap(),
        text("cli/rate/expected.ndjson").unwrap(),
    );
    assert_eq!(usage.lines().count(), 45);
    for (line, answer) in usage.lines().zip(answers.lines()) {
        assert_eq!(rated(line, &prices), expected(answer), "{line}");
    }
}

#[test]
fn each_case_of_the_cost_vectors_is_exact() {
    let Some(file) = load("cost.json") else { return };
    let cases = file["cases"]
        .as_array()
        .unwrap()
        .iter()
        .chain(file["disputed"].as_array().unwrap());
    for case in cases {
        let mut entry = case["price_entry"].clone();
        entry["litellm_provider"] = case["provider"].clone();
        let key = case["price_key"].as_str().unwrap();
        let prices = map::parse(&serde_json::json!({key: entry}).to_string()).unwrap();
        let line = case.to_string();
        assert_eq!(rated(&line, &prices), expected(&line), "{}", case["id"]);
        let total = &case["prompt_tokens_total"];
        if !total.is_null() {
            let api = UsageApi::named(case["usage_api"].as_str().unwrap()).unwrap();
            let counts = api.counts(&case["raw_usage"]).unwrap();
            assert_eq!(
                counts.prompt_tokens().to_string(),
                total.to_string(),
                "{}",
                case["id"]
            );
        }
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn shipped() -> PriceBook {
    let mut book = PriceBook::default();
    book.add_map(Origin::List, super::SHIPPED).unwrap();
    book
}

const CALL: CallTokens = CallTokens {
    input: Some(10_000),
    cached_input: Some(8_192),
    cache_write: None,
    output: Some(500),
    reasoning: Some(100),
};

const NOW: &str = "2026-11-01T10:00:00Z";

fn by<'a>(provider: &'a str, model: &'a str, time: &str) -> AnsweredBy<'a> {
    AnsweredBy {
        provider,
        model,
        service_tier: None,
        at: at(time),
    }
}

#[test]
fn a_stored_call_pays_the_price_of_its_service_tier() {
    let book = shipped();
    let cost = |tier| {
        let by = AnsweredBy {
            service_tier: tier,
            ..by("openai", "gpt-5-mini", NOW)
        };
        let tokens = CallTokens {
            input: Some(1_000_000),
            output: Some(100_000),
            ..CallTokens::default()
        };
        book.price_call(&by, &tokens).unwrap().cost.plain()
    };
    assert_eq!(
        [
            None,
            Some("default"),
            Some("flex"),
            Some("batch"),
            Some("priority")
        ]
        .map(cost),
        ["0.45", "0.45", "0.225", "0.225", "0.81"]
    );
}

#[test]
fn a_stored_call_is_priced_from_inclusive_totals() {
    let priced = shipped().price_call(&by("openai", "gpt-4o", NOW), &CALL).unwrap();
    assert_eq!(priced.cost.plain(), "0.01976");
    assert_eq!(priced.lines.len(), 4, "input, cache read, output, reasoning");
    assert!(
        priced.price_version.starts_with("list:gpt-4o#"),
        "{}",
        priced.price_version
    );
    assert!(!priced.inconsistent);
}

#[test]
fn an_unknown_price_or_prompt_is_no_cost_rather_than_none() {
    let book = shipped();
    assert_eq!(book.price_call(&by("openai", "house-model-1", NOW), &CALL), None);
    assert_eq!(
        book.price_call(&by("anthropic", "gpt-4o", NOW), &CALL),
        None,
        "another vendor's price"
    );
    let unknown = CallTokens { input: None, ..CALL };
    assert_eq!(book.price_call(&by("openai", "gpt-4o", NOW), &unknown), None);
}

#[test]
fn a_provider_has_its_own_price_under_its_prefix() {
    let book = shipped();
    for provider in ["azure", "azure.ai.openai"] {
        assert!(
            book.price_call(&by(provider, "gpt-4.1-mini", NOW), &CALL)
                .is_some(),
            "{provider}"
        );
    }
    assert!(
        book.price_call(&by("gcp.gemini", "gemini-2.5-flash", NOW), &CALL)
            .is_some()
    );
}

#[test]
fn a_contract_goes_before_an_override_before_the_list_each_in_its_time() {
    let mut book = shipped();
    let price = |kind: &str, from: &str, until: Option<&str>, input: &str| PriceOverride {
        provider: "openai".to_owned(),
        model: "gpt-4o".to_owned(),
        kind: kind.to_owned(),
        from: from.parse().unwrap(),
        until: until.map(|day| day.parse().unwrap()),
        source: "contract 17".to_owned(),
        prices: BTreeMap::from([("input_cost_per_token".to_owned(), input.parse().unwrap())]),
    };
    book.add_overrides(&[
        price("override", "2026-01-01", None, "0.0000024"),
        price("contract", "2026-06-01", Some("2026-06-30"), "0.000002"),
        price("override", "2026-09-01", None, "0.0000023"),
    ]);
    let tokens = CallTokens {
        input: Some(1_000_000),
        output: Some(0),
        ..CallTokens::default()
    };
    let cost = |day: &str| {
        let priced = book
            .price_call(&by("openai", "gpt-4o", &format!("{day}T12:00:00Z")), &tokens)
            .unwrap();
        format!(
            "{} {}",
            priced.cost.plain(),
            priced.price_version.split('#').next().unwrap()
        )
    };
    assert_eq!(cost("2025-12-31"), "2.5 list:gpt-4o");
    assert_eq!(cost("2026-05-31"), "2.4 override:gpt-4o@2026-01-01");
    assert_eq!(cost("2026-06-30"), "2 contract:gpt-4o@2026-06-01");
    assert_eq!(cost("2026-07-01"), "2.4 override:gpt-4o@2026-01-01");
    assert_eq!(cost("2026-09-01"), "2.3 override:gpt-4o@2026-09-01");
}

#[test]
fn contradictory_usage_is_marked_and_never_billed_below_its_parts() {
    let prices = map::parse(super::SHIPPED).unwrap();
    let line = |usage: &str| {
        let line =
            format!(r#"{{"id":"x","usage_api":"openai.chat","price_key":"gpt-4o","raw_usage":{usage}}}"#);
        let record = rate_line(&line, &prices).unwrap();
        (record.total_usd, record.inconsistent)
    };
    let cached_beyond_prompt =
        r#"{"prompt_tokens":100,"completion_tokens":10,"prompt_tokens_details":{"cached_tokens":400}}"#;
    assert_eq!(line(cached_beyond_prompt), ("0.0006".to_owned(), true));
    let wrong_total = r#"{"prompt_tokens":100,"completion_tokens":10,"total_tokens":130}"#;
    assert_eq!(line(wrong_total), ("0.00035".to_owned(), true));
    let reasoning_outside = r#"{"prompt_tokens":100,"completion_tokens":10,"total_tokens":130,
        "completion_tokens_details":{"reasoning_tokens":20}}"#;
    assert_eq!(
        line(&reasoning_outside.replace('\n', " ")),
        ("0.00055".to_owned(), false)
    );
}

#[test]
fn bad_lines_name_the_field_and_the_nearest_name() {
    let prices = map::parse(super::SHIPPED).unwrap();
    let error = |line: &str| rate_line(line, &prices).unwrap_err().to_string();
    insta::assert_snapshot!(error(r#"{"id":"x","usage_api":"openai.chats","price_key":"gpt-4o","raw_usage":{}}"#),
        @"`usage_api`: `openai.chats` is not known; did you mean `openai.chat`?");
    insta::assert_snapshot!(error(r#"{"id":"x","usage_api":"openai.chat","price_key":"gpt-4o-min","raw_usage":{}}"#),
        @"`price_key`: `gpt-4o-min` is not known; did you mean `gpt-4o-mini`?");
    insta::assert_snapshot!(error(r#"{"id":"x","usage_api":"openai.chat","price_key":"gpt-4o","raw_usage":{}}"#),
        @"`raw_usage.prompt_tokens` is missing");
    insta::assert_snapshot!(error(r#"{"id":"x","usage_api":"openai.chat","price_key":"gpt-4o","raw_usage":{"prompt_tokens":-3}}"#),
        @"`raw_usage.prompt_tokens` is -3, but must be a whole number of at least 0");
    insta::assert_snapshot!(error(r#"{"id":"x","usage_api":"openai.chat","price_key":"gpt-4o"}"#), @"`raw_usage` is missing");
    insta::assert_snapshot!(error(r#"{"id":"x","usage_api":"audio.speech","price_key":"gpt-4o","raw_usage":{"characters":10}}"#),
        @"`price_key`: no price for character under `gpt-4o`");
    insta::assert_snapshot!(
        error(r#"{"id":"x","usage_api":"openai.chat","price_key":"gpt-4o","raw_usage":{"prompt_tokens":1},"context":{"at":"noon"}}"#),
        @r#"`context.at` must be a time such as "2026-11-01T10:00:00Z""#);
    insta::assert_snapshot!(error("{"), @"not a JSON object: EOF while parsing an object at column 1");
}
