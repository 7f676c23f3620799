//! Reading counts out of a usage object, so that every complaint names the field.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

/// Why a usage object could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// A count without which nothing can be said.
    #[error("`{0}` is missing")]
    Missing(String),
    /// Something else where a count is due.
    #[error("`{field}` is {found}, but must be {expected}")]
    Wrong {
        /// Path of the field.
        field: String,
        /// What stands there.
        found: String,
        /// What must stand there.
        expected: &'static str,
    },
}

/// No call has more of anything; sums of several counts stay far from overflowing.
const MOST: u64 = 1_000_000_000_000_000;

/// An object of the usage with its path.
pub(super) struct Fields<'a> {
    path: String,
    object: Option<&'a Map<String, Value>>,
}

impl<'a> Fields<'a> {
    /// The usage object itself.
    pub(super) fn top(value: &'a Value) -> Result<Self, UsageError> {
        Self::object_at("raw_usage".to_owned(), Some(value)).and_then(|fields| match fields.object {
            Some(_) => Ok(fields),
            None => Err(UsageError::Missing(fields.path)),
        })
    }

    /// An object inside; absent or null is an object without fields.
    pub(super) fn object(&self, name: &str) -> Result<Self, UsageError> {
        Self::object_at(self.join(name), self.value(name))
    }

    /// Objects of a list inside; absent or null is an empty list.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Self>, UsageError> {
        let path = self.join(name);
        match self.value(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(index, item)| Self::object_at(format!("{path}[{index}]"), Some(item)))
                .collect(),
            Some(other) => Err(wrong(path, other, "a list")),
        }
    }

    /// A count that may be absent or null.
    pub(super) fn count(&self, name: &str) -> Result<Option<u64>, UsageError> {
        match self.value(name) {
            None => Ok(None),
            Some(value) => value
                .as_u64()
                .or_else(|| whole(value))
                .filter(|count| *count <= MOST)
                .map(Some)
                .ok_or_else(|| wrong(self.join(name), value, "a whole number of at least 0")),
        }
    }

    /// A count that is 0 when absent.
    pub(super) fn count_or_zero(&self, name: &str) -> Result<u64, UsageError> {
        Ok(self.count(name)?.unwrap_or(0))
    }

    /// A count that must be there.
    pub(super) fn needed(&self, name: &str) -> Result<u64, UsageError> {
        self.count(name)?
            .ok_or_else(|| UsageError::Missing(self.join(name)))
    }

    /// A quantity that need not be whole.
    pub(super) fn quantity(&self, name: &str) -> Result<Option<Decimal>, UsageError> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        value
            .as_number()
            .and_then(|number| decimal(&number.to_string()))
            .filter(|quantity| !quantity.is_sign_negative() && *quantity <= Decimal::from(MOST))
            .map(Some)
            .ok_or_else(|| wrong(self.join(name), value, "a number of at least 0"))
    }

    /// A text that may be absent.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name).and_then(Value::as_str)
    }

    /// The complaint that a field is missing.
    pub(super) fn missing(&self, name: &str) -> UsageError {
        UsageError::Missing(self.join(name))
    }

    fn object_at(path: String, value: Option<&'a Value>) -> Result<Self, UsageError> {
        match value {
            None | Some(Value::Null) => Ok(Self { path, object: None }),
            Some(Value::Object(object)) => Ok(Self {
                path,
                object: Some(object),
            }),
            Some(other) => Err(wrong(path, other, "an object")),
        }
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.object
            .and_then(|object| object.get(name))
            .filter(|value| !value.is_null())
    }

    fn join(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }
}

/// A number written with a fraction of zero (`12.0`) is a count too.
fn whole(value: &Value) -> Option<u64> {
    let quantity = decimal(&value.as_number()?.to_string())?;
    (quantity.fract().is_zero() && !quantity.is_sign_negative()).then(|| u64::try_from(quantity).ok())?
}

fn decimal(text: &str) -> Option<Decimal> {
    text.parse().or_else(|_| Decimal::from_scientific(text)).ok()
}

fn wrong(field: String, value: &Value, expected: &'static str) -> UsageError {
    let mut found = value.to_string();
    if found.chars().count() > 40 {
        found = format!("{}…", found.chars().take(40).collect::<String>());
    }
    UsageError::Wrong {
        field,
        found,
        expected,
    }
}
