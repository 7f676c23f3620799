//! Single values of a catalog file: text, numbers, amounts, days; each read exactly, or told what it should have been.

use std::str::FromStr as _;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;
use toml::de::DeValue;

use super::schema::Kind;

/// One value that holds no others, or what it should have been.
pub(super) fn scalar(kind: &Kind, value: &DeValue<'_>) -> Result<Value, String> {
    let no = |should: &str| Err(format!("must be {should}, not {}", a(value)));
    match (kind, value) {
        (Kind::Text, DeValue::String(text)) if !text.trim().is_empty() => Ok(Value::from(text.as_ref())),
        (Kind::Text | Kind::Rules, _) => no("text in quotes"),
        (Kind::Flag, DeValue::Boolean(flag)) => Ok(Value::from(*flag)),
        (Kind::Flag, _) => no("true or false"),
        (Kind::Whole(low, high), DeValue::Integer(number)) => {
            match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) if (*low..=*high).contains(&number) => Ok(Value::from(number)),
                _ if *high == i64::MAX => Err(format!("must be {low} or more, not {number}")),
                _ => Err(format!("must be between {low} and {high}, not {number}")),
            }
        }
        (Kind::Whole(..), _) => no("a whole number"),
        (Kind::Number(above, most), DeValue::Integer(_) | DeValue::Float(_)) => {
            let text = digits(value).unwrap_or_default();
            match text.parse::<f64>() {
                Ok(number) if number > *above && number <= *most => Ok(Value::from(number)),
                _ => Err(format!("must be above {above} and at most {most}, not {text}")),
            }
        }
        (Kind::Number(..), _) => no("a number"),
        (Kind::Money, DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_)) => money(value),
        (Kind::Money, _) => no("an amount of dollars such as \"2500\""),
        (Kind::Day, DeValue::String(_) | DeValue::Datetime(_)) => day(value),
        (Kind::Day, _) => no("a day such as 2026-10-31"),
        (Kind::Zone, DeValue::String(zone)) => match chrono_tz::Tz::from_str(zone) {
            Ok(_) => Ok(Value::from(zone.as_ref())),
            Err(_) => Err(format!(
                "no time zone \"{zone}\"; write it as Europe/Berlin or UTC"
            )),
        },
        (Kind::Zone, _) => no("a time zone such as \"Europe/Berlin\""),
        (Kind::Word(words), DeValue::String(word)) if words.contains(&word.as_ref()) => {
            Ok(Value::from(word.as_ref()))
        }
        (Kind::Word(words), _) => no(&format!("one of {}", words.join(", "))),
        (Kind::Ref(_), _) => no("a name in quotes"),
        (Kind::List(_), _) => no("a list in [brackets]"),
        (Kind::Rows(_), _) => no("a list of tables, each under its own [[heading]]"),
        (Kind::One(_) | Kind::Map(_), _) => no("a table"),
    }
}

/// An exact amount: what is written, digit by digit, never through a floating-point number.
fn money(value: &DeValue<'_>) -> Result<Value, String> {
    let text = digits(value).unwrap_or_default();
    let amount = Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text));
    match amount {
        Ok(amount) if amount >= Decimal::ZERO => Ok(Value::from(amount.normalize().to_string())),
        Ok(_) => Err(format!("must be 0 or more, not {text}")),
        Err(_) => Err(format!(
            "must be an amount of dollars such as \"2500\" or \"0.0000025\", not \"{text}\""
        )),
    }
}

fn day(value: &DeValue<'_>) -> Result<Value, String> {
    let text = match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        _ => String::new(),
    };
    match NaiveDate::from_str(&text) {
        Ok(day) => Ok(Value::from(day.to_string())),
        Err(_) => Err(format!("must be a day such as 2026-10-31, not {text}")),
    }
}

/// A number as it is written.
fn digits(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.trim().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(|number| number.to_string()),
        _ => None,
    }
}

/// What was written, as the end of a sentence.
pub(super) fn a(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.trim().is_empty() => "empty text".to_owned(),
        DeValue::String(text) => format!("\"{text}\""),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
