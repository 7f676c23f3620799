//! Reading JSON objects so that an error names the field, what it should be and what stands there.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A field that is missing, unknown or not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{why}", quoted(field))]
pub struct FieldError {
    /// The field with its path, for example `arms.incumbent.ok`; empty for the whole.
    pub field: String,
    /// What is wrong with it, to be read after the field's name.
    pub why: String,
}

impl FieldError {
    /// An error of `field`; `why` goes on after its name.
    pub fn new(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            why: why.into(),
        }
    }
}

/// The fields of one object; `path` leads the names in errors.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    path: &'a str,
    object: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value, path: &'a str) -> Result<Self, FieldError> {
        let object = value
            .as_object()
            .ok_or_else(|| FieldError::new(path, format!("must be an object, not {}", shown(value))))?;
        Ok(Self { path, object })
    }

    /// The value of a field; null and missing are the same.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// A field as `T`; `expected` says in words what it must be.
    pub(super) fn optional<T: Deserialize<'a>>(
        &self,
        key: &str,
        expected: &str,
    ) -> Result<Option<T>, FieldError> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        T::deserialize(value).map(Some).map_err(|_| {
            FieldError::new(
                self.name(key),
                format!("must be {expected}, not {}", shown(value)),
            )
        })
    }

    /// A field that may not be missing.
    pub(super) fn required<T: Deserialize<'a>>(&self, key: &str, expected: &str) -> Result<T, FieldError> {
        self.optional(key, expected)?
            .ok_or_else(|| FieldError::new(self.name(key), format!("is missing; it must be {expected}")))
    }

    /// Every field with its full name.
    pub(super) fn each(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.object.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Refuses fields that are not known, naming the nearest one that is.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), FieldError> {
        match self.each().find(|(key, _)| !known.contains(key)) {
            Some((key, _)) => Err(FieldError::new(self.name(key), unknown(key, known))),
            None => Ok(()),
        }
    }

    pub(super) fn name(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }
}

/// "is not known; did you mean …" for a name that is none of `known`.
pub(super) fn unknown(name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .max_by(|one, other| one.0.total_cmp(&other.0));
    match nearest {
        Some((likeness, nearest)) if likeness > 0.75 => format!("is not known; did you mean `{nearest}`?"),
        _ => format!("is not known; known are {}", known.join(", ")),
    }
}

fn quoted(field: &str) -> String {
    if field.is_empty() {
        String::new()
    } else {
        format!("`{field}` ")
    }
}

/// A value as an error shows it: short, and without the inside of lists and objects.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) if text.chars().count() > 40 => {
            format!("\"{}…\"", text.chars().take(40).collect::<String>())
        }
        plain => plain.to_string(),
    }
}
